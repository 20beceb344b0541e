"""A second, slow and plain implementation of INTERFACES: what `tally reconcile` must answer.

Written from INTERFACES alone; it imports nothing of `app/`, so that a mistake has to be made
twice to go unseen. It answers for a fresh chain with the facility's first version of its rules.

Readings, where INTERFACES leaves a choice:

 1. A row's fault is the first in the order of the column table; what needs other rows comes
    after all columns: first `event_id` (an id accepted with other content), then `reverses`
    (the target: not found, reversed already, other amount), then `chain` (a value date, a business
    date or a stated `shares_on` more than 30 days after today, UTC).
 2. Faults of the row as a whole (wrong number of cells, a quote that is never closed, not a JSON
    object, JSON that is not valid or not UTF-8) have field `row` and come before all columns.
 3. In CSV, undecodable bytes are a fault of the column that holds them; in an unknown column they
    are a fault of the whole row, after all columns (field `row`). NUL in a known column is a fault.
    In a file that holds any, all bytes beyond ASCII are such bytes.
 4. A blank line holds nothing but spaces and tabs, in CSV commas too. Lines end with LF or CRLF;
    any other character is content. The header is the first line that is not blank; lines count
    from 1, header included.
 5. A quote opens a quoted cell only as its first character; within a bare cell it is itself. What
    follows a closing quote belongs to the cell.
 6. A file's columns are missing or doubled (`InputError`) for the eight that are always needed,
    or for any name twice; `partner`, `reverses`, `shares_on`, ... may be left out of the header.
 7. In JSON lines a repeated key is a fault of that key's column (an unknown one: of the whole row);
    a value that is neither string nor null is a fault of its column. Unknown keys hold anything.
 8. Printable is Python's `str.isprintable`; characters are code points.
 9. A reversal's `partner` is judged by the kind of its target: a lead's reversal of a one-partner
    kind needs it, of a shared kind forbids it (field `partner`). Another partner than the target's
    is a target that is not found (field `reverses`). In a lead's feed, one-partner events of
    two partners are two identities, be their kind and reference the same.
10. `shares_on` of a lead's reversal must be a date and is otherwise ignored.
11. Content compares what is written: an empty `partner` and the sender's own name are two contents,
    so are an empty `shares_on` and the value date.
12. A fraction of a second has any number of digits. Years go from 0001 to 9999; a business date
    before that is a fault of `booked_at`, after it of `chain`.
13. A row beyond the 30 days is quarantined also where it is a duplicate leg or has no parts.
14. Every partner of the facility has its sums in `rows`, without a feed they are 0.
15. A facility file with another `amount_tolerance` than an exact amount of the currency is bad.
16. JSON nested more than 500 deep is a fault of the whole row, whatever the parser could do.
17. A value in a column without a name is a fault of the whole row.
18. `booked_at` is before the first day when its date in the facility's zone is; `shares_on` is held
    to the first day, too.
19. A reversal waits for the file's end when its target has not been accepted yet; those that wait
    are judged in file order, after all other rows.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

DECIMALS = {
    "BHD": 3,
    "CLF": 4,
    "CNY": 2,
    "CZK": 2,
    "EUR": 2,
    "ISK": 0,
    "JPY": 0,
    "KWD": 3,
    "TND": 3,
    "USD": 2,
}

SHARED = {
    "drawdown": "principal",
    "principal": "principal",
    "interest": "interest",
    "penalty": "interest",
    "fee": "fee",
}
ONE_PARTNER = {
    "top_up",
    "reserve_interest",
    "other_in",
    "withdrawal",
    "service_fee",
    "other_out",
}
NEGATIVE = {"drawdown", "withdrawal", "service_fee", "other_out"}

COLUMNS = [
    "event_id",
    "facility",
    "event_ref",
    "kind",
    "amount",
    "currency",
    "value_date",
    "booked_at",
    "partner",
    "reverses",
    "shares_on",
    "loan_ref",
    "borrower_ref",
    "memo",
]
NEEDED = COLUMNS[:8]
MAX_TEXT = 16_384
MAX_DEPTH = 500
MAX_MINOR = 10**15
MAX_AHEAD = timedelta(days=30)

WHOLE_ROW = "row"  # field of a fault that belongs to no column

PAIR_TYPES = [
    "matched",
    "within_tolerance",
    "amount",
    "date",
    "amount_and_date",
    "missing_at_partner",
    "missing_at_lead",
    "duplicate_at_lead",
    "duplicate_at_partner",
]

# partner, kind, event_ref, type, lead amount, partner amount, difference, lead date, partner date
Line = tuple[str, str, str, str, str, str, str, str, str]


class InputError(Exception):
    """A file or a facility on which `tally reconcile` must end with 2."""


class Fault(Exception):
    """A row is quarantined; its argument is the field."""


@dataclass
class Facility:
    id: str
    lead: str
    currency: str
    decimals: int
    zone: ZoneInfo
    cut_off: time
    tolerance: int
    window: int
    partners: list[str]
    lead_splits: bool
    first_day: date
    shares: dict[str, dict[str, int]]  # partner -> component -> basis points

    def text(self, minor: int) -> str:
        """Minor units as the reports write them."""
        sign, digits = ("-" if minor < 0 else ""), str(abs(minor))
        if not self.decimals:
            return sign + digits
        digits = digits.rjust(self.decimals + 1, "0")
        return f"{sign}{digits[: -self.decimals]}.{digits[-self.decimals :]}"


def load_facility(path: Path) -> Facility:
    """Read a facility file that is good (bad ones are tested against the program alone)."""
    raw = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    decimals = DECIMALS[raw["currency"]]
    tolerance = Fraction(raw["rules"]["amount_tolerance"]) * 10**decimals
    if tolerance.denominator != 1:
        raise InputError("amount_tolerance has more decimals than the currency")
    shares = {p["name"]: dict(p["share_bps"]) for p in raw["partners"]}
    for component in ("principal", "interest", "fee"):
        if sum(s[component] for s in shares.values()) > 10_000:
            raise InputError(f"the {component} shares are above 10000")
    return Facility(
        id=raw["id"],
        lead=raw["lead"],
        currency=raw["currency"],
        decimals=decimals,
        zone=ZoneInfo(raw["time_zone"]),
        cut_off=time.fromisoformat(raw["cut_off"]),
        tolerance=int(tolerance),
        window=raw["rules"]["date_window_days"],
        partners=list(shares),
        lead_splits=raw.get("split", "contract") == "lead",
        first_day=max(date(1980, 1, 1), date.fromisoformat(raw.get("first_day", "1980-01-01"))),
        shares=shares,
    )


# --- Reading: bytes to rows of named raw cells -------------------------------------------------


@dataclass
class RawRow:
    line: int  # first physical line, from 1
    cells: dict[str, object] = field(default_factory=dict)  # absent or empty: not there
    broken: bool = False  # the whole row cannot be read
    bad_columns: set[str] = field(default_factory=set)  # undecodable, or given twice
    bad_elsewhere: bool = False  # the same, in an unknown column


def read_feed(path: Path) -> list[RawRow]:
    data = Path(path).read_bytes()
    if not data:
        raise InputError(f"{path} has no bytes")
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        data.decode("utf-8")
        encoding = "utf-8"
    except UnicodeDecodeError:
        encoding = "ascii"
    if data.lstrip(b" \t\r\n").startswith(b"{"):
        return list(read_json_lines(data, encoding))
    return list(read_csv(data, encoding))


def read_json_lines(data: bytes, encoding: str) -> Iterator[RawRow]:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip(b" \t\r"):
            continue
        row = RawRow(number)
        try:
            if depth(line) > MAX_DEPTH:
                raise ValueError("nested too deep")
            # Every object comes as its list of (key, value), so that repeated keys are seen; every
            # number stays text within a wrapper, so that none is too long or not a number.
            pairs = json.loads(
                line.decode(encoding),
                object_pairs_hook=JsonObject,
                parse_int=JsonNumber,
                parse_float=JsonNumber,
                parse_constant=refuse_constant,
            )
        except (ValueError, RecursionError):
            pairs = None
        if not isinstance(pairs, JsonObject):
            row.broken = True
            yield row
            continue
        for key, count in Counter(key for key, _ in pairs).items():
            if count > 1:
                if key in COLUMNS:
                    row.bad_columns.add(key)
                else:
                    row.bad_elsewhere = True
        for key, value in pairs:
            if key in COLUMNS and value is not None and value != "":
                row.cells[key] = value
        yield row


class JsonObject(list):  # type: ignore[type-arg]
    """The pairs of one JSON object."""


class JsonNumber(str):
    """A JSON number, as it was written."""


def depth(line: bytes) -> int:
    """How deep a line's brackets go, those within strings left out."""
    deepest = now = 0
    in_string = escaped = False
    for byte in line:
        if in_string:
            in_string = escaped or byte != ord('"')
            escaped = not escaped and byte == ord("\\")
        elif byte == ord('"'):
            in_string = True
        elif byte in b"[{":
            now += 1
            deepest = max(deepest, now)
        elif byte in b"]}":
            now -= 1
    return deepest


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def read_csv(data: bytes, encoding: str) -> Iterator[RawRow]:
    records = csv_records(data)
    header = next(records, None)
    if header is None or header.unclosed:
        raise InputError("no header")
    names = [cell.decode("utf-8", errors="replace") for cell in header.cells]
    width = len(names)
    while names and not names[-1].strip(" \t"):
        names.pop()
    if len(set(names)) != len(names):
        raise InputError("a column is doubled")
    if missing := [name for name in NEEDED if name not in names]:
        raise InputError(f"columns are missing: {missing}")
    for record in records:
        row = RawRow(record.line)
        if record.unclosed or len(record.cells) != width or any(record.cells[len(names) :]):
            row.broken = True
            yield row
            continue
        for name, cell in zip(names, record.cells, strict=False):
            try:
                text = cell.decode(encoding)
            except UnicodeDecodeError:
                if name in COLUMNS:
                    row.bad_columns.add(name)
                else:
                    row.bad_elsewhere = True
                continue
            if name in COLUMNS and text:
                row.cells[name] = text
        yield row


