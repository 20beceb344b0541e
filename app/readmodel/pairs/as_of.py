"""The pairs as they stood after a past block.

The table holds each pair as it is now, with the block times at which its halves came and its
resolution was accepted. What came later is taken away again here. A pair keeps the rules version
and deadline that it has now: the time at which the lead's half brought another is not kept.
"""

from typing import Any

from sqlalchemy import FromClause, and_, case, null, or_, select

_HALF = ("amount", "value_day", "business_day", "sequence", "index", "posted_at", "book_day")


def pairs_as_of(source: FromClause, until: int | None) -> FromClause:
    """Pairs of `source` (the table, or it `with_archive`) without what came after `until` (block
    time, seconds); None: as they are."""
    if until is None:
        return source
    c = source.c
    lead_came, partner_came = c.lead_posted_at <= until, c.partner_posted_at <= until
    both_came = and_(lead_came, partner_came)
    resolved = c.resolved_at <= until
    agreed = or_(resolved, and_(both_came, c.status.in_(("matched", "within_tolerance"))))
    shown: dict[str, Any] = {
        "status": case((both_came, c.status), else_="open"),
        "shares_version": case((lead_came, c.shares_version), else_=null()),
        "agreed_business_day": case((agreed, c.agreed_business_day), else_=null()),
    }
    for name in ("action", "resolved_side", "resolved_at"):
        shown[name] = case((resolved, c[name]), else_=null())
    for name in _HALF:
        shown[f"lead_{name}"] = case((lead_came, c[f"lead_{name}"]), else_=null())
        shown[f"partner_{name}"] = case((partner_came, c[f"partner_{name}"]), else_=null())
    return (
        select(*(shown[name].label(name) if name in shown else c[name] for name in c.keys()))  # noqa: SIM118
        .where(c.first_posted_at <= until)
        .subquery("pairs_as_of")
    )
