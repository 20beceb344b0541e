"""Validation of rows: a row of raw cells becomes an event, or is quarantined with its first fault.

The same for files and REST. It runs once per row of files with a million rows, so it is plain
code over strings, and dates that come again are parsed once.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
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
        if not (0 < len(event_id) <= MAX_NAME and event_id.isprintable()):
            return _fault(row, cells, 0, _NAME_REASON, hints.of_unprintable(event_id))
        if "E+" in event_id and _SPREADSHEET_NUMBER.fullmatch(event_id):
            return _fault(row, cells, 0, _SPREADSHEET_REASON)
        facility = self.facility
        if facility_id != facility.id:
            return _fault(row, cells, 1, f"is not the facility {facility.id}")
        if not (0 < len(event_ref) <= MAX_NAME and event_ref.isprintable()):
            return _fault(row, cells, 2, _NAME_REASON, hints.of_unprintable(event_ref))
        if "E+" in event_ref and _SPREADSHEET_NUMBER.fullmatch(event_ref):
            return _fault(row, cells, 2, _SPREADSHEET_REASON)
        kind = BY_FEED_NAME.get(kind_name)
        if kind is None:
            return _fault(row, cells, 3, "is no kind of event")
        try:
            amount = parse_amount(amount_text, facility.decimals)
        except AmountError as error:
            return _fault(row, cells, 4, str(error), hints.of_amount(amount_text))
        if currency != facility.currency:
            return _fault(row, cells, 5, f"is not the facility's currency {facility.currency}")
        value_day = self._days.get(value_date) or self._day(value_date)
        if not value_day:
            return _fault(row, cells, 6, _DATE_REASON, hints.of_date(value_date))
        if value_day < self._first_day:
            return _fault(row, cells, 6, self._too_early)
        instant = self._instants.get(booked_at) or self._instant(booked_at)
        if instant is None:
            return _fault(row, cells, 7, _INSTANT_REASON, hints.of_date(booked_at))
        booked_at_utc, business_day = instant
        if not business_day:
            return _fault(row, cells, 7, self._too_early)

        target: tuple[Kind, str] | None = None
        if kind is Kind.REVERSAL:
            target = _target(reverses)
            ruling = target[0] if target else None
        else:
            ruling = kind
        if not self._is_lead:
            if partner and partner != self.sender:
                return _fault(row, cells, 8, f"may only be empty or {self.sender} in this feed")
            number = self._own_number
        elif not partner:
            if self._lead_splits:
                return _fault(row, cells, 8, "is needed: this facility's lead states each part")
            if ruling is not None and ruling.one_partner:
                return _fault(row, cells, 8, f"is needed for {ruling.feed_name}")
            number = ALL_PARTNERS
        else:
            number = self._numbers.get(partner, 0)
            if not number:
                return _fault(row, cells, 8, f"is no partner of facility {facility.id}")
            if ruling is not None and ruling.shared and not self._lead_splits:
                return _fault(row, cells, 8, f"must be empty for {ruling.feed_name}, it is shared")
        if kind is Kind.REVERSAL:
            if target is None:
                return _fault(row, cells, 9, "is not kind/event_ref of what is reversed")
        elif reverses:
            return _fault(row, cells, 9, f"is for reversals only, this is a {kind.feed_name}")
        latest_day = max(value_day, business_day)
        shares_day = 0
        if shares_on:
            if not self._is_lead:
                return _fault(row, cells, 10, "may stand in the lead's feed only")
            stated = self._days.get(shares_on) or self._day(shares_on)
            if not stated:
                return _fault(row, cells, 10, _DATE_REASON, hints.of_date(shares_on))
            if stated < self._first_day:
                return _fault(row, cells, 10, self._too_early)
            latest_day = max(latest_day, stated)
            if kind.shared and stated != value_day:
                shares_day = stated
        details = None
        if loan_ref or borrower_ref or memo:
            texts = {}
            for column in (11, 12, 13):
                if text := cells[column]:
                    if reason := _text_fault(text):
                        return _fault(row, cells, column, reason)
                    texts[COLUMNS[column]] = text
            details = orjson.dumps(texts)

        if number:
            parts = 1
        elif target is None:
            version = bisect_right(self._later_shares, shares_day or value_day)
            parts = bisect_right(self._thresholds[version][kind], amount)
        else:
            parts = 0
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
            latest_day,
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

    def _day(self, text: str) -> int:
        """The ordinal of a date; 0 where it is none."""
        if not _DATE.fullmatch(text):
            return 0
        try:
            day = date.fromisoformat(text).toordinal()
        except ValueError:
            return 0
        if len(self._days) < _CACHED:
            self._days[text] = day
        return day

    def _instant(self, text: str) -> tuple[str, int] | None:
        """The instant in UTC and its business day, 0 for one before the facility's first day; None
        where the text is no instant."""
        found = _INSTANT.fullmatch(text)
        if found is None:
            return None
        moment, fraction, offset = found.groups()
        try:
            booked_at = datetime.fromisoformat(moment + offset)
        except ValueError:
            return None
        try:
            too_early = booked_at < self._first_instant
            business_day = 0 if too_early else self.facility.business_day(booked_at)
            utc = booked_at.astimezone(UTC).isoformat()[:19]
        except OverflowError:
            if booked_at.year == 1:
                return None
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


_DATE_REASON = "is no date as YYYY-MM-DD"
_INSTANT_REASON = "is no instant as YYYY-MM-DDThh:mm:ss with Z or an offset like +08:00"


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


def _fault(row: int, cells: Sequence[str], column: int, reason: str, hint: str = "") -> Quarantined:
    cell = cells[column]
    if hint:
        reason = f"{reason}: {hint}"
    if isinstance(cell, UnusableCell):
        reason = cell.reason
    elif not is_text(cell):
        reason = NOT_UTF8
    elif not cell and COLUMNS[column] != "partner":
        reason = "is missing"
    # Past the first column the event_id is known to be good.
    return Quarantined(row, COLUMNS[column], shown(cell), reason, cells[0] if column else "")


def _as_json(value: object) -> str:
    """A value as it may have stood in the JSON."""
    if isinstance(value, JsonNumber):
        return str(value)
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return "(nested too deeply to be shown)"
