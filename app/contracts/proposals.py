"""What can be proposed to the consortium, as the registry takes it and as people read it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address

from app.contracts.events import printable
from app.domain.votes import KIND_NUMBERS, PURPOSE_NUMBERS, PURPOSES, ROLE_NUMBERS, role_name

NO_ADDRESS = "0x" + "00" * 20

_NEWCOMER = "(string,uint8,address,address,address,bytes32)"
_PROOF_BYTES = 64
_ADMISSION = [_NEWCOMER, "bytes32[6]"]
_REPLACEMENT = ["uint16", "uint8", "bytes32", "bytes32[2]"]

NO_PROOF = bytes(_PROOF_BYTES)
"""Stands for the proof of a key that there is not, or that cannot sign."""


@dataclass(frozen=True, slots=True)
class ProposalContent:
    """What is proposed: a kind of `domain.votes.KINDS` and its payload in the ABI's encoding."""

    kind: str
    payload: bytes

    @property
    def number(self) -> int:
        """The kind's number on the chain."""
        return KIND_NUMBERS[self.kind]


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who is to be admitted. Auditors and regulators may do with a sealing key alone. `proof`: of
    its operator, approver and recovery keys (`keys.possession`), 192 bytes."""

    name: str
    role: str
    sealing_key: bytes
    operator: str = NO_ADDRESS
    approver: str = NO_ADDRESS
    recovery: str = NO_ADDRESS
    proof: bytes = 3 * NO_PROOF


def admit(newcomer: Newcomer) -> ProposalContent:
    """Admit a member."""
    fields = (
        newcomer.name,
        ROLE_NUMBERS[newcomer.role],
        newcomer.operator,
        newcomer.approver,
        newcomer.recovery,
        newcomer.sealing_key,
    )
    return ProposalContent("admit", encode(_ADMISSION, [fields, _words(newcomer.proof)]))


def about(kind: str, member: int) -> ProposalContent:
    """Suspend, reinstate or evict a member."""
    return ProposalContent(kind, encode(["uint16"], [member]))


def change_role(member: int, role: str) -> ProposalContent:
    """Give a member another role."""
    return ProposalContent("change_role", encode(["uint16", "uint8"], [member, ROLE_NUMBERS[role]]))


def replace_key(member: int, purpose: str, key: str, proof: bytes = NO_PROOF) -> ProposalContent:
    """Give a member another key: an address with its proof (`keys.possession`, 64 bytes), or a
    sealing key, in hex."""
    fields = [member, PURPOSE_NUMBERS[purpose], key_word(key), _words(proof)]
    return ProposalContent("replace_key", encode(_REPLACEMENT, fields))


def register_validator(member: int, node: str, enode: str) -> ProposalContent:
    """Make a member's node a validator."""
    payload = encode(["uint16", "address", "string"], [member, node, enode])
    return ProposalContent("register_validator", payload)


def remove_validator(node: str) -> ProposalContent:
    """Make a node a validator no more."""
    return ProposalContent("remove_validator", encode(["address"], [node]))


def upgrade(proxy: str, implementation: str, call: bytes = b"") -> ProposalContent:
    """Put other code behind one of the consortium's contracts, and make a call to it."""
    payload = encode(["address", "address", "bytes"], [proxy, implementation, call])
    return ProposalContent("upgrade", payload)


def key_word(key: str) -> bytes:
    """A key in hex as the registry's word: an address in the low bits, or a sealing key."""
    return bytes.fromhex(key.removeprefix("0x")).rjust(32, b"\0")


def _words(proof: bytes) -> list[bytes]:
    return [proof[at : at + 32] for at in range(0, len(proof), 32)]


def read_payload(kind: str, payload: bytes) -> dict[str, Any]:
    """A payload's fields by name, addresses and keys in hex, as JSON can hold them.

    What a contract would not read is not asked for here (padding may hold anything), nor are the
    proofs of keys, which it has checked. Raises
    ValueError where the payload is none of its kind.
    """
    try:
        return _READERS[kind](payload)
    except (DecodingError, LookupError, OverflowError) as fault:
        raise ValueError(f"not the payload of a proposal to {kind}: {fault}") from None


def _decode(types: list[str], payload: bytes) -> tuple[Any, ...]:
    return decode(types, payload, strict=False)


def _read_newcomer(payload: bytes) -> dict[str, Any]:
    # `bytes` stands for `string` (the encoding is the same): text that is not UTF-8 is mended.
    (name, role, operator, approver, recovery, sealing_key), _ = _decode(
        [one.replace("string", "bytes") for one in _ADMISSION], payload
    )
    return {
        "name": printable(name),
        "role": role_name(role),
        "operator": to_checksum_address(operator),
        "approver": to_checksum_address(approver),
        "recovery": to_checksum_address(recovery),
        "sealing_key": sealing_key.hex(),
    }


def _read_member(payload: bytes) -> dict[str, Any]:
    return {"member": _decode(["uint16"], payload)[0]}


def _read_role(payload: bytes) -> dict[str, Any]:
    member, role = _decode(["uint16", "uint8"], payload)
    return {"member": member, "role": role_name(role)}


def _read_key(payload: bytes) -> dict[str, Any]:
    member, number, key, _ = _decode(_REPLACEMENT, payload)
    purpose = PURPOSES.get(number, f"unknown ({number})")
    shown = key.hex() if purpose == "sealing" else to_checksum_address(key[12:])
    return {"member": member, "purpose": purpose, "key": shown}


def _read_validator(payload: bytes) -> dict[str, Any]:
    member, node, enode = _decode(["uint16", "address", "bytes"], payload)
    return {"member": member, "node": to_checksum_address(node), "enode": printable(enode)}


def _read_node(payload: bytes) -> dict[str, Any]:
    return {"node": to_checksum_address(_decode(["address"], payload)[0])}


def _read_upgrade(payload: bytes) -> dict[str, Any]:
    proxy, implementation, call = _decode(["address", "address", "bytes"], payload)
    return {
        "proxy": to_checksum_address(proxy),
        "implementation": to_checksum_address(implementation),
        "call": call.hex(),
    }


_READERS: dict[str, Callable[[bytes], dict[str, Any]]] = {
    "admit": _read_newcomer,
    "suspend": _read_member,
    "reinstate": _read_member,
    "evict": _read_member,
    "change_role": _read_role,
    "replace_key": _read_key,
    "register_validator": _read_validator,
    "remove_validator": _read_node,
    "upgrade": _read_upgrade,
}
