"""A report for printing. A section of very many lines is printed in part, and the page says how
many there are and that the other formats hold them all."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from app.locale import _, label, said
from app.reports.model import (
    NUMBERS,
    Cell,
    Column,
    Report,
    Row,
    Section,
    Type,
    parameter_text,
    plain,
)
from app.reports.pdf_pages import Pages
from app.reports.texts import shown_texts

MAX_LINES = 2_000
"""Of a section; more than fifty pages are not read."""

_WEIGHTS = {
    Type.TEXT: 14.0,
    Type.COUNT: 9.0,
    Type.MONEY: 17.0,
    Type.BASIS_POINTS: 9.0,
    Type.DATE: 13.0,
    Type.INSTANT: 15.0,
}
_WIDE = 24.0
_THOUSANDS = re.compile(r"(?<=\d)(?=(?:\d{3})+$)")
"""Where the digits of a whole number are parted."""

_CHUNK_ROWS = 500


def write_pdf(report: Report, path: Path) -> None:
    """Write the report."""
    of = dict(report.parameters)
    title = report.title
    foot = _(
        "%(title)s, %(first)s to %(last)s, block %(block)s",
        title=title,
        first=of["from"],
        last=of["to"],
        block=of["block"],
    )
    pages = Pages(title, report.block_time, foot=foot)
    pages.facts((label(name), parameter_text(name, value)) for name, value in report.parameters)
    if report.signers:
        pages.facts([(_("Signed on the chain by"), ", ".join(report.signers))])
    pages.text_line(
        _("Amounts in %(currency)s; times in UTC, by the blocks' clock.", currency=report.currency)
    )
    for section in report.sections:
        _section(pages, report, section)
    pages.output(str(path))


def _section(pages: Pages, report: Report, section: Section) -> None:
    pages.heading(section.title)
    pages.text_line(said(section.note))
    rows = iter(section.rows())
    sums = {place: 0 for place, column in enumerate(section.columns) if column.total}
    count = 0

    def counted(some: Iterable[Row]) -> Iterator[Row]:
        nonlocal count
        for row in some:
            count += 1
            for place in sums:
                value = plain(row[place])
                assert value is None or isinstance(value, int)
                sums[place] += value or 0
            yield row

    pages.columns_of_texts(
        [column.title for column in section.columns],
        [_WIDE if column.wide else _WEIGHTS[column.type] for column in section.columns],
        [column.type in NUMBERS for column in section.columns],
        _printed(report, section.columns, counted(islice(rows, MAX_LINES))),
    )
    for _row in counted(rows):
        pass
    most, lines = f"{MAX_LINES:,}", f"{count:,}"
    if count > MAX_LINES:
        pages.text_line(
            _(
                "%(printed)s of %(count)s lines are printed; the other formats hold all of them.",
                printed=most,
                count=lines,
            )
        )
    if not count:
        pages.text_line(_("None."))
    elif sums:
        totals = _totals(report, section.columns, sums)
        pages.text_line(_("Total of %(count)s lines: %(totals)s", count=lines, totals=totals))


def _totals(report: Report, columns: tuple[Column, ...], sums: dict[int, int]) -> str:
    return "; ".join(
        f"{columns[place].title} {_texts(columns[place], report.decimals, [value])[0]}"
        for place, value in sums.items()
    )


def _printed(
    report: Report, columns: tuple[Column, ...], rows: Iterable[Row]
) -> Iterator[tuple[str, ...]]:
    """The rows as texts, made column by column."""
    left = iter(rows)
    while chunk := list(islice(left, _CHUNK_ROWS)):
        yield from zip(
            *(
                _texts(column, report.decimals, cells)
                for column, cells in zip(columns, zip(*chunk, strict=True), strict=True)
            ),
            strict=True,
        )


def _texts(column: Column, decimals: int, cells: Sequence[Cell]) -> list[str]:
    """The cells as people read them: words in their language, commas between thousands."""
    texts = shown_texts(column.type, decimals, cells)
    if column.type is Type.TEXT:
        return list(map(column.shown, texts))
    if column.type not in NUMBERS:
        return texts
    parts = [text.partition(".") for text in texts]
    return [_THOUSANDS.sub(",", whole) + point + rest for whole, point, rest in parts]
