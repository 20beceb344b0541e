"""What is encrypted in a bank's database, sealed anew when its storage key rotates."""

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Column, ColumnElement, Engine, Table, bindparam, func, or_, select, update

from app.db.vault import Vault
from app.intake.tables import events, feeds, quarantine, quarantine_steps

_CHUNK_ROWS = 1_000

_SEALED: Mapping[Table, Sequence[Column[bytes]]] = {
    feeds: (feeds.c.header,),
    events: (events.c.details,),
    quarantine: (quarantine.c.value, quarantine.c.raw, quarantine.c.mended),
    quarantine_steps: (quarantine_steps.c.changes, quarantine_steps.c.why),
}

Sealed = Mapping[Table, int]
"""Up to which `id` the rows of each table are sealed anew."""


def reseal(
    engine: Engine, vault: Vault, after: Sealed, on_progress: Callable[[int, int], None]
) -> Sealed:
    """Open each encrypted value and seal it with the vault's first key; a node may go on meanwhile.

    `after` leaves out what an earlier call has done; `on_progress` is called with the rows done and
    in all. Returns how far it came. Raises StorageFault for a value that none of the vault's keys
    opens.
    """
    # A quarantined row may have been mended, and sealed with the key of before, after its turn.
    begun = {table: 0 if table is quarantine else after.get(table, 0) for table in _SEALED}
    with engine.connect() as connection:
        total = sum(
            connection.execute(
                select(func.count()).where(table.c.id > begun[table], _any_of(columns))
            ).scalar_one()
            for table, columns in _SEALED.items()
        )
    done = 0
    for table, columns in _SEALED.items():
        change = update(table).where(table.c.id == bindparam("of_id"))
        change = change.values({column.name: bindparam(f"to_{column.name}") for column in columns})
        while True:
            with engine.begin() as connection:
                rows = connection.execute(
                    select(table.c.id, *columns)
                    .where(table.c.id > begun[table], _any_of(columns))
                    .order_by(table.c.id)
                    .limit(_CHUNK_ROWS)
                ).all()
                if not rows:
                    break
                seal = vault.sealer()
                connection.execute(
                    change,
                    [
                        {"of_id": row.id}
                        | {
                            f"to_{column.name}": None
                            if sealed is None
                            else seal(vault.open(sealed))
                            for column, sealed in zip(columns, row[1:], strict=True)
                        }
                        for row in rows
                    ],
                )
            begun[table] = rows[-1].id
            done += len(rows)
            on_progress(done, total)
    return begun


def _any_of(columns: Sequence[Column[bytes]]) -> ColumnElement[bool]:
    return or_(*(column.is_not(None) for column in columns))
