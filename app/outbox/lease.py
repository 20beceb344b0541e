"""One submitter per lane: a lease with a fencing number, held in the bank's database."""

import time

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.outbox.tables import leases

LEASE_MS = 15_000


class LeaseLost(Exception):
    """Another process holds this lane now; nothing more may be fixed under the old fence."""


class Lease:
    """`holder` names this process (host, pid, start); `acquire` before work, `check` inside it."""

    def __init__(self, engine: Engine, lane: str, holder: str) -> None:
        self._engine = engine
        self._lane = lane
        self._holder = holder
        self._fence = 0

    def acquire(self) -> bool:
        """Take or renew the lease; False while another holder's has not run out."""
        now_ms = time.time_ns() // 1_000_000
        with self._engine.begin() as connection:
            row = connection.execute(select(leases).where(leases.c.lane == self._lane)).first()
            if row is None:
                try:
                    with connection.begin_nested():
                        connection.execute(
                            insert(leases).values(
                                lane=self._lane,
                                holder=self._holder,
                                fence=1,
                                expires_at=now_ms + LEASE_MS,
                            )
                        )
                except IntegrityError:
                    return False
                self._fence = 1
                return True
            ours = row.holder == self._holder and row.fence == self._fence
            if not ours and row.expires_at > now_ms:
                return False
            fence = row.fence if ours else row.fence + 1
            taken = connection.execute(
                update(leases)
                .where(leases.c.lane == self._lane, leases.c.fence == row.fence)
                .values(holder=self._holder, fence=fence, expires_at=now_ms + LEASE_MS)
            )
            if taken.rowcount != 1:
                return False
            self._fence = fence
            return True

    def check(self, connection: Connection) -> None:
        """Inside the transaction that fixes a batch: raise LeaseLost unless the fence is ours."""
        fence = connection.execute(
            select(leases.c.fence).where(leases.c.lane == self._lane).with_for_update()
        ).scalar_one()
        if fence != self._fence:
            raise LeaseLost(f"lane {self._lane} is held by another submitter (fence {fence})")

    def release(self) -> None:
        """Let the lease run out now, so that a successor need not wait."""
        with self._engine.begin() as connection:
            connection.execute(
                update(leases)
                .where(leases.c.lane == self._lane, leases.c.fence == self._fence)
                .values(expires_at=0)
            )
