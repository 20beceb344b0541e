"""Who acts through a page, as the audit trail and the steps of the quarantine name him."""

from collections.abc import Callable
from typing import TypeVar

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from app.http.signed_in import as_person
from app.people.person import Person

Made = TypeVar("Made")


async def acting(request: Request, person: Person, work: Callable[[], Made]) -> Made:
    """What the work does is the person's act in the audit trail."""

    def act() -> Made:
        with as_person(request, person):
            return work()

    return await run_in_threadpool(act)


def name_of(person: Person) -> str:
    """As it stands beside what the person did."""
    return f"{person.display_name} ({person.name})"
