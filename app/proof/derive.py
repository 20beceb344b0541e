"""Lines and totals of a period, from a facility's events alone, by the indexer's own pure core."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache, partial
from typing import Any

from app.contracts.events import ContractEvent
from app.domain.matching.books import Books
from app.domain.matching.pairs import PAIR_TYPES, SETTLED, Half, PairType
from app.domain.resolutions import Side
from app.indexer.changes import AcceptedResolution, DayTotal
from app.indexer.decode import Event
from app.indexer.postings import DUPLICATE, Posting
from app.indexer.project import project
from app.indexer.projection import Projection
from app.indexer.scan import Header
from app.indexer.state import State, StoredPair, View
from app.readmodel.accounts.sums import effect_of
from app.readmodel.values import kind_name, to_date
from app.verify.errors import Unverified

_NOBODY = 0
"""A member's number that none has: nothing is opened for it."""
_BOOKS = ("Lead", "Partner", "Agreed")
_NOTHING_POSTED = (0, bytes(32))
_OPEN_LEGS: Mapping[PairType, int] = {
    "missing_at_partner": 1,
    "missing_at_lead": 1,
    "amount": 2,
    "date": 2,
    "amount_and_date": 2,
}
"""Of a pair that is neither settled nor resolved."""

LINE_NAMES = (
    "partner",
    "type",
    "kind",
    "lead posting",
    "lead word",
    "partner posting",
    "partner word",
    "lead date",
    "partner date",
    "agreed date",
    "lead amount",
    "partner amount",
    "agreed amount",
)
"""What the cells of a line are (docs/proof-bundle.md)."""
_LEAD_POSTING, _PARTNER_POSTING = 3, 5
_LEAD_DATE, _PARTNER_DATE = 7, 8
_AMOUNTS = (10, 11, 12)

Line = list[Any]


@dataclass(frozen=True, slots=True)
class Period:
    """What the statement says of a period's business days."""

    accounts: list[dict[str, Any]]
    banks: list[dict[str, Any]]
    lines: list[Line]
    references: list[str]
    """Of each line's pair, hex."""


