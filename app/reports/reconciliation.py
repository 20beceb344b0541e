"""The daily reconciliation of a facility: opening, movements and closing of the three books of each
reserve account, its pairs by type, the breaks by age, how breaks were resolved, and every line.

As of the last block it is made only when its totals equal the contract's own books after that
block. As of a past block the contract's books are not in the read model, and the report says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from app.domain.kinds import Kind
from app.domain.matching.pairs import PAIR_TYPES
from app.domain.money import format_amount
from app.readmodel.accounts.balances import Balance, balances
from app.readmodel.accounts.movement_lines import movement_lines
from app.readmodel.accounts.movements import AccountMovements, movements
from app.readmodel.accounts.movements_as_of import OpenItems, movements_as_of, open_items_as_of
from app.reports import breaks, resolutions
from app.reports.model import NOT_OPENED, Column, LinesTotal, Report, Row, RowTotal, Section, Type
from app.reports.source import ReportRefused, Source

KIND_ORDER = tuple(kind.feed_name for kind in Kind)

_SUMMARY = (
    Column("partner"),
    Column("book", words=True),
    Column("opening", Type.MONEY),
    Column("movements", Type.MONEY),
    Column("closing", Type.MONEY),
    Column("later", Type.MONEY),
    Column("contract", Type.MONEY),
    Column("difference", Type.MONEY),
)
_PROOF = (
    Column("partner"),
    Column("partner_less_lead", Type.MONEY),
    Column("open_at_partner", Type.MONEY),
    Column("open_at_lead", Type.MONEY),
    Column("accepted_difference", Type.MONEY),
    Column("proof", Type.MONEY),
)
_BOOKS = (
    Column("lead_book", Type.MONEY, total=True),
    Column("partner_book", Type.MONEY, total=True),
    Column("agreed", Type.MONEY, total=True),
)
_MOVEMENTS = (Column("partner"), Column("kind", words=True), *_BOOKS)
_PAIRS = (Column("partner"), Column("type", words=True), Column("count", Type.COUNT, total=True))
LINES = (
    Column("partner"),
    Column("type", words=True),
    Column("kind", words=True),
    Column("event_ref", wide=True),
    Column("reference", wide=True),
    Column("target", wide=True),
    Column("lead_business_date", Type.DATE),
    Column("partner_business_date", Type.DATE),
    Column("agreed_date", Type.DATE),
    *_BOOKS,
)


@dataclass(frozen=True, slots=True)
class Amounts:
    """One line in the three books, minor units, signed by effect on the reserve."""

    lead: int
    partner: int
    agreed: int

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            self.lead + other.lead, self.partner + other.partner, self.agreed + other.agreed
        )

    def __sub__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            self.lead - other.lead, self.partner - other.partner, self.agreed - other.agreed
        )


NOTHING = Amounts(0, 0, 0)


@dataclass(frozen=True, slots=True)
class AccountReport:
    """One reserve account between the dates: opening + movements = closing in each book.

    `after` moved the books on later business dates; closing + after = `contract`, the contract's
    own books after the report's block (None: as of a past block they are not known here).
    """

    number: int
    partner: str
    opening: Amounts
    movements: Mapping[str, Amounts]
    """By kind, in the order of the kinds; kinds without a movement are absent."""
    after: Amounts
    contract: Amounts | None
    counts: Mapping[str, int]
    """Pairs and duplicate legs of the period by type (`PAIR_TYPES`)."""
    open_lead: int
    open_partner: int
    accepted_difference: int
    proof: int
    """Of the whole account after the report's block, not of the period alone; it is 0."""

    @property
    def closing(self) -> Amounts:
        return sum(self.movements.values(), self.opening)


def reconciliation(source: Source) -> Report:
    """The three books of each account, the proof, pairs and breaks by type and every line; refused
    where the totals are not the contract's."""
    accounts = account_reports(source)
    present = source.until is None
    return source.report(
        name="reconciliation",
        title="Daily reconciliation",
        more=(
            (
                "totals",
                "equal to the contract's own books after this block"
                if present
                else "from the legs alone: of past blocks the node keeps no books of the contract",
            ),
        ),
        sections=(
            summary(accounts),
            Section(
                "proof",
                "What open legs and accepted differences leave unexplained between the two books; "
                "it must be 0",
                _PROOF,
                lambda: _proof(accounts),
            ),
            Section(
                "movements",
                "The period's movements by kind, signed by effect on the reserve",
                _MOVEMENTS,
                lambda: _movements(accounts),
                totals=True,
            ),
            Section(
                "pairs",
                "Pairs and duplicate legs of the period by type; resolved ones under the type with "
                "which they broke",
                _PAIRS,
                lambda: (
                    (account.partner, name, account.counts[name])
                    for account in accounts
                    for name in PAIR_TYPES
                ),
            ),
            breaks.by_age(source),
            resolutions.accepted(source),
            breaks.breaks(source),
            lines(source),
        ),
    )


def account_reports(source: Source) -> Sequence[AccountReport]:
    """The accounts asked for. Raises ReportRefused when they are not the contract's."""
    if source.until is not None:
        return _past(source, source.until)
    connection, request = source.connection, source.request
    wanted = {one.name: one.number for one in source.partners}
    known = {one.partner: one for one in balances(connection, source.facility.id)}
    return [
        _present(source, wanted[one.partner], one, known[one.partner])
        for one in movements(connection, source.facility, request.first, request.last)
        if one.partner in wanted
    ]


