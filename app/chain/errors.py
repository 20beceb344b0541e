"""What else can go wrong between us and a chain (the common tree is in `domain.errors`).

ChainFault
├── ChainUnreachable     nobody answers, or not in time: worth trying again
├── WrongChain           another chain, contract version or missing code than the manifest says
├── ChainAnswer          the node answered with a JSON-RPC error: its code and text
└── ContractReverted     a call or transaction was refused by a contract's custom error
ConfigFault
└── KeyUnusable          a keystore that is missing, damaged, or not allowed here
"""

from collections.abc import Mapping
from typing import Any

import requests

from app.domain.errors import ChainFault, ChainUnreachable, ConfigFault


def unreachable(url: str, cause: BaseException) -> ChainUnreachable:
    """The endpoint did not answer, or nothing that could be used."""
    why = type(cause).__name__
    if isinstance(cause, requests.HTTPError):
        why = f"HTTP {cause.response.status_code if cause.response is not None else 0}"
    elif isinstance(cause, ValueError) and not isinstance(cause, requests.RequestException):
        why = str(cause)
    return ChainUnreachable(
        f"the chain endpoint does not answer ({why})",
        where=url,
        remedy="Start the chain node, or mend `rpc` in bank.toml; what was accepted waits",
    )


class ChainAnswer(ChainFault):
    """The node answered a request with an error object."""

    def __init__(self, method: str, error: object) -> None:
        parts: Mapping[str, Any] = error if isinstance(error, dict) else {"message": error}
        self.code = parts.get("code")
        self.text = str(parts.get("message", error))
        self.data = parts.get("data")
        super().__init__(f"{self.text} (code {self.code})", where=method)


class ContractReverted(ChainFault):
    """A contract refused: `name` is the custom error, `arguments` its data."""

    def __init__(self, where: str, name: str, arguments: dict[str, Any]) -> None:
        self.name = name
        self.arguments = arguments
        shown = ", ".join(f"{key}={value}" for key, value in arguments.items())
        super().__init__(f"the contract refused: {name}({shown})", where=where)


class KeyUnusable(ConfigFault):
    """A key file cannot be used; the message says why and what to do. Never holds key material."""
