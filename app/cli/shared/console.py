"""Where commands write: results to standard output, progress and messages to standard error."""

import sys
from typing import Any

import orjson
from rich.console import Console


def console(*, to_stderr: bool = False, width: int | None = None) -> Console:
    """Text is written as it stands: names and reasons come from others, and are no markup."""
    return Console(stderr=to_stderr, width=width, markup=False, emoji=False, highlight=False)


stdout = console()
stderr = console(to_stderr=True)
stderr.soft_wrap = not stderr.is_terminal  # a message in a log is one line


def print_json(value: Any) -> None:
    """One object on standard output, indented."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
