"""What else can go wrong between us and a chain (the common tree is in `domain.errors`).

ChainFault
├── ChainUnreachable     nobody answers, or not in time: worth trying again
│   ├── OutOfSync        the right chain without its newest blocks: a node that lags or was wiped
│   └── NotVerified      the node answered what the chain's validators do not vouch for
├── WrongChain           another chain or contract version than the manifest says
├── ChainAnswer          the node answered with a JSON-RPC error: its code and text
└── ContractReverted     a contract refused a call or transaction: see `contracts.errors`
"""

from collections.abc import Mapping
from typing import Any

import requests

from app.domain.errors import ChainFault, ChainUnreachable

_MOST_TEXT = 1_000
"""Of what a node says: it is logged, kept and shown."""


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


class NotVerified(ChainUnreachable):
    """What an endpoint answers is not the chain's: it is refused, and another one is asked."""

    def __init__(self, what: str, *, where: str) -> None:
        super().__init__(
            f"its answer is refused: {what}",
            where=where,
            remedy="Name an endpoint in `rpc` that can be trusted. If all of them answer so, the "
            "validators themselves have taken blocks back: then `tally rebuild`",
        )


def _shown(said: object) -> str:
    """What a node says may hold anything: escapes for terminals, NULs that PostgreSQL refuses."""
    return "".join(one if one.isprintable() else "?" for one in str(said)[:_MOST_TEXT])


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
        self.text = _shown(parts.get("message", error))
        self.data = parts.get("data")
        super().__init__(f"{self.text} (code {_shown(self.code)})", where=method)
