"""Sealing a batch: which waiting events it carries, and its bytes, before anything is sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Integer, bindparam, insert, select

from app.contracts.posting import encode_post, next_digest
from app.contracts.reconciliation import PostingHead
from app.db.clock import now, stamp
from app.db.vault import vault_of
from app.domain.legs import MAX_PARTS, REVERSAL, pack
from app.intake.tables import events
from app.keys.sealing import seal_details
from app.outbox.dead_letters import add_dead_letter, waiting_events
from app.outbox.facility import PostingFacility
from app.outbox.history import log_state
from app.outbox.legs import WaitingEvent, details_of, leg_of
from app.outbox.lifecycle import SEALED
from app.outbox.tables import batches
from app.readmodel.facilities.readers import facility_readers

MAX_CALLDATA_BYTES = 126 * 1024
"""Below the 128 KiB that pools take for the whole signed transaction."""

_GAS_BASE = 400_000
_GAS_PART = 30_000
_GAS_DAY_TOTAL = 2 * 23_000  # its own book's, and the agreed one on the lead's day
_GAS_BYTE = 16
_PART_BYTES = 125  # its word, and its details as they are sealed

_NEWEST_HEAD = (
    select(batches.c.sequence, batches.c.digest)
    .where(batches.c.facility == bindparam("facility"))
    .order_by(batches.c.sequence.desc())
    .limit(1)
)
_OLDEST_WAITING = (
    waiting_events(bindparam("facility"))
    .with_only_columns(*(events.c[name] for name in WaitingEvent._fields))
    .order_by(events.c.id)
    .limit(bindparam("most", type_=Integer))
)
_ADD_BATCH = insert(batches).returning(batches.c.id)
_PUT_INTO_BATCH = {
    dialect: f"UPDATE events SET batch_id = {mark}, leg_index = {mark} WHERE id = {mark}"
    for dialect, mark in (("sqlite", "?"), ("postgresql", "%s"))
}


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """A batch as stored; what is signed is its calldata."""

    id: int
    sequence: int
    calldata: bytes
    gas_limit: int
    legs: list[tuple[int, str, str]]
    """Each leg's word index, event_id, and reference in hex."""


def newest_head(connection: Connection, facility: str) -> PostingHead | None:
    """The last batch that we sealed for a facility; None when there is none."""
    row = connection.execute(_NEWEST_HEAD, {"facility": facility}).first()
    return None if row is None else PostingHead(row.sequence, row.digest)


def seal_batch(
    connection: Connection, facility: PostingFacility, head: PostingHead, most_gas: int
) -> SealedBatch | None:
    """Seal the next batch from the oldest waiting events, inside the caller's transaction, for not
    much more than `most_gas`.

    None when nothing waits. Events of one batch are ordered by business and shares day (so that
    few group words are needed), reversals last, since their targets may be in the same batch. An
    event whose details alone are too large becomes a dead letter.
    """
    sequence = head.sequence + 1
    vault = vault_of(connection)
    readers = facility_readers(connection, facility.number)
    rows = _waiting(connection, facility, most_gas)
    while rows:
        legs = [leg_of(row, facility) for row in rows]
        stream, indexes = pack(legs)
        sealed = seal_details([details_of(row, vault) for row in rows], readers)
        if sealed is not None:
            calldata = encode_post(facility.number, sequence, stream, sealed)
            if len(calldata) <= MAX_CALLDATA_BYTES:
                break
        if len(rows) > 1:
            rows = _ordered(sorted(rows, key=lambda row: row.id)[: len(rows) // 2])
        else:
            add_dead_letter(connection, rows[0].id, "its details are too large for one transaction")
            rows = _waiting(connection, facility, most_gas)
    else:
        return None
    gas_limit = _gas(rows, facility, len(calldata))
    batch_id: int = connection.execute(
        _ADD_BATCH,
        {
            "facility": facility.id,
            "facility_number": facility.number,
            "sequence": sequence,
            "legs": len(rows),
            "calldata": calldata,
            "digest": next_digest(head.digest, stream),
            "gas_limit": gas_limit,
            "state": SEALED,
            "sealed_at": stamp(now()),
        },
    ).scalar_one()
    log_state(connection, [batch_id], SEALED)
    # Straight to the driver: the one statement that runs for every leg.
    connection.exec_driver_sql(
        _PUT_INTO_BATCH[connection.dialect.name],
        [(batch_id, index, row.id) for row, index in zip(rows, indexes, strict=True)],
    )
    sealed_legs = [
        (index, row.event_id, leg.reference.hex())
        for row, leg, index in zip(rows, legs, indexes, strict=True)
    ]
    return SealedBatch(batch_id, sequence, calldata, gas_limit, sealed_legs)


def _gas(rows: Sequence[WaitingEvent], facility: PostingFacility, size_bytes: int) -> int:
    parts = sum(1 if row.partner else facility.partners for row in rows)
    own_days = len({(row.business_day, row.kind) for row in rows})
    day_totals = min(parts, facility.partners * own_days)
    return _GAS_BASE + _GAS_PART * parts + _GAS_DAY_TOTAL * day_totals + _GAS_BYTE * size_bytes


def _waiting(
    connection: Connection, facility: PostingFacility, most_gas: int
) -> list[WaitingEvent]:
    parts = min(MAX_PARTS, (most_gas - _GAS_BASE) // (_GAS_PART + _GAS_BYTE * _PART_BYTES))
    # A lead's shared leg counts a part for each partner, whether or not it gets one.
    most = parts if facility.own_partner else parts // facility.partners
    found = connection.execute(_OLDEST_WAITING, {"facility": facility.id, "most": max(1, most)})
    return _ordered([WaitingEvent(*row) for row in found])


def _ordered(rows: Sequence[WaitingEvent]) -> list[WaitingEvent]:
    return sorted(
        rows, key=lambda row: (row.kind == REVERSAL, row.business_day, row.shares_day, row.id)
    )
