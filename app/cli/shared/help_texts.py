"""Help texts that wrap where the terminal ends, not where a source line did."""

import inspect
from typing import Any


def with_flowing_help(command: Any) -> Any:
    """The command (or group, with what is below it), each paragraph of its help on one line.
    Indented ones, which are examples, stay as they are."""
    if command.help:
        paragraphs = inspect.cleandoc(command.help).split("\n\n")
        command.help = "\n\n".join(map(_flowing, paragraphs))
    for below in getattr(command, "commands", {}).values():
        with_flowing_help(below)
    return command


def _flowing(paragraph: str) -> str:
    lines = paragraph.splitlines()
    return paragraph if any(line.startswith(" ") for line in lines) else " ".join(lines)
