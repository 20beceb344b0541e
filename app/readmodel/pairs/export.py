"""All pairs of a facility as plain rows, some thousands at a time, for files that list every one.

A row here costs a tenth of a `Pair`. Read as it goes, in no order.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    FromClause,
    Select,
    case,
    literal_column,
    null,
    select,
    union_all,
)

from app.readmodel import tables as t
from app.readmodel.accounts.sums import type_of_pair
from app.readmodel.archive.source import with_archive
from app.readmodel.disclosures.names import event_name
from app.readmodel.pairs.tables import OPEN

_ROWS_AT_A_TIME = 1_000


class PairRow(NamedTuple):
    """A pair, or a duplicate leg with its other side absent. Amounts in minor units, days and
    seconds as in the tables. `ref` None where the name opened with the posting."""

    partner: int
    kind: int
    ref: bytes | None
    event_ref: str | None
    type: str
    lead_amount: int | None
    partner_amount: int | None
    lead_value_day: int | None
    partner_value_day: int | None
    first_posted_at: int


class EqualRow(NamedTuple):
    """A pair whose halves are equal, which nearly all are; as `PairRow`. Each column that is not
    read is a tenth of what a row costs."""

    partner: int
    kind: int
    ref: bytes | None
    event_ref: str | None
    amount: int
    value_day: int
    first_posted_at: int


def matched_rows(
    connection: Connection, facility: int
) -> tuple[Iterator[Sequence[EqualRow]], Iterator[Sequence[PairRow]]]:
    """Pairs that are matched, and those within tolerance. One is read after the other."""
    source = with_archive(connection, facility=facility)
    c = source.c
    equal = select(
        c.partner,
        c.kind,
        _hash(source),
        event_name(source),
        c.lead_amount,
        c.lead_value_day,
        c.first_posted_at,
    )
    within = _pairs(source, c.status)
    return (
        _rows(connection, equal.where(c.facility == facility, c.status == "matched")),
        _rows(connection, within.where(c.facility == facility, c.status == "within_tolerance")),
    )


def break_rows(connection: Connection, facility: int) -> Iterator[Sequence[PairRow]]:
    """Breaks that are not resolved, and duplicate legs."""
    r = t.rejections.c
    is_lead = r.side == "lead"
    duplicates = select(
        r.partner,
        r.kind,
        _hash(t.rejections),
        event_name(t.rejections),
        (literal_column("'duplicate_at_'") + r.side).label("type"),
        case((is_lead, r.amount)),
        case((is_lead, null()), else_=r.amount),
        case((is_lead, r.value_day)),
        case((is_lead, null()), else_=r.value_day),
        r.posted_at,
    ).where(r.facility == facility, r.reason == "duplicate")
    breaks = _pairs(t.pairs, type_of_pair())
    return _rows(
        connection,
        union_all(breaks.where(t.pairs.c.facility == facility, OPEN), duplicates),
    )


def _pairs(source: FromClause, type_: ColumnElement[str]) -> Select[*tuple[object, ...]]:
    c = source.c
    return select(
        c.partner,
        c.kind,
        _hash(source),
        event_name(source),
        type_,
        c.lead_amount,
        c.partner_amount,
        c.lead_value_day,
        c.partner_value_day,
        c.first_posted_at,
    )


def _hash(source: FromClause) -> ColumnElement[bytes | None]:
    """As `PairRow.ref` has it."""
    return case((source.c.event_ref.is_(None), source.c.ref))


def _rows(connection: Connection, query: Executable) -> Iterator[Sequence[Any]]:
    streaming = connection.execution_options(yield_per=_ROWS_AT_A_TIME).execute(query)
    yield from streaming.partitions()
