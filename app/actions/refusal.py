"""A contract's refusal told by the names that this bank knows, not by the chain's numbers."""

from app.actions.view import View
from app.contracts.errors import ContractReverted
from app.readmodel.directory import directory
from app.readmodel.pairs.by_key import pair_text

_PAIR = "pairKey"
_FACILITY = "facility"
_MEMBERS = ("member", "proposer", "lead", "approver", "pauser", "reader")
"""Arguments of the contracts' errors that are a member's number, where they are numbers."""


def tell_by_name(refusal: ContractReverted, view: View) -> None:
    """Have a refusal name pair, facility and members as a person knows them."""
    given = refusal.arguments
    known: dict[str, str] = {}
    with view.engine.connect() as connection:
        names = directory(connection)
        if _PAIR in given:
            known[_PAIR] = pair_text(connection, names, given[_PAIR])
    if given.get(_FACILITY) in names.facilities:
        known[_FACILITY] = names.facility_id(given[_FACILITY])
    for one in _MEMBERS:
        if given.get(one) in names.members:
            known[one] = f"{given[one]} ({names.members[given[one]].name})"
    refusal.tell(known)
