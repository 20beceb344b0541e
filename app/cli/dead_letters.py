"""`tally dead-letters`: events that could not be posted, and batches that have stopped."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from app.cli.shared.console import print_json, stderr, stdout
from app.cli.shared.reading import DEFAULT_CONFIG, ConfigOption, JsonOption, reading, show, table
from app.domain.errors import UsageFault
from app.http.dead_letters import retry
from app.outbox.dead_letters import all_letters, stopped_batches

dead_letters = typer.Typer(
    help="Events that could not be posted, and batches that have stopped: see them, and let them "
    "be tried again once the cause is mended.",
    no_args_is_help=True,
)


@dead_letters.command("list")
def list_(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """List what waits for a person, and why.

    Example:

      tally dead-letters list --config bank.toml
    """
    with reading(config) as engine, engine.connect() as connection:
        letters, stopped = all_letters(connection), stopped_batches(connection)
    if as_json:
        print_json({"events": list(map(asdict, letters)), "batches": list(map(asdict, stopped))})
        return
    if not letters and not stopped:
        stderr.print("nothing waits for a person", style="dim")
    if letters:
        events = table("since", "facility", "event_id", "event_ref", "reason", numbers=("row",))
        for letter in letters:
            texts = (letter.at, letter.facility, letter.event_id, letter.event_ref, letter.reason)
            events.add_row(*map(Text, texts), str(letter.row))
        show(events)
    for batch in stopped:
        stdout.print(
            f"batch {batch.sequence} of {batch.facility} ({batch.legs} legs) has stopped since "
            f"{batch.at}: {batch.why}"
        )


@dead_letters.command("replay")
def replay_(
    event_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[EVENT_ID]...", help="Only these events.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Let dead letters and stopped batches be tried again; the bank's node posts them.

    Without event ids all of them. Nothing is posted twice: what the chain has already, it refuses.

    Example:

      tally dead-letters replay --config bank.toml HR-20160302-17
    """
    with reading(config) as engine:
        if event_ids:
            with engine.connect() as connection:
                waiting = {letter.event_id for letter in all_letters(connection)}
            if unknown := [one for one in event_ids if one not in waiting]:
                raise UsageFault(
                    f"{', '.join(map(repr, unknown))} is no dead letter of this bank",
                    remedy="`tally dead-letters list` shows them",
                )
        with engine.begin() as connection:
            events, batches = retry(connection, event_ids)
    stderr.print(f"{events} events and {batches} batches are tried again")
