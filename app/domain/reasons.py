"""The reason that a person gives for an act: what may be said, and what the chain has of it."""

from eth_hash.auto import keccak

from app.domain.errors import UsageFault

MAX_REASON_CHARACTERS = 2_000


def reason_hash(reason: str) -> bytes:
    """keccak256 of a reason's text. Raises UsageFault for one that cannot be shown in one
    paragraph."""
    if not reason.strip() or len(reason) > MAX_REASON_CHARACTERS or not reason.isprintable():
        raise UsageFault(
            f"the reason must be 1 to {MAX_REASON_CHARACTERS:,} printable characters",
            remedy="Say it in one paragraph",
        )
    return keccak(reason.encode())
