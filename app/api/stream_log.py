"""What the event stream is made of: blocks of the view, and the logs of alerts, acts and notes.

All of them only grow. A position in the stream is one in each of them, so that it can be taken up
again from any one, by any process of the bank, however long ago.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, func, select

from app.alerts.tables import alert_log, raised_alerts
from app.prepared_acts.tables import prepared_act_log, prepared_acts
from app.presentation.stream import (
    ActChangedOut,
    AlertChangedOut,
    BlockReadOut,
    NoteAddedOut,
    PostingReadOut,
    ResetOut,
    StreamedOut,
)
from app.readmodel.chain import blocks, cursor
from app.readmodel.directory import directory
from app.readmodel.pairs.tables import postings
from app.readmodel.values import to_time
from app.worklist.tables import break_notes

LOOK_BACK = 10_000
"""Blocks, or entries of one log, that a client may have missed."""
_AT_A_TIME = 500
_SETTLED_AFTER = timedelta(seconds=5)
"""PostgreSQL's numbers may appear out of order: a gap before a younger entry may yet be filled."""
_POSITION = re.compile(r"(\d{1,18})-([0-9a-f]{0,16})-(\d{1,18})-(\d{1,18})-(\d{1,18})")

LogName = Literal["alert", "act", "note"]


@dataclass(frozen=True, slots=True)
class Position:
    """The last block that was told, with the beginning of its hash, and the last entry of each
    log. As text it is the `id` of an event."""

    block: int = 0
    block_hash: str = ""
    alert: int = 0
    act: int = 0
    note: int = 0

    def __str__(self) -> str:
        return f"{self.block}-{self.block_hash}-{self.alert}-{self.act}-{self.note}"

    def with_entry(self, log: LogName, id_: int) -> "Position":
        """After an entry of a log."""
        value: dict[str, Any] = {log: id_}
        return replace(self, **value)


@dataclass(frozen=True, slots=True)
class Streamed:
    """One event; `position` is where the stream stands after it."""

    position: Position
    name: str
    data: StreamedOut


@dataclass(frozen=True, slots=True)
class _Log:
    name: LogName
    entries: Select[Any]
    """With the columns `id` and `at`."""
    shape: Callable[[Row[Any]], StreamedOut]


def parsed(text: str) -> Position | None:
    """The position that an event's id says; None for a text that is no such id."""
    found = _POSITION.fullmatch(text)
    if found is None:
        return None
    block, block_hash, *logs = found.groups()
    return Position(int(block), block_hash, *map(int, logs))


def newest(connection: Connection) -> Position:
    """Where a stream begins that is not taken up again. What is younger than a few seconds is told
    once more."""
    at = Position()
    last = connection.execute(select(blocks).order_by(blocks.c.number.desc()).limit(1)).first()
    if last is not None:
        at = replace(at, block=last.number, block_hash=_short(last.hash))
    for log in _LOGS:
        id_ = log.entries.selected_columns["id"]
        settled = 0
        for row in connection.execute(log.entries.order_by(id_.desc()).limit(_AT_A_TIME)):
            settled = row.id
            if not _is_young(row.at):
                break
            settled = row.id - 1
        at = at.with_entry(log.name, settled)
    return at


def why_lost(connection: Connection, at: Position) -> str:
    """Why what happened since a position cannot be told; empty where it can."""
    if (
        at.block
        and _hash_of(connection, at.block) != at.block_hash
        and not _is_behind(connection, at)
    ):
        return "the block that was told last is not in this view"
    later = select(blocks.c.number).where(blocks.c.number > at.block)
    if connection.execute(later.offset(LOOK_BACK).limit(1)).first() is not None:
        return f"more than {LOOK_BACK:,} blocks have come since"
    for log in _LOGS:
        entries = log.entries.subquery()
        last = connection.execute(select(func.max(entries.c.id))).scalar_one() or 0
        missed = last - getattr(at, log.name)
        if not 0 <= missed <= LOOK_BACK:
            return f"what became of {log.name}s since is too much, or this database is an older one"
    return ""


