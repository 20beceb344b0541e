"""`tally facility propose…|accept|decline|withdraw|pause|resume`: signed by a bank's approver."""

from collections.abc import Callable
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from app.actions import facilities as actions
from app.actions.facilities import (
    AcceptChange,
    AcceptFacility,
    DeclineFacility,
    EnactChange,
    PauseFacility,
    ProposeClose,
    ProposeFacility,
    ProposeRules,
    ProposeShares,
    ResumeFacility,
    WithdrawChange,
    WithdrawFacility,
)
from app.actions.sender import Done, Signer
from app.actions.view import View
from app.cli.facility.shown import (
    IdArgument,
    change_line,
    find_change,
    known_facility,
)
from app.cli.shared.acting import acting, show_done
from app.cli.shared.confirmation import YesOption, confirm, confirm_always
from app.cli.shared.console import stderr
from app.cli.shared.reading import DEFAULT_CONFIG, ConfigOption
from app.config import load_config
from app.contracts.facility_registry import FacilityRegistry
from app.domain.errors import UsageFault
from app.domain.facility import Facility
from app.domain.facility_changes import parse_share
from app.domain.numbers import LARGEST_SMALL
from app.intake.facility_file import load_facility
from app.prepared_acts.agreement_contents import terms_content

_Asked = TypeVar("_Asked")

ReasonOption = Annotated[
    str, typer.Option(help="Why, in words; the chain keeps the hash of them.", show_default=False)
]
ChangeOption = Annotated[
    int,
    typer.Option(
        "--change",
        min=1,
        max=LARGEST_SMALL,
        help="The change's number, as `tally facility show` has it.",
    ),
]
FromOption = Annotated[
    datetime,
    typer.Option(
        "--from",
        formats=["%Y-%m-%d"],
        metavar="YYYY-MM-DD",
        help="The first day it applies to: more than 30 days after the chain's.",
    ),
]


