"""Asking a person before something is signed that was just shown."""

import sys
from typing import Annotated

import typer

from app.domain.errors import UsageFault

YesOption = Annotated[bool, typer.Option("--yes", help="Sign what is shown without asking.")]


def is_attended() -> bool:
    """Whether a person is there to answer: standard input is a terminal."""
    return sys.stdin.isatty()


def confirm(yes: bool, question: str) -> None:
    """Ask, unless `--yes` is given or nobody is there: scripts go on. Raises typer.Exit for no."""
    if not yes and is_attended():
        confirm_always(yes, question)


def confirm_always(yes: bool, question: str) -> None:
    """Ask, unless `--yes` is given: a script must give it. Raises typer.Exit for no, and UsageFault
    where nobody answers."""
    try:
        if not yes and not typer.confirm(question, err=True):
            raise typer.Exit(1)
    except typer.Abort:
        if is_attended():
            raise
        raise UsageFault(
            "nobody is there to answer, and nothing was signed",
            remedy="Read what is shown above, then give --yes",
        ) from None
