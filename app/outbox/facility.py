"""What the outbox must know of a facility to post to it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PostingFacility:
    """`own_partner` is 0 for the lead; `readers` maps member numbers to X25519 public keys."""

    id: str
    number: int
    partners: int
    own_partner: int
    reference_key: bytes
    readers: dict[int, bytes]
