"""What the page shows, worked out from the read model: text and marks, ready to be laid out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy import Connection

from app.api.context import NodeHealth
from app.api.health import Status, chain_status
from app.api.received import Pending
from app.domain.money import format_amount
from app.readmodel import queries
from app.readmodel.directory import Directory, directory
from app.readmodel.facilities import AgreedFacility, agreed_facilities
from app.readmodel.results import BREAK_TYPES, Balance, Books, Facility, Half, Pair
from app.readmodel.sums import balances

PAGE_ROWS = 50
_INCIDENT_SHOWN_FOR = timedelta(days=1)
_INCIDENTS_SHOWN = 3

TYPE_LABELS = {
    "amount": "Amount",
    "date": "Date",
    "amount_and_date": "Amount and date",
    "missing_at_partner": "Missing at partner",
    "missing_at_lead": "Missing at lead",
    "duplicate_at_lead": "Duplicate at lead",
    "duplicate_at_partner": "Duplicate at partner",
}

_INCIDENT_LABELS = {
    "rewind": "The chain went back and was read again",
    "unequal_halves": "The contract matched halves that are not equal",
    "judgement_differs": "The contract judged a pair otherwise than its rules say",
    "books_differ": "The contract’s books differ from the sum of the legs",
}


def money(minor: int, decimals: int) -> str:
    """An amount for people: thousands grouped, a true minus sign."""
    text = format_amount(abs(minor), decimals)
    whole, point, fraction = text.partition(".")
    return f"{'−' if minor < 0 else ''}{int(whole):,}{point}{fraction}"


def age(seconds: int) -> str:
    """How long ago, in one unit; the page's script counts on in the same words."""
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 172_800:
        return f"{seconds // 3600} h"
    return f"{seconds // 86_400} days"


def _days(count: int) -> str:
    return f"{count:,} {'day' if count == 1 else 'days'}"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds_since(moment: datetime, now: datetime) -> int:
    return max(0, int((now - moment).total_seconds()))


# --- The chain -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class State:
    """The chain and how far this node has read it. `tone`: good, warn or bad."""

    name: str
    label: str
    tone: str
    announcement: str
    block: int | None
    block_time: str
    age_seconds: int


STATES: dict[Status, tuple[str, str, str]] = {
    "live": ("Live", "good", "The chain is live again."),
    "behind": ("Catching up", "warn", "This node is catching up with the chain."),
    "stalled": (
        "Chain stalled",
        "bad",
        "The chain makes no blocks. The figures are those of its last block.",
    ),
    "unreachable": (
        "Chain unreachable",
        "bad",
        "The chain does not answer. The figures are those of the last block read.",
    ),
    "starting": ("Starting", "warn", "No block has been read yet."),
}


def chain_state(connection: Connection, health: NodeHealth, now: datetime) -> State:
    """How the chain stands, and how far this node has read it."""
    cursor = queries.cursor(connection)
    name = chain_status(cursor, health)
    label, tone, announcement = STATES[name]
    if name == "behind" and cursor is not None and health.head is not None:
        label = f"{health.head - cursor.block_number:,} blocks behind"
    if cursor is None:
        return State(name, label, tone, announcement, None, "", 0)
    return State(
        name,
        label,
        tone,
        announcement,
        cursor.block_number,
        _iso(cursor.block_time),
        _seconds_since(cursor.block_time, now),
    )


# --- Reserves ------------------------------------------------------------------------------------


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
    available: str
    closed_through: str
    """The last closed business date; empty where none is."""
    proof: str
    proved: bool
    proof_title: str
    open_legs: int
    marks: Sequence[Mark]
    chips: Sequence[Chip]


@dataclass(frozen=True, slots=True)
class Totals:
    partner_book: str
    lead_book: str
    agreed: str
    available: str
    proof: str
    open_legs: int
    breaks: int


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
class Notice:
    label: str
    detail: str


@dataclass(frozen=True, slots=True)
class Reserves:
    headline: str
    notices: Sequence[Notice]
    tiles: Sequence[Tile]
    facilities: Sequence[FacilityCard]


