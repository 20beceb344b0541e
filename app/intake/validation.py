"""Validation of rows: a row of raw cells becomes an event, or is quarantined with its first fault.

The same for files and REST. It runs once per row of files with a million rows, so it is plain
code over strings, and dates that come again are parsed once.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time
from hashlib import sha256

import orjson

from app.domain.errors import UsageFault
from app.domain.events import ALL_PARTNERS, ParsedEvent, Quarantined, Row
from app.domain.facility import EARLIEST_DAY, Facility
from app.domain.kinds import BY_FEED_NAME, Kind
from app.domain.money import AmountError, parse_amount
from app.intake import hints
from app.intake.cells import COLUMNS, NOT_UTF8, WHOLE_ROW, UnusableCell, is_text, shown
from app.intake.json_values import JsonNumber, RepeatedKeys

MAX_NAME = 64
"""Most characters of an event_id or a reference."""

MAX_TEXT = 16_384
"""Most characters of loan_ref, borrower_ref and memo each: they must fit into a posting."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?"
    r"(Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_SPREADSHEET_NUMBER = re.compile(r"[0-9]+\.[0-9]+E\+[0-9]+")
_BEYOND_CALENDAR = date.max.toordinal() + 1
_CACHED = 20_000
_CACHED_LENGTH = 40
_INSTANT_REASON = "is no instant as YYYY-MM-DDThh:mm:ss with Z or an offset like +08:00"
_NAME_REASON = f"must be 1 to {MAX_NAME} printable characters"
_SPREADSHEET_REASON = (
    "is what a spreadsheet makes of a long number: its digits are lost. Export the column as text"
)


