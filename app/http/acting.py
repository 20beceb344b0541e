"""What a request does, done in the name of who sent it."""

from collections.abc import Callable
from typing import TypeVar

from fastapi import Request
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from app.audit.actor import acting_as
from app.http.context import Context
from app.http.keys import Key
from app.http.signed_in import address_of
from app.people.person import Person

Made = TypeVar("Made")


async def acting(request: Request, who: Person | Key, work: Callable[[], Made]) -> Made:
    """What the work does is this person's or key's act in the audit trail."""

    def act() -> Made:
        with acting_as(who.actor, address_of(request)):
            return work()

    return await run_in_threadpool(act)


async def writing(request: Request, who: Person | Key, work: Callable[[Connection], Made]) -> Made:
    """The same, in one transaction of the node's database."""
    context: Context = request.app.state.context

    def write() -> Made:
        with context.engine.begin() as connection:
            return work(connection)

    return await acting(request, who, write)


def name_of(person: Person) -> str:
    """As it stands beside what the person did."""
    return f"{person.display_name} ({person.name})"
