"""The indexer: follows the chain's final blocks and keeps the read model, one range after another.

One transaction writes a range's rows and moves the cursor, so that a crash at any point leaves the
read model at the end of some range. What is fetched but not written is simply fetched again.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine, select

from app.chain.engines import engine as chain_engine
from app.chain.errors import NotVerified
from app.chain.identity import check_chain
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.errors import ContractReverted
from app.domain.errors import WrongChain
from app.domain.matched import MatchedPair
from app.indexer.changes import Incident
from app.indexer.collector import collector_paused
from app.indexer.contract_check import ContractCheck
from app.indexer.errors import Incomplete, KnownPair, Reorganised, ShortAnswer
from app.indexer.granted import open_granted
from app.indexer.handlers import HANDLERS
from app.indexer.load import load
from app.indexer.pairs_table import load_pairs, not_at_hand
from app.indexer.project import project
from app.indexer.projection import Projection
from app.indexer.refusal import refused
from app.indexer.rewind import describe, has_block, has_other_blocks
from app.indexer.scan import Cursor, Range, Scanner
from app.indexer.state import State, StoredPair, Touched, View
from app.indexer.verified_scan import VerifiedScanner
from app.indexer.write import Written, record_incidents, wipe, write, written
from app.indexer.writer_process import WriterProcess
from app.keys.sealing import open_reference_key
from app.readmodel.tables import cursor, members


@dataclass(frozen=True, slots=True)
class Progress:
    """Blocks `from_block` to `to_block` were added (none when it is smaller), with `legs` posted
    legs.

    `head`: the newest final block when it was looked up. `reorged`: the chain had taken blocks
    back, and the view was rebuilt.
    """

    from_block: int
    to_block: int
    legs: int
    head: int
    reorged: bool = False


OnMatched = Callable[[list[MatchedPair], int], None]
"""Told of the pairs with a half of this bank's own that the view newly shows as matched, and of the
last block of their range, once that is written."""

OnRange = Callable[[Progress], None]
"""Told after each range that was written."""


@dataclass(slots=True)
class _Run:
    """What one `advance` has done so far."""

    first: int | None = None
    last: int = 0
    legs: int = 0
    head: int = 0
    reorged: bool = False

    def progress(self) -> Progress:
        return Progress(self.first or 0, self.last, self.legs, self.head, self.reorged)


class Indexer:
    """Keeps one node's read model of one chain. Not safe to share between threads.

    `member` is the node's own number, `sealing_keys` its secret X25519 keys. Blocks less than
    `finality_depth` below the newest are left alone.
    """

    def __init__(
        self,
        engine: Engine,
        rpc: Rpc,
        manifest: Manifest,
        member: int,
        sealing_keys: Iterable[bytes],
        finality_depth: int,
    ) -> None:
        self._engine = engine
        self._rpc = rpc
        self._manifest = manifest
        self._member = member
        self._sealing_keys = sealing_keys
        self._scanner = Scanner(rpc, manifest, finality_depth, HANDLERS)
        scheme = chain_engine(manifest.engine).seals
        self._verified = (
            None if scheme is None else VerifiedScanner(rpc, manifest, scheme, HANDLERS)
        )
        """Reads what validators sealed; None where nobody seals."""
        self._state: State | None = None
        self._contracts = ContractCheck(rpc, manifest, is_verified=self._verified is not None)
        self.on_matched: OnMatched | None = None
        self._writer: WriterProcess | None = None
        self.changes = 0
        """Grows with each range that changed more of the view than its newest block, and whenever
        the view begins anew."""
        # Whether this process has made sure of the view after an answer that does not add up. Once
        # is enough: what is still wrong then is no short answer, but an incident to be shown.
        self._made_sure = False
        self._looks_pairs_up = False
        """Whether each pair is looked up, since one was taken for new that is not."""
        self._role: str | None = None
        """The member's role by the chain's events, where an endpoint has answered another."""
        self._refused: set[str] = set()
        """Endpoints whose last answer was refused."""

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
        self.changes += 1

    def open_granted(self, for_seconds: float = math.inf) -> bool:
        """Open what banks have granted to this member, see `indexer.granted`. Any thread may."""
        return open_granted(self._engine, self._sealing_keys, for_seconds)

    def advance(
        self,
        max_blocks: int | None = None,
        on_range: OnRange | None = None,
        writer: WriterProcess | None = None,
    ) -> Progress:
        """Read and write everything up to the newest final block, at most `max_blocks`.

        `writer` writes ranges while this process folds the next; all are written when this returns
        or raises, but `on_range` may be told of one before it is.

        Raises ChainUnreachable, WrongChain or another ChainFault (ShortAnswer when the node's
        answers are not whole), StorageFault, and OtherView when the database is another's. Whatever
        it raises, what was written is whole, and the next call goes on from there.
        """
        run = _Run()
        failures = 0
        self._writer = writer
        while True:
            try:
                # What validators sealed is no short answer: what is odd in it, the chain has so.
                recording = self._verified is not None or (failures > 0 and self._made_sure)
                self._run(run, max_blocks, on_range, recording=recording)
                return run.progress()
            except NotVerified as fault:
                self._state = None
                self._record_refusal(fault)
                raise
            except KnownPair:
                self._state = None
                if self._looks_pairs_up:
                    raise
                self._looks_pairs_up = True
            except Incomplete as fault:
                self._state = None
                self._contracts.count_all_at = 0.0
                failures += 1
                # Asked once more, or elsewhere, it may be whole; if not, an earlier answer may
                # have been short.
                self._rpc.move_on(fault)
                if failures > 1:
                    if self._made_sure:
                        raise
                    self._made_sure = True
                    if not self._contracts.is_whole(self._load()):
                        run.reorged = True
                        run.legs = 0
                        self._rebuild(Incident("rebuilt", str(fault), self.position()))
            except BaseException:
                # Half a range may be in it.
                self._state = None
                raise

    def _run(
        self,
        run: "_Run",
        max_blocks: int | None,
        on_range: OnRange | None,
        *,
        recording: bool,
    ) -> None:
        """`recording`: what should not happen is recorded, and not asked for again."""
        if self._state is None:
            with refused(self._rpc):
                self._state = self._load()
        state = self._state
        if self._verified is not None and state.block_number and state.validators is None:
            self._rebuild(
                Incident("rebuilt", "blocks were not verified when it was read", state.block_number)
            )
            state = self._state = State(state.view, state.chain_id)
            run.reorged = True
        if self._look(run, state):
            state = self._rewind(state)
            run.reorged = True
        first = self._next(state)
        if run.first is None or run.reorged:
            run.first, run.last = first, first - 1
        final = run.head
        if max_blocks is not None:
            final = min(final, run.first + max_blocks - 1)
        if first > final:
            return
        with (
            ThreadPoolExecutor(max_workers=1, thread_name_prefix="scan") as ahead,
            self._all_written(),
        ):
            reading = self._read(
                ahead, Cursor(first - 1, state.block_hash, state.validators), final
            )
            while reading is not None:
                try:
                    found = reading.result()
                except Reorganised:
                    self._wait()
                    self._rewind(state)
                    run.reorged = True
                    return
                self._refused.discard(self._rpc.origin)
                reading = self._read(ahead, found.cursor, final)
                with collector_paused():
                    legs = self._apply(
                        state,
                        found,
                        at_head=found.last.number == run.head,
                        recording=recording,
                    )
                run.last = found.last.number
                run.legs += legs
                if on_range is not None:
                    on_range(Progress(found.first, found.last.number, legs, run.head))
        if self._verified is not None and self._has_other_role(state):
            run.reorged = True

    def _next(self, state: State) -> int:
        if state.block_number is None:
            return self._manifest.first_block
        return state.block_number + 1

    def _look(self, run: "_Run", state: State) -> bool:
        """See how far the chain has come, and whether it has taken back what the view holds."""
        if self._verified is not None:
            run.head = self._verified.head()
            if run.head < (state.block_number or 0):
                check_chain(self._rpc, self._manifest)
            return False
        run.head, at_cursor = self._scanner.look(state.block_number)
        if at_cursor is not None:
            return at_cursor.hash != state.block_hash
        if state.block_number is None:
            return False
        # It lags, unless it is another chain than before, or a shorter one.
        check_chain(self._rpc, self._manifest)
        with self._engine.connect() as connection:
            return has_other_blocks(connection, self._scanner, run.head)

    def _read(
        self, ahead: ThreadPoolExecutor, before: Cursor, final: int
    ) -> "Future[Range] | None":
        """Fetch the next range while the one before it is written."""
        if before.number >= final:
            return None
        return ahead.submit((self._verified or self._scanner).read, before, final)

    def _apply(self, state: State, found: Range, *, at_head: bool, recording: bool) -> int:
        """Returns how many legs were posted."""
        projection = Projection(state, found.headers, self._open_key)
        if state.next_number == 1:
            state.knows_waiting = True
        if self._looks_pairs_up:
            state.knows_waiting = False
        project(projection, found.events, found.sealed)
        if projection.touched and projection.changes.first_new > 1:
            self._load_pairs(state, projection.touched)
        for step in projection.steps:
            step()
        projection.steps.clear()  # they hold the projection, which holds them
        changes = projection.changes
        if at_head:
            with refused(self._rpc):
                self._contracts.check(state, found, changes)
        if changes.incidents and not recording:
            first = changes.incidents[0]
            raise Incomplete(f"what was read does not add up ({first.what})", where=first.place)
        rows = written(state, projection, found)
        state.range_folded(found.last.number, projection.touched)
        self._write(rows)
        state.let_go(self._writer.unwritten if self._writer else 0)
        _move(state, found)
        if found.events or rows.incidents:
            self.changes += 1
        if changes.matched and self.on_matched is not None:
            self._wait()
            self.on_matched(_own(state, changes.matched), found.last.number)
        return changes.legs

    def _load_pairs(self, state: State, touched: Mapping[tuple[int, int], Touched]) -> None:
        with self._engine.connect() as connection:
            if wanted := not_at_hand(connection, state, touched):
                load_pairs(connection, state.accounts, wanted)

    def _write(self, rows: Written) -> None:
        if self._writer is not None:
            self._writer.write(self._engine, rows)
            return
        with self._engine.begin() as connection:
            write(connection, [rows])

    def _wait(self) -> None:
        """Until the writer has written what it was given."""
        if self._writer is not None:
            self._writer.wait()

    @contextmanager
    def _all_written(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._wait()

    def _rewind(self, state: State) -> State:
        """Rebuild the view from the start, unless it is the endpoint that is another one now."""
        check_chain(self._rpc, self._manifest)
        if has_block(self._rpc.others(), state):
            raise ShortAnswer(
                f"the endpoint has another block {state.block_number} than was read, and another "
                "endpoint has that one still",
                where=self._rpc.url,
            )
        with self._engine.connect() as connection:
            incident = describe(connection, self._scanner, state)
        self._rebuild(incident)
        self._state = State(state.view, state.chain_id)
        return self._state

    def _rebuild(self, incident: Incident) -> None:
        with self._engine.begin() as connection:
            wipe(connection)
            record_incidents(connection, [incident], int(time.time()))
        self.changes += 1

    def _record_refusal(self, fault: NotVerified) -> None:
        """An incident, unless the endpoint's answer before was refused already."""
        if self._rpc.origin in self._refused:
            return
        self._refused.add(self._rpc.origin)
        place = f"{self._rpc.origin}: {fault.what}"
        with self._engine.begin() as connection:
            record_incidents(
                connection, [Incident("refused", place, self.position())], int(time.time())
            )

    def _has_other_role(self, state: State) -> bool:
        """The role decides what is projected: where the chain's events say another one than the
        endpoint did, the view is made anew."""
        role = self._role_of_events()
        if role in (None, state.view.role):
            return False
        self._role, self._state = role, None
        why = f"this bank is {role} by the chain's events, not {state.view.role}"
        self._rebuild(Incident("rebuilt", why, state.block_number or 0))
        return True

    def _role_of_events(self) -> str | None:
        with self._engine.connect() as connection:
            return connection.execute(
                select(members.c.role).where(members.c.number == self._member)
            ).scalar_one_or_none()

    def _load(self) -> State:
        check_chain(self._rpc, self._manifest)
        role = self._role
        if role is None and self._verified is not None:
            role = self._role_of_events()
        view = View(self._member, role or self._own_role(), self._sealing_keys)
        with self._engine.connect() as connection:
            return load(connection, view, self._manifest.chain_id, self._open_key)

    def _own_role(self) -> str:
        """Asked of the registry, because its answer decides what is projected from block one."""
        registry = ConsortiumRegistry(self._rpc, self._manifest.addresses["ConsortiumRegistry"])
        try:
            return registry.role(self._member)
        except (ContractReverted, LookupError):
            raise WrongChain(
                f"this consortium has no member {self._member}",
                where=self._rpc.url,
                remedy="Check the node's own member number, and that the bank was admitted",
            ) from None

    def _open_key(self, sealed: bytes) -> bytes | None:
        return open_reference_key(sealed, self._sealing_keys)


def _own(state: State, pairs: list[StoredPair]) -> list[MatchedPair]:
    """Pairs with a half of this view's own bank."""
    found = []
    for pair in pairs:
        facility = state.facilities[pair.facility]
        if facility.lead == state.view.member:
            half = pair.lead
        elif facility.partners.get(state.view.member) == pair.account:
            half = pair.partner
        else:
            continue
        if half is not None:
            found.append(
                MatchedPair(
                    pair.facility,
                    pair.account,
                    pair.kind,
                    pair.reference,
                    pair.status,
                    half.sequence,
                    half.word,
                )
            )
    return found


def _move(state: State, found: Range) -> None:
    state.block_number, state.block_hash = found.last.number, found.last.hash
    state.block_time, state.validators = found.last.timestamp, found.validators
