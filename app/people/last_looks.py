"""What a person saw of the positions when they last said so: a page marks what differs since."""

import json
from dataclasses import dataclass

from sqlalchemy import Connection, select

from app.db.clock import now, stamp
from app.db.upsert import insert_into
from app.people.tables import last_looks


@dataclass(frozen=True, slots=True)
class LastLook:
    """`figures`: what the page showed, by each figure's name. `seen_at`: UTC."""

    figures: dict[str, str]
    seen_at: str


def last_look(connection: Connection, person: str) -> LastLook | None:
    """A person's (by id); None where they never said that they had seen anything."""
    row = connection.execute(
        select(last_looks.c.figures, last_looks.c.seen_at).where(last_looks.c.person == person)
    ).one_or_none()
    return None if row is None else LastLook(json.loads(row.figures), row.seen_at)


def keep_look(connection: Connection, person: str, figures: dict[str, str]) -> str:
    """Keep what a person has seen, in the place of what they saw before; answers when (UTC)."""
    values = {"figures": json.dumps(figures), "seen_at": stamp(now())}
    connection.execute(
        insert_into(connection, last_looks)
        .values(person=person, **values)
        .on_conflict_do_update(index_elements=["person"], set_=values)
    )
    return values["seen_at"]
