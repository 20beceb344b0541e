"""A database is backed up while its node posts, and restored: nothing is lost or posted twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from sqlalchemy import func, select

from app.db.backup import copy_sqlite
from app.db.vault import vault_of
from app.domain.errors import StorageFault, UsageFault
from app.intake.tables import events, feeds
from app.node.bank import Bank
from app.outbox.lifecycle import FINAL
from app.outbox.progress import drained
from app.outbox.tables import batches, leases
from tests.integration.nodes import ROOT, Node, Nodes, live
from tests.integration.posting import FACILITY, LEAD, PARTNERS, Net, await_true
from tests.postgres import Cluster

ROWS = 400

Copy = Callable[[str], str]
"""Backs up the database at a URL with the documented command; returns the restored copy's URL."""


@pytest.fixture(params=["sqlite", "postgres"])
def backed_up(
    request: pytest.FixtureRequest, net: Net, tmp_path: Path
) -> Iterator[tuple[str, Copy]]:
    """The URL of an empty database, and how it is backed up and restored elsewhere."""
    if request.param == "sqlite":

        def copy_file(_: str) -> str:
            target = tmp_path / "restored.db"
            done = tally("backup", str(target), "--config", str(net.folder.config(LEAD)))
            assert done.returncode == 0, done.stderr
            return f"sqlite:///{target}"

        yield f"sqlite:///{tmp_path / 'original.db'}", copy_file
        return
    cluster: Cluster = request.getfixturevalue("postgres_cluster")
    url: str = request.getfixturevalue("postgres_url")
    name = f"restored_{uuid.uuid4().hex}"
    dump = tmp_path / "bank.dump"

    def copy_server(source: str) -> str:
        programs = cluster._bin
        run(programs / "pg_dump", "--format=custom", f"--file={dump}", source)
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as server:
            server.execute(f"CREATE DATABASE {name}")
        run(programs / "pg_restore", "--exit-on-error", f"--dbname={cluster.url(name)}", dump)
        return cluster.url(name)

    yield url, copy_server
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def run(program: Path, *arguments: str | Path) -> None:
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def tally(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )


def restore(net: Net) -> str:
    """Run `tally restore`; returns what it says."""
    done = tally("restore", "--config", str(net.folder.config(LEAD)))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def put(net: Net, node: Node, path: Path) -> None:
    inbox = node.folder / "inbox" / FACILITY
    inbox.mkdir(parents=True, exist_ok=True)
    target = Path(shutil.copy(path, inbox / path.name))
    os.utime(target, (1, 1))


def count(net: Net, bank: Bank, query: Any) -> int:
    return int(net.rows(bank, query)[0][0])


def test_backed_up_while_it_posts_and_restored_elsewhere(
    net: Net, nodes: Nodes, backed_up: tuple[str, Copy]
) -> None:
    url, copy = backed_up
    node = nodes(database_url=url)
    node.await_health(live)
    watching = net.bank(LEAD)
    before, after = (net.feed_file(LEAD, ROWS)[0] for _ in range(2))
    put(net, node, before)
    await_true(lambda: net.rows(watching, select(batches)), "it posts")
    restored_url = copy(url)
    put(net, node, after)
    everything = select(func.count()).select_from(events)
    await_true(lambda: count(net, watching, everything) == 2 * ROWS, "both were taken in")
    await_true(lambda: drained(watching.engine, FACILITY), "everything is final")
    node.process.kill()  # and its disk is lost
    node.process.wait()
    head = net.head(watching)

    # A node on the copy sees that it is not the one that posted, and posts nothing.
    stale = nodes(database_url=restored_url)
    stale.await_health(lambda health: bool(health["problems"]))
    stale.await_unready("posting-stopped")
    assert stale.ends() == 0
    assert net.head(watching) == head

    assert f"{FACILITY}: " in restore(net)
    assert f"{FACILITY}: 0 batches and 0 events read back" in restore(net)
    bank = net.bank(LEAD)
    assert bank.engine.url.render_as_string(hide_password=False) == restored_url.replace(
        "postgresql:", "postgresql+psycopg:"
    )
    for path in (before, after):  # core banking sends everything again
        again = bank.intakes.take_in(FACILITY, path, lambda rows: None, lambda text: None)
        assert (again.duplicate, again.accepted, again.quarantined) == (ROWS, 0, 0)
    net.feed(bank, 5)
    net.drain(bank)
    assert count(net, bank, everything) == 2 * ROWS + 5
    net.assert_exactly_once(bank, 2 * ROWS + 5)
    net.opened.close()