class Derivation:
    """Folds a facility's events, block by block, and then tells a period's lines and totals."""

    def __init__(self, chain_id: int, facility: int) -> None:
        self._facility = facility
        self._state = State(View(_NOBODY, "auditor", ()), chain_id)
        self._headers: dict[int, Header] = {}
        self._projection = Projection(self._state, self._headers, lambda _: None)
        self._terms: Mapping[str, Any] | None = None
        self.stated: dict[int, str] = {}
        """Partner to the last day whose statement, which the contract held against its ledger,
        follows from the events."""
        self._resolved = 0
        """How many of the accepted resolutions are counted in `_resolved_legs`."""
        self._resolved_legs: defaultdict[int, int] = defaultdict(int)
        """Partner to the legs of its resolved pairs."""
        self.rejected = 0
        """How many legs, and parts of a lead's leg, the contract took into no book for another
        reason than that they were there already."""

    @property
    def postings(self) -> int:
        """How many were taken."""
        return len(self._projection.changes.postings)

    def take(self, block: Header, events: Sequence[Event]) -> None:
        """A block's events. Raises Unverified where the contracts say what does not follow from
        them, and Incomplete where they are not whole."""
        projection = self._projection
        self._headers[block.number] = block
        for event in events:
            self._check_partner(event)
            project(projection, (event,), {})
            if isinstance(event, Posting):
                self.rejected += len(event.skipped)
                self.rejected += sum(why != DUPLICATE for why in event.rejected.values())
            if isinstance(event, ContractEvent) and event.name == "DayProposed":
                projection.later(partial(self._hold_against_books, event))
        for step in projection.steps:
            step()
        changes = projection.changes
        for odd in (*changes.incidents, *changes.unreadable):
            raise Unverified(f"block {odd.block}: {odd.what} ({odd.place})")
        projection.steps.clear()
        projection.statements.clear()
        projection.touched.clear()
        for event in events:
            if isinstance(event, ContractEvent) and event.name == "FacilityProposed":
                self._terms = event.arguments["terms"]

    def _check_partner(self, event: Event) -> None:
        """A view passes over accounts that it does not see; here there are none such."""
        if isinstance(event, ContractEvent) and "partner" in event.arguments:
            partner = event.arguments["partner"]
            if (self._facility, partner) not in self._state.accounts:
                raise Unverified(
                    f"block {event.block_number}: {event.name} is of partner {partner}, which the "
                    "facility has not"
                )

    def _hold_against_books(self, event: ContractEvent) -> None:
        """The contract takes a day's statement only with the ledger's own totals of that moment:
        so they must follow from the events up to here. Raises Unverified."""
        arguments = event.arguments
        partner, day, statement = arguments["partner"], arguments["day"], arguments["statement"]
        account = self._state.accounts[self._facility, partner]
        opening, closing = (
            self._through(partner, account.closed_through),
            self._through(partner, day),
        )
        books = account.books
        found = {
            **{f"opening{name}": sum_ for name, sum_ in zip(_BOOKS, opening, strict=True)},
            **{f"closing{name}": sum_ for name, sum_ in zip(_BOOKS, closing, strict=True)},
            "openLead": books.open_lead,
            "openPartner": books.open_partner,
            "acceptedDifference": books.accepted_difference,
            # Sums alone would not show two resolutions left out that add up to nothing.
            "openLegs": self._open_legs(partner),
        }
        for name, sum_ in found.items():
            if statement[name] != sum_:
                raise Unverified(
                    f"block {event.block_number}: the ledger's {name} of partner {partner} for the "
                    f"day {_date(day)} was {statement[name]}, and {sum_} follows from the events "
                    "of the bundle: something is missing in it"
                )
        self.stated[partner] = _date(day)

    def _open_legs(self, partner: int) -> int:
        """By the account's counts, which keep a resolved pair under the type with which it broke:
        a history has as many statements as days and accounts, and may have a million pairs."""
        accepted = self._projection.changes.accepted
        for one in accepted[self._resolved :]:
            self._resolved_legs[one.pair.account] += sum(
                half is not None for half in (one.pair.lead, one.pair.partner)
            )
        self._resolved = len(accepted)
        counts = self._state.accounts[self._facility, partner].counts
        legs = sum(counts[name] * each for name, each in _OPEN_LEGS.items())
        return legs - self._resolved_legs[partner]

    def _through(self, partner: int, last: int) -> list[int]:
        """What the movements up to a day come to, in each book."""
        sums = [0, 0, 0]
        for (_, whose, day, _), total in self._projection.changes.day_totals.items():
            if whose == partner and day <= last:
                _add(sums, _amounts(total))
        return sums

    def facility(self) -> dict[str, Any]:
        """What the statement says of it. Raises Unverified where nothing has proposed it."""
        terms = self._terms
        if terms is None:
            raise Unverified(f"no event in the bundle proposes facility {self._facility}")
        return {
            "currency": terms["currency"],
            "decimals": terms["decimals"],
            "id": terms["id"],
            "lead": terms["lead"],
            "number": self._facility,
        }

    def period(self, low: int, high: int, names: Mapping[int, str]) -> Period:
        """Accounts, banks and lines between two business days, both included. Raises Unverified
        where books and lines do not agree."""
        by_partner: dict[int, list[StoredPair]] = {}
        for pair in self._projection.changes.new_pairs:
            by_partner.setdefault(pair.account, []).append(pair)
        resolved: dict[int, list[AcceptedResolution]] = {}
        for one in sorted(self._projection.changes.accepted, key=lambda one: one.number):
            resolved.setdefault(one.pair.account, []).append(one)
        state = self._state.facilities[self._facility]
        banks = {0: state.lead} | {
            number: member
            for member, number in sorted(state.partners.items(), key=lambda one: one[1])
        }
        lines: list[Line] = []
        references: list[str] = []
        accounts = []
        first_posted: dict[int, int] = {}
        for partner in state.visible:
            start = len(lines)
            for pair in by_partner.get(partner, ()):
                line = _pair_line(pair, low, high)
                if line is not None:
                    lines.append(line)
                    references.append(pair.reference.hex())
                    for bank, posting, day in (
                        (0, line[_LEAD_POSTING], line[_LEAD_DATE]),
                        (partner, line[_PARTNER_POSTING], line[_PARTNER_DATE]),
                    ):
                        if day is not None:
                            first_posted[bank] = min(posting, first_posted.get(bank, posting))
            for one in resolved.get(partner, ()):
                if low <= one.day <= high:
                    lines.append(_resolution_line(one))
                    references.append(one.pair.reference.hex())
            accounts.append(self._account(partner, low, high, lines[start:]))
        told = [
            self._bank(partner, member, names, first_posted.get(partner))
            for partner, member in banks.items()
        ]
        return Period(accounts, told, lines, references)

    def _account(self, partner: int, low: int, high: int, lines: Sequence[Line]) -> dict[str, Any]:
        changes = self._projection.changes
        opening, closing, later = [0, 0, 0], [0, 0, 0], [0, 0, 0]
        moved: dict[int, list[int]] = {}
        for (_, whose, day, kind), total in changes.day_totals.items():
            if whose != partner:
                continue
            amounts = _amounts(total)
            if day < low:
                _add(opening, amounts)
            elif day > high:
                _add(later, amounts)
            else:
                _add(moved.setdefault(kind, [0, 0, 0]), amounts)
        _add(closing, opening)
        for amounts in moved.values():
            _add(closing, amounts)
        books = self._state.accounts[self._facility, partner].books
        _check(partner, opening, closing, later, books, lines)
        counts = dict.fromkeys(PAIR_TYPES, 0)
        for (_, whose, day, type_), count in changes.day_counts.items():
            if whose == partner and low <= day <= high:
                counts[type_] += count  # type: ignore[index]
        return {
            "partner": partner,
            "opening": _texts(opening),
            "closing": _texts(closing),
            "later": _texts(later),
            "movements": [[kind_name(kind), *_texts(moved[kind])] for kind in sorted(moved)],
            "pairs": counts,
            "open_lead": str(books.open_lead),
            "open_partner": str(books.open_partner),
            "accepted_difference": str(books.accepted_difference),
        }

    def _bank(
        self, partner: int, member: int, names: Mapping[int, str], first_posted: int | None
    ) -> dict[str, Any]:
        last = before = self._state.heads.get((self._facility, member), _NOTHING_POSTED)
        if first_posted is not None:
            digests = {
                one.sequence: one.digest
                for one in self._projection.changes.postings
                if one.member == member
            }
            before = (first_posted - 1, digests.get(first_posted - 1, bytes(32)))
        return {
            "member": member,
            "name": names.get(member, ""),
            "partner": partner,
            "last": {"sequence": last[0], "digest": "0x" + last[1].hex()},
            "before": {"sequence": before[0], "digest": "0x" + before[1].hex()},
        }


