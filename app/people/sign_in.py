"""Signing in with name, password and second factor, or with a one-time code of the page; and asking
for the second factor again.

The answer is the same whatever was wrong: the name, the password or the code.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, Engine, select

from app.audit.trail import Entry, append
from app.db.clock import now
from app.people.attempts import (
    FORGOTTEN_AFTER,
    LONGEST_WAIT_S,
    MOST_OF_A_NAME_THERE,
    MOST_OF_AN_ADDRESS,
    MOST_WRONG_CODES,
    address_key,
    code_key,
    failures_of,
    forget_failures,
    is_origin,
    keep_origin,
    name_key,
    note_failure,
    origin_key,
    wait_after,
)
from app.people.command_line import begin_by_code, end_begun_with
from app.people.passwords import matches
from app.people.person import Person
from app.people.second_factor import has_second_factor, is_recovery_code, verify_code
from app.people.sessions import STANDARD_LENGTHS, SessionLengths, begin_session
from app.people.tables import people


class TooManyAttempts(Exception):
    """From this address; `retry_after` seconds say when it is heard again."""

    retry_after = int(FORGOTTEN_AFTER / timedelta(seconds=1))


class NoSecondFactor(Exception):
    """The person has set no authenticator up here."""


class AnotherCodeWaits(Exception):
    """A code of the same person is looked at now; `retry_after` seconds say when that has ended."""

    retry_after = int(LONGEST_WAIT_S)


class SignIn:
    """Signs people of one bank in. Safe for threads."""

    def __init__(
        self, engine: Engine, *, development: bool, lengths: SessionLengths = STANDARD_LENGTHS
    ) -> None:
        """`development`: this is a development network, where people made for it may sign in."""
        self._engine = engine
        self._lengths = lengths
        self._development = development
        self._verified_now: set[str] = set()
        """The ids of people whose second factor is being looked at."""
        self._lock = threading.Lock()

    def wait(self, name: str, address: str) -> float:
        """Seconds that the next attempt waits for before it is looked at.

        Raises TooManyAttempts where the address has failed too often; who has signed in from there
        before is heard, unless that name has failed there too often as well.
        """
        name, at = _folded(name), now()
        origin = origin_key(name, address)
        with self._engine.connect() as connection:
            of_address = failures_of(connection, address_key(address), at)
            of_name = failures_of(connection, name_key(name), at)
            of_origin = failures_of(connection, origin, at)
            if is_origin(connection, origin, at) and of_origin < MOST_OF_A_NAME_THERE:
                return wait_after(max(of_name, of_origin))
        if of_address >= MOST_OF_AN_ADDRESS:
            raise TooManyAttempts
        return wait_after(max(of_name, of_address))

    def turn(self, name: str, address: str) -> bytes:
        """Attempts of one turn are looked at one after the other: those of an address, and those of
        a name that has signed in from there before."""
        origin = origin_key(_folded(name), address)
        with self._engine.connect() as connection:
            return origin if is_origin(connection, origin, now()) else address_key(address)

    def sign_in(
        self, name: str, password: str, code: str, *, address: str, agent: str
    ) -> str | None:
        """A new session's token; None where name, password or code is wrong."""
        name = _folded(name)
        with self._engine.connect() as connection:
            row = connection.execute(
                select(people.c.id, people.c.password_hash).where(*self._is_let_in(name))
            ).one_or_none()
        # Outside of any transaction: it takes its time, and as long for nobody's name.
        is_right = matches(row.password_hash if row else None, password)
        with self._engine.begin() as connection:
            if (
                row is not None
                and is_right
                and _is_still(connection, row.id, row.password_hash)
                and self._opens(connection, row.id, code)
            ):
                self._note_success(connection, name, address)
                token = begin_session(
                    connection,
                    row.id,
                    now(),
                    address=address,
                    agent=agent,
                    lengths=self._lengths,
                )
                append(connection, Entry(f"person:{name}", "sign-in", address=address))
                return token
            self._note_failure(connection, name, address)
            # A password that was typed as a name must not stand in the trail.
            actor = f"person:{name}" if row is not None else "nobody"
            append(connection, Entry(actor, "sign-in", outcome="refused", address=address))
        return None

    def sign_in_by_code(self, name: str, code: str, *, address: str, agent: str) -> str | None:
        """A new session's token, for a one-time code that the person has made on the page; None
        where name or code is wrong. A code that comes again ends what began with it."""
        name = _folded(name)
        with self._engine.begin() as connection:
            person_id = connection.execute(
                # Nobody takes it away, and no other request uses the code, until this has ended.
                select(people.c.id).where(*self._is_let_in(name)).with_for_update()
            ).scalar_one_or_none()
            entry = Entry("nobody", "sign-in", outcome="refused", address=address)
            entry = entry.with_details(by="code")
            if person_id is not None:
                entry = replace(entry, actor=f"person:{name}")
                token = begin_by_code(
                    connection,
                    person_id,
                    code,
                    address=address,
                    agent=agent,
                    lengths=self._lengths,
                )
                if token is not None:
                    self._note_success(connection, name, address)
                    append(connection, replace(entry, outcome="done"))
                    return token
                if ended := end_begun_with(connection, person_id, code):
                    entry = entry.with_details(sessions=ended)
            self._note_failure(connection, name, address)
            append(connection, entry)
        return None

    def verify_second_factor(self, person: Person, code: str, *, address: str) -> bool:
        """Whether a code is the person's, asked for again before a signature; it is used up.

        A wrong one waits as a failed sign-in does, here in this thread.
        Raises TooManyAttempts where the address has failed too often, AnotherCodeWaits, and
        NoSecondFactor.
        """
        with self._engine.connect() as connection:
            if not has_second_factor(connection, person.id):
                raise NoSecondFactor
        with self._one_code_of(person):
            time.sleep(self.wait(person.name, address))
            return self._verify(person, code, address)

    def _verify(self, person: Person, code: str, address: str) -> bool:
        with self._engine.begin() as connection:
            if self._opens(connection, person.id, code):
                forget_failures(connection, name_key(person.name))
                return True
            self._note_failure(connection, person.name, address)
            actor = f"person:{person.name}"
            append(connection, Entry(actor, "second-factor", outcome="refused", address=address))
        return False

    @contextmanager
    def _one_code_of(self, person: Person) -> Iterator[None]:
        """Attempts side by side would evade their waits, and hold all the node's threads."""
        with self._lock:
            if person.id in self._verified_now:
                raise AnotherCodeWaits
            self._verified_now.add(person.id)
        try:
            yield
        finally:
            with self._lock:
                self._verified_now.discard(person.id)

    def note_wrong_enrolment(self, address: str) -> None:
        """A code to enrol that opens nothing counts as a failed attempt of its address."""
        with self._engine.begin() as connection:
            note_failure(connection, address_key(address), now())
            append(connection, Entry("nobody", "enrol", outcome="refused", address=address))

    def _opens(self, connection: Connection, person_id: str, code: str) -> bool:
        """Whether a code is the person's, once the password is right or a session open."""
        # One at a time, also in other processes: none is looked at beyond those that are counted.
        connection.execute(select(people.c.id).where(people.c.id == person_id).with_for_update())
        key, at = code_key(person_id), now()
        if not is_recovery_code(code) and failures_of(connection, key, at) >= MOST_WRONG_CODES:
            return False
        if verify_code(connection, person_id, code, at, development=self._development):
            forget_failures(connection, key)
            return True
        note_failure(connection, key, at)
        return False

    def _is_let_in(self, name: str) -> tuple[ColumnElement[bool], ...]:
        return (
            people.c.name == name,
            people.c.disabled_at.is_(None),
            people.c.development.in_((False, self._development)),
        )

    def _note_success(self, connection: Connection, name: str, address: str) -> None:
        forget_failures(connection, name_key(name))
        forget_failures(connection, origin_key(name, address))
        keep_origin(connection, origin_key(name, address), now())

    def _note_failure(self, connection: Connection, name: str, address: str) -> None:
        for key in (name_key(name), address_key(address), origin_key(name, address)):
            note_failure(connection, key, now())


def _is_still(connection: Connection, person_id: str, password_hash: str) -> bool:
    found = connection.execute(
        select(people.c.password_hash)
        .where(people.c.id == person_id, people.c.disabled_at.is_(None))
        .with_for_update()  # nobody takes it away until the session has begun
    ).scalar_one_or_none()
    return found == password_hash


def _folded(name: str) -> str:
    return name.strip().casefold()[:64]
