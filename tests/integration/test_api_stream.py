"""The event stream: what comes, in which order, and after the connection was cut."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, delete, insert, update

from app.api import stream_log
from app.api.stream_log import Position, newest, parsed, since
from app.db.engine import create
from app.domain.kinds import Kind
from app.people.person import active_person
from app.readmodel.chain import blocks, cursor
from app.worklist.notes import assign, comment
from app.worklist.tables import break_notes
from tests.integration.faces import Face, add_test_person, face
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT

pytestmark = pytest.mark.timeout(90)

Event = tuple[str, str, dict[str, Any]]
"""Id, name and data."""


@pytest.fixture
def seed(database_url: str) -> Iterator[Seed]:
    engine = create(database_url, vault=VAULT)
    yield Seed(engine)
    engine.dispose()


@pytest.fixture
def node(seed: Seed) -> Iterator[Face]:
    with face(seed.engine) as served:
        yield served


@contextmanager
def listening(client: httpx.Client, after: str = "") -> Iterator[Iterator[Event]]:
    headers = {"Last-Event-ID": after} if after else {}
    with client.stream("GET", "/v1/stream", headers=headers) as answer:
        assert answer.status_code == httpx.codes.OK
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events_of(answer.iter_lines())


def events_of(lines: Iterator[str]) -> Iterator[Event]:
    found: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if name in ("id", "event", "data"):
            found[name] = value
        elif not line and "data" in found:
            yield found["id"], found["event"], json.loads(found["data"])
            found = {}


def block(node: Face, seed: Seed, reference: str) -> int:
    with seed.engine.begin() as connection:
        number = seed.pair(
            connection, 1, Kind.PRINCIPAL, reference, 10_000, "amount", day=START.date()
        )
        close_block(connection, seed)
    node.notifier.publish(seed.block)
    return number


def close_block(connection: Connection, seed: Seed) -> None:
    number = seed.close_block(connection)
    row = {"number": number, "hash": number.to_bytes(32)[::-1], "timestamp": seed.now}
    connection.execute(insert(blocks).values(row))


def take(events: Iterator[Event], count: int) -> list[Event]:
    return [next(events) for _ in range(count)]


def test_what_is_cut_goes_on_where_it_was_and_loses_and_doubles_nothing(
    node: Face, seed: Seed
) -> None:
    client = node.client("read")
    pair = block(node, seed, "R-1")
    told: list[Event] = []
    with listening(client) as events:
        told += take(events, 1)
        with seed.engine.begin() as connection:
            comment(connection, pair, "LI YING", "first")
        told += take(events, 1)
    for turn in range(3):  # cut after each, with news meanwhile
        block(node, seed, f"R-cut-{turn}")
        with seed.engine.begin() as connection:
            person = add_test_person(connection, ("officer",))
            assign(connection, [pair], "LI YING", active_person(connection, person.id))
            comment(connection, pair, "LI YING", f"turn {turn}")
        with listening(client, told[-1][0]) as events:
            told += take(events, 2)  # not all that is there
    with listening(client, told[-1][0]) as events:
        told += take(events, 11 - len(told))
    notes = [data["what"] for _, name, data in told if name == "note"]
    assert notes == ["comment", *["assigned", "comment"] * 3]
    numbers = [data["block"] for _, name, data in told if name == "block"]
    assert numbers == sorted(set(numbers)) and len(numbers) == 3
    assert told[0][1] == "open" and len({id_ for id_, _, _ in told[1:]}) == 10
    assert (
        next(data for _, name, data in told if name == "block")["postings"][0]["bank"] == "webank"
    )


def test_what_cannot_be_told_is_said_and_the_stream_goes_on(
    node: Face, seed: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = node.client("read")
    block(node, seed, "R-1")
    with seed.engine.connect() as connection:
        now = newest(connection)
    monkeypatch.setattr(stream_log, "LOOK_BACK", 2)
    for reference in ("R-2", "R-3", "R-4"):
        block(node, seed, reference)
    with seed.engine.connect() as connection:
        end = newest(connection)
    for after, why in (
        (now, "more than 2 blocks"),
        (Position(now.block, "00" * 8), "not in this view"),
        (replace(end, note=7), "older one"),
    ):
        with listening(client, str(after)) as events:
            id_, name, data = next(events)
            assert name == "reset" and why in data["why"], (after, data)
        with listening(client, id_) as events:
            block(node, seed, f"R-after-{why[:4]}")
            assert next(events)[1] == "block"


@pytest.mark.parametrize("id_", ["x", "1-zz-0-0-0", "-1--0-0-0", "1" * 19 + "--0-0-0", "1--1-1"])
def test_what_is_no_position_is_refused(node: Face, id_: str) -> None:
    answer = node.client("read").get("/v1/stream", headers={"Last-Event-ID": id_})
    assert answer.status_code == 422 and "Last-Event-ID" in answer.json()["detail"]


def test_who_may_listen_and_until_when(node: Face, seed: Seed) -> None:
    assert node.client(None).get("/v1/stream").status_code == 401
    assert node.client("feeds").get("/v1/stream").status_code == 403
    viewer, admin = node.signed_in("viewer"), node.client("admin")
    key = node.client("read")
    key_id = key.headers["Authorization"].removeprefix("Bearer tk_")[:12]
    with listening(viewer) as of_viewer, listening(key) as of_key:
        assert (next(of_viewer)[1], next(of_key)[1]) == ("open", "open")
        block(node, seed, "R-1")
        assert (next(of_viewer)[1], next(of_key)[1]) == ("block", "block")
        admin.delete(f"/v1/keys/{key_id}")
        block(node, seed, "R-2")
        assert next(of_viewer)[1] == "block"
        assert next(of_key, None) is None


def test_a_view_that_is_made_anew_is_waited_for(seed: Seed) -> None:
    with seed.engine.begin() as connection:
        close_block(connection, seed)
        at = newest(connection)
        connection.execute(delete(blocks))
        connection.execute(update(cursor).values(block_number=at.block - 1))
        assert list(since(connection, at)) == []
        connection.execute(update(cursor).values(block_number=at.block))
        connection.execute(
            insert(blocks).values(number=at.block, hash=b"\1" * 32, timestamp=START.timestamp())
        )
        assert [one.name for one in since(connection, at)] == ["reset"]


def test_a_number_that_appears_late_is_waited_for(seed: Seed) -> None:
    """Of two transactions on PostgreSQL the one with the larger number may end first."""
    with seed.engine.begin() as connection:
        pair = seed.pair(connection, 1, Kind.PRINCIPAL, "R", 1, "amount", day=START.date())
        seed.close_block(connection)
        at = newest(connection)
        for text in ("one", "two"):
            comment(connection, pair, "LI", text)
        kept = connection.execute(break_notes.select().order_by(break_notes.c.id)).all()
        connection.execute(delete(break_notes).where(break_notes.c.id == kept[0].id))
        assert list(since(connection, at)) == []
        connection.execute(insert(break_notes).values(kept[0]._mapping))
        assert [one.position.note for one in since(connection, at)] == [1, 2]
        connection.execute(delete(break_notes).where(break_notes.c.id == kept[0].id))
        old = "2026-03-02T00:00:00.000+00:00"
        connection.execute(update(break_notes).values(at=old))
        assert [one.position.note for one in since(connection, at)] == [2]


def test_positions_are_read_as_they_are_written() -> None:
    at = Position(12, "0123456789abcdef", 3, 4, 5)
    assert parsed(str(at)) == at and parsed(str(Position())) == Position()
