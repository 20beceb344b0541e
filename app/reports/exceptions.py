"""Exceptions: legs that the contract rejected, and what of a bank's own feeds never reached it.

What the contract rejected is on the chain and the same for all who may see the account. Dead
letters and quarantined rows are a bank's own: only a report of the present that its own node makes
holds them, never one of another partner's account alone. No value of a quarantined row is in it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import select

from app.intake.quarantine.queries import Selection
from app.intake.tables import feeds, quarantine
from app.outbox.dead_letters import all_letters
from app.readmodel import tables as t
from app.readmodel.chain import cursor
from app.readmodel.disclosures.names import select_named
from app.readmodel.pairs.rows import Rows
from app.reports.model import NOT_OPENED, Column, Report, Row, Section, Type, rows_of
from app.reports.source import Source

_PAGE_ROWS = 1_000

_REJECTED = (
    Column("partner"),
    Column("bank"),
    Column("reason", words=True),
    Column("kind", words=True),
    Column("event_ref", wide=True, of=lambda one: one.event_ref or NOT_OPENED),
    Column("reference", wide=True),
    Column("target", wide=True),
    Column("amount", Type.MONEY, of="half.amount"),
    Column("value_date", Type.DATE, of="half.value_date"),
    Column("business_date", Type.DATE, of="half.business_date"),
    Column("posted_at", Type.INSTANT, of="half.posted_at"),
    Column("sequence", Type.COUNT, of="half.sequence"),
    Column("leg", Type.COUNT, of="half.index"),
)
_DEAD_LETTERS = (
    Column("row", Type.COUNT),
    Column("event_id", wide=True),
    Column("event_ref", wide=True),
    Column("reason", wide=True, words=True),
    Column("at", Type.INSTANT),
)
_QUARANTINED = (
    Column("feed", wide=True),
    Column("row", Type.COUNT),
    Column("field"),
    Column("reason", wide=True, words=True),
    Column("state", words=True),
    Column("at", Type.INSTANT),
)


def exceptions(source: Source) -> Report:
    """Legs that the contract rejected, by business date; of the own bank also its dead letters and
    quarantined rows, which no other bank's file holds."""
    sections = [
        Section(
            "rejected",
            "Legs, and parts of a lead's leg, that the contract rejected, by business date; "
            "duplicate legs are among the breaks",
            _REJECTED,
            partial(_rejected, source),
        )
    ]
    own_rows = "none: only a bank's own report of now holds them"
    own = _own_bank(source)
    if own is not None:
        own_rows = f"those of {own}, as of when this was made"
        sections += [
            Section(
                "dead_letters",
                "This bank's accepted events that could not be posted and wait for a person, by "
                "the UTC date on which they stopped",
                _DEAD_LETTERS,
                partial(_dead_letters, source),
            ),
            Section(
                "quarantined",
                "Rows of this bank's feeds that were not accepted and wait for a person, by the "
                "UTC date on which they came",
                _QUARANTINED,
                partial(_quarantined, source),
            ),
        ]
    return source.report(
        name="exceptions",
        title="Exceptions",
        more=(("own_rows", own_rows),),
        sections=tuple(sections),
    )


def _own_bank(source: Source) -> str | None:
    """The bank whose rows belong in the report; None where none's do."""
    own = source.names.member_name(source.connection.execute(select(cursor.c.member)).scalar_one())
    if source.until is not None or source.request.partner not in (None, own):
        return None
    return own if own in source.banks else None


def _rejected(source: Source) -> Iterator[Row]:
    r = t.rejections.c
    request = source.request
    numbers = [one.number for one in source.partners]
    of = [r.facility == source.facility.number, r.reason != "duplicate"]
    if request.partner is not None:
        of.append(r.partner.in_(numbers))
    if source.until is not None:
        of.append(r.posted_at <= source.until)
    rows = Rows(source.names, source.clock, {})
    found = source.connection.execute(
        select_named(t.rejections)
        .where(*of, r.business_day.between(request.first.toordinal(), request.last.toordinal()))
        .order_by(r.number)
    )
    return rows_of(_REJECTED, map(rows.rejection, found))


def _dead_letters(source: Source) -> Iterator[Row]:
    for one in all_letters(source.connection):
        at = _moment(one.at)
        if one.facility == source.facility.id and source.request.covers(at.date()):
            yield one.row, one.event_id, one.event_ref, one.reason, at


def _quarantined(source: Source) -> Iterator[Row]:
    q = quarantine.c
    # What is encrypted of a row is not asked for: a report needs no storage key.
    query = (
        Selection(facility=source.facility.id)
        .apply(select(feeds.c.name, q.row, q.field, q.reason, q.status, q.at))
        .select_from(quarantine.join(feeds, feeds.c.id == q.feed_id))
        .order_by(q.id.desc())
        .execution_options(yield_per=_PAGE_ROWS)
    )
    for feed, row, field, reason, status, text in source.connection.execute(query):
        at = _moment(text)
        if source.request.covers(at.date()):
            yield feed, row, field or None, reason or None, status, at


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0)
