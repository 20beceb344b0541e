"""Judging validated rows against everything that was accepted before: idempotency, identity,
reversals. Nothing is kept here."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime
from hashlib import sha256

from app.domain.errors import FeedFault
from app.domain.events import MAX_DAYS_AHEAD, ParsedEvent, Quarantined, Row
from app.domain.kinds import Kind
from app.domain.money import format_amount
from app.intake.results import FeedResult, RowCounts, StandingEvent, Verdict
from app.intake.store import EventTransaction


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


def judge(
    transaction: EventTransaction,
    rows: Sequence[Row],
    now: datetime,
    decimals: int,
    waiting: "WaitingReversals | None" = None,
) -> "ChunkResult":
    """Judge rows in their order; `now` is UTC, `decimals` the facility's.

    Reversals without a target are left to `waiting`; without it, they are quarantined.
    """
    taken = ChunkResult()
    events = [row for row in rows if isinstance(row, ParsedEvent)]
    contents = dict(transaction.contents({event.event_id for event in events}))
    identities = {
        identity
        for event in events
        if event.event_id not in contents
        for identity in (event.identity, event.target_identity)
        if identity
    }
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
            reason = _reversal_fault(row, target, first, decimals)
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
    return taken


class ChunkResult:
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

    def add_counts_of(self, other: "ChunkResult") -> None:
        self.counts.add(other.counts)
        self.duplicate_legs += other.duplicate_legs

    def result(self, feed_id: int, name: str) -> FeedResult:
        return FeedResult(feed_id, name, **asdict(self.counts), duplicate_legs=self.duplicate_legs)


class WaitingReversals:
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
    return Quarantined(event.row, field, value, reason, event.event_id, event.raw)
