"""What is encrypted in a bank's database, sealed anew when its storage key rotates."""

from collections.abc import Callable, Mapping

from sqlalchemy import Engine, Table, bindparam, func, select, update

from app.db.vault import Vault
from app.intake.tables import events, quarantine

_CHUNK_ROWS = 1_000

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
    columns = {events: events.c.details, quarantine: quarantine.c.value}
    begun = {table: after.get(table, 0) for table in columns}
    with engine.connect() as connection:
        total = sum(
            connection.execute(
                select(func.count()).where(table.c.id > begun[table], column.is_not(None))
            ).scalar_one()
            for table, column in columns.items()
        )
    done = 0
    for table, column in columns.items():
        change = update(table).where(table.c.id == bindparam("of_id"))
        while True:
            with engine.begin() as connection:
                rows = connection.execute(
                    select(table.c.id, column.label("sealed"))
                    .where(table.c.id > begun[table], column.is_not(None))
                    .order_by(table.c.id)
                    .limit(_CHUNK_ROWS)
                ).all()
                if not rows:
                    break
                seal = vault.sealer()
                connection.execute(
                    change.values({column.name: bindparam("to_value")}),
                    [{"of_id": row.id, "to_value": seal(vault.open(row.sealed))} for row in rows],
                )
            begun[table] = rows[-1].id
            done += len(rows)
            on_progress(done, total)
    return begun
