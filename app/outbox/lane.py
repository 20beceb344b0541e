"""A lane: the transactions of one operator key, in the order of their nonces.

Nonces are given by us, each to bytes that are stored before they are sent. What a pool says of them
("nonce too low", "already known") proves nothing: what the chain has not mined is offered again.
"""

import time
from collections.abc import Sequence

import structlog
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak
from sqlalchemy import Connection, Engine, exists, func, insert, select

from app.chain.rpc import Rpc
from app.contracts.transactions import sign
from app.domain.errors import ChainUnreachable
from app.outbox.lease import Lease
from app.outbox.lifecycle import FIXED, OFFERED, OPEN, REWOUND
from app.outbox.log import log_state, note
from app.outbox.tables import AnyRow, attempts, batches

_log = structlog.get_logger()

_OUTSTANDING = 64
"""Most transactions beyond the chain's count that are offered at once."""

_OFFER_AGAIN_S = 5.0
_REQUEST_BYTES = 1_500_000
"""Signed bytes a request; nodes bound the bodies that they take (Besu: 5 MB, and hex is twice)."""


class Lane:
    """The operator's key at work: signs attempts to `contract` and offers them."""

    def __init__(
        self,
        engine: Engine,
        rpc: Rpc,
        account: LocalAccount,
        chain_id: int,
        contract: ChecksumAddress,
        lease: Lease,
    ) -> None:
        self._engine = engine
        self._rpc = rpc
        self._account = account
        self._chain_id = chain_id
        self._contract = contract
        self.lease = lease
        self._offered_at: dict[int, float] = {}
        self._answers: dict[int, str] = {}
        self._turn = 0

    @property
    def address(self) -> ChecksumAddress:
        return self._account.address

    def sign_attempt(
        self,
        connection: Connection,
        batch_id: int,
        calldata: bytes,
        gas_limit: int,
        mined: int,
        nonce: int | None = None,
    ) -> None:
        """Store a signed attempt in the caller's transaction, under the next nonce or a given one.

        `mined` is the chain's count of this key's transactions.
        """
        if nonce is None:
            newest = connection.execute(
                select(func.max(attempts.c.nonce)).where(attempts.c.lane == self.address)
            ).scalar_one()
            nonce = mined if newest is None else max(int(newest) + 1, mined)
        raw = sign(
            self._account,
            chain_id=self._chain_id,
            nonce=nonce,
            to=self._contract,
            data=calldata,
            gas=gas_limit,
        )
        connection.execute(
            insert(attempts).values(
                batch_id=batch_id,
                lane=self.address,
                nonce=nonce,
                raw_transaction=raw,
                tx_hash="0x" + keccak(raw).hex(),
            )
        )

    def take_over(self, mined: int) -> None:
        """Sign anew what a former operator key of this bank has signed: since that was replaced
        the contract refuses what it signed, so that the bytes can still count only once."""
        of_others = _FIRST_OPEN.limit(None).where(
            ~exists().where(attempts.c.batch_id == batches.c.id, attempts.c.lane == self.address)
        )
        with self._engine.connect() as connection:
            if connection.execute(of_others.limit(1)).first() is None:
                return
        with self.lease.writing() as connection:
            rows = connection.execute(of_others).all()
            for row in rows:
                self.sign_attempt(connection, row.id, row.calldata, row.gas_limit, mined)
            log_state(
                connection,
                [row.id for row in rows],
                FIXED,
                f"the same bytes under the bank's new operator key {self.address}",
            )

    def offer(self, mined: int) -> int:
        """Offer what the chain has not mined; returns how many were offered for the first time.

        Superseded attempts are offered too, because the nonces behind theirs wait for them; a batch
        counts once, so that they do no harm. So are a person's calls, for the same reason.
        """
        with self._engine.connect() as connection:
            if connection.execute(_ANY_OPEN).first() is None:
                return 0
            outstanding = connection.execute(
                select(attempts.c.id, attempts.c.nonce, batches.c.state)
                .outerjoin(batches, batches.c.id == attempts.c.batch_id)
                .where(attempts.c.lane == self.address, attempts.c.nonce >= mined)
                .order_by(attempts.c.nonce)
                .limit(_OUTSTANDING)
            ).all()
        if outstanding and outstanding[0].nonce > mined:
            self._fill_gap(mined)
            return 0
        now = time.monotonic()
        never = float("-inf")
        fresh = [row.id for row in outstanding if row.state in (FIXED, REWOUND)]
        again = [row.id for row in outstanding if row.state not in (FIXED, REWOUND)]
        self._forget_all_but({row.id for row in outstanding})
        # All of them as soon as one waits for long: the later nonces wait for the earlier ones.
        if all(now - self._offered_at.get(id_, never) <= _OFFER_AGAIN_S for id_ in again):
            return self._send(self._rpc, fresh)
        endpoint = self._next_endpoint() if self._offered_at else self._rpc
        try:
            self._send(endpoint, again)
        except ChainUnreachable:
            if endpoint is self._rpc:
                raise  # the others' turns come again
        return self._send(self._rpc, fresh)

    def _next_endpoint(self) -> Rpc:
        """Where the same bytes are offered once more. A pool may be wedged: it keeps them, mines
        nothing, and says "nonce too low"; another node's mines them at once."""
        turns = [self._rpc, *self._rpc.others()]
        self._turn = (self._turn + 1) % len(turns)
        return turns[self._turn]

    def _send(self, rpc: Rpc, due: list[int]) -> int:
        sent = 0
        while due:
            with self._engine.connect() as connection:
                rows = connection.execute(_TO_SEND.where(attempts.c.id.in_(due))).all()
            chunk = _at_most(rows, _REQUEST_BYTES)
            due = due[len(chunk) :]
            answers = rpc.batch_answers(
                [("eth_sendRawTransaction", ["0x" + row.raw_transaction.hex()]) for row in chunk]
            )
            with self.lease.writing() as connection:
                fresh = [row.batch_id for row in chunk if row.state in (FIXED, REWOUND)]
                log_state(connection, fresh, OFFERED, rpc.url)
                if rpc is not self._rpc:
                    of_batches = [row.batch_id for row in chunk if row.batch_id is not None]
                    if of_batches:
                        note(connection, of_batches, OFFERED, f"also at {rpc.url}")
                for row, answer in zip(chunk, answers, strict=True):
                    error = answer.get("error")
                    said = str(error.get("message", error) if isinstance(error, dict) else error)
                    if error is not None and self._answers.get(row.id) != said:
                        self._answers[row.id] = said
                        if row.batch_id is not None:
                            note(connection, [row.batch_id], OFFERED, f"pool: {said}")
                    self._offered_at[row.id] = time.monotonic()
            for row in chunk:
                if row.state in (FIXED, REWOUND):
                    _log.info(
                        "batch offered",
                        facility=row.facility,
                        sequence=row.sequence,
                        transaction=row.tx_hash,
                        endpoint=rpc.origin,
                    )
            sent += len(fresh)
        return sent

    def _fill_gap(self, nonce: int) -> None:
        """Give a nonce that no bytes of ours have to a batch that waits: the ones behind it wait
        for it. (Another process had used it, on blocks that the chain has lost since.)"""
        with self.lease.writing() as connection:
            row = connection.execute(_FIRST_OPEN).first()
            if row is not None:
                self.sign_attempt(
                    connection, row.id, row.calldata, row.gas_limit, nonce, nonce=nonce
                )
                note(connection, [row.id], FIXED, f"once more, for the gap at nonce {nonce}")

    def _forget_all_but(self, ids: set[int]) -> None:
        for memory in (self._offered_at, self._answers):
            for gone in memory.keys() - ids:
                del memory[gone]


_ANY_OPEN = select(batches.c.id).where(batches.c.state.in_(OPEN)).limit(1)
_FIRST_OPEN = (
    select(batches.c.id, batches.c.calldata, batches.c.gas_limit)
    .where(batches.c.state.in_(OPEN))
    .order_by(batches.c.facility, batches.c.sequence)
    .limit(1)
)
_TO_SEND = (
    select(
        attempts.c.id,
        attempts.c.batch_id,
        attempts.c.tx_hash,
        attempts.c.raw_transaction,
        batches.c.state,
        batches.c.facility,
        batches.c.sequence,
    )
    .outerjoin(batches, batches.c.id == attempts.c.batch_id)
    .order_by(attempts.c.nonce)
)


def _at_most(rows: Sequence[AnyRow], most_bytes: int) -> Sequence[AnyRow]:
    """As many of the first rows as fit, at least one."""
    total = 0
    for place, row in enumerate(rows):
        total += len(row.raw_transaction)
        if place and total > most_bytes:
            return rows[:place]
    return rows
