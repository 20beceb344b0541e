"""Column types of ours."""

from typing import Any

from sqlalchemy import Dialect, LargeBinary, Text, TypeDecorator


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
