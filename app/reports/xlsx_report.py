"""The auditors' report as a workbook: the sheets Summary, Movements, Breaks and Proof."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter

from app.domain.errors import UsageFault
from app.domain.matching.pairs import PAIR_TYPES
from app.readmodel.pairs.shapes import BREAK_TYPES, Pair
from app.reports.reconciliation import AccountReport, Amounts, ReconciliationReport, timestamp

MAX_BREAKS = 1_000_000
"""A sheet has 1,048,576 rows."""

_EXACT_MINOR_UNITS = 10**15
"""Spreadsheets keep 15 digits: a note says what a longer amount is exactly."""

_BOOKS = ("Lead book", "Partner book", "Agreed")
_BREAK_COLUMNS = (
    ("Partner", 16),
    ("Type", 20),
    ("Kind", 16),
    ("Event reference", 26),
    ("Target", 26),
    ("Lead amount", 18),
    ("Partner amount", 18),
    ("Difference", 16),
    ("Lead value date", 15),
    ("Partner value date", 17),
    ("Lead business date", 17),
    ("Partner business date", 19),
    ("First posted (UTC)", 21),
    ("Due (UTC)", 21),
    ("Overdue", 9),
    ("Reference on the chain", 44),
    ("Resolved by", 14),
)


def write_xlsx(report: ReconciliationReport, path: Path) -> None:
    """Write the report. Raises UsageFault when there are more breaks than a sheet can hold."""
    breaks = sum(account.counts[name] for account in report.accounts for name in BREAK_TYPES)
    if breaks > MAX_BREAKS:
        raise UsageFault(
            f"{breaks:,} breaks are more than the {MAX_BREAKS:,} that a workbook can list",
            remedy="Make the report as CSV, or of fewer days",
        )
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
                "title": f"Reconciliation of {report.facility.id}",
                "subject": f"{report.first} to {report.last}, block {report.as_of.block_number}",
                "created": report.made_at.replace(tzinfo=None),
            }
        )
        writer = _Writer(workbook, report)
        writer.summary()
        writer.movements()
        writer.breaks()
        writer.proof()


class _Writer:
    def __init__(self, workbook: Any, report: ReconciliationReport) -> None:
        self._workbook = workbook
        self._report = report
        decimals = report.facility.decimals
        zeros = "#,##0" + ("." + "0" * decimals if decimals else "")
        base = {"font_name": "Calibri", "font_size": 11, "valign": "top"}
        amount = base | {"num_format": f"{zeros};[Red]-{zeros}", "align": "right"}
        self._text = workbook.add_format(base)
        self._label = workbook.add_format(base | {"font_color": "#47535F"})
        self._title = workbook.add_format(base | {"bold": True, "font_size": 16})
        self._part = workbook.add_format(base | {"bold": True, "font_size": 12})
        self._head = workbook.add_format(
            base | {"bold": True, "bg_color": "#E6EEF6", "bottom": 1, "text_wrap": True}
        )
        self._head_right = workbook.add_format(
            base
            | {"bold": True, "bg_color": "#E6EEF6", "bottom": 1, "text_wrap": True}
            | {"align": "right"}
        )
        self._amount = workbook.add_format(amount)
        self._strong = workbook.add_format(base | {"bold": True, "top": 1})
        self._strong_amount = workbook.add_format(amount | {"bold": True, "top": 1})
        self._count = workbook.add_format(base | {"num_format": "#,##0", "align": "right"})
        self._good = workbook.add_format(
            amount | {"bold": True, "font_color": "#0F6B4F", "bg_color": "#E2F2EA"}
        )

    def summary(self) -> None:
        sheet, row = self._sheet("Summary", (30, 22, 22, 22, 22)), 0
        sheet.write_string(row, 0, f"Reconciliation of {self._report.facility.id}", self._title)
        row += 2
        for item, value in self._report.heading():
            sheet.write_string(row, 0, item.replace("_", " ").capitalize(), self._label)
            sheet.write_string(row, 1, value, self._text)
            row += 1
        row += 1
        sheet.write_string(row, 0, "Reserve accounts", self._part)
        row += 1
        self._heads(sheet, row, ("Partner",), ("Opening, agreed", "Movements", "Closing", "Proof"))
        for account in self._report.accounts:
            row += 1
            sheet.write_string(row, 0, account.partner, self._text)
            moved = account.closing.agreed - account.opening.agreed
            self._money(sheet, row, 1, account.opening.agreed)
            self._money(sheet, row, 2, moved)
            self._money(sheet, row, 3, account.closing.agreed)
            self._money(sheet, row, 4, account.proof, self._good)
        row += 2
        sheet.write_string(row, 0, "Pairs and duplicate legs of the period", self._part)
        row += 1
        partners = tuple(account.partner for account in self._report.accounts)
        self._heads(sheet, row, ("Type",), partners)
        for name in PAIR_TYPES:
            row += 1
            sheet.write_string(row, 0, name.replace("_", " "), self._text)
            for column, account in enumerate(self._report.accounts, start=1):
                sheet.write_number(row, column, account.counts[name], self._count)

    def movements(self) -> None:
        sheet, row = self._sheet("Movements", (18, 22, 20, 20, 20), frozen=1), 0
        self._heads(sheet, row, ("Partner", "Kind"), _BOOKS)
        for account in self._report.accounts:
            lines: list[tuple[str, Amounts, bool]] = [("opening", account.opening, True)]
            lines += [
                (kind.replace("_", " "), amounts, False)
                for kind, amounts in account.movements.items()
            ]
            lines.append(("closing", account.closing, True))
            for name, amounts, total in lines:
                row += 1
                style = self._strong if total else self._text
                sheet.write_string(row, 0, account.partner, style)
                sheet.write_string(row, 1, name, style)
                self._amounts(sheet, row, 2, amounts, self._strong_amount if total else None)
        sheet.autofilter(0, 0, max(row, 1), 4)

    def breaks(self) -> None:
        sheet = self._sheet("Breaks", [width for _, width in _BREAK_COLUMNS], frozen=1)
        names = [name for name, _ in _BREAK_COLUMNS]
        self._heads(sheet, 0, names[:5], names[5:8])
        self._heads(sheet, 0, names[8:], (), start=8)
        row = 0
        for row, pair in enumerate(self._report.breaks(), start=1):
            self._break(sheet, row, pair)
        sheet.autofilter(0, 0, max(row, 1), len(names) - 1)

    def _break(self, sheet: Any, row: int, pair: Pair) -> None:
        lead, partner = pair.lead, pair.partner_half
        texts = {
            0: pair.partner,
            1: pair.type.replace("_", " "),
            2: pair.kind.replace("_", " "),
            3: pair.event_ref or "",
            4: pair.target or "",
            8: lead.value_date.isoformat() if lead else "",
            9: partner.value_date.isoformat() if partner else "",
            10: lead.business_date.isoformat() if lead else "",
            11: partner.business_date.isoformat() if partner else "",
            12: timestamp(pair.first_posted_at),
            13: timestamp(pair.due_at) if pair.due_at else "",
            14: "yes" if pair.overdue else "",
            15: pair.reference,
            16: (pair.action or "").replace("_", " "),
        }
        amounts = {
            5: lead.amount if lead else None,
            6: partner.amount if partner else None,
            7: pair.difference,
        }
        for column in range(len(_BREAK_COLUMNS)):
            if column in texts:
                sheet.write_string(row, column, texts[column], self._text)
            elif (minor := amounts[column]) is not None:
                self._money(sheet, row, column, minor)

    def proof(self) -> None:
        sheet, row = self._sheet("Proof", (58, 20, 20, 20)), 0
        block = f"{self._report.as_of.block_number:,}"
        sheet.write_string(row, 0, "The legs against the contract's own books", self._title)
        for account in self._report.accounts:
            row += 2
            self._heads(sheet, row, (account.partner,), _BOOKS)
            for name, amounts, style in (
                (f"Closing on {self._report.last}", account.closing, None),
                ("Movements on later business dates", account.after, None),
                ("All legs", account.closing + account.after, self._strong_amount),
                (f"The contract's own books after block {block}", account.contract, None),
                ("Difference (must be 0)", self._off(account), self._good),
            ):
                row += 1
                sheet.write_string(row, 0, name, self._text)
                self._amounts(sheet, row, 1, amounts, style)
            row += 1
            between = account.contract.partner - account.contract.lead
            for name, minor, style in (
                ("Partner book less lead book", between, None),
                ("Open legs of the partner", account.open_partner, None),
                ("less open legs of the lead", -account.open_lead, None),
                ("Accepted differences", account.accepted_difference, None),
                ("Proof: what none of these explains (must be 0)", account.proof, self._good),
            ):
                row += 1
                sheet.write_string(row, 0, name, self._text)
                self._money(sheet, row, 1, minor, style)

    def _off(self, account: AccountReport) -> Amounts:
        return account.closing + account.after - account.contract

    def _sheet(self, name: str, widths: Sequence[float], frozen: int = 0) -> Any:
        sheet = self._workbook.add_worksheet(name)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        if frozen:
            sheet.freeze_panes(frozen, 0)
            sheet.repeat_rows(0)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        owner = self._report.facility.id.replace("&", "&&")
        sheet.set_footer(f"&L{owner}&C&A&R&P / &N")
        return sheet

    def _heads(
        self, sheet: Any, row: int, texts: Sequence[str], numbers: Sequence[str], start: int = 0
    ) -> None:
        for column, name in enumerate((*texts, *numbers), start=start):
            right = column >= start + len(texts)
            sheet.write_string(row, column, name, self._head_right if right else self._head)

    def _amounts(self, sheet: Any, row: int, column: int, amounts: Amounts, style: Any) -> None:
        for offset, minor in enumerate((amounts.lead, amounts.partner, amounts.agreed)):
            self._money(sheet, row, column + offset, minor, style)

    def _money(self, sheet: Any, row: int, column: int, minor: int, style: Any = None) -> None:
        style = style or self._amount
        sheet.write_number(
            row, column, Decimal(minor).scaleb(-self._report.facility.decimals), style
        )
        if abs(minor) >= _EXACT_MINOR_UNITS:
            sheet.write_comment(row, column, f"Exactly {self._report.money(minor)}")
