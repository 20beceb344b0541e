"""Proofs that a bank holds the keys that it claims: signatures of typed data (EIP-712).

What is signed stands in `contracts/interfaces/IConsortiumRegistry.sol`, "Claims". A sealing key
signs nothing; what the others sign of an admission names it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress

from app.keys.keystore import SIGNING_KEYS, PublicKeys, load_account

_ADMISSION = {
    "Admission": [
        {"name": "name", "type": "string"},
        {"name": "role", "type": "uint8"},
        {"name": "operator", "type": "address"},
        {"name": "approver", "type": "address"},
        {"name": "recovery", "type": "address"},
        {"name": "sealingKey", "type": "bytes32"},
    ]
}
_KEY_REPLACEMENT = {
    "KeyReplacement": [
        {"name": "member", "type": "uint16"},
        {"name": "purpose", "type": "uint8"},
        {"name": "key", "type": "address"},
    ]
}


@dataclass(frozen=True, slots=True)
class Registry:
    """The consortium that a proof is made for: its chain, and its registry there."""

    chain_id: int
    address: ChecksumAddress


def prove_admission(
    registry: Registry, name: str, role: int, keys: PublicKeys, signers: list[LocalAccount]
) -> bytes:
    """What proves that a newcomer asks to be admitted so: a signature of 64 bytes of its operator,
    approver and recovery key each. `role` as the registry numbers it."""
    asked = {
        "name": name,
        "role": role,
        "operator": keys.operator,
        "approver": keys.approver,
        "recovery": keys.recovery,
        "sealingKey": keys.sealing,
    }
    return b"".join(_signed(registry, _ADMISSION, asked, signer) for signer in signers)


def prove_replacement(
    registry: Registry, member: int, purpose: int, successor: LocalAccount
) -> bytes:
    """What proves that a key (operator, approver or recovery, as the registry numbers them) is to
    follow another of a member's: the new key's signature, 64 bytes."""
    asked = {"member": member, "purpose": purpose, "key": successor.address}
    return _signed(registry, _KEY_REPLACEMENT, asked, successor)


def signing_accounts(folder: Path, *, development: bool) -> list[LocalAccount]:
    """A folder's operator, approver and recovery key. Raises KeyUnusable."""
    return [load_account(folder, name, development=development) for name in SIGNING_KEYS]


def _signed(
    registry: Registry, types: dict[str, Any], asked: dict[str, Any], signer: LocalAccount
) -> bytes:
    domain = {
        "name": "Tallystick",
        "chainId": registry.chain_id,
        "verifyingContract": registry.address,
    }
    signed = signer.sign_message(encode_typed_data(domain, types, asked))
    # The short form of EIP-2098: the last bit of v stands in the first one of s.
    return signed.r.to_bytes(32) + (signed.s | (signed.v - 27) << 255).to_bytes(32)