def facts(bank: Bank) -> dict[str, tuple[Any, ...]]:
    """What a database knows of its events, but for when and from what feed they came."""
    with bank.engine.connect() as connection:
        vault = vault_of(connection)
        return {
            row.event_id: (
                bytes(row.identity), row.duplicate_leg, row.kind, row.partner, row.event_ref,
                row.amount, row.value_day, row.business_day, row.shares_day, row.target_kind,
                row.target_ref, row.booked_at, row.parts, row.reversed, row.leg_index,
                orjson.loads(vault.open(row.details)) if row.details else None, row.sequence,
            )
            for row in connection.execute(
                select(events, batches.c.sequence).join(batches, batches.c.id == events.c.batch_id)
            )
        }  # fmt: skip


SHARED = {"kind": "drawdown", "partner": "", "shares_on": "2026-01-05"}
DETAILED = {"loan_ref": "L-1", "borrower_ref": "B-1", "memo": "“quoted”, 中文"}


@pytest.mark.parametrize("name", [LEAD, PARTNERS[0]])
def test_an_empty_database_learns_everything_that_was_posted(
    net: Net, name: str, database_url: str, tmp_path: Path
) -> None:
    bank = net.fresh_bank(database_url, name)
    files = [net.feed_file(name, 3, **DETAILED)[0]]
    if name == LEAD:
        files.append(net.feed_file(name, 3, **SHARED)[0])
        files.append(net.feed_file(name, 1, kind="drawdown", partner="", event_ref="R-of-all")[0])
        files.append(
            net.feed_file(name, 1, kind="reversal", partner="", reverses="drawdown/R-of-all")[0]
        )
    else:
        files.append(net.feed_file(name, 2, partner=name)[0])
    files.append(net.feed_file(name, 2, event_ref="R-twice")[0])  # one of them is a duplicate leg
    rows = 0
    for path in files:
        taken = bank.intakes.take_in(FACILITY, path, lambda rows: None, lambda text: None)
        assert taken.quarantined == 0
        rows += taken.accepted
        net.drain(bank)
    known = facts(bank)
    assert len(known) == rows
    bank.close()

    anew = net.bank(name, f"sqlite:///{tmp_path / 'anew.db'}")
    (done,) = anew.posting.restore(anew.follower.catch_up)
    assert (done.events, done.dropped, done.unreadable) == (rows, [], [])
    assert facts(anew) == known
    for path in files:
        again = anew.intakes.take_in(FACILITY, path, lambda rows: None, lambda text: None)
        assert again.duplicate == again.rows_in
    changed = files[0].read_text().replace("100.00", "100.01")
    files[0].write_text(changed)
    other = anew.intakes.take_in(FACILITY, files[0], lambda rows: None, lambda text: None)
    assert other.quarantined == other.rows_in == 3
    net.drain(anew)
    net.catch_up(anew)
    assert net.account(anew).proof == 0


