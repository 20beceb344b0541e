"""How breaks were resolved: the accepted resolutions of a period, and the log of all proposals."""

from collections.abc import Iterator, Sequence
from functools import partial

from app.readmodel.pairs.resolutions import resolutions_of_period
from app.reports.model import NOT_OPENED, Column, Report, Row, Section, Type, rows_of
from app.reports.source import Source

_COLUMNS = (
    Column("partner"),
    Column("action", words=True),
    Column("side", words=True),
    Column("status", words=True),
    Column("kind", words=True),
    Column("event_ref", wide=True, of=lambda one: one.event_ref or NOT_OPENED),
    Column("reference", wide=True),
    Column("target", wide=True),
    Column("business_date", Type.DATE),
    Column("lead_moved", Type.MONEY, total=True),
    Column("partner_moved", Type.MONEY, total=True),
    Column("agreed", Type.MONEY, total=True),
    Column("accepted_difference", Type.MONEY, total=True),
    Column("proposed_by"),
    Column("proposed_at", Type.INSTANT),
    Column("proposed_in", wide=True),
    Column("decided_by"),
    Column("decided_at", Type.INSTANT),
    Column("decided_in", wide=True),
    Column("reason", wide=True, of=lambda one: one.reason or NOT_OPENED),
    Column(
        "dispute_reason",
        wide=True,
        of=lambda one: one.dispute_reason or (NOT_OPENED if one.status == "disputed" else None),
    ),
)


def resolution_log(source: Source) -> Report:
    """Every proposal about a break whose business date is in the period, and what became of it."""
    return source.report(
        name="resolution-log",
        title="Resolution log",
        sections=(
            Section(
                "resolutions",
                "Every proposal whose business date is in the period; two banks' approvers signed "
                "each accepted one",
                _COLUMNS,
                partial(_rows, source, ()),
            ),
        ),
    )


def accepted(source: Source) -> Section:
    """The resolutions of the period that both banks signed."""
    return Section(
        "resolved",
        "Resolutions that both banks' approvers signed, by the business date on which books move",
        _COLUMNS,
        partial(_rows, source, ("accepted",)),
    )


def _rows(source: Source, statuses: Sequence[str]) -> Iterator[Row]:
    request = source.request
    for partner in source.partners:
        found = resolutions_of_period(
            source.connection,
            source.names,
            source.facility.number,
            partner.number,
            request.first,
            request.last,
            source.until,
        )
        yield from rows_of(
            _COLUMNS, (one for one in found if not statuses or one.status in statuses)
        )
