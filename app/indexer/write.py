"""A range written into the read model, and the cursor moved with it."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Executable, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.db.bulk import insert_rows
from app.db.upsert import insert_into
from app.domain.chunks import chunks
from app.indexer.changes import Incident, PostingRow, Rejection, SealedPosting
from app.indexer.errors import OtherView
from app.indexer.load import BOOKS
from app.indexer.pairs_table import PairRow, add_pairs, change_pairs, pair_row, take_back
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


@dataclass(frozen=True, slots=True)
class Written:
    """What a range changes in the read model, as plain values: another process can write it."""

    chain_id: int
    member: int
    before: tuple[int | None, bytes | None]
    """The cursor's block and its hash, as the range begins after them."""
    cursor: dict[str, Any]
    statements: list[Executable]
    """What rare events write, in order, before all else."""
    blocks: list[tuple[int, bytes, int]]
    postings: list[PostingRow]
    sealed: list[SealedPosting]
    new_pairs: list[PairRow]
    taken_back: list[PairRow]
    """Those that lie in an archive, changed: they are rows of the table again."""
    changed_pairs: list[PairRow]
    """All others that were there."""
    rejections: list[Rejection]
    accounts: list[dict[str, int | None]]
    day_totals: dict[tuple[int, int, int, int], list[int | None]]
    """By facility, partner, day and kind: what is added to the lead's book, the partner's and the
    agreed."""
    day_counts: dict[tuple[int, int, int, str], int]
    balance_points: dict[tuple[int, int, int], tuple[int, int, int]]
    incidents: list[Incident]
    noticed_at: int


def written(state: State, projection: Projection, found: Range) -> Written:
    """What is to be written of a range, whose cursor moves from where `state` has it to its last
    block."""
    changes = projection.changes
    taken_back = [pair for pair in changes.changed_pairs.values() if pair.archived]
    changed = [pair for pair in changes.changed_pairs.values() if not pair.archived]
    for pair in taken_back:
        pair.archived = False
    return Written(
        chain_id=state.chain_id,
        member=state.view.member,
        before=(state.block_number, state.block_hash),
        cursor={
            "block_number": found.last.number,
            "block_hash": found.last.hash,
            "block_time": found.last.timestamp,
            "validators": found.validators and found.validators.to_text(),
        },
        statements=projection.statements,
        blocks=[
            (header.number, header.hash, header.timestamp)
            for _, header in sorted(projection.headers.items())
        ],
        postings=changes.postings,
        sealed=changes.sealed,
        new_pairs=[pair_row(pair) for pair in changes.new_pairs],
        taken_back=[pair_row(pair) for pair in taken_back],
        changed_pairs=[pair_row(pair) for pair in changed],
        rejections=changes.rejections,
        accounts=[_account_row(one) for one in changes.accounts.values()],
        day_totals={
            key: [total.lead_book, total.partner_book, total.agreed]
            for key, total in changes.day_totals.items()
        },
        day_counts=dict(changes.day_counts),
        balance_points=changes.balance_points,
        incidents=changes.incidents + changes.unreadable,
        noticed_at=int(time.time()),
    )


def write(connection: Connection, ranges: Sequence[Written]) -> None:
    """Write ranges that follow each other and move the cursor to the last one's last block. A pair
    that is new in one and changed in a later one is written once.

    Raises OtherView when the cursor is not where a range begins: another indexer moved it, and
    KnownPair where a pair that is taken for new is there already.
    """
    changed = {row[0]: row for one in ranges for row in one.changed_pairs}
    for one in ranges:
        new_pairs = [changed.pop(row[0], row) for row in one.new_pairs]
        _write(connection, one, new_pairs)
    change_pairs(connection, list(changed.values()))


def _write(connection: Connection, rows: Written, new_pairs: Sequence[PairRow]) -> None:
    """All of a range but the pairs that it changed."""
    _move_cursor(connection, rows)
    for statement in rows.statements:
        connection.execute(statement)
    insert_rows(connection, "blocks", ("number", "hash", "timestamp"), rows.blocks)
    insert_rows(connection, "postings", PostingRow._fields, rows.postings)
    insert_rows(connection, "sealed_postings", SealedPosting._fields, rows.sealed)
    add_pairs(connection, new_pairs)
    take_back(connection, rows.taken_back)
    insert_rows(connection, "rejections", _REJECTION, rows.rejections)
    _upsert(connection, t.accounts, rows.accounts)
    _add_day_totals(connection, rows.day_totals)
    _add_day_counts(connection, rows.day_counts)
    _put_balance_points(connection, rows.balance_points)
    record_incidents(connection, rows.incidents, rows.noticed_at)


def _add_day_totals(
    connection: Connection, sums: Mapping[tuple[int, int, int, int], list[int | None]]
) -> None:
    """Add to the day totals. Their sums pass 64 bits, so they are added here, not in the
    database."""
    c = t.day_totals.c
    days: dict[tuple[int, int], set[int]] = {}
    for facility, partner, day, _ in sums:
        days.setdefault((facility, partner), set()).add(day)
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
    # First the cursor, as `write` moves it first: so it waits for who is writing a range still.
    connection.execute(sqlalchemy.delete(t.cursor))
    # In this order: it waits for the pairs that are being moved, whose keys go with the others.
    connection.execute(update(archives).values(holds_pairs=False))
    connection.execute(sqlalchemy.delete(archived_pairs))
    for table in reversed(t.CHAIN_TABLES):
        connection.execute(sqlalchemy.delete(table))


def _move_cursor(connection: Connection, rows: Written) -> None:
    c = t.cursor.c
    number, hash_ = rows.before
    if hash_ is None:
        try:
            connection.execute(
                insert(t.cursor).values(
                    id=1, chain_id=rows.chain_id, member=rows.member, **rows.cursor
                )
            )
        except IntegrityError:
            raise _lost() from None
        return
    moved = connection.execute(
        update(t.cursor)
        .where(c.block_number == number, c.block_hash == hash_)
        .values(**rows.cursor)
    )
    if moved.rowcount != 1:
        raise _lost()


def _lost() -> OtherView:
    return OtherView(
        "another process has moved the cursor of this read model",
        remedy="Let one node alone run on this database",
    )
