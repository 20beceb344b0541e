"""A rebuild by two processes, one of which reads and folds, and the other writes."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import pytest
from sqlalchemy import Engine

from app.chain.manifest import Manifest
from app.db.engine import create
from app.domain.errors import TallyError
from app.indexer.indexer import Indexer
from app.indexer.rebuild import digest, rebuild
from app.indexer.scan import RangeSize
from app.indexer.writer_process import writer_process
from tests.integration.posted import Event, World
from tests.integration.test_indexer import DRAWDOWN, REVERSAL, TOP_UP
from tests.integration.test_indexer_faults import FaultyRpc, drop_logs, found_odd


def _rebuild(
    orders: Connection,
    database: str,
    rpc_url: str,
    lying: bool,
    manifest: Manifest,
    member: int,
    keys: list[bytes],
) -> None:
    """One block a range. It tells of each range, and goes on when it is told to."""
    with writer_process() as writer:
        rpc = FaultyRpc(rpc_url)
        if lying:
            rpc.fault = drop_logs("LegRejected")
        indexer = Indexer(create(database), rpc, manifest, member, keys, finality_depth=0)
        indexer._scanner._size = RangeSize(most=1, blocks=1)

        def on_progress(done: int, head: int) -> None:
            orders.send((done, writer._process.pid))
            orders.recv()

        try:
            rebuild(indexer, on_progress, writer)
            orders.send("rebuilt")
        except TallyError as fault:
            orders.send(fault.what)


class Rebuilding:
    """A rebuild in a process of its own, as the command is."""

    def __init__(self, world: World, database: Engine, lying: bool) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self.orders, its_end = context.Pipe()
        url = database.url.render_as_string(hide_password=False)
        keys = list(world.sealing_keys("webank"))
        self.process: BaseProcess = context.Process(
            target=_rebuild,
            args=(
                *(its_end, url, world.rpc.url, lying),
                *(world.manifest, world.numbers["webank"], keys),
            ),
        )
        self.process.start()
        its_end.close()

    def up_to(self, last: int) -> int:
        """Let it go on until it has folded block `last`; returns the process that writes."""
        while True:
            said = self._next()
            assert not isinstance(said, str), said
            if said[0] >= last:
                return said[1]
            self.orders.send("go on")

    def to_the_end(self) -> str:
        """Let it go on; returns how it ended."""
        while True:
            self.orders.send("go on")
            said = self._next()
            if isinstance(said, str):
                return said

    def _next(self) -> tuple[int, int] | str:
        """A block and the process that writes, or how it ended."""
        assert self.orders.poll(60)
        said: tuple[int, int] | str = self.orders.recv()
        return said


@contextmanager
def rebuilding(world: World, database: Engine, lying: bool = False) -> Iterator[Rebuilding]:
    one = Rebuilding(world, database, lying)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.join()


@pytest.fixture
def followed(world: World, database: Engine) -> str:
    """The digest of a view with pairs that find their halves, and a target, in earlier ranges."""
    world.post("webank", Event(DRAWDOWN, "D", 10_000), Event(TOP_UP, "T", 5, partner=1))
    world.post("huarui", Event(DRAWDOWN, "D", 4533))
    world.post("huarui", Event(TOP_UP, "T", 5), Event(TOP_UP, "Alone", 7))
    world.post("webank", Event(REVERSAL, "R", 5, partner=1, target=(TOP_UP, "T")))
    world.post("huarui", Event(REVERSAL, "R", 5, target=(TOP_UP, "T")))
    world.post("webank", Event(TOP_UP, "T", 5, partner=1))
    world.indexer("webank", database).advance()
    return digest(database)


def test_it_is_the_view_that_one_process_makes(
    world: World, database: Engine, followed: str
) -> None:
    with rebuilding(world, database) as one:
        one.up_to(1)
        assert one.to_the_end() == "rebuilt"
    assert digest(database) == followed and not found_odd(database)


@pytest.mark.parametrize("back", [1, 4, 6])
def test_the_process_that_writes_is_killed(
    world: World, database: Engine, followed: str, back: int
) -> None:
    head = int(world.rpc.call("eth_blockNumber", []), 16)
    with rebuilding(world, database) as one:
        os.kill(one.up_to(head - back), signal.SIGKILL)
        assert one.to_the_end() == "the process that writes the read model ended with code -9"
    # What was written is whole: it is the beginning of the same view.
    world.indexer("webank", database).advance()
    assert digest(database) == followed
    with rebuilding(world, database) as one:
        one.up_to(1)
        assert one.to_the_end() == "rebuilt"
    assert digest(database) == followed


@pytest.mark.parametrize("back", [1, 4])
def test_the_process_that_folds_is_killed(
    world: World, database: Engine, followed: str, back: int
) -> None:
    head = int(world.rpc.call("eth_blockNumber", []), 16)
    with rebuilding(world, database) as one:
        one.up_to(head - back)
        one.process.kill()
        one.process.join()
    rebuild(world.indexer("webank", database))
    assert digest(database) == followed and not found_odd(database)


def test_what_the_database_refuses_is_seen_though_later_ranges_are_folded(
    world: World, database: Engine, followed: str
) -> None:
    """An endpoint leaves out that a second half was rejected: its pair is taken for a new one."""
    with rebuilding(world, database, lying=True) as one:
        one.up_to(1)
        assert one.to_the_end() == "rebuilt"
    beside = digest(database), found_odd(database)
    rpc = FaultyRpc(world.rpc.url)
    rpc.fault = drop_logs("LegRejected")
    rebuild(world.indexer("webank", database, rpc))
    assert beside == (digest(database), found_odd(database))
    assert found_odd(database) == ["leg_counted_twice"]
