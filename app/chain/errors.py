"""What else can go wrong between us and a chain (the common tree is in `domain.errors`).

ChainFault
├── ChainUnreachable     nobody answers, or not in time: worth trying again
├── WrongChain           another chain id, contract version or missing code than the manifest says
├── ChainAnswer          the node answered with a JSON-RPC error: its code and text
└── ContractReverted     a call or transaction was refused by a contract's custom error
ConfigFault
└── KeyUnusable          a keystore that is missing, damaged, or not allowed here
"""

from typing import Any

from app.domain.errors import ChainFault, ChainUnreachable, ConfigFault


def unreachable(url: str, cause: BaseException) -> ChainUnreachable:
    """The endpoint did not answer."""
    return ChainUnreachable(
        f"the chain endpoint does not answer ({type(cause).__name__})",
        where=url,
        remedy="Start the chain node, or mend `rpc` in bank.toml; what was accepted waits",
    )


class ChainAnswer(ChainFault):
    """The node answered a request with an error object."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        self.code = error.get("code")
        self.text = str(error.get("message", error))
        self.data = error.get("data")
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
