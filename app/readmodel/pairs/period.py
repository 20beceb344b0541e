"""The pairs of one account between two business dates, as they stood after a block."""

from collections.abc import Iterator, Sequence
from datetime import date

from sqlalchemy import Connection, FromClause, func

from app.readmodel.accounts.sums import type_of_pair
from app.readmodel.archive.source import with_archive
from app.readmodel.directory import Directory
from app.readmodel.disclosures.names import select_named
from app.readmodel.pairs import tables
from app.readmodel.pairs.as_of import pairs_as_of
from app.readmodel.pairs.rows import Rows
from app.readmodel.pairs.shapes import DUPLICATE_TYPES, MATCHED_TYPES, Pair
from app.readmodel.pairs.tables import rejections

_STREAM_ROWS = 2_000


def pairs_of_period(
    connection: Connection,
    names: Directory,
    facility: int,
    partner: int,
    types: Sequence[str],
    first: date,
    last: date,
    *,
    clock: int,
    until: int | None,
) -> Iterator[Pair]:
    """Pairs and duplicate legs of these types whose business date (the lead half's, or else the
    partner half's) lies between the dates, in the order of the chain, the duplicate legs last.

    Overdue by `clock`; as of the block time `until` (None: as they are). Read as it goes.
    """
    rows = Rows(names, clock, {})
    streaming = {"yield_per": _STREAM_ROWS}
    low, high = first.toordinal(), last.toordinal()
    source: FromClause = tables.pairs
    if until is not None or set(types) & set(MATCHED_TYPES):
        source = with_archive(connection, facility=facility, first=low, last=high)
    pairs = pairs_as_of(source, until)
    c = pairs.c
    day = func.coalesce(c.lead_business_day, c.partner_business_day)
    for row in connection.execute(
        select_named(pairs)
        .where(
            c.facility == facility,
            c.partner == partner,
            type_of_pair(pairs).in_(types),
            day.between(low, high),
        )
        .order_by(c.number),
        execution_options=streaming,
    ):
        yield rows.pair(row)
    sides = [name.removeprefix("duplicate_at_") for name in types if name in DUPLICATE_TYPES]
    r = rejections.c
    of = [r.facility == facility, r.partner == partner, r.reason == "duplicate", r.side.in_(sides)]
    if until is not None:
        of.append(r.posted_at <= until)
    for row in connection.execute(
        select_named(rejections).where(*of, r.business_day.between(low, high)).order_by(r.number),
        execution_options=streaming,
    ):
        yield rows.duplicate(row)
