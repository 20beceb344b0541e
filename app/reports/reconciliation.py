"""The auditors' report of one facility between two business dates, from the read model.

Opening, movements and closing of the three books, the pairs by type, and every break as a line; as
of one block. It is made only when its totals equal the contract's own books after that block.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Connection, Engine

from app.domain.errors import TallyError, UsageFault
from app.domain.kinds import Kind
from app.domain.money import format_amount
from app.readmodel.accounts.balances import Balance, balances
from app.readmodel.accounts.movements import AccountMovements, movements
from app.readmodel.chain import Position, position
from app.readmodel.directory import Facility, directory
from app.readmodel.pairs import queries
from app.readmodel.pairs.shapes import BREAK_TYPES, Pair

KIND_ORDER = tuple(kind.feed_name for kind in Kind)


class ReportRefused(TallyError):
    """The report would not equal the contract's books, or they are not known yet."""


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
    own books after the report's block.
    """

    partner: str
    opening: Amounts
    movements: Mapping[str, Amounts]
    """By kind, in the order of the kinds; kinds without a movement are absent."""
    closing: Amounts
    after: Amounts
    contract: Amounts
    counts: Mapping[str, int]
    """Pairs and duplicate legs of the period by type (`PAIR_TYPES`)."""
    open_lead: int
    open_partner: int
    accepted_difference: int
    proof: int
    """Of the whole account after the report's block, not of the period alone; it is 0."""


@dataclass(frozen=True, slots=True)
class ReconciliationReport:
    """The report; valid while the block of `open_report` is open."""

    facility: Facility
    first: date
    last: date
    as_of: Position
    made_at: datetime
    accounts: Sequence[AccountReport]
    _connection: Connection

    def breaks(self) -> Iterator[Pair]:
        """Every break of the period: by partner, type, and the newest first. Read as it goes."""
        for account in self.accounts:
            for name in BREAK_TYPES:
                if account.counts[name]:
                    yield from queries.stream_pairs(
                        self._connection,
                        queries.Filter(
                            facility=self.facility.id,
                            partner=account.partner,
                            types=(name,),
                            business_from=self.first,
                            business_to=self.last,
                        ),
                    )

    def heading(self) -> Iterator[tuple[str, str]]:
        """What the report is of, as of when, and what vouches for it."""
        yield "facility", self.facility.id
        yield "lead", self.facility.lead
        yield "currency", self.facility.currency
        yield "from", self.first.isoformat()
        yield "to", self.last.isoformat()
        yield "block", str(self.as_of.block_number)
        yield "block_hash", self.as_of.block_hash
        yield "block_time", timestamp(self.as_of.block_time)
        yield "made_at", timestamp(self.made_at)
        yield "totals", "equal to the contract's own books after this block"

    def money(self, minor: int) -> str:
        """An amount with the currency's decimals."""
        return format_amount(minor, self.facility.decimals)


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def open_report(
    engine: Engine, facility_id: str, first: date, last: date, made_at: datetime
) -> Iterator[ReconciliationReport]:
    """Make the report from one consistent view of the database.

    Raises UsageFault for dates the wrong way round and a facility that is not on the chain,
    ReportRefused when the totals are not the contract's.
    """
    if last < first:
        raise UsageFault(
            f"the report would end on {last}, before it begins on {first}",
            remedy="Give --from and --to in their order; both are included",
        )
    with _snapshot(engine) as connection:
        as_of = position(connection)
        if as_of is None:
            raise ReportRefused(
                "this node has not read a block of the chain yet",
                remedy="Start the bank's node and try again",
            )
        known = directory(connection)
        facility = known.facility(facility_id)
        if facility is None:
            names = ", ".join(one.id for one in known.facilities.values()) or "none yet"
            raise UsageFault(
                f"facility {facility_id!r} is not on this chain",
                remedy=f"Its facilities: {names}",
            )
        accounts = {one.partner: one for one in balances(connection, facility_id)}
        period = movements(connection, facility, first, last)
        yield ReconciliationReport(
            facility=facility,
            first=first,
            last=last,
            as_of=as_of,
            made_at=made_at,
            accounts=[_account(facility, accounts[one.partner], one) for one in period],
            _connection=connection,
        )


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection whose statements all see the same data, as SQLite's do by themselves."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def _account(facility: Facility, balance: Balance, period: AccountMovements) -> AccountReport:
    where = f"{facility.id}, {balance.partner}"
    if balance.contract is None or balance.proof is None:
        raise ReportRefused(
            "the contract's books of this account were not read since it last moved",
            where=where,
            remedy="Try again once the bank's node has caught up with the chain",
        )
    opening = Amounts(period.lead_book.opening, period.partner_book.opening, period.agreed.opening)
    moved = _by_kind(period)
    closing = sum(moved.values(), opening)
    contract = Amounts(
        balance.contract.lead_book, balance.contract.partner_book, balance.contract.agreed
    )
    after = Amounts(period.lead_book.after, period.partner_book.after, period.agreed.after)
    # Everything since the beginning of time, whatever the dates: what the contract has.
    off = closing + after - contract
    if off != NOTHING or balance.proof:
        shown = ", ".join(
            f"{name} {format_amount(difference, facility.decimals)}"
            for name, difference in (
                ("lead book", off.lead),
                ("partner book", off.partner),
                ("agreed", off.agreed),
                ("proof", balance.proof),
            )
            if difference
        )
        raise ReportRefused(
            f"the legs do not add up to the contract's own books: {shown} {facility.currency}",
            where=where,
            remedy="Look at the incidents of this node; `tally rebuild` reads the chain anew",
        )
    return AccountReport(
        partner=balance.partner,
        opening=opening,
        movements=moved,
        closing=closing,
        after=after,
        contract=contract,
        counts=period.counts,
        open_lead=balance.contract.open_lead,
        open_partner=balance.contract.open_partner,
        accepted_difference=balance.contract.accepted_difference,
        proof=balance.proof,
    )


def _by_kind(period: AccountMovements) -> dict[str, Amounts]:
    books = (period.lead_book, period.partner_book, period.agreed)
    moved = {name for book in books for name in book.movements}
    return {
        name: Amounts(*(book.movements.get(name, 0) for book in books))
        for name in KIND_ORDER
        if name in moved
    }
