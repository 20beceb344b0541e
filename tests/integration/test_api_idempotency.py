"""A comment that is sent again, because no answer was heard, is made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, select, update

from app.db.engine import create
from app.domain.kinds import Kind
from app.http.tables import answered_requests
from app.people.sessions import csrf_token
from tests.integration.faces import Face, face
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT

PATH = "/v1/breaks/1/comments"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("idempotency")
    made = create(f"sqlite:///{folder / 'bank.sqlite'}", vault=VAULT)
    seed = Seed(made)
    with made.begin() as connection:
        for name in ("R-1", "R-2"):
            seed.pair(connection, 1, Kind.PRINCIPAL, name, 10_000, "amount", day=START.date())
        seed.close_block(connection)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def node(engine: Engine) -> Iterator[Face]:
    with face(engine) as served:
        yield served


def officer_of(node: Face) -> httpx.Client:
    officer = node.signed_in("officer")
    officer.headers["X-CSRF-Token"] = csrf_token(officer.cookies["tally_session_1"])
    return officer


def send(officer: httpx.Client, key: str, text: str, path: str = PATH) -> httpx.Response:
    return officer.post(path, json={"text": text}, headers={"Idempotency-Key": key})


def comments(officer: httpx.Client) -> list[str]:
    return [one["text"] for one in officer.get("/v1/breaks/1/notes").json()["items"]]


def test_the_same_request_is_answered_as_the_first_time(node: Face) -> None:
    officer, colleague = officer_of(node), officer_of(node)
    first, again = send(officer, "one", "asked them"), send(officer, "one", "asked them")
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert comments(officer) == ["asked them"]
    assert send(colleague, "one", "asked them, too").status_code == 201  # a key of somebody else's
    assert comments(officer) == ["asked them", "asked them, too"]


def test_a_key_is_for_one_request(node: Face) -> None:
    officer = officer_of(node)
    assert send(officer, "two", "this").status_code == 201
    before = comments(officer)
    for refused in (
        send(officer, "two", "that"),
        send(officer, "two", "this", "/v1/breaks/2/comments"),
    ):
        assert (refused.status_code, refused.json()["type"]) == (
            409,
            "urn:tallystick:problem:idempotency-conflict",
        )
    assert comments(officer) == before


@pytest.mark.parametrize("key", ["", "a b", "x" * 201])
def test_what_is_no_key(node: Face, key: str) -> None:
    officer = officer_of(node)
    sent = officer.post(PATH, json={"text": "no"}, headers={"Idempotency-Key": key})
    assert sent.status_code == 422


def test_a_key_is_kept_for_a_day(node: Face, engine: Engine) -> None:
    officer = officer_of(node)
    send(officer, "old", "yesterday")
    with engine.begin() as connection:
        connection.execute(update(answered_requests).values(at="2026-03-01T00:00:00.000+00:00"))
    assert send(officer, "old", "today").status_code == 201
    with engine.connect() as connection:
        assert len(connection.execute(select(answered_requests)).all()) == 1
