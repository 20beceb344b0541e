"""Filters of the work list that a person keeps under a name."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from app.audit.actor import current_actor
from app.audit.trail import Entry, append
from app.domain.errors import UsageFault
from app.people.person import Person
from app.worklist.tables import saved_views

MOST_VIEWS = 30
MOST_NAME_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class SavedView:
    """`query`: the filter as it stands in the address."""

    id: int
    name: str
    query: str


def views_of(connection: Connection, person: Person) -> list[SavedView]:
    """A person's own, by name."""
    c = saved_views.c
    rows = connection.execute(select(saved_views).where(c.person == person.id).order_by(c.name))
    return [SavedView(row.id, row.name, row.query) for row in rows]


def save_view(connection: Connection, person: Person, name: str, query: str) -> SavedView:
    """Keep a filter; one of the same name is replaced. Raises UsageFault for a name that cannot be
    shown, and for more views than are kept."""
    name = name.strip()
    if not name or len(name) > MOST_NAME_CHARACTERS or not name.isprintable():
        raise UsageFault(f"a view's name has 1 to {MOST_NAME_CHARACTERS} printable characters")
    c = saved_views.c
    own = c.person == person.id
    replaced = connection.execute(
        update(saved_views).where(own, c.name == name).values(query=query)
    )
    if replaced.rowcount == 0:
        kept = connection.execute(select(func.count()).where(own)).scalar_one()
        if kept >= MOST_VIEWS:
            raise UsageFault(f"{MOST_VIEWS} views are kept", remedy="Delete one first")
        connection.execute(insert(saved_views).values(person=person.id, name=name, query=query))
    append(connection, Entry(current_actor.get(), "breaks.save-view", name))
    return next(one for one in views_of(connection, person) if one.name == name)


def delete_view(connection: Connection, person: Person, number: int) -> None:
    """Raises UsageFault for one that is not this person's."""
    c = saved_views.c
    row = connection.execute(
        delete(saved_views).where(c.person == person.id, c.id == number).returning(c.name)
    ).one_or_none()
    if row is None:
        raise UsageFault(f"you have no view {number}", remedy="Load the page again")
    append(connection, Entry(current_actor.get(), "breaks.delete-view", row.name))
