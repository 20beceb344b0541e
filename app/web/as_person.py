"""Who acts through a page, as the audit trail and the steps of the quarantine name him."""

from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from app.audit.actor import acting_as
from app.people.person import Person

Made = TypeVar("Made")


async def acting(person: Person, work: Callable[[], Made]) -> Made:
    """What the work does is the person's act in the audit trail."""

    def act() -> Made:
        with acting_as(f"person:{person.name}"):
            return work()

    return await run_in_threadpool(act)


def name_of(person: Person) -> str:
    """As it stands beside what the person did."""
    return f"{person.display_name} ({person.name})"
