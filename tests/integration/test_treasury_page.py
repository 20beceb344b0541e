"""What the pages say, fetched without a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, delete, insert, update

from app.db.engine import create
from app.domain.kinds import Kind
from app.http import keys
from app.readmodel import tables
from app.readmodel.accounts.forecasts import projected_shortfalls
from tests.integration.faces import Face, csrf_of, face
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT

pytestmark = pytest.mark.any_database


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = create(database_url, vault=VAULT)
    Seed(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def node(engine: Engine) -> Iterator[Face]:
    with face(engine, development=True) as served:
        yield served


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("active", None),
        ("proposed", "Proposed; wuxi still to accept"),
        ("paused", "Paused by huarui"),
        ("closed", "Closed"),
        ("withdrawn", "Withdrawn"),
    ],
)
def test_a_facility_is_shown_in_its_state(
    node: Face, engine: Engine, state: str, said: str | None
) -> None:
    partners = tables.facility_partners
    with engine.begin() as connection:
        connection.execute(update(tables.facilities).values(state=state))
        if state == "proposed":
            connection.execute(
                update(partners).where(partners.c.partner == 2).values(accepted=False)
            )
        if state == "paused":
            connection.execute(
                insert(tables.facility_pauses).values(
                    facility=1, number=1, member=2, reason_hash=bytes(32), paused_time=1
                )
            )
    page = node.client(None).get("/").text
    if said is not None:
        assert said in page
    for word in ("Proposed;", "Paused by", "Closed", "Withdrawn"):
        assert (word in page) == (said is not None and said.startswith(word))


def test_signing_out_ends_the_session_on_the_server(engine: Engine) -> None:
    with face(engine) as node:
        client, thief = node.signed_in("viewer"), node.client(None)
        copied = {"Cookie": f"tally_session_1={client.cookies['tally_session_1']}"}
        page = thief.get("/", headers=copied)
        assert page.status_code == 200
        assert client.post("/logout", data={"csrf": "x"}).status_code == 403
        assert client.post("/logout", data={"csrf": csrf_of(page.text)}).status_code == 303
        assert thief.get("/", headers=copied).status_code == 303
        by_htmx = thief.get("/breaks?type=date", headers={**copied, "HX-Request": "true"})
        assert (by_htmx.status_code, by_htmx.headers["HX-Redirect"]) == (
            401,
            "/login?next=%2Fbreaks%3Ftype%3Ddate",
        )


class TestSubjects:
    def test_both_halves_of_a_break_and_what_each_choice_would_move(
        self, node: Face, engine: Engine
    ) -> None:
        seed = Seed(engine)
        with engine.begin() as connection:
            number = seed.pair(
                connection, 1, Kind.FEE, "<b>F-1</b>", 100_00, "amount", day=START.date()
            )
            seed.close_block(connection)
        page = node.client(None).get(f"/breaks/{number}")
        assert page.status_code == 200
        assert "<b>F-1" not in page.text and "&lt;b&gt;F-1" in page.text
        for said in (
            ">100.00<",
            ">103.17<",
            "Lead book +3.17",
            "Partner book −3.17",
            "Accepted difference +3.17",
            "Lead book −100.00",
            f"tally breaks propose {number} --action adjust --side lead",
        ):
            assert said in page.text, said
        assert "write_off" not in page.text  # of an absent half alone

    def test_an_absent_half_can_be_written_off_and_not_adjusted(
        self, node: Face, engine: Engine
    ) -> None:
        seed = Seed(engine)
        with engine.begin() as connection:
            number = seed.pair(
                connection, 1, Kind.FEE, "F-2", 100_00, "missing_at_partner", day=START.date()
            )
            seed.close_block(connection)
        page = node.client(None).get(f"/breaks/{number}").text
        assert "--action write_off" in page
        assert "--action adjust" not in page

    def test_what_is_settled_leaves_nothing_to_decide(self, node: Face, engine: Engine) -> None:
        seed = Seed(engine)
        with engine.begin() as connection:
            number = seed.pair(connection, 1, Kind.FEE, "F-3", 100, "matched", day=START.date())
            seed.close_block(connection)
        page = node.client(None).get(f"/breaks/{number}").text
        assert "Both banks have signed the same event" in page
        assert "tally breaks propose" not in page

    def test_an_account_opens_moves_and_closes(self, node: Face, engine: Engine) -> None:
        seed, today = Seed(engine), datetime.now(ZoneInfo("Asia/Shanghai")).date()
        with engine.begin() as connection:
            for ref, day in (("T-1", START.date() - timedelta(days=400)), ("T-2", today)):
                seed.pair(connection, 2, Kind.TOP_UP, ref, 40_00, "matched", day=day)
            seed.close_block(connection)
        page = node.client(None).get("/accounts/WLD-2016-A/wuxi").text
        row = r'scope="row">(?:<a [^>]*>)?([A-Z][a-z ]+)(?:</a>)?</th>.*?data-label="Agreed">(.+?)<'
        lines = re.findall(row, page, re.DOTALL)
        assert lines[:3] == [("Opening", "40.00"), ("Top up", "+40.00"), ("Closing", "80.00")]
        legs = f"/legs?facility=WLD-2016-A&amp;partner=wuxi&amp;from={today}&amp;to={today}"
        assert legs in page
        found = node.client(None).get(legs.replace("&amp;", "&")).text
        assert "T-2" in found and "T-1" not in found
        assert f"Only WLD-2016-A, wuxi, {today}." in found

    @pytest.mark.parametrize(
        "path",
        ["/breaks/77", f"/breaks/{2**62}", "/accounts/WLD-2016-A/nobody", "/accounts/X/wuxi",
         "/days/1", "/forecast/X/wuxi", "/facilities/X"],
    )  # fmt: skip
    def test_what_is_not_there_is_said_on_a_page(self, node: Face, path: str) -> None:
        answer = node.client(None).get(path)
        assert answer.status_code == 404
        assert "There is no such page" in answer.text

    @pytest.mark.parametrize(
        "path",
        [
            "/breaks/1",
            "/accounts/WLD-2016-A/wuxi",
            "/days",
            "/days/1",
            "/consortium",
            "/forecast",
            "/forecast/WLD-2016-A/wuxi",
            "/facilities",
            "/facilities/WLD-2016-A",
        ],
    )
    def test_nothing_is_shown_without_a_session(self, engine: Engine, path: str) -> None:
        with face(engine) as closed:
            answer = closed.client(None).get(path)
            to = f"/login?next={quote(path, safe='')}"
            assert (answer.status_code, answer.headers["location"]) == (303, to)
            assert closed.signed_in("viewer").get(path).status_code in (200, 404)


def test_a_forecast_says_when_an_account_runs_out_and_a_top_up_prevents_it(
    node: Face, engine: Engine
) -> None:
    seed, today = Seed(engine, low_balance=0), datetime.now(ZoneInfo("Asia/Shanghai")).date()
    with engine.begin() as connection:
        for back in range(60, 0, -1):
            day = today - timedelta(days=back)
            seed.pair(connection, 2, Kind.DRAWDOWN, f"D-{back}", 1_00, "matched", day=day)
        seed.pair(connection, 2, Kind.TOP_UP, "IN-1", 65_00, "matched", day=today)
        seed.close_block(connection)
        (found,) = projected_shortfalls(connection, datetime.now(UTC))
    out = today + timedelta(days=6)
    assert (found.partner, found.day, found.balance, found.top_up) == ("wuxi", out, -1_00, 9_00)
    client = node.client(None)
    assert f">{out}<" in client.get("/forecast/WLD-2016-A/wuxi").text
    (told,) = node.client("read").get("/v1/forecasts?partner=wuxi").json()["items"]
    assert (told["runs_out_on"], told["suggested_top_up"]) == (str(out), "9.00")
    with engine.begin() as connection:
        seed.pair(connection, 2, Kind.TOP_UP, "IN-2", 9_00, "matched", day=today)
        seed.close_block(connection)
        assert projected_shortfalls(connection, datetime.now(UTC)) == []


def test_a_facility_says_its_terms_in_words(node: Face, engine: Engine) -> None:
    page = node.client(None).get("/facilities/WLD-2016-A").text
    assert "huarui: 45.33 % of principal, interest and fees" in page
    assert "A leg without its other half is overdue after 24 hours." in page


class TestWall:
    def test_a_screen_is_signed_in_by_a_key_and_ends_with_it(self, engine: Engine) -> None:
        with face(engine) as node:
            browser = node.client(None)
            assert browser.get("/wall").status_code == 401
            assert browser.get("/wall/live").status_code == 401
            for role in ("admin", "feeds"):
                assert browser.post("/wall", data={"key": node.key(role)}).status_code == 401
            text = node.key("read")
            assert browser.post("/wall", data={"key": text}).status_code == 303
            kept = browser.cookies["tally_wall_1"]
            assert text not in kept
            assert "data-stream" in browser.get("/wall").text
            assert browser.get("/").status_code == 303
            carried = {"Cookie": f"tally_wall_1={kept}"}
            assert browser.get("/v1/balances", headers=carried).status_code == 401
            for forged in (kept[:-1] + "x", kept.partition(".")[0], "", "é"):
                stranger: dict[bytes, bytes] = {b"Cookie": f"tally_wall_1={forged}".encode()}
                assert node.client(None).get("/wall", headers=stranger).status_code == 401
            with engine.begin() as connection:
                keys.revoke(connection, kept.partition(".")[0])
            assert browser.get("/wall").status_code == 401


class TestSeen:
    def test_what_somebody_has_seen_is_theirs_and_kept(self, engine: Engine) -> None:
        with face(engine) as node:
            client, other = node.signed_in("viewer"), node.signed_in("treasury")
            token = {"X-CSRF-Token": csrf_of(client.get("/").text)}
            figures = {"1-huarui-agreed": '"><b>&1'}
            assert client.post("/seen", json=figures).status_code == 403
            bodies: list[object] = [{"x": 1}, [], {"x": "y" * 81}, {"x\0": "y"}]
            for body in bodies:
                assert client.post("/seen", json=body, headers=token).status_code == 422
            assert client.post("/seen", json=figures, headers=token).status_code == 200
            assert client.post("/seen", json=figures, headers=token).status_code == 200
            page = client.get("/").text
            assert "1-huarui-agreed" in page and "<b>&1" not in page
            assert "1-huarui-agreed&#34;:" not in other.get("/").text
            assert node.client(None).post("/seen", json=figures).status_code == 401


def test_positions_say_what_the_day_has_moved(node: Face, engine: Engine) -> None:
    seed, today = Seed(engine), datetime.now(ZoneInfo("Asia/Shanghai")).date()
    with engine.begin() as connection:
        for kind, amount in ((Kind.DRAWDOWN, 40_00), (Kind.PRINCIPAL, 7_00), (Kind.FEE, 1_00)):
            seed.pair(connection, 2, kind, f"T-{kind}", amount, "matched", day=today)
        seed.close_block(connection)
    page = node.client(None).get("/").text
    row = page.partition('data-partner="wuxi"')[2].partition("</tbody>")[0]
    said = re.sub(r"<[^>]+>|\s+", " ", row)
    assert re.search(r"Today: +lent +−40\.00 *, +repaid +\+7\.00 *, +other in +\+1\.00", said)
    assert 'class="sparkline"' in row


def test_a_bank_that_sees_no_leg_is_not_told_that_there_is_none(node: Face, engine: Engine) -> None:
    """Others' accounts may well have legs: a partner sees its own alone."""
    with engine.begin() as connection:
        connection.execute(delete(tables.accounts))
    officer = node.signed_in("officer")
    for path in ("/", "/legs", "/wall"):
        assert "No leg that this bank sees has been posted." in officer.get(path).text
    assert "No leg fits." in officer.get("/legs?q=L4711").text
    assert "every leg that this bank sees has its equal" in officer.get("/breaks").text
    close = officer.get("/days/close").text
    assert "This bank has no reserve account yet" in close
    assert 'name="account"' not in close
