"""The reserve accounts as the page shows them, by facility."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from app.domain.matching.books import Books
from app.locale import N_, _, label, ngettext
from app.outbox.pending import Pending, pending_by_facility
from app.readmodel.accounts.balances import Balance
from app.readmodel.accounts.curves import Flows
from app.readmodel.chain import newest_incidents
from app.readmodel.directory import Facility, directory
from app.readmodel.facilities.agreed import AgreedFacility, agreed_facilities
from app.readmodel.facilities.sight import in_sight
from app.readmodel.pairs.shapes import BREAK_TYPES
from app.web.breaks import TYPE_LABELS, BreakFilters
from app.web.sparkline import Sparkline, sparkline
from app.web.text import days as day_count
from app.web.text import money, whole
from app.web.today import AccountDay, DayFigure, account_days, curve_text, today_figures

_INCIDENT_SHOWN_FOR = timedelta(days=1)
_INCIDENTS_SHOWN = 3

_INCIDENT_LABELS = {
    "rewind": N_("The chain went back and was read again"),
    "unequal_halves": N_("The contract matched halves that are not equal"),
    "judgement_differs": N_("The contract judged a pair otherwise than its rules say"),
    "unreadable": N_("A member wrote what cannot be read"),
    "books_differ": N_("The contract’s books differ from the sum of the legs"),
    "refused": N_("An endpoint answered what the validators do not vouch for"),
}


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure of the whole view. `tone`: empty, good, warn or bad."""

    key: str
    label: str
    value: str
    unit: str
    note: str
    tone: str


@dataclass(frozen=True, slots=True)
class Mark:
    label: str
    tone: str


@dataclass(frozen=True, slots=True)
class Chip:
    type: str
    label: str
    count: int
    href: str


@dataclass(frozen=True, slots=True)
class AccountRow:
    key: str
    partner: str
    partner_book: str
    lead_book: str
    agreed: str
    held: str
    available: str
    threshold: str
    closed_through: str
    """The last closed business date; empty where none is."""
    proof: str
    proved: bool
    proof_title: str
    open_legs: int
    breaks: int
    marks: Sequence[Mark]
    chips: Sequence[Chip]
    """Its breaks by type, those that there are."""
    today: Sequence[DayFigure]
    """What was agreed on the business date that is running, those figures that there are."""
    curve: Sparkline | None
    curve_text: str
    """The curve in words."""


@dataclass(frozen=True, slots=True)
class Totals:
    partner_book: str
    lead_book: str
    agreed: str
    held: str
    available: str
    proof: str
    open_legs: int
    breaks: int
    today: Sequence[DayFigure]


@dataclass(frozen=True, slots=True)
class FacilityCard:
    number: int
    id: str
    currency: str
    lead: str
    facts: Sequence[str]
    pending: int
    accounts: Sequence[AccountRow]
    totals: Totals | None
    empty: str


@dataclass(frozen=True, slots=True)
class CurrencyRow:
    """All accounts in one currency, of several facilities."""

    currency: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class Notice:
    label: str
    detail: str


@dataclass(frozen=True, slots=True)
class Reserves:
    headline: str
    notices: Sequence[Notice]
    tiles: Sequence[Tile]
    currencies: Sequence[CurrencyRow]
    facilities: Sequence[FacilityCard]


def reserves(connection: Connection, accounts: Sequence[Balance], now: datetime) -> Reserves:
    """`accounts` (all of this node's view) by facility."""
    pending = pending_by_facility(connection)
    facilities = agreed_facilities(connection, in_sight())
    days = {one.terms.id: account_days(connection, one, now) for one in facilities}
    agreed = {one.number: one for one in facilities}
    cards = [
        _card(
            facility,
            agreed[facility.number],
            [one for one in accounts if one.facility == facility.id],
            days[facility.id],
            pending.get(facility.id, Pending(0, 0)),
        )
        for facility in directory(connection).facilities.values()
        if facility.number in agreed
    ]
    return Reserves(
        headline=_headline(accounts, cards),
        notices=[*_incidents(connection, now), *_dead(pending)],
        tiles=list(_tiles(accounts, pending)) if accounts else [],
        currencies=_currencies(accounts, days),
        facilities=cards,
    )


def _currencies(
    accounts: Sequence[Balance], days: Mapping[str, Mapping[str, AccountDay]]
) -> list[CurrencyRow]:
    if len({one.facility for one in accounts}) < 2:
        return []  # the facility's own totals say it
    return [
        CurrencyRow(currency, _totals(of_currency, days))
        for currency, of_currency in _by_currency(accounts)
    ]