@dataclass
class Record:
    line: int
    cells: list[bytes]
    unclosed: bool = False


def csv_records(data: bytes) -> Iterator[Record]:
    """The records that are not blank. A quoted cell may run over several physical lines."""
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    at = 0
    while at < len(lines):
        first = at
        record = lines[at]
        at += 1
        if not record.strip(b" \t\r,"):
            continue
        # Take physical lines until the quotes are closed.
        cells = split_record(record)
        while cells is None and at < len(lines):
            # Nothing can close before the next quote, so lines without one are taken in one go.
            more = [lines[at]]
            at += 1
            while b'"' not in more[-1] and at < len(lines):
                more.append(lines[at])
                at += 1
            record = b"\n".join([record, *more])
            cells = split_record(record)
        yield Record(first + 1, cells or [], unclosed=cells is None)


def split_record(record: bytes) -> list[bytes] | None:
    """The cells of a record, or None where a quoted cell is still open at its end."""
    if b'"' not in record:
        return record.removesuffix(b"\r").split(b",")
    cells: list[bytes] = []
    cell = bytearray()
    state = "start"  # start, bare, quoted, closing (a quote inside a quoted cell was just seen)
    for position, byte in enumerate(record):
        if state == "quoted":
            if byte == ord('"'):
                state = "closing"
            else:
                cell.append(byte)
            continue
        if state == "closing" and byte == ord('"'):
            cell.append(byte)
            state = "quoted"
            continue
        if state == "start" and byte == ord('"'):
            state = "quoted"
            continue
        if byte == ord(","):
            cells.append(bytes(cell))
            cell.clear()
            state = "start"
            continue
        if byte == ord("\r") and position == len(record) - 1:
            continue  # the first half of a CRLF
        cell.append(byte)
        state = "bare"
    if state == "quoted":
        return None
    cells.append(bytes(cell))
    return cells


