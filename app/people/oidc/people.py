"""People whom an OpenID provider knows: made at their first sign-in, kept in step at each one.

The issuer's subject is who somebody is. A name or a mail address that a local person has, too,
never makes the two the same: names of these people begin with `oidc:`, which no local name can.
"""

import re
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from app.audit.trail import Entry, append
from app.db.clock import now, stamp
from app.people.names import distinct_display_name
from app.people.person import EXTERNAL, put_roles, roles_of
from app.people.roles import Role
from app.people.sessions import end_sessions
from app.people.tables import external_identities, people

_NOT_OF_A_NAME = re.compile(r"[^a-z0-9._@-]+")
_LONGEST_NAME = 48


def find_person(connection: Connection, issuer: str, subject: str) -> str | None:
    """The id of the person whom a provider knows by this subject."""
    return connection.execute(
        select(external_identities.c.person).where(
            external_identities.c.issuer == issuer, external_identities.c.subject == subject
        )
    ).scalar_one_or_none()


def keep_person(
    connection: Connection, issuer: str, claims: Mapping[str, Any], roles: frozenset[Role]
) -> str:
    """The id of the person of these claims, made or brought up to date."""
    if connection.dialect.name == "postgresql":
        # Two first sign-ins of one person make one person. SQLite has one writer.
        connection.execute(text("LOCK TABLE external_identities IN SHARE ROW EXCLUSIVE MODE"))
    person_id = find_person(connection, issuer, claims["sub"])
    if person_id is None:
        return _made(connection, issuer, claims, roles)
    # The row first, as administrators do: nobody else changes this person meanwhile.
    person = connection.execute(
        select(people).where(people.c.id == person_id).with_for_update()
    ).one()
    shown = distinct_display_name(connection, _shown(claims, person.name), person.name)
    if shown != person.display_name:
        connection.execute(
            update(people).where(people.c.id == person_id).values(display_name=shown)
        )
        entry = Entry("provider", "person.display-name", person.name)
        append(connection, entry.with_details(before=person.display_name, after=shown))
    before = roles_of(connection, [person_id])[person_id]
    if before != roles:
        put_roles(connection, person_id, roles)
        entry = Entry("provider", "person.roles", person.name)
        append(connection, entry.with_details(before=sorted(before), after=sorted(roles)))
    return person_id


def drop_roles(connection: Connection, person_id: str) -> str:
    """Take all roles and sessions of a person whom the provider gives none; the person's name."""
    name: str = connection.execute(
        select(people.c.name).where(people.c.id == person_id).with_for_update()
    ).scalar_one()
    before = roles_of(connection, [person_id])[person_id]
    ended = end_sessions(connection, person_id)
    if before:
        put_roles(connection, person_id, ())
        entry = Entry("provider", "person.roles", name)
        append(connection, entry.with_details(before=sorted(before), after=[], sessions=ended))
    return name


def _made(
    connection: Connection, issuer: str, claims: Mapping[str, Any], roles: frozenset[Role]
) -> str:
    person_id, name = secrets.token_hex(6), _free_name(connection, claims)
    shown = distinct_display_name(connection, _shown(claims, name), name)
    connection.execute(
        insert(people).values(
            id=person_id,
            name=name,
            display_name=shown,
            development=False,
            created_at=stamp(now()),
        )
    )
    connection.execute(
        insert(external_identities).values(person=person_id, issuer=issuer, subject=claims["sub"])
    )
    put_roles(connection, person_id, roles)
    entry = Entry("provider", "person.add", name)
    append(connection, entry.with_details(roles=sorted(roles), issuer=issuer))
    return person_id


def _free_name(connection: Connection, claims: Mapping[str, Any]) -> str:
    """As the provider calls the person; two whom it calls alike get a number."""
    given = claims.get("preferred_username")
    wanted = given if isinstance(given, str) else ""
    plain = _NOT_OF_A_NAME.sub("-", wanted.casefold())[:_LONGEST_NAME].strip("-")
    name = f"{EXTERNAL}{plain or 'person'}"
    alike = set(
        connection.execute(
            select(people.c.name).where(people.c.name.startswith(name, autoescape=True))
        ).scalars()
    )
    numbered = (f"{name}~{number}" for number in range(2, len(alike) + 3))
    return name if name not in alike else next(one for one in numbered if one not in alike)


def _shown(claims: Mapping[str, Any], name: str) -> str:
    given = claims.get("name")
    return given if isinstance(given, str) else name.removeprefix(EXTERNAL)
