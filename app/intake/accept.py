"""Accepting rows: idempotency, identity, reversals; what is answered as accepted is committed.

Rows come validated (`domain.events`) and are accepted in chunks, each one transaction: the events,
the quarantined rows and the feed's running sums. A feed that was cut short is simply submitted
again: what was accepted then is a duplicate now. A reversal whose target has not come yet waits for
the end of its feed, whose rows are then read once more: a feed sorted newest first says the same.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import islice

from app.domain.errors import EventConflict, FeedFault
from app.domain.events import MAX_DAYS_AHEAD, ParsedEvent, Quarantined, Row
from app.domain.facility import Facility
from app.domain.kinds import Kind
from app.domain.money import format_amount
from app.intake.cells import shown
from app.intake.results import FeedResult, Receipt, RowCounts, StandingEvent, Verdict
from app.intake.store import EventStore, EventTransaction
from app.intake.validation import Validator

CHUNK_ROWS = 2_000
"""Rows a transaction: large enough to be fast, small enough for other writers to get their turn."""

PUSHED = "push"
"""The source of the feed (one a day) that holds the events pushed one by one."""


def plain_content(event: ParsedEvent) -> bytes:
    """What an event says, however it was written: SHA-256.

    An event that was read back from the chain has this for its content, because how its row was
    written (an empty `partner`, or the sender's own name) stands nowhere any more.
    """
    details = "" if event.details is None else event.details.decode()
    facts = (
        event.identity.hex(),
        event.amount,
        event.value_day,
        event.shares_day,
        event.booked_at,
        details,
    )
    return sha256(repr(facts).encode()).digest()


def now_utc() -> datetime:
    return datetime.now(UTC)


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
        self._validator = validator
        self._clock = clock

    @property
    def facility(self) -> Facility:
        return self._validator.facility

    @property
    def sender(self) -> str:
        return self._validator.sender

    def submit(
        self,
        rows: Iterable[Row],
        name: str,
        source: str,
        *,
        progress: Callable[[int], None] | None = None,
        verdicts: Callable[[Sequence[Verdict]], None] | None = None,
    ) -> FeedResult:
        """Take in a feed's rows, chunk by chunk, each committed before the next is read.

        `name` is a file's; its bytes that are not UTF-8 are kept as `\\xNN`. `rows` are read again
        from their start where reversals wait for their targets. `progress` is told how many more
        rows were committed, `verdicts` what became of each of them, those that waited last. Raises
        StorageFault when the database fails, FeedFault when the second reading gives other rows
        than the first; the chunks before it are kept.
        """
        with self._store.writing() as transaction:
            feed_id = transaction.open_feed(self.facility.id, shown(name), source, self._now())
        taken = _ChunkResult()

        def accept(remaining: Iterator[Row], waiting: _WaitingReversals | None) -> None:
            # A chunk is read before its transaction begins: no lock while a file is read.
            while chunk := list(islice(remaining, CHUNK_ROWS)):
                with self._store.writing() as transaction:
                    part = self._accept(transaction, feed_id, chunk, waiting)
                taken.add_counts_of(part)
                if verdicts:
                    verdicts(part.verdicts)
                if progress:
                    progress(part.counts.rows_in)

        waiting = _WaitingReversals()
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
        rows = [
            self._validator.check_object(number, value)
            for number, value in enumerate(objects, start=1)
        ]
        with self._store.writing() as transaction:
            feed_id = transaction.open_feed(self.facility.id, name, "bulk", self._now())
            waiting = _WaitingReversals()
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
            row = self._validator.check_object(rows + 1, value)
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
        waiting: "_WaitingReversals | None",
    ) -> "_ChunkResult":
        """Judge rows in their order against everything accepted before, and keep them.

        Reversals without a target are left to `waiting`; without it, they are quarantined.
        """
        now = self._clock().astimezone(UTC)
        taken = _ChunkResult()
        events = [row for row in rows if isinstance(row, ParsedEvent)]
        contents = dict(transaction.contents({event.event_id for event in events}))
        identities: set[bytes] = set()
        for event in events:
            if event.event_id not in contents:
                identities.add(event.identity)
                if event.target_identity:
                    identities.add(event.target_identity)
        standing = dict(transaction.standing(identities))
        last_day = now.toordinal() + MAX_DAYS_AHEAD
        for row in rows:
            if isinstance(row, Quarantined):
                taken.quarantine(row)
                continue
            known = contents.get(row.event_id)
            if known is not None:
                if known == row.content or known == plain_content(row):
                    taken.duplicate(row)
                else:
                    taken.conflicts += 1
                    reason = "was accepted with other content"
                    taken.quarantine(_quarantined(row, "event_id", row.event_id, reason))
                continue
            first = standing.get(row.identity)
            target: StandingEvent | None = None
            if row.target_identity:
                target = standing.get(row.target_identity)
                if target is None and waiting is not None:
                    waiting.add(row)
                    continue
                reason = _reversal_fault(row, target, first, self.facility.decimals)
                if target is None or reason:
                    named = f"{Kind(row.target_kind).feed_name}/{row.target_ref}"
                    taken.quarantine(_quarantined(row, "reverses", named, reason))
                    continue
                row.parts = target.parts
            if row.latest_day > last_day:
                taken.quarantine(_too_far(row))
                continue
            contents[row.event_id] = row.content
            if first is None:
                standing[row.identity] = StandingEvent(row.amount, row.parts, reversed=False)
                if target is not None:
                    target.reversed = True
                    taken.reversed.append(row.target_identity)
            taken.accept(row, duplicate_leg=first is not None)
        transaction.save(
            feed_id,
            taken.accepted,
            taken.reversed,
            taken.quarantined,
            taken.counts,
            now.isoformat(timespec="milliseconds"),
        )
        return taken

    def _now(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="milliseconds")


class _ChunkResult:
    """What became of some rows."""

    def __init__(self) -> None:
        self.counts = RowCounts()
        self.duplicate_legs = 0
        self.conflicts = 0
        self.accepted: list[tuple[ParsedEvent, bool]] = []
        self.reversed: list[bytes] = []
        self.quarantined: list[Quarantined] = []
        self.verdicts: list[Verdict] = []

    def accept(self, event: ParsedEvent, *, duplicate_leg: bool) -> None:
        self.counts.rows_in += 1
        self.counts.accepted += 1
        self.duplicate_legs += duplicate_leg
        self.accepted.append((event, duplicate_leg))
        self.verdicts.append(Verdict(event.row, event.event_id, "accepted"))

    def duplicate(self, event: ParsedEvent) -> None:
        self.counts.rows_in += 1
        self.counts.duplicate += 1
        self.verdicts.append(Verdict(event.row, event.event_id, "duplicate"))

    def quarantine(self, row: Quarantined) -> None:
        self.counts.rows_in += 1
        self.counts.quarantined += 1
        self.quarantined.append(row)
        self.verdicts.append(
            Verdict(row.row, row.event_id, "quarantined", row.field, row.value, row.reason)
        )

    def add_counts_of(self, other: "_ChunkResult") -> None:
        self.counts.rows_in += other.counts.rows_in
        self.counts.accepted += other.counts.accepted
        self.counts.duplicate += other.counts.duplicate
        self.counts.quarantined += other.counts.quarantined
        self.duplicate_legs += other.duplicate_legs

    def result(self, feed_id: int, name: str) -> FeedResult:
        return FeedResult(
            feed_id,
            name,
            self.counts.rows_in,
            self.counts.accepted,
            self.counts.duplicate,
            self.counts.quarantined,
            self.duplicate_legs,
        )


class _WaitingReversals:
    """Reversals of one feed whose targets may come further down: their rows, in their order.

    Only numbers are kept of them: a feed may hold millions.
    """

    def __init__(self) -> None:
        self._rows = array("Q")

    def __bool__(self) -> bool:
        return bool(self._rows)

    def add(self, event: ParsedEvent) -> None:
        self._rows.append(event.row)

    def among(self, rows: Iterable[Row], name: str) -> Iterator[Row]:
        """Those of the feed's rows that wait. Raises FeedFault where they are not there again."""
        expected = iter(self._rows)
        next_row = next(expected, None)
        for row in rows:
            if row.row == next_row:
                yield row
                next_row = next(expected, None)
        if next_row is not None:
            raise FeedFault(
                "the file changed while it was read",
                where=name,
                remedy="Send it again when nobody writes to it any more; nothing is taken twice",
            )


def _reversal_fault(
    event: ParsedEvent, target: StandingEvent | None, first: StandingEvent | None, decimals: int
) -> str:
    """Why a reversal cannot stand, or nothing; `first` is an earlier one of the same identity."""
    if target is None:
        return "names no event that this bank has sent (for this partner), here or before"
    if event.amount != target.amount:
        amount, whole = (format_amount(one, decimals) for one in (event.amount, target.amount))
        instead = f"is {amount} and names an event of {whole}: a reversal undoes its target wholly"
        if event.amount > target.amount:
            return f"{instead}. Send one of {whole}"
        rest = format_amount(target.amount - event.amount, decimals)
        kind = Kind(event.target_kind).feed_name
        return f"{instead}. Send one of {whole} and a new {kind} of {rest} with its own event_ref"
    if target.reversed and first is None:
        return "names an event that was reversed already"
    return ""


def _too_far(event: ParsedEvent) -> Quarantined:
    try:
        value = date.fromordinal(event.latest_day).isoformat()
    except ValueError:  # the day after the last that a calendar has
        value = event.booked_at
    return _quarantined(
        event, "chain", value, f"is more than {MAX_DAYS_AHEAD} days ahead of today (UTC)"
    )


def _quarantined(event: ParsedEvent, field: str, value: str, reason: str) -> Quarantined:
    return Quarantined(event.row, field, value, reason, event.event_id)
