"""The files by which keys claim their place: a newcomer's, and that of a key for a lost one.

`tally consortium keys show --json` and `keys prove --json` make them where the keys lie; only
public halves and signatures stand in them. They are checked as the registry does, so that a bank
proposes nothing that the contract will refuse.
"""

from typing import Annotated, TypeVar

from eth_utils.address import to_checksum_address
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.actions.view import View
from app.contracts.proposals import (
    NO_ADDRESS,
    NO_PROOF,
    Newcomer,
    ProposalContent,
    admit,
    replace_key,
)
from app.domain.consortium import KeyPurpose, MemberRole
from app.domain.errors import UsageFault
from app.domain.lookalike import folded
from app.domain.votes import BANK_ROLES, PURPOSE_NUMBERS, ROLE_NUMBERS
from app.keys.keystore import SEALING, PublicKeys
from app.keys.possession import proves_admission, proves_replacement

MAX_FILE = 8_000
"""Most characters of such a file."""

_Address = Annotated[str, Field(pattern="^0x[0-9a-fA-F]{40}$")]
_SealingKey = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
_Proof = Annotated[str, Field(pattern="^(0x)?([0-9a-f]{128}){0,3}$")]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True)


class _NewcomerFile(_File):
    name: Annotated[str, Field(min_length=1, max_length=256)]
    role: MemberRole
    operator: _Address = NO_ADDRESS
    approver: _Address = NO_ADDRESS
    recovery: _Address = NO_ADDRESS
    sealing_key: _SealingKey
    proof: _Proof | None = None


class _SuccessorFile(_File):
    member: Annotated[str, Field(min_length=1, max_length=256)]
    purpose: KeyPurpose
    key: _Address | _SealingKey
    proof: _Proof | None = None


_Made = TypeVar("_Made", bound=_File)


def admission(view: View, file: str) -> ProposalContent:
    """What a newcomer's file asks for. Raises UsageFault where it is none, or where the newcomer's
    keys have not signed all of it for this consortium."""
    found = _read(_NewcomerFile, file, "tally consortium keys show --json --manifest network.json")
    looks = folded(found.name)
    alike = [one.name for one in view.names().members.values() if folded(one.name) == looks]
    if alike or not found.name.isprintable():
        like = f"it looks as that of {alike[0]}" if alike else "it is not printable"
        raise UsageFault(
            f"{found.name!r} is no name for a newcomer: {like}",
            remedy="The newcomer makes its file with another name",
        )
    keys = PublicKeys(
        to_checksum_address(found.operator),
        to_checksum_address(found.approver),
        to_checksum_address(found.recovery),
        bytes.fromhex(found.sealing_key),
    )
    if found.role in BANK_ROLES and NO_ADDRESS in keys.accounts:
        raise UsageFault(
            f"a {found.role} has an operator, an approver and a recovery key",
            remedy="Ask for a file with all of them",
        )
    proof = _octets(found.proof) or 3 * NO_PROOF
    if not proves_admission(view.registry(), found.name, ROLE_NUMBERS[found.role], keys, proof):
        raise UsageFault(
            f"the keys in the file of {found.name} have not signed this admission to this "
            "consortium",
            remedy="Ask for the file as it was made, with this consortium's network.json",
        )
    newcomer = Newcomer(
        found.name, found.role, keys.sealing, keys.operator, keys.approver, keys.recovery, proof
    )
    return admit(newcomer)


def replacement(view: View, file: str) -> ProposalContent:
    """What the file of a key for a lost one asks for. Raises UsageFault as `admission`."""
    found = _read(_SuccessorFile, file, "tally consortium keys prove PURPOSE --json")
    member = view.member(found.member)
    is_sealing = found.purpose == SEALING
    if is_sealing == found.key.startswith("0x"):
        raise UsageFault(
            f"{found.key} is no {found.purpose} key", remedy="Ask for the file as it was made"
        )
    if is_sealing:
        return replace_key(member, found.purpose, found.key)
    key, proof = to_checksum_address(found.key), _octets(found.proof)
    number = PURPOSE_NUMBERS[found.purpose]
    if not proves_replacement(view.registry(), member, number, key, proof):
        raise UsageFault(
            f"the key in the file has not signed that it is to be the {found.purpose} key of "
            f"{found.member} in this consortium",
            remedy="Ask for the file as it was made",
        )
    return replace_key(member, found.purpose, key, proof)


def _read(shape: type[_Made], text: str, command: str) -> _Made:
    try:
        return shape.model_validate_json(text)
    except ValidationError as faults:
        first = faults.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"][:1])
        raise UsageFault(
            f"this is no file that `{command}` makes: {where or 'all of it'}",
            remedy="Take the file as it was made",
        ) from None


def _octets(proof: str | None) -> bytes:
    return bytes.fromhex((proof or "").removeprefix("0x"))
