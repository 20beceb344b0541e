"""Facilities: their terms in words, every version, and the changes proposed and accepted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection

from app.domain.facility import Facility, Shares
from app.locale import _
from app.readmodel.directory import directory
from app.readmodel.facilities.agreed import AgreedFacility, agreed_facilities, agreed_facility
from app.readmodel.facilities.history import (
    ChangeRow,
    FacilityHistory,
    PauseRow,
    RulesRow,
    SharesRow,
    facility_history,
)
from app.readmodel.values import to_date
from app.web.text import days, money

_TONES = {
    "active": "good", "in_force": "good", "proposed": "pending", "open": "pending",
    "paused": "warn",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FacilityLine:
    """A facility in the list."""

    terms: Facility
    state: str
    tone: str
    partners: str
    waits: str
    """Whom it waits for, in sentences; empty for nobody."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of shares or rules, in words."""

    name: str
    since: str
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """A change that was proposed; `words` say what it would bring."""

    change: ChangeRow
    kind: str
    tone: str
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class FacilityPage:
    line: FacilityLine
    terms: Sequence[str]
    shares: Sequence[Version]
    rules: Sequence[Version]
    changes: Sequence[ChangeLine]
    """The newest first, as the pauses."""
    pauses: Sequence[PauseRow]


def facility_lines(connection: Connection) -> list[FacilityLine]:
    """All facilities of this view."""
    names = directory(connection)
    return [
        _line(one, facility_history(connection, names, one.number))
        for one in agreed_facilities(connection)
    ]


def facility_page(connection: Connection, id_: str) -> FacilityPage | None:
    """A facility; None where there is none of that id, or only withdrawn ones."""
    agreed = agreed_facility(connection, id_)
    if agreed is None:
        return None
    history = facility_history(connection, directory(connection), agreed.number)
    terms = agreed.terms
    return FacilityPage(
        line=_line(agreed, history),
        terms=terms_in_words(terms),
        shares=[_version(one, _shares(terms, one.shares)) for one in history.shares],
        rules=[_version(one, _rules(terms, one)) for one in history.rules],
        changes=[_change(terms, one) for one in reversed(history.changes)],
        pauses=history.pauses[::-1],
    )


def terms_in_words(terms: Facility) -> list[str]:
    """A facility's first terms as sentences."""
    rules = terms.rules

    def amount(minor: int) -> str:
        return f"{money(minor, terms.decimals)} {terms.currency}"

    cut_off = f"{terms.cut_off:%H:%M:%S}"
    words = [
        _(
            "A business date ends at %(time)s in %(zone)s.",
            time=cut_off,
            zone=terms.time_zone,
        ),
        _(
            "Two halves still match when their amounts differ by at most %(amount)s and their "
            "value dates by at most %(days)s.",
            amount=amount(rules.amount_tolerance),
            days=days(rules.date_window_days),
        ),
        _(
            "A leg without its other half is overdue after %(hours)s hours.",
            hours=rules.match_deadline_hours,
        ),
        _("The contract splits the lead’s events among the partners by the shares.")
        if terms.split == "contract"
        else _("The lead splits its events itself and states each partner’s part."),
    ]
    if terms.unworkable:
        words.append(
            _(
                "By these terms no row can be read: this node knows no such time zone (it shows "
                "days by UTC) or no such first day. Whoever accepts them can post nothing."
            )
        )
    if terms.odd_currency:
        words.append(_("Its currency or its decimals are not those of ISO 4217."))
    if terms.first_day > 1:
        words.append(_("No date of a row is before %(day)s.", day=to_date(terms.first_day)))
    if least := terms.bounds.least_lead_share_bps:
        words.append(_("The lead’s share is never below %(share)s.", share=_percent(least)))
    if largest := terms.bounds.largest_partner_share_bps:
        words.append(_("No partner’s share is above %(share)s.", share=_percent(largest)))
    words += [
        _(
            "The balance of %(partner)s is low below %(amount)s.",
            partner=one.name,
            amount=amount(one.low_balance),
        )
        for one in terms.partners
    ]
    return words


def _line(agreed: AgreedFacility, history: FacilityHistory) -> FacilityLine:
    terms = agreed.terms
    waits = []
    if agreed.state == "proposed":
        waits.append(_("%(banks)s must still accept it.", banks=", ".join(agreed.waiting_for)))
    if agreed.paused_by:
        waits.append(_("Paused by %(banks)s.", banks=", ".join(agreed.paused_by)))
    waits += [
        _(
            "%(banks)s must still accept change %(number)s.",
            banks=", ".join(one.waits_for),
            number=one.number,
        )
        for one in history.changes
        if one.state == "open"
    ]
    return FacilityLine(
        terms=terms,
        state=agreed.state,
        tone=_TONES.get(agreed.state, ""),
        partners=", ".join(one.name for one in terms.partners),
        waits=" ".join(waits),
    )


def _version(row: SharesRow | RulesRow, words: Sequence[str]) -> Version:
    return Version(
        _("Version %(number)s", number=row.version) if row.version else _("Proposed"),
        _since(row.effective_from),
        words,
    )


def _since(day: int) -> str:
    return _("from %(day)s", day=date.fromordinal(day)) if day else _("from the beginning")


def _shares(terms: Facility, shares: Sequence[Shares]) -> list[str]:
    words = [
        _(
            "%(bank)s: %(shares)s",
            bank=partner.name,
            shares=_of_components(one.principal, one.interest, one.fee),
        )
        for partner, one in zip(terms.partners, shares, strict=True)
    ]
    rest = [
        10_000 - sum(getattr(one, name) for one in shares)
        for name in ("principal", "interest", "fee")
    ]
    return [*words, _("%(bank)s (lead): %(shares)s", bank=terms.lead, shares=_of_components(*rest))]


def _of_components(principal: int, interest: int, fee: int) -> str:
    if principal == interest == fee:
        return _("%(share)s of principal, interest and fees", share=_percent(principal))
    return _(
        "%(principal)s of principal, %(interest)s of interest, %(fee)s of fees",
        principal=_percent(principal),
        interest=_percent(interest),
        fee=_percent(fee),
    )


def _percent(basis_points: int) -> str:
    return f"{basis_points // 100}.{basis_points % 100:02} %"


def _rules(terms: Facility, row: RulesRow) -> list[str]:
    hours = timedelta(seconds=row.match_deadline_seconds)
    tolerance = f"{money(row.amount_tolerance, terms.decimals)} {terms.currency}"
    cut_off = f"{row.cut_off:%H:%M:%S}"
    return [
        _(
            "Tolerance %(amount)s, %(days)s",
            amount=tolerance,
            days=days(row.date_window_days),
        ),
        _("Match within %(hours)s h", hours=hours // timedelta(hours=1)),
        _("Cut-off %(time)s", time=cut_off),
    ]


def _change(terms: Facility, row: ChangeRow) -> ChangeLine:
    words: list[str] = []
    if row.shares is not None:
        words = [_since(row.shares.effective_from), *_shares(terms, row.shares.shares)]
    elif row.rules is not None:
        words = [_since(row.rules.effective_from), *_rules(terms, row.rules)]
    kinds = {"shares": _("Shares"), "rules": _("Rules"), "close": _("Close the facility")}
    return ChangeLine(row, kinds[row.kind], _TONES.get(row.state, ""), words)
