"""Four eyes in administration: what gives somebody power over money, one administrator asks for and
another confirms.

Else one administrator could make two people and act as both. What takes power away, one does alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select, update

from app.audit.trail import append
from app.db.clock import now, stamp
from app.domain.errors import UsageFault
from app.http import keys
from app.http.tables import administration_requests as requests
from app.people import administration
from app.people.administration import Administrator
from app.people.person import EXTERNAL, active_person, roles_of
from app.people.roles import POWERFUL
from app.people.second_factor import code_hash, new_code
from app.people.tables import people

EXPIRES_AFTER = timedelta(days=3)
"""How long a request waits for another administrator."""

POWERFUL_KEYS = frozenset({"feeds", "admin"})
"""Roles of API keys that write in the bank's name, or make such keys."""

Act = Literal["person.add", "person.roles", "person.enrolment", "person.enable", "key.create"]

Made = Mapping[str, str]
"""What was made and is shown this once, by its name; empty where nothing was. A person enrols
with a `code`, or with two: the `first_code` of who asked and the `second_code` of who confirmed."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an administrator asks for. `name`: of the new person, or of the API key; `roles`: those
    to be given, of a key its one."""

    act: Act
    person_id: str = ""
    name: str = ""
    display_name: str = ""
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits. Times are ISO 8601, UTC. `before`: the roles that the person had."""

    number: int
    change: Change
    before: tuple[str, ...]
    asked_by: str
    """Id of the administrator."""
    asked_by_name: str
    asked_at: str
    expires_at: str


def ask(connection: Connection, by: Administrator, change: Change) -> Made:
    """Do it at once, or let it wait for another administrator: then `number` is made, and of a code
    to enrol the first half. Raises UsageFault for what cannot be done."""
    change, before = _named(connection, change), _roles(connection, change)
    if by.person_id is None or not _needs_two(change, before):
        return _perform(connection, by, change, before)
    for other in waiting(connection):
        if (other.change.act, other.change.name) == (change.act, change.name):
            raise UsageFault(
                f"this waits already, as request {other.number}",
                remedy="Another administrator confirms or refuses it",
            )
    with connection.begin_nested() as attempt:  # what cannot be done is said now
        _perform(connection, by, change, before)
        attempt.rollback()
    code = new_code() if _makes_code(change, before) else ""
    at = now()
    number = connection.execute(
        insert(requests)
        .values(
            act=change.act,
            asked=json.dumps(asdict(change)),
            roles_before=json.dumps(before),
            state="waiting",
            code_hash=code_hash(code) if code else None,
            asked_by=by.person_id,
            asked_at=stamp(at),
            expires_at=stamp(at + EXPIRES_AFTER),
        )
        .returning(requests.c.number)
    ).scalar_one()
    details = {"act": change.act, "name": change.name, "roles": list(change.roles)}
    append(connection, by.entry("administration.ask", str(number)).with_details(**details))
    return {"number": str(number), "name": change.name} | ({"first_code": code} if code else {})


def confirm(connection: Connection, by: Administrator, number: int) -> Made:
    """Do what another administrator has asked for. Raises UsageFault where it waits no more, has
    changed, or is one's own."""
    row = _open(connection, number)
    if row.asked_by == by.person_id:
        raise UsageFault(
            "nobody confirms what he has asked for himself",
            remedy="Another administrator does, or `tally people confirm` on the server",
        )
    found = _waiting(row, "")
    asker = active_person(connection, found.asked_by)
    if asker is None or not asker.may("administer"):
        raise UsageFault("who asked for this is no administrator any more", remedy="Refuse it")
    if _roles(connection, found.change) != found.before:
        raise UsageFault("the person's roles have changed since", remedy="Refuse it, and ask anew")
    made = _perform(connection, by, found.change, found.before, row.code_hash)
    _decide(connection, by, number, "confirmed", asker.name)
    return made


def refuse(connection: Connection, by: Administrator, number: int) -> None:
    """Let a request go: another's, or one's own. Raises UsageFault where it waits no more."""
    row = _open(connection, number)
    name = connection.execute(select(people.c.name).where(people.c.id == row.asked_by)).scalar_one()
    _decide(connection, by, number, "refused", name)