def choices(accounts: Sequence[Balance]) -> tuple[list[str], list[str]]:
    """The facilities and partners that the list can be narrowed to: those with an account here."""
    facilities = dict.fromkeys(one.facility for one in accounts)
    return list(facilities), sorted({one.partner for one in accounts})


def reserves(
    connection: Connection,
    accounts: Sequence[Balance],
    pending: Mapping[str, Pending],
    now: datetime,
) -> Reserves:
    """`accounts` (all of this node's view) by facility."""
    agreed = {one.terms.id: one for one in agreed_facilities(connection)}
    cards = [
        _card(
            facility,
            agreed[facility.id],
            [one for one in accounts if one.facility == facility.id],
            pending.get(facility.id, Pending(0, 0)),
        )
        for facility in directory(connection).facilities.values()
    ]
    return Reserves(
        headline=_headline(accounts, cards),
        notices=[*_incidents(connection, now), *_dead(pending)],
        tiles=_tiles(accounts, pending) if accounts else [],
        facilities=cards,
    )


def _headline(accounts: Sequence[Balance], cards: Sequence[FacilityCard]) -> str:
    if not accounts:
        return ""
    account_word = "reserve account" if len(accounts) == 1 else "reserve accounts"
    facility_word = "facility" if len(cards) == 1 else "facilities"
    return f"{len(accounts)} {account_word} in {len(cards)} {facility_word}"


def _incidents(connection: Connection, now: datetime) -> Iterable[Notice]:
    for incident in queries.incidents(connection, _INCIDENTS_SHOWN):
        if now - incident.noticed_at < _INCIDENT_SHOWN_FOR:
            yield Notice(
                _INCIDENT_LABELS.get(incident.what, incident.what),
                f"Block {incident.block:,}: {incident.place}",
            )


def _dead(pending: Mapping[str, Pending]) -> Iterable[Notice]:
    for facility, counts in sorted(pending.items()):
        if counts.dead:
            yield Notice(
                f"{counts.dead:,} accepted events of {facility} could not be posted",
                "They are in the dead letters, wait for a person, and hold up nothing else.",
            )


def _tiles(accounts: Sequence[Balance], pending: Mapping[str, Pending]) -> list[Tile]:
    tiles: list[Tile] = []
    for currency in sorted({one.currency for one in accounts}):
        of_currency = [one for one in accounts if one.currency == currency]
        total = sum(_books(one).agreed for one in of_currency)
        tiles.append(
            Tile(
                f"agreed-{currency}",
                "Agreed reserves",
                money(total, of_currency[0].decimals),
                currency,
                _short_note(of_currency),
                "bad" if any(one.shortfall for one in of_currency) else "",
            )
        )
    unproved = [one for one in accounts if one.proof]
    unread = [one for one in accounts if one.proof is None]
    tiles.append(
        Tile(
            "proof",
            "Proof",
            f"{len(accounts) - len(unproved) - len(unread)} of {len(accounts)}",
            "at 0",
            "All differences are explained"
            if not unproved and not unread
            else "A difference that nothing explains"
            if unproved
            else "The contract’s books are being read",
            "bad" if unproved else "warn" if unread else "good",
        )
    )
    broken = sum(one.breaks for one in accounts)
    overdue = sum(one.overdue for one in accounts)
    tiles.append(
        Tile(
            "breaks",
            "Open breaks",
            f"{broken:,}",
            "",
            f"{overdue:,} of them overdue" if overdue else "None overdue",
            "warn" if overdue else "",
        )
    )
    waiting = sum(one.waiting for one in pending.values())
    tiles.append(
        Tile(
            "pending",
            "Pending here",
            f"{waiting:,}",
            "events" if waiting != 1 else "event",
            "Accepted, not yet on the chain" if waiting else "All accepted events are on the chain",
            "",
        )
    )
    return tiles


def _short_note(accounts: Sequence[Balance]) -> str:
    short = sum(1 for one in accounts if one.shortfall)
    low = sum(1 for one in accounts if _low(one))
    if short:
        return f"{short} in shortfall" + (f", {low} low" if low else "")
    return (
        f"{low} below its threshold"
        if low == 1
        else f"{low} below their thresholds"
        if low
        else ("All above their thresholds")
    )


