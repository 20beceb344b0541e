"""The second factor: six digits of an authenticator (TOTP, RFC 6238), or a recovery code.

A code of the authenticator opens once; one step of 30 seconds before and after is taken too, for
clocks that are off.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

from pyotp import TOTP, random_base32
from sqlalchemy import Connection, delete, insert, or_, select, update

from app.db.clock import stamp
from app.db.vault import vault_of
from app.people.tables import people, recovery_codes

STEP_SECONDS = 30
DRIFT_STEPS = 1
RECOVERY_CODES = 10
DEVELOPMENT_CODE = "000000"
"""The code of people who were made for development; it opens on development networks alone."""

CODE_LETTERS = 16
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters that look like others: 16 of them are 79 bits."""


def new_secret() -> str:
    """A new authenticator's secret, in base 32 (160 bits)."""
    return random_base32(32)


def enrolment_uri(secret: str, name: str, bank: str) -> str:
    """What an authenticator reads from the QR code."""
    return TOTP(secret).provisioning_uri(name=name, issuer_name=f"Tallystick {bank}")


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The step of time that a code belongs to; None where it is not one of now."""
    current = int(now.timestamp()) // STEP_SECONDS
    totp = TOTP(secret)
    found = None
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()):
            found = step
    return found


def verify_code(
    connection: Connection, person_id: str, code: str, now: datetime, *, development: bool
) -> bool:
    """Whether a code is the person's, which uses it up. `connection` is a writer's.

    `development`: this is a development network, where development people have a fixed code.
    """
    row = connection.execute(
        select(people.c.totp_secret, people.c.development).where(
            people.c.id == person_id, people.c.disabled_at.is_(None)
        )
    ).one_or_none()
    if row is None:
        return False
    if row.development:
        return development and _digits(code) == DEVELOPMENT_CODE
    if not is_recovery_code(code):
        if row.totp_secret is None:
            return False
        secret = vault_of(connection).open(row.totp_secret).decode()
        return _use_step(connection, person_id, step_of(secret, _digits(code), now))
    return _use_recovery_code(connection, person_id, code, now)


def has_second_factor(connection: Connection, person_id: str) -> bool:
    """Whether the person has set an authenticator up, or is one of development's."""
    mine = select(people.c.id).where(
        people.c.id == person_id, or_(people.c.development, people.c.totp_secret.is_not(None))
    )
    return connection.execute(mine).first() is not None


def is_recovery_code(code: str) -> bool:
    """Whether what was typed looks like one: it has letters, or signs that no digits have."""
    return not (_digits(code).isascii() and _digits(code).isdigit())


def _digits(code: str) -> str:
    return "".join(code.split())


def _use_step(connection: Connection, person_id: str, step: int | None) -> bool:
    if step is None:
        return False
    last = people.c.totp_last_step
    used = connection.execute(
        update(people)
        .where(people.c.id == person_id, or_(last.is_(None), last < step))
        .values(totp_last_step=step)
    )
    return used.rowcount == 1


def _use_recovery_code(connection: Connection, person_id: str, code: str, now: datetime) -> bool:
    used = connection.execute(
        update(recovery_codes)
        .where(
            recovery_codes.c.code_hash == code_hash(code),
            recovery_codes.c.person == person_id,
            recovery_codes.c.used_at.is_(None),
        )
        .values(used_at=stamp(now))
    )
    return used.rowcount == 1


def new_recovery_codes(connection: Connection, person_id: str) -> list[str]:
    """Ten new codes, which are kept as hashes alone; the person's older ones open no more."""
    codes = [new_code() for _ in range(RECOVERY_CODES)]
    connection.execute(delete(recovery_codes).where(recovery_codes.c.person == person_id))
    connection.execute(
        insert(recovery_codes),
        [{"code_hash": code_hash(one), "person": person_id} for one in codes],
    )
    return codes


def new_code() -> str:
    """A random code that a person can type: `xxxx-xxxx-xxxx-xxxx`."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LETTERS))
    return "-".join(letters[at : at + 4] for at in range(0, CODE_LETTERS, 4))


def code_hash(code: str) -> bytes:
    """What is kept of a random code. Nobody guesses 79 bits: the hash need not be slow."""
    return hashlib.sha256(_letters(code)).digest()


def _letters(code: Iterable[str]) -> bytes:
    return "".join(one for one in code if one.isalnum()).lower().encode()
