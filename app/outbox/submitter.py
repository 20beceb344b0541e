"""The submitter: turns waiting events into batches and carries them to the chain, lane by lane."""

from collections.abc import Iterable

from sqlalchemy import Engine, func, select

from app.outbox.channel import PostingFacility
from app.outbox.dispatch import WINDOW, Dispatcher
from app.outbox.fix import fix_batch, newest_head
from app.outbox.lease import Lease
from app.outbox.tables import FIXED, OFFERED, REWOUND, STOPPED, batches


class Submitter:
    """One bank's submitter. `tick` does whatever can be done now and never waits for a block."""

    def __init__(self, engine: Engine, dispatcher: Dispatcher, lease: Lease) -> None:
        self._engine = engine
        self._dispatcher = dispatcher
        self._lease = lease

    @property
    def incidents(self) -> list[str]:
        """What a person must see: foreign or reverted batches, vanished blocks."""
        return self._dispatcher.incidents

    def tick(self, facilities: Iterable[PostingFacility]) -> int:
        """Settle, fix and offer once; returns how many batches moved.

        Does nothing while another process holds the lane. Raises ChainUnreachable when the chain
        does not answer: nothing is lost, call again later.
        """
        if not self._lease.acquire():
            return 0
        moved = 0
        for facility in facilities:
            moved += self._dispatcher.settle(facility.id, facility.number)
            moved += self._fix(facility)
        return moved + self._dispatcher.offer()

    def stopped(self, facility: str) -> bool:
        """Whether a batch has used up its attempts, so that its lane waits for a person."""
        with self._engine.connect() as connection:
            return bool(
                connection.execute(
                    select(func.count()).where(
                        batches.c.facility == facility, batches.c.state == STOPPED
                    )
                ).scalar_one()
            )

    def _fix(self, facility: PostingFacility) -> int:
        fixed = 0
        while self._room(facility.id):
            with self._engine.begin() as connection:
                self._lease.check(connection)
                head = newest_head(connection, facility.id) or self._dispatcher.contract.head(
                    facility.number, self._dispatcher.member
                )
                batch = fix_batch(connection, facility, head)
                if batch is None:
                    break
                self._dispatcher.sign_attempt(connection, batch.id, batch.calldata, batch.gas_limit)
            fixed += 1
        return fixed

    def _room(self, facility: str) -> bool:
        with self._engine.connect() as connection:
            in_flight, stopped = connection.execute(
                select(
                    func.count().filter(batches.c.state.in_((FIXED, OFFERED, REWOUND))),
                    func.count().filter(batches.c.state == STOPPED),
                ).where(batches.c.facility == facility)
            ).one()
        return bool(in_flight < WINDOW and not stopped)

    def release(self) -> None:
        """Give up the lane, at shutdown."""
        self._lease.release()
