"""The files of `tally reconcile --out`: matched.csv, breaks.csv and quarantine.csv.

Lines are sorted by everything but times, so that two runs over the same feeds give the same bytes
apart from `first_posted_at`. A text from a feed that a spreadsheet would take for a formula has an
apostrophe before it.
"""

import csv
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Engine

from app.domain.money import format_amount
from app.readmodel.pairs.queries import Filter, stream_pairs
from app.readmodel.pairs.shapes import MATCHED_TYPES, Half, Pair
from app.reports.spreadsheets import Lines, guarded

PAIR_COLUMNS = (
    "partner",
    "kind",
    "event_ref",
    "type",
    "lead_amount",
    "partner_amount",
    "difference",
    "lead_value_date",
    "partner_value_date",
    "first_posted_at",
)
QUARANTINE_COLUMNS = ("file", "row", "field", "value", "reason")

_Line = tuple[str, ...]


def write_pairs(engine: Engine, facility: str, decimals: int, out: Path) -> None:
    """Write matched.csv and breaks.csv of a facility (its id) from the read model."""
    matched: list[_Line] = []
    breaks: list[_Line] = []
    with engine.connect() as connection:
        for pair in stream_pairs(connection, Filter(facility=facility)):
            if pair.type in MATCHED_TYPES:
                matched.append(_line(pair, decimals))
            elif pair.action is None:
                breaks.append(_line(pair, decimals))
    _write(out / "matched.csv", PAIR_COLUMNS, sorted(matched))
    _write(out / "breaks.csv", PAIR_COLUMNS, sorted(breaks))


def write_quarantine(lines: Iterable[tuple[str, int, str, str, str]], out: Path) -> None:
    """Write quarantine.csv from (file, row, field, value, reason)."""
    _write(
        out / "quarantine.csv",
        QUARANTINE_COLUMNS,
        (
            (guarded(file), str(row), field, guarded(value), guarded(why))
            for file, row, field, value, why in sorted(lines)
        ),
    )


def _line(pair: Pair, decimals: int) -> _Line:
    difference = pair.difference
    return (
        guarded(pair.partner),
        pair.kind,
        # Where the details could not be opened, the leg's keyed hash stands for its name.
        guarded(pair.event_ref) if pair.event_ref is not None else "#" + pair.reference,
        pair.type,
        _amount(pair.lead, decimals),
        _amount(pair.partner_half, decimals),
        "" if difference is None else format_amount(difference, decimals),
        _date(pair.lead),
        _date(pair.partner_half),
        pair.first_posted_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def _amount(half: Half | None, decimals: int) -> str:
    return "" if half is None else format_amount(half.amount, decimals)


def _date(half: Half | None) -> str:
    return "" if half is None else half.value_date.isoformat()


def _write(path: Path, columns: tuple[str, ...], lines: Iterable[_Line]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(Lines(file))
        writer.writerow(columns)
        writer.writerows(lines)
