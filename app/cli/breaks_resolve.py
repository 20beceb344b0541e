"""`tally breaks propose|accept|dispute|withdraw|proposals`: breaks resolved by their two banks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.text import Text
from sqlalchemy import Connection, Engine

from app.actions.sender import Signer
from app.cli.acting import acting, show_transactions
from app.cli.console import stderr
from app.cli.reading import (
    DEFAULT_CONFIG,
    ConfigOption,
    FacilityOption,
    JsonOption,
    checked_facility,
    reading,
    show,
    show_as_of,
    table,
)
from app.contracts.proposals import reason_hash
from app.contracts.reconciliation import Reconciliation
from app.contracts.transactions import Call
from app.domain.errors import UsageFault
from app.domain.kinds import BY_FEED_NAME
from app.domain.resolutions import Action, Resolution, Side, halves, is_resolved
from app.keys.sealing import seal_details
from app.presentation.common import PageOut, as_of, money_of
from app.presentation.pairs import ResolutionOut, resolution_out
from app.readmodel.directory import directory
from app.readmodel.facilities.agreed import agreed_facilities
from app.readmodel.pairs import queries
from app.readmodel.pairs import resolutions as read
from app.readmodel.pairs.shapes import DUPLICATE_TYPES, MATCHED_TYPES, Pair

MAX_REASON_CHARACTERS = 2_000

_MOST_LINES = 1_000_000

_Number = Annotated[
    int | None, typer.Argument(min=1, help="The break's number, as `tally breaks` lists it.")
]
_Partner = Annotated[str | None, typer.Option(help="Or: the partner's name,")]
_Kind = Annotated[str | None, typer.Option(help="the kind,")]
_EventRef = Annotated[str | None, typer.Option(metavar="REF", help="and the event's reference.")]


def add_commands(breaks: typer.Typer) -> None:
    """The commands beside the list."""
    for command in (propose, accept, dispute, withdraw, proposals):
        breaks.command()(command)


def propose(
    action: Annotated[
        Action,
        typer.Option(
            help="adjust: one side is corrected to the other. write_off: the difference is "
            "accepted; of a one-sided leg, the absent half is posted. force: the lead's amount "
            "stands. void: all is taken back."
        ),
    ],
    reason: Annotated[str, typer.Option(help="Why; the other bank and the auditors read it.")],
    number: _Number = None,
    partner: _Partner = None,
    kind: _Kind = None,
    event_ref: _EventRef = None,
    side: Annotated[
        Side | None, typer.Option(help="With adjust: whose book moves to the other's amount.")
    ] = None,
    business_date: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="On which books move; today in the facility's time zone."
        ),
    ] = None,
    facility: FacilityOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Propose to the other bank how to resolve a break, signed by this bank's approver.

    Example:

      tally breaks propose 17 --action adjust --side lead --reason "we booked the fee twice"
    """
    if (side is not None) != (action is Action.ADJUST):
        raise UsageFault(
            "adjust needs the side whose book moves" if side is None else f"{action} has no side",
            remedy="Give --side lead or --side partner with --action adjust, and only there",
        )
    with _desk(config) as desk:
        pair = desk.find(_Named(number, partner, kind, event_ref, facility))
        with desk.engine.connect() as connection:
            known = directory(connection).facility(pair.facility)
            assert known is not None
            zone = ZoneInfo(known.time_zone)
            place = next(one.number for one in known.partners if one.name == pair.partner)
        day = business_date.date() if business_date else datetime.now(zone).date()
        unseen = _resolution(known.number, place, pair, action, side, day, reason)
        state = desk.contract.state_of(unseen)
        _check_state(pair, state)
        asked = replace(unseen, state=state)
        sealed = desk.sealed(pair, reason)
        desk.send(desk.contract.propose_resolution(asked, sealed))
        other = pair.partner if desk.bank == known.lead else known.lead
        stderr.print(
            f"once it is read, {other} sees it with `tally breaks proposals`",
            style="dim",
            markup=False,
        )


