"""Prepared acts in the bank's database. Each state is added to the log, where nothing changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, Engine, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.actions.sender import Signed
from app.audit import trail as audit
from app.db.clock import now as now_utc
from app.db.clock import stamp
from app.db.vault import Vault, vault_of
from app.domain.errors import StorageFault
from app.people.person import Person
from app.prepared_acts.errors import ActConflict, UnknownAct
from app.prepared_acts.kinds import Content
from app.prepared_acts.lifecycle import NEXT, WAITING, State
from app.prepared_acts.tables import prepared_act_log as log
from app.prepared_acts.tables import prepared_act_transactions as transactions
from app.prepared_acts.tables import prepared_acts as acts

MOST_IN_BATCH = 100
"""Most acts that are prepared, and signed, together."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened to an act. `person` (an id) and `person_name` are None where nobody
    did it; `at` is ISO 8601, UTC."""

    state: State
    person: str | None
    person_name: str | None
    note: str
    at: str


@dataclass(frozen=True, slots=True)
class PreparedAct:
    """An act that a person has prepared, and all that became of it, oldest first.

    `facility` is None of an act about the consortium, `partner` of one about no account; `pair`:
    the number of a break, of an act about one. `batch`: the number of the first act that was
    prepared with it. `transaction` and `block` once it is on the chain.
    """

    number: int
    facility: str | None
    partner: str | None
    pair: int | None
    batch: int | None
    subject: str
    content: Content
    hash: str
    state: State
    expires_at: str
    transaction: str | None
    block: int | None
    log: tuple[Entry, ...]

    @property
    def note(self) -> str:
        """What its newest state says."""
        return self.log[-1].note


@dataclass(frozen=True, slots=True)
class Sent:
    """A stored transaction of an act."""

    address: str
    nonce: int
    transaction: str
    raw: bytes


def add(
    connection: Connection,
    content: Content,
    person: Person,
    *,
    facility: str | None,
    partner: str | None,
    pair: int | None,
    batch: int | None,
    expires_at: datetime,
) -> int:
    """Store a prepared act; returns its number. Raises ActConflict where another one about the
    same waits."""
    try:
        number: int = connection.execute(
            insert(acts)
            .values(
                act=content.act,
                facility=facility,
                partner=partner,
                pair=pair,
                batch=batch,
                subject=content.asked.subject,
                hash=content.hash,
                sealed=vault_of(connection).sealer()(content.to_json()),
                state=State.PREPARED.value,
                prepared_by=content.prepared_by,
                expires_at=stamp(expires_at),
            )
            .returning(acts.c.number)
        ).scalar_one()
    except IntegrityError:
        raise ActConflict(
            "waiting-already",
            f"an act about {content.asked.subject} waits already",
            remedy="Sign it or withdraw it first",
        ) from None
    _note(connection, number, State.PREPARED, person, "")
    return number


def move(
    connection: Connection,
    number: int,
    before: State,
    then: State,
    *,
    person: Person | None = None,
    note: str = "",
    attempt: str | None = None,
    **values: Any,
) -> bool:
    """Bring an act from one state to the next; False where it is not in that state (or, with an
    `attempt`, signed by another one) any more, and nothing is changed. `values` are of its row."""
    assert then in NEXT[before], (before, then)
    conditions = [acts.c.number == number, acts.c.state == before.value]
    if attempt is not None:
        conditions.append(acts.c.claim == attempt)
    changed = connection.execute(update(acts).where(*conditions).values(state=then.value, **values))
    if changed.rowcount != 1:
        return False
    _note(connection, number, then, person, note)
    return True


def keep_signed(
    connection: Connection,
    number: int,
    attempt: str,
    person: Person,
    address: str,
    signed: Sequence[Signed],
) -> None:
    """Store what was signed, before it is sent. Raises StorageFault where the attempt has taken so
    long that it was given up: nothing may be sent then."""
    is_ours = move(
        connection,
        number,
        State.SIGNING,
        State.SENT,
        person=person,
        attempt=attempt,
        tx_hash=signed[-1].transaction,
    )
    if not is_ours:
        raise StorageFault(
            "signing took too long and was given up; nothing was sent", remedy="Sign it again"
        )
    connection.execute(
        insert(transactions),
        [
            {
                "act": number,
                "address": address,
                "nonce": one.nonce,
                "tx_hash": one.transaction,
                "raw_transaction": one.raw,
            }
            for one in signed
        ],
    )


def sent_of(connection: Connection, number: int) -> list[Sent]:
    """The transactions of an act in the order of their nonces; the last one is the act itself."""
    rows = connection.execute(
        select(transactions).where(transactions.c.act == number).order_by(transactions.c.nonce)
    )
    return [Sent(row.address, row.nonce, row.tx_hash, bytes(row.raw_transaction)) for row in rows]


def numbers_in(connection: Connection, state: State) -> list[int]:
    """The acts in a state, oldest first."""
    query = select(acts.c.number).where(acts.c.state == state.value).order_by(acts.c.number)
    return list(connection.execute(query).scalars())


def abandoned(connection: Connection, now: datetime) -> list[int]:
    """The acts whose signing was cut off: nobody has sent anything by the time that it may take."""
    query = select(acts.c.number).where(
        acts.c.state == State.SIGNING.value, acts.c.claimed_until < stamp(now)
    )
    return list(connection.execute(query).scalars())


def expire(engine: Engine, now: datetime) -> None:
    """Let the acts expire that nobody has signed in time."""
    query = select(acts.c.number).where(
        acts.c.state == State.PREPARED.value, acts.c.expires_at < stamp(now)
    )
    with engine.connect() as connection:
        overdue = list(connection.execute(query).scalars())
    if overdue:
        with engine.begin() as connection:
            for number in overdue:
                move(connection, number, State.PREPARED, State.EXPIRED)


def one_act(connection: Connection, number: int) -> PreparedAct:
    """Raises UnknownAct."""
    found = _loaded(connection, [acts.c.number == number], 1)
    if not found:
        raise UnknownAct(f"there is no prepared act {number}", remedy="GET /v1/acts lists them")
    return found[0]


def list_acts(
    connection: Connection,
    *,
    states: Sequence[State] = (),
    pair: int | None = None,
    account: tuple[str, str] | None = None,
    facility: str | None = None,
    kinds: str | None = None,
    batch: int | None = None,
    limit: int = 100,
    before: int | None = None,
) -> list[PreparedAct]:
    """The newest first. `account` (facility, partner): those about its days. `kinds`: those whose
    names begin so, as `holds.`, or the one of that name."""
    conditions: list[ColumnElement[bool]] = []
    if states:
        conditions.append(acts.c.state.in_([one.value for one in states]))
    if pair is not None:
        conditions.append(acts.c.pair == pair)
    if account is not None:
        conditions += [
            acts.c.facility == account[0],
            acts.c.partner == account[1],
            acts.c.act.startswith("days."),
        ]
    if facility is not None:
        conditions.append(acts.c.facility == facility)
    if kinds is not None:
        is_subject = kinds.endswith(".")
        conditions.append(
            acts.c.act.startswith(kinds, autoescape=True) if is_subject else acts.c.act == kinds
        )
    if batch is not None:
        conditions.append(acts.c.batch == batch)
    if before is not None:
        conditions.append(acts.c.number < before)
    return _loaded(connection, conditions, limit)


def begin_batch(connection: Connection, number: int) -> None:
    """Let an act be the first one of a batch."""
    connection.execute(update(acts).where(acts.c.number == number).values(batch=number))


def batch_of(connection: Connection, batch: int) -> list[PreparedAct]:
    """The acts that were prepared together, oldest first. Raises UnknownAct."""
    found = list_acts(connection, batch=batch, limit=MOST_IN_BATCH)
    if not found:
        raise UnknownAct(f"there is no batch {batch}", remedy="GET /v1/acts lists what there is")
    return found[::-1]


def batch_hash(batch: Sequence[PreparedAct]) -> str:
    """What a signature of a batch names: SHA-256 over the hashes of those of its acts that wait for
    a signature, in hex. What has ended or was withdrawn since is in it no more."""
    waiting = [one.hash for one in batch if one.state is State.PREPARED]
    return sha256("".join(waiting).encode()).hexdigest()


def waiting_of(connection: Connection, subject: str) -> PreparedAct | None:
    """The act about this that something may still become of."""
    states = [one.value for one in WAITING]
    found = _loaded(connection, [acts.c.subject == subject, acts.c.state.in_(states)], 1)
    return found[0] if found else None


def count_to_sign(connection: Connection, but_by: str) -> int:
    """How many acts wait for a signature that this person, who prepared others, may give."""
    query = select(func.count()).where(
        acts.c.state == State.PREPARED.value, acts.c.prepared_by != but_by
    )
    return int(connection.execute(query).scalar_one())


def newest_entry(connection: Connection) -> int:
    """Grows with everything that happens to an act."""
    return int(connection.execute(select(func.coalesce(func.max(log.c.id), 0))).scalar_one())


def not_waiting(act: PreparedAct) -> ActConflict:
    """The fault of who would sign or withdraw an act that waits for nobody any more."""
    newest = act.log[-1]
    by = f" by {newest.person_name}" if newest.person_name else ""
    return ActConflict("not-waiting", f"act {act.number} is {act.state}{by} and waits no more")


def log_state(act: PreparedAct, person: Person | None) -> None:
    """Say in the node's log where an act stands, once that is stored."""
    _log.info(
        "prepared act",
        number=act.number,
        act=act.content.act,
        subject=act.subject,
        state=act.state.value,
        person=None if person is None else person.id,
    )


