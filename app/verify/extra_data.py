"""QBFT's part of a block's header: extraData = RLP [vanity, validators, vote, round, seals]."""

from collections.abc import Sequence
from dataclasses import dataclass

import rlp
from eth_utils.address import to_canonical_address, to_checksum_address

from app.verify.rlp_bytes import decode as decode_rlp

_VANITY_BYTES = 32


@dataclass(frozen=True, slots=True)
class ExtraData:
    """What the field says. `vote` is (address, whether to admit it); `seals` are 65 bytes each."""

    validators: list[str]
    vote: tuple[str, bool] | None
    round: int
    seals: list[bytes]


def genesis(validators: Sequence[str]) -> str:
    """The first block's: these validators, no vote, round 0, no seals."""
    # In the order of their addresses, as Besu keeps them: every renderer makes the same block.
    addresses = sorted(to_canonical_address(one) for one in validators)
    encoded: bytes = rlp.encode([bytes(_VANITY_BYTES), addresses, [], b"", []])
    return "0x" + encoded.hex()


def decode(text: str) -> ExtraData:
    """Raises ValueError for anything that is not of QBFT's form."""
    try:
        vanity, validators, vote, round_, seals = decode_rlp(bytes.fromhex(text.removeprefix("0x")))
        if len(vanity) != _VANITY_BYTES or any(len(one) != 20 for one in validators):
            raise ValueError("the vanity is not 32 bytes, or a validator not 20")
        cast = None
        if vote:
            subject, admit = vote
            cast = (to_checksum_address(subject), admit == b"\xff")
        return ExtraData(
            [to_checksum_address(one) for one in validators],
            cast,
            int.from_bytes(round_),
            list(seals),
        )
    except (ValueError, TypeError) as fault:
        raise ValueError(f"not the extraData of a QBFT block: {fault}") from None