def propose(
    file: Annotated[
        Path, typer.Argument(metavar="FACILITY.toml", help="Its lead, partners, shares and rules.")
    ],
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Propose a facility as its lead; it is in force once every partner has accepted it.

    Makes the facility's reference key and seals it to the lead, the partners, and the auditors and
    regulators that there are.

    Example:

      tally facility propose wld-2016-a.toml --config bank.toml
    """
    terms = load_facility(file)
    _note_terms(terms)
    confirm_always(yes, "Propose it?")
    done = _perform(config, actions.propose, ProposeFacility(terms))
    _show(f"facility {terms.id} is proposed", done, terms.id)


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
    named = dict(parse_share(one) for one in share)
    asked = ProposeShares(id_, first_day.toordinal(), named, reason)
    done = _perform(config, actions.propose_shares, asked)
    _show(f"a version of the shares of {id_} is proposed, from {first_day:%Y-%m-%d}", done, id_)


def propose_rules(
    id_: IdArgument,
    first_day: FromOption,
    reason: ReasonOption,
    tolerance: Annotated[str | None, typer.Option(help="Currency units, like 0.05.")] = None,
    window_days: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Largest difference of value dates that matches."),
    ] = None,
    deadline_hours: Annotated[
        int | None,
        typer.Option(min=0, max=1_193_046, help="When a one-sided leg is overdue."),
    ] = None,
    cut_off: Annotated[
        datetime | None,
        typer.Option(formats=["%H:%M:%S"], metavar="HH:MM:SS", help="Local time."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Propose a version of the rules; what is not named stays as it is.

    Example:

      tally facility propose-rules WLD-2016-A --from 2027-01-01 --tolerance 0.05
      --reason "rounding of the new core" --config bank.toml
    """
    asked = ProposeRules(
        id_,
        first_day.toordinal(),
        tolerance,
        window_days,
        None if deadline_hours is None else deadline_hours * 3600,
        None if cut_off is None else time(cut_off.hour, cut_off.minute, cut_off.second),
        reason,
    )
    done = _perform(config, actions.propose_rules, asked)
    _show(f"a version of the rules of {id_} is proposed, from {first_day:%Y-%m-%d}", done, id_)


def propose_close(
    id_: IdArgument, reason: ReasonOption, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Propose to close a facility for ever; it takes effect when all have accepted, at zero open
    legs and holds.

    Example:

      tally facility propose-close WLD-2016-A --reason "fully repaid" --config bank.toml
    """
    done = _perform(config, actions.propose_close, ProposeClose(id_, reason))
    _show(f"the close of {id_} is proposed", done, id_)


def accept(
    id_: IdArgument,
    change: Annotated[
        int | None,
        typer.Option(
            min=1, max=LARGEST_SMALL, help="A change's number; without it, the facility itself."
        ),
    ] = None,
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Accept a change of a facility, or as a partner a facility that is proposed.

    What is shown is what is signed: the contract refuses if it has something else.

    Example:

      tally facility accept WLD-2016-A --change 3 --config bank.toml
    """
    known = known_facility(config, id_)
    if change is None:
        _note_terms(known.agreed.terms)
        confirm_always(yes, "Accept it?")
        terms_hash = known.agreed.terms_hash
        if terms_hash is None:
            raise UsageFault(
                f"facility {id_} was read by an older version, which kept no hash of its terms",
                remedy="Run `tally rebuild`, then look at it again",
            )
        done = _perform(config, actions.accept, AcceptFacility(id_, terms_hash))
        _show(f"facility {id_} is accepted", done, id_)
        return
    shown = find_change(known, change)
    _note(f"change {change} of {id_}, by {shown.proposer}: {change_line(shown)}")
    confirm_always(yes, "Accept it?")
    asked = AcceptChange(id_, change, bytes.fromhex(shown.hash[2:]))
    done = _perform(config, actions.accept_change, asked)
    _show(f"change {change} of {id_} is accepted", done, id_)


def enact(
    id_: IdArgument,
    change: ChangeOption,
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Bring a change into force that only waits for a party that has been evicted.

    Example:

      tally facility enact WLD-2016-A --change 3 --config bank.toml
    """
    known = known_facility(config, id_)
    shown = find_change(known, change)
    _note(f"change {change} of {id_}, by {shown.proposer}: {change_line(shown)}")
    confirm(yes, "Bring it into force?")
    asked = EnactChange(id_, change, bytes.fromhex(shown.hash[2:]))
    done = _perform(config, actions.enact_change, asked)
    _show(f"change {change} of {id_} is in force", done, id_)


def withdraw(
    id_: IdArgument,
    change: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST_SMALL,
            help="This bank's own change; without it, the facility itself.",
        ),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take back this bank's own change, or as the lead a facility that is only proposed.

    Example:

      tally facility withdraw WLD-2016-A --change 3 --config bank.toml
    """
    if change is None:
        done, what = _perform(config, actions.withdraw, WithdrawFacility(id_)), f"facility {id_}"
    else:
        done = _perform(config, actions.withdraw_change, WithdrawChange(id_, change))
        what = f"change {change} of {id_}"
    _show(f"{what} is withdrawn", done, id_)


def decline(
    id_: IdArgument,
    reason: ReasonOption,
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Decline, as a partner, a facility that is only proposed.

    Example:

      tally facility decline WLD-2016-A --reason "not these shares" --config bank.toml
    """
    _note_terms(known_facility(config, id_).agreed.terms)
    confirm(yes, "Decline it?")
    done = _perform(config, actions.decline, DeclineFacility(id_, reason))
    _show(f"facility {id_} is declined", done, id_)


def pause(id_: IdArgument, reason: ReasonOption, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Stop the posting for a facility, until this bank resumes.

    Example:

      tally facility pause WLD-2016-A --reason "figures look wrong" --config bank.toml
    """
    done = _perform(config, actions.pause, PauseFacility(id_, reason))
    _show(f"posting for {id_} is stopped", done, id_)


def resume(
    id_: IdArgument,
    of: Annotated[
        str | None,
        typer.Option(help="Whose pause; this bank's own, or after 7 days any party's."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Lift a pause; posting goes on when no other party's is left.

    Example:

      tally facility resume WLD-2016-A --config bank.toml
    """
    done = _perform(config, actions.resume, ResumeFacility(id_, of))
    _show(f"the pause of {of or load_config(config).name} for {id_} is lifted", done, id_)


def _perform(
    config: Path, act: Callable[[_Asked, View, FacilityRegistry, Signer], Done], asked: _Asked
) -> Done:
    with acting(config) as bank:
        return act(asked, bank.view, bank.facilities, bank.approver())


def _note_terms(terms: Facility) -> None:
    for label, text in terms_content(terms).items():
        _note(f"{label}: {text}")


def _note(line: str) -> None:
    stderr.print(line, soft_wrap=True)


def _show(what: str, done: Done, id_: str) -> None:
    made = done.event("ChangeProposed")
    _note(what if made is None else f"{what}: change {made['change']}")
    show_done(done, f"tally facility show {id_}")
