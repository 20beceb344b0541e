"""People of development networks: one of each role and a second administrator, all with a password
that everybody knows.

They are marked in the database, and no node outside development lets them in.
"""

from sqlalchemy import Connection, select, update

from app.people.administration import Administrator, add_person
from app.people.passwords import hashed
from app.people.roles import ROLES
from app.people.second_factor import DEVELOPMENT_CODE
from app.people.tables import people

DEVELOPMENT_PASSWORD = "development only"
NAMES = {role: role for role in ROLES} | {"second-administrator": "administrator"}
"""Each one's role; what one administrator asks for another confirms."""


def sign_in_note() -> str:
    """With what they sign in, in one line."""
    return f"password “{DEVELOPMENT_PASSWORD}”, code {DEVELOPMENT_CODE}"


def add_development_people(connection: Connection) -> None:
    """Add those that are not there yet, each named as the role. For development networks alone."""
    there = set(connection.execute(select(people.c.name)).scalars())
    missing = [name for name in NAMES if name not in there]
    if not missing:
        return
    password_hash, by = hashed(DEVELOPMENT_PASSWORD), Administrator("command:demo")
    for name in missing:
        shown = f"{name.capitalize().replace('-', ' ')} (development)"
        person = add_person(connection, by, name, shown, [NAMES[name]], development=True)
        connection.execute(
            update(people).where(people.c.id == person.id).values(password_hash=password_hash)
        )


def development_names(connection: Connection) -> list[str]:
    """Who of them may sign in, in the order of the roles."""
    found = connection.execute(
        select(people.c.name).where(
            people.c.development,
            people.c.disabled_at.is_(None),
            people.c.password_hash.is_not(None),
        )
    ).scalars()
    order = {name: number for number, name in enumerate(NAMES)}
    return sorted(found, key=lambda name: (order.get(name, len(order)), name))
