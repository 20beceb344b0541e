"""What became of breaks, days and batches since the last look, as events for webhooks.

The breaks that are open are held against those that were told, by the database, which gives those
alone that differ; a view that is made anew tells nothing twice. While it is made anew nothing is
told: breaks that it has not come to are not resolved. What was open before the first endpoint was
registered is not told.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    and_,
    delete,
    insert,
    literal,
    not_,
    or_,
    select,
)

from app.domain.chunks import chunks
from app.domain.money import format_amount
from app.outbox.dead_letters import stopped_batches
from app.readmodel.accounts.balances import balances
from app.readmodel.accounts.sums import type_of_pair
from app.readmodel.chain import clock, position
from app.readmodel.directory import directory
from app.readmodel.pairs.tables import OPEN, pairs
from app.readmodel.values import kind_name
from app.webhooks.endpoints import endpoints
from app.webhooks.events import emit
from app.webhooks.tables import known_breaks, webhook_state

Shown = Mapping[str, Any]
_AT_A_TIME = 1_000


@dataclass(frozen=True, slots=True)
class _State:
    """The breaks by number that were opened (or are others) and resolved since the last look, each
    account's last closed day, the batches that have stopped. `block`: the last one of the view that
    says so."""

    block: int
    opened: Mapping[int, Shown]
    resolved: Mapping[int, Shown]
    closed: Mapping[str, str]
    stopped: Sequence[Shown]


def tell_news(engine: Engine) -> None:
    """Accept events for what is new. The node is not behind the chain when this is called."""
    with engine.connect() as connection:  # one snapshot: a view that is made anew is seen whole
        noted = _noted(connection)
        is_heard = bool(endpoints(connection))
        current = _now(connection, noted) if is_heard else None
    if current is None and (is_heard or noted is None):
        return
    if current is not None:
        _tell_breaks(engine, current, is_first=noted is None)
    with engine.begin() as connection:
        if _noted(connection) != noted:  # another process has told it
            return
        if current is not None and noted is not None:
            _tell(connection, current, json.loads(noted.closed), json.loads(noted.stopped))
        _note(connection, current)


def _now(connection: Connection, noted: Row[Any] | None) -> _State | None:
    """As things are; None where the view is made anew, or is the one that was told last."""
    read, stopped = position(connection), _stopped(connection)
    if read is None:
        return None
    if noted is not None:
        is_same = read.block_number == noted.block_number
        if read.block_number < noted.block_number or (
            is_same and stopped == json.loads(noted.stopped)
        ):
            return None
    closed = {
        f"{one.facility}/{one.partner}": one.closed_through.isoformat()
        for one in balances(connection)
        if one.closed_through is not None
    }
    opened, resolved = _opened(connection), _resolved(connection)
    return _State(read.block_number, opened, resolved, closed, stopped)


def _stopped(connection: Connection) -> Sequence[Shown]:
    return [
        {"facility": one.facility, "sequence": one.sequence, "legs": one.legs, "why": one.why,
         "at": one.at}
        for one in stopped_batches(connection)
    ]  # fmt: skip


def _noted(connection: Connection) -> Row[Any] | None:
    """What was told last; None where nothing was."""
    return connection.execute(select(webhook_state)).one_or_none()


def _tell_breaks(engine: Engine, current: _State, *, is_first: bool) -> None:
    """In transactions of their own, each with what it tells, so that nobody who writes waits for
    thousands of them. What one ended before it was told is told at the next look; what another
    process has told meanwhile is not told again. At the first look nothing is told."""
    for resolved in chunks(sorted(current.resolved.items()), _AT_A_TIME):
        with engine.begin() as connection:
            gone = set(_forget(connection, [number for number, _ in resolved]))
            if not is_first:
                shown = [shown for number, shown in resolved if number in gone]
                emit(connection, "break.resolved", *shown)
    for opened in chunks(sorted(current.opened.items()), _AT_A_TIME):
        with engine.begin() as connection:
            rows = {number: json.dumps(shown) for number, shown in opened}
            told = connection.execute(select(known_breaks).where(known_breaks.c.pair.in_(rows)))
            for row in told.all():
                if rows[row.pair] == row.shown:
                    del rows[row.pair]
            if not rows:
                continue
            _forget(connection, list(rows))
            fresh = [{"pair": number, "shown": shown} for number, shown in rows.items()]
            connection.execute(insert(known_breaks), fresh)
            if not is_first:
                emit(connection, "break.opened", *(json.loads(one) for one in rows.values()))


def _forget(connection: Connection, numbers: Sequence[int]) -> Sequence[int]:
    """Returns which of these were known."""
    gone = delete(known_breaks).where(known_breaks.c.pair.in_(numbers))
    return connection.execute(gone.returning(known_breaks.c.pair)).scalars().all()


def _tell(
    connection: Connection, current: _State, closed: Mapping[str, str], stopped: Sequence[Shown]
) -> None:
    for account, day in current.closed.items():
        if day > closed.get(account, ""):
            facility, _, partner = account.rpartition("/")
            emit(connection, "day.closed", {"facility": facility, "partner": partner, "day": day})
    for batch in current.stopped:
        if batch not in stopped:
            emit(connection, "batch.stopped", batch)


def _note(connection: Connection, current: _State | None) -> None:
    connection.execute(delete(webhook_state))
    if current is None:  # nobody is told any more
        connection.execute(delete(known_breaks))
        return
    connection.execute(
        insert(webhook_state).values(
            id=1,
            block_number=current.block,
            closed=json.dumps(current.closed),
            stopped=json.dumps(current.stopped),
        )
    )


def _is_break(connection: Connection) -> ColumnElement[bool]:
    """Unequal halves, and legs whose other half is overdue."""
    late = and_(pairs.c.status == "open", pairs.c.due_at < clock(connection))
    return and_(OPEN, or_(pairs.c.status != "open", late))


def _resolved(connection: Connection) -> Mapping[int, Shown]:
    """Those that were told and are no breaks any more."""
    breaks = select(pairs.c.number).where(_is_break(connection))
    gone = select(known_breaks).where(known_breaks.c.pair.not_in(breaks))
    return {one.pair: json.loads(one.shown) for one in connection.execute(gone)}


def _opened(connection: Connection) -> Mapping[int, Shown]:
    """Those that were not told as they are: what changes of a break changes its type."""
    names, c, known = directory(connection), pairs.c, known_breaks.c
    is_told = known.shown.contains(literal('"type": "') + type_of_pair() + '"')
    rows = connection.execute(
        select(
            c.number,
            c.facility,
            c.partner,
            c.kind,
            c.ref,
            c.lead_amount,
            c.partner_amount,
            type_of_pair(),
        )
        .outerjoin(known_breaks, known.pair == c.number)
        .where(_is_break(connection), or_(known.pair.is_(None), not_(is_told)))
    )
    found = {}
    for row in rows:
        terms = names.facilities[row.facility]
        found[row.number] = {
            "break": row.number,
            "facility": terms.id,
            "partner": terms.partners[row.partner - 1].name,
            "kind": kind_name(row.kind),
            "reference": "0x" + row.ref.hex(),
            "type": row.type,
            "currency": terms.currency,
            "lead_amount": _amount(row.lead_amount, terms.decimals),
            "partner_amount": _amount(row.partner_amount, terms.decimals),
        }
    return found


def _amount(minor: int | None, decimals: int) -> str | None:
    return None if minor is None else format_amount(minor, decimals)
