"""A database that is older than the chain: this bank's own postings are read back from there.

A batch on the chain holds everything that was accepted: its words say what was posted, and its
sealed details, which its sender can open, the rest. So the events that a lost database had accepted
and posted are taken in again from it, as feeds "read back from the chain", and count as posted.
What was accepted and never posted is gone with the disk; core banking sends it again, and whatever
is there already is a duplicate.

A batch of this database that the chain does not have at its sequence (the lost database had posted
another one there) is dropped: its events wait again, and those that the chain has are linked there.
Until the last posting has been read back, the chain's head is unknown here and nothing is posted.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from sqlalchemy import Connection, Engine, delete, insert, select, update

from app.chain.rpc import Rpc
from app.contracts.posting import sealed_of, stream_of
from app.db.clock import now, stamp
from app.domain.chunks import chunks
from app.domain.errors import ChainFault
from app.domain.events import ParsedEvent
from app.domain.legs import Leg, unpack
from app.intake.accept import Intake
from app.intake.tables import events
from app.intake.validation import Validator
from app.keys.sealing import open_details
from app.outbox.facility import PostingFacility
from app.outbox.history import log_state
from app.outbox.lease import Lease
from app.outbox.legs import event_of
from app.outbox.lifecycle import FINAL
from app.outbox.nonce_queue import store
from app.outbox.tables import LETTER_WAITS, attempts, batch_log, batches, dead_letters
from app.readmodel.tables import postings
from app.verify.transactions import encode_transaction

FEED = "read back from the chain"

_AT_A_TIME = 900
_log = structlog.get_logger()


@dataclass(slots=True)
class Restored:
    """What was done for one facility."""

    facility: str
    batches: int = 0
    """Read back from the chain."""
    events: int = 0
    """Taken in again; the others were here and are now known to be posted."""
    dropped: list[int] = field(default_factory=list)
    """Sequences of this database's batches that the chain has otherwise."""
    unreadable: list[str] = field(default_factory=list)
    """Legs whose details do not open or say something else: no event stands for them. The chain
    refuses each of them as a duplicate, should it be sent again."""


@dataclass(frozen=True, slots=True)
class _Posting:
    sequence: int
    digest: bytes
    tx_hash: str
    block_number: int
    legs: int


