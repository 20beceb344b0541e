"""Where commands write: results to standard output, progress and messages to standard error."""

from rich.console import Console

stdout = Console()
stderr = Console(stderr=True)
