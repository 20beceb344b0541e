"""What is encrypted in a bank's database, sealed anew when its storage key rotates."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Engine,
    Table,
    bindparam,
    func,
    or_,
    select,
    true,
    update,
)

from app.db.schema import full_metadata
from app.db.types import Sealed
from app.db.vault import Vault

_CHUNK_ROWS = 1_000

SealedThrough = Mapping[Table, int]
"""Up to which key the rows are sealed anew, of the tables whose rows are never sealed again."""


def sealed_columns() -> dict[Table, Sequence[Column[bytes]]]:
    """The columns that hold sealed values, by table."""
    found = {
        table: [one for one in table.columns if isinstance(one.type, Sealed)]
        for table in full_metadata().sorted_tables
    }
    return {table: columns for table, columns in found.items() if columns}


def reseal(
    engine: Engine, vault: Vault, after: SealedThrough, on_progress: Callable[[int, int], None]
) -> SealedThrough:
    """Open each encrypted value and seal it with the vault's first key; a node may go on meanwhile.

    `after` leaves out what an earlier call has done; `on_progress` is called with the rows done and
    in all. Returns how far it came. Raises StorageFault for a value that none of the vault's keys
    opens.
    """
    tables = sealed_columns()
    with engine.connect() as connection:
        total = sum(
            connection.execute(
                select(func.count()).where(_beyond(table, after.get(table)), _any_of(columns))
            ).scalar_one()
            for table, columns in tables.items()
        )
    done, through = 0, dict(after)
    for table, columns in tables.items():
        key, last = _key(table), after.get(table)
        change = update(table).where(key == bindparam("of_key"))
        change = change.values({column.name: bindparam(f"to_{column.name}") for column in columns})
        while True:
            with engine.begin() as connection:
                rows = connection.execute(
                    select(key, *columns)
                    .where(_beyond(table, last), _any_of(columns))
                    .order_by(key)
                    .limit(_CHUNK_ROWS)
                    .with_for_update()
                ).all()
                if not rows:
                    break
                seal = vault.sealer()
                connection.execute(
                    change,
                    [
                        {"of_key": row[0]}
                        | {
                            f"to_{column.name}": None
                            if sealed is None
                            else seal(vault.open(sealed))
                            for column, sealed in zip(columns, row[1:], strict=True)
                        }
                        for row in rows
                    ],
                )
            last = rows[-1][0]
            done += len(rows)
            on_progress(done, total)
        if isinstance(last, int) and not any(_is_rewritten(one) for one in columns):
            through[table] = last
    return through


def _is_rewritten(column: Column[bytes]) -> bool:
    return isinstance(column.type, Sealed) and column.type.rewritten


def _key(table: Table) -> Column[Any]:
    (key,) = table.primary_key.columns
    return key


def _beyond(table: Table, last: Any) -> ColumnElement[bool]:
    return true() if last is None else _key(table) > last


def _any_of(columns: Sequence[Column[bytes]]) -> ColumnElement[bool]:
    return or_(*(column.is_not(None) for column in columns))
