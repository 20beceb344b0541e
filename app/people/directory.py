"""Everybody, and every open session, as administrators see them."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, func, select

from app.db.clock import now, stamp
from app.people.person import Person, roles_of
from app.people.sessions import STANDARD_LENGTHS, SessionLengths
from app.people.tables import enrolments, people, sessions

State = Literal["active", "invited", "disabled", "not enrolled"]


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """A person as they stand. Times are ISO 8601, UTC.

    `state`: active; invited, while a code to enrol is open; not enrolled, where there is neither a
    password nor an open code; disabled.
    """

    person: Person
    state: State
    development: bool
    has_second_factor: bool
    created_at: str
    last_seen_at: str | None
    """Of the sessions that are open."""


@dataclass(frozen=True, slots=True)
class ListedSession:
    """An open session. Times are ISO 8601, UTC."""

    id: str
    name: str
    display_name: str
    address: str
    agent: str
    began_at: str
    last_seen_at: str
    ends_at: str


def listed_people(connection: Connection) -> list[ListedPerson]:
    """Everybody, by name."""
    at = stamp(now())
    seen = (
        select(sessions.c.person, func.max(sessions.c.last_seen_at).label("last_seen_at"))
        .group_by(sessions.c.person)
        .subquery()
    )
    rows = connection.execute(
        select(people, enrolments.c.expires_at, seen.c.last_seen_at)
        .outerjoin(enrolments, enrolments.c.person == people.c.id)
        .outerjoin(seen, seen.c.person == people.c.id)
        .order_by(people.c.name)
    ).all()
    roles = roles_of(connection, [row.id for row in rows])
    found = []
    for row in rows:
        person = Person(row.id, row.name, row.display_name, roles[row.id])
        state: State = "active"
        if row.disabled_at is not None:
            state = "disabled"
        elif person.is_external:
            pass
        elif row.expires_at is not None and row.expires_at > at:
            state = "invited"
        elif row.password_hash is None:
            state = "not enrolled"
        found.append(
            ListedPerson(
                person=person,
                state=state,
                development=row.development,
                has_second_factor=row.development or row.totp_secret is not None,
                created_at=row.created_at,
                last_seen_at=row.last_seen_at,
            )
        )
    return found


def listed_sessions(
    connection: Connection, lengths: SessionLengths = STANDARD_LENGTHS, of: str | None = None
) -> list[ListedSession]:
    """Every open session, the one that was seen last first. `of`: a person's alone, by the id."""
    at = now()
    whose = () if of is None else (sessions.c.person == of,)
    rows = connection.execute(
        select(sessions, people.c.name, people.c.display_name)
        .join(people, people.c.id == sessions.c.person)
        .where(
            sessions.c.ends_at > stamp(at),
            sessions.c.last_seen_at > stamp(at - lengths.idle),
            people.c.disabled_at.is_(None),
            *whose,
        )
        .order_by(sessions.c.last_seen_at.desc(), sessions.c.id)
    )
    return [
        ListedSession(
            row.id,
            row.name,
            row.display_name,
            row.address,
            row.agent,
            row.began_at,
            row.last_seen_at,
            row.ends_at,
        )
        for row in rows
    ]
