"""One submitter per operator key: a lease with a fencing number, held in the bank's database."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.outbox.tables import leases

LEASE_MS = 5_000
"""How long a successor waits for a submitter that was killed. Work may take longer: the fence, not
the time, keeps two of them apart."""
_RENEWALS = 3
"""How often a lease is renewed in the time that it lasts: two of them may be late."""

Standing = Literal["held", "elsewhere", "none"]
"""Whose a lease is: ours, another holder's, or not asked for."""


class LeaseLost(Exception):
    """Another process holds the lease now; nothing more may be written under the old fence."""


class Lease:
    """`holder` names this process (host, pid, start). `hold` before work, write in `writing`."""

    def __init__(self, engine: Engine, operator: str, holder: str) -> None:
        self._engine = engine
        self._operator = operator
        self._holder = holder
        self._fence = 0
        self._renew_at = 0.0
        self.standing: Standing = "none"
        """As `hold` and `writing` last found it."""

    def hold(self) -> bool:
        """Take or renew the lease; False while another holder's has not run out."""
        if time.monotonic() < self._renew_at:
            return True
        self._renew_at = 0.0
        fence = self._acquire()
        if fence is None:
            self.standing = "elsewhere"
            return False
        self.standing = "held"
        self._fence = fence
        self._renew_at = time.monotonic() + LEASE_MS / 1000 / _RENEWALS
        return True

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction under our fence, committed at the end. Raises LeaseLost when it is not
        ours any more; a successor waits until the transaction has ended."""
        with self._engine.begin() as connection:
            fence = connection.execute(
                select(leases.c.fence).where(leases.c.operator == self._operator).with_for_update()
            ).scalar_one()
            if fence != self._fence:
                self._renew_at = 0.0
                self.standing = "elsewhere"
                raise LeaseLost(
                    f"the lease of key {self._operator} is another submitter's (fence {fence})"
                )
            yield connection

    def release(self) -> None:
        """Let the lease run out now, so that a successor need not wait."""
        self._renew_at = 0.0
        self.standing = "none"
        with self._engine.begin() as connection:
            connection.execute(
                update(leases)
                .where(leases.c.operator == self._operator, leases.c.fence == self._fence)
                .values(expires_at=0)
            )

    def _acquire(self) -> int | None:
        """The fence under which the lease is ours now; None while it is another's."""
        now_ms = time.time_ns() // 1_000_000
        ours = {"holder": self._holder, "expires_at": now_ms + LEASE_MS}
        with self._engine.begin() as connection:
            row = connection.execute(
                select(leases).where(leases.c.operator == self._operator)
            ).first()
            if row is None:
                try:
                    with connection.begin_nested():
                        connection.execute(
                            insert(leases).values(operator=self._operator, fence=1, **ours)
                        )
                except IntegrityError:  # another process was first
                    return None
                return 1
            renewing = row.holder == self._holder and row.fence == self._fence
            if not renewing and row.expires_at > now_ms:
                return None
            fence: int = row.fence if renewing else row.fence + 1
            taken = connection.execute(
                update(leases)
                .where(leases.c.operator == self._operator, leases.c.fence == row.fence)
                .values(fence=fence, **ours)
            )
            return fence if taken.rowcount == 1 else None
