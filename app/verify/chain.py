"""Whether blocks are the chain's: each follows the one before it, and the validators sealed it.

Seals are looked at where they are needed: of the last block, and of the last that each set of
validators sealed. A quorum's seals on a block vouch, by the hashes of parents, for all before it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from app.verify.errors import Unverified
from app.verify.headers import Header
from app.verify.seals import Scheme, Sealed, check_seals
from app.verify.validators import ValidatorSet, after, sealing


@dataclass(frozen=True, slots=True)
class Trusted:
    """A block that is trusted, and the validators after it."""

    number: int
    hash: bytes
    set: ValidatorSet


def first_trusted(scheme: Scheme, header: Header, genesis: bytes) -> Trusted:
    """The chain's first block, which must have this hash. Raises Unverified."""
    sealed = scheme.read(header)
    if sealed.number != 0 or sealed.hash != genesis:
        raise Unverified("the first block is not this network's")
    return Trusted(0, sealed.hash, ValidatorSet(frozenset(sealed.listed)))


def verify_chain(
    scheme: Scheme, trusted: Trusted, headers: Iterable[Header]
) -> tuple[list[Sealed], Trusted]:
    """Headers that follow a trusted block without a gap, with what their seals say, and the last of
    them as the next trusted block.

    Raises Unverified, which says in words which block is not the chain's, and why.
    """
    verified: list[Sealed] = []
    validators = trusted.set.validators
    for header in headers:
        sealed = scheme.read(header)
        number = trusted.number + 1
        if sealed.number != number:
            raise Unverified(f"block {sealed.number} stands where block {number} belongs")
        if header.parent != trusted.hash:
            raise Unverified(
                f"block {number} does not follow block {trusted.number} (0x{trusted.hash.hex()})"
            )
        set_ = sealing(scheme, trusted.set, sealed)
        if set_.validators != validators and verified:
            check_seals(scheme, verified[-1], validators)
        validators = set_.validators
        trusted = Trusted(number, sealed.hash, after(scheme, set_, sealed))
        verified.append(sealed)
    if verified:
        check_seals(scheme, verified[-1], validators)
    return verified, trusted