def _by_currency(accounts: Sequence[Balance]) -> Iterator[tuple[str, Sequence[Balance]]]:
    """Accounts whose minor units are the same: a lead may have proposed other decimals than its
    currency has, and those are never added to the others."""
    for currency, decimals in sorted({(one.currency, one.decimals) for one in accounts}):
        yield (
            currency,
            [one for one in accounts if (one.currency, one.decimals) == (currency, decimals)],
        )


def _headline(accounts: Sequence[Balance], cards: Sequence[FacilityCard]) -> str:
    if not accounts:
        return ""
    return _(
        "%(accounts)s in %(facilities)s",
        accounts=ngettext("%(num)s reserve account", "%(num)s reserve accounts", len(accounts)),
        facilities=ngettext("%(num)s facility", "%(num)s facilities", len(cards)),
    )


def _incidents(connection: Connection, now: datetime) -> Iterable[Notice]:
    for incident in newest_incidents(connection, _INCIDENTS_SHOWN):
        if now - incident.noticed_at < _INCIDENT_SHOWN_FOR:
            yield Notice(
                _(_INCIDENT_LABELS[incident.what])
                if incident.what in _INCIDENT_LABELS
                else incident.what,
                _(
                    "Block %(number)s: %(place)s",
                    number=whole(incident.block),
                    place=incident.place,
                ),
            )


def _dead(pending: Mapping[str, Pending]) -> Iterable[Notice]:
    for facility, counts in sorted(pending.items()):
        if counts.dead:
            yield Notice(
                _(
                    "%(count)s accepted events of %(facility)s could not be posted",
                    count=whole(counts.dead),
                    facility=facility,
                ),
                _("They are in the dead letters, wait for a person, and hold up nothing else."),
            )


def _tiles(accounts: Sequence[Balance], pending: Mapping[str, Pending]) -> Iterable[Tile]:
    for currency, of_currency in _by_currency(accounts):
        total, decimals = sum(_books(one).agreed for one in of_currency), of_currency[0].decimals
        yield Tile(
            f"agreed-{currency}-{decimals}",
            _("Agreed reserves"),
            money(total, decimals),
            currency,
            _short_note(of_currency),
            "bad" if any(one.shortfall for one in of_currency) else "",
        )
    unproved = [one for one in accounts if one.proof]
    unread = [one for one in accounts if one.proof is None]
    yield Tile(
        "proof",
        _("Proof"),
        _(
            "%(proved)s of %(all)s",
            proved=len(accounts) - len(unproved) - len(unread),
            all=len(accounts),
        ),
        _("at 0"),
        _("All differences are explained")
        if not unproved and not unread
        else _("A difference that nothing explains")
        if unproved
        else _("The contract’s books are being read"),
        "bad" if unproved else "warn" if unread else "good",
    )
    broken = sum(one.breaks for one in accounts)
    overdue = sum(one.overdue for one in accounts)
    yield Tile(
        "breaks",
        _("Open breaks"),
        f"{broken:,}",
        "",
        _("%(count)s of them overdue", count=whole(overdue)) if overdue else _("None overdue"),
        "warn" if overdue else "",
    )
    waiting = sum(one.waiting for one in pending.values())
    yield Tile(
        "pending",
        _("Pending here"),
        f"{waiting:,}",
        _("events") if waiting != 1 else _("event"),
        _("Accepted, not yet on the chain")
        if waiting
        else _("All accepted events are on the chain"),
        "",
    )


def _short_note(accounts: Sequence[Balance]) -> str:
    short = sum(1 for one in accounts if one.shortfall)
    low = sum(1 for one in accounts if _low(one))
    if short and low:
        return _("%(short)s in shortfall, %(low)s low", short=short, low=low)
    if short:
        return _("%(short)s in shortfall", short=short)
    if low:
        return ngettext("%(num)s below its threshold", "%(num)s below their thresholds", low)
    return _("All above their thresholds")