class Validator:
    """Judges the rows of one sender for one facility.

    Raises UsageFault for a sender that is no party to the facility.
    """

    def __init__(self, facility: Facility, sender: str) -> None:
        if sender not in facility.banks:
            raise UsageFault(
                f"{sender!r} is no party to facility {facility.id}",
                remedy=f"Its banks are {', '.join(facility.banks)}",
            )
        if facility.unworkable:
            raise UsageFault(
                f"no row of facility {facility.id} can be judged: {facility.unworkable}",
                remedy="Update this machine's time zones (tzdata) if the name is right; else close "
                "the facility and agree on one with other terms",
            )
        self.facility = facility
        self.sender = sender
        self._is_lead = sender == facility.lead
        self._lead_splits = facility.split == "lead"
        self._first_day = max(facility.first_day, EARLIEST_DAY)
        first_date = date.fromordinal(self._first_day)
        self._first_instant = datetime.combine(first_date, time(), facility.zone).astimezone(UTC)
        self._too_early = (
            f"is before {first_date}, as the empty dates of many systems are"
            if self._first_day == EARLIEST_DAY
            else f"is before {first_date}, the first day of facility {facility.id}"
        )
        own = facility.partner(sender)
        self._own_number = own.number if own else ALL_PARTNERS
        self._numbers = {partner.name: partner.number for partner in facility.partners}
        self._later_shares = [version.effective_from for version in facility.later_shares]
        """The first days of the versions of shares after the first."""
        self._thresholds = [
            {kind: _thresholds(facility, kind, day) for kind in Kind if kind.shared}
            for day in (0, *self._later_shares)
        ]
        self._days: dict[str, int] = {}
        self._instants: dict[str, tuple[str, int]] = {}

    def check(self, row: int, cells: Sequence[str]) -> Row:
        """Judge a row of text cells in the order of COLUMNS; an absent value is empty."""
        (
            event_id,
            facility_id,
            event_ref,
            kind_name,
            amount_text,
            currency,
            value_date,
            booked_at,
            partner,
            reverses,
            shares_on,
            loan_ref,
            borrower_ref,
            memo,
        ) = cells
        try:
            _check_name(0, event_id)
            if facility_id != self.facility.id:
                raise _Fault(1, f"is not the facility {self.facility.id}")
            _check_name(2, event_ref)
            kind = BY_FEED_NAME.get(kind_name)
            if kind is None:
                raise _Fault(3, "is no kind of event")
            try:
                amount = parse_amount(amount_text, self.facility.decimals)
            except AmountError as error:
                raise _Fault(4, str(error), hints.of_amount(amount_text)) from None
            if currency != self.facility.currency:
                raise _Fault(5, f"is not the facility's currency {self.facility.currency}")
            value_day = self._days.get(value_date) or self._day(6, value_date)
            booked_at_utc, business_day = self._instants.get(booked_at) or self._instant(booked_at)
            target: tuple[Kind, str] | None = None
            if kind is Kind.REVERSAL:
                target = _target(reverses)
                number = self._partner(partner, target[0] if target else None)
                if target is None:
                    raise _Fault(9, "is not kind/event_ref of what is reversed")
            else:
                number = self._partner(partner, kind)
                if reverses:
                    raise _Fault(9, f"is for reversals only, this is a {kind.feed_name}")
            stated = self._stated_day(shares_on) if shares_on else 0
            shares_day = stated if stated and kind.shared and stated != value_day else 0
            details = _details(cells) if loan_ref or borrower_ref or memo else None
        except _Fault as fault:
            return fault.quarantined(row, cells)

        parts = 1 if number else 0
        if not number and target is None:
            version = bisect_right(self._later_shares, shares_day or value_day)
            parts = bisect_right(self._thresholds[version][kind], amount)
        content = orjson.dumps(
            (
                facility_id,
                event_ref,
                kind_name,
                amount,
                value_day,
                booked_at_utc,
                partner,
                reverses,
                shares_on,
                loan_ref,
                borrower_ref,
                memo,
            )
        )
        event = ParsedEvent(
            row,
            event_id,
            sha256(content).digest(),
            b"",
            kind,
            number,
            event_ref,
            amount,
            value_day,
            business_day,
            shares_day,
            booked_at_utc,
            parts,
            max(value_day, business_day, stated),
            details,
        )
        if target is None:
            event.identity = _identity(facility_id, number, kind, event_ref, 0, "")
        else:
            event.target_kind, event.target_ref = target
            event.identity = _identity(facility_id, number, kind, event_ref, *target)
            event.target_identity = _identity(facility_id, number, *target, 0, "")
        return event

    def check_object(self, row: int, value: object) -> Row:
        """Judge a JSON object as `json_values.decode` or any JSON parser made it.

        A missing key and null are absent values; any other value that is no text is a fault of its
        column, as is a key that stands more than once (seen by `decode` only).
        """
        if not isinstance(value, Mapping):
            return Quarantined(row, WHOLE_ROW, shown(_as_json(value)), "is no JSON object")
        judged = self.check(row, cells_of(value))
        repeated = value.keys_repeated if isinstance(value, RepeatedKeys) else ()
        if repeated and isinstance(judged, ParsedEvent):
            return Quarantined(
                row,
                WHOLE_ROW,
                shown(", ".join(repeated)),
                "an unknown key stands more than once",
                judged.event_id,
            )
        return judged

    # What follows raises _Fault for a cell that is at fault.

    def _partner(self, partner: str, ruling: Kind | None) -> int:
        """The number of an event's partner, ALL_PARTNERS of a shared one of the lead. `ruling`: its
        kind, of a reversal its target's; None where that names none."""
        if not self._is_lead:
            if partner and partner != self.sender:
                raise _Fault(8, f"may only be empty or {self.sender} in this feed")
            return self._own_number
        if not partner:
            if self._lead_splits:
                raise _Fault(8, "is needed: this facility's lead states each part")
            if ruling is not None and ruling.one_partner:
                raise _Fault(8, f"is needed for {ruling.feed_name}")
            return ALL_PARTNERS
        number = self._numbers.get(partner, 0)
        if not number:
            raise _Fault(8, f"is no partner of facility {self.facility.id}")
        if ruling is not None and ruling.shared and not self._lead_splits:
            raise _Fault(8, f"must be empty for {ruling.feed_name}, it is shared")
        return number

    def _stated_day(self, shares_on: str) -> int:
        if not self._is_lead:
            raise _Fault(10, "may stand in the lead's feed only")
        return self._days.get(shares_on) or self._day(10, shares_on)

    def _day(self, column: int, text: str) -> int:
        """The ordinal of a date from the facility's first day on."""
        day = 0
        if _DATE.fullmatch(text):
            with suppress(ValueError):
                day = date.fromisoformat(text).toordinal()
        if not day:
            raise _Fault(column, "is no date as YYYY-MM-DD", hints.of_date(text))
        if day < self._first_day:
            raise _Fault(column, self._too_early)
        if len(self._days) < _CACHED:
            self._days[text] = day
        return day

    def _instant(self, text: str) -> tuple[str, int]:
        """The instant in UTC and its business day, not before the facility's first."""
        found = _INSTANT.fullmatch(text)
        if found is None:
            raise _Fault(7, _INSTANT_REASON, hints.of_instant(text))
        moment, fraction, offset = found.groups()
        try:
            booked_at = datetime.fromisoformat(moment + offset)
        except ValueError:
            raise _Fault(7, _INSTANT_REASON, hints.of_instant(text)) from None
        try:
            utc = booked_at.astimezone(UTC).isoformat()[:19]
            if booked_at < self._first_instant:
                raise _Fault(7, self._too_early)
            business_day = self.facility.business_day(booked_at)
        except OverflowError:
            if booked_at.year == 1:
                raise _Fault(7, _INSTANT_REASON, hints.of_instant(text)) from None
            # A date that no calendar has, and further ahead than the chain takes.
            business_day = _BEYOND_CALENDAR
            utc = moment
        if fraction and (fraction := fraction.rstrip("0")):
            utc = f"{utc}.{fraction}"
        instant = (f"{utc}Z", business_day)
        if len(text) <= _CACHED_LENGTH:
            if len(self._instants) >= _CACHED:
                self._instants.clear()
            self._instants[text] = instant
        return instant


