"""Enrolling: with a one-time code, a person chooses a password and sets an authenticator up. Whom
the bank's OpenID provider signs in has no password here, and sets the authenticator up alone."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, delete, insert, select, update

from app.audit.trail import Entry, append
from app.db.clock import now, stamp
from app.db.vault import vault_of
from app.domain.errors import UsageFault
from app.people.passwords import checked_password, hashed
from app.people.person import EXTERNAL
from app.people.second_factor import (
    CODE_LETTERS,
    code_hash,
    new_code,
    new_recovery_codes,
    new_secret,
    step_of,
)
from app.people.tables import enrolments, people

ENROLMENT_ENDS = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One that is open: its code's hash, whose it is, and the secret for the authenticator."""

    code_hash: bytes
    person_id: str
    name: str
    display_name: str
    totp_secret: str

    @property
    def has_password(self) -> bool:
        """Whether the person chooses one; the bank's OpenID provider signs the others in."""
        return not self.name.startswith(EXTERNAL)


def begin_enrolment(connection: Connection, person_id: str, first: bytes | None) -> str:
    """The code to hand over, which is kept as a hash alone. An older code opens no more.

    `first`: the hash of a code that another administrator hands over. The person types that one,
    then this; neither administrator can enrol in the person's place.
    """
    at, code = now(), new_code()
    connection.execute(delete(enrolments).where(enrolments.c.person == person_id))
    connection.execute(
        insert(enrolments).values(
            code_hash=code_hash(code) if first is None else _joined(first, code_hash(code)),
            person=person_id,
            totp_secret=vault_of(connection).sealer()(new_secret().encode()),
            made_at=stamp(at),
            expires_at=stamp(at + ENROLMENT_ENDS),
        )
    )
    return code


def open_enrolment(connection: Connection, code: str) -> Enrolment | None:
    """What a code opens, if it is not used, too old, or of a person who was disabled."""
    hashed_code = _hash_of(code)
    row = connection.execute(
        select(people.c.id, people.c.name, people.c.display_name, enrolments.c.totp_secret)
        .join(people, people.c.id == enrolments.c.person)
        .where(
            enrolments.c.code_hash == hashed_code,
            enrolments.c.expires_at > stamp(now()),
            people.c.disabled_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    secret = vault_of(connection).open(row.totp_secret).decode()
    return Enrolment(hashed_code, row.id, row.name, row.display_name, secret)


def _hash_of(code: str) -> bytes:
    """Of what was typed: one code, or two one after the other."""
    letters = "".join(one for one in code if one.isalnum())
    if len(letters) != 2 * CODE_LETTERS:
        return code_hash(letters)
    return _joined(code_hash(letters[:CODE_LETTERS]), code_hash(letters[CODE_LETTERS:]))


def _joined(first: bytes, second: bytes) -> bytes:
    return hashlib.sha256(first + second).digest()


def enrol(
    connection: Connection, found: Enrolment, password: str, totp_code: str, *, address: str
) -> list[str]:
    """Finish an enrolment: returns the recovery codes, to be shown this once.

    `connection` is a writer's, and the enrolment was read in its transaction. Raises UsageFault for
    a password that is not taken, a code that is not the authenticator's, or an enrolment that was
    used or closed meanwhile.
    """
    if found.has_password:
        checked_password(password, found.name)
    at = now()
    step = step_of(found.totp_secret, totp_code.strip().replace(" ", ""), at)
    if step is None:
        raise UsageFault(
            "this is not the authenticator's code",
            remedy="Type the six digits that it shows now; its clock must be right",
        )
    _use_up(connection, found)
    chosen = password if found.has_password else None
    codes = set_credentials(connection, found.person_id, chosen, found.totp_secret, step)
    append(connection, Entry(f"person:{found.name}", "enrol", address=address))
    return codes


def _use_up(connection: Connection, found: Enrolment) -> None:
    """Delete the enrolment, which opens once. Raises UsageFault where another one was faster."""
    # The person first, as administrators do: two who wait for each other would wait in vain.
    connection.execute(select(people.c.id).where(people.c.id == found.person_id).with_for_update())
    used = connection.execute(delete(enrolments).where(enrolments.c.code_hash == found.code_hash))
    if used.rowcount != 1:
        raise UsageFault("this code was used, or closed, meanwhile")


def set_credentials(
    connection: Connection,
    person_id: str,
    password: str | None,
    secret: str,
    step: int,
) -> list[str]:
    """Give a person a password, an authenticator and recovery codes, which are returned.

    `step` is the newest step of time whose code opens no more.
    """
    connection.execute(
        update(people)
        .where(people.c.id == person_id)
        .values(
            password_hash=None if password is None else hashed(password),
            totp_secret=vault_of(connection).sealer()(secret.encode()),
            totp_last_step=step,
            development=False,  # this password is nobody else's
        )
    )
    connection.execute(delete(enrolments).where(enrolments.c.person == person_id))
    return new_recovery_codes(connection, person_id)
