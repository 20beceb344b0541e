"""Cells as text, a column at a time: millions of them are written."""

from collections.abc import Sequence
from typing import Any

from app.domain.money import format_amount
from app.reports.model import Cell, LinesTotal, RowTotal, Type, instant_text, plain
from app.reports.spreadsheets import all_guarded


def cell_texts(type_: Type, decimals: int, cells: Sequence[Cell]) -> list[str]:
    """The same as `shown_texts`, and no text that a spreadsheet would run."""
    if type_ is Type.TEXT:
        return all_guarded(shown_texts(type_, decimals, cells))
    return shown_texts(type_, decimals, cells)


def shown_texts(type_: Type, decimals: int, cells: Sequence[Cell]) -> list[str]:
    """The cells of one column as text: amounts with the currency's decimals, dates as ISO 8601,
    empty where there is none."""
    if any(issubclass(one, LinesTotal | RowTotal) for one in set(map(type, cells))):
        cells = [plain(cell) for cell in cells]
    match type_:
        case Type.TEXT:
            return ["" if cell is None else cell for cell in cells]  # type: ignore[misc]
        case Type.MONEY if decimals:
            return _amounts(cells, decimals)
        case Type.DATE:
            texts = {cell: _text(type_, cell) for cell in set(cells)}
            return [texts[cell] for cell in cells]
    return [_text(type_, cell) for cell in cells]


def _amounts(minor: Sequence[Any], decimals: int) -> list[str]:
    """As `format_amount`; of most, the text of the whole number is all but the point."""
    return [
        ""
        if one is None
        else f"{text[:-decimals]}.{text[-decimals:]}"
        if len(text := str(one)) > decimals + 1
        else format_amount(one, decimals)
        for one in minor
    ]


def _text(type_: Type, cell: Any) -> str:
    if cell is None:
        return ""
    if type_ is Type.DATE:
        return str(cell.isoformat())
    return instant_text(cell) if type_ is Type.INSTANT else str(cell)
