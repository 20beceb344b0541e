"""Feeds from 682 real loans, with known faults: the end-to-end test's input and its answer.

Reads `data/berka_loans.csv` in the folder `shared` beside the repository (or in
TALLYSTICK_SHARED), derives the drawdowns and the monthly repayments, adds interest, penalties,
fees, one-partner events and parts of zero, splits them for a syndicate of three, and puts in a
seeded set of faults. Beside the feeds it returns a ledger of what was put in, counted as it was
put in and not derived from the files, so that both the oracle and the program can be held to it.

    python -m tests.reference.berka --out DIR [--seed N] [--loans N] [--variant plain|tolerance]
"""

from __future__ import annotations

import argparse
import calendar
import csv
import io
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

FACILITY = "BERKA-1993"
LEAD = "ceska"
# Basis points of principal, interest, fee. No fee goes to ostrava: all its fee parts are 0.
SHARES = {
    "brno": {"principal": 4533, "interest": 4533, "fee": 3001},
    "ostrava": {"principal": 2467, "interest": 2467, "fee": 0},
    "plzen": {"principal": 999, "interest": 999, "fee": 1999},
}
HALF_UP = "ostrava"  # in the variant with a tolerance
COMPONENT = {
    "drawdown": "principal",
    "principal": "principal",
    "interest": "interest",
    "penalty": "interest",
    "fee": "fee",
}
ONE_PARTNER = ["top_up", "reserve_interest", "other_in", "withdrawal", "service_fee", "other_out"]
OUTGOING = {"drawdown", "withdrawal", "service_fee", "other_out"}

ALL_COLUMNS = [
    "event_id", "facility", "event_ref", "kind", "amount", "currency", "value_date", "booked_at",
    "partner", "reverses", "shares_on", "loan_ref", "borrower_ref", "memo",
]  # fmt: skip
# Every feed has another shape; ostrava's is JSON lines.
LEAD_COLUMNS = ALL_COLUMNS
BRNO_COLUMNS = ["branch", *reversed(ALL_COLUMNS)]
PLZEN_COLUMNS = [*ALL_COLUMNS[:10], "memo"]


def shared_folder() -> Path:
    beside = Path(__file__).resolve().parents[3] / "shared"
    return Path(os.environ.get("TALLYSTICK_SHARED", beside))


def loans_file() -> Path:
    return shared_folder() / "data" / "berka_loans.csv"


# --- What was put in ---------------------------------------------------------------------------


@dataclass
class Half:
    amount: int  # minor units
    value_date: date


@dataclass
class Pair:
    """One partner's pair; its type is what the generator meant it to be."""

    partner: str
    kind: str
    event_ref: str
    sign: int
    type: str
    lead: Half | None
    other: Half | None
    row: Row | None = None  # the partner's


@dataclass(eq=False)
class Row:
    day: date  # its place in the file is by day, then by serial
    serial: int
    cells: dict[str, Any]
    fate: str = "accepted"
    fault: str = ""
    raw: Callable[[bytes], bytes] | None = None  # done to its bytes at last


@dataclass
class Event:
    kind: str
    event_ref: str
    total: int
    value_date: date
    row: Row
    pairs: list[Pair]


@dataclass
class Ledger:
    """What the feeds must come to, in the shapes of `tally reconcile --json` and its files."""

    rows: dict[str, Counter[str]]
    pairs: dict[str, Counter[str]]
    reserves: dict[str, dict[str, str]]
    matched: list[tuple[str, ...]]
    breaks: list[tuple[str, ...]]
    quarantine: list[tuple[str, int, str]]
    injected: Counter[str]  # what -> how many times


@dataclass
class Berka:
    facility: Path
    lead: Path
    partners: dict[str, Path]
    ledger: Ledger


def crowns(minor: int) -> str:
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def hellers(text: str) -> int:
    return int(Decimal(text) * 100)