def _card(
    facility: Facility, agreed: AgreedFacility, accounts: Sequence[Balance], pending: Pending
) -> FacilityCard:
    terms, decimals = agreed.terms, facility.decimals
    deadline = terms.rules.match_deadline_hours
    facts = [
        f"Cut-off {terms.cut_off:%H:%M:%S} {terms.time_zone}",
        f"Tolerance {money(terms.rules.amount_tolerance, decimals)}, "
        f"{_days(terms.rules.date_window_days)}",
        f"Match within {deadline} h",
    ]
    if not agreed.active:
        missing = [one.name for one in facility.partners if not one.accepted]
        facts.append(f"Proposed; {', '.join(missing)} still to accept")
    return FacilityCard(
        number=facility.number,
        id=facility.id,
        currency=facility.currency,
        lead=facility.lead,
        facts=facts,
        pending=pending.waiting,
        accounts=[_account(facility, one) for one in accounts],
        totals=_totals(accounts, decimals) if len(accounts) > 1 else None,
        empty=(
            "No leg has been posted yet. The reserve accounts appear with the first one."
            if agreed.active
            else "Every party must accept this facility before legs can be posted."
        ),
    )


def _books(account: Balance) -> Books:
    """The contract's own books; the sums of the legs until they were first read."""
    return account.contract or account.books


def _low(account: Balance) -> bool:
    return account.low and not account.shortfall


def _account(facility: Facility, account: Balance) -> AccountRow:
    books, decimals = _books(account), account.decimals
    marks: list[Mark] = []
    if account.shortfall:
        marks.append(Mark("Shortfall", "bad"))
    elif _low(account):
        marks.append(Mark("Low balance", "warn"))
    if account.overdue:
        marks.append(Mark(f"{account.overdue:,} overdue", "warn"))
    if account.proof is None:
        proof, title = "reading", "The contract’s books are being read"
    else:
        proof = money(account.proof, decimals)
        title = (
            "Open legs and accepted differences explain the whole difference of the two books"
            if account.proof == 0
            else "This part of the two books’ difference is explained by nothing"
        )
    return AccountRow(
        key=f"{facility.number}-{account.partner}",
        partner=account.partner,
        partner_book=money(books.partner_book, decimals),
        lead_book=money(books.lead_book, decimals),
        agreed=money(books.agreed, decimals),
        available=money(account.available, decimals),
        closed_through="" if account.closed_through is None else f"{account.closed_through}",
        proof=proof,
        proved=account.proof == 0,
        proof_title=title,
        open_legs=account.open_legs,
        marks=marks,
        chips=[
            Chip(
                name,
                TYPE_LABELS[name].lower(),
                account.open_counts[name],
                BreakFilters(facility.id, account.partner, name).query() + "#breaks",
            )
            for name in BREAK_TYPES
            if account.open_counts[name]
        ],
    )


def _totals(accounts: Sequence[Balance], decimals: int) -> Totals:
    books = [_books(one) for one in accounts]
    proofs = [one.proof for one in accounts]
    return Totals(
        partner_book=money(sum(one.partner_book for one in books), decimals),
        lead_book=money(sum(one.lead_book for one in books), decimals),
        agreed=money(sum(one.agreed for one in books), decimals),
        available=money(sum(one.available for one in accounts), decimals),
        proof="reading"
        if None in proofs
        else money(sum(one for one in proofs if one is not None), decimals),
        open_legs=sum(one.open_legs for one in accounts),
        breaks=sum(one.breaks for one in accounts),
    )


# --- Breaks --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BreakFilters:
    """The filter of the list as it stands in the address; None and False mean any."""

    facility: str | None = None
    partner: str | None = None
    type: str | None = None
    text: str | None = None
    overdue: bool = False

    def query(self, before: int | None = None) -> str:
        """What asks for this filter, and the page that starts below the line `before`."""
        given = {
            "facility": self.facility,
            "partner": self.partner,
            "type": self.type,
            "text": self.text,
            "overdue": "true" if self.overdue else None,
            "before": before,
        }
        query = urlencode({name: value for name, value in given.items() if value is not None})
        return f"?{query}" if query else ""

    def for_query(self) -> queries.Filter:
        return queries.Filter(
            facility=self.facility,
            partner=self.partner,
            types=(self.type,) if self.type else (),
            text=self.text,
            overdue=True if self.overdue else None,
        )