def waiting(connection: Connection) -> list[Waiting]:
    """What waits, the oldest first."""
    rows = connection.execute(
        select(requests, people.c.display_name, people.c.name)
        .join(people, people.c.id == requests.c.asked_by)
        .where(requests.c.state == "waiting", requests.c.expires_at > stamp(now()))
        .order_by(requests.c.number)
    )
    return [_waiting(row, f"{row.display_name} ({row.name})") for row in rows]


def _needs_two(change: Change, before: Sequence[str]) -> bool:
    if change.act == "key.create":
        return not POWERFUL_KEYS.isdisjoint(change.roles)
    if change.act in ("person.add", "person.roles"):
        return not POWERFUL.isdisjoint(set(change.roles) - set(before))
    if change.act == "person.enrolment" and change.name.startswith(EXTERNAL):
        return False  # the code opens nothing without the provider's sign-in
    return not POWERFUL.isdisjoint(before)


def _perform(
    connection: Connection,
    by: Administrator,
    change: Change,
    before: Sequence[str],
    first: bytes | None = None,
) -> Made:
    """`first`: the hash of the code that the asking administrator was shown."""
    person_id, name, needs_code = change.person_id, change.name, _makes_code(change, before)
    match change.act:
        case "person.add":
            person = administration.add_person(
                connection, by, name, change.display_name, change.roles
            )
            person_id, name = person.id, person.name
        case "person.roles":
            administration.set_roles(connection, by, person_id, change.roles)
        case "person.enable":
            administration.enable(connection, by, person_id)
        case "key.create":
            key, text = keys.create(connection, name, keys.checked_role(*change.roles))
            return {"name": key.name, "key": text}
    if not needs_code:
        return {}
    code = administration.give_enrolment(connection, by, person_id, first)
    return {"name": name, "code" if first is None else "second_code": code}


def _makes_code(change: Change, before: Sequence[str]) -> bool:
    """Who had no power enrols anew with it: one administrator alone may have handed out, or kept,
    the code that was enrolled with before."""
    if change.act == "person.roles":
        return POWERFUL.isdisjoint(before) and not POWERFUL.isdisjoint(change.roles)
    return change.act in ("person.add", "person.enrolment")


def _named(connection: Connection, change: Change) -> Change:
    """With the name as the person has it, whatever a form said."""
    if not change.person_id:
        return replace(change, name=" ".join(change.name.split()))
    name = connection.execute(
        select(people.c.name).where(people.c.id == change.person_id)
    ).scalar_one_or_none()
    if name is None:
        raise UsageFault("there is no such person")
    return replace(change, name=name)


def _roles(connection: Connection, change: Change) -> tuple[str, ...]:
    """Those that the person has, in order."""
    if not change.person_id:
        return ()
    return tuple(sorted(roles_of(connection, [change.person_id])[change.person_id]))


def _open(connection: Connection, number: int) -> Row[Any]:
    """The row of a request that waits; nobody else decides it until this transaction has ended."""
    row = connection.execute(
        select(requests)
        .where(
            requests.c.number == number,
            requests.c.state == "waiting",
            requests.c.expires_at > stamp(now()),
        )
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise UsageFault(f"no request {number} waits", remedy="It was decided, or is old")
    return row


def _waiting(row: Row[Any], asked_by_name: str) -> Waiting:
    asked = json.loads(row.asked)
    return Waiting(
        row.number,
        Change(**asked | {"roles": tuple(asked["roles"])}),
        tuple(json.loads(row.roles_before)),
        row.asked_by,
        asked_by_name,
        row.asked_at,
        row.expires_at,
    )


def _decide(
    connection: Connection, by: Administrator, number: int, state: str, asked_by: str
) -> None:
    connection.execute(
        update(requests)
        .where(requests.c.number == number)
        .values(state=state, decided_by=by.actor, decided_at=stamp(now()))
    )
    act = "administration.confirm" if state == "confirmed" else "administration.refuse"
    append(connection, by.entry(act, str(number)).with_details(asked_by=asked_by))
