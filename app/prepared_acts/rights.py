"""Four eyes within a bank: who prepares and who signs."""

from collections.abc import Iterable

from app.people.person import Person
from app.people.roles import Right
from app.prepared_acts.errors import NotAllowed
from app.prepared_acts.store import PreparedAct


def check_may(person: Person, *rights: Right) -> None:
    """Raises NotAllowed unless the person has one of these rights."""
    if not any(person.may(one) for one in rights):
        raise NotAllowed(
            f"{person.display_name} may not {' or '.join(rights)} acts of this bank",
            remedy="An administrator gives the roles officer (prepares) and approver (signs)",
        )


def check_prepared_by_others(person: Person, acts: Iterable[PreparedAct]) -> None:
    """Raises NotAllowed where the person has prepared one of these acts."""
    if any(one.content.prepared_by == person.id for one in acts):
        raise NotAllowed(
            "nobody signs what he has prepared himself", remedy="Another approver signs it"
        )
