"""Taking in rows: idempotency, identity, reversals; what is answered as accepted is committed.

Rows come judged (`domain.events`) and are taken in chunks, each one transaction: the events, the
rows kept aside and the feed's running sums. A feed that was cut short is simply submitted again:
what was accepted then is a duplicate now.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import islice
from typing import Literal, Protocol

from app.domain.errors import EventConflict
from app.domain.events import MAX_DAYS_AHEAD, ParsedEvent, Quarantined, Row
from app.domain.facility import Facility
from app.domain.kinds import Kind

CHUNK_ROWS = 2_000
"""Rows a transaction: large enough to be fast, small enough for other writers to get their turn."""

PUSHED = "push"
"""The source of the feed (one a day) that holds the events pushed one by one."""


@dataclass(slots=True)
class Standing:
    """An accepted event that stands for its identity, as far as reversals need it."""

    amount: int
    parts: int
    reversed: bool


@dataclass(slots=True)
class Sums:
    """A feed's sums; rows_in = accepted + duplicate + quarantined."""

    rows_in: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class FeedResult:
    """What became of a feed. `duplicate_legs` are among the accepted rows."""

    feed_id: int
    name: str
    rows_in: int
    accepted: int
    duplicate: int
    quarantined: int
    duplicate_legs: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one row. `field` and `reason` belong to quarantined rows."""

    row: int
    event_id: str
    status: Literal["accepted", "duplicate", "quarantined"]
    field: str = ""
    value: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a pushed event: the same, however often it is pushed."""

    event_id: str
    accepted_at: str
    """UTC, ISO 8601."""
    duplicate_leg: bool
    """Whether another event of this bank with the same identity stands."""
    again: bool = field(default=False, compare=False)
    """Whether it was accepted before this push."""


class IntakeTransaction(Protocol):
    """One transaction of the event store; the only writer of events while it is open."""

    def open_feed(self, facility: str, name: str, source: str, at: str) -> int:
        """Begin a feed; returns its id."""

    def daily_feed(self, facility: str, name: str, source: str, at: str) -> tuple[int, int]:
        """The feed of pushed events of that name, begun if need be: its id and rows so far."""

    def contents(self, event_ids: Collection[str]) -> Mapping[str, bytes]:
        """The content of those events that were accepted."""

    def standing(self, identities: Collection[bytes]) -> Mapping[bytes, Standing]:
        """The events that stand for those identities, where there are any."""

    def receipt(self, event_id: str) -> Receipt:
        """The receipt of an accepted event."""

    def save(
        self,
        feed_id: int,
        accepted: Sequence[tuple[ParsedEvent, bool]],
        reversed_identities: Collection[bytes],
        quarantined: Sequence[Quarantined],
        sums: Sums,
        at: str,
    ) -> None:
        """Keep accepted events (each with whether it is a duplicate leg) and rows kept aside,
        mark what was reversed, and add `sums` to the feed's."""

    def finish_feed(self, feed_id: int, at: str) -> None:
        """Note that the whole feed was read."""


class EventStore(Protocol):
    """Where events are kept."""

    def writing(self) -> AbstractContextManager[IntakeTransaction]:
        """A transaction, committed at the end of the block; another writer waits for it."""