def _pair_line(pair: StoredPair, low: int, high: int) -> Line | None:
    lead, partner = pair.lead, pair.partner

    def within(day: int | None) -> int | None:
        return day if day is not None and low <= day <= high else None

    lead_day = within(pair.lead_book_day or (lead.business_day if lead else None))
    partner_day = within(pair.partner_book_day or (partner.business_day if partner else None))
    agreed_day = within(pair.agreed_business_day)
    if lead_day is None and partner_day is None and agreed_day is None:
        return None
    agreed = None
    if agreed_day is not None and (pair.action is not None or pair.status in SETTLED):
        agreed = partner if pair.resolved_side is Side.LEAD else lead
    sign = effect_of(pair.kind, pair.target_kind)
    return [
        pair.account,
        _type(pair),
        kind_name(pair.kind),
        *_place(lead),
        *_place(partner),
        None if lead_day is None else _date(lead_day),
        None if partner_day is None else _date(partner_day),
        None if agreed_day is None else _date(agreed_day),
        None if lead_day is None else str(sign * lead.amount),  # type: ignore[union-attr]
        None if partner_day is None else str(sign * partner.amount),  # type: ignore[union-attr]
        None if agreed is None else str(sign * agreed.amount),
    ]


def _resolution_line(one: AcceptedResolution) -> Line:
    lead, partner, day = one.pair.lead, one.pair.partner, _date(one.day)
    return [
        one.pair.account,
        one.action.value,
        kind_name(one.kind),
        *_place(lead),
        *_place(partner),
        day if one.lead else None,
        day if one.partner else None,
        None,
        str(one.lead) if one.lead else None,
        str(one.partner) if one.partner else None,
        None,
    ]


def _place(half: Half | None) -> tuple[int | None, int | None]:
    return (None, None) if half is None else (half.sequence, half.word)


def _type(pair: StoredPair) -> str:
    if pair.status != "open":
        return pair.status
    return "missing_at_partner" if pair.partner is None else "missing_at_lead"


def _check(
    partner: int,
    opening: Sequence[int],
    closing: Sequence[int],
    later: Sequence[int],
    books: Books,
    lines: Sequence[Line],
) -> None:
    """The three ways to the books must agree: lines, totals by day, and running sums."""
    now = [books.lead_book, books.partner_book, books.agreed]
    summed = [
        start + sum(int(line[column]) for line in lines if line[column] is not None)
        for start, column in zip(opening, _AMOUNTS, strict=True)
    ]
    explained = books.open_partner - books.open_lead + books.accepted_difference
    if (
        summed != list(closing)
        or [a + b for a, b in zip(closing, later, strict=True)] != now
        or books.partner_book - books.lead_book != explained
    ):
        raise Unverified(
            f"partner {partner}: lines, totals and books do not agree: {summed}, {list(closing)} "
            f"and later {list(later)}, {astuple(books)}"
        )


def _amounts(total: DayTotal) -> list[int]:
    return [one or 0 for one in (total.lead_book, total.partner_book, total.agreed)]


def _add(sums: list[int], amounts: Sequence[int]) -> None:
    for place, amount in enumerate(amounts):
        sums[place] += amount


def _texts(amounts: Sequence[int]) -> list[str]:
    return [str(one) for one in amounts]


@lru_cache(4096)
def _date(day: int) -> str:
    return to_date(day).isoformat()
