"""What a contract refuses, by the custom error that it reverted with.

ContractReverted     a call or transaction was refused by a contract's custom error
├── AccessRefused    not with this key: the access matrix in contracts/README.md
├── ConsortiumRefused, FacilityRefused, LedgerRefused, HoldRefused, PostingRefused,
├── ResolutionRefused, DayCloseRefused
└── GrantRefused, AuditHeadRefused   by the word that the error's name begins with
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_typing import ABIError
from eth_utils.abi import (
    filter_abi_by_type,
    function_abi_to_4byte_selector,
    get_abi_input_types,
)

from app.contracts.abi import load_abi
from app.contracts.error_catalogue import ACCESS, explain
from app.domain.consortium import CONTRACTS
from app.domain.errors import ChainFault


class ContractReverted(ChainFault):
    """A contract refused: `name` is the custom error, `arguments` its data.

    `what` tells the cause and the error itself, `remedy` what to do: see `error_catalogue`.
    """

    def __init__(
        self, where: str, name: str, arguments: dict[str, Any], *, cause: str, remedy: str
    ) -> None:
        self.name = name
        self.arguments = arguments
        super().__init__(self._told(cause, arguments), where=where, remedy=remedy)

    def _told(self, cause: str, arguments: Mapping[str, Any]) -> str:
        shown = ", ".join(f"{key}={_short(value)}" for key, value in arguments.items())
        return f"the contract refused: {cause} [{self.name}{f'({shown})' if shown else ''}]"

    def tell(self, known: Mapping[str, str]) -> None:
        """Tell these arguments as a person knows them; what is told in words stands no more behind
        the error's name."""
        error = next(one for one in _known_errors() if one["name"] == self.name)
        cause, self.remedy = explain(self.name, error["inputs"], self.arguments, known)
        others = {key: value for key, value in self.arguments.items() if key not in known}
        self.what = self._told(cause, others)

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


class GrantRefused(ContractReverted):
    """Details opened to an observer."""


class AuditHeadRefused(ContractReverted):
    """The anchored head of an audit trail."""


_FAMILIES: dict[str, type[ContractReverted]] = {
    "Consortium": ConsortiumRefused,
    "Facility": FacilityRefused,
    "Ledger": LedgerRefused,
    "Hold": HoldRefused,
    "Posting": PostingRefused,
    "Resolution": ResolutionRefused,
    "DayClose": DayCloseRefused,
    "Grant": GrantRefused,
    "AuditHead": AuditHeadRefused,
}


def reverted(where: str, raw: bytes) -> ContractReverted:
    """The exception for a custom error's selector and arguments: named, with cause and remedy."""
    error = _errors().get(raw[:4], _UNKNOWN)
    try:
        values = decode(get_abi_input_types(error), raw[4:])
    except DecodingError:
        error = _UNKNOWN
    if error is _UNKNOWN:
        values = (raw[:36],)
    name = error["name"]
    inputs = error["inputs"]
    arguments = {one["name"]: value for one, value in zip(inputs, values, strict=True)}
    cause, remedy = explain(name, inputs, arguments)
    family = next((word for word in _FAMILIES if name.startswith(word)), "")
    kind = AccessRefused if name in ACCESS else _FAMILIES.get(family, ContractReverted)
    return kind(where, name, arguments, cause=cause, remedy=remedy)


def revert_data(data: object) -> bytes | None:
    """A custom error's selector and arguments, as the engines' error objects carry them; None where
    there are none."""
    if isinstance(data, dict):  # ganache
        data = data.get("data") or data.get("result")
    if not isinstance(data, str) or not _HEX.fullmatch(data):
        return None
    return bytes.fromhex(data[2:])


_HEX = re.compile("0x(?:[0-9a-fA-F]{2}){4,}")


def _abi_error(name: str, argument: str, kind: str) -> ABIError:
    return {"type": "error", "name": name, "inputs": [{"name": argument, "type": kind}]}


_UNKNOWN = _abi_error("UnknownError", "data", "bytes")
_BUILT_IN = (_abi_error("Panic", "code", "uint256"), _abi_error("Error", "message", "string"))
"""Solidity's own errors, which stand in no ABI."""


@cache
def _errors() -> dict[bytes, ABIError]:
    """Every error of the contracts by its selector."""
    return {function_abi_to_4byte_selector(one): one for one in _known_errors()}


def _known_errors() -> list[ABIError]:
    found = [one for name in CONTRACTS for one in filter_abi_by_type("error", load_abi(name))]
    return [*found, *_BUILT_IN, _UNKNOWN]


def _short(value: object) -> str:
    """A value for one line of text; long bytes are cut."""
    if isinstance(value, bytes):
        return "0x" + (value.hex() if len(value) <= 32 else value[:8].hex() + "…")
    return str(value)
