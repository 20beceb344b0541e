"""Which facilities are looked at unasked.

A lead proposes a hundred a day, and takes them back again: no other bank's node must have its work
with each of them for ever.
"""

from sqlalchemy import ColumnElement, func, or_, select

from app.readmodel.facilities.tables import facilities

_NEVER_IN_FORCE = ("proposed", "withdrawn")
_MOST_OF_A_LEAD = 5


def in_force() -> ColumnElement[bool]:
    """Of facilities: those that take legs, or do again when no pause holds."""
    return facilities.c.state.in_(("active", "paused"))


def ever_in_force() -> ColumnElement[bool]:
    """Of facilities: those that take legs or have taken them."""
    return facilities.c.state.not_in(_NEVER_IN_FORCE)


def in_sight() -> ColumnElement[bool]:
    """Of facilities: those that were ever in force, closed ones too, and the newest few others of
    each lead. The rest have no legs, and are found by their ids and in the list of facilities."""
    others = facilities.alias().c
    place = func.row_number().over(partition_by=others.lead, order_by=others.number.desc())
    newest = (
        select(others.number, place.label("place"))
        .where(others.state.in_(_NEVER_IN_FORCE))
        .subquery()
    )
    return or_(
        ever_in_force(),
        facilities.c.number.in_(select(newest.c.number).where(newest.c.place <= _MOST_OF_A_LEAD)),
    )
