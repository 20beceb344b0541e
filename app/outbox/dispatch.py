"""Dispatch: sign attempts, offer them, and prove by the contract's own head what became of them.

Nothing but a final receipt or the contract's sequence and digest is believed: an error of the
pool ("nonce too low", "already known") is noted and proves nothing.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from app.chain.contracts import Head, Reconciliation
from app.chain.rpc import Rpc
from app.chain.transactions import sign
from app.outbox.fix import log_state
from app.outbox.tables import (
    FINAL,
    FIXED,
    FOREIGN,
    OFFERED,
    REVERTED,
    REWOUND,
    STOPPED,
    attempts,
    batches,
)

WINDOW = 24
"""Most batches in flight at once."""

MAX_ATTEMPTS = 5
"""Attempts (nonces) that one batch may use up before its lane stops for a person."""

_OFFER_AGAIN_S = 5.0
_MOST_GAS = 180_000_000  # below the blocks' own limit of 200 million


@dataclass(slots=True)
class Dispatcher:
    """Carries fixed batches of one lane (the operator's key) to the chain.

    `incidents` collects what a person must see, newest last.
    """

    engine: Engine
    rpc: Rpc
    account: LocalAccount
    chain_id: int
    member: int
    contract: Reconciliation
    incidents: list[str] = field(default_factory=list)
    _offered_at: dict[int, float] = field(default_factory=dict)
    _mined_nonces: int | None = None

    def sign_attempt(
        self, connection: Connection, batch_id: int, calldata: bytes, gas_limit: int
    ) -> None:
        """Store a signed attempt under the lane's next nonce, in the caller's transaction."""
        nonce = self._next_nonce(connection)
        raw = sign(
            self.account,
            chain_id=self.chain_id,
            nonce=nonce,
            to=self.contract.address,
            data=calldata,
            gas=gas_limit,
        )
        connection.execute(
            insert(attempts).values(
                batch_id=batch_id,
                lane=self.account.address,
                nonce=nonce,
                raw_transaction=raw,
                tx_hash="0x" + keccak(raw).hex(),
            )
        )

    def offer(self) -> int:
        """Offer what the chain does not have yet; returns how many transactions were sent."""
        now = time.monotonic()
        with self.engine.connect() as connection:
            open_ = [
                row
                for row in self._newest_attempts(connection, (FIXED, OFFERED, REWOUND), WINDOW)
                if row.state != OFFERED
                or now - self._offered_at.get(row.id, float("-inf")) > _OFFER_AGAIN_S
            ]
        if not open_:
            return 0
        answers = self.rpc.batch_answers(
            [("eth_sendRawTransaction", ["0x" + row.raw_transaction.hex()]) for row in open_]
        )
        with self.engine.begin() as connection:
            first = [row.id for row in open_ if row.state != OFFERED]
            if first:
                log_state(connection, first, OFFERED, self.rpc.url)
            for row, answer in zip(open_, answers, strict=True):
                self._offered_at[row.id] = now
                if "error" in answer:
                    error: Any = answer["error"]
                    log_state(connection, [row.id], OFFERED, f"pool: {error.get('message')}")
        return len(open_)

    def settle(self, facility: str, facility_number: int) -> int:
        """Ask the contract how far it has come and record it; returns how many became final.

        A batch that vanished (its chain lost blocks) is marked rewound and offered again.
        """
        with self.engine.connect() as connection:
            open_ = self._newest_attempts(
                connection, (FIXED, OFFERED, REWOUND), WINDOW, facility=facility
            )
            settled = connection.execute(
                select(func.max(batches.c.sequence)).where(
                    batches.c.facility == facility, batches.c.state == FINAL
                )
            ).scalar_one()
        if not open_ and settled is None:
            return 0
        head = self.contract.head(facility_number, self.member)
        if settled is not None and head.sequence < settled:
            self._rewind(facility, head)
            return 0
        if not self._is_ours(facility, head):
            return 0
        proven = [row for row in open_ if row.sequence <= head.sequence]
        beyond = [row for row in open_ if row.sequence > head.sequence]
        if proven:
            self._finalise(proven)
        if beyond and beyond[0].state == OFFERED:
            self._look_for_failures(beyond)
        return len(proven)

    def _finalise(self, proven: list[Row[Any]]) -> None:
        receipts = self.rpc.batch([("eth_getTransactionReceipt", [r.tx_hash]) for r in proven])
        with self.engine.begin() as connection:
            log_state(connection, [row.id for row in proven], FINAL)
            for row, receipt in zip(proven, receipts, strict=True):
                self._offered_at.pop(row.id, None)
                if receipt is not None:  # an older attempt may be the one that was mined
                    connection.execute(
                        update(batches)
                        .where(batches.c.id == row.id)
                        .values(
                            gas_used=int(receipt["gasUsed"], 16),
                            block_number=int(receipt["blockNumber"], 16),
                        )
                    )

    def _look_for_failures(self, beyond: list[Row[Any]]) -> None:
        answers = self.rpc.batch(
            [("eth_getTransactionReceipt", [row.tx_hash]) for row in beyond]
            + [("eth_getTransactionCount", [self.account.address, "latest"])]
        )
        mined_nonces = self._mined_nonces = int(answers.pop(), 16)
        lost: list[tuple[Row[Any], str]] = []
        for row, receipt in zip(beyond, answers, strict=True):
            if receipt is not None and int(receipt["status"], 16) == 0:
                lost.append((row, REVERTED))
            elif receipt is None and row.nonce < mined_nonces and self._still_absent(row):
                lost.append((row, FOREIGN))
        if lost:
            self._attempt_again(lost)

    def _still_absent(self, row: Row[Any]) -> bool:
        """Receipt and nonce may have been read around a block: look once more, receipt last."""
        receipt = self.rpc.call("eth_getTransactionReceipt", [row.tx_hash])
        return receipt is None

    def _attempt_again(self, lost: list[tuple[Row[Any], str]]) -> None:
        with self.engine.begin() as connection:
            for row, state in lost:
                used = connection.execute(
                    select(func.count()).where(attempts.c.batch_id == row.id)
                ).scalar_one()
                log_state(connection, [row.id], state, f"nonce {row.nonce}, {row.tx_hash}")
                self.incidents.append(
                    f"batch {row.sequence} of {row.facility}: transaction {row.tx_hash} {state}"
                )
                if used >= MAX_ATTEMPTS:
                    log_state(connection, [row.id], STOPPED, f"after {used} attempts")
                    continue
                # Twice the gas: running out of it is one of the ways to revert.
                gas_limit = min(row.gas_limit << used, _MOST_GAS)
                self.sign_attempt(connection, row.id, row.calldata, gas_limit)
                log_state(connection, [row.id], FIXED, "the same bytes under a new nonce")

    def _rewind(self, facility: str, head: Head) -> None:
        with self.engine.begin() as connection:
            vanished = list(
                connection.execute(
                    select(batches.c.id).where(
                        batches.c.facility == facility,
                        batches.c.state == FINAL,
                        batches.c.sequence > head.sequence,
                    )
                ).scalars()
            )
            log_state(connection, vanished, REWOUND, f"the chain's head is {head.sequence}")
        self.incidents.append(
            f"{len(vanished)} mined batches of {facility} vanished from the chain; offered again"
        )

    def _is_ours(self, facility: str, head: Head) -> bool:
        """Whether what the contract counts under its head are the batches that we fixed."""
        if head.sequence == 0:
            return True
        with self.engine.connect() as connection:
            digest = connection.execute(
                select(batches.c.digest).where(
                    batches.c.facility == facility, batches.c.sequence == head.sequence
                )
            ).scalar_one_or_none()
        if digest == head.digest:
            return True
        note = (
            f"{facility}: the contract's batch {head.sequence} is not ours; another process posts "
            "with this bank's operator key, or this database is not the one that posted"
        )
        if note not in self.incidents:
            self.incidents.append(note)
        return False

    def _next_nonce(self, connection: Connection) -> int:
        last = connection.execute(
            select(func.max(attempts.c.nonce)).where(attempts.c.lane == self.account.address)
        ).scalar_one()
        if self._mined_nonces is None:
            count = self.rpc.call("eth_getTransactionCount", [self.account.address, "latest"])
            self._mined_nonces = int(count, 16)
        return self._mined_nonces if last is None else max(int(last) + 1, self._mined_nonces)

    def _newest_attempts(
        self,
        connection: Connection,
        states: tuple[str, ...],
        limit: int,
        *,
        facility: str | None = None,
    ) -> list[Row[Any]]:
        newest = (
            select(func.max(attempts.c.id).label("id"))
            .where(attempts.c.lane == self.account.address)
            .group_by(attempts.c.batch_id)
            .subquery()
        )
        query = (
            select(
                batches.c.id,
                batches.c.facility,
                batches.c.sequence,
                batches.c.state,
                batches.c.calldata,
                batches.c.gas_limit,
                attempts.c.nonce,
                attempts.c.raw_transaction,
                attempts.c.tx_hash,
            )
            .join(attempts, attempts.c.batch_id == batches.c.id)
            .join(newest, newest.c.id == attempts.c.id)
            .where(batches.c.state.in_(states))
            .order_by(attempts.c.nonce)
            .limit(limit)
        )
        if facility is not None:
            query = query.where(batches.c.facility == facility)
        return list(connection.execute(query))
