"""The consortium as the chain has it: members, proposals and their votes, keys, validators, log."""

import json
from collections.abc import Sequence
from typing import Any

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from sqlalchemy import ColumnElement, Connection, Row, select

from app.domain.votes import KIND_NUMBERS, content_hash, tally
from app.readmodel.chain import clock
from app.readmodel.consortium.shapes import (
    ConsortiumMember,
    Key,
    LogLine,
    Proposal,
    ValidatorNode,
    VoteCast,
)
from app.readmodel.consortium.tables import (
    consortium_log,
    member_keys,
    members,
    proposals,
    validators,
    votes,
)
from app.readmodel.directory import Directory, directory
from app.readmodel.pairs.shapes import Page
from app.readmodel.values import optional_time, to_time

_UNDECIDED = ("open", "waiting")


def list_members(connection: Connection) -> list[ConsortiumMember]:
    """Every member ever admitted, by number."""
    now = clock(connection)
    return [
        ConsortiumMember(
            number=row.number,
            name=row.name,
            role=row.role,
            state=row.state,
            stopped_until=to_time(row.stopped_until) if row.stopped_until > now else None,
            operator=address(row.operator),
            approver=address(row.approver),
            recovery=address(row.recovery),
            sealing_key=bytes(row.sealing_key).hex(),
        )
        for row in connection.execute(select(members).order_by(members.c.number))
    ]


def list_proposals(connection: Connection, number: int | None = None) -> list[Proposal]:
    """All proposals, newest first, or the one of that number."""
    wanted = [] if number is None else [proposals.c.number == number]
    return _proposals(connection, wanted, None)


def page_of_proposals(
    connection: Connection, state: str | None, limit: int, before: int | None
) -> Page[Proposal]:
    """Proposals of a state (expired is one of them), newest first; None is any."""
    c = proposals.c
    now = clock(connection)
    wanted: list[ColumnElement[bool]] = []
    if state == "expired":
        wanted += [c.state.in_(_UNDECIDED), c.expires_at <= now]
    elif state is not None:
        wanted.append(c.state == state)
    if state in _UNDECIDED:
        wanted.append(c.expires_at > now)
    if before is not None:
        wanted.append(c.number < before)
    found = _proposals(connection, wanted, limit + 1)
    return Page(found[:limit], found[limit - 1].number if len(found) > limit else None)


def _proposals(
    connection: Connection, wanted: Sequence[ColumnElement[bool]], limit: int | None
) -> list[Proposal]:
    members = {one.number: one for one in list_members(connection)}
    now = clock(connection)
    rows = connection.execute(
        select(proposals).where(*wanted).order_by(proposals.c.number.desc()).limit(limit)
    ).all()
    cast: dict[int, list[Row[Any]]] = {}
    for row in connection.execute(
        select(votes)
        .where(votes.c.proposal.in_([row.number for row in rows]))
        .order_by(votes.c.voted_at, votes.c.member)
    ):
        cast.setdefault(row.proposal, []).append(row)
    return [_proposal(row, cast.get(row.number, []), members, now) for row in rows]


def waiting_keys(connection: Connection) -> list[Proposal]:
    """The keys that a majority would give to members, which can still object; newest first."""
    c = proposals.c
    return _proposals(connection, [c.state == "waiting", c.expires_at > clock(connection)], None)


def list_validators(connection: Connection) -> list[ValidatorNode]:
    """The validator nodes, by member and address."""
    names = directory(connection)
    v = validators.c
    return [
        ValidatorNode(
            address(row.node) or "", names.member_name(row.member), row.enode, row.since_block
        )
        for row in connection.execute(select(validators).order_by(v.member, v.node))
    ]


def list_validator_nodes(connection: Connection) -> dict[ChecksumAddress, int]:
    """The addresses of the registered validators, and whose they are (member numbers)."""
    rows = connection.execute(select(validators.c.node, validators.c.member))
    return {to_checksum_address(bytes(row.node)): row.member for row in rows}


def removed_validators(connection: Connection) -> list[ChecksumAddress]:
    """Nodes that were validators once, among them such as are so again."""
    removed = select(consortium_log.c.details).where(consortium_log.c.what == "ValidatorRemoved")
    return [json.loads(details)["node"] for details in connection.execute(removed).scalars()]


def list_keys(connection: Connection, member: str | None = None) -> list[Key]:
    """The keys of all members or of one, those that serve first."""
    names = directory(connection)
    k = member_keys.c
    return [
        key_of(row, names, row.retired_block)
        for row in connection.execute(
            select(member_keys).order_by(
                k.retired_block.is_not(None), k.member, k.purpose, k.since_block, k.key
            )
        )
        if member in (None, names.member_name(row.member))
    ]


def log_lines(connection: Connection, limit: int) -> list[LogLine]:
    """The newest lines of the consortium's log, newest first."""
    names = directory(connection)
    newest = select(consortium_log).order_by(consortium_log.c.number.desc()).limit(limit)
    return [log_line(row, names) for row in connection.execute(newest)]


def key_of(row: Row[Any], names: Directory, retired_block: int | None) -> Key:
    """A row of the members' keys."""
    return Key(
        names.member_name(row.member),
        row.purpose,
        bytes(row.key).hex() if row.purpose == "sealing" else address(row.key) or "",
        row.given_by,
        row.since_block,
        retired_block,
    )


def log_line(row: Row[Any], names: Directory) -> LogLine:
    """A row of the consortium's log."""
    return LogLine(
        row.number,
        row.what,
        names.optional_name(row.member),
        names.optional_name(row.by_member),
        json.loads(row.details),
        to_time(row.at),
        row.block_number,
        "0x" + bytes(row.tx_hash).hex(),
    )


def _proposal(
    row: Row[Any], cast: list[Row[Any]], members: dict[int, ConsortiumMember], now: int
) -> Proposal:
    banks = {one.number for one in members.values() if one.votes}
    electorate = banks - {row.subject}
    stopped = {one.number for one in members.values() if one.stopped_until is not None}
    in_favour = {one.member for one in cast if one.in_favour}
    against = {one.member for one in cast if not one.in_favour}
    state = "expired" if row.state in _UNDECIDED and now >= row.expires_at else row.state
    is_open = state == "open"
    asked = json.loads(row.asked)
    if "member" in asked:
        asked["member"] = members[asked["member"]].name
    return Proposal(
        number=row.number,
        kind=row.kind,
        asked=asked,
        proposer=members[row.proposer].name,
        subject=None if row.subject is None else members[row.subject].name,
        reason_hash="0x" + bytes(row.reason_hash).hex(),
        content_hash=voted_hash(row),
        created_at=to_time(row.created_at),
        expires_at=to_time(row.expires_at),
        due_at=optional_time(row.due_at),
        state=state,
        decided_at=optional_time(row.decided_at),
        votes=tuple(
            VoteCast(
                members[one.member].name,
                one.in_favour,
                to_time(one.voted_at),
                one.member in electorate - stopped,
            )
            for one in cast
        ),
        tally=tally(banks, row.subject, stopped, in_favour, against) if is_open else None,
        missing=tuple(members[number].name for number in sorted(electorate - in_favour - against))
        if is_open
        else (),
        transaction="0x" + bytes(row.tx_hash).hex(),
    )


def voted_hash(row: Row[Any]) -> str:
    """What a vote on a row of the proposals names."""
    number = KIND_NUMBERS[row.kind]
    return "0x" + content_hash(number, bytes(row.payload), bytes(row.reason_hash)).hex()


def address(octets: bytes) -> str | None:
    """A key's address; None where a member has no such key."""
    return to_checksum_address(bytes(octets)) if any(octets) else None
