"""Settling: what became of the batches, by the contract's own head and by receipts, nothing else.

final      the contract's sequence and digest count it
rewound    it was final and the contract counts it no more: the chain lost blocks; offered again
reverted   its transaction was mined and failed
foreign    its nonce was used by bytes that are not ours, or its sequence was
stopped    it failed too often; a person looks at it
Reverted and foreign ones get the same bytes under a new nonce. While others forbid this bank to
post (a pause, a suspension, a stop) they wait for that to end, and nothing is given up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine, bindparam, func, select, update

from app.chain.rpc import Rpc
from app.contracts.errors import ContractReverted
from app.contracts.wrappers import Head, Reconciliation
from app.outbox.facility import PostingFacility
from app.outbox.lane import Lane
from app.outbox.log import log_state
from app.outbox.tables import (
    FINAL,
    FIXED,
    FOREIGN,
    REVERTED,
    REWOUND,
    STOPPED,
    AnyRow,
    attempts,
    batch_log,
    batches,
)

MAX_ATTEMPTS = 5
"""Attempts (nonces) that one batch may use up before its facility stops for a person."""

_ONCE_MORE = "the same bytes under a new nonce"
_GOES_ON = "the same bytes under a new nonce: nobody forbids it any more"
"""In the history: what failed before did not count."""

_AT_A_TIME = 64
_MOST_GAS = 180_000_000  # below the blocks' own limit of 200 million

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Cause:
    """Why an attempt failed in its turn, and whether it may succeed once others allow it."""

    text: str
    passes: bool = False


_OUT_OF_TURN = _Cause("it came before its turn")


@dataclass(frozen=True, slots=True)
class _Failed:
    """An attempt that was not what the chain counted. `state`: reverted or foreign."""

    row: AnyRow
    state: str


class Settler:
    """Records what the chain made of one lane's batches."""

    def __init__(self, engine: Engine, rpc: Rpc, contract: Reconciliation, lane: Lane) -> None:
        self._engine = engine
        self._rpc = rpc
        self._contract = contract
        self._lane = lane
        self._absent: set[str] = set()
        self.waits: dict[str, str] = {}
        """Facility to why its batches wait until others allow them."""

    def foreign(self, facility: PostingFacility, head: Head) -> str:
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
        if row is not None and row.state != FOREIGN:
            with self._lane.lease.writing() as connection:
                log_state(connection, [row.id], FOREIGN, why)
        return why

    def settle(self, facility: PostingFacility, head: Head, mined: int) -> int:
        """Record what has become of a facility's batches; returns how many changed.

        `mined` is the chain's count of the lane's transactions, read before `head` was.
        """
        rewound = self._rewind(facility, head)
        with self._engine.connect() as connection:
            unsettled = connection.execute(_UNSETTLED, {"facility": facility.id}).all()
        proven = [row for row in unsettled if row.sequence <= head.sequence]
        if proven:
            self._finalise(proven)
        failed = self._failed([row for row in unsettled[len(proven) :] if row.nonce < mined])
        return rewound + len(proven) + self._attempt_again(unsettled, failed, head, mined)

    def _rewind(self, facility: PostingFacility, head: Head) -> int:
        query = select(batches.c.id).where(
            batches.c.facility == facility.id,
            batches.c.state == FINAL,
            batches.c.sequence > head.sequence,
        )
        with self._engine.connect() as connection:
            if connection.execute(query.limit(1)).first() is None:
                return 0
        with self._lane.lease.writing() as connection:
            vanished = connection.execute(query).scalars().all()
            log_state(connection, vanished, REWOUND, f"the chain's head is {head.sequence}")
        _log.warning("batches vanished", facility=facility.id, batches=len(vanished))
        return len(vanished)

    def _finalise(self, proven: Sequence[AnyRow]) -> None:
        ids = [row.id for row in proven]
        with self._engine.connect() as connection:
            tried = connection.execute(
                select(attempts.c.batch_id, attempts.c.tx_hash).where(attempts.c.batch_id.in_(ids))
            ).all()
        receipts = self._rpc.batch([("eth_getTransactionReceipt", [one.tx_hash]) for one in tried])
        mined = [
            {
                "batch": one.batch_id,
                "gas_used": int(receipt["gasUsed"], 16),
                "block_number": int(receipt["blockNumber"], 16),
            }
            for one, receipt in zip(tried, receipts, strict=True)
            if receipt is not None and int(receipt["status"], 16) == 1
        ]
        with self._lane.lease.writing() as connection:
            log_state(connection, ids, FINAL)
            if mined:
                connection.execute(_NOTE_RECEIPT, mined)
        transactions = {
            one.batch_id: (one.tx_hash, int(receipt["blockNumber"], 16))
            for one, receipt in zip(tried, receipts, strict=True)
            if receipt is not None and int(receipt["status"], 16) == 1
        }
        for row in proven:
            transaction, block = transactions.get(row.id, (None, None))
            _log.info(
                "batch final",
                facility=row.facility,
                sequence=row.sequence,
                transaction=transaction,
                block=block,
            )

    def _failed(self, used: Sequence[AnyRow]) -> list[_Failed]:
        """Which attempts, whose nonces the chain has counted, did not do what they should."""
        failed = []
        absent = set()
        requests = [("eth_getTransactionReceipt", [row.tx_hash]) for row in used]
        for row, receipt in zip(used, self._rpc.batch(requests), strict=True):
            if receipt is None:
                absent.add(row.tx_hash)
                # Behind one address there may be several nodes, some behind the others: look twice.
                if row.tx_hash in self._absent:
                    failed.append(_Failed(row, FOREIGN))
            elif int(receipt["status"], 16) == 0:
                failed.append(_Failed(row, REVERTED))
            # Else it was mined well since the head was read: the next look will count it.
        self._absent = absent
        return failed

    def _attempt_again(
        self, unsettled: Sequence[AnyRow], failed: list[_Failed], head: Head, mined: int
    ) -> int:
        if not failed:
            return 0
        waits_behind = next((row.sequence for row in unsettled if row.state == STOPPED), None)
        in_turn = {
            one.row.id: self._cause(one)
            for one in failed
            if one.row.sequence == head.sequence + 1 and one.row.state != STOPPED
        }
        moved = 0
        with self._lane.lease.writing() as connection:
            for one in failed:
                row = one.row
                if row.state == STOPPED:
                    continue
                cause = in_turn.get(row.id, _OUT_OF_TURN)
                waited = row.state == one.state
                if not waited:
                    detail = f"nonce {row.nonce}, {row.tx_hash}: {cause.text}"
                    log_state(connection, [row.id], one.state, detail)
                    _log.warning(
                        "batch failed",
                        state=one.state,
                        facility=row.facility,
                        sequence=row.sequence,
                        transaction=row.tx_hash,
                        why=cause.text,
                    )
                    moved += 1
                if waits_behind is not None and row.sequence > waits_behind:
                    continue
                if cause.passes:
                    self.waits[row.facility] = (
                        f"batch {row.sequence} of {row.facility} waits, and goes on by itself once "
                        f"this bank may post again: {cause.text}"
                    )
                    waits_behind = row.sequence
                    continue
                self.waits.pop(row.facility, None)
                failures = 0 if waited else _failures(connection, row.id)
                if row.id in in_turn and failures >= MAX_ATTEMPTS:
                    why = f"{failures} attempts failed: {cause.text}"
                    log_state(connection, [row.id], STOPPED, why)
                    waits_behind = row.sequence
                    continue
                # Twice the gas: running out of it is one of the ways to fail.
                gas_limit = min(row.gas_limit << min(failures, MAX_ATTEMPTS), _MOST_GAS)
                calldata = connection.execute(_CALLDATA, {"batch": row.id}).scalar_one()
                self._lane.sign_attempt(connection, row.id, calldata, gas_limit, mined)
                log_state(connection, [row.id], FIXED, _GOES_ON if waited else _ONCE_MORE)
        return moved

    def _cause(self, failed: _Failed) -> _Cause:
        if failed.state == FOREIGN:
            return _Cause("its nonce was used by bytes that are not ours")
        with self._engine.connect() as connection:
            calldata = connection.execute(_CALLDATA, {"batch": failed.row.id}).scalar_one()
        refusal = self._contract.refusal(self._lane.address, calldata, _MOST_GAS)
        if refusal is None:
            return _Cause(f"too little gas ({failed.row.gas_limit}), or not its turn yet")
        lifted = isinstance(refusal, ContractReverted) and refusal.may_be_lifted
        return _Cause(refusal.what, passes=lifted)


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


def _failures(connection: Connection, batch_id: int) -> int:
    """How often a batch has failed since it was fixed, or since a person, or the other banks, let
    it go on."""
    history = select(batch_log.c.state, batch_log.c.detail).where(batch_log.c.batch_id == batch_id)
    failures = 0
    for state, detail in connection.execute(history.order_by(batch_log.c.id)):
        if state == STOPPED or detail == _GOES_ON:
            failures = 0
        elif state in (REVERTED, FOREIGN):
            failures += 1
    return failures
