"""Bulk reading and writing of the read model, past the ORM and past SQLAlchemy's per-row work.

SQLite takes tuples by `executemany`; PostgreSQL takes them by COPY, into the table itself or into
a temporary one to join with.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy import Connection, Table, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.db.upsert import insert_into
from app.domain.chunks import chunks
from app.domain.errors import DatabaseBusy, DatabaseUnreachable, DiskFull
from app.domain.matching.pairs import Half, pair_key, split_key
from app.domain.resolutions import Action, Side
from app.indexer.changes import DayTotal, Incident, PostingRow, Rejection, SealedPosting
from app.indexer.errors import KnownPair, OtherView
from app.indexer.load import BOOKS
from app.indexer.projection import Projection
from app.indexer.scan import Range
from app.indexer.state import MOST_WAITING, Account, ContractAccount, State, StoredPair, Touched
from app.readmodel import tables as t
from app.readmodel.archive.source import holds_pairs, rows_by_ref
from app.readmodel.archive.tables import archived_pairs, archives
from app.readmodel.pairs.tables import OPEN

_KEY = ("facility", "partner", "kind", "ref", "target_kind", "target_ref")
_KEY_TYPES = "facility bigint, partner int, kind int, ref bytea, target_kind int, target_ref bytea"
_HALF = ("amount", "value_day", "business_day", "sequence", "index", "posted_at", "reversed")
_PAIR = (
    "number",
    *_KEY,
    *("event_ref", "target_event_ref"),
    *(f"lead_{name}" for name in _HALF),
    *(f"partner_{name}" for name in _HALF),
    *("shares_version", "rules_version", "status", "first_posted_at", "due_at"),
    *("agreed_business_day", "lead_book_day", "partner_book_day"),
    *("action", "resolved_side", "resolved_at", "stated_shares"),
)
"""The columns of `pairs` in the order of `_pair_row` and `_pair`."""
_CHANGEABLE = _PAIR[len(_KEY) + 1 :]
_REJECTION = tuple("index" if name == "word" else name for name in Rejection._fields)
_CONTRACT = (
    "contract_block",
    *(f"contract_{name}" for name in BOOKS),
    "contract_open_legs",
    "contract_closed_through",
)
_NO_HALF = (None,) * len(Half._fields)


def _pair_row(pair: StoredPair) -> tuple[Any, ...]:
    return (
        pair.number,
        pair.facility,
        pair.account,
        pair.kind,
        pair.reference,
        pair.target_kind,
        pair.target_reference,
        pair.event_ref,
        pair.target_event_ref,
        *(pair.lead or _NO_HALF),
        pair.lead_reversed,
        *(pair.partner or _NO_HALF),
        pair.partner_reversed,
        pair.shares_version,
        pair.rules_version,
        pair.status,
        pair.first_posted_at,
        pair.due_at,
        pair.agreed_business_day,
        pair.lead_book_day,
        pair.partner_book_day,
        pair.action and pair.action.value,
        pair.resolved_side and pair.resolved_side.value,
        pair.resolved_at,
        pair.stated_shares,
    )


def _pair(row: Sequence[Any]) -> StoredPair:
    (
        number, facility, account, kind, reference, target_kind, target_reference,
        event_ref, target_event_ref,
        lead_amount, lead_value, lead_business, lead_sequence, lead_index, lead_at, lead_reversed,
        partner_amount, partner_value, partner_business, partner_sequence, partner_index,
        partner_at, partner_reversed,
        shares_version, rules_version, status, first_posted_at, due_at,
        agreed_day, lead_book_day, partner_book_day, action, resolved_side, resolved_at,
        stated_shares,
    ) = row  # fmt: skip
    lead, partner = None, None
    if lead_amount is not None:
        lead = Half(lead_amount, lead_value, lead_business, lead_sequence, lead_index, lead_at)
    if partner_amount is not None:
        partner = Half(
            partner_amount,
            partner_value,
            partner_business,
            partner_sequence,
            partner_index,
            partner_at,
        )
    return StoredPair(
        kind,
        target_kind,
        lead,
        partner,
        bool(lead_reversed),
        bool(partner_reversed),
        status,
        Action(action) if action else None,
        Side(resolved_side) if resolved_side else None,
        number,
        facility,
        account,
        reference,
        target_reference,
        event_ref,
        target_event_ref,
        shares_version,
        rules_version,
        first_posted_at,
        due_at,
        agreed_day,
        lead_book_day,
        partner_book_day,
        resolved_at,
        stated_shares,
    )


def load_pairs(
    connection: Connection, state: State, touched: Mapping[tuple[int, int], Touched]
) -> None:
    """Put the touched pairs into their accounts that are not there yet, as far as there are any."""
    if state.knows_waiting is None:
        _load_waiting(connection, state)
    # Where all that wait are at hand, another half's pair is new: `write` notices one that is in
    # the table nevertheless, but not one in an archive.
    halves_too = not state.knows_waiting or holds_pairs(connection)
    missing: dict[tuple[int, int], set[bytes]] = {}
    for account, its in touched.items():
        keys = its.wanted | its.halves if halves_too else its.wanted
        at_hand = state.accounts.get(account)
        if keys := keys - at_hand.pairs.keys() if at_hand else keys:
            missing[account] = keys
    if missing:
        _load_missing(connection, state.accounts, missing)
    connection.commit()


def _load_waiting(connection: Connection, state: State) -> None:
    """Put the pairs that wait for their other half into their accounts, unless they are too
    many."""
    c = t.pairs.c
    one_sided = or_(c.lead_amount.is_(None), c.partner_amount.is_(None))
    found = connection.execute(
        select(*(c[name] for name in _PAIR)).where(OPEN, one_sided).limit(MOST_WAITING + 1)
    ).all()
    state.knows_waiting = len(found) <= MOST_WAITING
    if state.knows_waiting:
        for pair in map(_pair, found):
            state.accounts[pair.facility, pair.account].pairs[_key(pair)] = pair


def _key(pair: StoredPair) -> bytes:
    return pair_key(pair.kind, pair.reference, pair.target_kind, pair.target_reference)


def _load_missing(
    connection: Connection,
    accounts: Mapping[tuple[int, int], Account],
    wanted: Mapping[tuple[int, int], set[bytes]],
) -> None:
    keys = [(*account, *split_key(key)) for account, its_keys in wanted.items() for key in its_keys]
    if connection.dialect.name == "postgresql":
        # A temporary table stays for the connection's life: created for each block, thousands a
        # day would bloat the catalogue. By its statistics (there are none) the planner would read
        # all pairs, not look up the wanted ones.
        prepare: tuple[str, ...] = (
            f"CREATE TEMPORARY TABLE IF NOT EXISTS wanted_pairs ({_KEY_TYPES})"
            " ON COMMIT DELETE ROWS",
            "SET LOCAL enable_hashjoin = off",
            "SET LOCAL enable_mergejoin = off",
            "SET LOCAL jit = off",
        )
        join = "wanted_pairs JOIN pairs ON"
    else:
        prepare = (
            f"CREATE TEMPORARY TABLE IF NOT EXISTS wanted_pairs ({', '.join(_KEY)})",
            "DELETE FROM wanted_pairs",
        )
        # SQLite takes a CROSS JOIN in the order in which it is written.
        join = "wanted_pairs CROSS JOIN pairs WHERE"
    for statement in prepare:
        connection.exec_driver_sql(statement)
    _insert(connection, "wanted_pairs", _KEY, keys)
    columns = ", ".join(f"pairs.{name}" for name in _PAIR)
    matching = " AND ".join(f"pairs.{name} = wanted_pairs.{name}" for name in _KEY)
    found = connection.exec_driver_sql(f"SELECT {columns} FROM {join} {matching}")
    rows: list[tuple[Sequence[Any], bool]] = [(row, False) for row in found.all()]
    if holds_pairs(connection):
        there = {tuple(row[1 : len(_KEY) + 1]) for row, _ in rows}
        missing = {key[3] for key in keys if key not in there}
        rows += [(row, True) for row in rows_by_ref(connection, missing)]
    for row, is_archived in rows:
        pair = _pair(row)
        key = _key(pair)
        if key in wanted.get((pair.facility, pair.account), ()):
            pair.archived = is_archived
            accounts[pair.facility, pair.account].pairs[key] = pair


def write(connection: Connection, state: State, projection: Projection, found: Range) -> None:
    """Write a range and move the cursor to its last block.

    Raises OtherView when the cursor is not where `state` has it: another indexer moved it, and
    KnownPair where a pair that is new by `state` is there already.
    """
    _move_cursor(connection, state, found)
    for statement in projection.statements:
        connection.execute(statement)
    changes = projection.changes
    blocks = [
        (header.number, header.hash, header.timestamp)
        for _, header in sorted(projection.headers.items())
    ]
    _insert(connection, "blocks", ("number", "hash", "timestamp"), blocks)
    _insert(connection, "postings", PostingRow._fields, changes.postings)
    _insert(connection, "sealed_postings", SealedPosting._fields, changes.sealed)
    try:
        _insert(connection, "pairs", _PAIR, [_pair_row(pair) for pair in changes.new_pairs])
    except (IntegrityError, psycopg.errors.UniqueViolation) as error:
        raise KnownPair from error
    changed = changes.changed_pairs.values()
    _take_back(connection, [pair for pair in changed if pair.archived])
    _update_pairs(connection, [_pair_row(pair) for pair in changed])
    _insert(connection, "rejections", _REJECTION, changes.rejections)
    _upsert(connection, t.accounts, [_account_row(one) for one in changes.accounts.values()])
    _add_day_totals(connection, changes.day_totals)
    _add_day_counts(connection, changes.day_counts)
    _put_balance_points(connection, changes.balance_points)


def _add_day_totals(
    connection: Connection, added: Mapping[tuple[int, int, int, int], DayTotal]
) -> None:
    """Add to the day totals. Their sums pass 64 bits, so they are added here, not in the
    database."""
    c = t.day_totals.c
    days: dict[tuple[int, int], set[int]] = {}
    for facility, partner, day, _ in added:
        days.setdefault((facility, partner), set()).add(day)
    sums = {
        key: [total.lead_book, total.partner_book, total.agreed] for key, total in added.items()
    }
    for (facility, partner), its_days in days.items():
        for chunk in chunks(its_days, 500):
            for row in connection.execute(
                select(t.day_totals).where(
                    c.facility == facility, c.partner == partner, c.day.in_(chunk)
                )
            ):
                *key, lead_book, partner_book, agreed = row
                if (summed := sums.get(tuple(key))) is not None:
                    for place, before in enumerate((lead_book, partner_book, agreed)):
                        if before is not None:
                            summed[place] = before + (summed[place] or 0)
    names = [one.name for one in t.day_totals.columns]
    _upsert(
        connection,
        t.day_totals,
        [dict(zip(names, (*key, *summed), strict=True)) for key, summed in sums.items()],
    )


def _put_balance_points(
    connection: Connection, points: Mapping[tuple[int, int, int], tuple[int, int, int]]
) -> None:
    """The books by time; those of a step that goes on replace what it had."""
    names = [one.name for one in t.balance_points.columns]
    rows = [dict(zip(names, (*key, *books), strict=True)) for key, books in points.items()]
    _upsert(connection, t.balance_points, rows)


def _add_day_counts(connection: Connection, added: Mapping[tuple[int, int, int, str], int]) -> None:
    """Add to the counts by day and type."""
    names = [one.name for one in t.day_counts.columns]
    rows = [dict(zip(names, (*key, count), strict=True)) for key, count in added.items()]
    _upsert(connection, t.day_counts, rows, adding="count")


def _upsert(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], adding: str = ""
) -> None:
    """Insert rows; where there is one of their key, replace it, but for the column `adding`, to
    which theirs is added."""
    if not rows:
        return
    statement = insert_into(connection, table)
    key = [one.name for one in table.primary_key.columns]
    changed = {
        one.name: one + statement.excluded[one.name]
        if one.name == adding
        else statement.excluded[one.name]
        for one in table.columns
        if one.name not in key
    }
    connection.execute(
        statement.on_conflict_do_update(index_elements=key, set_=changed), list(rows)
    )


def _account_row(account: Account) -> dict[str, int | None]:
    return {
        "facility": account.facility,
        "partner": account.partner,
        **asdict(account.books),
        **{str(name): count for name, count in account.counts.items()},
        "last_block": account.last_block,
        **_contract_columns(account.contract),
    }


def _contract_columns(contract: ContractAccount | None) -> dict[str, int | None]:
    if contract is None:
        return dict.fromkeys(_CONTRACT)
    sums = astuple(contract.books)
    values = (contract.block, *sums, contract.open_legs, contract.closed_through)
    return dict(zip(_CONTRACT, values, strict=True))


def record_incidents(
    connection: Connection, incidents: Iterable[Incident], noticed_at: int
) -> None:
    """Keep incidents; one that is known already stays as it was."""
    for what, place, block in incidents:
        connection.execute(
            insert_into(connection, t.incidents)
            .values(what=what, place=place, block=block, noticed_at=noticed_at)
            .on_conflict_do_nothing()
        )


def wipe(connection: Connection) -> None:
    """Forget all that the chain can tell again; pairs in archives too, whose files stay."""
    # In this order: it waits for the pairs that are being moved, whose keys go with the others.
    connection.execute(update(archives).values(holds_pairs=False))
    connection.execute(sqlalchemy.delete(archived_pairs))
    for table in reversed(t.CHAIN_TABLES):
        connection.execute(sqlalchemy.delete(table))


def _move_cursor(connection: Connection, state: State, found: Range) -> None:
    c = t.cursor.c
    values = {
        "block_number": found.last.number,
        "block_hash": found.last.hash,
        "block_time": found.last.timestamp,
        "validators": found.validators and found.validators.to_text(),
    }
    if state.block_hash is None:
        try:
            connection.execute(
                insert(t.cursor).values(
                    id=1, chain_id=state.chain_id, member=state.view.member, **values
                )
            )
        except IntegrityError:
            raise _lost() from None
        return
    moved = connection.execute(
        update(t.cursor)
        .where(c.block_number == state.block_number, c.block_hash == state.block_hash)
        .values(**values)
    )
    if moved.rowcount != 1:
        raise _lost()


def _lost() -> OtherView:
    return OtherView(
        "another process has moved the cursor of this read model",
        remedy="Let one node alone run on this database",
    )


def _take_back(connection: Connection, pairs: Sequence[StoredPair]) -> None:
    """Make pairs rows of the table again that lie in an archive."""
    for pair in pairs:
        k = archived_pairs.c
        connection.execute(
            sqlalchemy.delete(archived_pairs).where(
                k.ref == pair.reference, k.number == pair.number
            )
        )
    _insert(connection, "pairs", _PAIR, [_pair_row(pair) for pair in pairs])


def _update_pairs(connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    skipped = len(_KEY) + 1
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "CREATE TEMPORARY TABLE IF NOT EXISTS changed_pairs (LIKE pairs) ON COMMIT DELETE ROWS"
        )
        _insert(connection, "changed_pairs", _PAIR, rows)
        changes = ", ".join(f"{name} = changed_pairs.{name}" for name in _CHANGEABLE)
        done = connection.exec_driver_sql(
            f"UPDATE pairs SET {changes} FROM changed_pairs"
            " WHERE pairs.number = changed_pairs.number"
        )
    else:
        changes = ", ".join(f"{name} = ?" for name in _CHANGEABLE)
        done = connection.exec_driver_sql(
            f"UPDATE pairs SET {changes} WHERE number = ?",
            [(*row[skipped:], row[0]) for row in rows],
        )
    if done.rowcount != len(rows):
        raise DatabaseBusy(
            "pairs moved into an archive while the blocks that change them were read",
            remedy="The same blocks are read again",
        )


def _insert(
    connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows of driver-level values, in the order of `columns`."""
    if not rows:
        return
    names = ", ".join(f'"{name}"' for name in columns)
    if connection.dialect.name == "postgresql":
        _copy(connection, f"COPY {table} ({names}) FROM STDIN", rows)
        return
    marks = ", ".join("?" * len(columns))
    connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(rows))


def _copy(connection: Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        # COPY goes past SQLAlchemy, which would have said what this means.
        where = connection.engine.url.render_as_string(hide_password=True)
        if isinstance(error, psycopg.errors.DiskFull):
            raise DiskFull(
                "no room is left for the database", where=where, remedy="Free space on that disk"
            ) from error
        if isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
            raise DatabaseBusy(
                "the database is locked by another writer", where=where, remedy="Try again"
            ) from error
        if isinstance(error, psycopg.OperationalError):
            raise DatabaseUnreachable(
                "the database broke off the connection",
                where=where,
                remedy="Check that the server is up; the same is done again",
            ) from error
        raise
