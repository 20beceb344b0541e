"""A block's header and its hash, from the fields that a node answers.

Standard headers up to Paris (15 fields, 16 with a base fee): anvil, ganache. What engines that seal
their blocks leave out of the hash is not here yet.
"""

from collections.abc import Mapping
from typing import Any

import rlp
from eth_utils.crypto import keccak

_HASHES = ("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot")
_NUMBERS = ("difficulty", "number", "gasLimit", "gasUsed", "timestamp")


def header_hash(block: Mapping[str, Any]) -> bytes:
    """The hash that a block of `eth_getBlockByNumber` must have.

    Raises ValueError where a field is missing or of no such form.
    """
    try:
        fields = [
            *(_octets(block[name]) for name in _HASHES),
            _octets(block["logsBloom"]),
            *(_big_endian(block[name]) for name in _NUMBERS),
            *(_octets(block[name]) for name in ("extraData", "mixHash", "nonce")),
        ]
        if block.get("baseFeePerGas") is not None:
            fields.append(_big_endian(block["baseFeePerGas"]))
    except (KeyError, TypeError, AttributeError) as fault:
        raise ValueError(f"not a block's header: {fault!r}") from None
    return bytes(keccak(rlp.encode(fields)))


def _octets(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _big_endian(quantity: str) -> bytes:
    number = int(quantity, 16)
    if number < 0:
        raise ValueError(f"a quantity below 0: {quantity}")
    return number.to_bytes((number.bit_length() + 7) // 8)