class Restorer:
    """Reads back the postings of one bank. No other process may post meanwhile: it holds the
    key's lease."""

    def __init__(
        self, engine: Engine, rpc: Rpc, lease: Lease, member: int, sealing_keys: Iterable[bytes]
    ) -> None:
        self._engine = engine
        self._rpc = rpc
        self._lease = lease
        self._member = member
        self._sealing_keys = sealing_keys

    def restore(self, facility: PostingFacility, intake: Intake) -> Restored:
        """Bring one facility's batches and events up to the chain, as the read model has it.

        Raises LeaseLost, ChainUnreachable or StorageFault: call again, it goes on from there.
        """
        done = Restored(facility.id)
        posted = self._posted(facility)
        known = self._known(facility)
        missing = [one for one in posted if known.get(one.sequence) != one.digest]
        if not missing:
            return done
        self._drop(facility, missing[0].sequence, done)
        for posting in missing:
            self._lease.hold()
            self._read_back(facility, posting, intake, done)
        return done

    def _posted(self, facility: PostingFacility) -> list[_Posting]:
        c = postings.c
        with self._engine.connect() as connection:
            return [
                _Posting(
                    row.sequence,
                    bytes(row.digest),
                    "0x" + bytes(row.tx_hash).hex(),
                    row.block_number,
                    row.legs,
                )
                for row in connection.execute(
                    select(postings)
                    .where(c.facility == facility.number, c.member == self._member)
                    .order_by(c.sequence)
                )
            ]

    def _known(self, facility: PostingFacility) -> dict[int, bytes]:
        query = select(batches.c.sequence, batches.c.digest).where(
            batches.c.facility == facility.id
        )
        with self._engine.connect() as connection:
            return {row.sequence: bytes(row.digest) for row in connection.execute(query)}

    def _drop(self, facility: PostingFacility, first: int, done: Restored) -> None:
        """Forget this database's batches from a sequence on: the chain has others there."""
        with self._lease.writing() as connection:
            rows = connection.execute(
                select(batches.c.id, batches.c.sequence, batches.c.state).where(
                    batches.c.facility == facility.id, batches.c.sequence >= first
                )
            ).all()
            ids = [row.id for row in rows]
            for table in (events, dead_letters):
                connection.execute(
                    update(table).where(table.c.batch_id.in_(ids)).values(batch_id=None)
                )
            for history in (batch_log, attempts):
                connection.execute(delete(history).where(history.c.batch_id.in_(ids)))
            connection.execute(delete(batches).where(batches.c.id.in_(ids)))
        for row in rows:
            done.dropped.append(row.sequence)
            _log.warning(
                "batch dropped",
                facility=facility.id,
                sequence=row.sequence,
                state=row.state,
                why="the chain has another one at this sequence",
            )

    def _read_back(
        self,
        facility: PostingFacility,
        posting: _Posting,
        intake: Intake,
        done: Restored,
    ) -> None:
        transaction, receipt = self._rpc.batch(
            [
                ("eth_getTransactionByHash", [posting.tx_hash]),
                ("eth_getTransactionReceipt", [posting.tx_hash]),
            ]
        )
        if transaction is None or receipt is None:
            raise ChainFault(
                "the node does not have a transaction whose logs it has",
                where=posting.tx_hash,
                remedy="Let it sync, or name another one in `rpc`; then restore again",
            )
        calldata = bytes.fromhex(transaction["input"][2:])
        found = list(self._events(facility, posting, calldata, intake.validator, done))
        fresh = self._unknown([event for _, event in found])
        if fresh:
            # Those that stand come before their declared duplicates.
            duplicates = {event.event_id for leg, event in found if leg.duplicate}
            fresh.sort(key=lambda event: event.event_id in duplicates)
            intake.submit(fresh, f"{FEED}, batch {posting.sequence}", "chain")
        self._link(facility, posting, calldata, transaction, receipt, found)
        done.batches += 1
        done.events += len(fresh)
        _log.info(
            "batch read back",
            facility=facility.id,
            sequence=posting.sequence,
            transaction=posting.tx_hash,
            block=posting.block_number,
            events=len(found),
        )

    def _events(
        self,
        facility: PostingFacility,
        posting: _Posting,
        calldata: bytes,
        validator: Validator,
        done: Restored,
    ) -> Iterator[tuple[Leg, ParsedEvent]]:
        details = open_details(sealed_of(calldata), self._member, self._sealing_keys) or []
        for place, leg in enumerate(unpack(stream_of(calldata))):
            row = details[place] if place < len(details) else []
            event = event_of(place + 1, leg, row, facility, validator)
            if event is None:
                done.unreadable.append(f"batch {posting.sequence}, word {leg.word}")
            else:
                yield leg, event

    def _unknown(self, found: Sequence[ParsedEvent]) -> list[ParsedEvent]:
        known: set[str] = set()
        with self._engine.connect() as connection:
            for ids in chunks((event.event_id for event in found), _AT_A_TIME):
                among = select(events.c.event_id).where(events.c.event_id.in_(ids))
                known |= set(connection.scalars(among))
        return [event for event in found if event.event_id not in known]

    def _link(
        self,
        facility: PostingFacility,
        posting: _Posting,
        calldata: bytes,
        transaction: dict[str, Any],
        receipt: dict[str, Any],
        found: Sequence[tuple[Leg, ParsedEvent]],
    ) -> None:
        """Store the batch as final, and its events as in it; in one transaction."""
        with self._lease.writing() as connection:
            batch: int = connection.execute(
                insert(batches)
                .values(
                    facility=facility.id,
                    facility_number=facility.number,
                    sequence=posting.sequence,
                    legs=posting.legs,
                    calldata=calldata,
                    digest=posting.digest,
                    gas_limit=int(transaction["gas"], 16),
                    gas_used=int(receipt["gasUsed"], 16),
                    block_number=posting.block_number,
                    state=FINAL,
                    sealed_at=stamp(now()),
                )
                .returning(batches.c.id)
            ).scalar_one()
            log_state(connection, [batch], FINAL, FEED)
            _keep_attempt(connection, batch, transaction)
            for leg, event in found:
                linked = connection.execute(
                    update(events)
                    .where(
                        events.c.event_id == event.event_id,
                        events.c.identity == event.identity,
                        events.c.amount == event.amount,
                    )
                    .values(batch_id=batch, leg_index=leg.word)
                    .returning(events.c.id)
                ).scalars()
                for id_ in linked.all():
                    connection.execute(
                        update(dead_letters)
                        .where(dead_letters.c.event == id_, LETTER_WAITS)
                        .values(replayed_at=stamp(now()))
                    )


def _keep_attempt(connection: Connection, batch: int, transaction: dict[str, Any]) -> None:
    """Store the signed bytes, so that a chain that loses them can be sent them again."""
    try:
        raw = encode_transaction(transaction)
    except ValueError:
        return  # of a type of which this bank sends none
    operator = to_checksum_address(transaction["from"])
    nonce = int(transaction["nonce"], 16)
    taken = connection.execute(
        select(attempts.c.id).where(attempts.c.operator == operator, attempts.c.nonce == nonce)
    ).first()
    if "0x" + keccak(raw).hex() == transaction["hash"] and taken is None:
        store(connection, operator, nonce, raw, batch, bytes.fromhex(transaction["input"][2:]))
