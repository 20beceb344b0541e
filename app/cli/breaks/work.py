"""`tally breaks assign|comment`: who works on a break, and what is noted about it."""

from typing import Annotated

import typer

from app.cli.shared.console import stderr
from app.cli.shared.node import signed_in
from app.domain.errors import UsageFault
from app.domain.numbers import LARGEST

_Number = Annotated[int, typer.Argument(min=1, max=LARGEST, help="The break's number.")]


def assign(
    numbers: Annotated[list[int], typer.Argument(min=1, max=LARGEST, help="The breaks' numbers.")],
    to: Annotated[
        str | None, typer.Option(metavar="NAME", help="As the pages show it; else nobody.")
    ] = None,
) -> None:
    """Assign breaks to somebody of this bank, at the node that you signed in to (tally sign-in).

    Example:

      tally breaks assign 17 18 --to "Wang Fang"
    """
    with signed_in() as node:
        assignee = None
        if to is not None:
            known = {one.name: one.id for one in node.assignees().items}
            if to not in known:
                raise UsageFault(
                    f"nobody who may work on breaks is called {to!r}",
                    remedy=f"There are: {', '.join(known) or 'none yet'}",
                )
            assignee = known[to]
        changed = node.assign(numbers, assignee).changed
    stderr.print(f"{changed:,} breaks assigned anew")


def comment(
    number: _Number, text: Annotated[str, typer.Argument(help="Read in this bank alone.")]
) -> None:
    """Comment on a break, at the node that you signed in to (tally sign-in).

    Example:

      tally breaks comment 17 "asked huarui for the advice of 3 March"
    """
    with signed_in() as node:
        node.comment(number, text)
