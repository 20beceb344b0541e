"""The consortium as it stood after a block: members, keys, proposals, and what was done."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from app.readmodel.chain import blocks
from app.readmodel.consortium.queries import key_of, log_line, voted_hash
from app.readmodel.consortium.shapes import Key, LogLine
from app.readmodel.consortium.tables import consortium_log, member_keys, proposals, votes
from app.readmodel.directory import Directory
from app.readmodel.values import optional_time, to_time


@dataclass(frozen=True, slots=True)
class MemberAt:
    """A member as it stood. `state`: active, suspended or evicted; `stopped_until`: None unless two
    banks had stopped it."""

    name: str
    role: str
    state: str
    stopped_until: datetime | None
    admitted_at: datetime
    admitted_in: str


@dataclass(frozen=True, slots=True)
class KeyAt:
    """A key, and when it began to serve and was retired; None where it still served."""

    key: Key
    since: datetime | None
    retired: datetime | None


@dataclass(frozen=True, slots=True)
class ProposalAt:
    """A proposal as it stood; `asked` by the payload's fields; `state` as domain.votes has it."""

    number: int
    kind: str
    asked: dict[str, Any]
    proposer: str
    subject: str | None
    reason_hash: str
    content_hash: str
    created_at: datetime
    transaction: str
    state: str
    decided_at: datetime | None
    in_favour: tuple[str, ...]
    against: tuple[str, ...]


def log_up_to(connection: Connection, names: Directory, block: int) -> list[LogLine]:
    """What was done to the consortium up to a block, in the order of the chain."""
    c = consortium_log.c
    return [
        log_line(row, names)
        for row in connection.execute(
            select(consortium_log).where(c.block_number <= block).order_by(c.number)
        )
    ]


def members_at(log: Sequence[LogLine], clock: datetime) -> list[MemberAt]:
    """The members after the last line of the log, in the order of their admission."""
    found: dict[str, MemberAt] = {}
    for line in log:
        if line.member is None:
            continue
        details = line.details
        if line.what == "MemberAdmitted":
            found[line.member] = MemberAt(
                line.member, details["role"], "active", None, line.at, line.transaction
            )
            continue
        one = found[line.member]
        stopped = one.stopped_until
        if line.what == "EmergencyStopped":
            stopped = to_time(details["until"])
        elif line.what == "EmergencyLifted":
            stopped = None
        found[line.member] = MemberAt(
            one.name,
            details["role"] if line.what == "MemberRoleChanged" else one.role,
            details["state"] if line.what == "MemberStateChanged" else one.state,
            stopped if stopped is not None and stopped > clock else None,
            one.admitted_at,
            one.admitted_in,
        )
    return list(found.values())


def keys_at(connection: Connection, names: Directory, block: int) -> list[KeyAt]:
    """Every key that a member had up to a block, by member, purpose and first block."""
    k = member_keys.c
    times = {row.number: to_time(row.timestamp) for row in connection.execute(select(blocks))}

    def retired(row: Any) -> int | None:
        after = row.retired_block is None or row.retired_block > block
        return None if after else int(row.retired_block)

    return [
        KeyAt(
            key_of(row, names, retired(row)),
            times.get(row.since_block),
            times.get(retired(row) or 0),
        )
        for row in connection.execute(
            select(member_keys)
            .where(k.since_block <= block)
            .order_by(k.member, k.purpose, k.since_block, k.key)
        )
    ]


def proposals_at(
    connection: Connection, names: Directory, block: int, clock: int
) -> list[ProposalAt]:
    """Every proposal up to a block, whose time is `clock` (seconds), by number."""
    p = proposals.c
    cast: dict[int, list[Any]] = {}
    for vote in connection.execute(
        select(votes).where(votes.c.voted_at <= clock).order_by(votes.c.voted_at, votes.c.member)
    ):
        cast.setdefault(vote.proposal, []).append(vote)
    waiting = {
        json.loads(line.details)["proposal"]
        for line in connection.execute(
            select(consortium_log.c.details).where(
                consortium_log.c.what == "KeyReplacementWaits",
                consortium_log.c.block_number <= block,
            )
        )
    }
    found = []
    for row in connection.execute(
        select(proposals).where(p.created_block <= block).order_by(p.number)
    ):
        decided = row.decided_block is not None and row.decided_block <= block
        state = row.state
        if not decided:
            state = "waiting" if row.number in waiting else "open"
            if clock >= row.expires_at:
                state = "expired"
        asked = json.loads(row.asked)
        if "member" in asked:
            asked["member"] = names.member_name(asked["member"])
        by = cast.get(row.number, [])
        found.append(
            ProposalAt(
                number=row.number,
                kind=row.kind,
                asked=asked,
                proposer=names.member_name(row.proposer),
                subject=names.optional_name(row.subject),
                reason_hash="0x" + bytes(row.reason_hash).hex(),
                content_hash=voted_hash(row),
                created_at=to_time(row.created_at),
                transaction="0x" + bytes(row.tx_hash).hex(),
                state=state,
                decided_at=optional_time(row.decided_at) if decided else None,
                in_favour=tuple(names.member_name(one.member) for one in by if one.in_favour),
                against=tuple(names.member_name(one.member) for one in by if not one.in_favour),
            )
        )
    return found
