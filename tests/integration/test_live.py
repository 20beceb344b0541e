"""The live stream of a page: what it sends first, and what not."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, QueuePool
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.db.engine import create
from app.domain.kinds import Kind
from app.web.live import PAGE_PARTS
from tests.integration.faces import Face, face
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create(f"sqlite:///{tmp_path / 'bank.sqlite'}", vault=VAULT)
    yield engine
    engine.dispose()


@pytest.fixture
def seed(engine: Engine) -> Seed:
    return Seed(engine)


@pytest.fixture
def node(engine: Engine, seed: Seed) -> Iterator[Face]:
    with face(engine, development=True) as served:
        yield served


def change(seed: Seed, node: Face) -> None:
    with seed.engine.begin() as connection:
        seed.pair(connection, 1, Kind.FEE, f"F-{seed.block}", 5, "amount", day=START.date())
        seed.close_block(connection)
    node.notifier.publish(seed.block)


def stream_of(page: str) -> str:
    found = re.search(r'data-stream="([^"]+)"', page)
    assert found
    return html.unescape(found[1])


def names(stream: httpx.Response) -> Iterator[str]:
    for line in stream.iter_lines():
        if line.startswith("event: "):
            yield line.removeprefix("event: ")


def test_a_page_is_sent_what_it_does_not_show(node: Face, seed: Seed) -> None:
    """Each part that comes makes the page read itself again."""
    client = node.client(None)
    with client.stream("GET", stream_of(client.get("/breaks").text)) as stream:
        came = names(stream)
        assert [next(came) for _ in PAGE_PARTS] == list(PAGE_PARTS)  # nobody had looked before

    address = stream_of(client.get("/breaks").text)
    with client.stream("GET", address) as stream:
        came = names(stream)
        assert next(came) == "alive"
        change(seed, node)
        assert [next(came) for _ in range(3)] == ["state", "accounts", "breaks"]

    with client.stream("GET", address) as stream:  # a page of before
        came = names(stream)
        assert [next(came) for _ in PAGE_PARTS] == list(PAGE_PARTS)


@pytest.mark.parametrize("shown", ["x", "..", "a.b.c", "a.1.9" * 12, "%00", "٣.٣.٣"])
def test_who_lies_about_what_it_shows_is_sent_everything(node: Face, shown: str) -> None:
    client = node.client(None)
    for _ in range(2):
        with client.stream("GET", "/live", params={"shown": shown}) as stream:
            came = names(stream)
            assert [next(came) for _ in PAGE_PARTS] == list(PAGE_PARTS)


def test_a_page_stays_open_while_all_connections_are_in_use(
    node: Face, seed: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.live._ALIVE_EVERY_S", 1)
    pool = seed.engine.pool
    assert isinstance(pool, QueuePool)
    with node.client(None).stream("GET", "/live") as stream:
        came = names(stream)
        assert [next(came) for _ in PAGE_PARTS] == list(PAGE_PARTS)
        pool._timeout = 0
        with ExitStack() as held:
            with suppress(PoolTimeout):
                while True:
                    held.enter_context(seed.engine.connect())
            node.notifier.publish(seed.block + 1)  # so that it looks
            assert [next(came), next(came)] == ["alive", "alive"]
        pool._timeout = 30
        change(seed, node)
        assert next(one for one in came if one != "alive") == "state"
