"""Settling: what became of the batches, by the contract's own head and by receipts, nothing else.

`lifecycle` decides what follows from what is seen; here the chain is read for it, and what it
decides is written down and signed.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

import structlog
from sqlalchemy import Connection, Engine, bindparam, func, select, update

from app.chain.rpc import Rpc
from app.contracts.errors import ContractReverted
from app.contracts.reconciliation import PostingHead, Reconciliation
from app.db.clock import now, stamp
from app.outbox import lifecycle
from app.outbox.archived import take_back_calldata
from app.outbox.facility import PostingFacility
from app.outbox.history import log_state
from app.outbox.lifecycle import (
    CONFLICTING,
    FINAL,
    MAX_FAILURES,
    REFUSED,
    REORGED,
    STOPPED,
    Batch,
    Decision,
    Receipt,
    Seen,
    decide,
    failures,
    seen_of,
)
from app.outbox.nonce_queue import NonceQueue
from app.outbox.tables import AnyRow, attempts, batch_log, batches
from app.readmodel.pairs.tables import postings

_AT_A_TIME = 64
_LATE_AFTER_S = 120.0
"""After so long without a counted batch, although some are outstanding, people are told."""

_MOST_GAS = 180_000_000  # below the blocks' own limit of 200 million

_log = structlog.get_logger()


class Settler:
    """Records what the chain made of the batches of one nonce queue."""

    def __init__(
        self, engine: Engine, rpc: Rpc, contract: Reconciliation, queue: NonceQueue
    ) -> None:
        self._engine = engine
        self._rpc = rpc
        self._contract = contract
        self._queue = queue
        self._missing: dict[str, set[str]] = {}
        """Facility to its transactions without a receipt at the last look."""
        self.waits: dict[str, str] = {}
        """Facility to why its batches wait, although no person has to let them go on."""
        self._counted: dict[str, tuple[int, float, str]] = {}
        """Facility to its newest counted sequence, and since when nothing more was counted although
        it was outstanding."""

    def conflict(self, facility: PostingFacility, head: PostingHead) -> str:
        """Why nothing may be posted: what the contract counts is not ours. Empty when it is."""
        if head.sequence == 0:
            return ""
        with self._engine.connect() as connection:
            row = connection.execute(
                select(batches.c.id, batches.c.digest, batches.c.state).where(
                    batches.c.facility == facility.id, batches.c.sequence == head.sequence
                )
            ).first()
        if row is not None and row.digest == head.digest:
            return ""
        why = (
            f"the contract's batch {head.sequence} of {facility.id} is not this database's: "
            "another process posts with this bank's operator key, or this is not the database "
            "that posted (`tally restore` reads back what it lacks)"
        )
        if row is not None and row.state != CONFLICTING:
            with self._queue.lease.writing() as connection:
                log_state(connection, [row.id], CONFLICTING, why)
        return why

    def settle(
        self, facility: PostingFacility, head: PostingHead, mined: int, verified: PostingHead | None
    ) -> int:
        """Record what has become of a facility's batches; returns how many changed.

        `mined` is the chain's count of the key's transactions, read before `head` was. `verified`:
        how far the read model has come, where its blocks are verified: then nothing else is final,
        whatever `head` says, and what is final stays.
        """
        reorged = self._reorged(facility, head) if verified is None else 0
        with self._engine.connect() as connection:
            rows = connection.execute(_UNSETTLED, {"facility": facility.id}).all()
        proven = head.sequence if verified is None else verified.sequence
        counted = [row for row in rows if row.sequence <= proven]
        if counted:
            self._finalise(facility, counted)
        open_ = [row for row in rows if row.sequence > max(proven, head.sequence)]
        return reorged + len(counted) + self._go_on(facility, open_, head, mined)

    def _reorged(self, facility: PostingFacility, head: PostingHead) -> int:
        query = select(batches.c.id).where(
            batches.c.facility == facility.id,
            batches.c.state == FINAL,
            batches.c.sequence > head.sequence,
        )
        with self._engine.connect() as connection:
            if connection.execute(query.limit(1)).first() is None:
                return 0
        with self._queue.lease.writing() as connection:
            vanished = connection.execute(query).scalars().all()
            take_back_calldata(connection, facility.number, vanished)
            log_state(connection, vanished, REORGED, f"the chain's head is {head.sequence}")
        _log.warning("batches vanished", facility=facility.id, batches=len(vanished))
        return len(vanished)

    def _finalise(self, facility: PostingFacility, counted: Sequence[AnyRow]) -> None:
        ids = [row.id for row in counted]
        with self._engine.connect() as connection:
            tried = connection.execute(
                select(attempts.c.batch_id, attempts.c.tx_hash).where(attempts.c.batch_id.in_(ids))
            ).all()
            read_blocks = {
                row.id: row.block_number
                for row in connection.execute(
                    select(batches.c.id, postings.c.block_number)
                    .join(postings, postings.c.digest == batches.c.digest)
                    .where(postings.c.facility == facility.number, batches.c.id.in_(ids))
                )
            }
        receipts = self._rpc.batch([("eth_getTransactionReceipt", [one.tx_hash]) for one in tried])
        mined = {
            one.batch_id: {
                "batch": one.batch_id,
                "gas_used": int(receipt["gasUsed"], 16),
                "block_number": int(receipt["blockNumber"], 16),
                "transaction": one.tx_hash,
            }
            for one, receipt in zip(tried, receipts, strict=True)
            if receipt is not None and int(receipt["status"], 16) == 1
        }
        for batch, noted in mined.items():
            noted["block_number"] = read_blocks.get(batch, noted["block_number"])
        with self._queue.lease.writing() as connection:
            log_state(connection, ids, FINAL)
            if mined:
                connection.execute(_NOTE_RECEIPT, list(mined.values()))
        for row in counted:
            receipt = mined.get(row.id, {})
            _log.info(
                "batch final",
                facility=row.facility,
                sequence=row.sequence,
                transaction=receipt.get("transaction"),
                block=receipt.get("block_number"),
            )

    def _go_on(
        self, facility: PostingFacility, rows: Sequence[AnyRow], head: PostingHead, mined: int
    ) -> int:
        """Look at the batches that the contract does not count, and do what follows from it."""
        receipts = self._receipts([row for row in rows if row.nonce < mined])
        missing = {tx_hash for tx_hash, found in receipts.items() if found is Receipt.NONE}
        missed_before = self._missing.get(facility.id, set())
        self._missing[facility.id] = missing
        looked_at = []
        cause = ""
        nonce_ahead = self._nonce_of(facility, head.sequence) if receipts else None
        for row in rows:
            batch = Batch(row.sequence, row.state, row.nonce)
            seen = seen_of(
                batch,
                head=head.sequence,
                mined=mined,
                receipt=receipts.get(row.tx_hash, Receipt.NONE),
                was_missing=row.tx_hash in missed_before,
                nonce_ahead=nonce_ahead,
            )
            if seen is Seen.FAILED and row.state != STOPPED:
                cause, is_barred = self._cause(row)
                seen = Seen.BARRED if is_barred else seen
            if seen in (Seen.FAILED, Seen.NONCE_TAKEN):
                batch = replace(batch, failures=self._failures(row.id))
            looked_at.append((batch, seen))
            nonce_ahead = row.nonce
        is_barred = any(seen is Seen.BARRED for _, seen in looked_at)
        self._note_wait(facility.id, head, bool(rows), cause if is_barred else "")
        decided = list(zip(rows, looked_at, decide(looked_at), strict=True))
        moved = [one for one in decided if one[2].states]
        if not moved:
            return 0
        with self._queue.lease.writing() as connection:
            for row, (batch, seen), decision in moved:
                why = cause if seen in (Seen.FAILED, Seen.BARRED) else _WHY[seen]
                self._record(connection, row, decision, why)
                if decision.sign:
                    # Twice the gas: running out of it is one of the ways to fail.
                    doublings = batch.failures + (seen is Seen.FAILED)
                    gas_limit = min(row.gas_limit << doublings, _MOST_GAS)
                    calldata = connection.execute(_CALLDATA, {"batch": row.id}).scalar_one()
                    self._queue.sign(connection, row.id, calldata, gas_limit, mined)
        return len(moved)

    def _note_wait(
        self, facility: str, head: PostingHead, is_outstanding: bool, barred_by: str
    ) -> None:
        """Keep why a facility's batches wait, for people."""
        before, since, at = self._counted.get(facility, (-1, 0.0, ""))
        if before != head.sequence or not is_outstanding:
            since, at = time.monotonic(), stamp(now())
            self._counted[facility] = (head.sequence, since, at)
        batch = f"batch {head.sequence + 1} of {facility}"
        if barred_by:
            self.waits[facility] = (
                f"{batch} waits, and goes on by itself once this bank may post again: {barred_by}"
            )
        elif time.monotonic() - since > _LATE_AFTER_S:
            self.waits[facility] = (
                f"{batch} is not on the chain, and nothing of this facility was since {at}. It is "
                "sent again and again, to every endpoint in turn: see that blocks come and that "
                "the chain nodes' pools take transactions"
            )
        else:
            self.waits.pop(facility, None)

    def _record(self, connection: Connection, row: AnyRow, decision: Decision, why: str) -> None:
        for state in decision.states:
            match state:
                case lifecycle.SEALED:
                    detail = "the same bytes under a new nonce"
                case lifecycle.STOPPED:
                    detail = f"{MAX_FAILURES} attempts failed: {why}"
                case _:
                    detail = f"nonce {row.nonce}, {row.tx_hash}: {why}"
            log_state(connection, [row.id], state, detail)
            if state in REFUSED:
                _log.warning(
                    "batch failed",
                    state=state,
                    facility=row.facility,
                    sequence=row.sequence,
                    transaction=row.tx_hash,
                    why=why,
                )

    def _receipts(self, used: Sequence[AnyRow]) -> dict[str, Receipt]:
        """What the node says of the attempts whose nonces the chain has counted."""
        answers = self._rpc.batch([("eth_getTransactionReceipt", [row.tx_hash]) for row in used])
        return {
            row.tx_hash: Receipt.NONE
            if answer is None
            else Receipt.SUCCEEDED
            if int(answer["status"], 16) == 1
            else Receipt.FAILED
            for row, answer in zip(used, answers, strict=True)
        }

    def _cause(self, row: AnyRow) -> tuple[str, bool]:
        """Why an attempt failed in its turn, and whether others will lift what forbids it."""
        with self._engine.connect() as connection:
            calldata = connection.execute(_CALLDATA, {"batch": row.id}).scalar_one()
        refusal = self._contract.refusal(self._queue.address, calldata, _MOST_GAS)
        if refusal is None:
            return f"too little gas ({row.gas_limit}), or what refused it is mended", False
        return refusal.what, isinstance(refusal, ContractReverted) and refusal.may_be_lifted

    def _failures(self, batch_id: int) -> int:
        history = select(batch_log.c.state).where(batch_log.c.batch_id == batch_id)
        with self._engine.connect() as connection:
            return failures(connection.execute(history.order_by(batch_log.c.id)).scalars().all())

    def _nonce_of(self, facility: PostingFacility, sequence: int) -> int | None:
        """The newest nonce under which this key signed a batch."""
        with self._engine.connect() as connection:
            newest: int | None = connection.execute(
                select(func.max(attempts.c.nonce))
                .join(batches, batches.c.id == attempts.c.batch_id)
                .where(
                    batches.c.facility == facility.id,
                    batches.c.sequence == sequence,
                    attempts.c.operator == self._queue.address,
                )
            ).scalar_one()
        return newest


_WHY = {
    Seen.NONCE_TAKEN: "its nonce was used by bytes that are not ours",
    Seen.OUT_OF_TURN: "it came before its turn",
    Seen.PENDING: "the chain has lost the block that refused it",
}
_UNSETTLED = (
    select(
        batches.c.id,
        batches.c.facility,
        batches.c.sequence,
        batches.c.state,
        batches.c.gas_limit,
        attempts.c.nonce,
        attempts.c.tx_hash,
    )
    .join(attempts, attempts.c.batch_id == batches.c.id)
    .where(
        batches.c.facility == bindparam("facility"),
        batches.c.state != FINAL,
        attempts.c.id
        == select(func.max(attempts.c.id))
        .where(attempts.c.batch_id == batches.c.id)
        .correlate(batches)
        .scalar_subquery(),
    )
    .order_by(batches.c.sequence)
    .limit(_AT_A_TIME)
)
_CALLDATA = select(batches.c.calldata).where(batches.c.id == bindparam("batch"))
_NOTE_RECEIPT = (
    update(batches)
    .where(batches.c.id == bindparam("batch"))
    .values(gas_used=bindparam("gas_used"), block_number=bindparam("block_number"))
)
