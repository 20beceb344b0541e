"""Cells as text, a column at a time: millions of them are written."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from app.domain.money import format_amount
from app.reports.model import Cell, Type, instant_text, plain
from app.reports.spreadsheets import guarded


def cell_texts(type_: Type, decimals: int, cells: Sequence[Cell]) -> list[str]:
    """The same as `shown_texts`, and no text that a spreadsheet would run."""
    if type_ is Type.TEXT:
        return ["" if cell is None else guarded(cell) for cell in cells]  # type: ignore[arg-type]
    return shown_texts(type_, decimals, cells)


def shown_texts(type_: Type, decimals: int, cells: Sequence[Cell]) -> list[str]:
    """The cells of one column as text: amounts with the currency's decimals, dates as ISO 8601,
    empty where there is none."""
    shown = _amount_text(decimals) if type_ is Type.MONEY else _SHOWN[type_]
    return ["" if cell is None else shown(plain(cell)) for cell in cells]


def _amount_text(decimals: int) -> Callable[[Any], str]:
    if decimals != 2:
        return lambda minor: format_amount(minor, decimals)

    def text(minor: int) -> str:
        if minor < 0:
            return f"-{-minor // 100}.{-minor % 100:02d}"
        return f"{minor // 100}.{minor % 100:02d}"

    return text


_SHOWN: dict[Type, Callable[[Any], str]] = {
    Type.TEXT: str,
    Type.COUNT: str,
    Type.BASIS_POINTS: str,
    Type.DATE: lru_cache(4096)(date.isoformat),
    Type.INSTANT: lru_cache(4096)(instant_text),
}
