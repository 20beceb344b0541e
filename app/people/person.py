"""A person, and how one is found."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from app.people.roles import Right, Role, rights_of
from app.people.tables import people, person_roles

EXTERNAL = "oidc:"
"""How the names of people begin whom the bank's OpenID provider signs in, and no local name can."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the bank. `name` is what is typed to sign in, and stands in the audit trail."""

    id: str
    name: str
    display_name: str
    roles: frozenset[Role]

    @property
    def actor(self) -> str:
        """As the audit trail names this person."""
        return f"person:{self.name}"

    @property
    def is_external(self) -> bool:
        """Whether the bank's OpenID provider signs this person in."""
        return self.name.startswith(EXTERNAL)

    def may(self, right: Right) -> bool:
        """Whether one of the person's roles gives this right."""
        return right in rights_of(self.roles)


def active_person(connection: Connection, person_id: str) -> Person | None:
    """The person by an id, unless disabled."""
    row = connection.execute(
        select(people.c.id, people.c.name, people.c.display_name).where(
            people.c.id == person_id, people.c.disabled_at.is_(None)
        )
    ).one_or_none()
    if row is None:
        return None
    return Person(row.id, row.name, row.display_name, roles_of(connection, [row.id])[row.id])


def roles_of(connection: Connection, ids: Iterable[str]) -> dict[str, frozenset[Role]]:
    """The roles of people, by their ids."""
    found: dict[str, set[Role]] = {one: set() for one in ids}
    rows = connection.execute(select(person_roles).where(person_roles.c.person.in_(found)))
    for row in rows:
        found[row.person].add(row.role)
    return {one: frozenset(roles) for one, roles in found.items()}


def put_roles(connection: Connection, person_id: str, roles: Iterable[Role]) -> None:
    """Give a person these roles, and no others."""
    connection.execute(delete(person_roles).where(person_roles.c.person == person_id))
    rows = [{"person": person_id, "role": role} for role in sorted(roles)]
    if rows:
        connection.execute(insert(person_roles), rows)


def language_of(connection: Connection, person_id: str) -> str | None:
    """The language (BCP 47) that a person has chosen to read in."""
    return connection.execute(
        select(people.c.language).where(people.c.id == person_id)
    ).scalar_one_or_none()


def keep_language(connection: Connection, person_id: str, language: str) -> None:
    """Keep the language that a person has chosen."""
    connection.execute(update(people).where(people.c.id == person_id).values(language=language))
