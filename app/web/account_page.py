"""One reserve account: what moved it, what is held of it, its closed days and its alerts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from app.domain.kinds import Kind
from app.locale import N_, _
from app.readmodel.accounts.alerts import alerts
from app.readmodel.accounts.balances import Balance, balances
from app.readmodel.accounts.holds import holds
from app.readmodel.accounts.movements import BookMovements, movements
from app.readmodel.directory import Facility, Partner, directory
from app.web.days_page import DayRow, SumsRow, day_rows
from app.web.reserves import AccountRow, account_row
from app.web.text import iso, label, money, signed_money

_DAYS = 30
_LINES = 20

_ALERT_LABELS = {
    "low": N_("Below its threshold"),
    "restored": N_("At its threshold again"),
    "shortfall": N_("Below zero"),
    "shortfall_ended": N_("At zero again"),
}


@dataclass(frozen=True, slots=True)
class HoldRow:
    event: str
    amount: str
    placed_at: str
    expires_at: str
    overdue: bool


@dataclass(frozen=True, slots=True)
class AlertRow:
    label: str
    balance: str
    at: str
    tone: str


@dataclass(frozen=True, slots=True)
class AccountPage:
    """`first` and `last`: the business dates of the movements, both included."""

    facility: str
    partner: str
    currency: str
    lead: str
    row: AccountRow
    held: str
    threshold: str
    first: date
    last: date
    time_zone: str
    opening: SumsRow
    movements: list[SumsRow]
    closing: SumsRow
    holds: Sequence[HoldRow]
    alerts: Sequence[AlertRow]
    days: Sequence[DayRow]


def account_page(
    connection: Connection, facility_id: str, partner_name: str, now: datetime
) -> AccountPage | None:
    """The account of a partner in a facility; None where this view holds none."""
    facility = directory(connection).facility(facility_id)
    balance = next(
        (
            one
            for one in balances(connection)
            if (one.facility, one.partner) == (facility_id, partner_name)
        ),
        None,
    )
    if facility is None or balance is None:
        return None
    partner = next(one for one in facility.partners if one.name == partner_name)
    return _page(connection, facility, partner, balance, now)


def _page(
    connection: Connection, facility: Facility, partner: Partner, balance: Balance, now: datetime
) -> AccountPage:
    decimals = facility.decimals
    last = now.astimezone(ZoneInfo(facility.time_zone)).date()
    first = last - timedelta(days=_DAYS - 1)
    (moved,) = movements(connection, facility, first, last, partner.number)
    books = (moved.lead_book, moved.partner_book, moved.agreed)
    kinds = [
        kind.feed_name for kind in Kind if any(kind.feed_name in book.movements for book in books)
    ]

    def row(name: str, *figures: str) -> SumsRow:
        return SumsRow(name, *figures)

    def of_kind(book: BookMovements, kind: str) -> str:
        return signed_money(book.movements[kind], decimals) if kind in book.movements else ""

    return AccountPage(
        facility=facility.id,
        partner=partner.name,
        currency=facility.currency,
        lead=facility.lead,
        row=account_row(facility, balance),
        held=money(balance.held, decimals),
        threshold=money(partner.low_balance, decimals),
        first=first,
        last=last,
        time_zone=facility.time_zone,
        opening=row(_("Opening"), *(money(book.opening, decimals) for book in books)),
        movements=[row(label(kind), *(of_kind(book, kind) for book in books)) for kind in kinds],
        closing=row(_("Closing"), *(money(book.closing, decimals) for book in books)),
        holds=[
            HoldRow(
                event=one.event_ref or f"#{one.reference[:12]}…",
                amount=money(one.amount, decimals),
                placed_at=iso(one.placed_at),
                expires_at=iso(one.expires_at),
                overdue=one.overdue,
            )
            for one in holds(connection, facility.id, partner.name, "active", _LINES)
        ],
        alerts=[
            AlertRow(
                label=_(_ALERT_LABELS[one.what]),
                balance=money(one.balance, decimals),
                at=iso(one.at),
                tone={"shortfall": "bad", "low": "warn"}.get(one.what, ""),
            )
            for one in alerts(connection, facility.id, partner.name, _LINES)
        ],
        days=day_rows(connection, facility.id, partner.name, limit=_LINES),
    )
