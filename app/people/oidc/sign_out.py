"""Sessions that the OpenID provider ends (OpenID Connect Back-Channel Logout 1.0): somebody has
signed out there, or was signed out.

A logout token is good once. It names a session of the provider's, a person, or both; the provider
need not have named its session in the ID token, and then all of the person's sessions end.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, delete, select

from app.audit.trail import Entry, append
from app.db.clock import now, stamp
from app.db.upsert import insert_into
from app.people.oidc.faults import SignInRefused
from app.people.oidc.people import find_person
from app.people.tables import people, sessions, used_logout_tokens

_KEPT = timedelta(hours=1)
"""How long a used token is remembered: longer than any is good."""


def provider_session(issuer: str, claims: Mapping[str, Any]) -> bytes | None:
    """What is kept of the provider's session that a token names; None where it names none."""
    sid = claims.get("sid")
    return _hash("session", issuer, sid) if isinstance(sid, str) and sid else None


def end_provider_sessions(
    connection: Connection, issuer: str, claims: Mapping[str, Any], *, address: str
) -> None:
    """End what a verified logout token names. Raises SignInRefused for one that was used."""
    at = now()
    connection.execute(
        delete(used_logout_tokens).where(used_logout_tokens.c.used_at <= stamp(at - _KEPT))
    )
    used = connection.execute(
        insert_into(connection, used_logout_tokens)
        .values(token_hash=_hash("token", issuer, claims["jti"]), used_at=stamp(at))
        .on_conflict_do_nothing()
    )
    if not used.rowcount:
        raise SignInRefused("the provider's logout token was used before")
    for name, count in _ended(connection, issuer, claims).items():
        entry = Entry("provider", "person.sign-out", name, address=address)
        append(connection, entry.with_details(sessions=count))


def _ended(connection: Connection, issuer: str, claims: Mapping[str, Any]) -> dict[str, int]:
    """How many sessions of each person were ended, by name."""
    c, wanted = sessions.c, []
    session = provider_session(issuer, claims)
    if session is not None:
        wanted.append(c.provider_session == session)
    if "sub" in claims:
        person = find_person(connection, issuer, claims["sub"])
        if person is None:
            return {}
        wanted.append(c.person == person)
        if session is not None:
            wanted[0] |= c.provider_session.is_(None)
    # Their rows first: who begins a session by code meanwhile has it found here, or begins none.
    of = select(c.person).where(*wanted)
    connection.execute(
        select(people.c.id).where(people.c.id.in_(of)).order_by(people.c.id).with_for_update()
    )
    rows = connection.execute(
        select(c.id, people.c.name).join(people, people.c.id == c.person).where(*wanted)
    ).all()
    connection.execute(delete(sessions).where(c.id.in_([row.id for row in rows])))
    found: dict[str, int] = {}
    for row in rows:
        found[row.name] = found.get(row.name, 0) + 1
    return found


def _hash(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()