def test_a_batch_that_the_lost_database_had_fixed_differently(net: Net, tmp_path: Path) -> None:
    """Both fixed the same sequence under the same nonce; the lost one's was mined."""
    original = net.fresh_bank(f"sqlite:///{tmp_path / 'original.db'}")
    net.feed(original, 2)
    net.drain(original)
    waiting = net.feed(original, 3)
    copy_sqlite(tmp_path / "original.db", tmp_path / "copy.db")
    net.mining(False)
    net.feed(original, 2)
    original.posting.tick()
    original.close()

    copy = net.bank(LEAD, f"sqlite:///{tmp_path / 'copy.db'}")
    net.feed(copy, 4)
    await_true(lambda: copy.posting.tick() > 0, "the copied lease runs out, it fixes its own")
    net.mining(True)
    await_true(lambda: copy.posting.tick() is not None and copy.posting.conflict, "the lane stops")
    copy.close()
    copy = net.bank(LEAD)
    (done,) = copy.posting.restore(copy.follower.catch_up)
    assert (done.batches, done.events, done.dropped) == (1, 2, [2])
    assert set(waiting) <= facts(copy).keys()
    net.drain(copy)
    net.assert_exactly_once(copy, 2 + 3 + 2 + 4)


def test_what_was_read_back_is_offered_again_when_the_chain_loses_it(
    net: Net, tmp_path: Path
) -> None:
    original = net.fresh_bank(f"sqlite:///{tmp_path / 'original.db'}")
    net.feed(original, 2)
    net.drain(original)
    with net.lost_blocks():
        net.feed(original, 3)
        net.drain(original)
        original.close()
        copy = net.bank(LEAD, f"sqlite:///{tmp_path / 'copy.db'}")
        copy.posting.restore(copy.follower.catch_up)
    net.drain(copy)
    net.assert_exactly_once(copy, 5)


def test_nothing_is_restored_while_a_node_posts(net: Net, tmp_path: Path) -> None:
    bank = net.fresh_bank(f"sqlite:///{tmp_path / 'bank.db'}")
    bank.posting.tick()
    other = net.bank(LEAD)
    with pytest.raises(UsageFault, match="another process posts"):
        other.posting.restore(other.follower.catch_up)
    assert count(net, bank, select(func.count()).select_from(leases)) == 1


def test_only_what_is_not_there_is_read_back(net: Net, tmp_path: Path) -> None:
    bank = net.fresh_bank(f"sqlite:///{tmp_path / 'bank.db'}")
    net.feed(bank, 3)
    net.drain(bank)
    (done,) = bank.posting.restore(bank.follower.catch_up)
    assert (done.batches, done.events, done.dropped, done.unreadable) == (0, 0, [], [])
    sources = {row.source for row in net.rows(bank, select(feeds.c.source))}
    assert sources == {"file"}
    assert {row.state for row in net.rows(bank, select(batches.c.state))} == {FINAL}


def test_a_backup_is_whole_and_private_or_not_there(tmp_path: Path, net: Net) -> None:
    net.fresh_bank(f"sqlite:///{tmp_path / 'bank.db'}")
    target = tmp_path / "backup.db"
    assert copy_sqlite(tmp_path / "bank.db", target) == target.stat().st_size
    assert target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageFault, match="is there already"):
        copy_sqlite(tmp_path / "bank.db", target)
    with pytest.raises(StorageFault, match="could not be made"):
        copy_sqlite(tmp_path / "bank.db", tmp_path / "nowhere" / "backup.db")
    with pytest.raises(StorageFault, match="could not be made"):
        copy_sqlite(tmp_path / "no-such.db", tmp_path / "other.db")
    assert sorted(path.name for path in tmp_path.glob("*.new")) == []


def test_pg_dump_is_named_where_the_database_is_a_server(net: Net, tmp_path: Path) -> None:
    net.bank(LEAD)
    config = net.folder.config(LEAD)
    text = config.read_text()
    line = next(line for line in text.splitlines() if line.startswith("database_url"))
    config.write_text(text.replace(line, 'database_url = "postgresql://u:hunter2@db/bank"'))
    done = tally("backup", str(tmp_path / "x"), "--config", str(config))
    config.write_text(text)
    assert done.returncode == 2
    assert "pg_dump --format=custom" in done.stderr
    assert "hunter2" not in done.stderr