# --- Parsing: raw cells to values, with the faults of single columns ---------------------------


@dataclass
class Event:
    event_id: str
    event_ref: str
    kind: str
    amount: int
    value_date: date
    instant: Fraction  # seconds since 0001-01-01T00:00:00Z
    business_date: date
    partner: str | None
    target: tuple[str, str] | None  # kind, event_ref
    shares_on: date | None
    texts: tuple[str | None, str | None, str | None]
    # Set while the feed is taken in:
    parts: dict[str, int] = field(default_factory=dict)
    reversed_by: str | None = None

    def content(self) -> tuple[object, ...]:
        # Facility and currency are the facility's in every row that comes so far.
        return (
            self.event_ref,
            self.kind,
            self.amount,
            self.value_date,
            self.instant,
            self.partner,
            self.target,
            self.shares_on,
            self.texts,
        )


def is_reference(text: object) -> bool:
    return isinstance(text, str) and 1 <= len(text) <= 64 and text.isprintable()


def is_spreadsheet_number(text: object) -> bool:
    return isinstance(text, str) and bool(re.fullmatch(r"[0-9]+\.[0-9]+E\+[0-9]+", text))


def parse_date(text: object) -> date | None:
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        return date(int(text[:4]), int(text[5:7]), int(text[8:]))
    except ValueError:
        return None


