"""Small feeds, seeded, that crowd into the corners of INTERFACES.

Few references, ids and dates are shared by many rows, so that duplicates, conflicts, reversals and
breaks happen by chance; every so often a row is bent out of shape. What must come of it is the
oracle's to say.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

LEAD = "lead bank"
PARTNERS = ["alfa", "\u017elu\u0165-2", "C\u00f3rdoba & S\u00f8n"]
CURRENCIES = {"JPY": 0, "ISK": 0, "CZK": 2, "CNY": 2, "EUR": 2, "KWD": 3, "BHD": 3, "TND": 3}
ZONES = [
    "UTC", "Asia/Shanghai", "Europe/Prague", "America/New_York", "Pacific/Kiritimati",
    "Asia/Kathmandu",
]  # fmt: skip
CUT_OFFS = ["23:59:59", "00:00:00", "17:00:00", "12:34:56"]
COLUMNS = [
    "event_id", "facility", "event_ref", "kind", "amount", "currency", "value_date", "booked_at",
    "partner", "reverses", "shares_on", "loan_ref", "borrower_ref", "memo",
]  # fmt: skip
NEEDED = COLUMNS[:8]
SHARED = {
    "drawdown": "principal",
    "principal": "principal",
    "interest": "interest",
    "penalty": "interest",
    "fee": "fee",
}
ONE_PARTNER = ["top_up", "reserve_interest", "other_in", "withdrawal", "service_fee", "other_out"]

REFS = [
    "R1", "r1", " R1", "R1 ", "R/1", "/", "a,b", 'q"uote"', '"', "=1+1", "null", "0", "-",
    "\u0159-1", "r\u030c-1",  # composed and decomposed: two references
    "x" * 64, "\u0159" * 64, "\U0001f3e6" * 64, "\u0645\u0631\u062c\u0639", "\u53c2\u8003/\u53f7",
    "'; DROP TABLE events; --", "<b>R</b>", "{}", "\\n", "%s", "\u0130", "\u0131", "\u00df", "SS",
]  # fmt: skip
TEXTS = [
    "plain", "\u0159e\u017e \U0001f4b8", "two\nlines", "three\r\n\r\nlines", "lone\rreturn", ",",
    '"', '""quoted""', "  ", "\t", "x" * 16_384, "\U0001f4b8" * 16_384, "\u2028\u0085\ufeff", "'",
]  # fmt: skip

# Values that break their column; of what is given, never of what is needed elsewhere.
BAD: dict[str, list[str]] = {
    "event_id": [
        "", "2.02609E+15", "i" * 65, "a\u00a0b", "a\u200db", "a\tb", "a\nb", "a\0",
        "\ufeffid", "\u2028",
    ],
    "facility": ["", "x", "FACILITY", "\u0430"],
    "event_ref": ["", "6.22848E+15", "\u0159" * 65, "a\u0085b", "a\nb", "\u200f", "\ue000"],
    "kind": ["", "Fee", "correction", "fee ", "reversals", "1", "dr\u0430wdown"],
    "amount": [
        "", "0", "000.0", "-1", "+1", "1e2", "NaN", "inf", "1,5", "1 000", ".5", "5.", "1.0000001",
        "\u0661", "\u00b2", "1_0", "0x1", " 1", "1\n", "9" * 6000, "1000000000000001", "--1",
        "1.2.3", "1.00000000000000000000000000001", "10000000000000000000",
    ],
    "currency": ["", "XXX", "Eur", "978", "CZ", "CZKK"],
    "value_date": [
        "", "2015-02-29", "20150101", "2015-1-1", "2015-13-01", "2015-00-10", "2015-W10-1",
        "2015-06-31", "\u0662015-01-01", "0000-01-01", "10000-01-01", "+2015-01-01", "2015-01-01\n",
        "2015/01/01", "1900-02-29", "2015-01-01Z",
    ],
    "booked_at": [
        "", "2015-01-01", "2015-01-01T10:00:00", "2015-01-01 10:00:00Z", "2015-01-01T10:00Z",
        "2015-01-01T24:00:00Z", "2015-01-01T23:59:60Z", "2015-01-01T10:60:00Z",
        "2015-02-30T10:00:00Z", "2015-01-01T10:00:00.Z", "2015-01-01T10:00:00+24:00",
        "2015-01-01T10:00:00+1:00", "2015-01-01T10:00:00+0100", "2015-01-01T10:00:00+01",
        "2015-01-01T10:00:00z", "2015-01-01t10:00:00Z", "2015-01-01T10:00:00,5Z",
        "2015-01-01T10:00:00Z ", "2015-01-01T10:00:00+01:00:00", "20150101T100000Z",
        "2015-01-01T10:00:00 Z", "2015-01-01T10:00:00UTC", "2015-01-01T10:00:00\u221201:00",
        "2015-01-01T10:00:00+01:60", "\u0662015-01-01T10:00:00Z",
    ],
    "partner": ["nobody", LEAD, "ALFA", "alfa ", ","],
    "reverses": [
        "", "/", "fee", "fee/", "/R1", "Fee/R1", "fees/R1", "correction/R1", "reversal/R1",
        "fee/NOT THERE", "top_up/NOT THERE", "fee/" + "x" * 65, " fee/R1", "fee//R1",
    ],
    "shares_on": ["2015-02-29", "yesterday", "20150101", " "],
    "loan_ref": ["x" * 16_385, "nul\0"],
    "borrower_ref": ["\u0159" * 16_385],
    "memo": ["x" * 16_385, "\0", "y" * 140_000],
}  # fmt: skip


@dataclass
class Case:
    """The files of one run; a partner without a feed is in the facility alone."""

    facility: Path
    lead: Path
    partners: dict[str, Path]


@dataclass
class Truth:
    """What happened, before the banks wrote it down."""

    kind: str
    event_ref: str
    minor: int
    day: date
    partner: str | None  # of the one-partner kinds, and of their reversals
    target: Truth | None = None


Cells = dict[str, Any]


class Maker:
    def __init__(self, seed: int, rows: int, lead_may_split: bool) -> None:
        self.random = random.Random(seed)
        pick = self.random.choice
        self.rows = rows
        self.currency = pick(list(CURRENCIES))
        self.decimals = CURRENCIES[self.currency]
        self.zone = pick(ZONES)
        self.cut_off = pick(CUT_OFFS)
        self.partners = PARTNERS[: self.random.randint(1, 3)]
        self.tolerance = pick([0, 0, 1, 5, 10_000])
        self.window = pick([0, 0, 1, 5])
        self.lead_splits = pick([False, False, False, True]) and lead_may_split
        self.shares = {name: self.component_shares() for name in self.partners}
        start = date(2015, 2, 26) + timedelta(days=self.random.randrange(1000))
        self.days = [start + timedelta(days=n) for n in range(6)]
        self.first_day = self.days[1] if pick([False, False, True]) else None
        self.refs = self.random.sample(REFS, 14)
        self.serial = 0

    def component_shares(self) -> dict[str, int]:
        most = 10_000 // len(self.partners)
        some = [0, 1, most, most - 1, 999, 3333, 2467]
        return {
            component: min(most, self.random.choice(some))
            for component in ("principal", "interest", "fee")
        }

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    # Values

    def amount_text(self, minor: int) -> str:
        digits = str(minor).rjust(self.decimals + 1, "0")
        whole = digits[: len(digits) - self.decimals]
        fraction = digits[len(digits) - self.decimals :]
        while fraction.endswith("0") and self.chance(0.5):
            fraction = fraction[:-1]
        zeros = "0" * self.random.choice([0, 0, 0, 0, 1, 30])
        return zeros + whole + ("." + fraction if fraction else "")

    def some_minor(self) -> int:
        pick = self.random.choice
        return pick([
            1, 2, 3, 10, 99, 100, 9_999, 10_000, 10_001, 12_345, 10**6, 10**8 + 1, 10**15,
            10**15 - 1, self.random.randrange(1, 10**6), self.random.randrange(1, 10**12),
        ])  # fmt: skip

    def instant_text(self, moment: datetime) -> str:
        minutes = self.random.choice([None, 0, 60, -300, 345, 840, -720, 1439, -1439])
        fraction = self.random.choice(["", "", "", ".0", ".000000", ".000000000"])
        if minutes is None:
            return moment.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"
        local = moment.astimezone(timezone(timedelta(minutes=minutes)))
        sign = "-" if minutes < 0 or (minutes == 0 and self.chance(0.5)) else "+"
        offset = f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
        return local.strftime("%Y-%m-%dT%H:%M:%S") + fraction + offset

    def booked_at(self, day: date) -> str:
        if self.chance(0.02):
            return self.random.choice([
                "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "0001-01-02T23:00:00Z",
                "1890-05-05T05:05:05.123456789Z", "9999-12-31T23:59:59Z",
                "9999-12-31T23:59:59-23:59", "2016-02-29T23:59:59.999999999+14:00",
            ])  # fmt: skip
        if self.chance(0.04):
            # The last second of the day that is 30 days ahead, at the cut-off, and the next one.
            ahead = datetime.now(UTC).date() + timedelta(days=30)
            edge = datetime.fromisoformat(f"{ahead}T{self.cut_off}").replace(
                tzinfo=ZoneInfo(self.zone)
            )
            edge += timedelta(seconds=self.random.choice([-1, 0, 0, 1]))
            text = edge.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
            return text + self.random.choice(["Z", ".999Z", "+00:00"])
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return self.instant_text(moment + timedelta(seconds=self.random.randrange(86_400)))

    def day_text(self, day: date) -> str:
        if self.chance(0.02):
            ahead = datetime.now(UTC).date() + timedelta(days=self.random.choice([30, 30, 31, 400]))
            return self.random.choice([ahead.isoformat(), "0001-01-01", "9999-12-31", "1969-12-31"])
        return day.isoformat()

    # What happened

    def truths(self) -> list[Truth]:
        truths: list[Truth] = []
        for _ in range(self.rows):
            day = self.random.choice(self.days)
            if truths and self.chance(0.2):
                target = self.random.choice(truths)
                reversed_already = any(truth.target is target for truth in truths)
                if (reversed_already or target.target is not None) and self.chance(0.8):
                    continue
                ref = self.random.choice(self.refs)
                truths.append(Truth("reversal", ref, target.minor, day, target.partner, target))
                continue
            if truths and self.chance(0.1):  # an identity that is taken, with other contents
                old = self.random.choice(truths)
                minor = self.random.choice([old.minor, self.some_minor()])
                truths.append(Truth(old.kind, old.event_ref, minor, day, old.partner, old.target))
                continue
            kind = self.random.choice([*SHARED, *SHARED, *ONE_PARTNER])
            partner = self.random.choice(self.partners) if kind in ONE_PARTNER else None
            ref = self.random.choice(self.refs) + self.random.choice(["", "'", "2"])
            truths.append(Truth(kind, ref[:64], self.some_minor(), day, partner))
        return truths

    def part(self, truth: Truth, partner: str) -> int:
        if truth.kind == "reversal":
            assert truth.target is not None
            return self.part(truth.target, partner)
        if truth.partner is not None:
            return truth.minor if truth.partner == partner else 0
        return truth.minor * self.shares[partner][SHARED[truth.kind]] // 10_000

    # What a bank wrote down

    def feed_rows(self, bank: str, truths: list[Truth]) -> list[Cells]:
        rows: list[Cells] = []
        for truth, partner in self.written(bank, truths):
            minor = truth.minor if partner is None else self.part(truth, partner)
            if self.chance(0.1):
                continue
            if self.chance(0.08):
                minor += self.random.choice([1, -1, self.tolerance, -self.tolerance, 20_000])
            if minor <= 0 and not (bank != LEAD and self.chance(0.1)):
                continue
            rows.append(self.row(bank, truth, max(minor, 1), partner))
            if self.chance(0.15):
                rows.append(self.again(self.random.choice(rows)))
        if self.chance(0.3):  # mostly in order, never quite
            at = self.random.randrange(len(rows) + 1)
            rows = self.random.choice([rows[at:] + rows[:at], rows[::-1]])
        return [self.bend(bank, row) if self.chance(0.15) else row for row in rows]

    def written(self, bank: str, truths: list[Truth]) -> Iterator[tuple[Truth, str | None]]:
        """Each row that a bank writes, and the partner whose part it states; None for the whole."""
        for truth in truths:
            if bank != LEAD:
                yield truth, bank
            elif truth.partner is not None or not self.lead_splits:
                yield truth, truth.partner
            else:
                yield from ((truth, partner) for partner in self.partners)

    def row(self, bank: str, truth: Truth, minor: int, partner: str | None) -> Cells:
        self.serial += 1
        day = truth.day
        if self.chance(0.1):
            day += timedelta(days=self.random.choice([-1, 1, self.window, -self.window, 40]))
        ids = [
            f"E{self.serial}",
            f"\u017e\U0001f4b8 {self.serial}",
            f"{self.serial}".rjust(64, "i"),
        ]
        cells: Cells = {
            "event_id": self.random.choice(ids) if self.chance(0.98) else "SAME-ID",
            "facility": self.facility_id(),
            "event_ref": truth.event_ref,
            "kind": truth.kind,
            "amount": self.amount_text(minor),
            "currency": self.currency,
            "value_date": self.day_text(day),
            "booked_at": self.booked_at(day),
        }
        if bank == LEAD and partner is not None:
            cells["partner"] = partner
        elif bank != LEAD and self.chance(0.3):
            cells["partner"] = bank
        if truth.target is not None:
            cells["reverses"] = f"{truth.target.kind}/{truth.target.event_ref}"
        if bank == LEAD and self.chance(0.3):
            cells["shares_on"] = self.day_text(self.random.choice(self.days))
        for name in ("loan_ref", "borrower_ref", "memo"):
            if self.chance(0.1):
                cells[name] = self.random.choice(TEXTS)
        return cells

    def again(self, row: Cells) -> Cells:
        """The same row once more, the same written another way, or the same id with a change."""
        cells = dict(row)
        form = self.random.randrange(5)
        if form == 1:
            cells["amount"] = "0" + cells["amount"]
        elif form == 2:
            cells["booked_at"] = cells["booked_at"].replace("Z", "+00:00")
        elif form == 3:
            cells["memo"] = self.random.choice(TEXTS)
        elif form == 4:
            self.serial += 1
            cells["event_id"] = f"E{self.serial}"
        return cells

    def bend(self, bank: str, row: Cells) -> Cells:
        cells = dict(row)
        for _ in range(self.random.choice([1, 1, 1, 2])):
            name = self.random.choice(COLUMNS)
            choices = list(BAD[name])
            if name == "partner":
                choices += [*self.partners, ""]
            elif name == "reverses" and self.chance(0.5):
                choices = [f"{k}/{self.random.choice(self.refs)}" for k in [*SHARED, *ONE_PARTNER]]
                cells["kind"] = "reversal"
            elif name == "kind" and self.chance(0.5):
                choices = [*SHARED, *ONE_PARTNER, "reversal"]
            elif name == "shares_on":
                choices.append(self.days[0].isoformat())
            cells[name] = self.random.choice(choices)
        return cells

    # Bytes

    def facility_id(self) -> str:
        return "Facility_1.A-b"

    def facility_text(self) -> str:
        scale = 10**self.decimals
        tolerance = f"{self.tolerance // scale}"
        if self.decimals:
            tolerance += "." + str(self.tolerance % scale).rjust(self.decimals, "0")
        lines = [
            f'id = "{self.facility_id()}"', f'lead = "{LEAD}"', f'currency = "{self.currency}"',
            f'time_zone = "{self.zone}"', f'cut_off = "{self.cut_off}"',
            *(['split = "lead"'] if self.lead_splits else []),
            *([f'first_day = "{self.first_day}"'] if self.first_day else []), "[rules]",
            f'amount_tolerance = "{tolerance}"', f"date_window_days = {self.window}",
            "match_deadline_hours = 24",
        ]  # fmt: skip
        for name in self.partners:
            shares = ", ".join(f"{key} = {value}" for key, value in self.shares[name].items())
            lines += ["[[partners]]", f'name = "{name}"', f"share_bps = {{ {shares} }}"]
            lines.append(f'low_balance = "{0 if self.decimals == 0 else "0.0"}"')
        return "\n".join(lines) + "\n"

    def csv_bytes(self, rows: list[Cells]) -> bytes:
        used = {name for row in rows for name, value in row.items() if value}
        columns = [name for name in COLUMNS if name in NEEDED or name in used or self.chance(0.5)]
        if self.chance(0.5):
            self.random.shuffle(columns)
        if self.chance(0.5):
            columns.insert(self.random.randrange(len(columns) + 1), "branch")
        end = self.random.choice([b"\n", b"\r\n"])
        quote_all = self.chance(0.2)
        data = bytearray(b"\xef\xbb\xbf" if self.chance(0.3) else b"")
        if self.chance(0.1):
            data += end
        unnamed = [b""] * (self.random.choice([1, 3]) if self.chance(0.15) else 0)
        data += b",".join([*(self.csv_cell(name, quote_all) for name in columns), *unnamed]) + end
        for row in rows:
            values = {**row, "branch": self.random.choice(["", "1", 'a "b"', "a\nb"])}
            cells = [self.csv_cell(values.get(name, ""), quote_all) for name in columns]
            cells += unnamed
            if unnamed and self.chance(0.05):
                cells[-1] = b"x"
            if self.chance(0.03):
                cells = self.random.choice([cells[:-1], [*cells, b""], [*cells, b"x"], [b"x"]])
            line = b",".join(cells)
            if self.chance(0.03):
                # Latin-1, a cut UTF-8 sequence, an overlong one, half a surrogate pair.
                bad = self.random.choice([b"\xe9", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xff"])
                name = self.random.choice([name for name in columns if name != "branch"])
                at = columns.index(name)
                if len(cells) >= len(columns):
                    line = b",".join([*cells[:at], b"ab" + bad, *cells[at + 1 :]])
            data += line + end
            if self.chance(0.03):
                data += self.random.choice([b"", b" ", b"\t ", b",", b"," * len(columns)]) + end
        if self.chance(0.2):
            return bytes(data.removesuffix(end))
        if self.chance(0.2):  # a quote that nobody closes takes the rest of the file
            cells = [self.csv_cell(rows[0].get(name, ""), False) for name in columns]
            data += b",".join([*cells[:-1], b'"open']) + end + b"E0,and,so" + end
        return bytes(data)

    def csv_cell(self, text: str, quoted: bool) -> bytes:
        must = any(c in text for c in ",\r\n") or text.startswith('"')
        if must or quoted or self.chance(0.02):
            text = '"' + text.replace('"', '""') + '"'
        return text.encode()

    def json_bytes(self, rows: list[Cells]) -> bytes:
        end = self.random.choice([b"\n", b"\r\n"])
        data = bytearray(b"\xef\xbb\xbf" if self.chance(0.3) else b"")
        data += self.random.choice([b"", b"", b"\n", b" \r\n", b"\t"])
        for at, row in enumerate(rows):
            line = self.json_line(row, first=at == 0)
            data += line + end
            if self.chance(0.03):
                data += self.random.choice([b"", b"  ", b"\t"]) + end
        return bytes(data.removesuffix(end) if self.chance(0.3) else data)

    def json_line(self, row: Cells, first: bool) -> bytes:
        cells: Cells = dict(row)
        if self.chance(0.3):
            cells = {name: cells.get(name) for name in COLUMNS}
        if self.chance(0.2):
            cells["branch"] = self.random.choice([1, None, True, {"a": [1, {}]}, "x", 1e300])
        names = list(cells)
        if self.chance(0.3):
            self.random.shuffle(names)
        if self.chance(0.05):
            name = self.random.choice(names)
            if name in COLUMNS:
                # Numbers, and what else is no string.
                cells[name] = self.random.choice([1, 0, 2.5, True, False, [], ["a"], {}, {"a": 1}])
        separators: tuple[str, str] = self.random.choice([(",", ":"), (", ", ": ")])
        ascii_only = self.chance(0.5)
        text = json.dumps(
            {name: cells[name] for name in names}, ensure_ascii=ascii_only, separators=separators
        )
        line = text.encode()
        if not self.chance(0.05):
            return line
        bends: list[Callable[[], bytes]] = [
            lambda: b'{"amount":"1",' + line[1:],
            lambda: b'{"kind":"fee",' + line[1:],
            lambda: b'{"memo":1,"memo":null,' + line[1:],
            lambda: line[:-1] + b',"currency":"EUR"}',
            lambda: line[:-1],
            lambda: line[:-1] + b",}",
            lambda: line + b"{}",
            lambda: line.replace(b'"', b"'"),
            lambda: line[:-1] + b',"x":"\xe9"}',
            lambda: line[:-1] + b',"x":"\t"}',
            lambda: line[:-1] + b',"y":' + b"[" * 5000 + b"]" * 5000 + b"}",
            lambda: line[:-1] + b',"y":' + b"9" * 5000 + b"}",
        ]
        if not first:  # the first byte tells the format
            bends += [lambda: b"[" + line + b"]", lambda: b'"x"', lambda: b"null", lambda: b"a,b,c"]
        return self.random.choice(bends)()

    def write(self, out: Path) -> Case:
        out.mkdir(parents=True, exist_ok=True)
        facility = out / "facility.toml"
        facility.write_text(self.facility_text(), encoding="utf-8")
        truths = self.truths()
        paths: dict[str, Path] = {}
        for number, bank in enumerate([LEAD, *self.partners]):
            rows = self.feed_rows(bank, truths)
            in_json = bool(rows) and self.chance(0.4)
            paths[bank] = out / f"bank{number}.{'jsonl' if in_json else 'csv'}"
            paths[bank].write_bytes(self.json_bytes(rows) if in_json else self.csv_bytes(rows))
        lead = paths.pop(LEAD)
        if len(paths) > 1 and self.chance(0.2):
            paths.popitem()
        return Case(facility, lead, paths)


def generate(out: Path, seed: int, rows: int = 120, *, lead_may_split: bool = False) -> Case:
    """Write one case of about `rows` rows a feed. The same seed and day give the same bytes."""
    return Maker(seed, rows, lead_may_split).write(out)