def _loaded(connection: Connection, conditions: Sequence[Any], limit: int) -> list[PreparedAct]:
    rows = connection.execute(
        select(acts).where(*conditions).order_by(acts.c.number.desc()).limit(limit)
    ).all()
    if not rows:
        return []
    entries: dict[int, list[Entry]] = {}
    numbers = [row.number for row in rows]
    for one in connection.execute(select(log).where(log.c.act.in_(numbers)).order_by(log.c.id)):
        entries.setdefault(one.act, []).append(
            Entry(State(one.state), one.person, one.person_name, one.note, one.at)
        )
    vault = vault_of(connection)
    return [_act(row, vault, entries[row.number]) for row in rows]


def _act(row: Row[Any], vault: Vault, entries: Sequence[Entry]) -> PreparedAct:
    return PreparedAct(
        number=row.number,
        facility=row.facility,
        partner=row.partner,
        pair=row.pair,
        batch=row.batch,
        subject=row.subject,
        content=Content.from_json(vault.open(bytes(row.sealed))),
        hash=row.hash,
        state=State(row.state),
        expires_at=row.expires_at,
        transaction=row.tx_hash,
        block=row.block_number,
        log=tuple(entries),
    )


def _note(
    connection: Connection, number: int, state: State, person: Person | None, note: str
) -> None:
    connection.execute(
        insert(log).values(
            act=number,
            state=state.value,
            person=None if person is None else person.id,
            person_name=None if person is None else person.display_name,
            note=note,
            at=stamp(now_utc()),
        )
    )
    act, subject = connection.execute(
        select(acts.c.act, acts.c.subject).where(acts.c.number == number)
    ).one()
    audit.append(
        connection,
        audit.Entry(
            actor="nobody" if person is None else f"person:{person.name}",
            act=act,
            subject=subject,
            outcome=_OUTCOMES.get(state, "done"),
            details={"prepared_act": number, "state": state.value},
        ),
    )


_OUTCOMES: dict[State, audit.Outcome] = {State.REFUSED: "refused", State.FAILED: "failed"}
