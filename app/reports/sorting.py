"""Sorting more lines than memory holds."""

import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

LINES_IN_MEMORY = 200_000
_BLOCK_CHARACTERS = 1 << 20


def sorted_lines(lines: Iterable[str], folder: Path) -> Iterator[Sequence[str]]:
    """The lines in order, many at a time, each without a line feed in it; what does not fit into
    memory waits in unnamed files in `folder`."""
    remaining = iter(lines)
    chunk = sorted(islice(remaining, LINES_IN_MEMORY))
    if len(chunk) < LINES_IN_MEMORY:
        yield chunk
        return
    with ExitStack() as files:
        runs = []
        while chunk:
            file = files.enter_context(
                tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=folder)
            )
            file.write("\n".join(chunk) + "\n")
            file.seek(0)
            runs.append(_blocks(file))
            chunk = sorted(islice(remaining, LINES_IN_MEMORY))
        yield from _merged(runs)


def _blocks(file: TextIO) -> Iterator[list[str]]:
    """The lines of a file, many at a time."""
    rest = ""
    while text := file.read(_BLOCK_CHARACTERS):
        *block, rest = (rest + text).split("\n")
        if block:
            yield block


def _merged(runs: Iterable[Iterator[list[str]]]) -> Iterator[list[str]]:
    """Runs of sorted lines as one. Up to the first end of a block all lines are at hand, and to
    sort what is sorted in parts takes no more than to compare each line once."""
    held = [(block, run) for run in runs for block in islice(run, 1)]
    while held:
        last = min(block[-1] for block, _ in held)
        cuts = [bisect_right(block, last) for block, _ in held]
        parts = [block[:cut] for (block, _), cut in zip(held, cuts, strict=True)]
        yield sorted(chain.from_iterable(parts))
        held = [
            (rest, run)
            for (block, run), cut in zip(held, cuts, strict=True)
            for rest in ([block[cut:]] if cut < len(block) else islice(run, 1))
        ]
