"""What else can go wrong between us and a chain (the common tree is in `domain.errors`).

ChainFault
├── ChainUnreachable     nobody answers, or not in time: worth trying again
│   └── OutOfSync        the right chain without its newest blocks: a node that lags or was wiped
├── WrongChain           another chain, contract version or missing code than the manifest says
├── ChainAnswer          the node answered with a JSON-RPC error: its code and text
└── ContractReverted     a call or transaction was refused by a contract's custom error
    ├── AccessRefused    not with this key: the access matrix in contracts/README.md
    ├── ConsortiumRefused, FacilityRefused, LedgerRefused, HoldRefused, PostingRefused,
    └── ResolutionRefused, DayCloseRefused   by the word that the error's name begins with
ConfigFault
└── KeyUnusable          a keystore that is missing, damaged, or not allowed here
"""

from collections.abc import Mapping
from typing import Any

import requests

from app.chain.remedies import ACCESS, explain
from app.domain.errors import ChainFault, ChainUnreachable, ConfigFault


def unreachable(url: str, cause: BaseException) -> ChainUnreachable:
    """The endpoint did not answer, or nothing that could be used."""
    why = type(cause).__name__
    if isinstance(cause, requests.exceptions.SSLError):
        why = f"TLS: {_innermost(cause)}; are `rpc_ca`, `rpc_cert` and `rpc_key` right?"
    elif isinstance(cause, requests.HTTPError):
        why = f"HTTP {cause.response.status_code if cause.response is not None else 0}"
    elif isinstance(cause, ValueError) and not isinstance(cause, requests.RequestException):
        why = str(cause)
    return ChainUnreachable(
        f"the chain endpoint does not answer ({why})",
        where=url,
        remedy="Start the chain node, or mend `rpc` in bank.toml; what was accepted waits",
    )


class OutOfSync(ChainUnreachable):
    """The node serves this network's chain and lacks blocks of it that are known to be final."""


def _innermost(cause: BaseException) -> str:
    """What OpenSSL said, without the layers of libraries around it."""
    while (inner := cause.__context__ or cause.__cause__) is not None:
        cause = inner
    return str(cause).split(" (_ssl.c")[0]


class ChainAnswer(ChainFault):
    """The node answered a request with an error object."""

    def __init__(self, method: str, error: object) -> None:
        parts: Mapping[str, Any] = error if isinstance(error, dict) else {"message": error}
        self.code = parts.get("code")
        self.text = str(parts.get("message", error))
        self.data = parts.get("data")
        super().__init__(f"{self.text} (code {self.code})", where=method)


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


class KeyUnusable(ConfigFault):
    """A key file cannot be used; the message says why and what to do. Never holds key material."""
