"""Sorting more lines than memory holds."""

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

LINES_IN_MEMORY = 200_000


def sorted_lines(lines: Iterable[str], folder: Path) -> Iterator[str]:
    """The lines in order, each without a line feed in it; what does not fit into memory waits in
    unnamed files in `folder`."""
    remaining = iter(lines)
    chunk = sorted(islice(remaining, LINES_IN_MEMORY))
    if len(chunk) < LINES_IN_MEMORY:
        yield from chunk
        return
    with ExitStack() as files:
        runs = []
        while chunk:
            file = files.enter_context(
                tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=folder)
            )
            file.writelines(f"{line}\n" for line in chunk)
            file.seek(0)
            runs.append(file)
            chunk = sorted(islice(remaining, LINES_IN_MEMORY))
        yield from heapq.merge(*map(_bare, runs))


def _bare(file: Iterable[str]) -> Iterator[str]:
    return (line[:-1] for line in file)
