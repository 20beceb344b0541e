"""Sessions in the database: they survive a restart, and end when they are idle, old or revoked.

The browser has a random token; the database, its SHA-256.
"""

import hashlib
import hmac
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, insert, select, update

from app.audit.trail import Entry, append
from app.db.clock import now, stamp
from app.domain.errors import StorageFault, UsageFault
from app.people.person import Person, active_person
from app.people.tables import people, sessions

_SEEN_EVERY = timedelta(minutes=1)
"""How exactly it is kept when a session was last seen: not every page is a write."""
_LONGEST_AGENT = 200


@dataclass(frozen=True, slots=True)
class SessionLengths:
    """When a session ends: `idle` after its last request, `whole` after it began."""

    idle: timedelta = timedelta(hours=1)
    whole: timedelta = timedelta(hours=12)


STANDARD_LENGTHS = SessionLengths()


@dataclass(frozen=True, slots=True)
class Session:
    """An open session and whose it is."""

    id: str
    person: Person


class Sessions:
    """The sessions of a bank's people. Safe for threads."""

    def __init__(
        self, engine: Engine, *, development: bool, lengths: SessionLengths = STANDARD_LENGTHS
    ) -> None:
        """`development`: this is a development network, which people made for it may sign in to."""
        self._engine = engine
        self._lengths = lengths
        self._development = development

    def find(self, token: str) -> Session | None:
        """The open session of a token; it counts as seen now."""
        if not token:
            return None
        at = now()
        with self._engine.connect() as connection:
            row = connection.execute(
                select(
                    sessions.c.id, sessions.c.person, sessions.c.last_seen_at, people.c.development
                )
                .join(people, people.c.id == sessions.c.person)
                .where(
                    sessions.c.token_hash == _hash(token),
                    sessions.c.ends_at > stamp(at),
                    sessions.c.last_seen_at > stamp(at - self._lengths.idle),
                )
            ).one_or_none()
            if row is None or (row.development and not self._development):
                return None
            person = active_person(connection, row.person)
        if person is None:
            return None
        if row.last_seen_at < stamp(at - _SEEN_EVERY):
            with suppress(StorageFault), self._engine.begin() as connection:  # reading goes on
                connection.execute(
                    update(sessions).where(sessions.c.id == row.id).values(last_seen_at=stamp(at))
                )
        return Session(row.id, person)

    def end(self, token: str) -> None:
        """End the session of a token, if there is one."""
        mine = sessions.c.token_hash == _hash(token)
        with self._engine.begin() as connection:
            name = connection.execute(
                select(people.c.name).join(sessions, sessions.c.person == people.c.id).where(mine)
            ).scalar_one_or_none()
            if name is not None:
                connection.execute(delete(sessions).where(mine))
                append(connection, Entry(f"person:{name}", "sign-out"))

    def end_everywhere(self, person: Person) -> None:
        """End all sessions of a person, who asks for it."""
        with self._engine.begin() as connection:
            lock_person(connection, person.id)
            entry = Entry(person.actor, "sign-out")
            append(connection, entry.with_details(sessions=end_sessions(connection, person.id)))

    def end_own(self, person: Person, session_id: str) -> None:
        """End one session of a person, who asks for it. Raises UsageFault."""
        mine = (sessions.c.id == session_id, sessions.c.person == person.id)
        with self._engine.begin() as connection:
            if not connection.execute(delete(sessions).where(*mine)).rowcount:
                raise UsageFault("this session has ended already")
            entry = Entry(person.actor, "session.revoke", person.name)
            append(connection, entry.with_details(session=session_id))


def begin_session(
    connection: Connection,
    person_id: str,
    at: datetime,
    *,
    address: str,
    agent: str,
    lengths: SessionLengths = STANDARD_LENGTHS,
    provider_session: bytes | None = None,
    ends_by: str | None = None,
    begun_with: bytes | None = None,
) -> str:
    """Open a session and return its token. Sessions that have ended are deleted meanwhile.

    `provider_session`: hash of the OpenID provider's session that it belongs to. `ends_by`: when
    it has ended at the latest (UTC). `begun_with`: hash of the one-time code that opens it."""
    ends_at = stamp(at + lengths.whole)
    connection.execute(
        delete(sessions).where(
            (sessions.c.ends_at <= stamp(at))
            | (sessions.c.last_seen_at <= stamp(at - lengths.idle))
        )
    )
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(sessions).values(
            id=secrets.token_hex(6),
            token_hash=_hash(token),
            person=person_id,
            address=address[:64],
            agent=agent[:_LONGEST_AGENT],
            began_at=stamp(at),
            last_seen_at=stamp(at),
            ends_at=ends_at if ends_by is None else min(ends_at, ends_by),
            provider_session=provider_session,
            begun_with=begun_with,
        )
    )
    return token


def lock_person(connection: Connection, person_id: str) -> None:
    """Nobody else changes this person or begins a session with one of their codes until this
    transaction has ended."""
    connection.execute(select(people.c.id).where(people.c.id == person_id).with_for_update())


def end_sessions(connection: Connection, person_id: str) -> int:
    """End all sessions of a person; how many there were."""
    return connection.execute(delete(sessions).where(sessions.c.person == person_id)).rowcount


def csrf_token(token: str) -> str:
    """What a form of this session carries and no other site knows."""
    return hmac.new(token.encode(), b"tallystick form", "sha256").hexdigest()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
