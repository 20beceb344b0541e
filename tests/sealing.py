"""Headers sealed by keys that a test knows, as Besu's validators seal them (QBFT)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import rlp
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

Block = dict[str, Any]

VANITY = bytes(range(32))
EMPTY_BLOCK: Block = {
    "sha3Uncles": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
    "stateRoot": "0x" + "5a" * 32,
    "transactionsRoot": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    "receiptsRoot": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    "logsBloom": "0x" + "00" * 256,
    "difficulty": "0x1",
    "gasLimit": "0xbebc200",
    "gasUsed": "0x0",
    "mixHash": "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365",
    "nonce": "0x0000000000000000",
    "baseFeePerGas": "0x0",
}
Vote = tuple[bytes, bool]
"""Whom to add (True) or to drop."""


def keys(*seeds: int) -> list[PrivateKey]:
    """Secret keys that stay the same from run to run."""
    return [PrivateKey(keccak(seed.to_bytes(2))) for seed in seeds]


def address(key: PrivateKey) -> bytes:
    found: bytes = key.public_key.to_canonical_address()
    return found


def seal(
    block: Block,
    validators: Sequence[PrivateKey],
    signers: Sequence[PrivateKey] | None = None,
    vote: Vote | None = None,
    round_: int = 0,
) -> Block:
    """The block with QBFT's extraData and its hash: these validators are listed, these (all where
    None) sealed it."""
    listed = sorted(address(one) for one in validators)
    cast: list[bytes] = [] if vote is None else [vote[0], b"\xff" if vote[1] else b""]
    shown = round_.to_bytes((round_.bit_length() + 7) // 8)
    signed = _hash(block, [VANITY, listed, cast, shown, []])
    seals = [
        one.sign_msg_hash(signed).to_bytes() for one in (validators if signers is None else signers)
    ]
    extra = rlp.encode([VANITY, listed, cast, shown, seals])
    hashed = _hash(block, [VANITY, listed, cast, b"", []])
    return {**block, "extraData": "0x" + extra.hex(), "hash": "0x" + hashed.hex()}


def first_block(validators: Sequence[PrivateKey]) -> Block:
    """Block 0: its validators, no seals."""
    return seal(
        {
            **EMPTY_BLOCK,
            "parentHash": "0x" + "00" * 32,
            "miner": "0x" + "00" * 20,
            "number": "0x0",
            "timestamp": "0x0",
        },
        validators,
        [],
    )


def after(
    parent: Block,
    validators: Sequence[PrivateKey],
    signers: Sequence[PrivateKey] | None = None,
    *,
    proposer: PrivateKey | None = None,
    vote: Vote | None = None,
    round_: int = 0,
) -> Block:
    """An empty block after another one."""
    number = int(parent["number"], 16) + 1
    return seal(
        {
            **EMPTY_BLOCK,
            "parentHash": parent["hash"],
            "miner": "0x" + address(proposer or validators[number % len(validators)]).hex(),
            "number": hex(number),
            "timestamp": hex(1_700_000_000 + number),
        },
        validators,
        signers,
        vote,
        round_,
    )


def _hash(block: Block, extra: list[Any]) -> bytes:
    names = ("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot")
    numbers = ("difficulty", "number", "gasLimit", "gasUsed", "timestamp")
    fields = [
        *(bytes.fromhex(block[name][2:]) for name in (*names, "logsBloom")),
        *(_number(block[name]) for name in numbers),
        rlp.encode(extra),
        *(bytes.fromhex(block[name][2:]) for name in ("mixHash", "nonce")),
        *(_number(block[name]) for name in ("baseFeePerGas",) if name in block),
    ]
    return bytes(keccak(rlp.encode(fields)))


def _number(quantity: str) -> bytes:
    number = int(quantity, 16)
    return number.to_bytes((number.bit_length() + 7) // 8)
