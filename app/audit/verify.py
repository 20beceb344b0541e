"""Checking the chain of the audit trail's rows."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from app.audit.tables import audit_trail
from app.audit.trail import BEFORE_THE_FIRST, row_hash

_ROWS_A_TIME = 1_000


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row: its number (0 of an empty trail) and hash. Whoever keeps it elsewhere can
    tell later whether any row up to it was changed, taken out or put in."""

    number: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.hash.hex()}"


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check found: up to where the trail holds, and what is wrong there, if anything."""

    head: Head
    wrong: str


def verify(connection: Connection, kept: Iterable[Head] = ()) -> Verified:
    """Check every row against the one before, up to the first that does not fit; and against heads
    that were kept elsewhere. `connection` reads one state of the database."""
    waiting = sorted(kept, key=lambda one: one.number, reverse=True)
    head = Head(0, BEFORE_THE_FIRST)
    in_order = select(audit_trail).order_by(audit_trail.c.number)
    with connection.execute(in_order.execution_options(yield_per=_ROWS_A_TIME)) as rows:
        for row in rows.mappings():
            content = {name: value for name, value in row.items() if name != "hash"}
            if row["number"] != head.number + 1:
                return Verified(head, f"row {head.number + 1} is missing")
            if row["hash"] != row_hash(head.hash, content):
                return Verified(
                    head, f"row {row['number']} does not fit its hash and the row before"
                )
            head = Head(row["number"], row["hash"])
            while waiting and waiting[-1].number == head.number:
                if waiting.pop().hash != head.hash:
                    return Verified(head, f"row {head.number} is not the one whose hash was kept")
    if waiting and waiting[0].number > head.number:
        return Verified(head, f"the trail ends before row {waiting[0].number}, whose hash was kept")
    return Verified(head, "")