class RowValidator(Protocol):
    """Judges the rows of one sender for one facility."""

    @property
    def facility(self) -> Facility: ...

    @property
    def sender(self) -> str: ...

    def check_object(self, row: int, value: object) -> Row:
        """Judge one JSON object."""


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
    """The way in for one bank's events of one facility.

    `clock` tells the time (UTC) for the rule of MAX_DAYS_AHEAD and for what is noted.
    """

    def __init__(
        self,
        store: EventStore,
        validator: RowValidator,
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

        `progress` is told how many more rows were committed, `verdicts` what became of each of
        them. Raises StorageFault when the database fails; the chunks before it are kept.
        """
        with self._store.writing() as transaction:
            feed_id = transaction.open_feed(self.facility.id, name, source, self._now())
        taken = _Taken()
        remaining = iter(rows)
        # The rows of a chunk are read before its transaction begins: no lock while a file is read.
        while chunk := list(islice(remaining, CHUNK_ROWS)):
            with self._store.writing() as transaction:
                part = self._take(transaction, feed_id, chunk)
            taken.add_sums_of(part)
            if verdicts:
                verdicts(part.verdicts)
            if progress:
                progress(len(chunk))
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
            taken = self._take(transaction, feed_id, rows)
            transaction.finish_feed(feed_id, self._now())
        return taken.result(feed_id, name), taken.verdicts

    def push(self, value: object) -> Receipt | Quarantined:
        """Take in one JSON object; one that is at fault is kept aside and returned.

        Raises EventConflict when its event_id was accepted with other content (kept aside, too).
        """
        at = self._now()
        with self._store.writing() as transaction:
            feed_id, rows = transaction.daily_feed(
                self.facility.id, f"pushed {at[:10]}", PUSHED, at
            )
            row = self._validator.check_object(rows + 1, value)
            taken = self._take(transaction, feed_id, [row])
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

    def _take(self, transaction: IntakeTransaction, feed_id: int, rows: Sequence[Row]) -> "_Taken":
        """Judge rows in their order against everything accepted before, and keep them."""
        now = self._clock().astimezone(UTC)
        taken = _Taken()
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
                taken.keep_aside(row)
                continue
            known = contents.get(row.event_id)
            if known is not None:
                if known == row.content or known == plain_content(row):
                    taken.duplicate(row)
                else:
                    taken.conflicts += 1
                    taken.keep_aside(
                        _aside(row, "event_id", row.event_id, "was accepted with other content")
                    )
                continue
            first = standing.get(row.identity)
            target: Standing | None = None
            if row.target_identity:
                target = standing.get(row.target_identity)
                if target is None:
                    reason = "names no event that this bank has sent before (for this partner)"
                else:
                    reason = _reversal_fault(row, target, first)
                if target is None or reason:
                    named = f"{Kind(row.target_kind).feed_name}/{row.target_ref}"
                    taken.keep_aside(_aside(row, "reverses", named, reason))
                    continue
                row.parts = target.parts
            if row.latest_day > last_day:
                taken.keep_aside(_too_far(row))
                continue
            contents[row.event_id] = row.content
            if first is None:
                standing[row.identity] = Standing(row.amount, row.parts, reversed=False)
                if target is not None:
                    target.reversed = True
                    taken.reversed.append(row.target_identity)
            taken.accept(row, duplicate_leg=first is not None)
        transaction.save(
            feed_id,
            taken.accepted,
            taken.reversed,
            taken.quarantined,
            taken.sums,
            now.isoformat(timespec="milliseconds"),
        )
        return taken

    def _now(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="milliseconds")


class _Taken:
    """What became of some rows."""

    def __init__(self) -> None:
        self.sums = Sums()
        self.duplicate_legs = 0
        self.conflicts = 0
        self.accepted: list[tuple[ParsedEvent, bool]] = []
        self.reversed: list[bytes] = []
        self.quarantined: list[Quarantined] = []
        self.verdicts: list[Verdict] = []

    def accept(self, event: ParsedEvent, *, duplicate_leg: bool) -> None:
        self.sums.rows_in += 1
        self.sums.accepted += 1
        self.duplicate_legs += duplicate_leg
        self.accepted.append((event, duplicate_leg))
        self.verdicts.append(Verdict(event.row, event.event_id, "accepted"))

    def duplicate(self, event: ParsedEvent) -> None:
        self.sums.rows_in += 1
        self.sums.duplicate += 1
        self.verdicts.append(Verdict(event.row, event.event_id, "duplicate"))

    def keep_aside(self, row: Quarantined) -> None:
        self.sums.rows_in += 1
        self.sums.quarantined += 1
        self.quarantined.append(row)
        self.verdicts.append(
            Verdict(row.row, row.event_id, "quarantined", row.field, row.value, row.reason)
        )

    def add_sums_of(self, other: "_Taken") -> None:
        self.sums.rows_in += other.sums.rows_in
        self.sums.accepted += other.sums.accepted
        self.sums.duplicate += other.sums.duplicate
        self.sums.quarantined += other.sums.quarantined
        self.duplicate_legs += other.duplicate_legs

    def result(self, feed_id: int, name: str) -> FeedResult:
        return FeedResult(
            feed_id,
            name,
            self.sums.rows_in,
            self.sums.accepted,
            self.sums.duplicate,
            self.sums.quarantined,
            self.duplicate_legs,
        )


def _reversal_fault(event: ParsedEvent, target: Standing, first: Standing | None) -> str:
    """Why a reversal cannot stand, or nothing; `first` is an earlier one of the same identity."""
    if event.amount != target.amount:
        return "names an event of another amount"
    if target.reversed and first is None:
        return "names an event that was reversed already"
    return ""


def _too_far(event: ParsedEvent) -> Quarantined:
    try:
        value = date.fromordinal(event.latest_day).isoformat()
    except ValueError:  # the day after the last that a calendar has
        value = event.booked_at
    return _aside(event, "chain", value, f"is more than {MAX_DAYS_AHEAD} days ahead of today (UTC)")


def _aside(event: ParsedEvent, field: str, value: str, reason: str) -> Quarantined:
    return Quarantined(event.row, field, value, reason, event.event_id)