BOOKED_AT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)


def parse_booked_at(text: object) -> Fraction | None:
    """Seconds since the year 1 began in UTC (negative where an offset leads before it)."""
    if not isinstance(text, str) or not (found := BOOKED_AT.fullmatch(text)):
        return None
    day_text, hour, minute, second, fraction, sign, offset_hour, offset_minute = found.groups()
    day = parse_date(day_text)
    if day is None or int(hour) > 23 or int(minute) > 59 or int(second) > 59:
        return None
    seconds = Fraction((day.toordinal() - 1) * 86_400)
    seconds += int(hour) * 3600 + int(minute) * 60 + int(second)
    if fraction:
        seconds += Fraction("0" + fraction)
    if sign:
        if int(offset_hour) > 23 or int(offset_minute) > 59:
            return None
        offset = int(offset_hour) * 3600 + int(offset_minute) * 60
        seconds += offset if sign == "-" else -offset
    return seconds


YEAR_1 = datetime(1, 1, 1, tzinfo=UTC)


def local_time(seconds: int, zone: ZoneInfo) -> datetime:
    """What the clocks of a zone show."""
    return (YEAR_1 + timedelta(seconds=seconds)).astimezone(zone).replace(tzinfo=None)


@cache
def cut_off_of(day: date, cut_off: time, zone: ZoneInfo) -> int:
    """The second in which a local date's cut-off is: the first one in which the clocks show that
    time, else the first one, of all around it, in which they show a later one."""
    wanted = datetime.combine(day, cut_off)
    naive = YEAR_1.replace(tzinfo=None)
    middle = int((wanted - naive).total_seconds())
    # Clocks are changed by whole minutes, and no zone is further from UTC than this.
    begin, end = middle - 26 * 3600, middle + 26 * 3600
    offsets = {
        local_time(second, zone) - naive - timedelta(seconds=second)
        for second in range(begin, end, 3600)
    }
    if len(offsets) == 1:  # no clock is changed
        return middle - int(offsets.pop().total_seconds())
    for second in range(begin, end, 60):
        if local_time(second, zone) == wanted:
            return second
    return next(
        second for second in range(begin // 60 * 60, end, 60) if local_time(second, zone) >= wanted
    )


def business_date(instant: Fraction, facility: Facility) -> date | None:
    """None: before the first day. After the year 9999: date.max, which is beyond any bound."""
    whole = instant.numerator // instant.denominator  # whole seconds, rounded down
    if whole < 86_400 * 400:
        return None
    try:
        local = local_time(whole, facility.zone).date()
        if local < facility.first_day:
            return None
        if local.year > 9990:
            return date.max
        candidates = (local + timedelta(days=days) for days in (-1, 0, 1, 2))
        return next(
            day for day in candidates if cut_off_of(day, facility.cut_off, facility.zone) >= whole
        )
    except OverflowError:
        return date.max


def parse_amount(text: object, decimals: int) -> int | None:
    if not isinstance(text, str) or isinstance(text, JsonNumber):
        return None
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return None
    whole, _, fraction = text.partition(".")
    if len(fraction) > decimals:
        return None
    digits = (whole + fraction.ljust(decimals, "0")).lstrip("0")
    if not digits or len(digits) > 16 or int(digits) > MAX_MINOR:
        return None
    return int(digits)


def parse_target(text: object) -> tuple[str, str] | None:
    if not isinstance(text, str) or "/" not in text:
        return None
    kind, _, reference = text.partition("/")
    if kind not in SHARED and kind not in ONE_PARTNER:
        return None
    return (kind, reference) if is_reference(reference) else None


def is_text(value: object) -> bool:
    if not isinstance(value, str) or isinstance(value, JsonNumber):
        return False
    if "\0" in value or len(value) > MAX_TEXT:
        return False
    return not any("\ud800" <= c <= "\udfff" for c in value)  # JSON can escape half a character


def parse_row(row: RawRow, sender: str, facility: Facility) -> Event:
    """The row's values; raises Fault with the first field at fault, in the table's order."""
    if row.broken:
        raise Fault(WHOLE_ROW)
    is_lead = sender == facility.lead
    cell = row.cells.get
    kind = cell("kind")
    target = parse_target(cell("reverses"))
    # Whose amount the row carries is told by its kind, for a reversal by its target's.
    nature = target[0] if kind == "reversal" and target else kind
    instant = parse_booked_at(cell("booked_at"))
    day = None if instant is None else business_date(instant, facility)
    amount = parse_amount(cell("amount"), facility.decimals)
    value_date = parse_date(cell("value_date"))
    shares_on = parse_date(cell("shares_on"))
    partner = cell("partner")
    for name in COLUMNS:
        value = cell(name)
        if name in row.bad_columns or not (value is None or is_text(value)):
            raise Fault(name)
        if name in ("event_id", "event_ref"):
            good = is_reference(value) and not is_spreadsheet_number(value)
        elif name == "facility":
            good = value == facility.id
        elif name == "kind":
            good = value in SHARED or value in ONE_PARTNER or value == "reversal"
        elif name == "amount":
            good = amount is not None
        elif name == "currency":
            good = value == facility.currency
        elif name == "value_date":
            good = value_date is not None and value_date >= facility.first_day
        elif name == "booked_at":
            good = day is not None
        elif name == "partner":
            if not is_lead:
                good = value in (None, sender)
            elif nature in ONE_PARTNER or facility.lead_splits:
                good = value in facility.partners
            elif nature in SHARED:
                good = value is None
            else:  # a reversal whose target cannot be told: that is the fault of `reverses`
                good = value is None or value in facility.partners
        elif name == "reverses":
            good = (target is not None) if kind == "reversal" else (value is None)
        elif name == "shares_on":
            good = value is None or (
                is_lead and shares_on is not None and shares_on >= facility.first_day
            )
        else:
            good = True
        if not good:
            raise Fault(name)
    if row.bad_elsewhere:
        raise Fault(WHOLE_ROW)
    assert amount is not None and value_date is not None and instant is not None and day is not None
    return Event(
        event_id=str(cell("event_id")),
        event_ref=str(cell("event_ref")),
        kind=str(kind),
        amount=amount,
        value_date=value_date,
        instant=instant,
        business_date=day,
        partner=None if partner is None else str(partner),
        target=target,
        shares_on=shares_on,
        texts=tuple(cell(name) for name in COLUMNS[-3:]),  # type: ignore[arg-type]
    )


# --- Taking in one feed: duplicates, identities, reversals -------------------------------------


@dataclass
class Intake:
    """What one bank's feed came to."""

    rows: Counter[str] = field(default_factory=Counter)
    quarantine: list[tuple[str, int, str]] = field(default_factory=list)
    standing: list[Event] = field(default_factory=list)
    duplicate_legs: list[Event] = field(default_factory=list)


def take_in(path: Path, sender: str, facility: Facility, today: date) -> Intake:
    intake = Intake()
    by_id: dict[str, Event] = {}
    by_identity: dict[tuple[object, ...], Event] = {}

    def identity_of(event: Event) -> tuple[object, ...]:
        # In the lead's feed the partner belongs to the identity (it is None for shared kinds);
        # a partner's feed is all its own.
        bank = event.partner if sender == facility.lead else sender
        return (bank, event.kind, event.event_ref, event.target)

    def judge(row: RawRow, event: Event) -> None:
        intake.rows["in"] += 1
        try:
            known = by_id.get(event.event_id)
            if known is not None:
                if known.content() != event.content():
                    raise Fault("event_id")
                intake.rows["duplicate"] += 1
                return
            identity = identity_of(event)
            first = by_identity.get(identity)
            target = None
            if event.kind == "reversal":
                assert event.target is not None
                target = by_identity.get((identity[0], *event.target, None))
                if target is None or target.amount != event.amount:
                    raise Fault("reverses")
                if target.reversed_by is not None and first is None:
                    raise Fault("reverses")
            if max(event.value_date, event.business_date, event.shares_on or date.min) > (
                today + MAX_AHEAD
            ):
                raise Fault("chain")
        except Fault as fault:
            quarantine(row, fault)
            return
        intake.rows["accepted"] += 1
        by_id[event.event_id] = event
        event.parts = split(event, target, sender, facility)
        if first is not None:
            intake.duplicate_legs.append(event)
            return
        by_identity[identity] = event
        intake.standing.append(event)
        if target is not None:
            target.reversed_by = event.event_ref

    def quarantine(row: RawRow, fault: Fault) -> None:
        intake.rows["quarantined"] += 1
        intake.quarantine.append((Path(path).name, row.line, str(fault)))

    waiting: list[tuple[RawRow, Event]] = []
    for row in read_feed(path):
        try:
            event = parse_row(row, sender, facility)
        except Fault as fault:
            intake.rows["in"] += 1
            quarantine(row, fault)
            continue
        if event.kind == "reversal" and event.event_id not in by_id:
            assert event.target is not None
            bank = identity_of(event)[0]
            if (bank, *event.target, None) not in by_identity:
                waiting.append((row, event))
                continue
        judge(row, event)
    for row, event in waiting:
        judge(row, event)
    intake.quarantine.sort()
    return intake


def split(event: Event, target: Event | None, sender: str, facility: Facility) -> dict[str, int]:
    """The parts that make legs: partner -> minor units, none of them 0."""
    if sender != facility.lead:
        return {sender: event.amount}
    if target is not None:
        return dict(target.parts)
    if event.kind in ONE_PARTNER or facility.lead_splits:
        assert event.partner is not None
        return {event.partner: event.amount}
    parts = {
        partner: event.amount * facility.shares[partner][SHARED[event.kind]] // 10_000
        for partner in facility.partners
    }
    return {partner: part for partner, part in parts.items() if part}


def effect(event: Event) -> int:
    """+1 or -1: what the event does to the reserve."""
    if event.target is not None:
        return 1 if event.target[0] in NEGATIVE else -1
    return -1 if event.kind in NEGATIVE else 1


# --- Matching ----------------------------------------------------------------------------------


@dataclass
class Expected:
    rows: dict[str, dict[str, int]]
    pairs: dict[str, dict[str, int]]
    reserves: dict[str, dict[str, str]]
    matched: list[Line]
    breaks: list[Line]
    quarantine: list[tuple[str, int, str]]

    @property
    def exit_code(self) -> int:
        return 1 if self.breaks or self.quarantine else 0


def judge(lead: Event, lead_part: int, partner: Event, facility: Facility) -> str:
    amounts = abs(lead_part - partner.amount)
    days = abs((lead.value_date - partner.value_date).days)
    if amounts == 0 and days == 0:
        return "matched"
    if amounts <= facility.tolerance and days <= facility.window:
        return "within_tolerance"
    if days <= facility.window:
        return "amount"
    if amounts <= facility.tolerance:
        return "date"
    return "amount_and_date"


def reconcile(
    facility_path: Path,
    lead_feed: Path,
    partner_feeds: dict[str, Path],
    today: date | None = None,
) -> Expected:
    """What `tally reconcile` must find on a fresh chain. `today`: the block's date, in UTC.

    Raises InputError where the command must end with 2.
    """
    facility = load_facility(facility_path)
    today = today or datetime.now(UTC).date()
    if not set(partner_feeds) <= set(facility.partners):
        raise InputError("a partner is not in the facility")
    lead = take_in(lead_feed, facility.lead, facility, today)
    partners = {
        name: take_in(partner_feeds[name], name, facility, today)
        if name in partner_feeds
        else Intake()
        for name in facility.partners
    }
    sums = ("in", "accepted", "duplicate", "quarantined")
    expected = Expected(
        rows={
            bank: {key: intake.rows[key] for key in sums}
            for bank, intake in [(facility.lead, lead), *partners.items()]
        },
        pairs={},
        reserves={},
        matched=[],
        breaks=[],
        quarantine=sorted(
            line for intake in [lead, *partners.values()] for line in intake.quarantine
        ),
    )
    for name, intake in partners.items():
        reconcile_partner(name, lead, intake, facility, expected)
    expected.matched.sort()
    expected.breaks.sort()
    return expected


def reconcile_partner(
    name: str, lead: Intake, partner: Intake, facility: Facility, expected: Expected
) -> None:
    lead_half = {
        (event.kind, event.event_ref, event.target): event
        for event in lead.standing
        if name in event.parts
    }
    partner_half = {
        (event.kind, event.event_ref, event.target): event for event in partner.standing
    }
    lead_book = sum(effect(event) * event.parts[name] for event in lead_half.values())
    partner_book = sum(effect(event) * event.amount for event in partner_half.values())
    agreed = 0
    types: Counter[str] = Counter()

    def record(kind: str, left: Event | None, right: Event | None) -> None:
        either = left or right
        assert either is not None
        types[kind] += 1
        left_part = left.parts[name] if left else None
        right_part = right.amount if right else None
        both = left_part is not None and right_part is not None
        line: Line = (
            name,
            either.kind,
            either.event_ref,
            kind,
            "" if left_part is None else facility.text(left_part),
            "" if right_part is None else facility.text(right_part),
            facility.text(right_part - left_part) if both else "",  # type: ignore[operator]
            left.value_date.isoformat() if left else "",
            right.value_date.isoformat() if right else "",
        )
        good = kind in ("matched", "within_tolerance")
        (expected.matched if good else expected.breaks).append(line)

    for key in {**lead_half, **partner_half}:
        left, right = lead_half.get(key), partner_half.get(key)
        if left is None:
            record("missing_at_lead", left, right)
        elif right is None:
            record("missing_at_partner", left, right)
        else:
            kind = judge(left, left.parts[name], right, facility)
            record(kind, left, right)
            if kind in ("matched", "within_tolerance"):
                agreed += effect(left) * left.parts[name]
    for event in lead.duplicate_legs:
        if name in event.parts:
            record("duplicate_at_lead", event, None)
    for event in partner.duplicate_legs:
        record("duplicate_at_partner", None, event)

    expected.pairs[name] = {kind: types[kind] for kind in PAIR_TYPES}
    expected.reserves[name] = {
        "currency": facility.currency,
        "lead_book": facility.text(lead_book),
        "partner_book": facility.text(partner_book),
        "agreed": facility.text(agreed),
        "proof": facility.text(0),
    }
