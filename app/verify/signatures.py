"""Whose key made a signature over secp256k1."""

import coincurve
from eth_utils.crypto import keccak


def signer(signature: bytes, signed: bytes) -> bytes:
    """The address whose key made a signature (r, s and 0 or 1) of a hash. Raises ValueError for
    what is no signature."""
    try:
        # The library says that of a wrong length or recovery id as ValueError, too.
        key = coincurve.PublicKey.from_signature_and_message(signature, signed, hasher=None)
    except Exception as fault:
        raise ValueError("no signature") from fault
    return bytes(keccak(key.format(compressed=False)[1:])[12:])
