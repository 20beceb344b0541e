"""A report as data: parameters, and sections of typed columns whose rows are read as they are
written. Every format is written from this alone.

Nothing in a report depends on when, where or by whose node it was made: the same block, parameters
and language are the same bytes for everyone who may see the same. The language is that of the
titles, notes and words of what people read (xlsx, pdf); what programs read is English always.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum, auto
from operator import attrgetter
from typing import Any, TypeAlias

from app.locale import DEFAULT, N_, _, label, language, said


class Type(Enum):
    """What the cells of a column hold; None is an empty cell in all of them."""

    TEXT = auto()
    COUNT = auto()
    """int"""
    MONEY = auto()
    """int: minor units of the report's currency"""
    BASIS_POINTS = auto()
    """int"""
    DATE = auto()
    """date: a business or value date"""
    INSTANT = auto()
    """datetime in UTC, by a block's clock, whole seconds"""


NUMBERS = (Type.COUNT, Type.MONEY, Type.BASIS_POINTS)


@dataclass(frozen=True, slots=True)
class LinesTotal:
    """A cell that is the sum of a column of a later section, over its lines with these texts.

    A workbook computes it itself; the other formats show `value`.
    """

    value: int
    section: str
    column: str
    where: tuple[tuple[str, str], ...]
    """Columns of that section and the texts in them."""


@dataclass(frozen=True, slots=True)
class RowTotal:
    """A cell that is the sum of other cells of its own row, by their columns' names."""

    value: int
    columns: tuple[str, ...]


NOT_OPENED = N_("(not opened)")
"""In the place of a text that is sealed on the chain, and that this node's key opens not, or that
does not hash to what was signed. Its hash stands beside it."""

Cell: TypeAlias = "str | int | date | datetime | LinesTotal | RowTotal | None"
Row: TypeAlias = "Sequence[Cell]"


def word(text: str) -> str:
    """A word of ours (`missing_at_lead`, `MemberAdmitted`), or a sentence of another layer, in the
    current language; in English as it is."""
    if language() == DEFAULT:
        return text
    if text.isidentifier():
        return said(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ").lower())
    return said(text)


def parameter_text(name: str, value: str) -> str:
    """A parameter's value in the current language; names of facilities and banks as they are."""
    return value if name in ("facility", "lead", "partner") else said(value)


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is the key of programs, of small letters and `_`; people read `title`. Names mean the
    same in every section. `total`: the column's sum has a meaning, and stands below its lines."""

    name: str
    type: Type = Type.TEXT
    total: bool = False
    wide: bool = False
    """Its texts are long."""
    words: bool = False
    """Its texts are words of ours (a kind, a state, why), which people read as `word` has them."""
    of: "Callable[[Any], Cell] | str" = ""
    """What its cell is of what a line is made from (`rows_of`): worked out, or an attribute by its
    dotted name; else the attribute of the column's name."""

    @property
    def title(self) -> str:
        return label(self.name)

    def shown(self, text: str) -> str:
        """A text of its cells as people read it."""
        if self.words:
            return word(text)
        return _(NOT_OPENED) if text == NOT_OPENED else text


@dataclass(frozen=True, slots=True)
class Section:
    """One table; `rows` begins it anew at each call. `note` says in a sentence what its lines are.
    `totals`: LinesTotal and RowTotal stand in its rows."""

    name: str
    note: str
    columns: tuple[Column, ...]
    rows: Callable[[], Iterable[Row]]
    totals: bool = False

    @property
    def title(self) -> str:
        return label(self.name)


@dataclass(frozen=True, slots=True)
class Report:
    """A report; valid while the database's view that it reads from is open.

    `parameters`: what it is of and as of which block, and what vouches for it. `signers`: whose
    keys signed what it tells.
    """

    name: str
    title: str
    parameters: tuple[tuple[str, str], ...]
    block_time: datetime
    currency: str
    decimals: int
    sections: tuple[Section, ...]
    signers: tuple[str, ...] = ()


def rows_of(columns: Sequence[Column], items: Iterable[object]) -> Iterator[Row]:
    """A line of each of these, by what the columns say of it."""
    cells = [
        column.of if callable(column.of) else attrgetter(column.of or column.name)
        for column in columns
    ]
    for one in items:
        yield [cell(one) for cell in cells]


def hash_text(octets: bytes | None) -> str | None:
    return None if octets is None else "0x" + bytes(octets).hex()


def plain(cell: Cell) -> "str | int | date | datetime | None":
    """A cell's value."""
    return cell.value if isinstance(cell, LinesTotal | RowTotal) else cell


def instant_text(moment: datetime) -> str:
    """ISO 8601 in UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
