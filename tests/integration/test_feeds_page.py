"""The pages of feeds and legs, fetched without a browser: what they say and who may act."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, insert, select, update

from app.audit.tables import audit_trail
from app.db.engine import create
from app.domain.kinds import Kind
from app.intake.tables import events
from app.outbox.dead_letters import add_dead_letter
from app.outbox.tables import attempts, batches
from app.readmodel.days.tables import day_closes
from app.readmodel.pairs.tables import pairs
from app.web.feeds_page import feeds_page
from app.web.legs_page import Search, legs_page
from tests.feeds import csv_bytes
from tests.integration.faces import Face, csrf_of, face
from tests.integration.seeded import START, Seed
from tests.integration.test_api_events import BULK, event
from tests.integration.vaults import VAULT

UPLOAD = "/feeds/upload?facility=WLD-2016-A&name=feed.csv"


@pytest.fixture
def seed(tmp_path: Path) -> Iterator[Seed]:
    opened = create(f"sqlite:///{tmp_path / 'bank.sqlite'}", vault=VAULT)
    yield Seed(opened)
    opened.dispose()


@pytest.fixture
def engine(seed: Seed) -> Engine:
    return seed.engine


@pytest.fixture
def node(engine: Engine) -> Iterator[Face]:
    with face(engine) as served:
        yield served


@pytest.fixture
def officer(node: Face) -> httpx.Client:
    return node.signed_in("officer")


def quarantine(node: Face, *events: dict[str, object]) -> None:
    answer = node.client("feeds").post(BULK, json=events)
    assert answer.json()["rows"]["quarantined"] == len(events)


def post(client: httpx.Client, path: str, **fields: object) -> httpx.Response:
    csrf = csrf_of(client.get("/feeds").text)
    return client.post(path, data={"csrf": csrf, **fields}, follow_redirects=True)


def acts(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(select(audit_trail.c.act)).scalars())


def test_feeds_show_their_sums_and_why_rows_wait(node: Face, officer: httpx.Client) -> None:
    page = officer.get("/feeds").text
    assert "Nothing was sent" in page
    assert "No row waits" in page
    quarantine(node, event(1, amount="1,00"), event(2, amount="2,00"), event(3, currency="EUR"))
    page = officer.get("/feeds").text
    assert "3 rows wait" in page
    assert "amount is not digits with an optional point and decimals: write decimals" in page
    assert 'data-label="Rows in">3<' in page


def test_feeds_and_legs_are_read_from_either_database(database_url: str) -> None:
    engine = create(database_url, vault=VAULT)
    Seed(engine).fill(5)
    with face(engine) as node:
        quarantine(node, event(1, amount="1,00"), event(2, amount="2,00"))
    with engine.connect() as connection:
        page = feeds_page(connection, None)
        assert [one.reason.rows for one in page.reasons] == [2]
        assert [one.record.waiting for one in page.feeds] == [2]
        for search in (Search(), Search("R"), Search("1.00"), Search("101", "block")):
            assert legs_page(connection, search, None, lambda _: []).fault == ""
    engine.dispose()


def test_a_row_is_mended_replayed_and_says_who_did_it(
    node: Face, officer: httpx.Client, engine: Engine
) -> None:
    quarantine(node, event(1, amount="1,00", memo="<b>还款</b>"))
    page = officer.get("/feeds/rows/1").text
    assert "&lt;b&gt;还款&lt;/b&gt;" in page
    assert "<b>" not in page
    refused = post(officer, "/feeds/rows/1", act="mend", amount="x", event_id="typed")
    assert refused.status_code == 200  # it is another fault now
    assert "typed" in refused.text
    columns = dict(re.findall(r'name="(\w+)" value="([^"]*)"', officer.get("/feeds/rows/1").text))
    columns |= {"act": "mend", "amount": "1.00", "event_id": "E-1", "memo": "还款"}
    mended = officer.post("/feeds/rows/1", data=columns, follow_redirects=True).text
    assert "Ready" in mended
    done = post(officer, "/feeds/rows/1", act="replay").text
    assert "Accepted" in done
    assert "Mended by P-" in done
    again = post(officer, "/feeds/rows/1", act="replay")
    assert again.status_code == 422
    assert "does not wait" in again.text
    assert acts(engine)[-1] == "quarantine.replayed"


def test_rows_are_dismissed_with_a_reason_and_restored(node: Face, officer: httpx.Client) -> None:
    quarantine(node, event(1, amount="1,00"))
    refused = post(officer, "/feeds/rows/1", act="dismiss", why=" ")
    assert (refused.status_code, "a reason of 1 to 500" in refused.text) == (422, True)
    assert "Dismissed by P-" in post(officer, "/feeds/rows/1", act="dismiss", why="a test").text
    assert "No row waits" in officer.get("/feeds").text
    assert "Line 1" in officer.get("/feeds/rows?show=dismissed").text
    assert "Restored by P-" in post(officer, "/feeds/rows/1", act="restore", why="real").text


def test_all_of_a_reason_at_once(node: Face, officer: httpx.Client) -> None:
    quarantine(node, event(1, amount="1,00"), event(2, amount="2,00"), event(3, currency="EUR"))
    said = post(officer, "/feeds/rows", act="replay", facility="WLD-2016-A", field="amount").text
    assert "0 accepted, 0 duplicate, 2 still faulty" in said
    said = post(officer, "/feeds/rows", act="dismiss", why="test", feed_id="1").text
    assert "3 changed" in said
    assert post(officer, "/feeds/rows", act="dismiss", why="all of all").status_code == 422
    assert post(officer, "/feeds/rows", act="conquer", feed_id="1").status_code == 422


def test_rows_without_a_fault_are_a_group_of_their_own(node: Face, officer: httpx.Client) -> None:
    quarantine(node, event(1, amount="1,00"), event(2, amount="2,00"))
    post(officer, "/feeds/rows/1", act="mend", amount="1.00")
    assert "Nothing is at fault any more" in officer.get("/feeds").text
    ready = {"facility": "WLD-2016-A", "field": "", "reason": ""}
    assert "1 changed" in post(officer, "/feeds/rows", act="dismiss", why="no", **ready).text
    assert "1 row waits" in officer.get("/feeds").text
    for feed_id in ("x", "9" * 30, "-1"):
        assert post(officer, "/feeds/rows", act="replay", feed_id=feed_id).status_code == 422


def test_a_file_is_checked_before_it_is_taken(
    officer: httpx.Client, engine: Engine, node: Face
) -> None:
    headers = {"X-CSRF-Token": csrf_of(officer.get("/feeds").text)}
    body = csv_bytes([event(1), event(2, amount="<i>1,00</i>")])
    checked = officer.post(UPLOAD, content=body, headers=headers).text
    assert "2 rows in; 1 would be accepted" in checked
    assert "&lt;i&gt;1,00&lt;/i&gt;" in checked
    assert "Nothing was sent" in officer.get("/feeds").text
    taken = officer.post(f"{UPLOAD}&take=true", content=body, headers=headers).text
    assert "2 rows in; 1 accepted, 0 duplicate, 1 quarantined" in taken
    assert "feed.csv" in officer.get("/feeds").text
    assert acts(engine)[-1] == "feed.upload"
    refused = officer.post(UPLOAD, content=body.decode().encode("utf-16"), headers=headers)
    assert "cannot be used: the file is UTF-16, not UTF-8" in refused.text
    assert officer.post(UPLOAD, content=body).status_code == 403
    elsewhere = UPLOAD.replace("WLD-2016-A", "OTHER")
    assert officer.post(elsewhere, content=body, headers=headers).status_code == 422


@pytest.mark.parametrize("role", ["viewer", "treasury", "auditor", "approver"])
def test_who_only_reads_changes_nothing(node: Face, engine: Engine, role: str) -> None:
    quarantine(node, event(1, amount="1,00"))
    reader = node.signed_in(role)
    for path in ("/feeds", "/feeds/rows", "/feeds/rows/1"):
        page = reader.get(path)
        assert page.status_code == 200
        assert "Mend</button>" not in page.text
        assert "Replay</button>" not in page.text
    headers = {"X-CSRF-Token": csrf_of(reader.get("/feeds").text)}
    for path in ("/feeds/rows/1", "/feeds/rows", "/feeds/dead-letters"):
        assert post(reader, path, act="dismiss", why="x", feed_id="1").status_code == 403
    assert reader.post(UPLOAD, content=b"x", headers=headers).status_code == 403
    assert not [act for act in acts(engine) if act.startswith(("quarantine", "feed"))]


def test_nobody_acts_without_a_session_or_its_token(node: Face, officer: httpx.Client) -> None:
    quarantine(node, event(1, amount="1,00"))
    stranger = node.client(None)
    for path in ("/feeds", "/feeds/rows", "/feeds/rows/1", "/legs", "/legs/1"):
        assert stranger.get(path).status_code == 303
    assert stranger.post("/feeds/rows/1", data={"act": "replay"}).status_code in (401, 403)
    assert officer.post("/feeds/rows/1", data={"act": "replay"}).status_code == 403


@pytest.mark.parametrize("path", ["/feeds/rows/99", "/legs/99999"])
def test_what_is_not_there_is_said_on_a_page(officer: httpx.Client, path: str) -> None:
    answer = officer.get(path)
    assert (answer.status_code, "There is no such page" in answer.text) == (404, True)


def test_a_file_for_which_no_room_is_left_is_a_problem(
    officer: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    csrf = csrf_of(officer.get("/feeds").text)
    with Path("/dev/full").open("r+b") as full:
        monkeypatch.setattr(tempfile, "NamedTemporaryFile", lambda **_: full)
        answer = officer.post(UPLOAD, content=b"x" * 100_000, headers={"X-CSRF-Token": csrf})
    assert answer.status_code == 507, answer.text
    assert answer.json()["type"].endswith(":disk-full")


def test_dead_letters_are_tried_again(node: Face, officer: httpx.Client, engine: Engine) -> None:
    assert node.client("feeds").post(BULK, json=[event(1)]).json()["rows"]["accepted"] == 1
    with engine.begin() as connection:
        (number,) = connection.execute(select(events.c.id)).one()
        add_dead_letter(connection, number, "target_not_found")
    assert "target not found" in officer.get("/feeds").text
    assert "1 changed" in post(officer, "/feeds/dead-letters").text
    assert "Dead letters" not in officer.get("/feeds").text
    assert acts(engine)[-1] == "dead-letters.replay"


class TestLegs:
    @pytest.fixture(autouse=True)
    def legs(self, seed: Seed) -> None:
        with seed.engine.begin() as connection:
            seed.pair(connection, 1, Kind.TOP_UP, "T-1", 1_234_50, "matched", day=START.date())
            seed.pair(
                connection, 2, Kind.TOP_UP, "T-20", 99_00, "missing_at_partner", day=START.date()
            )
            seed.close_block(connection)

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ("", 3),
            ("q=T-1", 2),
            ("q=t-2", 1),
            ("q=T-3", 0),
            ("q=1,234.50", 2),
            ("q=1234.50", 2),
            ("q=99&by=amount", 1),
            ("q=99", 0),
            ("q=101&by=block", 3),
            ("q=7&by=block", 0),
            (f"q=0x{(1 << 64 | 1):064x}", 1),
            (f"q=0x{(2 << 64 | 1):064x}", 1),
            (f"q=0x{0:064x}", 0),
        ],
    )
    def test_a_leg_is_found(self, officer: httpx.Client, asked: str, found: int) -> None:
        page = officer.get(f"/legs?{asked}").text
        # a posting of one bank shows the line, both halves of it
        assert page.count('class="event"') >= found
        assert ("No leg fits" in page) == (found == 0)

    @pytest.mark.parametrize(
        "asked", ["q=x&by=block", "q=0x12&by=transaction", "q=1.234&by=amount"]
    )
    def test_what_cannot_be_looked_for_is_said(self, officer: httpx.Client, asked: str) -> None:
        assert 'role="alert"' in officer.get(f"/legs?{asked}").text

    def test_its_life_leads_from_the_feed_to_the_block(
        self, node: Face, officer: httpx.Client, engine: Engine
    ) -> None:
        assert node.client("feeds").post(BULK, json=[event(1)]).json()["rows"]["accepted"] == 1
        with engine.begin() as connection:
            connection.execute(
                insert(batches).values(
                    id=1,
                    facility="WLD-2016-A",
                    facility_number=1,
                    sequence=1,
                    legs=1,
                    digest=bytes(32),
                    gas_limit=1,
                    state="final",
                    sealed_at="2026-03-02T08:00:00.000+00:00",
                    calldata=b"x",
                )
            )
            connection.execute(
                insert(attempts).values(
                    batch_id=1, operator="0x1", nonce=1, tx_hash="0xfeed", raw_transaction=b"x"
                )
            )
            half = connection.execute(select(pairs.c.lead_sequence, pairs.c.lead_index)).first()
            assert half is not None
            connection.execute(update(batches).values(sequence=half.lead_sequence))
            connection.execute(update(events).values(batch_id=1, leg_index=half.lead_index))
        page = officer.get("/legs/1").text
        for words in ("Line 1 of bulk", "event_id E-1", "Fixed in batch 1, signed once", "0xfeed"):
            assert words in page
        assert "Judged by the contract: matched" in page
        assert "This half has not come" in officer.get("/legs/2").text

    def test_its_closed_day_is_found_among_any_number_of_statements(
        self, seed: Seed, officer: httpx.Client
    ) -> None:
        books = [f"{row}_{book}" for row in ("opening", "movement", "closing")
                 for book in ("lead", "partner", "agreed")]  # fmt: skip
        with seed.engine.begin() as connection:
            pair = connection.execute(select(pairs)).first()
            assert pair is not None
            statement = dict.fromkeys(
                (*books, "open_lead", "open_partner", "accepted_difference", "open_legs"), 0
            )
            connection.execute(
                insert(day_closes),
                [
                    {
                        **statement,
                        "number": number,
                        "facility": pair.facility,
                        "partner": pair.partner,
                        "day": pair.lead_business_day + number - 1,
                        "state": "closed",
                        "proposed_by": 1,
                        "proposed_block": 1,
                        "proposed_at": 1,
                        "proposed_tx": bytes(32),
                        "statement_hash": bytes(32),
                        "carried_forward": b"",
                    }
                    for number in range(1, 1_003)
                ],
            )
        assert "was closed by both banks" in officer.get(f"/legs/{pair.number}").text
