"""A report as a workbook: the parameters and the first section on the first sheet, each other
section on a sheet of its own, with a frozen header and typed cells.

Totals are formulas: they add up the lines of the other sheets, whatever is shown beside them.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

from app.domain.errors import UsageFault
from app.domain.money import format_amount
from app.locale import _, label, said
from app.reports.model import (
    NUMBERS,
    Column,
    LinesTotal,
    Report,
    Row,
    RowTotal,
    Section,
    Type,
    instant_text,
    parameter_text,
    plain,
)

MAX_LINES = 1_000_000
"""A sheet has 1,048,576 rows."""

_EXACT_MINOR_UNITS = 10**15
"""Spreadsheets keep 15 digits: a note says what a longer amount is exactly."""

_WIDTHS = {
    Type.TEXT: 18,
    Type.COUNT: 12,
    Type.MONEY: 20,
    Type.BASIS_POINTS: 12,
    Type.DATE: 13,
    Type.INSTANT: 20,
}
_WIDE = 44
_DAY_0 = date(1899, 12, 30)
"""Day 0 of a spreadsheet; it knows no dates before day 61."""

_FIRST_DAY = date(1900, 3, 1)


def write_xlsx(report: Report, path: Path) -> None:
    """Write the report. Raises UsageFault when a section has more lines than a sheet can hold."""
    options = {
        # Rows go to disk as they are written; nothing of a feed becomes a formula or a link.
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(str(path), options) as workbook:
        workbook.set_properties(
            {
                "title": report.title,
                "subject": report.name,
                "created": report.block_time.replace(tzinfo=None),
            }
        )
        _Writer(workbook, report).write()


class _Writer:
    def __init__(self, workbook: Any, report: Report) -> None:
        self._workbook = workbook
        self._report = report
        zeros = "#,##0" + ("." + "0" * report.decimals if report.decimals else "")
        base = {"font_name": "Calibri", "font_size": 11, "valign": "top"}
        number = base | {"align": "right"}
        formats = {
            Type.TEXT: base,
            Type.COUNT: number | {"num_format": "#,##0"},
            Type.MONEY: number | {"num_format": f"{zeros};[Red]-{zeros}"},
            Type.BASIS_POINTS: number | {"num_format": "#,##0"},
            Type.DATE: base | {"num_format": "yyyy-mm-dd", "align": "left"},
            Type.INSTANT: base | {"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"},
        }
        strong = {"bold": True, "top": 1}
        head = base | {"bold": True, "bg_color": "#E6EEF6", "bottom": 1, "text_wrap": True}
        self._formats = {type_: workbook.add_format(one) for type_, one in formats.items()}
        self._strong = {type_: workbook.add_format(one | strong) for type_, one in formats.items()}
        self._label = workbook.add_format(base | {"font_color": "#47535F"})
        self._title = workbook.add_format(base | {"bold": True, "font_size": 16})
        self._part = workbook.add_format(base | {"bold": True, "font_size": 12})
        self._head = workbook.add_format(head)
        self._head_right = workbook.add_format(head | {"align": "right"})
        self._last_rows: dict[str, int] = {}

    def write(self) -> None:
        """The first sheet last: its formulas name the rows of the others."""
        first, *others = self._report.sections
        sheets = [self._sheet(section) for section in self._report.sections]
        # Those that are only lines first: the totals of others may be of them.
        for section, sheet in sorted(
            zip(others, sheets[1:], strict=True), key=lambda one: one[0].totals
        ):
            sheet.freeze_panes(1, 0)
            sheet.repeat_rows(0)
            self._section(sheet, section, 0)
        self._first(sheets[0], first)

    def _first(self, sheet: Any, section: Section) -> None:
        sheet.write_string(0, 0, self._report.title, self._title)
        row = 1
        for item, value in self._report.parameters:
            row += 1
            sheet.write_string(row, 0, label(item), self._label)
            shown = parameter_text(item, value)
            sheet.write_string(row, 1, shown, self._formats[Type.TEXT])
        for place, signer in enumerate(self._report.signers):
            row += 1
            sheet.write_string(row, 0, "" if place else _("Signed on the chain by"), self._label)
            sheet.write_string(row, 1, signer, self._formats[Type.TEXT])
        row += 2
        sheet.write_string(row, 0, said(section.note), self._part)
        self._section(sheet, section, row + 1)

    def _section(self, sheet: Any, section: Section, head: int) -> None:
        for place, column in enumerate(section.columns):
            style = self._head_right if column.type in NUMBERS else self._head
            sheet.write_string(head, place, column.title, style)
        writers = [self._writer(sheet, column) for column in section.columns]
        places = list(range(len(writers)))
        sums = {place: 0 for place, column in enumerate(section.columns) if column.total}
        row = head
        if section.totals:
            for row, cells in enumerate(section.rows(), start=head + 1):
                self._row_with_totals(sheet, section, row, cells, writers)
        else:
            for row, cells in enumerate(section.rows(), start=head + 1):
                if row > MAX_LINES:
                    raise UsageFault(
                        f"there are more than the {MAX_LINES:,} lines that a sheet can hold",
                        where=section.name,
                        remedy="Make the report in another format, or of fewer days",
                    )
                for place, write, cell in zip(places, writers, cells, strict=True):
                    if cell is not None:
                        write(row, place, cell)
                for place in sums:
                    sums[place] += cells[place] or 0  # type: ignore[operator]
        self._last_rows[section.name] = row
        if head == 0:
            sheet.autofilter(0, 0, max(row, 1), len(writers) - 1)
        if row > head:
            for place, value in sums.items():
                name, column = xl_col_to_name(place), section.columns[place]
                formula = f"=SUBTOTAL(109,{name}{head + 2}:{name}{row + 1})"
                self._formula(sheet, row + 1, place, formula, column, value, self._strong)

    def _row_with_totals(
        self, sheet: Any, section: Section, row: int, cells: Row, writers: list[Callable[..., None]]
    ) -> None:
        for place, (column, cell) in enumerate(zip(section.columns, cells, strict=True)):
            if cell is None:
                continue
            if isinstance(cell, LinesTotal):
                formula = self._sum_of_lines(cell)
            elif isinstance(cell, RowTotal):
                names = [one.name for one in section.columns]
                added = (xl_rowcol_to_cell(row, names.index(name)) for name in cell.columns)
                formula = "=" + "+".join(added)
            else:
                writers[place](row, place, cell)
                continue
            value = plain(cell)
            assert isinstance(value, int)
            self._formula(sheet, row, place, formula, column, value, self._formats)

    def _formula(
        self,
        sheet: Any,
        row: int,
        place: int,
        formula: str,
        column: Column,
        value: int,
        styles: dict[Type, Any],
    ) -> None:
        """A formula with the value that it comes to, for readers that compute nothing."""
        money = column.type is Type.MONEY
        shown = Decimal(value).scaleb(-self._report.decimals) if money else value
        sheet.write_formula(row, place, formula, styles[column.type], shown)
        if money:
            self._note(sheet, row, place, value)

    def _sum_of_lines(self, total: LinesTotal) -> str:
        [section] = [one for one in self._report.sections if one.name == total.section]
        places = {column.name: place for place, column in enumerate(section.columns)}
        columns = {column.name: column for column in section.columns}
        last = max(2, self._last_rows[section.name] + 1)

        def area(name: str) -> str:
            column = xl_col_to_name(places[name])
            return f"'{section.title}'!${column}$2:${column}${last}"

        conditions = "".join(
            f",{area(name)},{_equal_to(columns[name].shown(text))}" for name, text in total.where
        )
        return f"=SUMIFS({area(total.column)}{conditions})"

    def _writer(self, sheet: Any, column: Column) -> Callable[[int, int, Any], None]:
        style = self._formats[column.type]
        text, number = sheet.write_string, sheet.write_number
        if column.type is Type.TEXT:
            return lambda row, place, cell: text(row, place, column.shown(cell), style)
        if column.type is Type.MONEY:
            scale = -self._report.decimals

            def money(row: int, place: int, minor: int) -> None:
                number(row, place, Decimal(minor).scaleb(scale), style)
                if not -_EXACT_MINOR_UNITS < minor < _EXACT_MINOR_UNITS:
                    self._note(sheet, row, place, minor)

            return money
        if column.type in NUMBERS:
            return lambda row, place, cell: number(row, place, cell, style)
        plain_style = self._formats[Type.TEXT]
        serials: dict[date, Decimal | int | None] = {}

        def moment(row: int, place: int, cell: date) -> None:
            serial = serials.get(cell)
            if serial is None:
                serial = serials[cell] = _serial(cell)
            if serial:
                number(row, place, serial, style)
            else:  # before the days of a spreadsheet
                shown = instant_text(cell) if isinstance(cell, datetime) else cell.isoformat()
                text(row, place, shown, plain_style)

        return moment

    def _note(self, sheet: Any, row: int, place: int, minor: int) -> None:
        if abs(minor) >= _EXACT_MINOR_UNITS:
            shown = format_amount(minor, self._report.decimals)
            sheet.write_comment(row, place, _("Exactly %(amount)s", amount=shown))

    def _sheet(self, section: Section) -> Any:
        sheet = self._workbook.add_worksheet(section.title)
        for place, column in enumerate(section.columns):
            width = _WIDE if column.wide else max(_WIDTHS[column.type], len(column.title) + 2)
            sheet.set_column(place, place, width)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        owner = dict(self._report.parameters)["facility"].replace("&", "&&")
        sheet.set_footer(f"&L{owner}&C&A&R&P / &N")
        return sheet


def _serial(cell: date) -> Decimal | int:
    """A date or instant as a spreadsheet counts it; 0 where it cannot."""
    if isinstance(cell, datetime):
        if cell.date() < _FIRST_DAY:
            return 0
        since = cell.replace(tzinfo=None) - datetime.combine(_DAY_0, datetime.min.time())
        return since.days + Decimal(since // timedelta(seconds=1) % 86_400) / 86_400
    return (cell - _DAY_0).days if cell >= _FIRST_DAY else 0


def _equal_to(text: str) -> str:
    """A criterion that only this text meets: its own `*`, `?` and `~` stand for themselves."""
    escaped = text.replace("~", "~~").replace("*", "~*").replace("?", "~?").replace('"', '""')
    return f'"={escaped}"'