def _check_name(column: int, name: str) -> None:
    """Raises _Fault."""
    if not (0 < len(name) <= MAX_NAME and name.isprintable()):
        raise _Fault(column, _NAME_REASON, hints.of_name(name))
    if "E+" in name and _SPREADSHEET_NUMBER.fullmatch(name):
        raise _Fault(column, _SPREADSHEET_REASON)


class _Fault(Exception):
    """Why a cell (by its column's place) is at fault, and what it looks like."""

    def __init__(self, column: int, reason: str, hint: str = "") -> None:
        self._column = column
        self._reason = f"{reason}: {hint}" if hint else reason

    def quarantined(self, row: int, cells: Sequence[str]) -> Quarantined:
        """The row with this fault, or with one of the cell as such, which comes first."""
        cell, name, reason = cells[self._column], COLUMNS[self._column], self._reason
        if isinstance(cell, UnusableCell):
            reason = cell.reason
        elif not is_text(cell):
            reason = NOT_UTF8
        elif not cell and name != "partner":
            reason = "is missing"
        # Past the first column the event_id is known to be good.
        return Quarantined(row, name, shown(cell), reason, cells[0] if self._column else "")


def cells_of(value: Mapping[str, object]) -> list[str]:
    """The cells of a JSON object in the order of COLUMNS; unusable ones where a value is no text or
    its key stands more than once."""
    cells: list[str] = []
    for column in COLUMNS:
        cell = value.get(column)
        if cell is None:
            cells.append("")
        elif type(cell) is str:
            cells.append(cell)
        else:
            cells.append(UnusableCell(_as_json(cell), "is no text: write it in quotes"))
    repeated = value.keys_repeated if isinstance(value, RepeatedKeys) else ()
    for index, column in enumerate(COLUMNS):
        if column in repeated:
            cells[index] = UnusableCell(cells[index], "the key stands more than once")
    return cells


def _thresholds(facility: Facility, kind: Kind, day: int) -> list[int]:
    """For each partner with a share on a day, the smallest amount of which its part is not 0;
    sorted."""
    component = kind.component
    assert component is not None
    shares = (facility.shares_of(one.number, component, day) for one in facility.partners)
    return sorted(-(-10_000 // share) for share in shares if share)


def _target(reverses: str) -> tuple[Kind, str] | None:
    """The kind and event_ref that a reversal names; None where it names nothing reversible."""
    kind_name, slash, event_ref = reverses.partition("/")
    kind = BY_FEED_NAME.get(kind_name)
    if kind is None or kind is Kind.REVERSAL or not slash:
        return None
    if not (0 < len(event_ref) <= MAX_NAME and event_ref.isprintable()):
        return None
    return kind, event_ref


def _details(cells: Sequence[str]) -> bytes:
    """The free texts that there are, as JSON. Raises _Fault."""
    texts = {}
    for column in (11, 12, 13):
        if text := cells[column]:
            if reason := _text_fault(text):
                raise _Fault(column, reason)
            texts[COLUMNS[column]] = text
    return orjson.dumps(texts)


def _text_fault(cell: str) -> str:
    """What is wrong with a free text; empty if nothing is."""
    if len(cell) > MAX_TEXT:
        return f"has {len(cell)} characters, at most {MAX_TEXT} are possible"
    if "\0" in cell:
        return "holds a NUL"
    return "" if is_text(cell) else NOT_UTF8


def _identity(*facts: str | int) -> bytes:
    """SHA-256 of facility, partner, kind, event_ref, target's kind and target's event_ref."""
    return sha256(orjson.dumps(facts)).digest()


def _as_json(value: object) -> str:
    """A value as it may have stood in the JSON."""
    if isinstance(value, JsonNumber):
        return str(value)
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return "(nested too deeply to be shown)"
