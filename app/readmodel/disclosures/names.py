"""What name is shown for a reference: the one rule of pages, REST, reports and certificates."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, case, func, select

from app.readmodel.disclosures.tables import detail_grants, granted_names


def select_named(source: FromClause) -> Any:
    """A query of pairs or rejections: their columns with the names that are shown in place of those
    that opened by themselves, and `is_granted`: whether the event's is as a grant opens it."""
    c = source.c
    shown = {"event_ref": event_name(source), "target_event_ref": target_event_name(source)}
    is_granted = c.event_ref.is_(None) & shown["event_ref"].is_not(None)
    return select(
        *(shown[one.name].label(one.name) if one.name in shown else one for one in c),
        is_granted.label("is_granted"),
    )


def event_name(source: FromClause) -> ColumnElement[str | None]:
    """The name of a row's reference: as it opened with the posting, else as a bank's grant opens it
    that stands. Null where neither does, or where two banks have sealed different ones."""
    return func.coalesce(source.c.event_ref, _granted(source, source.c.ref))


def target_event_name(source: FromClause) -> ColumnElement[str | None]:
    """The same of a reversal's target; null for other kinds."""
    c = source.c
    shown = func.coalesce(c.target_event_ref, _granted(source, c.target_ref))
    return case((c.target_kind != 0, shown))


def _granted(source: FromClause, reference: ColumnElement[bytes]) -> ColumnElement[str | None]:
    n, g = granted_names.c, detail_grants.c
    first, last = func.min(n.event_ref), func.max(n.event_ref)
    return (
        select(case((first == last, first)))
        .join(detail_grants, g.number == n.grant)
        .where(n.facility == source.c.facility, n.ref == reference, g.revoked_at.is_(None))
        .correlate(source)
        .scalar_subquery()
    )
