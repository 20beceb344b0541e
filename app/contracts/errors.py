"""What a contract refuses, by the custom error that it reverted with.

ContractReverted     a call or transaction was refused by a contract's custom error
├── AccessRefused    not with this key: the access matrix in contracts/README.md
├── ConsortiumRefused, FacilityRefused, LedgerRefused, HoldRefused, PostingRefused,
└── ResolutionRefused, DayCloseRefused   by the word that the error's name begins with
"""

from typing import Any

from app.contracts.error_catalogue import ACCESS, explain
from app.domain.errors import ChainFault


class ContractReverted(ChainFault):
    """A contract refused: `name` is the custom error, `arguments` its data.

    `what` tells the cause and the error itself, `remedy` what to do: see `chain.remedies`.
    """

    def __init__(
        self, where: str, name: str, arguments: dict[str, Any], *, cause: str, remedy: str
    ) -> None:
        self.name = name
        self.arguments = arguments
        shown = ", ".join(f"{key}={_short(value)}" for key, value in arguments.items())
        super().__init__(
            f"the contract refused: {cause} [{name}({shown})]", where=where, remedy=remedy
        )

    @property
    def may_be_lifted(self) -> bool:
        """Whether it holds only as long as other banks will: a pause, a suspension, a stop."""
        return (
            self.name == "ConsortiumMemberStopped"
            or (self.name, self.arguments.get("state")) in _LIFTED_BY_OTHERS
        )


_LIFTED_BY_OTHERS = (("FacilityInState", 3), ("ConsortiumMemberNotActive", 2))
"""A facility that is paused, a bank that is suspended."""


class AccessRefused(ContractReverted):
    """The caller's key may not do this, or not for this facility."""


class ConsortiumRefused(ContractReverted):
    """Membership, keys and votes."""


class FacilityRefused(ContractReverted):
    """Facilities, their terms and the changes of these."""


class LedgerRefused(ContractReverted):
    """Reserve accounts."""


class HoldRefused(ContractReverted):
    """Holds on a reserve account."""


class PostingRefused(ContractReverted):
    """A batch of legs as a whole."""


class ResolutionRefused(ContractReverted):
    """The resolution of a break."""


class DayCloseRefused(ContractReverted):
    """The day's statements."""


_FAMILIES: dict[str, type[ContractReverted]] = {
    "Consortium": ConsortiumRefused,
    "Facility": FacilityRefused,
    "Ledger": LedgerRefused,
    "Hold": HoldRefused,
    "Posting": PostingRefused,
    "Resolution": ResolutionRefused,
    "DayClose": DayCloseRefused,
}


def refusal(
    where: str, name: str, inputs: list[dict[str, Any]], arguments: dict[str, Any]
) -> ContractReverted:
    """The exception for a custom error; `inputs` are the ABI's, `arguments` their values."""
    cause, remedy = explain(name, inputs, arguments)
    family = next((word for word in _FAMILIES if name.startswith(word)), "")
    kind = AccessRefused if name in ACCESS else _FAMILIES.get(family, ContractReverted)
    return kind(where, name, arguments, cause=cause, remedy=remedy)


def _short(value: object) -> str:
    """A value for one line of text; long bytes are cut."""
    if isinstance(value, bytes):
        return "0x" + (value.hex() if len(value) <= 32 else value[:8].hex() + "…")
    return str(value)