@dataclass(frozen=True, slots=True)
class BreakRow:
    type: str
    type_label: str
    facility: str
    partner: str
    kind: str
    ref: str
    ref_known: bool
    ref_title: str
    lead_amount: str
    lead_value_date: str
    partner_amount: str
    partner_value_date: str
    differences: Sequence[str]
    """Of the amounts and of the value dates, signed; only those that there are."""
    first_posted_at: str
    age_seconds: int
    overdue: bool


@dataclass(frozen=True, slots=True)
class BreakList:
    headline: str
    rows: Sequence[BreakRow]
    many_facilities: bool
    empty: str
    filters: BreakFilters
    before: int | None
    following: int | None

    @property
    def query(self) -> str:
        """What asks for this very page again."""
        return self.filters.query(self.before)

    @property
    def first_query(self) -> str | None:
        """What asks for the first page; None on it."""
        return None if self.before is None else self.filters.query()

    @property
    def next_query(self) -> str | None:
        return None if self.following is None else self.filters.query(self.following)


def break_list(
    connection: Connection, filters: BreakFilters, before: int | None, now: datetime
) -> BreakList:
    """One page of breaks, newest first; `before` as in `queries.breaks`."""
    names = directory(connection)
    page = queries.breaks(connection, filters.for_query(), PAGE_ROWS, before)
    filtered = filters != BreakFilters()
    return BreakList(
        headline=_count_line(connection, filters, len(page.items)),
        rows=[_break_row(names, pair, now) for pair in page.items],
        many_facilities=len(names.facilities) > 1,
        empty=(
            "No break fits this filter."
            if filtered
            else "No breaks: every leg on the chain has its equal other half."
        ),
        filters=filters,
        before=before,
        following=page.following,
    )


def _count_line(connection: Connection, filters: BreakFilters, shown: int) -> str:
    if filters.text:
        return f"{shown:,} shown"
    total = 0
    for account in balances(connection, filters.facility, filters.partner):
        types = (filters.type,) if filters.type else BREAK_TYPES
        if not filters.overdue:
            total += sum(account.open_counts.get(name, 0) for name in types)
        elif filters.type is None:
            total += account.overdue
        else:
            return f"{shown:,} shown"
    return f"{total:,} {'break' if total == 1 else 'breaks'}"


def _break_row(names: Directory, pair: Pair, now: datetime) -> BreakRow:
    facility = names.facility(pair.facility)
    decimals = facility.decimals if facility else 0
    kind = pair.kind.replace("_", " ")
    if pair.target is not None:
        kind = f"{kind} of {pair.target}"

    def amount(half: Half | None) -> str:
        return money(half.amount, decimals) if half else ""

    def value_date(half: Half | None) -> str:
        return half.value_date.isoformat() if half else ""

    return BreakRow(
        type=pair.type,
        type_label=TYPE_LABELS[pair.type],
        facility=pair.facility,
        partner=pair.partner,
        kind=kind,
        ref=pair.event_ref if pair.event_ref is not None else f"#{pair.reference[:12]}…",
        ref_known=pair.event_ref is not None,
        ref_title=(
            f"On the chain: {pair.reference}"
            if pair.event_ref is not None
            else f"Known here only by its keyed hash {pair.reference}"
        ),
        lead_amount=amount(pair.lead),
        lead_value_date=value_date(pair.lead),
        partner_amount=amount(pair.partner_half),
        partner_value_date=value_date(pair.partner_half),
        differences=list(_differences(pair, decimals)),
        first_posted_at=_iso(pair.first_posted_at),
        age_seconds=_seconds_since(pair.first_posted_at, now),
        overdue=pair.overdue,
    )


def _differences(pair: Pair, decimals: int) -> Iterable[str]:
    if pair.lead is None or pair.partner_half is None:
        return
    if pair.difference:
        yield f"{'+' if pair.difference > 0 else ''}{money(pair.difference, decimals)}"
    days = (pair.partner_half.value_date - pair.lead.value_date).days
    if days:
        yield f"{'+' if days > 0 else '−'}{_days(abs(days))}"
