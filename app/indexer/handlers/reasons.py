"""Reasons, sealed for their readers: kept where they open here and are what was signed."""

import re

from sqlalchemy import insert, literal, select

from app.contracts.events import ContractEvent
from app.domain.reasons import MAX_REASON_CHARACTERS, SALT_BYTES, Reason
from app.indexer.projection import Projection
from app.keys.sealing import open_details
from app.readmodel.tables import reasons

_MOST_BYTES = 16 * MAX_REASON_CHARACTERS
"""More than the longest reason and its salt are, however they are written in JSON."""
_SALT = re.compile(f"(?:[0-9a-f]{{{2 * SALT_BYTES}}})?")


def reason_given(projection: Projection, event: ContractEvent) -> None:
    """A member said why. Anybody may seal another text under a hash: only one that hashes to it is
    kept, and the first of those stands."""
    arguments = event.arguments
    found = opened(projection, arguments["sealedReason"], arguments["reasonHash"])
    if found is None:
        return
    row = {
        "reason_hash": arguments["reasonHash"],
        "member": arguments["member"],
        "text": found.text,
        "salt": found.salt,
        "given_at": projection.time(event.block_number),
        "tx_hash": bytes.fromhex(event.tx_hash[2:]),
    }
    c = reasons.c
    known = select(c.reason_hash).where(c.reason_hash == arguments["reasonHash"])
    values = select(*(literal(value, c[name].type) for name, value in row.items()))
    projection.statements.append(
        insert(reasons).from_select(list(row), values.where(~known.exists()))
    )


def opened(projection: Projection, sealed: bytes, reason_hash: bytes) -> Reason | None:
    """A reason, where it opens here, is fit to be shown and hashes, under the salt that is sealed
    with it, to what was said. (Earlier versions sealed no salt.)"""
    view = projection.state.view
    rows = open_details(sealed, view.member, view.sealing_keys, _MOST_BYTES)
    row = rows[0] if rows else []
    text, salt = row[0] if row else None, row[1] if len(row) > 1 else ""
    if not isinstance(text, str) or not 0 < len(text) <= MAX_REASON_CHARACTERS:
        return None
    if not isinstance(salt, str) or not _SALT.fullmatch(salt) or not text.isprintable():
        return None
    reason = Reason(text, bytes.fromhex(salt))
    return reason if reason.hash == reason_hash else None
