"""The main job: every bank takes in its feed and posts its own half, until all of it is final.

Each bank works by itself (`work`), in a thread or process of its own; `reconcile` waits for all of
them, then tells each the block up to which it must have read the chain.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.domain.errors import ChainFault, ChainUnreachable, DatabaseBusy
from app.intake.results import FeedResult
from app.node.bank import Bank
from app.node.block_rhythm import BlockRhythm
from app.outbox.progress import drained, last_final_block

POLL_S = 0.01
_LONGEST_POLL_S = 0.04
"""Between two looks for a new block; a tick costs several times as much CPU."""
_TICK_ANYWAY_S = 1.0
"""Without a new block; what is lost on its way to the chain is then sent again."""
STALLED_AFTER_S = 120.0
"""Nothing moved for so long: the chain has stalled, and the run is given up (nothing is lost)."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of wall time: until all was posted, and from then until every bank had read it."""

    posting: float
    waiting: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of each bank's feed (by bank), and how long it took."""

    feeds: Mapping[str, FeedResult]
    timing: Timing


@dataclass(frozen=True, slots=True)
class RowsTaken:
    """So many more rows were taken in."""

    count: int


@dataclass(frozen=True, slots=True)
class BatchesMoved:
    """So many more batches were sealed, broadcast or settled, or legs read."""

    count: int


@dataclass(frozen=True, slots=True)
class Warned:
    """Something in the feed was ignored, and says so."""

    text: str


@dataclass(frozen=True, slots=True)
class Posted:
    """Everything accepted is final, in blocks up to `block`; None where there was no feed."""

    result: FeedResult | None
    block: int


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The read model holds the block that was asked for."""


Message = RowsTaken | BatchesMoved | Warned | Posted | CaughtUp


class Worker(Protocol):
    """One bank at work somewhere else."""

    @property
    def name(self) -> str: ...

    def messages(self) -> Iterable[Message]:
        """What it has reported since the last call, without waiting. Raises what ended it."""

    def read_up_to(self, block: int) -> None:
        """Tell it the last block that it must have read."""


class Reporter(Protocol):
    """A working bank's line to `reconcile`, which waits for it."""

    def report(self, message: Message) -> None: ...

    def last_block(self) -> int | None:
        """The block up to which to read; None while others still post."""


def reconcile(
    workers: Sequence[Worker],
    head_block: Callable[[], int],
    progress: Callable[[str, Message], None],
) -> Outcome:
    """Wait until every bank has posted and seen all of it final; `progress` hears everything.

    `head_block` is asked of one node, which may lag behind those that the banks post to: what they
    have posted counts too. Raises what ended a bank's work; what was accepted by then waits in the
    banks' outboxes.
    """
    started = time.monotonic()
    feeds: dict[str, FeedResult] = {}
    posting = {worker.name for worker in workers}
    reading = set(posting)
    posted_block = 0
    posted_at = started
    while reading:
        quiet = True
        for worker in workers:
            for message in worker.messages():
                quiet = False
                progress(worker.name, message)
                if isinstance(message, Posted):
                    posting.discard(worker.name)
                    posted_block = max(posted_block, message.block)
                    if message.result is not None:
                        feeds[worker.name] = message.result
                    if not posting:
                        posted_at = time.monotonic()
                        block = max(posted_block, head_block())
                        for one in workers:
                            one.read_up_to(block)
                elif isinstance(message, CaughtUp):
                    reading.discard(worker.name)
        if quiet:
            time.sleep(POLL_S)
    return Outcome(feeds, Timing(posted_at - started, time.monotonic() - posted_at))


def work(bank: Bank, facility: str, feed: Path | None, reporter: Reporter) -> None:
    """One bank's side: take in its feed (or none), post it, then follow the chain to the end.

    Raises ChainFault when the chain stalls or stays away.
    """
    news = threading.Event()
    """More of the feed was taken in."""

    def rows_taken(count: int) -> None:
        reporter.report(RowsTaken(count))
        news.set()

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="feed") as pool:
        taken: Future[FeedResult] | None = None
        if feed is not None:
            taken = pool.submit(
                bank.intakes.take_in,
                facility,
                feed,
                rows_taken,
                lambda text: reporter.report(Warned(text)),
            )
            taken.add_done_callback(lambda _: news.set())
        posted = False
        moved_at = time.monotonic()
        rhythm = BlockRhythm(moved_at)
        while True:
            news.clear()
            # Asked before the tick: what it did not know yet is then surely posted by it.
            in_hand = taken is None or taken.done()
            if _tick(bank, reporter):
                moved_at = time.monotonic()
                continue
            if troubles := bank.posting.troubles(facility):
                raise ChainFault("; ".join(troubles), where=bank.name)
            if in_hand and not posted and drained(bank.engine, facility):
                result = taken.result() if taken else None
                reporter.report(Posted(result, last_final_block(bank.engine, facility)))
                posted = True
            block = reporter.last_block()
            if block is not None and bank.follower.position() >= block:
                reporter.report(CaughtUp())
                return
            # Waiting for a feed or for the other banks is no stall.
            waits_for_chain = (in_hand and not posted) or block is not None
            if not waits_for_chain:
                moved_at = time.monotonic()
            elif time.monotonic() - moved_at > STALLED_AFTER_S:
                raise _stalled(bank.name)
            _wait(
                bank,
                rhythm,
                lambda: news.is_set() or reporter.last_block() != block,  # noqa: B023
            )


def _wait(bank: Bank, rhythm: BlockRhythm, has_news: Callable[[], bool]) -> None:
    """Until there is a block that the last tick did not see, or other news."""
    poll_s = POLL_S
    now_s = time.monotonic()
    rhythm.note(bank.follower.newest_seen, now_s)
    due_s, until_s = now_s + rhythm.quiet_s(now_s), now_s + _TICK_ANYWAY_S
    while now_s < until_s:
        time.sleep(poll_s)
        poll_s = min(2 * poll_s, _LONGEST_POLL_S)
        now_s = time.monotonic()
        if has_news():
            return
        with suppress(ChainUnreachable):  # it counts as stalled in time
            if now_s >= due_s and bank.follower.head() != bank.follower.newest_seen:
                return


def tick(bank: Bank) -> int:
    """Post and read whatever can be done now; returns batches moved and legs read, 0 where the
    database is busy. Never waits for a block. Raises ChainFault or StorageFault: call again later.
    """
    try:
        return bank.posting.tick() + bank.follower.advance().legs
    except DatabaseBusy:
        return 0


def _tick(bank: Bank, reporter: Reporter) -> int:
    try:
        moved = tick(bank)
    except ChainUnreachable:
        return 0  # tried again until it counts as stalled
    if moved:
        reporter.report(BatchesMoved(moved))
    return moved


def _stalled(bank: str) -> ChainFault:
    return ChainFault(
        f"nothing became final for {STALLED_AFTER_S:.0f} s",
        where=bank,
        remedy="Look at the chain (tally network status); what was accepted is kept and is "
        "posted when the same command runs again on the same network",
    )
