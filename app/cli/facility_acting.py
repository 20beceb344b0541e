"""`tally facility propose…|accept|decline|withdraw|pause|resume`: signed by a bank's approver."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from app.actions.facilities import FacilityDesk
from app.actions.facility_changes import RulesContent, next_shares, parse_share
from app.actions.facility_terms import Party
from app.actions.signer import Done
from app.cli.acting import acting, show_done
from app.cli.console import stderr
from app.cli.facility_shown import (
    IdArgument,
    change_line,
    find_change,
    known_facility,
    rules_line,
    shares_line,
)
from app.cli.reading import DEFAULT_CONFIG, ConfigOption, reading
from app.config import load_config
from app.domain.errors import UsageFault
from app.domain.facility import Facility, Shares
from app.domain.money import AmountError, parse_bound
from app.intake.facility_file import load_facility
from app.readmodel.consortium.queries import list_members
from app.readmodel.facilities.agreed import OBSERVERS

ReasonOption = Annotated[
    str, typer.Option(help="Why, in words; the chain keeps the hash of them.", show_default=False)
]
_Yes = Annotated[bool, typer.Option("--yes", help="Sign what is shown without asking.")]
ChangeOption = Annotated[
    int,
    typer.Option("--change", min=1, help="The change's number, as `tally facility show` has it."),
]
FromOption = Annotated[
    datetime,
    typer.Option(
        "--from",
        formats=["%Y-%m-%d"],
        help="The first day it applies to: more than 30 days after the chain's.",
    ),
]


def add_commands(facility: typer.Typer) -> None:
    """The commands beside those that read."""
    for command in (
        propose,
        propose_shares,
        propose_rules,
        propose_close,
        accept,
        enact,
        decline,
        withdraw,
        pause,
        resume,
    ):
        facility.command(command.__name__.replace("_", "-"))(command)


def propose(
    file: Annotated[
        Path, typer.Argument(metavar="FACILITY.toml", help="Its lead, partners, shares and rules.")
    ],
    yes: _Yes = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Propose a facility as its lead; it is in force once every partner has accepted it.

    Makes the facility's reference key and seals it to the lead, the partners, and the auditors and
    regulators that there are.

    Example:

      tally facility propose wld-2016-a.toml --config bank.toml
    """
    terms = load_facility(file)
    us = load_config(config).name
    if terms.lead != us:
        raise UsageFault(
            f"{terms.lead} leads facility {terms.id}, not {us}",
            where=str(file),
            remedy=f"{terms.lead} proposes it; its partners accept it",
        )
    parties, readers = _parties(config, terms, file)
    _note(Text(f"facility {terms.id} of {us}, {terms.currency}:"))
    for one in terms.partners:
        triple = "/".join(str(share) for share in _triple(one.shares))
        _note(Text(f"  {one.name} {triple} (principal/interest/fee in basis points)"))
    _confirm(yes, "Propose it?")
    with _desk(config) as desk:
        sent = desk.propose_terms(terms, parties, readers)
    _tell(f"facility {terms.id} is proposed", sent, terms.id)


