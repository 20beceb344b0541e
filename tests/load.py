"""A steady load on two banks' nodes: how long an event takes until both banks' read models show its
pair as matched, and how much memory the nodes take meanwhile."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from statistics import median
from types import TracebackType
from typing import Self

import psutil
from sqlalchemy import select

from app.intake.tables import events
from app.readmodel import tables
from tests.killing import Feed, KilledNode, Killing

_LOOK_EVERY_S = 0.02
_WEIGH_EVERY_S = 5.0
_ROUND_S = 0.27
"""No divisor of a block's second: where in that the rounds fall moves on, and what is measured does
not hang on the moment at which the feeds began."""


def steady(events_per_s: int) -> Feed:
    """So many events a second, both halves together, in bulks of about a quarter of a second."""
    rows = max(1, round(events_per_s / 2 * _ROUND_S))

    def rows_of(number: int) -> list[tuple[str, int]]:
        return [(f"S{number}-{place}", 100 + 7 * number + place) for place in range(rows)]

    return Feed(rows_of, 2 * rows / events_per_s)


def percentile(ordered: Sequence[float], part: int) -> float:
    """The smallest of some values, in order of size, that so many of a hundred do not exceed."""
    return ordered[ceil(len(ordered) * part / 100) - 1]


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from the moment when both halves were accepted until both banks' read models showed
    the pair as matched, over all pairs."""

    pairs: int
    p50_s: float
    p95_s: float
    p99_s: float
    most_s: float

    def __str__(self) -> str:
        return (
            f"accepted to matched at both banks, {self.pairs} pairs: p50 {self.p50_s:.2f} s, "
            f"p95 {self.p95_s:.2f} s, p99 {self.p99_s:.2f} s, at most {self.most_s:.2f} s"
        )


class Watch:
    """Looks at both nodes from outside for as long as it is open: at what time each read model held
    which block, and the memory of each process."""

    def __init__(self, nodes: tuple[KilledNode, KilledNode]) -> None:
        self._nodes = nodes
        self._seen: dict[str, list[tuple[int, float]]] = {one.bank: [] for one in nodes}
        self.memory: dict[str, list[tuple[float, int]]] = {one.bank: [] for one in nodes}
        """By bank: monotonic time and resident bytes, of one process after the other."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        weigh_at = 0.0
        while not self._ended.wait(_LOOK_EVERY_S):
            for one in self._nodes:
                with one.engine.connect() as connection:
                    block = connection.execute(
                        select(tables.cursor.c.block_number)
                    ).scalar_one_or_none()
                seen = self._seen[one.bank]
                if block is not None and (not seen or seen[-1][0] != block):
                    seen.append((block, time.time()))
            if time.monotonic() >= weigh_at:
                weigh_at = time.monotonic() + _WEIGH_EVERY_S
                self._weigh()

    def _weigh(self) -> None:
        for one in self._nodes:
            with suppress(psutil.Error):  # it is dead just now
                resident = psutil.Process(one.pid).memory_info().rss
                self.memory[one.bank].append((time.monotonic(), resident))

    def resident_bytes(self, bank: str, since: float, until: float) -> float:
        """The median between two moments of `time.monotonic`."""
        return median(size for at, size in self.memory[bank] if since <= at <= until)

    def latency(self, both: Killing, since: float = 0.0) -> Latency:
        """Of every pair of the facility that was accepted after `since` (seconds since 1970); all
        must be matched, and be seen so."""
        accepted: dict[str, float] = {}
        for one in self._nodes:
            with one.engine.connect() as connection:
                rows = connection.execute(
                    select(events.c.event_ref, events.c.accepted_at).where(
                        events.c.facility == one.facility
                    )
                ).all()
            for ref, at in rows:
                moment = datetime.fromisoformat(at).timestamp()
                accepted[ref] = max(moment, accepted.get(ref, 0.0))
        p, q = tables.pairs.c, tables.postings.c
        with both.lead.engine.connect() as connection:
            block_of = {
                (row.member, row.sequence): row.block_number
                for row in connection.execute(
                    select(q.member, q.sequence, q.block_number).where(q.facility == both.number)
                )
            }
            pairs = connection.execute(
                select(p.event_ref, p.lead_sequence, p.partner_sequence).where(
                    p.facility == both.number
                )
            ).all()
        assert len(pairs) == len(accepted)
        took = sorted(
            self._visible_at(
                max(
                    block_of[both.lead.member, row.lead_sequence],
                    block_of[both.partner.member, row.partner_sequence],
                )
            )
            - accepted[row.event_ref]
            for row in pairs
            if accepted[row.event_ref] >= since
        )
        return Latency(len(took), *(percentile(took, part) for part in (50, 95, 99, 100)))

    def _visible_at(self, block: int) -> float:
        """When the slower one of the banks held a block."""
        return max(
            seen[bisect_left(seen, block, key=lambda one: one[0])][1]
            for seen in self._seen.values()
        )
