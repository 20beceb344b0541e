"""The reserve statement: each account's balance from the opening to the closing, with every
movement of the lead's book, of the partner's, and of what both agree on."""

from app.reports.model import Column, Report, Section, Type
from app.reports.reconciliation import account_reports, lines, summary
from app.reports.source import Source

_BALANCES = (
    Column("partner"),
    Column("lead_balance", Type.MONEY),
    Column("partner_balance", Type.MONEY),
    Column("agreed_balance", Type.MONEY),
    Column("lower_book", Type.MONEY),
    Column("shortfall", Type.MONEY),
)


def reserve_statement(source: Source) -> Report:
    """Each reserve account between the dates: opening, every movement, and closing of its books."""
    accounts = account_reports(source)
    closings = [(one.partner, one.closing) for one in accounts]
    return source.report(
        name="reserve-statement",
        title="Reserve statement",
        sections=(
            summary(accounts),
            Section(
                "balances",
                "At the end of the last business date; the lower book is what no bank disputes",
                _BALANCES,
                lambda: (
                    (
                        partner,
                        closing.lead,
                        closing.partner,
                        closing.agreed,
                        min(closing.lead, closing.partner),
                        max(0, -min(closing.lead, closing.partner)),
                    )
                    for partner, closing in closings
                ),
            ),
            lines(source),
        ),
    )
