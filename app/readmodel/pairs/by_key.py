"""A pair by the key that it has in the contract Reconciliation."""

from sqlalchemy import Connection, select

from app.domain.identifiers import account_of, pair_key
from app.domain.kinds import Kind
from app.readmodel.directory import Directory
from app.readmodel.disclosures.names import event_name, target_event_name
from app.readmodel.pairs.tables import REVERSALS, pairs
from app.readmodel.values import kind_name, target_name

_HASH_DIGITS = 12


def pair_text(connection: Connection, names: Directory, key: int) -> str:
    """A pair as a person knows it: kind, reference (its hash, cut short, where the name does not
    open here) and partner."""
    facility, partner = account_of(key)
    kind, ref = key >> 160 & 0xFF, (key & (1 << 160) - 1).to_bytes(20)
    plain = pair_key(facility, partner, kind, ref) == key
    c = pairs.c
    asked = select(
        c.kind,
        c.ref,
        c.target_kind,
        c.target_ref,
        event_name(pairs).label("event_ref"),
        target_event_name(pairs).label("target_event_ref"),
    ).where(c.facility == facility, c.partner == partner)
    asked = asked.where(c.kind == kind, c.ref == ref) if plain else asked.where(REVERSALS)
    bank = names.partner_name(facility, partner)
    for row in connection.execute(asked):
        target = bytes((row.target_kind,)) + bytes(row.target_ref) if row.target_kind else b""
        if pair_key(facility, partner, row.kind, bytes(row.ref), target) == key:
            named = _leg(row.kind, bytes(row.ref), row.event_ref)
            of = target_name(row.target_kind, bytes(row.target_ref), row.target_event_ref)
            return f"{named} of {bank}" if of is None else f"{named} ({of}) of {bank}"
    named = _leg(kind, ref, None) if plain else kind_name(Kind.REVERSAL)
    return f"{named} of {bank}, which this bank's node has not read"


def _leg(kind: int, ref: bytes, event_ref: str | None) -> str:
    shown = event_ref if event_ref is not None else f"#{ref.hex()[:_HASH_DIGITS]}…"
    return f"{kind_name(kind).replace('_', ' ')} {shown}"
