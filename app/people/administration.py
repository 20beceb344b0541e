"""What administrators do with people; each of it is in the audit trail.

Nobody does it to himself. So there is always an administrator left: the one who did the last thing.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from app.audit.trail import Entry, append
from app.db.clock import now, stamp
from app.db.upsert import insert_into
from app.domain.errors import UsageFault
from app.people.enrolment import begin_enrolment
from app.people.names import checked_display_name, checked_name
from app.people.person import EXTERNAL, Person, put_roles, roles_of
from app.people.roles import checked_roles
from app.people.sessions import end_sessions
from app.people.tables import enrolments, people, recovery_codes, sessions


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who does it: `actor` as the audit trail names him, and the person's id where it is one."""

    actor: str
    person_id: str | None = None
    address: str = ""

    def entry(self, act: str, subject: str) -> Entry:
        return Entry(self.actor, act, subject, address=self.address)


def add_person(
    connection: Connection,
    by: Administrator,
    name: str,
    display_name: str,
    roles: Iterable[str],
    *,
    development: bool = False,
) -> Person:
    """Add a person, who can sign in once enrolled. Raises UsageFault."""
    name, given = checked_name(name), checked_roles(roles)
    display_name = checked_display_name(connection, display_name, name)
    person = Person(secrets.token_hex(6), name, display_name, given)
    added = connection.execute(
        insert_into(connection, people)
        .values(
            id=person.id,
            name=name,
            display_name=display_name,
            development=development,
            created_at=stamp(now()),
        )
        .on_conflict_do_nothing(index_elements=[people.c.name])
        .returning(people.c.id)
    )
    if added.first() is None:
        raise UsageFault(f"there is a person {name} already", remedy="Names are not used again")
    put_roles(connection, person.id, given)
    append(connection, by.entry("person.add", name).with_details(roles=sorted(given)))
    return person


def set_roles(
    connection: Connection, by: Administrator, person_id: str, roles: Iterable[str]
) -> None:
    """Give a person other roles; they hold from the next request on. Raises UsageFault."""
    given = checked_roles(roles)
    name = _other(connection, by, person_id)
    if name.startswith(EXTERNAL):
        raise UsageFault(
            f"the groups of {name} at the bank's provider give the roles",
            remedy="Change the groups there",
        )
    before = roles_of(connection, [person_id])[person_id]
    put_roles(connection, person_id, given)
    entry = by.entry("person.roles", name)
    append(connection, entry.with_details(before=sorted(before), after=sorted(given)))


def give_enrolment(
    connection: Connection, by: Administrator, person_id: str, first: bytes | None = None
) -> str:
    """A one-time code with which the person chooses a password and sets an authenticator up. What
    opened before opens no more, and all sessions end. `first`: see `begin_enrolment`. Raises
    UsageFault."""
    name = _other(connection, by, person_id)
    connection.execute(
        update(people)
        .where(people.c.id == person_id)
        .values(password_hash=None, totp_secret=None, totp_last_step=None)
    )
    connection.execute(delete(recovery_codes).where(recovery_codes.c.person == person_id))
    ended = end_sessions(connection, person_id)
    code = begin_enrolment(connection, person_id, first)
    append(connection, by.entry("person.enrolment", name).with_details(sessions=ended))
    return code


def disable(connection: Connection, by: Administrator, person_id: str) -> None:
    """Close a person's account: sessions end, a code to enrol opens no more. Raises UsageFault."""
    name = _other(connection, by, person_id)
    connection.execute(
        update(people)
        .where(people.c.id == person_id, people.c.disabled_at.is_(None))
        .values(disabled_at=stamp(now()))
    )
    connection.execute(delete(enrolments).where(enrolments.c.person == person_id))
    ended = end_sessions(connection, person_id)
    append(connection, by.entry("person.disable", name).with_details(sessions=ended))


def enable(connection: Connection, by: Administrator, person_id: str) -> None:
    """Open a closed account again, with what it signed in with. Raises UsageFault."""
    name = _other(connection, by, person_id)
    connection.execute(update(people).where(people.c.id == person_id).values(disabled_at=None))
    append(connection, by.entry("person.enable", name))


def end_all_sessions(connection: Connection, by: Administrator, person_id: str) -> None:
    """Sign a person out everywhere. Raises UsageFault."""
    name = _other(connection, by, person_id)
    ended = end_sessions(connection, person_id)
    append(connection, by.entry("person.sign-out", name).with_details(sessions=ended))


def revoke_session(connection: Connection, by: Administrator, session_id: str) -> None:
    """End one session, anybody's. Raises UsageFault."""
    found = connection.execute(
        select(people.c.name)
        .join(sessions, sessions.c.person == people.c.id)
        .where(sessions.c.id == session_id)
    ).scalar_one_or_none()
    if found is None:
        raise UsageFault("this session has ended already")
    connection.execute(delete(sessions).where(sessions.c.id == session_id))
    append(connection, by.entry("session.revoke", found).with_details(session=session_id))


def _other(connection: Connection, by: Administrator, person_id: str) -> str:
    """The name of a person who is not the administrator; nobody else changes that person until this
    transaction has ended."""
    if by.person_id == person_id:
        raise UsageFault(
            "nobody does this to himself", remedy="Ask another administrator of the bank"
        )
    found = connection.execute(
        select(people.c.name).where(people.c.id == person_id).with_for_update()
    ).scalar_one_or_none()
    if found is None:
        raise UsageFault("there is no such person")
    return str(found)
