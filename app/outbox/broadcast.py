"""Broadcasting: what the chain has not mined is sent to its nodes, again and again.

What a pool says of it ("nonce too low", "already known") proves nothing.
"""

import time
from collections.abc import Sequence

import structlog
from sqlalchemy import Engine, select

from app.chain.errors import ChainAnswer
from app.chain.rpc import Rpc
from app.domain.errors import ChainUnreachable
from app.outbox.history import log_state, note
from app.outbox.lifecycle import BROADCAST, OPEN, TO_BROADCAST
from app.outbox.nonce_queue import NonceQueue
from app.outbox.signed import whole
from app.outbox.tables import AnyRow, attempts, batches

_log = structlog.get_logger()

_OUTSTANDING = 64
"""Most transactions beyond the chain's count that are sent at once."""

_AGAIN_AFTER_S = 5.0
_REQUEST_BYTES = 1_500_000
"""Signed bytes a request; nodes bound the bodies that they take (Besu: 5 MB, and hex is twice)."""


class Broadcaster:
    """Sends the attempts of one nonce queue."""

    def __init__(self, engine: Engine, rpc: Rpc, queue: NonceQueue) -> None:
        self._engine = engine
        self._rpc = rpc
        self._queue = queue
        self._sent_at: dict[int, float] = {}
        self._answers: dict[int, str] = {}
        self._turn = 0

    def broadcast(self, mined: int) -> int:
        """Send what the chain has not mined; returns how many were sent for the first time.

        Superseded attempts are sent too, because the nonces behind theirs wait for them; a batch
        counts once, so that they do no harm. So are a person's calls, for the same reason.
        """
        with self._engine.connect() as connection:
            if connection.execute(_ANY_OPEN).first() is None:
                return 0
            outstanding = connection.execute(
                select(attempts.c.id, attempts.c.nonce, batches.c.state)
                .outerjoin(batches, batches.c.id == attempts.c.batch_id)
                .where(attempts.c.operator == self._queue.address, attempts.c.nonce >= mined)
                .order_by(attempts.c.nonce)
                .limit(_OUTSTANDING)
            ).all()
        if outstanding and outstanding[0].nonce > mined:
            self._queue.fill_gap(mined)
            return 0
        now = time.monotonic()
        never = float("-inf")
        fresh = [row.id for row in outstanding if row.state in TO_BROADCAST]
        again = [row.id for row in outstanding if row.state not in TO_BROADCAST]
        self._forget_all_but({row.id for row in outstanding})
        # All of them as soon as one waits for long: the later nonces wait for the earlier ones.
        if all(now - self._sent_at.get(id_, never) <= _AGAIN_AFTER_S for id_ in again):
            return self._send(self._rpc, fresh)
        endpoint = self._next_endpoint() if self._sent_at else self._rpc
        try:
            self._send(endpoint, again)
        except ChainUnreachable:
            if endpoint is self._rpc:
                raise  # the others' turns come again
        return self._send(self._rpc, fresh)

    def _next_endpoint(self) -> Rpc:
        """Where the same bytes are sent once more. A pool may be wedged: it keeps them, mines
        nothing, and says "nonce too low"; another node's mines them at once."""
        turns = [self._rpc, *self._rpc.others()]
        self._turn = (self._turn + 1) % len(turns)
        return turns[self._turn]

    def _send(self, rpc: Rpc, due: list[int]) -> int:
        sent = 0
        while due:
            with self._engine.connect() as connection:
                rows = connection.execute(_TO_SEND.where(attempts.c.id.in_(due))).all()
            raws = [whole(row.raw_transaction, row.calldata_at, row.calldata) for row in rows]
            count = _at_most(raws, _REQUEST_BYTES)
            answers = rpc.batch_answers(
                [("eth_sendRawTransaction", ["0x" + raw.hex()]) for raw in raws[:count]]
            )
            said = [_error_of(answer) for answer in answers]
            sent += self._record(rpc, rows[:count], said)
            due = due[count:]
        return sent

    def _record(self, rpc: Rpc, chunk: Sequence[AnyRow], said: Sequence[str]) -> int:
        """Write down what was sent where, and what the pool said that it had not said before."""
        fresh = [row for row in chunk if row.state in TO_BROADCAST]
        with self._queue.lease.writing() as connection:
            log_state(connection, [row.batch_id for row in fresh], BROADCAST, rpc.url)
            of_batches = [row.batch_id for row in chunk if row.batch_id is not None]
            if rpc is not self._rpc and of_batches:
                note(connection, of_batches, BROADCAST, f"also at {rpc.url}")
            for row, error in zip(chunk, said, strict=True):
                if error and self._answers.get(row.id) != error:
                    self._answers[row.id] = error
                    if row.batch_id is not None:
                        note(connection, [row.batch_id], BROADCAST, f"pool: {error}")
                self._sent_at[row.id] = time.monotonic()
        for row in fresh:
            _log.info(
                "batch broadcast",
                facility=row.facility,
                sequence=row.sequence,
                transaction=row.tx_hash,
                endpoint=rpc.origin,
            )
        return len(fresh)

    def _forget_all_but(self, ids: set[int]) -> None:
        for memory in (self._sent_at, self._answers):
            for gone in memory.keys() - ids:
                del memory[gone]


_ANY_OPEN = select(batches.c.id).where(batches.c.state.in_(OPEN)).limit(1)
_TO_SEND = (
    select(
        attempts.c.id,
        attempts.c.batch_id,
        attempts.c.tx_hash,
        attempts.c.raw_transaction,
        attempts.c.calldata_at,
        batches.c.calldata,
        batches.c.state,
        batches.c.facility,
        batches.c.sequence,
    )
    .outerjoin(batches, batches.c.id == attempts.c.batch_id)
    .order_by(attempts.c.nonce)
)


def _error_of(answer: dict[str, object]) -> str:
    """What a pool says against a transaction; empty when nothing."""
    error = answer.get("error")
    if error is None:
        return ""
    return ChainAnswer("eth_sendRawTransaction", error).text


def _at_most(raws: Sequence[bytes], most_bytes: int) -> int:
    """How many of the first fit, at least one."""
    total = 0
    for count, raw in enumerate(raws):
        total += len(raw)
        if count and total > most_bytes:
            return count
    return len(raws)
