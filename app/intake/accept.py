"""Accepting rows: idempotency, identity, reversals; what is answered as accepted is committed.

Rows come validated (`domain.events`) and are accepted in chunks, each one transaction: the events,
the quarantined rows and the feed's running sums. A feed that was cut short is simply submitted
again: what was accepted then is a duplicate now. A reversal whose target has not come yet waits for
the end of its feed, whose rows are then read once more: a feed sorted newest first says the same.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from app.audit.actor import current_actor
from app.audit.trail import Entry, append
from app.db.clock import now as now_utc
from app.db.clock import stamp
from app.domain.errors import EventConflict
from app.domain.events import Quarantined, Row
from app.domain.facility import Facility
from app.intake import json_values
from app.intake.cells import shown
from app.intake.judge import ChunkResult, WaitingReversals, judge
from app.intake.results import FeedResult, Receipt, Verdict
from app.intake.store import EventStore, EventTransaction
from app.intake.validation import Validator

CHUNK_ROWS = 2_000
"""Rows a transaction: large enough to be fast, small enough for other writers to get their turn."""

UPLOADED = "upload"
"""The source of a feed that a person has sent through the page: who did is in the audit trail."""

BULK_NAME = "bulk by REST"
"""Of each feed that came as a bulk by REST."""

PUSHED = "push"
"""The source of the feed (one a day) that holds the events pushed one by one."""


_CHUNK_CHARACTERS = 8 * 1024 * 1024
"""Of rows as they came, which are kept until it is known whether they are quarantined."""


class Intake:
    """Accepts one bank's events of one facility.

    `clock` tells the time (UTC) for the rule of MAX_DAYS_AHEAD and for what is noted.
    """

    def __init__(
        self,
        store: EventStore,
        validator: Validator,
        *,
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        self._store = store
        self.validator = validator
        self._clock = clock

    @property
    def facility(self) -> Facility:
        return self.validator.facility

    @property
    def sender(self) -> str:
        return self.validator.sender

    def submit(
        self,
        rows: Iterable[Row],
        name: str,
        source: str,
        *,
        header: bytes | None = None,
        progress: Callable[[int], None] | None = None,
        verdicts: Callable[[Sequence[Verdict]], None] | None = None,
    ) -> FeedResult:
        """Take in a feed's rows, chunk by chunk, each committed before the next is read.

        `name` is a file's; its bytes that are not UTF-8 are kept as `\\xNN`. `rows` are read again
        from their start where reversals wait for their targets; `header` is a CSV's. `progress` is
        told how many more rows were committed, `verdicts` what became of each of them, those that
        waited last. Raises StorageFault when the database fails, FeedFault when the second reading
        gives other rows than the first; the chunks before it are kept.
        """
        with self._store.writing() as transaction:
            feed_id = transaction.open_feed(
                self.facility.id, shown(name), source, self._now(), header
            )
            if source == UPLOADED:
                entry = Entry(current_actor.get(), "feed.upload", self.facility.id)
                append(transaction.connection, entry.with_details(feed=feed_id))
        taken = ChunkResult()

        def accept(remaining: Iterator[Row], waiting: WaitingReversals | None) -> None:
            # A chunk is read before its transaction begins: no lock while a file is read.
            for chunk in _chunks(remaining):
                with self._store.writing() as transaction:
                    part = self._accept(transaction, feed_id, chunk, waiting)
                taken.add_counts_of(part)
                if verdicts:
                    verdicts(part.verdicts)
                if progress:
                    progress(part.counts.rows_in)

        waiting = WaitingReversals()
        accept(iter(rows), waiting)
        if waiting:
            accept(waiting.among(rows, name), None)
        with self._store.writing() as transaction:
            transaction.finish_feed(feed_id, self._now())
        return taken.result(feed_id, name)

    def submit_objects(
        self, objects: Sequence[object], name: str
    ) -> tuple[FeedResult, list[Verdict]]:
        """Take in a bulk of JSON objects in one commit, with a verdict for each, in their order.

        A row's number is its place, from 1. Raises StorageFault; then none of them was taken.
        """
        rows = [self._check_object(number, value) for number, value in enumerate(objects, start=1)]
        with self._store.writing() as transaction:
            feed_id = transaction.open_feed(self.facility.id, name, "bulk", self._now())
            waiting = WaitingReversals()
            taken = self._accept(transaction, feed_id, rows, waiting)
            verdicts = taken.verdicts
            if waiting:
                late = self._accept(transaction, feed_id, list(waiting.among(rows, name)), None)
                taken.add_counts_of(late)
                verdicts = sorted([*verdicts, *late.verdicts], key=lambda verdict: verdict.row)
            transaction.finish_feed(feed_id, self._now())
        return taken.result(feed_id, name), verdicts

    def push(self, value: object) -> Receipt | Quarantined:
        """Take in one JSON object; one that is at fault is quarantined and returned.

        Raises EventConflict when its event_id was accepted with other content (quarantined, too).
        """
        at = self._now()
        with self._store.writing() as transaction:
            feed_id, rows = transaction.daily_feed(
                self.facility.id, f"pushed {at[:10]}", PUSHED, at
            )
            row = self._check_object(rows + 1, value)
            taken = self._accept(transaction, feed_id, [row], None)
            if not taken.quarantined:
                receipt = transaction.receipt(row.event_id)
                return replace(receipt, again=not taken.accepted)
        refused = taken.quarantined[0]
        if taken.conflicts:
            raise EventConflict(
                f"{refused.event_id!r} {refused.reason}",
                where="event_id",
                remedy="Give a changed event an event_id of its own",
            )
        return refused

    def _accept(
        self,
        transaction: EventTransaction,
        feed_id: int,
        rows: Sequence[Row],
        waiting: WaitingReversals | None,
    ) -> ChunkResult:
        """Judge rows in their order, and keep them.

        Reversals without a target are left to `waiting`; without it, they are quarantined.
        """
        now = self.now()
        taken = judge(transaction, rows, now, self.facility.decimals, waiting)
        transaction.save(
            feed_id,
            taken.accepted,
            taken.reversed,
            taken.quarantined,
            taken.counts,
            stamp(now),
        )
        return taken

    def _check_object(self, number: int, value: object) -> Row:
        row = self.validator.check_object(number, value)
        row.raw = value if isinstance(value, Mapping) else json_values.encode(value)
        return row

    def now(self) -> datetime:
        """The time in UTC."""
        return self._clock().astimezone(UTC)

    def _now(self) -> str:
        return stamp(self.now())


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """As many rows at a time as a transaction takes, in bounded memory however long they are."""
    chunk: list[Row] = []
    size = 0
    for row in rows:
        chunk.append(row)
        size += len(row.raw or "")
        if len(chunk) >= CHUNK_ROWS or size >= _CHUNK_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
