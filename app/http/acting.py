"""What a request does, done in the name of who sent it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from fastapi import Request
from sqlalchemy import Connection

from app.audit.actor import acting_as
from app.http.keys import Key
from app.http.signed_in import address_of
from app.http.state import context_of
from app.people.person import Person


def acting(request: Request, who: Person | Key) -> AbstractContextManager[None]:
    """What is done within is this person's or key's act in the audit trail, from where the request
    came."""
    return acting_as(who.actor, address_of(request))


@contextmanager
def writing(request: Request, who: Person | Key) -> Iterator[Connection]:
    """The same, in one transaction of the node's database."""
    with acting(request, who), context_of(request).engine.begin() as connection:
        yield connection


def name_of(person: Person) -> str:
    """As it stands beside what the person did."""
    return f"{person.display_name} ({person.name})"
