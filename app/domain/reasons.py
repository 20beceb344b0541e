"""The reason that a person gives for an act: what may be said, and what the chain has of it.

The chain has keccak256 of 32 random bytes, the salt, and the text after them: reasons name loans
and borrowers, and a plain hash of such a text is found again by guessing. The salt travels with the
text, sealed; where no text travels, who gave the reason keeps both, and proves it with both.
"""

import secrets
from dataclasses import dataclass

from eth_hash.auto import keccak

from app.domain.errors import UsageFault

MAX_REASON_CHARACTERS = 2_000
SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason's text and its salt."""

    text: str
    salt: bytes

    @property
    def hash(self) -> bytes:
        """What the chain has of it."""
        return keccak(self.salt + self.text.encode())


def checked_reason(text: str) -> Reason:
    """A reason under a fresh salt. Raises UsageFault for one that cannot be shown in one
    paragraph."""
    if not text.strip() or len(text) > MAX_REASON_CHARACTERS or not text.isprintable():
        raise UsageFault(
            f"the reason must be 1 to {MAX_REASON_CHARACTERS:,} printable characters",
            remedy="Say it in one paragraph",
        )
    return Reason(text, secrets.token_bytes(SALT_BYTES))
