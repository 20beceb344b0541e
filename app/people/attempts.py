"""Failed attempts to sign in: those that follow are answered later and later.

Nobody is locked out by name. A stranger who tries somebody's name makes that person wait seconds,
never longer; an address that fails again and again is refused for some minutes. Many people may sit
behind one address: who has signed in from there before is heard all the same. What a name or an
address counts is forgotten a quarter of an hour after its last failure.
"""

import hashlib
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Network, ip_address

from sqlalchemy import Connection, delete, select

from app.db.clock import stamp
from app.db.upsert import insert_into
from app.people.tables import failed_attempts, sign_in_origins

FORGOTTEN_AFTER = timedelta(minutes=15)
FREE_FAILURES = 3
"""So many cost no wait."""
LONGEST_WAIT_S = 8.0
_FIRST_WAIT_S = 0.5
MOST_OF_AN_ADDRESS = 60
"""Failures of one address after which it is refused until they are forgotten."""
MOST_OF_A_NAME_THERE = 10
"""Failures at one name from such an address after which it is refused, too."""
ORIGIN_KEPT = timedelta(days=90)
"""How long it is remembered whence somebody has signed in."""
MOST_WRONG_CODES = 10
"""Wrong codes of a person, beside the right password or before a signature, after which no code of
the authenticator is looked at until they are forgotten: with enough addresses, six digits could be
guessed. Only who knows the password or has a session brings this about, and recovery codes open
meanwhile."""


def wait_after(failures: int) -> float:
    """Seconds before the next attempt is looked at."""
    if failures < FREE_FAILURES:
        return 0.0
    return float(min(_FIRST_WAIT_S * 2 ** min(failures - FREE_FAILURES, 10), LONGEST_WAIT_S))


def name_key(name: str) -> bytes:
    """Of a name, whoever's it is or nobody's."""
    return hashlib.sha256(b"name:" + name.encode()).digest()


def address_key(address: str) -> bytes:
    """Of an address; of IPv6, of its /64: whoever has one of its addresses has them all."""
    return hashlib.sha256(b"address:" + _network(address).encode()).digest()


def openid_key(address: str) -> bytes:
    """Of an address, as who comes back from the OpenID provider: there is nothing to guess, and
    nobody is refused."""
    return hashlib.sha256(b"openid:" + _network(address).encode()).digest()


def browser_key(person_id: str) -> bytes:
    """Of a browser in which that person has signed in by the provider before: whatever others at
    its address do, it does not wait for them."""
    return hashlib.sha256(b"browser:" + person_id.encode()).digest()


def logout_key(address: str) -> bytes:
    """Of an address, as who sends logout tokens of keys that are not known yet."""
    return hashlib.sha256(b"logout:" + _network(address).encode()).digest()


def origin_key(name: str, address: str) -> bytes:
    """Of a name at an address."""
    return hashlib.sha256(f"origin:{name}\0{_network(address)}".encode()).digest()


def is_origin(connection: Connection, key: bytes, now: datetime) -> bool:
    """Whether that name has signed in from that address before."""
    found = connection.execute(
        select(sign_in_origins.c.last_at).where(
            sign_in_origins.c.key_hash == key, sign_in_origins.c.last_at > stamp(now - ORIGIN_KEPT)
        )
    ).first()
    return found is not None


def keep_origin(connection: Connection, key: bytes, now: datetime) -> None:
    """Remember whence somebody has signed in. What is old is deleted."""
    connection.execute(
        delete(sign_in_origins).where(sign_in_origins.c.last_at <= stamp(now - ORIGIN_KEPT))
    )
    connection.execute(
        insert_into(connection, sign_in_origins)
        .values(key_hash=key, last_at=stamp(now))
        .on_conflict_do_update(
            index_elements=[sign_in_origins.c.key_hash], set_={"last_at": stamp(now)}
        )
    )


def _network(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:  # of a socket without addresses
        return address
    if isinstance(found, IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or IPv6Network((int(found), 64), strict=False))


def code_key(person_id: str) -> bytes:
    """Of a person's codes, where the password was right."""
    return hashlib.sha256(b"code:" + person_id.encode()).digest()


def failures_of(connection: Connection, key: bytes, now: datetime) -> int:
    """How many there were that are not forgotten."""
    found = connection.execute(
        select(failed_attempts.c.failures).where(
            failed_attempts.c.key_hash == key,
            failed_attempts.c.last_at > stamp(now - FORGOTTEN_AFTER),
        )
    ).scalar_one_or_none()
    return found or 0


def note_failure(connection: Connection, key: bytes, now: datetime) -> None:
    """Count one more. Old counts of all are deleted, so that the table stays small."""
    connection.execute(
        delete(failed_attempts).where(failed_attempts.c.last_at <= stamp(now - FORGOTTEN_AFTER))
    )
    connection.execute(
        insert_into(connection, failed_attempts)
        .values(key_hash=key, failures=1, last_at=stamp(now))
        .on_conflict_do_update(
            index_elements=[failed_attempts.c.key_hash],
            set_={"failures": failed_attempts.c.failures + 1, "last_at": stamp(now)},
        )
    )


def forget_failures(connection: Connection, key: bytes) -> None:
    """After a success."""
    connection.execute(delete(failed_attempts).where(failed_attempts.c.key_hash == key))
