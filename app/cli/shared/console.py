"""Where commands write: results to standard output, progress and messages to standard error."""

from rich.console import Console


def console(*, to_stderr: bool = False, width: int | None = None) -> Console:
    """Text is written as it stands: names and reasons come from others, and are no markup."""
    return Console(stderr=to_stderr, width=width, markup=False, emoji=False, highlight=False)


stdout = console()
stderr = console(to_stderr=True)
