"""What can go wrong between us and a chain.

ChainError
├── ChainUnreachable     nobody answers, or not in time: worth trying again
├── ChainAnswer          the node answered with a JSON-RPC error: its code and text
├── ContractReverted     a call or transaction was refused by a contract's custom error
├── WrongChain           another chain id, contract version or missing code than the manifest says
└── KeyUnusable          a keystore that is missing, damaged, or not allowed here
"""

from typing import Any


class ChainError(Exception):
    """Any failure at the chain's side of the application."""


class ChainUnreachable(ChainError):
    """The endpoint did not answer. Remedy: start the chain node, or mend the URL in `rpc`."""

    def __init__(self, url: str, cause: BaseException) -> None:
        super().__init__(f"chain endpoint {url} does not answer ({type(cause).__name__})")
        self.url = url


class ChainAnswer(ChainError):
    """The node answered a request with an error object."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        self.method = method
        self.code = error.get("code")
        self.text = str(error.get("message", error))
        self.data = error.get("data")
        super().__init__(f"{method}: {self.text} (code {self.code})")


class ContractReverted(ChainError):
    """A contract refused: `name` is the custom error, `arguments` its data."""

    def __init__(self, where: str, name: str, arguments: dict[str, Any]) -> None:
        self.name = name
        self.arguments = arguments
        shown = ", ".join(f"{key}={value}" for key, value in arguments.items())
        super().__init__(f"{where} was refused by the contract: {name}({shown})")


class WrongChain(ChainError):
    """The endpoint serves another chain, or other contracts, than the manifest names."""


class KeyUnusable(ChainError):
    """A key file cannot be used; the message says why and what to do. Never holds key material."""
