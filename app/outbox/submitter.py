"""The submitter: turns waiting events into batches and carries them to the chain."""

import time
from collections import deque
from collections.abc import Sequence

import structlog
from sqlalchemy import Engine, bindparam, func, select

from app.chain.engines import engine as chain_engine
from app.chain.errors import OutOfSync
from app.chain.identity import check_identity, identity_requests
from app.chain.manifest import Manifest
from app.chain.newest import confirmed
from app.chain.rpc import Rpc
from app.contracts.reconciliation import PostingHead, Reconciliation
from app.logs import listed
from app.outbox.broadcast import Broadcaster
from app.outbox.facility import PostingFacility
from app.outbox.lease import LeaseLost
from app.outbox.lifecycle import BROADCAST, REFUSED, STOPPED, TO_BROADCAST
from app.outbox.nonce_queue import NonceQueue, next_nonce
from app.outbox.pace import Pace
from app.outbox.progress import has_waiting
from app.outbox.seal import SealedBatch, newest_head, seal_batch
from app.outbox.settle import Settler
from app.outbox.tables import batches
from app.readmodel.pairs.tables import postings

_log = structlog.get_logger()

_NOTHING = PostingHead(0, bytes(32))
_NEWEST_FINAL_BLOCK = (
    select(batches.c.block_number)
    .where(batches.c.block_number.is_not(None))
    .order_by(batches.c.id.desc())
    .limit(1)
)

_NEWEST_POSTING = (
    select(postings.c.sequence, postings.c.digest)
    .where(postings.c.facility == bindparam("facility"), postings.c.member == bindparam("member"))
    .order_by(postings.c.sequence.desc())
    .limit(1)
)
_HELD_UP = select(batches.c.facility).where(batches.c.state.in_((STOPPED, *REFUSED))).distinct()
"""Facilities with a batch that waits to be signed anew, or for a person."""

_ON_THEIR_WAY = select(func.count(), func.coalesce(func.sum(batches.c.gas_limit), 0)).where(
    batches.c.state.in_((*TO_BROADCAST, BROADCAST))
)


_SEALED_A_TICK = 8
"""Batches at most before they are sent: while a bank seals all that there is room for, blocks go
by empty."""