def since(connection: Connection, at: Position) -> Iterator[Streamed]:
    """What happened after a position, in order, as far as it is read at a time."""
    if at.block and _hash_of(connection, at.block) != at.block_hash:
        if not _is_behind(connection, at):
            why = "blocks that were told are not in this view any more"
            yield Streamed(newest(connection), "reset", ResetOut(why=why))
        return
    for block, told in _blocks(connection, at.block):
        at = replace(at, block=block.number, block_hash=_short(block.hash))
        yield Streamed(at, "block", told)
    for log in _LOGS:
        for row in _entries(connection, log, getattr(at, log.name)):
            at = at.with_entry(log.name, row.id)
            yield Streamed(at, log.name, log.shape(row))


def _entries(connection: Connection, log: _Log, after: int) -> Iterator[Row[Any]]:
    id_ = log.entries.selected_columns["id"]
    query = log.entries.where(id_ > after).order_by(id_).limit(_AT_A_TIME)
    for row in connection.execute(query):
        if row.id != after + 1 and _is_young(row.at):
            return
        after = row.id
        yield row


def _blocks(connection: Connection, after: int) -> Iterator[tuple[Row[Any], BlockReadOut]]:
    b, p = blocks.c, postings.c
    rows = connection.execute(
        select(blocks).where(b.number > after).order_by(b.number).limit(_AT_A_TIME)
    ).all()
    if not rows:
        return
    names = directory(connection)
    found: dict[int, list[PostingReadOut]] = {row.number: [] for row in rows}
    posted = connection.execute(
        select(p.block_number, p.facility, p.member, p.sequence, p.legs, p.rejected)
        .where(p.block_number.between(rows[0].number, rows[-1].number))
        .order_by(p.block_number, p.facility, p.member, p.sequence)
    )
    for one in posted:
        found.setdefault(one.block_number, []).append(
            PostingReadOut.of(
                one,
                facility=names.facility_id(one.facility),
                bank=names.member_name(one.member),
            )
        )
    for row in rows:
        yield (
            row,
            BlockReadOut(
                block=row.number,
                hash="0x" + row.hash.hex(),
                time=to_time(row.timestamp),
                postings=found[row.number],
            ),
        )


def _is_behind(connection: Connection, at: Position) -> bool:
    """Whether the view is made anew and has not come to that block again."""
    read = connection.execute(select(cursor.c.block_number)).scalar_one_or_none()
    return read is None or read < at.block


def _hash_of(connection: Connection, number: int) -> str:
    found = connection.execute(select(blocks.c.hash).where(blocks.c.number == number)).scalar()
    return "" if found is None else _short(found)


def _short(hash_: bytes) -> str:
    return hash_.hex()[:16]


def _is_young(at: str) -> bool:
    return datetime.fromisoformat(at) > datetime.now(UTC) - _SETTLED_AFTER


def _alert(row: Row[Any]) -> AlertChangedOut:
    return AlertChangedOut.of(
        row, alert=row.number, facility=row.facility or None, partner=row.partner or None
    )


def _act(row: Row[Any]) -> ActChangedOut:
    return ActChangedOut.of(row, by=row.person_name)


_l, _r = alert_log.c, raised_alerts.c
_p, _a = prepared_act_log.c, prepared_acts.c
_n = break_notes.c
_LOGS = (
    _Log(
        "alert",
        select(
            _l.id, _l.at, _l.change, _l.by, _l.note, _r.number, _r.kind, _r.subject, _r.facility,
            _r.partner,
        ).join(raised_alerts, _r.number == _l.alert),
        _alert,
    ),
    _Log(
        "act",
        select(
            _p.id, _p.at, _p.state, _p.person_name, _a.number, _a.act, _a.facility, _a.partner,
            _a.pair,
        ).join(prepared_acts, _a.number == _p.act),
        _act,
    ),
    _Log("note", select(_n.id, _n.at, _n.pair, _n.what, _n.author), NoteAddedOut.of),
)  # fmt: skip
