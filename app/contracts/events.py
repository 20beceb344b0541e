"""Events of the contracts as their ABIs have them: rare ones, decoded whole into names and values.

Postings are the bulk of the chain; the indexer reads those by hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_typing import ABIComponent
from eth_utils.abi import collapse_if_tuple, event_abi_to_log_topic, filter_abi_by_type

from app.contracts.abi import load_abi
from app.domain.consortium import CONTRACTS


@dataclass(frozen=True, slots=True)
class ContractEvent:
    """One event. `arguments` by the ABI's names: numbers as int, addresses and bytes as bytes,
    texts made printable (others wrote them), structs as dicts of the same, arrays as lists.
    `data` is what is not indexed, as the contract encoded it. `fault`: why it could not be read;
    then there are no arguments."""

    name: str
    arguments: dict[str, Any]
    data: bytes
    block_number: int
    tx_hash: str
    fault: ValueError | None = None


@dataclass(frozen=True, slots=True)
class EventKind:
    """An event of an ABI: who emits it, and what its topics and its data are."""

    contract: str
    name: str
    topic: str
    _indexed: Sequence[ABIComponent]
    _data: Sequence[ABIComponent]

    def read(self, log: dict[str, Any]) -> ContractEvent:
        """Read a JSON-RPC log of this event, whatever its data are."""
        data = bytes.fromhex(log["data"][2:])
        arguments: dict[str, Any] = {}
        fault = None
        try:
            topics = b"".join(bytes.fromhex(topic[2:]) for topic in log["topics"][1:])
            arguments = {**_values(self._indexed, topics), **_values(self._data, data)}
        except (DecodingError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            fault = ValueError(f"not the data of this event: {error}")
        block = int(log["blockNumber"], 16)
        return ContractEvent(self.name, arguments, data, block, log["transactionHash"], fault)


@cache
def event_kinds() -> dict[str, EventKind]:
    """All events of the contracts by their names, which no two contracts share."""
    return {
        event["name"]: EventKind(
            contract,
            event["name"],
            "0x" + event_abi_to_log_topic(event).hex(),
            tuple(one for one in event["inputs"] if one["indexed"]),
            tuple(one for one in event["inputs"] if not one["indexed"]),
        )
        for contract in CONTRACTS
        for event in filter_abi_by_type("event", load_abi(contract))
    }


def events_of(receipt: dict[str, Any]) -> list[ContractEvent]:
    """What a transaction of ours did at the contracts, in order, from its receipt."""
    kinds = {kind.topic: kind for kind in event_kinds().values()}
    return [
        kinds[log["topics"][0]].read(log)
        for log in receipt["logs"]
        if log["topics"] and log["topics"][0] in kinds
        if log["topics"] and log["topics"][0] in kinds
    ]


def _values(inputs: Sequence[ABIComponent], data: bytes) -> dict[str, Any]:
    # `bytes` stands for `string` (the encoding is the same), so that text that is not UTF-8 is
    # ours to mend.
    types = [collapse_if_tuple(one).replace("string", "bytes") for one in inputs]
    values = decode(types, data, strict=False)
    return {one["name"]: _plain(one, value) for one, value in zip(inputs, values, strict=True)}


def _plain(argument: ABIComponent, value: Any) -> Any:
    kind = argument["type"]
    if kind.endswith("]"):
        one: ABIComponent = {**argument, "type": kind[: kind.rindex("[")]}
        return [_plain(one, item) for item in value]
    if kind == "tuple":
        return {
            one["name"]: _plain(one, item)
            for one, item in zip(argument["components"], value, strict=True)
        }
    if kind == "string":
        return printable(value)
    return bytes.fromhex(value[2:]) if kind == "address" else value


def printable(text: bytes) -> str:
    """Text that others wrote, fit to be shown."""
    decoded = text.decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in decoded)