class Submitter:
    """One bank's submitter. `tick` does whatever can be done now and never waits for a block."""

    def __init__(
        self,
        engine: Engine,
        rpc: Rpc,
        manifest: Manifest,
        member: int,
        contract: Reconciliation,
        queue: NonceQueue,
    ) -> None:
        self._engine = engine
        self._rpc = rpc
        self._manifest = manifest
        self._member = member
        self._contract = contract
        self._queue = queue
        adapter = chain_engine(manifest.engine)
        self._keeps_blocks = adapter.keeps_blocks
        self._verifies = adapter.seals is not None
        self._pace = Pace(adapter.pacing)
        self._turn = ""
        self._broadcaster = Broadcaster(engine, rpc, queue)
        self._settler = Settler(engine, rpc, contract, queue)
        self.waits = self._settler.waits
        self.conflict = ""
        """Why nothing at all is posted: the contract counts batches that are not ours."""

    def tick(self, facilities: Sequence[PostingFacility]) -> int:
        """Settle, seal and broadcast once; returns how many batches moved.

        Does nothing while another process holds the lease. Raises ChainUnreachable, WrongChain or
        StorageFault: nothing is lost, call again later.
        """
        try:
            if not facilities or not self._queue.lease.hold():
                return 0
            return self._work(facilities)
        except LeaseLost:
            return 0  # its new holder does the rest

    def _work(self, facilities: Sequence[PostingFacility]) -> int:
        newest, mined, heads = self._look(facilities)
        known = [
            (facility, head, self._verified(facility) if self._verifies else None)
            for facility, head in zip(facilities, heads, strict=True)
        ]
        # All facilities share the nonces: when one of them is another's, none is posted to.
        self.conflict = "; ".join(
            why
            for facility, head, verified in known
            if (why := self._settler.conflict(facility, verified or head))
        )
        if self.conflict:
            return 0
        self._queue.take_over(mined)
        moved = sum(
            self._settler.settle(facility, head, mined, verified)
            for facility, head, verified in known
        )
        with self._engine.connect() as connection:
            count, gas = connection.execute(_ON_THEIR_WAY).one()
            sent = next_nonce(connection, self._queue.address, mined)
        self._pace.note(time.monotonic(), newest, mined, sent, count, int(gas))
        return moved + self._seal(facilities, mined) + self._broadcaster.broadcast(mined)

    def _look(self, facilities: Sequence[PostingFacility]) -> tuple[int, int, list[PostingHead]]:
        """The newest block, the chain's count of the key's transactions, then the facilities'
        heads; all of it from the network's own chain."""
        identity = identity_requests(self._manifest)
        count: tuple[str, list[object]] = (
            "eth_getTransactionCount",
            [self._queue.address, "latest"],
        )
        heads = [self._contract.head_request(one.number, self._member) for one in facilities]
        answers = self._rpc.batch([*identity, count, *heads])
        newest = check_identity(self._rpc.url, self._manifest, answers[: len(identity)])
        if self._keeps_blocks:
            self._refuse_older_than_final(newest)
        mined, *found = answers[len(identity) :]
        mined = confirmed(self._rpc, mined, "eth_getTransactionCount", self._queue.address)
        return newest, int(mined, 16), [self._contract.head(one) for one in found]

    def _verified(self, facility: PostingFacility) -> PostingHead:
        """How far the read model has come. What an endpoint says that the contract counts may be a
        lie; what the read model holds was sealed by the validators."""
        with self._engine.connect() as connection:
            row = connection.execute(
                _NEWEST_POSTING, {"facility": facility.number, "member": self._member}
            ).first()
        return _NOTHING if row is None else PostingHead(row.sequence, bytes(row.digest))

    def _refuse_older_than_final(self, newest: int) -> None:
        """A node that lags counts fewer batches than are final, and proves nothing."""
        with self._engine.connect() as connection:
            final = connection.execute(_NEWEST_FINAL_BLOCK).scalar_one_or_none() or 0
        if newest < final:
            raise OutOfSync(
                f"the node's newest block is {newest}, batches of block {final} are final",
                where=self._rpc.url,
                remedy="It lags or was wiped: let it sync, or name another one in `rpc`",
            )

    def _seal(self, facilities: Sequence[PostingFacility], mined: int) -> int:
        """Seal and sign what waits while there is room for it, a batch of each facility in turn;
        where that ends the next tick begins. One transaction: intake writes between two of them,
        and each would wait for it."""
        with self._engine.connect() as connection:
            held_up = set(connection.execute(_HELD_UP).scalars())
            turn = next((n for n, one in enumerate(facilities) if one.id == self._turn), 0)
            due = deque(
                one
                for one in (*facilities[turn:], *facilities[:turn])
                if one.id not in held_up and has_waiting(connection, one.id)
            )
        if not due or not self._pace.has_room():
            return 0
        sealed: list[tuple[PostingFacility, SealedBatch]] = []
        with self._queue.lease.writing() as connection:
            while due:
                facility = due.popleft()
                if len(sealed) == _SEALED_A_TICK or not self._pace.has_room():
                    self._turn = facility.id
                    break
                head = newest_head(connection, facility.id) or _NOTHING
                batch = seal_batch(connection, facility, head, self._pace.transaction_gas)
                if batch is None:
                    continue
                self._queue.sign(connection, batch.id, batch.calldata, batch.gas_limit, mined)
                self._pace.add(batch.gas_limit)
                due.append(facility)
                sealed.append((facility, batch))
        for facility, batch in sealed:
            for some in listed(batch.legs):
                _log.info("batch sealed", facility=facility.id, sequence=batch.sequence, legs=some)
        return len(sealed)
