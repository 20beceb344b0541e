"""Signatures of the Standard Webhooks convention: v1, HMAC-SHA256."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """A secret as endpoints are given it: `whsec_` and base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signature(keys: Sequence[str], message_id: str, timestamp: int, payload: bytes) -> str:
    """The header `webhook-signature`: one signature for each secret, the one in use first."""
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, payload)
    made = []
    for key in keys:
        secret = base64.b64decode(key.removeprefix(_PREFIX))
        mac = hmac.new(secret, signed, hashlib.sha256).digest()
        made.append(f"v1,{base64.b64encode(mac).decode()}")
    return " ".join(made)
