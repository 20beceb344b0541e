"""The auditors' report as one CSV file.

The column `section` says what a line is; the columns that do not belong to it are empty:

- `report`: `item` and `value`: what the report is of, and as of which block;
- `opening`, `movement` (one per `kind`), `closing`, `after` (later business dates) and `contract`
  (the contract's own books, = closing + after): `partner`, `lead_book`, `partner_book`, `agreed`;
- `count`: `partner`, `type` and `count` of the pairs and duplicate legs of the period;
- `break`: one line for each of them; `resolution` says how its two banks have resolved it.

UTF-8 with a byte-order mark, so that spreadsheets read it; pandas does, too. A text from a feed
that a spreadsheet would take for a formula has an apostrophe before it.
"""

import csv
from collections.abc import Iterator
from typing import Any, TextIO

from app.domain.matching.pairs import PAIR_TYPES
from app.readmodel.pairs.shapes import Half, Pair
from app.reports.reconciliation import AccountReport, Amounts, ReconciliationReport, timestamp
from app.reports.spreadsheets import Lines, guarded

COLUMNS = (
    "section",
    "item",
    "value",
    "partner",
    "kind",
    "type",
    "count",
    "lead_book",
    "partner_book",
    "agreed",
    "event_ref",
    "reference",
    "target",
    "lead_amount",
    "partner_amount",
    "difference",
    "lead_value_date",
    "partner_value_date",
    "lead_business_date",
    "partner_business_date",
    "first_posted_at",
    "due_at",
    "overdue",
    "resolution",
)
ENCODING = "utf-8-sig"


def write_csv(report: ReconciliationReport, file: TextIO) -> None:
    """Write the report; `file` was opened with `newline=""`."""
    writer = csv.DictWriter(Lines(file), COLUMNS)
    writer.writeheader()
    writer.writerows(_lines(report))


def _lines(report: ReconciliationReport) -> Iterator[dict[str, Any]]:
    for item, value in report.heading():
        yield {"section": "report", "item": item, "value": guarded(value)}
    for account in report.accounts:
        yield _books(report, account, "opening", account.opening)
        for kind, amounts in account.movements.items():
            yield _books(report, account, "movement", amounts) | {"kind": kind}
        yield _books(report, account, "closing", account.closing)
        yield _books(report, account, "after", account.after)
        yield _books(report, account, "contract", account.contract)
    for account in report.accounts:
        for name in PAIR_TYPES:
            yield {
                "section": "count",
                "partner": guarded(account.partner),
                "type": name,
                "count": account.counts[name],
            }
    for pair in report.breaks():
        yield _break(report, pair)


def _books(
    report: ReconciliationReport, account: AccountReport, section: str, amounts: Amounts
) -> dict[str, Any]:
    return {
        "section": section,
        "partner": guarded(account.partner),
        "lead_book": report.money(amounts.lead),
        "partner_book": report.money(amounts.partner),
        "agreed": report.money(amounts.agreed),
    }


def _break(report: ReconciliationReport, pair: Pair) -> dict[str, Any]:
    def amount(half: Half | None) -> str:
        return "" if half is None else report.money(half.amount)

    lead, partner = pair.lead, pair.partner_half
    return {
        "section": "break",
        "partner": guarded(pair.partner),
        "kind": pair.kind,
        "type": pair.type,
        "event_ref": guarded(pair.event_ref or ""),
        "reference": pair.reference,
        "target": guarded(pair.target or ""),
        "lead_amount": amount(lead),
        "partner_amount": amount(partner),
        "difference": "" if pair.difference is None else report.money(pair.difference),
        "lead_value_date": lead.value_date.isoformat() if lead else "",
        "partner_value_date": partner.value_date.isoformat() if partner else "",
        "lead_business_date": lead.business_date.isoformat() if lead else "",
        "partner_business_date": partner.business_date.isoformat() if partner else "",
        "first_posted_at": timestamp(pair.first_posted_at),
        "due_at": timestamp(pair.due_at) if pair.due_at else "",
        "overdue": "yes" if pair.overdue else "no",
        "resolution": pair.action or "",
    }
