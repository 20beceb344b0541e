"""What parties change in a facility: contents and hashes as FacilityRegistry has them."""

from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

KINDS = {1: "shares", 2: "rules", 3: "close"}
"""Kinds of changes by their numbers."""

_SHARES = ["uint24", "(uint16,uint16,uint16)[]"]
_RULES = ["(uint24,uint56,uint16,uint32,uint24)"]


def change_hash(kind: int, payload: bytes, reason: bytes) -> bytes:
    """What a party signs by accepting the change of that kind, payload and reason hash."""
    return bytes(keccak(encode(["uint8", "bytes", "bytes32"], [kind, payload, reason])))


def content_of(kind: int, payload: bytes) -> dict[str, Any]:
    """A change's payload in words: days as ordinals, amounts in minor units, shares as lists of
    principal, interest and fee in basis points, in the partners' order. Nothing for a close.

    Raises ValueError where the payload is none of its kind.
    """
    try:
        if kind == 1:
            effective_from, shares = decode(_SHARES, payload, strict=False)
            return {"effective_from": effective_from, "shares": [list(one) for one in shares]}
        if kind == 2:
            ((effective_from, tolerance, window, deadline, cut_off),) = decode(
                _RULES, payload, strict=False
            )
            return {
                "effective_from": effective_from,
                "amount_tolerance": tolerance,
                "date_window_days": window,
                "match_deadline_seconds": deadline,
                "cut_off_seconds": cut_off,
            }
    except (DecodingError, OverflowError) as fault:
        raise ValueError(f"not the payload of a change of {KINDS[kind]}: {fault}") from None
    return {}
