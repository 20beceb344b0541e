"""`tally consortium emergency`: two banks stop a member's keys for a while."""

from typing import Annotated

import typer

from app.actions import consortium as actions
from app.actions.consortium import LiftStop, StopMember
from app.actions.sender import Done
from app.cli.shared.acting import Acting, acting, show_done
from app.cli.shared.confirmation import YesOption, confirm
from app.cli.shared.console import stderr, stdout
from app.cli.shared.reading import DEFAULT_CONFIG, ConfigOption

emergency = typer.Typer(
    help="Two banks stop a member's operator and approver keys, for 72 hours at most.",
    no_args_is_help=True,
)

MemberArgument = Annotated[str, typer.Argument(help="The member's name or number.")]


@emergency.command()
def stop(
    member: MemberArgument,
    reason: Annotated[str, typer.Option(help="Why. Only its hash goes onto the chain.")],
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Ask that a member be stopped; it is once a second bank asks for it within 24 hours.

    The stop ends by itself after 72 hours and cannot come again within the 30 days after; a bank
    takes part in one stop within 30 days, and fewer than a third of the banks are stopped at once.
    The member and what others have asked for are shown first.

    Example:

      tally consortium emergency stop huarui --reason "its key posts what it should not"
    """
    with acting(config) as bank:
        asked = StopMember(bank.view.member(member), reason)
        _show(bank, asked.member)
        confirm(yes, "Ask that it be stopped?")
        done = actions.stop(asked, bank.view, bank.consortium, bank.approver())
    _say(done, "EmergencyStopped", member, "is stopped")


@emergency.command()
def lift(
    member: MemberArgument, yes: YesOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Ask that a member's stop end early; it does once a second bank asks for it too.

    A bank that is stopped itself can ask for another's. The member and what others have asked for
    are shown first.

    Example:

      tally consortium emergency lift huarui --config bank.toml
    """
    with acting(config) as bank:
        asked = LiftStop(bank.view.member(member))
        _show(bank, asked.member)
        confirm(yes, "Ask that its stop end?")
        done = actions.lift(asked, bank.view, bank.consortium, bank.approver())
    _say(done, "EmergencyLifted", member, "may act again")


def _say(done: Done, event: str, member: str, outcome: str) -> None:
    """`outcome` where the second bank's asking has brought `event` about."""
    if done.event(event) is not None:
        stdout.print(f"{member} {outcome}")
    else:
        stdout.print(f"asked for; a second bank must run the same for {member} within 24 hours")
    show_done(done, "tally consortium list")


def _show(bank: Acting, number: int) -> None:
    """The member as this bank's node has read it, and what others have asked for."""
    emergency = bank.view.emergency(number)
    member = emergency.member
    stop = "not stopped"
    if member.stopped_until is not None:
        stop = f"stopped until {member.stopped_until:%Y-%m-%d %H:%M} UTC"
    stderr.print(f"member {number}: {member.name}, {member.role}, {member.state}, {stop}")
    for one in emergency.requests:
        why = "" if one.reason is None else f": {one.reason}"
        asked = f"  {one.by} asked at {one.at:%Y-%m-%d %H:%M} UTC to {one.what} it{why}"
        stderr.print(asked)
