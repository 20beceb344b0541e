"""What the pages say, fetched without a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, insert, update

from app.db.engine import create
from app.domain.kinds import Kind
from app.readmodel import tables
from tests.integration.faces import Face, csrf_of, face
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT


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
        lines = re.findall(r'scope="row">([A-Z][a-z ]+)</th>.*?data-label="Agreed">(.+?)<', page)
        assert lines[:3] == [("Opening", "40.00"), ("Top up", "+40.00"), ("Closing", "80.00")]

    @pytest.mark.parametrize(
        "path",
        ["/breaks/77", f"/breaks/{2**62}", "/accounts/WLD-2016-A/nobody", "/accounts/X/wuxi",
         "/days/1"],
    )  # fmt: skip
    def test_what_is_not_there_is_said_on_a_page(self, node: Face, path: str) -> None:
        answer = node.client(None).get(path)
        assert answer.status_code == 404
        assert "There is no such page" in answer.text

    @pytest.mark.parametrize(
        "path", ["/breaks/1", "/accounts/WLD-2016-A/wuxi", "/days", "/days/1", "/consortium"]
    )
    def test_nothing_is_shown_without_a_session(self, engine: Engine, path: str) -> None:
        with face(engine) as closed:
            answer = closed.client(None).get(path)
            to = f"/login?next={quote(path, safe='')}"
            assert (answer.status_code, answer.headers["location"]) == (303, to)
            assert closed.signed_in("viewer").get(path).status_code in (200, 404)
