"""Proofs that a bank holds the keys that it claims: signatures of typed data (EIP-712).

What is signed stands in `contracts/interfaces/IConsortiumRegistry.sol`, "Claims". A sealing key
signs nothing; what the others sign of an admission names it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_keys.exceptions import BadSignature
from eth_typing import ChecksumAddress
from eth_utils.exceptions import ValidationError

from app.keys.keystore import SIGNING_KEYS, PublicKeys, load_account

PROOF_BYTES = 64
"""Of one key: r, and s with the parity (EIP-2098)."""

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
    asked = _admission(registry, name, role, keys)
    return b"".join(_signed(asked, signer) for signer in signers)


def proves_admission(
    registry: Registry, name: str, role: int, keys: PublicKeys, proof: bytes
) -> bool:
    """Whether a newcomer's keys have made the proof; a key that there is not (address 0) has
    none."""
    asked = _admission(registry, name, role, keys)
    parts = [proof[at : at + PROOF_BYTES] for at in range(0, len(proof), PROOF_BYTES)]
    return len(parts) == len(keys.accounts) and all(
        _is_by(asked, key, part) for key, part in zip(keys.accounts, parts, strict=True)
    )


def prove_replacement(
    registry: Registry, member: int, purpose: int, successor: LocalAccount
) -> bytes:
    """What proves that a key (operator, approver or recovery, as the registry numbers them) is to
    follow another of a member's: the new key's signature, 64 bytes."""
    return _signed(_replacement(registry, member, purpose, successor.address), successor)


def proves_replacement(
    registry: Registry, member: int, purpose: int, key: ChecksumAddress, proof: bytes
) -> bool:
    """Whether the key that is to follow another has made the proof."""
    return _is_by(_replacement(registry, member, purpose, key), key, proof)


def signing_accounts(folder: Path, *, development: bool) -> list[LocalAccount]:
    """A folder's operator, approver and recovery key. Raises KeyUnusable."""
    return [load_account(folder, name, development=development) for name in SIGNING_KEYS]


def _admission(registry: Registry, name: str, role: int, keys: PublicKeys) -> SignableMessage:
    asked = {
        "name": name,
        "role": role,
        "operator": keys.operator,
        "approver": keys.approver,
        "recovery": keys.recovery,
        "sealingKey": keys.sealing,
    }
    return _typed(registry, _ADMISSION, asked)


def _replacement(
    registry: Registry, member: int, purpose: int, key: ChecksumAddress
) -> SignableMessage:
    return _typed(registry, _KEY_REPLACEMENT, {"member": member, "purpose": purpose, "key": key})


def _typed(registry: Registry, types: dict[str, Any], asked: dict[str, Any]) -> SignableMessage:
    domain = {
        "name": "Tallystick",
        "chainId": registry.chain_id,
        "verifyingContract": registry.address,
    }
    return encode_typed_data(domain, types, asked)


def _signed(asked: SignableMessage, signer: LocalAccount) -> bytes:
    signed = signer.sign_message(asked)
    # The short form of EIP-2098: the last bit of v stands in the first one of s.
    return signed.r.to_bytes(32) + (signed.s | (signed.v - 27) << 255).to_bytes(32)


def _is_by(asked: SignableMessage, key: ChecksumAddress, proof: bytes) -> bool:
    """As `contracts/libraries/KeyProofs.sol` has it."""
    if int(key, 16) == 0:
        return not any(proof)
    r, packed = int.from_bytes(proof[:32]), int.from_bytes(proof[32:])
    v, s = 27 + (packed >> 255), packed & (1 << 255) - 1
    try:
        return bool(Account.recover_message(asked, vrs=(v, r, s)) == key)
    except (BadSignature, ValidationError, ValueError):
        return False
