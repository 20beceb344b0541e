"""Writing the audit trail.

A row's hash is SHA-256 of the hash before it (32 zero bytes before the first) and the row's content
as canonical JSON: its columns but the hash by name, sorted, without spaces, in UTF-8.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, text

from app.audit.actor import current_address
from app.audit.tables import audit_trail
from app.db.clock import now, stamp

Outcome = Literal["done", "refused", "failed"]
BEFORE_THE_FIRST = bytes(32)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be recorded. Neither secrets nor customers' details belong here.

    actor    `person:NAME`, `key:ID`, `command:USER`, `provider` (the bank's OpenID provider)
             or `nobody`
    act      `sign-in`, `export`, `person.roles`, the name of an act of the bank, ...
    subject  what it is about, by names and numbers
    address  where it came from; if empty, where who acts in this thread acts from
    details  what else an auditor wants to know, as JSON knows it
    """

    actor: str
    act: str
    subject: str = ""
    outcome: Outcome = "done"
    address: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def with_details(self, **details: Any) -> "Entry":
        return replace(self, details={**self.details, **details})


def append(connection: Connection, entry: Entry) -> None:
    """Add one row, in the transaction of what it records. `connection` is a writer's."""
    if connection.dialect.name == "postgresql":
        # One after the other, until the transaction ends; reading goes on. SQLite has one writer.
        connection.execute(text("LOCK TABLE audit_trail IN SHARE ROW EXCLUSIVE MODE"))
    last = connection.execute(
        select(audit_trail.c.number, audit_trail.c.hash)
        .order_by(audit_trail.c.number.desc())
        .limit(1)
    ).one_or_none()
    content = {
        "number": last.number + 1 if last else 1,
        "at": stamp(now()),
        "actor": entry.actor,
        "act": entry.act,
        "subject": entry.subject,
        "outcome": entry.outcome,
        "address": (entry.address or current_address.get())[:64],
        "details": canonical(entry.details),
    }
    before = last.hash if last else BEFORE_THE_FIRST
    connection.execute(insert(audit_trail).values(**content, hash=row_hash(before, content)))


def row_hash(before: bytes, content: Mapping[str, Any]) -> bytes:
    """The hash of a row that follows the hash `before`."""
    return hashlib.sha256(before + canonical(content).encode()).digest()


def canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
