"""A range written into the read model, and the cursor moved with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.db.bulk import insert_rows
from app.db.upsert import insert_into
from app.domain.chunks import chunks
from app.indexer.changes import DayTotal, Incident, PostingRow, Rejection, SealedPosting
from app.indexer.errors import OtherView
from app.indexer.load import BOOKS
from app.indexer.pairs_table import add_pairs, change_pairs
from app.indexer.projection import Projection
from app.indexer.scan import Range
from app.indexer.state import Account, ContractAccount, State
from app.readmodel import tables as t
from app.readmodel.archive.tables import archived_pairs, archives

_REJECTION = tuple("index" if name == "word" else name for name in Rejection._fields)
_CONTRACT = (
    "contract_block",
    *(f"contract_{name}" for name in BOOKS),
    "contract_open_legs",
    "contract_closed_through",
)


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
    insert_rows(connection, "blocks", ("number", "hash", "timestamp"), blocks)
    insert_rows(connection, "postings", PostingRow._fields, changes.postings)
    insert_rows(connection, "sealed_postings", SealedPosting._fields, changes.sealed)
    add_pairs(connection, changes.new_pairs)
    change_pairs(connection, changes.changed_pairs.values())
    insert_rows(connection, "rejections", _REJECTION, changes.rejections)
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