def _card(
    facility: Facility,
    agreed: AgreedFacility,
    accounts: Sequence[Balance],
    days: Mapping[str, AccountDay],
    pending: Pending,
) -> FacilityCard:
    terms, decimals = agreed.terms, facility.decimals
    cut_off = f"{terms.cut_off:%H:%M:%S}"
    facts = [
        _("Cut-off %(time)s %(zone)s", time=cut_off, zone=terms.time_zone),
        _(
            "Tolerance %(amount)s, %(days)s",
            amount=money(terms.rules.amount_tolerance, decimals),
            days=day_count(terms.rules.date_window_days),
        ),
        _("Match within %(hours)s h", hours=terms.rules.match_deadline_hours),
    ]
    if agreed.state != "active":
        facts.append(_state(agreed))
    return FacilityCard(
        number=facility.number,
        id=facility.id,
        currency=facility.currency,
        lead=facility.lead,
        facts=facts,
        pending=pending.waiting,
        accounts=[account_row(facility, one, days.get(one.partner)) for one in accounts],
        totals=_totals(accounts, {facility.id: days}) if len(accounts) > 1 else None,
        empty=(
            _("No leg that this bank sees has been posted. Its accounts appear with the first one.")
            if agreed.state in ("active", "paused")
            else _("Every party must accept this facility before legs can be posted.")
            if agreed.state == "proposed"
            else _("No leg that this bank sees was ever posted.")
        ),
    )


def _state(agreed: AgreedFacility) -> str:
    if agreed.state == "proposed":
        return _("Proposed; %(banks)s still to accept", banks=", ".join(agreed.waiting_for))
    if agreed.state == "paused":
        return _(
            "Paused by %(banks)s; nothing is posted meanwhile", banks=", ".join(agreed.paused_by)
        )
    return label(agreed.state)


def _books(account: Balance) -> Books:
    """The contract's own books; the sums of the legs until they were first read."""
    return account.contract or account.books


def _low(account: Balance) -> bool:
    return account.low and not account.shortfall


def account_row(facility: Facility, account: Balance, day: AccountDay | None) -> AccountRow:
    """An account as a line of the positions."""
    books, decimals = _books(account), account.decimals
    curve = sparkline(day.curve, day.day, day.now, account.low_balance) if day else None
    marks: list[Mark] = []
    if account.shortfall:
        marks.append(Mark(_("Shortfall"), "bad"))
    elif _low(account):
        marks.append(Mark(_("Low balance"), "warn"))
    if account.overdue:
        marks.append(Mark(_("%(count)s overdue", count=whole(account.overdue)), "warn"))
    if account.proof is None:
        proof, title = _("reading"), _("The contract’s books are being read")
    else:
        proof = money(account.proof, decimals)
        title = (
            _("Open legs and accepted differences explain the whole difference of the two books")
            if account.proof == 0
            else _("This part of the two books’ difference is explained by nothing")
        )
    return AccountRow(
        key=f"{facility.number}-{account.partner}",
        partner=account.partner,
        partner_book=money(books.partner_book, decimals),
        lead_book=money(books.lead_book, decimals),
        agreed=money(books.agreed, decimals),
        held=money(account.held, decimals),
        available=money(account.available, decimals),
        threshold=money(account.low_balance, decimals),
        closed_through="" if account.closed_through is None else f"{account.closed_through}",
        proof=proof,
        proved=account.proof == 0,
        proof_title=title,
        open_legs=account.open_legs,
        breaks=account.breaks,
        marks=marks,
        chips=[
            Chip(
                name,
                _(TYPE_LABELS[name]).lower(),
                account.open_counts[name],
                "breaks" + BreakFilters(facility.id, account.partner, name).query(),
            )
            for name in BREAK_TYPES
            if account.open_counts[name]
        ],
        today=today_figures(day.flows, decimals) if day else [],
        curve=curve,
        curve_text=curve_text(curve, account),
    )


def _totals(accounts: Sequence[Balance], days: Mapping[str, Mapping[str, AccountDay]]) -> Totals:
    """Of accounts whose minor units are the same (`_by_currency`)."""
    decimals = accounts[0].decimals
    moved = Flows()
    for one in accounts:
        if one.partner in days[one.facility]:
            moved += days[one.facility][one.partner].flows
    books = [_books(one) for one in accounts]
    proofs = [one.proof for one in accounts]
    return Totals(
        partner_book=money(sum(one.partner_book for one in books), decimals),
        lead_book=money(sum(one.lead_book for one in books), decimals),
        agreed=money(sum(one.agreed for one in books), decimals),
        held=money(sum(one.held for one in accounts), decimals),
        available=money(sum(one.available for one in accounts), decimals),
        proof=_("reading")
        if None in proofs
        else money(sum(one for one in proofs if one is not None), decimals),
        open_legs=sum(one.open_legs for one in accounts),
        breaks=sum(one.breaks for one in accounts),
        today=today_figures(moved, decimals),
    )