def month_after(start: date, months: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


# --- Malformed rows ----------------------------------------------------------------------------

LONG = "x" * 16_385
# field at fault, cells that make the fault (on an otherwise good row), who can have it
Malformed = tuple[str, dict[str, Any], str]
MALFORMED: list[Malformed] = [
    *[("event_id", {"event_id": v}, "any") for v in
      ("", "i" * 65, "tab\there", "no\u00a0break", "zero\u200bwidth", "line\nbreak", "nul\0")],
    *[("facility", {"facility": v}, "any") for v in
      ("", "BERKA", "berka-1993", "BERKA-1993 ", " BERKA-1993")],
    *[("event_ref", {"event_ref": v}, "any") for v in
      ("", "r" * 65, "tab\there", "line\nbreak", "bell\a")],
    *[("kind", {"kind": v}, "any") for v in
      ("", "Drawdown", "correction", "repayment", " principal", "principal ")],
    *[("amount", {"amount": v}, "any") for v in
      ("", "-5.00", "0", "0.00", "1e3", "NaN", "Infinity", "1,000.00", "5.001", "5.000",
       "10000000000000.01", "+5.00", " 5.00", "5.00 ", "\u0665.00", ".5", "5.", "0x10", "5.00\n",
       "1_000", "9" * 5000, "5,00")],
    *[("currency", {"currency": v}, "any") for v in ("", "EUR", "czk", "CZK ", "203")],
    *[("value_date", {"value_date": v}, "any") for v in
      ("", "1996-02-30", "19960105", "1996-1-5", "1996-W01-5", "05.01.1996", "0000-01-01",
       "1996-01-05T00:00:00", "\u0661\u0669\u0669\u0666-01-05", "1996-01-05 ", "1900-02-29")],
    *[("booked_at", {"booked_at": v}, "any") for v in
      ("", "1996-01-05T10:00:00", "1996-01-05 10:00:00Z", "1996-01-05T24:00:00Z",
       "1996-01-05T10:00:00+0100", "1996-01-05T10:00:60Z", "1996-01-05T10:00:00z",
       "1996-02-30T10:00:00Z", "1996-01-05", "1996-01-05T10:00Z", "1996-01-05T10:00:00+24:00",
       "1996-01-05T10:00:00.Z", "1996-01-05T10:00:00+01:60", "1996-01-05T10:00:00,5Z")],
    ("partner", {"partner": "brno"}, "lead"),
    ("partner", {"kind": "top_up", "partner": ""}, "lead"),
    ("partner", {"kind": "top_up", "partner": "praha"}, "lead"),
    ("partner", {"kind": "withdrawal", "partner": LEAD}, "lead"),
    ("partner", {"kind": "service_fee", "partner": "Brno"}, "lead"),
    ("partner", {"kind": "reversal", "reverses": "top_up/NOT-THERE"}, "lead"),
    ("partner", {"kind": "reversal", "reverses": "fee/NOT-THERE", "partner": "brno"}, "lead"),
    ("partner", {"partner": LEAD}, "partner"),
    ("partner", {"partner": "praha"}, "partner"),
    *[("reverses", {"reverses": v}, "any") for v in ("principal/P-1", "x")],
    *[("reverses", {"kind": "reversal", "reverses": v}, "any") for v in
      ("", "principal", "loan/P-1", "correction/P-1", "reversal/R-1", "principal/",
       "principal/NOT-THERE", "Principal/P-1", "/P-1", "principal/" + "r" * 65)],
    ("shares_on", {"shares_on": "1996-13-01"}, "lead"),
    ("shares_on", {"shares_on": "1996-01-05"}, "partner"),
    *[(column, {column: v}, "any") for column in ("loan_ref", "borrower_ref", "memo")
      for v in (LONG, "nul\0nul")],
    ("chain", {"value_date": "2999-01-01"}, "any"),
    ("chain", {"booked_at": "2999-01-01T10:00:00Z"}, "any"),
    ("chain", {"booked_at": "9999-12-31T23:59:59-12:00"}, "any"),
    ("chain", {"shares_on": "9999-12-31"}, "lead"),
    # Two faults in a row: the first in the order of the columns is told.
    ("facility", {"facility": "X", "amount": "-1", "memo": LONG}, "any"),
    ("amount", {"value_date": "", "amount": "x"}, "any"),
    ("booked_at", {"booked_at": "never", "value_date": "2999-01-01"}, "any"),
]  # fmt: skip


def cut_last_cell(line: bytes) -> bytes:
    end = b"\r\n" if line.endswith(b"\r\n") else b"\n"
    return line.removesuffix(end).rpartition(b",")[0] + end


def add_cell(line: bytes) -> bytes:
    end = b"\r\n" if line.endswith(b"\r\n") else b"\n"
    return line.removesuffix(end) + b"," + end


def latin_1(line: bytes) -> bytes:
    """The character e with an acute accent becomes one byte, which is not UTF-8."""
    return line.replace("\u00e9".encode(), b"\xe9")


BrokenBytes = tuple[str, dict[str, Any], Callable[[bytes], bytes] | None]
BROKEN_CSV: list[BrokenBytes] = [
    ("row", {}, cut_last_cell),
    ("row", {}, add_cell),
    ("row", {"event_id": "", "facility": ""}, add_cell),
    ("row", {}, lambda line: b"stray" + (b"\r\n" if line.endswith(b"\r\n") else b"\n")),
    ("event_id", {"event_id": "caf\u00e9"}, latin_1),
    ("event_ref", {"event_ref": "caf\u00e9"}, latin_1),
    ("memo", {"memo": "caf\u00e9"}, latin_1),
    ("amount", {"memo": "caf\u00e9", "amount": "-1"}, latin_1),
]
BROKEN_JSON: list[BrokenBytes] = [
    ("amount", {}, lambda line: b'{"amount":"1.00",' + line[1:]),
    ("event_id", {}, lambda line: b'{"event_id":null,' + line[1:]),
    ("memo", {"memo": "m"}, lambda line: b'{"memo":"n",' + line[1:]),
    ("amount", {"amount": 5}, None),
    ("amount", {"amount": 5.25}, None),
    ("event_id", {"event_id": 17}, None),
    ("event_ref", {"event_ref": ["r"]}, None),
    ("kind", {"kind": {"is": "principal"}}, None),
    ("value_date", {"value_date": 19960105}, None),
    ("partner", {"partner": False}, None),
    ("memo", {"memo": 0}, None),
    ("memo", {"memo": "half"}, lambda line: line.replace(b'"half"', b'"\\ud800"')),
    ("memo", {"memo": "nul"}, lambda line: line.replace(b'"nul"', b'"\\u0000"')),
    ("row", {}, lambda line: line.rstrip()[:-1] + b"\n"),
    ("row", {}, lambda line: b"[" + line.rstrip() + b"]\n"),
    ("row", {}, lambda line: b"17\n"),
    ("row", {}, lambda line: line.rstrip() + b" {}\n"),
    ("row", {"memo": "caf\u00e9"}, latin_1),
]


# --- The generator -----------------------------------------------------------------------------


class Generator:
    def __init__(self, seed: int, loans: int | None, variant: str) -> None:
        self.random = random.Random(seed)
        self.tolerance = 1 if variant == "tolerance" else 0
        self.window = 1 if variant == "tolerance" else 0
        with loans_file().open(encoding="utf-8", newline="") as file:
            self.loans = list(csv.DictReader(file))[:loans]
        self.each = max(1, round(20 * len(self.loans) / 682))  # of every fault, in every place
        self.serial = 0
        self.rows: dict[str, list[Row]] = {bank: [] for bank in (LEAD, *SHARES)}
        self.pairs: list[Pair] = []
        self.duplicates: list[tuple[str, str, str, str, Half]] = []
        self.quarantine: list[tuple[str, int, str]] = []
        self.injected: Counter[str] = Counter()

    def part(self, partner: str, kind: str, total: int) -> int:
        return total * SHARES[partner][COMPONENT[kind]] // 10_000

    def own_part(self, partner: str, kind: str, total: int) -> int:
        """As the partner's own system rounds it."""
        if self.tolerance and partner == HALF_UP:
            return (total * SHARES[partner][COMPONENT[kind]] + 5_000) // 10_000
        return self.part(partner, kind, total)

    # Rows

    def add_row(self, bank: str, day: date, fate: str = "accepted", **cells: Any) -> Row:
        self.serial += 1
        cells = {
            "event_id": f"{bank[:2].upper()}{self.serial:07d}",
            "facility": FACILITY,
            "currency": "CZK",
            **cells,
        }
        row = Row(day, self.serial, cells, fate)
        self.rows[bank].append(row)
        return row

    def amount_text(self, minor: int) -> str:
        forms = [crowns(minor)]
        if minor % 100 == 0:
            forms += [str(minor // 100), f"{minor // 100}.0"]
        if minor % 10 == 0:
            forms.append(crowns(minor)[:-1])
        return self.random.choice(forms)

    def instant_text(self, moment: datetime) -> str:
        form = self.random.randrange(4)
        if form == 0:
            return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        minutes = self.random.choice([60, 120, 0, -210, 840])
        local = moment.astimezone(timezone(timedelta(minutes=minutes)))
        sign = "-" if minutes < 0 else "+"
        offset = f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
        fraction = self.random.choice(["", ".0", ".000000"])
        return local.strftime("%Y-%m-%dT%H:%M:%S") + fraction + offset

    def booking(self, day: date) -> datetime:
        seconds = self.random.randrange(86_400)
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds)

    def event_cells(
        self, kind: str, event_ref: str, amount: int, value_date: date
    ) -> dict[str, Any]:
        return {
            "kind": kind,
            "event_ref": event_ref,
            "amount": self.amount_text(amount),
            "value_date": value_date.isoformat(),
            "booked_at": self.instant_text(self.booking(value_date)),
        }

    def memo(self, bank: str) -> dict[str, str]:
        if self.random.random() < 0.97:
            return {}
        # The files of the other banks hold bytes that are not UTF-8, so only their ASCII is taken.
        texts = [
            "spl\u00e1tka" if bank in ("ostrava", "plzen") else "splatka",
            'said "paid", twice',
            "line one\nline two\n\nline four",
            "a,b",
            " ",
        ]
        return {"memo": self.random.choice(texts)}

    # Good events

    def add_event(self, kind: str, event_ref: str, total: int, day: date, **cells: Any) -> Event:
        """An event that every bank books alike. With `partner` for the one-partner kinds."""
        lead_row = self.add_row(
            LEAD, day, **self.event_cells(kind, event_ref, total, day), **cells, **self.memo(LEAD)
        )
        event = Event(kind, event_ref, total, day, lead_row, [])
        sign = -1 if kind in OUTGOING else 1
        for partner in [cells["partner"]] if "partner" in cells else SHARES:
            if "partner" in cells:
                part = own = total
            else:
                part, own = self.part(partner, kind, total), self.own_part(partner, kind, total)
            if not part and not own:
                continue
            if part == own:
                kind_of_end = "matched"
            elif part:
                kind_of_end = "within_tolerance"
            else:
                kind_of_end = "missing_at_lead"
            pair = Pair(
                partner, kind, event_ref, sign, kind_of_end,
                Half(part, day) if part else None, Half(own, day),
            )  # fmt: skip
            pair.row = self.partner_row(pair, day)
            event.pairs.append(pair)
        self.pairs += event.pairs
        return event

    def partner_row(self, pair: Pair, day: date, **cells: Any) -> Row:
        assert pair.other is not None
        if self.random.random() < 0.3:
            cells["partner"] = pair.partner
        later = day + timedelta(days=self.random.choice([0, 0, 0, 0, 1, 3]))
        own = self.event_cells(pair.kind, pair.event_ref, pair.other.amount, pair.other.value_date)
        return self.add_row(pair.partner, later, **own, **cells, **self.memo(pair.partner))

    def build(self) -> None:
        events: list[Event] = []
        for loan in self.loans:
            granted = date.fromisoformat(loan["granted_on"])
            number = loan["loan_id"]
            private = {"loan_ref": number, "borrower_ref": loan["account_id"]}
            total = int(loan["amount_czk"]) * 100
            events.append(self.add_event("drawdown", f"D-{number}", total, granted, **private))
            payment = hellers(loan["monthly_payment_czk"])
            for month in range(1, int(loan["duration_months"]) + 1):
                cells = dict(private)
                if self.random.random() < 0.5:
                    cells["shares_on"] = granted.isoformat()
                events.append(
                    self.add_event(
                        "principal",
                        f"P-{number}-{month:02d}",
                        payment,
                        month_after(granted, month),
                        **cells,
                    )
                )
            # The source has no interest: amounts of our own making, on every fourth loan.
            if self.random.random() < 0.25:
                for kind in ("interest", "penalty", "fee"):
                    amount = self.random.randrange(1_000, 500_000)
                    day = granted + timedelta(days=self.random.randrange(1, 300))
                    events.append(self.add_event(kind, f"X-{number}", amount, day, **private))
                    self.injected[kind] += 1
        days = [event.value_date for event in events]
        for kind in ONE_PARTNER:
            for partner in SHARES:
                for n in range(3 * self.each):
                    amount = self.random.randrange(1, 10**8)
                    ref = f"{kind[:4].upper()}/{partner}/{n}"
                    day = self.random.choice(days)
                    events.append(self.add_event(kind, ref, amount, day, partner=partner))
                    self.injected[f"one partner: {kind}"] += 1
        for n in range(self.each):
            # One reference in two accounts: two events, told apart by the partner.
            for partner in ("brno", "plzen"):
                events.append(
                    self.add_event("top_up", f"SAME-{n}", 500 + n, days[n], partner=partner)
                )
        self.parts_of_zero(days)
        self.random.shuffle(events)
        pool = iter(events)
        self.partner_faults(pool)
        self.lead_faults(pool)
        self.reversals(pool)
        self.malformed(days)

    def parts_of_zero(self, days: list[date]) -> None:
        for n in range(self.each):
            for minor in (1, 2, 3, 4, 5, 10, 11):  # from all parts 0 to none
                day = self.random.choice(days)
                event = self.add_event("interest", f"Z-{minor}-{n}", minor, day)
                self.injected[f"parts of zero: {3 - len(event.pairs)}"] += 1
                if n % 2 == 0:
                    self.reverse(event, f"ZR-{minor}-{n}")
            # A part is 0 at the lead, the partner books it all the same.
            day = self.random.choice(days)
            event = self.add_event("fee", f"ZF-{n}", 7, day)
            pair = Pair("ostrava", "fee", f"ZF-{n}", 1, "missing_at_lead", None, Half(7, day))
            pair.row = self.partner_row(pair, day)
            self.pairs.append(pair)
            self.injected["zero part booked by the partner"] += 1

    # Faults of one partner's half

    def partner_faults(self, pool: Iterator[Event]) -> None:
        faults = [
            self.missing_at_partner, self.wrong_amount, self.wrong_date, self.wrong_both,
            self.duplicate_leg, self.duplicate_row, self.other_content, self.spoiled_row,
            self.unknown_to_lead, self.one_day_late,
        ]  # fmt: skip
        for fault in faults:
            for _ in range(self.each * len(SHARES)):
                pair = self.random.choice(next(pool).pairs)
                fault(pair)
                self.injected[f"{pair.partner}: {fault.__name__}"] += 1

    def missing_at_partner(self, pair: Pair) -> None:
        assert pair.row is not None
        self.rows[pair.partner].remove(pair.row)
        pair.other, pair.type = None, "missing_at_partner"

    def other_amount(self, amount: int) -> int:
        more = self.tolerance + self.random.choice([1, 2, 50, 100_000])
        return amount - more if amount > more and self.random.random() < 0.5 else amount + more

    def other_date(self, day: date) -> date:
        days = self.window + self.random.choice([1, 2, 31])
        return day + timedelta(days=self.random.choice([-days, days]))

    def wrong_amount(self, pair: Pair) -> None:
        assert pair.row and pair.lead and pair.other
        pair.other.amount = self.other_amount(pair.lead.amount)
        pair.row.cells["amount"] = self.amount_text(pair.other.amount)
        pair.type = "amount"

    def wrong_date(self, pair: Pair) -> None:
        assert pair.row and pair.other
        pair.other.value_date = self.other_date(pair.other.value_date)
        pair.row.cells["value_date"] = pair.other.value_date.isoformat()
        pair.type = "date"

    def wrong_both(self, pair: Pair) -> None:
        self.wrong_amount(pair)
        self.wrong_date(pair)
        pair.type = "amount_and_date"

    def one_day_late(self, pair: Pair) -> None:
        assert pair.row and pair.other
        pair.other.value_date += timedelta(days=1)
        pair.row.cells["value_date"] = pair.other.value_date.isoformat()
        pair.type = "within_tolerance" if self.window else "date"

    def later(self, row: Row) -> date:
        return row.day + timedelta(days=self.random.choice([0, 0, 1, 90]))

    def duplicate_leg(self, pair: Pair) -> None:
        assert pair.row and pair.other
        for _ in range(self.random.choice([1, 1, 2])):
            amount = pair.other.amount
            if self.random.random() < 0.5:
                amount = self.other_amount(amount)
            half = Half(amount, self.other_date(pair.other.value_date))
            own = self.event_cells(pair.kind, pair.event_ref, half.amount, half.value_date)
            self.add_row(pair.partner, self.later(pair.row), **own)
            self.duplicates.append(
                (pair.partner, pair.kind, pair.event_ref, "duplicate_at_partner", half)
            )

    def same_content(self, bank: str, row: Row) -> None:
        """The row again, written another way."""
        cells = dict(row.cells)
        minor = hellers(cells["amount"])
        cells["amount"] = "0" * self.random.randrange(3) + self.amount_text(minor)
        instant = datetime.fromisoformat(cells["booked_at"].replace("Z", "+00:00"))
        cells["booked_at"] = self.instant_text(instant)
        self.add_row(bank, self.later(row), "duplicate", **cells)

    def changed_content(self, bank: str, row: Row) -> None:
        """The row's id again, with something else in it."""
        changes = [
            {"memo": "another"},
            {"amount": self.amount_text(hellers(row.cells["amount"]) + 1)},
            {"value_date": "1989-09-09"},
            {"booked_at": "1989-09-09T09:09:09Z"},
            {"event_ref": "ANOTHER-" + row.cells["event_ref"]},
        ]
        cells = {**row.cells, **self.random.choice(changes)}
        self.add_row(bank, self.later(row), "quarantined", **cells).fault = "event_id"

    def duplicate_row(self, pair: Pair) -> None:
        assert pair.row
        for _ in range(self.random.choice([1, 2])):
            self.same_content(pair.partner, pair.row)

    def other_content(self, pair: Pair) -> None:
        assert pair.row
        self.changed_content(pair.partner, pair.row)
        if self.random.random() < 0.5:
            self.same_content(pair.partner, pair.row)

    def spoil(self, bank: str, row: Row) -> None:
        fault, cells, _ = self.random.choice(
            [m for m in MALFORMED if m[2] == "any" and not {"reverses", "kind"} & set(m[1])
             and not {"loan_ref", "borrower_ref"} & set(m[1])]
        )  # fmt: skip
        row.cells.update(cells)
        row.fate, row.fault = "quarantined", fault

    def spoiled_row(self, pair: Pair) -> None:
        assert pair.row
        self.spoil(pair.partner, pair.row)
        if self.random.random() < 0.5:
            pair.other, pair.type = None, "missing_at_partner"
            return
        # Sent again, mended, and under the same id where that was readable.
        assert pair.other
        own = self.event_cells(pair.kind, pair.event_ref, pair.other.amount, pair.other.value_date)
        if "event_id" not in (pair.row.fault, "facility"):
            own["event_id"] = pair.row.cells["event_id"]
        self.add_row(pair.partner, self.later(pair.row), **own)

    def unknown_to_lead(self, pair: Pair) -> None:
        """One more event in the partner's feed."""
        assert pair.row and pair.other
        half = Half(pair.other.amount, pair.other.value_date)
        ref = "ONLY-" + pair.event_ref
        extra = Pair(pair.partner, pair.kind, ref, pair.sign, "missing_at_lead", None, half)
        extra.row = self.partner_row(extra, half.value_date)
        self.pairs.append(extra)

    # Faults of the lead's half

    def lead_faults(self, pool: Iterator[Event]) -> None:
        faults = [
            self.missing_at_lead, self.lead_amount, self.lead_date, self.lead_both,
            self.lead_duplicate_leg, self.lead_duplicate_row, self.lead_other_content,
            self.lead_spoiled_row, self.unknown_to_partners,
        ]  # fmt: skip
        for fault in faults:
            for _ in range(self.each):
                fault(next(pool))
                self.injected[f"{LEAD}: {fault.__name__}"] += 1

    def missing_at_lead(self, event: Event) -> None:
        self.rows[LEAD].remove(event.row)
        for pair in event.pairs:
            pair.lead, pair.type = None, "missing_at_lead"

    def lead_amount(self, event: Event) -> None:
        # So much more that no partner's part stays within any tolerance.
        event.total += 100_000
        event.row.cells["amount"] = self.amount_text(event.total)
        for pair in event.pairs:
            one_partner = pair.kind in ONE_PARTNER
            part = event.total if one_partner else self.part(pair.partner, pair.kind, event.total)
            pair.lead, pair.type = Half(part, event.value_date), "amount"

    def lead_date(self, event: Event) -> None:
        day = self.other_date(event.value_date)
        event.row.cells["value_date"] = day.isoformat()
        for pair in event.pairs:
            assert pair.lead
            pair.lead.value_date, pair.type = day, "date"

    def lead_both(self, event: Event) -> None:
        self.lead_amount(event)
        self.lead_date(event)
        for pair in event.pairs:
            pair.type = "amount_and_date"

    def lead_duplicate_leg(self, event: Event) -> None:
        # The duplicate's own amount tells for whom it counts: of 5 hellers some have no part.
        total = self.random.choice([event.total, event.total + 7, 5])
        day = self.other_date(event.value_date)
        cells = self.event_cells(event.kind, event.event_ref, total, day)
        if "partner" in event.row.cells:
            cells["partner"] = event.row.cells["partner"]
        self.add_row(LEAD, self.later(event.row), **cells)
        for partner in [cells["partner"]] if "partner" in cells else SHARES:
            part = total if "partner" in cells else self.part(partner, event.kind, total)
            if part:
                self.duplicates.append(
                    (partner, event.kind, event.event_ref, "duplicate_at_lead", Half(part, day))
                )

    def lead_duplicate_row(self, event: Event) -> None:
        self.same_content(LEAD, event.row)

    def lead_other_content(self, event: Event) -> None:
        self.changed_content(LEAD, event.row)

    def lead_spoiled_row(self, event: Event) -> None:
        self.spoil(LEAD, event.row)
        for pair in event.pairs:
            pair.lead, pair.type = None, "missing_at_lead"

    def unknown_to_partners(self, event: Event) -> None:
        ref = f"{LEAD}-{event.kind}-{event.event_ref}"
        extra = self.add_event("penalty", ref, event.total, event.value_date)
        for pair in extra.pairs:
            self.missing_at_partner(pair)

    # Reversals

    def reverse(
        self,
        event: Event,
        ref: str,
        *,
        lead: bool = True,
        partners: list[str] | None = None,
        before: bool = False,
    ) -> Event:
        """Both sides reverse, or the lead alone, or some partners alone; `before` their targets in
        the file, or after them."""
        day = event.value_date + timedelta(days=self.random.randrange(5, 40))
        days = [row.day for row in self.rows_of(event)]
        place = min(days) - timedelta(days=1) if before else max(day, *days)
        own = {"reverses": f"{event.kind}/{event.event_ref}"}
        cells = {**self.event_cells("reversal", ref, event.total, day), **own}
        if event.kind in ONE_PARTNER:
            cells["partner"] = event.pairs[0].partner
        row = self.add_row(LEAD, place, **cells)
        if not lead:
            self.rows[LEAD].remove(row)
        reversal = Event("reversal", ref, event.total, day, row, [])
        for target in event.pairs:
            theirs = target.other is not None and (partners is None or target.partner in partners)
            pair = Pair(
                target.partner, "reversal", ref, -target.sign, target.type,
                Half(target.lead.amount, day) if lead and target.lead else None,
                Half(target.other.amount, day) if theirs and target.other else None,
            )  # fmt: skip
            if not pair.lead and not pair.other:
                continue
            if not pair.other:
                pair.type = "missing_at_partner"
            elif not pair.lead:
                pair.type = "missing_at_lead"
            if pair.other:
                pair.row = self.partner_row(pair, place, **own)
            self.pairs.append(pair)
            reversal.pairs.append(pair)
        return reversal

    def rows_of(self, event: Event) -> list[Row]:
        return [event.row, *(pair.row for pair in event.pairs if pair.row)]

    def reversals(self, pool: Iterator[Event]) -> None:
        cases = [
            self.reversed_by_all, self.reversed_by_lead, self.reversed_by_partner,
            self.reversed_different_targets, self.reversed_wrong_amount,
            self.reversed_again, self.reversal_repeated, self.reversal_of_reversal,
            self.reversal_other_amount, self.reversal_before_target, self.reversal_two_targets,
            self.reversal_rebooked, self.reversal_sent_twice,
        ]  # fmt: skip
        for number, case in enumerate(cases):
            for n in range(self.each):
                event = next(pool)
                # Now and then one of the one-partner kinds, which are few among all events.
                while (number + n) % 3 == 0 and event.kind not in ONE_PARTNER:
                    event = next(pool)
                case(event, f"R-{case.__name__}-{n}", pool)
                self.injected[f"{case.__name__} ({'one' if len(event.pairs) == 1 else 'all'})"] += 1

    def reversed_by_all(self, event: Event, ref: str, pool: Iterator[Event]) -> None:
        self.reverse(event, ref)

    def reversed_by_lead(self, event: Event, ref: str, pool: Iterator[Event]) -> None:
        self.reverse(event, ref, partners=[])

    def reversed_by_partner(self, event: Event, ref: str, pool: Iterator[Event]) -> None:
        partner = self.random.choice(event.pairs).partner
        self.reverse(event, ref, lead=False, partners=[partner])

    def reversed_different_targets(self, event: Event, ref: str, pool: Iterator[Event]) -> None:
        odd = self.random.choice(event.pairs).partner
        self.reverse(event, ref, partners=[partner for partner in SHARES if partner != odd])
        other = next(e for e in pool if any(pair.partner == odd for pair in e.pairs))
        self.reverse(other, ref, lead=False, partners=[odd])

    def reversed_wrong_amount(self, event: Event, ref: str, pool: Iterator[Event]) -> None:
        """The halves differ; each side reverses what it had, and the reversal differs again."""
        self.wrong_amount(self.random.choice(event.pairs))
        self.reverse(event, ref)

    def bad_reversal(self, bank: str, like: Row, **changes: Any) -> None:
        cells = {**like.cells, "event_id": f"BAD{self.serial:07d}", **changes}
        # Three months on: after everything that was made for this event.
        place = like.day + timedelta(days=100)
        self.add_row(bank, place, "quarantined", **cells).fault = "reverses"

    def each_row(self, reversal: Event) -> Iterator[tuple[str, Row]]:
        yield LEAD, reversal.row
        for pair in reversal.pairs:
            if pair.row:
                yield pair.partner, pair.row

    def reversed_again(self, event: Event, ref: str, pool: Iterator[Event]) -> None:
        for bank, row in list(self.each_row(self.reverse(event, ref))):
            self.bad_reversal(bank, row, event_ref="AGAIN-" + ref[2:])

    def reversal_of_reversal(self, event: Event, ref: str, pool: Iterator[Event]) -> None:
        for bank, row in list(self.each_row(self.reverse(event, ref))):
            self.bad_reversal(bank, row, event_ref="RR" + ref, reverses=f"reversal/{ref}")

    def reversal_other_amount(self, event: Event, ref: str, pool: Iterator[Event]) -> None:
        """Neither a first reversal nor a repeated one may carry another amount."""
        for bank, row in self.each_row(event):
            like = Row(row.day, 0, {**row.cells, "kind": "reversal", "event_ref": ref})
            minor = hellers(row.cells["amount"])
            self.bad_reversal(
                bank, like, reverses=f"{event.kind}/{event.event_ref}", amount=crowns(minor + 1)
            )

    def reversal_before_target(self, event: Event, ref: str, pool: Iterator[Event]) -> None:
        """The newest stands first in some files: a reversal may stand before its target."""
        self.reverse(event, ref, before=True)

    def reversal_repeated(self, event: Event, ref: str, pool: Iterator[Event]) -> None:
        """The same reversal once more under another id: a duplicate leg."""
        reversal = self.reverse(event, ref)
        day = reversal.value_date + timedelta(days=2)
        changes = {"event_id": "AGAIN" + ref, "value_date": day.isoformat()}
        place = max(row.day for row in self.rows_of(reversal)) + timedelta(days=1)
        for bank, row in list(self.each_row(reversal)):
            self.add_row(bank, place, **{**row.cells, **changes})
        for pair in reversal.pairs:
            for side, half in (("lead", pair.lead), ("partner", pair.other)):
                if half:
                    again = Half(half.amount, day)
                    self.duplicates.append(
                        (pair.partner, "reversal", ref, f"duplicate_at_{side}", again)
                    )

    def reversal_sent_twice(self, event: Event, ref: str, pool: Iterator[Event]) -> None:
        """The same row once more: a duplicate row, though its target is reversed by now."""
        for bank, row in list(self.each_row(self.reverse(event, ref))):
            self.same_content(bank, row)

    def reversal_two_targets(self, event: Event, ref: str, pool: Iterator[Event]) -> None:
        """One reference for two targets: two reversals."""
        self.reverse(event, ref)
        self.reverse(next(pool), ref)

    def reversal_rebooked(self, event: Event, ref: str, pool: Iterator[Event]) -> None:
        """The corrected booking has a new reference; under the old one it is a duplicate leg."""
        self.reverse(event, ref)
        cells = {"partner": event.pairs[0].partner} if event.kind in ONE_PARTNER else {}
        self.add_event(event.kind, "NEW-" + event.event_ref, event.total, event.value_date, **cells)
        self.lead_duplicate_leg(event)
        for pair in event.pairs:
            self.duplicate_leg(pair)

    # Rows that are no events at all

    def malformed(self, days: list[date]) -> None:
        for bank, rows in self.rows.items():
            columns = {LEAD: LEAD_COLUMNS, "plzen": PLZEN_COLUMNS}.get(bank, ALL_COLUMNS)
            who = "lead" if bank == LEAD else "partner"
            cases: list[BrokenBytes] = [
                (fault, cells, None)
                for fault, cells, whose in MALFORMED
                if whose in ("any", who) and set(cells) <= set(columns)
            ]
            cases += BROKEN_JSON if bank == "ostrava" else BROKEN_CSV
            if bank == "plzen":
                cases = [case for case in cases if case[2] is not latin_1]
            for number, (fault, cells, raw) in enumerate(cases):
                day = self.random.choice(days)
                good = self.event_cells("principal", f"BAD-{number}", 12_345, day)
                row = self.add_row(bank, day, "quarantined", **{**good, **cells})
                row.fault, row.raw = fault, raw
                self.injected[f"malformed: {fault or 'row'}"] += 1
            rows.sort(key=lambda row: (row.day, row.serial))

    # Files

    def write_csv(self, path: Path, bank: str, columns: list[str], bom: bool, end: str) -> None:
        data = bytearray(b"\xef\xbb\xbf" if bom else b"")
        data += (",".join(columns) + end).encode()
        line = 2
        for row in self.rows[bank]:
            if self.random.random() < 0.002:
                data += self.random.choice(["", "  ", "\t"]).encode() + end.encode()
                line += 1
            text = io.StringIO()
            writer = csv.writer(text, lineterminator=end)
            writer.writerow([row.cells.get(name, "") for name in columns])
            encoded = text.getvalue().encode()
            line += self.write_row(data, path, row, encoded, line)
        path.write_bytes(data)

    def write_json(self, path: Path, bank: str) -> None:
        data = bytearray()
        line = 1
        for row in self.rows[bank]:
            if self.random.random() < 0.002 and line > 1:
                data += self.random.choice([b"\n", b" \t\n", b"\r\n"])
                line += 1
            cells = dict(row.cells)
            if self.random.random() < 0.1:
                cells = {name: cells.get(name) for name in ALL_COLUMNS}  # null where absent
            if self.random.random() < 0.1:
                cells["branch"] = {"deep": [1, None, {"event_id": "no"}]}
            encoded = json.dumps(
                cells, ensure_ascii=row.raw is None, separators=(",", ":")
            ).encode()
            line += self.write_row(data, path, row, encoded + b"\n", line)
        path.write_bytes(data)

    def write_row(self, data: bytearray, path: Path, row: Row, encoded: bytes, line: int) -> int:
        encoded = row.raw(encoded) if row.raw else encoded
        data += encoded
        if row.fate == "quarantined":
            self.quarantine.append((path.name, line, row.fault))
        return encoded.count(b"\n")

    def write(self, out: Path) -> Berka:
        out.mkdir(parents=True, exist_ok=True)
        facility = out / "facility.toml"
        facility.write_text(self.facility_text(), encoding="utf-8")
        paths = {
            LEAD: out / "ceska.csv",
            "brno": out / "brno.csv",
            "ostrava": out / "ostrava.jsonl",
            "plzen": out / "plzen.csv",
        }
        self.write_csv(paths[LEAD], LEAD, LEAD_COLUMNS, bom=True, end="\n")
        self.write_csv(paths["brno"], "brno", BRNO_COLUMNS, bom=False, end="\r\n")
        self.write_json(paths["ostrava"], "ostrava")
        self.write_csv(paths["plzen"], "plzen", PLZEN_COLUMNS, bom=False, end="\n")
        lead = paths.pop(LEAD)
        return Berka(facility, lead, paths, self.ledger())

    def facility_text(self) -> str:
        text = (
            f'id = "{FACILITY}"\nlead = "{LEAD}"\ncurrency = "CZK"\n'
            f'time_zone = "Europe/Prague"\ncut_off = "17:30:00"\n\n'
            f'[rules]\namount_tolerance = "{crowns(self.tolerance)}"\n'
            f"date_window_days = {self.window}\nmatch_deadline_hours = 24\n"
        )
        for name, shares in SHARES.items():
            bps = ", ".join(f"{component} = {share}" for component, share in shares.items())
            text += (
                f'\n[[partners]]\nname = "{name}"\nshare_bps = {{ {bps} }}\n'
                f'low_balance = "100000.00"\n'
            )
        return text

    def ledger(self) -> Ledger:
        types = [
            "matched", "within_tolerance", "amount", "date", "amount_and_date",
            "missing_at_partner", "missing_at_lead", "duplicate_at_lead", "duplicate_at_partner",
        ]  # fmt: skip
        ledger = Ledger(
            rows={}, pairs={name: Counter(dict.fromkeys(types, 0)) for name in SHARES},
            reserves={}, matched=[], breaks=[], quarantine=sorted(self.quarantine),
            injected=self.injected,
        )  # fmt: skip
        for bank, rows in self.rows.items():
            fates = Counter(row.fate for row in rows)
            sums = {key: fates[key] for key in ("accepted", "duplicate", "quarantined")}
            ledger.rows[bank] = Counter({"in": len(rows), **sums})
        books = {name: Counter[str]() for name in SHARES}
        for pair in self.pairs:
            ledger.pairs[pair.partner][pair.type] += 1
            good = pair.type in ("matched", "within_tolerance")
            if pair.lead:
                books[pair.partner]["lead_book"] += pair.sign * pair.lead.amount
            if pair.other:
                books[pair.partner]["partner_book"] += pair.sign * pair.other.amount
            if good and pair.lead:
                books[pair.partner]["agreed"] += pair.sign * pair.lead.amount
            lines = ledger.matched if good else ledger.breaks
            lines.append(
                self.line(pair.partner, pair.kind, pair.event_ref, pair.type, pair.lead, pair.other)
            )
        for partner, kind, ref, side, half in self.duplicates:
            ledger.pairs[partner][side] += 1
            at_lead = side == "duplicate_at_lead"
            halves = (half, None) if at_lead else (None, half)
            ledger.breaks.append(self.line(partner, kind, ref, side, *halves))
        for name, sums in books.items():
            ledger.reserves[name] = {
                "currency": "CZK",
                **{book: crowns(sums[book]) for book in ("lead_book", "partner_book", "agreed")},
                "proof": "0.00",
            }
        ledger.matched.sort()
        ledger.breaks.sort()
        return ledger

    def line(
        self, partner: str, kind: str, ref: str, type_: str, lead: Half | None, other: Half | None
    ) -> tuple[str, ...]:
        return (
            partner,
            kind,
            ref,
            type_,
            crowns(lead.amount) if lead else "",
            crowns(other.amount) if other else "",
            crowns(other.amount - lead.amount) if lead and other else "",
            lead.value_date.isoformat() if lead else "",
            other.value_date.isoformat() if other else "",
        )


def generate(out: Path, seed: int = 1, loans: int | None = None, variant: str = "plain") -> Berka:
    """Write the feeds and the facility into `out`. The same arguments give the same bytes."""
    generator = Generator(seed, loans, variant)
    generator.build()
    return generator.write(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--loans", type=int, default=None, help="only the first N loans")
    parser.add_argument("--variant", choices=["plain", "tolerance"], default="plain")
    arguments = parser.parse_args()
    berka = generate(arguments.out, arguments.seed, arguments.loans, arguments.variant)
    feeds = " ".join(f"--partner {name}={path}" for name, path in berka.partners.items())
    print(f"tally reconcile --lead {berka.lead} {feeds} --facility {berka.facility}")
    for bank, rows in berka.ledger.rows.items():
        print(f"{bank}: {dict(rows)}")
    for partner, pairs in berka.ledger.pairs.items():
        print(f"{partner}: {dict(pairs)}")


if __name__ == "__main__":
    main()
