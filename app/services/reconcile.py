"""The main job: every bank takes in its feed and posts its own half, until all of it is final."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import ChainFault, ChainUnreachable
from app.services.intake import FeedResult
from app.services.ports import ReconcilingBank

POLL_S = 0.02
STALLED_AFTER_S = 120.0
"""Nothing moved for so long: the chain has stalled, and the run is given up (nothing is lost)."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of wall time: until the last batch was sent, and from then until all was final."""

    posting: float
    waiting: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of each bank's feed (by bank), and how long it took."""

    feeds: Mapping[str, FeedResult]
    timing: Timing


@dataclass(frozen=True, slots=True)
class Progress:
    """Told as it goes: rows taken in and batches moved, by bank."""

    rows: Callable[[str, int], None]
    moved: Callable[[str, int], None]


def reconcile(
    banks: Sequence[ReconcilingBank],
    facility: str,
    feeds: Mapping[str, Path],
    head_block: Callable[[], int],
    progress: Progress,
) -> Outcome:
    """Take in `feeds` (by bank), post them, and wait until every bank has seen all of it final.

    A bank without a feed posts nothing but follows the chain. Raises ChainFault when the chain
    stalls or stays away; what was accepted by then waits in the banks' outboxes.
    """
    started = time.monotonic()
    with ThreadPoolExecutor(max_workers=max(1, len(feeds)), thread_name_prefix="feed") as pool:
        taken = {
            bank.name: pool.submit(
                bank.take_in,
                facility,
                feeds[bank.name],
                lambda count, name=bank.name: progress.rows(name, count),  # type: ignore[misc]
            )
            for bank in banks
            if bank.name in feeds
        }
        posted = _pump(banks, facility, taken, progress)
    last = head_block()
    _catch_up(banks, last, progress)
    return Outcome(
        feeds={name: future.result() for name, future in taken.items()},
        timing=Timing(posting=posted - started, waiting=time.monotonic() - posted),
    )


def _pump(
    banks: Sequence[ReconcilingBank],
    facility: str,
    taken: Mapping[str, "Future[FeedResult]"],
    progress: Progress,
) -> float:
    """Tick all banks until everything accepted is final; returns when the last batch was sent."""
    moved_at = time.monotonic()
    while True:
        done = all(future.done() for future in taken.values())
        moved = _tick_all(banks, progress)
        for future in taken.values():
            if future.done():
                future.result()  # a feed that failed ends the run with its own error
        for bank in banks:
            if trouble := bank.stopped(facility):
                raise ChainFault(trouble, where=bank.name)
        if moved:
            moved_at = time.monotonic()
        elif done and all(bank.drained(facility) for bank in banks):
            return moved_at
        else:
            _give_up_if_stalled(moved_at if done else time.monotonic())
            time.sleep(POLL_S)


def _catch_up(banks: Sequence[ReconcilingBank], block: int, progress: Progress) -> None:
    moved_at = time.monotonic()
    while any(bank.indexed_block() < block for bank in banks):
        if _tick_all(banks, progress):
            moved_at = time.monotonic()
        else:
            _give_up_if_stalled(moved_at)
            time.sleep(POLL_S)


def _tick_all(banks: Sequence[ReconcilingBank], progress: Progress) -> int:
    total = 0
    for bank in banks:
        try:
            moved = bank.tick()
        except ChainUnreachable:
            moved = 0  # tried again until it counts as stalled
        if moved:
            progress.moved(bank.name, moved)
        total += moved
    return total


def _give_up_if_stalled(since: float) -> None:
    if time.monotonic() - since > STALLED_AFTER_S:
        raise ChainFault(
            f"nothing became final for {STALLED_AFTER_S:.0f} s",
            remedy="Look at the chain (tally network status); what was accepted is kept and is "
            "posted when the same command runs again on the same network",
        )
