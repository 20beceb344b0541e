"""References that the chain may know: keyed hashes, never the names themselves."""

import hmac

REFERENCE_BYTES = 20
"""Length of a leg's reference on the chain (the first 160 bits of the keyed hash)."""


def reference(key: bytes, event_ref: str) -> bytes:
    """Hash `event_ref` under the facility's reference key: HMAC-SHA256, first 20 bytes."""
    return hmac.digest(key, event_ref.encode(), "sha256")[:REFERENCE_BYTES]