def _present(
    source: Source, number: int, period: AccountMovements, balance: Balance
) -> AccountReport:
    contract = balance.contract
    if contract is None or balance.proof is None:
        raise ReportRefused(
            "the contract's books of this account were not read since it last moved",
            where=f"{source.facility.id}, {balance.partner}",
            remedy="Try again once the bank's node has caught up with the chain",
        )
    found = AccountReport(
        number=number,
        partner=period.partner,
        opening=_amounts(period, "opening"),
        movements=_by_kind(period),
        after=_amounts(period, "after"),
        contract=Amounts(contract.lead_book, contract.partner_book, contract.agreed),
        counts=period.counts,
        open_lead=contract.open_lead,
        open_partner=contract.open_partner,
        accepted_difference=contract.accepted_difference,
        proof=balance.proof,
    )
    assert found.contract is not None
    # Everything since the beginning of time, whatever the dates: what the contract has.
    off = found.closing + found.after - found.contract
    if off != NOTHING or found.proof:
        raise _refused(source, found, off)
    return found


def _past(source: Source, until: int) -> list[AccountReport]:
    connection, facility, request = source.connection, source.facility, source.request
    open_items = open_items_as_of(connection, facility.number, until)
    found = []
    for partner, period in zip(
        source.partners,
        movements_as_of(connection, facility, source.partners, request.first, request.last, until),
        strict=True,
    ):
        items = open_items.get(partner.number, OpenItems())
        opening, after, moved = (
            _amounts(period, "opening"),
            _amounts(period, "after"),
            _by_kind(period),
        )
        books = sum(moved.values(), opening) + after
        explained = items.partner - items.lead + items.accepted_difference
        account = AccountReport(
            number=partner.number,
            partner=partner.name,
            opening=opening,
            movements=moved,
            after=after,
            contract=None,
            counts=period.counts,
            open_lead=items.lead,
            open_partner=items.partner,
            accepted_difference=items.accepted_difference,
            proof=books.partner - books.lead - explained,
        )
        if account.proof:
            raise _refused(source, account, NOTHING)
        found.append(account)
    return found


def _amounts(period: AccountMovements, name: str) -> Amounts:
    books = (period.lead_book, period.partner_book, period.agreed)
    return Amounts(*(getattr(book, name) for book in books))


def _refused(source: Source, account: AccountReport, off: Amounts) -> ReportRefused:
    shown = ", ".join(
        f"{name} {format_amount(difference, source.facility.decimals)}"
        for name, difference in (
            ("lead book", off.lead),
            ("partner book", off.partner),
            ("agreed", off.agreed),
            ("proof", account.proof),
        )
        if difference
    )
    return ReportRefused(
        f"the legs do not add up to the contract's own books: {shown} {source.facility.currency}",
        where=f"{source.facility.id}, {account.partner}",
        remedy="Look at the incidents of this node; `tally rebuild` reads the chain anew",
    )


def _by_kind(period: AccountMovements) -> dict[str, Amounts]:
    books = (period.lead_book, period.partner_book, period.agreed)
    moved = {name for book in books for name in book.movements}
    return {
        name: Amounts(*(book.movements.get(name, 0) for book in books))
        for name in KIND_ORDER
        if name in moved
    }


def summary(accounts: Sequence[AccountReport]) -> Section:
    """The books of each account, from opening to the contract's own."""
    return Section(
        "summary",
        "The three books of each account: opening + movements = closing; closing + later "
        "= the contract's own",
        _SUMMARY,
        partial(_summary, accounts),
        totals=True,
    )


def _summary(accounts: Sequence[AccountReport]) -> Iterator[Row]:
    for one in accounts:
        closing = one.closing
        for book, column in (("lead", "lead_book"), ("partner", "partner_book"), ("agreed",) * 2):
            opening, closed, after = (
                getattr(amounts, book) for amounts in (one.opening, closing, one.after)
            )
            contract = None if one.contract is None else getattr(one.contract, book)
            yield (
                one.partner,
                book,
                opening,
                LinesTotal(closed - opening, "lines", column, (("partner", one.partner),)),
                RowTotal(closed, ("opening", "movements")),
                after,
                contract,
                None if contract is None else closed + after - contract,
            )


def _proof(accounts: Sequence[AccountReport]) -> Iterator[Row]:
    for one in accounts:
        books = one.closing + one.after
        yield (
            one.partner,
            books.partner - books.lead,
            one.open_partner,
            one.open_lead,
            one.accepted_difference,
            one.proof,
        )


def _movements(accounts: Sequence[AccountReport]) -> Iterator[Row]:
    for one in accounts:
        for kind, moved in one.movements.items():
            of = (("partner", one.partner), ("kind", kind))
            yield (
                one.partner,
                kind,
                LinesTotal(moved.lead, "lines", "lead_book", of),
                LinesTotal(moved.partner, "lines", "partner_book", of),
                LinesTotal(moved.agreed, "lines", "agreed", of),
            )


def lines(source: Source) -> Section:
    """What moved a book in the period."""
    return Section(
        "lines",
        "Every movement of the period: one line for each pair and each accepted resolution",
        LINES,
        partial(_lines, source),
    )


def _lines(source: Source) -> Iterator[Row]:
    """Its rows."""
    request = source.request
    for partner in source.partners:
        for line in movement_lines(
            source.connection,
            source.facility,
            partner.number,
            request.first,
            request.last,
            source.until,
        ):
            yield (
                partner.name,
                line.type,
                line.kind,
                line.event_ref or NOT_OPENED,
                line.reference,
                line.target,
                line.lead_date,
                line.partner_date,
                line.agreed_date,
                line.lead,
                line.partner,
                line.agreed,
            )
