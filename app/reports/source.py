"""What every report is made from: one consistent view of the node's database, as of one block."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, Engine

from app.db.engine import snapshot
from app.domain.errors import TallyError, UsageFault
from app.locale import _, said
from app.readmodel.chain import Position, position, position_at, sealing_validators
from app.readmodel.directory import Directory, Facility, Partner, directory
from app.readmodel.disclosures.queries import Grant, grants
from app.readmodel.facilities.agreed import agreed_facilities
from app.readmodel.facilities.tables import facilities
from app.reports.model import Report, Section, instant_text

_SEALS = "seals of the chain's validators, which the node that made this has checked"
_NOBODY = "nobody: no validator seals this chain, and figures are as one endpoint told them"


class ReportRefused(TallyError):
    """The report would not equal the contract's books, or they are not known yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for: business dates, both included; one partner's account or (None) all that
    the node sees; as of a past block or (None) the last one that was read."""

    facility: str
    first: date
    last: date
    partner: str | None = None
    block: int | None = None

    def covers(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Source:
    """The view that a report is made from; valid while `open_source` is open."""

    connection: Connection
    names: Directory
    facility: Facility
    partners: tuple[Partner, ...]
    """Those whose accounts are asked for."""
    request: Request
    as_of: Position
    grants: tuple[Grant, ...] = ()
    """Those of this facility that open names here."""
    is_provisional: bool = False
    """Whether the last business date asked for was not over by the clock of the report's block."""

    @property
    def until(self) -> int | None:
        """The block time of a past block; None where the report is of the present."""
        return None if self.request.block is None else int(self.as_of.block_time.timestamp())

    @property
    def clock(self) -> int:
        """The chain's clock as of the report, seconds."""
        return int(self.as_of.block_time.timestamp())

    @property
    def banks(self) -> tuple[str, ...]:
        """The banks whose keys sign what concerns the accounts asked for."""
        return (self.facility.lead, *(one.name for one in self.partners))

    @property
    def provisional(self) -> str:
        """Why it is provisional, where it is."""
        return (
            f"the period was not over at this block: {self.request.last} ends with a later "
            "cut-off, and until then more can come; nothing here is final"
        )

    def parameters(self) -> tuple[tuple[str, str], ...]:
        """What the report is of, as of when; the same words from every node."""
        partner = (("partner", self.request.partner),) if self.request.partner else ()
        opened = ", ".join(
            f"grant {one.number} of {one.bank} for {one.first} to {one.last}" for one in self.grants
        )
        granted = (("names_opened_by", opened),) if opened else ()
        provisional = (("provisional", self.provisional),) if self.is_provisional else ()
        return (
            ("facility", self.facility.id),
            ("lead", self.facility.lead),
            *partner,
            ("currency", self.facility.currency),
            ("from", self.request.first.isoformat()),
            ("to", self.request.last.isoformat()),
            ("block", str(self.as_of.block_number)),
            ("block_hash", self.as_of.block_hash),
            ("block_time", instant_text(self.as_of.block_time)),
            ("vouched_by", _SEALS if sealing_validators(self.connection) else _NOBODY),
            *granted,
            *provisional,
        )

    def report(
        self,
        name: str,
        title: str,
        sections: tuple[Section, ...],
        more: tuple[tuple[str, str], ...] = (),
        signed: bool = True,
    ) -> Report:
        """A report of this facility as of this block; `more` are parameters besides; `signed`:
        whether it tells whose keys signed what it holds."""
        return Report(
            name=name,
            title=self._title(said(title)),
            parameters=(*self.parameters(), *more),
            block_time=self.as_of.block_time,
            currency=self.facility.currency,
            decimals=self.facility.decimals,
            sections=sections,
            signers=self.banks if signed else (),
        )

    def _title(self, title: str) -> str:
        facility = self.facility.id
        if self.is_provisional:
            return _("%(title)s of %(facility)s (provisional)", title=title, facility=facility)
        return _("%(title)s of %(facility)s", title=title, facility=facility)


@contextmanager
def open_source(engine: Engine, request: Request) -> Iterator[Source]:
    """Open the view of a request.

    Raises UsageFault for dates the wrong way round, for a facility, partner or block that is not
    known here, and ReportRefused before the first block was read.
    """
    if request.last < request.first:
        raise UsageFault(
            f"the report would end on {request.last}, before it begins on {request.first}",
            remedy="Give the first date and the last in their order; both are included",
        )
    with snapshot(engine) as connection:
        names = directory(connection)
        as_of = _position(connection, request.block)
        facility = names.known_facility(request.facility)
        partners = tuple(one for one in facility.partners if request.partner in (None, one.name))
        if not partners:
            raise UsageFault(
                f"{request.partner!r} is no partner of facility {facility.id}",
                remedy="Its partners: " + ", ".join(one.name for one in facility.partners),
            )
        opening = tuple(
            one for one in grants(connection, facility.id) if one.names or one.is_opening
        )
        [agreed] = agreed_facilities(connection, facilities.c.number == facility.number)
        over_at = agreed.terms.calendar.cut_off_instant(request.last.toordinal())
        provisional = as_of.block_time.timestamp() <= over_at
        yield Source(connection, names, facility, partners, request, as_of, opening, provisional)


def _position(connection: Connection, block: int | None) -> Position:
    read = position(connection)
    if read is None:
        raise ReportRefused(
            "this node has not read a block of the chain yet",
            remedy="Start the bank's node and try again",
        )
    if block is None:
        return read
    if block > read.block_number:
        raise UsageFault(
            f"block {block:,} was not read yet; the last one is {read.block_number:,}",
            remedy="Try again once the node has read it",
        )
    try:
        found = position_at(connection, block)
    except LookupError:
        raise UsageFault(
            f"the block after {block:,} has the same time: they cannot be told apart here",
            remedy="Give the next block",
        ) from None
    if found is None:
        raise UsageFault(f"nothing of this consortium is on the chain up to block {block:,}")
    return found