def accept(
    number: _Number = None,
    partner: _Partner = None,
    kind: _Kind = None,
    event_ref: _EventRef = None,
    facility: FacilityOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Accept what the other bank has proposed for a break, signed by this bank's approver.

    Example:

      tally breaks accept --partner huarui --kind top_up --event-ref TU-2016-031
    """
    with _desk(config) as desk:
        asked = desk.waiting(_Named(number, partner, kind, event_ref, facility))
        desk.send(desk.contract.accept_resolution(asked))


def dispute(
    reason: Annotated[str, typer.Option(help="Why not; the other bank and the auditors read it.")],
    number: _Number = None,
    partner: _Partner = None,
    kind: _Kind = None,
    event_ref: _EventRef = None,
    facility: FacilityOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Dispute what the other bank has proposed, which ends the proposal; the break stays.

    Example:

      tally breaks dispute 17 --reason "our advice of 3 March says 110.00"
    """
    with _desk(config) as desk:
        named = _Named(number, partner, kind, event_ref, facility)
        pair = desk.find(named)
        asked = desk.waiting(named)
        sealed = desk.sealed(pair, reason)
        desk.send(desk.contract.dispute_resolution(asked, reason_hash(reason), sealed))


def withdraw(
    number: _Number = None,
    partner: _Partner = None,
    kind: _Kind = None,
    event_ref: _EventRef = None,
    facility: FacilityOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take this bank's own proposal for a break back.

    Example:

      tally breaks withdraw 17
    """
    with _desk(config) as desk:
        asked = desk.waiting(_Named(number, partner, kind, event_ref, facility))
        desk.send(desk.contract.withdraw_resolution(asked))


def proposals(
    facility: FacilityOption = None,
    partner: Annotated[str | None, typer.Option(help="A partner's name.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Those that were decided too, not only what waits.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=_MOST_LINES, help="Most lines.")] = 50,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List what was proposed, newest first. With --json the object is that of GET /v1/resolutions.

    Example:

      tally breaks proposals --all --config bank.toml
    """
    with reading(config) as engine, engine.connect() as connection:
        where = read.ResolutionFilter(
            facility=checked_facility(connection, facility),
            partner=partner,
            statuses=() if everything else ("proposed",),
        )
        page = read.resolutions(connection, where, limit)
        money = money_of(connection)
        found = PageOut[ResolutionOut](
            items=[resolution_out(one, money) for one in page.items],
            next=None,
            as_of=as_of(connection),
        )
    if as_json:
        typer.echo(found.model_dump_json(indent=2, exclude={"next"}))
        return
    made = table("break", "partner", "kind", "event", "action", "by", "status", "reason")
    for one in found.items:
        action = one.action.replace("_", " ") + (f" at the {one.side}" if one.side else "")
        made.add_row(
            Text(str(one.pair), "dim"),
            Text(one.partner),
            Text(one.kind.replace("_", " ")),
            Text(one.event_ref or f"#{one.reference[:12]}"),
            Text(action, "cyan"),
            Text(one.proposed_by),
            Text(one.status),
            Text(one.dispute_reason or one.reason or "(sealed for others)"),
        )
    show(made)
    if page.following is not None:
        stderr.print(f"there are more than these {limit:,}; give --limit", style="yellow")
    show_as_of(found.as_of)


# --- What the actions share ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Named:
    """A break as a person names it: by its number, or by partner, kind and event_ref."""

    number: int | None
    partner: str | None
    kind: str | None
    event_ref: str | None
    facility: str | None


@dataclass(frozen=True, slots=True)
class _Desk:
    """A bank's approver at work on breaks."""

    bank: str
    engine: Engine
    contract: Reconciliation
    approver: Signer

    def find(self, named: _Named) -> Pair:
        """The pair that is meant. Raises UsageFault where there is none, or several."""
        with self.engine.connect() as connection:
            if named.number is not None:
                found = queries.pair(connection, named.number)
                candidates = [] if found is None else [found]
            else:
                candidates = _by_name(connection, named)
        if not candidates:
            raise UsageFault(
                "there is no such break here",
                remedy="`tally breaks` lists them; the bank's node reads new ones from the chain",
            )
        if len(candidates) > 1:
            numbers = ", ".join(str(one.number) for one in candidates)
            raise UsageFault(
                f"{len(candidates)} pairs have this name", remedy=f"Give a number: {numbers}"
            )
        pair = candidates[0]
        if pair.type in MATCHED_TYPES or pair.type in DUPLICATE_TYPES or pair.action is not None:
            why = f"is resolved ({pair.action})" if pair.action else f"is {pair.type}"
            raise UsageFault(
                f"pair {pair.number} {why}: there is nothing to resolve",
                remedy="`tally breaks` lists the open ones",
            )
        return pair

    def waiting(self, named: _Named) -> Resolution:
        """The resolution that waits for a break, word for word."""
        pair = self.find(named)
        if pair.proposal is None:
            raise UsageFault(
                f"nothing is proposed for break {pair.number}",
                remedy="`tally breaks proposals` lists what waits",
            )
        with self.engine.connect() as connection:
            return read.asked(connection, pair.proposal.number)

    def sealed(self, pair: Pair, reason: str) -> bytes:
        """A reason sealed for the pair's two banks, the auditors and the regulators."""
        if not 0 < len(reason) <= MAX_REASON_CHARACTERS or not reason.isprintable():
            raise UsageFault(
                f"the reason must be 1 to {MAX_REASON_CHARACTERS:,} printable characters",
                remedy="Say it in one paragraph",
            )
        with self.engine.connect() as connection:
            known = directory(connection).facility(pair.facility)
            assert known is not None
            others = {one.member for one in known.partners if one.name != pair.partner}
            readers = next(
                one.readers for one in agreed_facilities(connection) if one.number == known.number
            )
        sealed = seal_details(
            [[reason]],
            {member: key for member, key in readers.items() if member not in others},
        )
        assert sealed is not None, "a reason is short"
        return sealed

    def send(self, call: Call) -> None:
        """Send, wait until it is mined, and say so. Raises ContractReverted."""
        show_transactions(self.approver.send(call))


@contextmanager
def _desk(path: Path) -> Iterator[_Desk]:
    with acting(path) as chain, reading(path) as engine:
        contract = Reconciliation(chain.rpc, chain.manifest.addresses["Reconciliation"])
        yield _Desk(chain.config.name, engine, contract, chain.approver())


def _by_name(connection: Connection, named: _Named) -> list[Pair]:
    if named.partner is None or named.kind is None or named.event_ref is None:
        raise UsageFault(
            "which break?",
            remedy="Give its number, or --partner, --kind and --event-ref",
        )
    where = queries.Filter(
        facility=checked_facility(connection, named.facility),
        partner=named.partner,
        kind=named.kind,
        event_ref=named.event_ref,
    )
    found = queries.pairs(connection, where, limit=10).items
    return [one for one in found if one.type not in DUPLICATE_TYPES]


def _resolution(
    facility: int,
    partner: int,
    pair: Pair,
    action: Action,
    side: Side | None,
    day: date,
    reason: str,
) -> Resolution:
    return Resolution(
        facility=facility,
        partner=partner,
        kind=int(BY_FEED_NAME[pair.kind]),
        ref=bytes.fromhex(pair.reference),
        target_kind=0 if pair.target_of is None else pair.target_of[0],
        target_ref=b"" if pair.target_of is None else pair.target_of[1],
        action=action,
        side=side,
        business_day=day.toordinal(),
        state=bytes(32),
        reason_hash=reason_hash(reason),
    )


def _check_state(pair: Pair, state: bytes) -> None:
    """Raises UsageFault unless the pair is on the chain what this bank has read of it."""
    seen = tuple(
        (0, 0) if half is None else (half.value_date.toordinal(), half.amount)
        for half in (pair.lead, pair.partner_half)
    )
    if is_resolved(state) or halves(state) != seen:
        raise UsageFault(
            f"break {pair.number} has changed on the chain since this bank's node read it",
            remedy="Let the node read on, look at it again with `tally breaks`, then propose",
        )
