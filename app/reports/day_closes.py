"""Closed days: every statement of a period with both banks' answers, and the pairs that each
carries forward by name."""

from collections.abc import Iterator
from functools import partial

from app.readmodel.days.queries import carried_forward, day_records
from app.readmodel.days.shapes import DayRecord, statements_at
from app.reports.model import NOT_OPENED, Column, Report, Row, Section, Type, hash_text, rows_of
from app.reports.source import Source

_BOOKS = ("lead", "partner", "agreed")
_STATEMENTS = (
    Column("partner"),
    Column("day", Type.DATE),
    Column("state", words=True),
    *(
        Column(f"{row}_{book}", Type.MONEY, of=f"statement.{row}.{book}")
        for row in ("opening", "movement", "closing")
        for book in _BOOKS
    ),
    Column("open_lead", Type.MONEY, of="statement.open.lead"),
    Column("open_partner", Type.MONEY, of="statement.open.partner"),
    Column("accepted_difference", Type.MONEY, of="statement.open.accepted_difference"),
    Column("open_legs", Type.COUNT, of="statement.open.legs"),
    Column("statement_hash", wide=True, of=lambda one: hash_text(one.statement_hash)),
    Column("proposed_by"),
    Column("proposed_at", Type.INSTANT),
    Column("proposed_in", wide=True, of="transaction"),
    Column("answered_by"),
    Column("answered_at", Type.INSTANT),
    Column("reopened_at", Type.INSTANT),
    Column(
        "reason_hash",
        wide=True,
        of=lambda one: hash_text(one.reopen_reason_hash or one.reason_hash),
    ),
)
_CARRIED = (
    Column("partner"),
    Column("day", Type.DATE),
    Column("state", words=True),
    Column("kind", words=True),
    Column("event_ref", wide=True),
    Column("reference", wide=True),
    Column("target", wide=True),
    Column("statement_hash", wide=True),
)


def day_closes(source: Source) -> Report:
    """Every statement that was proposed for a business date of the period, what became of it, and
    the pairs that it carries forward."""
    records = [record for one in source.partners for record in _records(source, one.name)]
    return source.report(
        name="day-closes",
        title="Day closes",
        sections=(
            Section(
                "statements",
                "Opening + movement = closing in each book; a closed one is signed by both banks. "
                "What is open is as of the block of the proposal",
                _STATEMENTS,
                lambda: rows_of(_STATEMENTS, records),
            ),
            Section(
                "carried_forward",
                "The pairs with open legs that each statement names; amounts are in the "
                "reconciliation",
                _CARRIED,
                partial(_carried, source, records),
            ),
        ),
    )


def _records(source: Source, partner: str) -> list[DayRecord]:
    """An account's statements for the days of the period, by day and then as proposed."""
    every = day_records(source.connection, source.facility.id, partner)
    standing = statements_at(every, source.as_of.block_time)
    return sorted(
        (one for one in standing if source.request.covers(one.day)),
        key=lambda one: (one.day, one.number),
    )


def _carried(source: Source, records: list[DayRecord]) -> Iterator[Row]:
    for record in records:
        for pair in carried_forward(source.connection, record):
            yield (
                record.partner,
                record.day,
                record.state,
                pair.kind,
                pair.event_ref or NOT_OPENED,
                pair.reference,
                pair.target,
                hash_text(record.statement_hash),
            )
