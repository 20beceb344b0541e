"""Share and concentration: what is drawn of each partner and what its account holds, beside what
the facility's terms say.

The chain keeps the partners' parts of an event and not the lead's own: shares of what is drawn are
therefore among the partners.
"""

from collections.abc import Iterable, Iterator
from functools import partial

from sqlalchemy import func, select

from app.domain.kinds import Component
from app.readmodel import tables as t
from app.readmodel.accounts.principal import drawn_principal
from app.readmodel.facilities.history import FacilityHistory, SharesRow, facility_history
from app.readmodel.facilities.terms import Terms, terms_at
from app.readmodel.values import to_date
from app.reports.model import Column, Report, Row, Section, Type
from app.reports.reconciliation import account_reports
from app.reports.source import Source

_WHOLE_BPS = 10_000

_CONCENTRATION = (
    Column("partner"),
    Column("version", Type.COUNT),
    Column("principal_bps", Type.BASIS_POINTS),
    Column("lead_drawn", Type.MONEY, total=True),
    Column("partner_drawn", Type.MONEY, total=True),
    Column("agreed_drawn", Type.MONEY, total=True),
    Column("drawn_bps", Type.BASIS_POINTS),
    Column("terms_bps", Type.BASIS_POINTS),
    Column("deviation_bps", Type.BASIS_POINTS),
    Column("lower_book", Type.MONEY, total=True),
    Column("balance_bps", Type.BASIS_POINTS),
    Column("low_balance", Type.MONEY),
    Column("below_low_balance", words=True),
)
_BOUNDS = (
    Column("version", Type.COUNT),
    Column("effective_from", Type.DATE),
    Column("component", words=True),
    Column("lead_bps", Type.BASIS_POINTS),
    Column("least_lead_bps", Type.BASIS_POINTS),
    Column("largest_partner"),
    Column("partner_bps", Type.BASIS_POINTS),
    Column("largest_partner_bps", Type.BASIS_POINTS),
    Column("within_bounds", words=True),
)


def limits(source: Source) -> Report:
    """Each partner's share of what is drawn and of the balances at the end of the last business
    date, beside the terms; and every version of the shares beside the bounds."""
    history = facility_history(
        source.connection, source.names, source.facility.number, source.clock
    )
    terms = terms_at(
        source.connection, source.names, source.facility, history, source.as_of.block_number
    )
    accounts = account_reports(source)
    lower = {one.number: min(one.closing.lead, one.closing.partner) for one in accounts}
    return source.report(
        name="limits",
        title="Shares and concentration",
        sections=(
            Section(
                "concentration",
                "Principal drawn and not repaid, and the lower book of each account, at the end of "
                "the last business date. Shares are among the partners, rounded down, by the "
                "agreed amounts; `terms_bps` by the shares in force on that date (a loan keeps "
                "those of its drawdown). Empty where this report is not of all partners",
                _CONCENTRATION,
                partial(_concentration, source, history, lower),
            ),
            Section(
                "bounds",
                "Every version of the shares: the lead has the rest",
                _BOUNDS,
                partial(_bounds, source, history, terms),
            ),
        ),
    )


def _concentration(
    source: Source, history: FacilityHistory, lower: dict[int, int]
) -> Iterator[Row]:
    drawn = drawn_principal(source.connection, source.facility, source.request.last, source.until)
    in_force = [
        one for one in history.shares if one.effective_from <= source.request.last.toordinal()
    ][-1]
    principal = [one.principal for one in in_force.shares]
    is_whole = _is_of_all_partners(source)
    agreed = {one.number: drawn.get(one.number, (0, 0, 0))[2] for one in source.partners}
    for partner in source.partners:
        if partner.number not in lower:
            continue
        lead, own, both = drawn.get(partner.number, (0, 0, 0))
        share = principal[partner.number - 1]
        drawn_bps = _part(both, agreed.values()) if is_whole else None
        terms_bps = _part(share, principal)
        balance = lower[partner.number]
        yield (
            partner.name,
            in_force.version,
            share,
            lead,
            own,
            both,
            drawn_bps,
            terms_bps,
            None if drawn_bps is None or terms_bps is None else drawn_bps - terms_bps,
            balance,
            _part(balance, lower.values()) if is_whole else None,
            partner.low_balance,
            "yes" if balance < partner.low_balance else "no",
        )


def _is_of_all_partners(source: Source) -> bool:
    """Whether every account is asked for, and is held by this view."""
    number = source.facility.number
    held = source.connection.execute(
        select(func.count()).select_from(t.accounts).where(t.accounts.c.facility == number)
    ).scalar_one()
    return len(source.facility.partners) == len(source.partners) == held


def _bounds(source: Source, history: FacilityHistory, terms: Terms | None) -> Iterator[Row]:
    if terms is None:
        return
    for version in history.shares:
        for component in Component:
            lead, largest, place = _shares(version, component)
            least, most = terms.least_lead_bps, terms.largest_partner_bps
            yield (
                version.version,
                to_date(version.effective_from) if version.effective_from else None,
                component.name.lower(),
                lead,
                least or None,
                source.facility.partners[place].name,
                largest,
                most or None,
                "yes" if lead >= least and (not most or largest <= most) else "no",
            )


def _shares(version: SharesRow, component: Component) -> tuple[int, int, int]:
    """What the lead keeps, the largest partner's share, and that partner's place."""
    shares = [one.of(component) for one in version.shares]
    largest = max(shares)
    return _WHOLE_BPS - sum(shares), largest, shares.index(largest)


def _part(amount: int, of: Iterable[int]) -> int | None:
    """A part in basis points, rounded down; None where the whole is not above 0."""
    whole = sum(of)
    return amount * _WHOLE_BPS // whole if whole > 0 else None
