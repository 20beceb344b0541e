"""`tally consortium emergency`: two banks stop a member's keys for a while."""

from typing import Annotated

import typer

from app.actions import consortium as actions
from app.actions.consortium import LiftStop, StopMember
from app.cli.acting import acting, show_done
from app.cli.console import stdout
from app.cli.reading import DEFAULT_CONFIG, ConfigOption

emergency = typer.Typer(
    help="Two banks stop a member's operator and approver keys, for 72 hours at most.",
    no_args_is_help=True,
)

MemberArgument = Annotated[str, typer.Argument(help="The member's name or number.")]


@emergency.command()
def stop(
    member: MemberArgument,
    reason: Annotated[str, typer.Option(help="Why. Only its hash goes onto the chain.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Ask that a member be stopped; it is once a second bank asks for it within 24 hours.

    The stop ends by itself after 72 hours and cannot come again within the 30 days after; a bank
    takes part in one stop within 30 days, and fewer than a third of the banks are stopped at once.

    Example:

      tally consortium emergency stop huarui --reason "its key posts what it should not"
    """
    with acting(config) as bank:
        asked = StopMember(bank.view.member(member), reason)
        done = actions.stop(asked, bank.view, bank.consortium, bank.approver())
    if done.event("EmergencyStopped") is not None:
        stdout.print(f"{member} is stopped", markup=False, highlight=False)
    else:
        stdout.print(
            f"asked for; a second bank must run the same for {member} within 24 hours",
            markup=False,
            highlight=False,
        )
    show_done(done, "tally consortium list")


@emergency.command()
def lift(member: MemberArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Ask that a member's stop end early; it does once a second bank asks for it too.

    A bank that is stopped itself can ask for another's.

    Example:

      tally consortium emergency lift huarui --config bank.toml
    """
    with acting(config) as bank:
        asked = LiftStop(bank.view.member(member))
        done = actions.lift(asked, bank.view, bank.consortium, bank.approver())
    if done.event("EmergencyLifted") is not None:
        stdout.print(f"{member} may act again", markup=False, highlight=False)
    else:
        stdout.print(
            f"asked for; a second bank must run the same for {member} within 24 hours",
            markup=False,
            highlight=False,
        )
    show_done(done, "tally consortium list")
