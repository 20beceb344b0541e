"""No value in a bank's database is left with the storage key of before."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    SmallInteger,
    insert,
    select,
)

from app.db import engine as db
from app.db.reseal import reseal, sealed_columns
from app.db.schema import full_metadata
from app.db.types import Sealed
from app.db.vault import Vault

OLD, FRESH = bytes([1]) * 32, bytes([2]) * 32


def test_every_column_that_says_so_is_sealed_anew() -> None:
    said = {
        str(column)
        for table in full_metadata().sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary) and (column.comment or "").startswith("sealed")
    }
    assert said == {str(one) for columns in sealed_columns().values() for one in columns}
    assert {"break_notes.sealed", "prepared_acts.sealed", "webhook_endpoints.secret"} <= said


def test_what_is_sealed_opens_with_the_fresh_key_alone(database_url: str) -> None:
    engine = db.create(database_url)
    seal = Vault([OLD]).sealer()

    def value(column: Column[Any]) -> Any:
        if isinstance(column.type, Sealed):
            return seal(b"kept")
        if isinstance(column.type, LargeBinary):
            return b"x"
        return 1 if isinstance(column.type, (Integer, BigInteger, SmallInteger)) else "x"

    def is_needed(column: Column[Any]) -> bool:
        sealed = isinstance(column.type, Sealed)
        return sealed or column.primary_key or not (column.nullable or column.server_default)

    with engine.begin() as connection:
        for table in sealed_columns():
            values = {
                one.name: False if isinstance(one.type, Boolean) else value(one)
                for one in table.columns
                if is_needed(one)
            }
            connection.execute(insert(table).values(**values))
    through = reseal(engine, Vault([FRESH, OLD]), {}, lambda done, total: None)
    reseal(engine, Vault([FRESH, OLD]), through, lambda done, total: None)
    fresh = Vault([FRESH])
    with engine.connect() as connection:
        for table, columns in sealed_columns().items():
            (sealed,) = connection.execute(select(*columns)).all()
            assert [fresh.open(one) for one in sealed] == [b"kept"] * len(columns), table.name
    engine.dispose()
