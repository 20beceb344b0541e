"""Column types and indexes of ours."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    Text,
    TypeDecorator,
    text,
)

BIG_KEY = BigInteger().with_variant(Integer, "sqlite")
"""The type of a row's number: SQLite counts up an INTEGER alone."""


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of the rows for which a condition holds, in SQL that both databases read."""
    return Index(
        name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where)
    )


class Sealed(LargeBinary):
    """Bytes that the bank's vault has sealed; they are sealed anew when its storage key rotates."""

    def __init__(self, *, rewritten: bool = False) -> None:
        """`rewritten`: whether a row's value may be replaced by another one."""
        super().__init__()
        self.rewritten = rewritten


class WideInteger(TypeDecorator[int]):
    """An integer of any size, stored as decimal text.

    For sums of amounts, which can pass 64 bits. It does not sort or add up inside the database.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)