def propose_shares(
    id_: IdArgument,
    first_day: FromOption,
    share: Annotated[
        list[str],
        typer.Option(
            help="NAME=BPS, or NAME=PRINCIPAL/INTEREST/FEE; may be repeated. Who is not named "
            "keeps what it has."
        ),
    ],
    reason: ReasonOption,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Propose a version of the shares; it takes effect once every party has accepted it.

    Example:

      tally facility propose-shares WLD-2016-A --from 2027-01-01 --share huarui=7000/7000/0
      --reason "the annual review" --config bank.toml
    """
    known = known_facility(config, id_)
    names = [partner.name for partner in known.terms.partners]
    newest = known.history.shares[-1].shares
    shares = next_shares(names, newest, dict(parse_share(one) for one in share))
    with _desk(config) as desk:
        sent = desk.propose_shares(
            known.number, first_day.toordinal(), [_triple(one) for one in shares], reason
        )
    _tell(f"a version of the shares of {id_} is proposed, from {first_day:%Y-%m-%d}", sent, id_)


def propose_rules(
    id_: IdArgument,
    first_day: FromOption,
    reason: ReasonOption,
    tolerance: Annotated[str | None, typer.Option(help="Currency units, like 0.05.")] = None,
    window_days: Annotated[int | None, typer.Option(min=0, max=65_535)] = None,
    deadline_hours: Annotated[int | None, typer.Option(min=0, max=1_193_046)] = None,
    cut_off: Annotated[
        datetime | None, typer.Option(formats=["%H:%M:%S"], help="Local time, like 18:00:00.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Propose a version of the rules; what is not named stays as it is.

    Example:

      tally facility propose-rules WLD-2016-A --from 2027-01-01 --tolerance 0.05
      --reason "rounding of the new core" --config bank.toml
    """
    known = known_facility(config, id_)
    newest = known.history.rules[-1]
    now = RulesContent(
        newest.amount_tolerance,
        newest.date_window_days,
        newest.match_deadline_seconds,
        newest.cut_off,
    )
    rules = RulesContent(
        now.amount_tolerance if tolerance is None else _tolerance(tolerance, known.terms.decimals),
        now.date_window_days if window_days is None else window_days,
        now.match_deadline_seconds if deadline_hours is None else deadline_hours * 3600,
        now.cut_off if cut_off is None else time(cut_off.hour, cut_off.minute, cut_off.second),
    )
    if rules == now:
        raise UsageFault("nothing would change", remedy="Name what changes, like --tolerance 0.05")
    words = (
        first_day.toordinal(),
        rules.amount_tolerance,
        rules.date_window_days,
        rules.match_deadline_seconds,
        rules.cut_off_seconds,
    )
    with _desk(config) as desk:
        sent = desk.propose_rules(known.number, words, reason)
    _tell(f"a version of the rules of {id_} is proposed, from {first_day:%Y-%m-%d}", sent, id_)


def propose_close(
    id_: IdArgument, reason: ReasonOption, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Propose to close a facility for ever; it takes effect when all have accepted, at zero open
    legs and holds.

    Example:

      tally facility propose-close WLD-2016-A --reason "fully repaid" --config bank.toml
    """
    known = known_facility(config, id_)
    with _desk(config) as desk:
        sent = desk.propose_close(known.number, reason)
    _tell(f"the close of {id_} is proposed", sent, id_)


def accept(
    id_: IdArgument,
    change: Annotated[
        int | None, typer.Option(min=1, help="A change's number; without it, the facility itself.")
    ] = None,
    yes: _Yes = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Accept a change of a facility, or as a partner a facility that is proposed.

    What is shown is what is signed: the contract refuses if it has something else.

    Example:

      tally facility accept WLD-2016-A --change 3 --config bank.toml
    """
    known = known_facility(config, id_)
    if change is None:
        _note(Text(f"facility {id_} of {known.terms.lead}:"))
        _note(Text(f"  shares: {shares_line(known.shown.share_versions[0])}"))
        _note(Text(f"  rules: {rules_line(known.shown.rule_versions[0])}"))
        _confirm(yes, "Accept it?")
        with _desk(config) as desk:
            sent = desk.accept_terms(known.number)
        _tell(f"facility {id_} is accepted", sent, id_)
        return
    shown = find_change(known, change)
    _note(Text(f"change {change} of {id_}, by {shown.proposer}: {change_line(shown)}"))
    _confirm(yes, "Accept it?")
    with _desk(config) as desk:
        sent = desk.accept(known.number, change, bytes.fromhex(shown.hash[2:]))
    _tell(f"change {change} of {id_} is accepted", sent, id_)


def enact(id_: IdArgument, change: ChangeOption, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Bring a change into force that only waits for a party that has been evicted.

    Example:

      tally facility enact WLD-2016-A --change 3 --config bank.toml
    """
    known = known_facility(config, id_)
    with _desk(config) as desk:
        sent = desk.enact(known.number, change)
    _tell(f"change {change} of {id_} is in force", sent, id_)


def withdraw(
    id_: IdArgument,
    change: Annotated[
        int | None,
        typer.Option(min=1, help="This bank's own change; without it, the facility itself."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take back this bank's own change, or as the lead a facility that is only proposed.

    Example:

      tally facility withdraw WLD-2016-A --change 3 --config bank.toml
    """
    known = known_facility(config, id_)
    with _desk(config) as desk:
        if change is None:
            sent, what = desk.withdraw_terms(known.number), f"facility {id_}"
        else:
            sent, what = desk.withdraw(known.number, change), f"change {change} of {id_}"
    _tell(f"{what} is withdrawn", sent, id_)


def decline(id_: IdArgument, reason: ReasonOption, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Decline, as a partner, a facility that is only proposed.

    Example:

      tally facility decline WLD-2016-A --reason "not these shares" --config bank.toml
    """
    known = known_facility(config, id_)
    with _desk(config) as desk:
        sent = desk.decline_terms(known.number, reason)
    _tell(f"facility {id_} is declined", sent, id_)


def pause(id_: IdArgument, reason: ReasonOption, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Stop the posting for a facility, until this bank resumes.

    Example:

      tally facility pause WLD-2016-A --reason "figures look wrong" --config bank.toml
    """
    known = known_facility(config, id_)
    with _desk(config) as desk:
        sent = desk.pause(known.number, reason)
    _tell(f"posting for {id_} is stopped", sent, id_)


def resume(
    id_: IdArgument,
    of: Annotated[
        str | None,
        typer.Option(help="Whose pause; this bank's own, or that of one that is no active bank."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Lift a pause; posting goes on when no other party's is left.

    Example:

      tally facility resume WLD-2016-A --config bank.toml
    """
    known = known_facility(config, id_)
    name = of or load_config(config).name
    pauser = known.names.member(name)
    if pauser is None:
        raise UsageFault(
            f"{name!r} is no member of this consortium",
            where="--of",
            remedy=f"The parties of {id_} are {', '.join(known.terms.banks)}",
        )
    with _desk(config) as desk:
        sent = desk.resume(known.number, pauser.number)
    _tell(f"the pause of {name} for {id_} is lifted", sent, id_)


def _parties(config: Path, terms: Facility, file: Path) -> tuple[dict[str, Party], list[Party]]:
    """The facility's banks by name, and the auditors and regulators, as this bank's node has read
    them. Raises UsageFault for a bank that is no active member."""
    with reading(config) as engine, engine.connect() as connection:
        members = [one for one in list_members(connection) if one.state == "active"]
    parties = {one.name: Party(one.number, bytes.fromhex(one.sealing_key)) for one in members}
    strangers = [name for name in terms.banks if name not in parties]
    if strangers:
        raise UsageFault(
            f"{', '.join(strangers)} of facility {terms.id} is no active member of this consortium",
            where=str(file),
            remedy="`tally consortium list` shows the members; let the node read on if it is new",
        )
    return parties, [parties[one.name] for one in members if one.role in OBSERVERS]


@contextmanager
def _desk(config: Path) -> Iterator[FacilityDesk]:
    with acting(config) as chain:
        yield chain.facility_desk()


def _confirm(yes: bool, question: str) -> None:
    if not yes and not typer.confirm(question, err=True):
        raise typer.Exit(1)


def _tolerance(text: str, decimals: int) -> int:
    try:
        return parse_bound(text, decimals)
    except AmountError as error:
        raise UsageFault(
            f"{text!r} {error}", where="--tolerance", remedy="Write currency units, like 0.05"
        ) from None


def _note(line: Text) -> None:
    stderr.print(line, soft_wrap=True)


def _tell(what: str, sent: Done, id_: str) -> None:
    made = sent.told("ChangeProposed")
    _note(Text(what if made is None else f"{what}: change {made['change']}"))
    show_done(sent, f"tally facility show {id_}")


def _triple(shares: Shares) -> tuple[int, int, int]:
    return shares.principal, shares.interest, shares.fee
