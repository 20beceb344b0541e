"""The audit trail: what stands in it, and that no change of it goes unseen."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, insert, select, update

from app.actions.audit_head import anchor_due
from app.audit.tables import audit_trail
from app.audit.trail import Entry, append, row_hash
from app.audit.verify import Head, verify
from app.contracts.day_close import DayClose
from app.db.engine import create
from app.readmodel.disclosures.queries import own_anchors
from ganache.launcher import start
from tests.e2e.running import Outcome, tally_in_process
from tests.integration.faces import Face
from tests.integration.posting import Net
from tests.integration.seeded import START, Seed

ROOT = Path(__file__).parents[2]
FACILITY = "WLD-2016-A"


def write(engine: Engine, rows: int = 5) -> None:
    for number in range(rows):
        with engine.begin() as connection:
            append(connection, Entry("nobody", "test", f"第{number}", details={"b": 1, "a": "é"}))


def check(engine: Engine, *kept: Head) -> tuple[int, str]:
    with engine.connect() as connection:
        found = verify(connection, kept)
        return found.head.number, found.wrong


class TestTheChain:
    @pytest.fixture
    def trail(self, database: Engine) -> Engine:
        write(database)
        return database

    def test_it_holds_as_it_was_written(self, trail: Engine) -> None:
        assert check(trail) == (5, "")

    def test_the_first_row_that_was_changed_is_said(self, trail: Engine) -> None:
        third = audit_trail.c.number == 3
        with trail.connect() as connection:
            was = connection.execute(select(audit_trail).where(third)).mappings().one()
        for column, value in {
            "at": "2020-01-01T00:00:00.000+00:00",
            "actor": "person:somebody",
            "act": "other",
            "subject": "",
            "outcome": "refused",
            "address": "10.0.0.1",
            "details": "{}",
            "hash": bytes(32),
        }.items():
            with trail.begin() as connection:
                connection.execute(update(audit_trail).where(third).values({column: value}))
            assert check(trail) == (2, "row 3 does not fit its hash and the row before"), column
            with trail.begin() as connection:
                connection.execute(update(audit_trail).where(third).values(was))

    def test_a_row_that_was_taken_out(self, trail: Engine) -> None:
        with trail.begin() as connection:
            connection.execute(delete(audit_trail).where(audit_trail.c.number == 3))
        assert check(trail) == (2, "row 3 is missing")

    def test_what_was_written_anew_is_seen_by_a_head_that_was_kept(self, trail: Engine) -> None:
        with trail.connect() as connection:
            kept = verify(connection).head
            rows = connection.execute(select(audit_trail)).mappings().all()
        assert check(trail, kept) == (5, "")
        with trail.begin() as connection:  # by somebody who may write the database
            connection.execute(delete(audit_trail))
            before = bytes(32)
            for row in rows:
                content = {name: value for name, value in row.items() if name != "hash"}
                content["actor"] = "person:scapegoat"
                before = row_hash(before, content)
                connection.execute(insert(audit_trail).values(**content, hash=before))
        assert check(trail) == (5, "")
        assert check(trail, kept) == (5, "row 5 is not the one whose hash was kept")

    def test_an_end_that_was_cut_off_is_seen_by_a_head_that_was_kept(self, trail: Engine) -> None:
        with trail.connect() as connection:
            kept = verify(connection).head
        with trail.begin() as connection:
            connection.execute(delete(audit_trail).where(audit_trail.c.number > 3))
        assert check(trail, kept) == (3, "the trail ends before row 5, whose hash was kept")

    def test_writers_at_once_make_one_chain(self, trail: Engine) -> None:
        threads = [threading.Thread(target=write, args=(trail, 10)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert check(trail) == (45, "")

    def test_what_is_rolled_back_leaves_no_row(self, trail: Engine) -> None:
        with pytest.raises(RuntimeError), trail.begin() as connection:
            append(connection, Entry("nobody", "test"))
            raise RuntimeError
        assert check(trail) == (5, "")


def test_the_command_checks_prints_the_head_and_says_what_is_wrong(tmp_path: Path) -> None:
    engine = create(f"sqlite:///{tmp_path / 'bank.sqlite'}")
    Seed(engine)
    write(engine, 2)
    config = tmp_path / "bank.toml"
    config.write_text(
        'name = "webank"\nkeys = "keys"\ndatabase_url = "sqlite:///bank.sqlite"\n'
        'manifest = "network.json"\nrpc = "http://127.0.0.1:1"\ninbox = "inbox"\n'
    )

    def tally(*arguments: str) -> Outcome:
        return tally_in_process(["audit", "verify", "--config", config, *arguments])

    good = tally()
    assert good.code == 0
    assert "2 rows" in good.stdout
    head = good.stdout.split("head ")[1].strip()
    with engine.begin() as connection:
        connection.execute(update(audit_trail).where(audit_trail.c.number == 2).values(actor="x"))
    engine.dispose()
    bad = tally("--head", head)
    assert bad.code == 3
    assert "row 2 does not fit" in bad.stderr
    assert tally("--head", "nonsense").code == 2


class TestWhatStandsInIt:
    def last(self, node: Face) -> tuple[str, str, str]:
        with node.engine.connect() as connection:
            newest = select(audit_trail).order_by(audit_trail.c.number.desc()).limit(1)
            row = connection.execute(newest).one()
            return row.actor, row.act, row.subject

    def test_keys_that_are_made_and_revoked(self, node: Face) -> None:
        client = node.client("admin")
        actor = f"key:{client.headers['Authorization'].split('_')[1]}"
        made = client.post("/v1/keys", json={"name": "x", "role": "read"}).json()
        assert self.last(node) == (actor, "key.create", made["id"])
        client.delete(f"/v1/keys/{made['id']}")
        assert self.last(node) == (actor, "key.revoke", made["id"])
        with node.engine.connect() as connection:
            where = select(audit_trail.c.address).where(audit_trail.c.subject == made["id"])
            assert list(connection.execute(where).scalars()) == ["127.0.0.1"] * 2

    def test_an_export_by_a_key_and_by_a_person_who_may(self, node: Face) -> None:
        day = START.date().isoformat()
        path = f"/v1/reports/break-ageing?facility={FACILITY}&from={day}&to={day}"
        by_key = node.client("read")
        assert by_key.get(path).status_code == 200
        actor, act, subject = self.last(node)
        assert (actor.split(":")[0], act) == ("key", "export")
        assert subject.endswith(".json") and FACILITY in subject
        assert node.signed_in("treasury").get(path).status_code == 200
        assert self.last(node)[0].startswith("person:p-")
        viewer = node.signed_in("viewer")
        before = self.last(node)
        refused = viewer.get(path)
        assert refused.status_code == 403 and "export" in refused.json()["detail"]
        assert node.client(None).get(path).status_code == 401
        assert self.last(node) == before


def test_the_head_is_anchored_once_a_day_and_holds_a_trail_that_is_written_anew(
    tmp_path: Path, sqlite_url: str
) -> None:
    with start("anvil", state_dir=tmp_path / "chain", keep_state=False) as chain:
        net = Net(tmp_path / "net", chain.process.url)
        bank = net.fresh_bank(sqlite_url)
        days = DayClose(net.rpc, net.manifest.addresses["DayClose"])

        def anchors() -> list[Head]:
            anchor_due(bank.view, days, bank.operator())
            net.catch_up(bank)
            with bank.engine.connect() as connection:
                return [Head(one.rows, one.head) for one in own_anchors(connection)]

        with bank.engine.begin() as connection:
            connection.execute(delete(audit_trail))
        assert anchors() == [], "of an empty trail nothing"
        write(bank.engine, 2)
        (first,) = anchors()
        assert first.number == 2
        write(bank.engine, 1)
        assert anchors() == [first], "once a day"
        net.rpc.call("evm_increaseTime", [86_400])
        net.rpc.call("evm_mine", [])
        net.catch_up(bank)
        _, second = anchors()
        assert second.number == 4, "the row that tells of the first anchor, and one more"
        assert days.audit_anchor_of(1) == (4, second.hash)
        net.rpc.call("evm_increaseTime", [86_400])
        net.rpc.call("evm_mine", [])
        net.catch_up(bank)
        assert len(anchors()) == 2, "its own row alone is no news"
        assert check(bank.engine, first, second) == (5, "")

        with bank.engine.begin() as connection:
            connection.execute(delete(audit_trail))
        write(bank.engine, 5)
        assert check(bank.engine) == (5, "")
        assert check(bank.engine, first, second) == (
            2,
            "row 2 is not the one whose hash was kept",
        )
        config = net.folder.config("webank")
        command = [sys.executable, "-m", "app", "audit", "verify", "--config", str(config)]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert said.returncode == 3
        assert "row 2 is not the one" in said.stderr
        net.close()
