"""Small feeds for tests: a facility, good rows of every kind, and bytes made from them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from app.domain.events import ParsedEvent, Quarantined, Row
from app.domain.facility_file import parse_facility
from app.intake.cells import COLUMNS, NEEDED
from app.intake.reader import Feed
from app.intake.validation import Validator


def facility_head(id_: str, lead: str) -> str:
    """A facility file up to its partners, without tolerance."""
    return f"""
id        = "{id_}"
lead      = "{lead}"
currency  = "CNY"
time_zone = "Asia/Shanghai"
cut_off   = "23:59:59"
[rules]
amount_tolerance     = "0.00"
date_window_days     = 0
match_deadline_hours = 24
"""


FACILITY = parse_facility(
    facility_head("F-1", "lead")
    + """
[[partners]]
name      = "alfa"
share_bps = { principal = 4533, interest = 4533, fee = 0 }
[[partners]]
name      = "beta"
share_bps = { principal = 2467, interest = 1, fee = 10000 }
"""
)

Cells = Mapping[str, object]


def facility_text(id_: str, lead: str, *partners: str) -> str:
    """A facility file without tolerance, whose partners share 80 % of everything evenly."""
    bps = 8000 // len(partners)
    shares = f"{{ principal = {bps}, interest = {bps}, fee = {bps} }}"
    return facility_head(id_, lead) + "".join(
        f'[[partners]]\nname = "{name}"\nshare_bps = {shares}\nlow_balance = "100000.00"\n'
        for name in partners
    )


def row(event_id: str = "E1", **cells: object) -> dict[str, object]:
    """A good drawdown of the lead's (or a partner's) feed, with `cells` put in its place."""
    return {
        "event_id": event_id,
        "facility": "F-1",
        "event_ref": event_id.replace("E", "R"),
        "kind": "drawdown",
        "amount": "100.00",
        "currency": "CNY",
        "value_date": "2026-03-01",
        "booked_at": "2026-03-01T10:00:00+08:00",
        **cells,
    }


def row_now(event_id: str = "E1", **cells: object) -> dict[str, object]:
    """A good row that is booked and has its value date now."""
    now = datetime.now(UTC)
    booked_at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return row(event_id, value_date=now.date().isoformat(), booked_at=booked_at, **cells)


def csv_bytes(rows: Sequence[Cells], columns: Sequence[str] = COLUMNS, **style: object) -> bytes:
    """The rows under a header of `columns`."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n", **style)  # type: ignore[arg-type]
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def json_bytes(rows: Sequence[Cells]) -> bytes:
    """The rows as JSON lines."""
    return b"".join(json.dumps(cells).encode() + b"\n" for cells in rows)


def read(data: bytes, sender: str = "lead") -> list[Row]:
    """All rows of a feed, judged."""
    return list(Feed(io.BytesIO(data), "feed").rows(Validator(FACILITY, sender)))


def read_one(cells: Cells, sender: str = "lead") -> Row:
    """The only row of a CSV feed."""
    (judged,) = read(csv_bytes([cells]), sender)
    return judged


def event(judged: Row) -> ParsedEvent:
    assert isinstance(judged, ParsedEvent), judged
    return judged


def fault(judged: Row) -> Quarantined:
    assert isinstance(judged, Quarantined), judged
    return judged


HEADER = ",".join(NEEDED).encode() + b",memo\n"
"""The shortest header, and a memo."""

LINE = b"%s,F-1,R1,drawdown,100.00,CNY,2026-03-01,2026-03-01T10:00:00+08:00,%s"
"""A good row under HEADER: its event_id and its memo."""
