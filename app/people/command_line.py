"""One-time codes of the page, with which a person's command line begins a session: the only way
there for whom the bank's OpenID provider signs in.

A code belongs to the session in which it was made. It is gone when that one ends, and the session
that begins with it lasts no longer, and ends with the same session of the provider's.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, delete, update

from app.audit.trail import Entry, append
from app.db.clock import now, stamp
from app.domain.errors import UsageFault
from app.people.second_factor import code_hash, new_code
from app.people.sessions import Session, SessionLengths, begin_session
from app.people.tables import sessions

CODE_ENDS = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class CommandLineCode:
    """To be shown this once; `ends_at`: ISO 8601, UTC."""

    code: str
    ends_at: str


def make_code(connection: Connection, session: Session) -> CommandLineCode:
    """A code for the command line, kept as a hash alone, in the place of an older one of this
    session. The second factor was asked for. Raises UsageFault where the session has ended."""
    made = CommandLineCode(new_code(), stamp(now() + CODE_ENDS))
    kept = connection.execute(
        update(sessions)
        .where(sessions.c.id == session.id)
        .values(code_hash=code_hash(made.code), code_ends_at=made.ends_at)
    )
    if not kept.rowcount:
        raise UsageFault("your session has ended meanwhile", remedy="Sign in again")
    append(connection, Entry(session.person.actor, "session.code", session.person.name))
    return made


def begin_by_code(
    connection: Connection,
    person_id: str,
    code: str,
    *,
    address: str,
    agent: str,
    lengths: SessionLengths,
) -> str | None:
    """The token of a new session, which uses the code up; None for what is no code of this person
    now. The person's row is locked (`lock_person`)."""
    at, hashed = now(), code_hash(code)
    page = connection.execute(
        update(sessions)
        .where(
            sessions.c.person == person_id,
            sessions.c.code_hash == hashed,
            sessions.c.code_ends_at > stamp(at),
            sessions.c.ends_at > stamp(at),
            sessions.c.last_seen_at > stamp(at - lengths.idle),
        )
        .values(code_hash=None, code_ends_at=None)
        .returning(sessions.c.ends_at, sessions.c.provider_session)
    ).one_or_none()
    if page is None:
        return None
    return begin_session(
        connection,
        person_id,
        at,
        address=address,
        agent=agent,
        lengths=lengths,
        provider_session=page.provider_session,
        ends_by=page.ends_at,
        begun_with=hashed,
    )


def end_begun_with(connection: Connection, person_id: str, code: str) -> int:
    """End what began with a code that comes again, as somebody else has it too; how many sessions
    that were."""
    begun = (sessions.c.person == person_id, sessions.c.begun_with == code_hash(code))
    return connection.execute(delete(sessions).where(*begun)).rowcount
