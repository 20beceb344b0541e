"""Sums of amounts inside the database.

Amounts reach 10^15, so a few thousand legs can pass 64 bits: the database adds up the high and the
low bits apart, Python puts them together.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Integer, Row, and_, case, func, literal_column

from app.domain.kinds import Kind, effect
from app.readmodel.pairs.tables import pairs

_LOW_BITS = 24
# Written out: PostgreSQL shifts by a plain integer only.
_SHIFT: ColumnElement[int] = literal_column(str(_LOW_BITS), Integer)
_MASK: ColumnElement[int] = literal_column(str((1 << _LOW_BITS) - 1), Integer)


def split_sum(amount: Any, name: str) -> Iterator[ColumnElement[Any]]:
    yield func.sum(amount.op(">>")(_SHIFT)).label(f"{name}_high")
    yield func.sum(amount.op("&")(_MASK)).label(f"{name}_low")


def joined_sum(row: Row[Any], name: str) -> int:
    mapping = row._mapping
    high, low = mapping[f"{name}_high"], mapping[f"{name}_low"]
    return 0 if high is None else (int(high) << _LOW_BITS) + int(low)


@cache
def effect_of(kind: int, target_kind: int) -> int:
    return effect(Kind(kind), Kind(target_kind) if target_kind else None)


def type_of_pair(source: FromClause = pairs) -> Any:
    c = source.c
    return case(
        (and_(c.status == "open", c.partner_amount.is_(None)), "missing_at_partner"),
        (c.status == "open", "missing_at_lead"),
        else_=c.status,
    ).label("type")
