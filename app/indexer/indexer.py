"""The indexer: follows the chain's final blocks and keeps the read model, one range after another.

One transaction writes a range's rows and moves the cursor, so that a crash at any point leaves the
read model at the end of some range. What is fetched but not written is simply fetched again.
"""

import gc
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from eth_utils.crypto import keccak
from sqlalchemy import Engine, select

from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.chain.sealing import open_reference_key
from app.domain.errors import WrongChain
from app.indexer.books import read_books
from app.indexer.decode import ROLES
from app.indexer.errors import Reorganised
from app.indexer.project import Changes, Projection
from app.indexer.rewind import check_chain, describe
from app.indexer.scan import Header, Range, Scanner
from app.indexer.state import State, View, load
from app.indexer.write import load_pairs, record_incidents, wipe, write
from app.readmodel.tables import cursor

_MEMBER = "0x" + keccak(text="member(uint16)")[:4].hex()


@dataclass(frozen=True, slots=True)
class Progress:
    """Blocks `from_block` to `to_block` were added (none when it is smaller), with `legs` posted
    legs.

    `head`: the newest final block when it was looked up. `rewound`: the chain had taken blocks
    back, and the view was begun anew.
    """

    from_block: int
    to_block: int
    legs: int
    head: int
    rewound: bool = False


OnRange = Callable[[Progress], None]
"""Told after each range that was written."""


class Indexer:
    """Keeps one node's read model of one chain. Not safe to share between threads.

    `member` is the node's own number, `sealing_key` its secret X25519 key. Blocks less than
    `finality_depth` below the newest are left alone.
    """

    def __init__(
        self,
        engine: Engine,
        rpc: Rpc,
        manifest: Manifest,
        member: int,
        sealing_key: bytes,
        finality_depth: int,
    ) -> None:
        self._engine = engine
        self._rpc = rpc
        self._manifest = manifest
        self._member = member
        self._sealing_key = sealing_key
        self._scanner = Scanner(rpc, manifest, finality_depth)
        self._state: State | None = None

    @property
    def engine(self) -> Engine:
        """The database of the read model."""
        return self._engine

    def position(self) -> int:
        """The last block that the read model holds; 0 = none."""
        if self._state is not None:
            return self._state.block_number or 0
        with self._engine.connect() as connection:
            return connection.execute(select(cursor.c.block_number)).scalar_one_or_none() or 0

    def forget(self) -> None:
        """Drop every row that the chain can tell again (incidents stay)."""
        self._state = None
        with self._engine.begin() as connection:
            wipe(connection)

    def advance(self, max_blocks: int | None = None, on_range: OnRange | None = None) -> Progress:
        """Read and write everything up to the newest final block, at most `max_blocks`.

        Raises ChainUnreachable, WrongChain or another ChainFault (ShortAnswer when the node's
        answers are not whole), StorageFault, and OtherView when the database is another's. Whatever
        it raises, what was written is whole, and the next call goes on from there.
        """
        try:
            return self._advance(max_blocks, on_range)
        except BaseException:
            # Half a range may be in it.
            self._state = None
            raise

    def _advance(self, max_blocks: int | None, on_range: OnRange | None) -> Progress:
        state = self._state = self._state or self._load()
        head, at_cursor = self._scanner.look(state.block_number)
        rewound = False
        if at_cursor is not None and at_cursor.hash != state.block_hash:
            state = self._rewind(state)
            rewound = True
        first = self._next(state)
        final = head if max_blocks is None else min(head, first + max_blocks - 1)
        if first > final:
            return Progress(first, first - 1, 0, head, rewound)
        legs = 0
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="scan") as ahead:
            reading = self._read(ahead, first, final, state.block_hash)
            while reading is not None:
                try:
                    found = reading.result()
                except Reorganised:
                    state = self._rewind(state)
                    return Progress(first, first - 1, legs, head, rewound=True)
                reading = self._read(ahead, found.last.number + 1, final, found.last.hash)
                with _collector_paused():
                    changes = self._apply(state, found, books=found.last.number == head)
                legs += changes.legs
                if on_range is not None:
                    on_range(Progress(found.first, found.last.number, changes.legs, head))
        return Progress(first, final, legs, head, rewound)

    def _next(self, state: State) -> int:
        if state.block_number is None:
            return self._manifest.first_block
        return state.block_number + 1

    def _read(
        self, ahead: ThreadPoolExecutor, first: int, final: int, parent: bytes | None
    ) -> "Future[Range] | None":
        """Fetch the next range while the one before it is written."""
        if first > final:
            return None
        return ahead.submit(self._scanner.read, first, final, parent)

    def _apply(self, state: State, found: Range, *, books: bool) -> Changes:
        projection = Projection(state, self._open_key)
        first_unused = state.next_number
        projection.take(found)
        if first_unused > 1:
            with self._engine.connect() as connection:
                load_pairs(connection, state.accounts, projection.wanted)
        changes = projection.fold()
        for account in changes.accounts.values():
            account.pairs.clear()
        if books:
            stale = [
                account
                for account in state.accounts.values()
                if account.contract["contract_block"] != account.last_block
            ]
            changes.incidents += read_books(self._rpc, self._manifest, stale, found.last.number)
            changes.accounts.update(
                {(account.facility, account.partner): account for account in stale}
            )
        with self._engine.begin() as connection:
            write(connection, state, changes, found.last)
            record_incidents(connection, changes.incidents, int(time.time()))
        _move(state, found.last)
        return changes

    def _rewind(self, state: State) -> State:
        """Make the view anew from the start, unless it is the endpoint that is another one now."""
        check_chain(self._rpc, self._manifest)
        with self._engine.connect() as connection:
            incident = describe(connection, self._scanner, state)
        with self._engine.begin() as connection:
            wipe(connection)
            record_incidents(connection, [incident], int(time.time()))
        self._state = State(state.view, state.chain_id)
        return self._state

    def _load(self) -> State:
        check_chain(self._rpc, self._manifest)
        view = View(self._member, self._own_role(), self._sealing_key)
        with self._engine.connect() as connection:
            return load(connection, view, self._manifest.chain_id, self._open_key)

    def _own_role(self) -> str:
        """Asked of the registry, because its answer decides what is projected from block one."""
        registry = self._manifest.addresses["ConsortiumRegistry"]
        answer = self._rpc.call(
            "eth_call", [{"to": registry, "data": f"{_MEMBER}{self._member:064x}"}, "latest"]
        )
        words = bytes.fromhex(answer[2:])
        # A struct with a string in it: offset of the struct, then name's offset, then the role.
        role = ROLES.get(int.from_bytes(words[64:96]))
        if role is None:
            raise WrongChain(
                f"this consortium has no member {self._member}",
                where=self._rpc.url,
                remedy="Check the node's own member number, and that the bank was admitted",
            )
        return role

    def _open_key(self, sealed: bytes) -> bytes | None:
        return open_reference_key(sealed, self._sealing_key)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Without the cycle collector for as long as a range takes.

    A range is some ten thousand rows that live until they are written and form no cycles; looking
    through them again and again took a quarter of the time.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _move(state: State, last: Header) -> None:
    state.block_number, state.block_hash, state.block_time = (
        last.number,
        last.hash,
        last.timestamp,
    )
