"""What the treasury page says of a facility, fetched without a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, insert, update

from app.db.engine import create
from app.readmodel import tables
from tests.integration.faces import Face, face
from tests.integration.seeded import Seed


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = create(database_url)
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
        client = node.client(None)
        client.post("/login", data={"key": node.key("read")})
        copied = {"Cookie": f"tally_session={client.cookies['tally_session']}"}
        thief = node.client(None)
        assert thief.get("/", headers=copied).status_code == 200
        assert client.post("/logout").status_code == 303
        assert thief.get("/", headers=copied).status_code == 303
        assert thief.get("/breaks", headers=copied).status_code == 401
