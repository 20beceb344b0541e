"""Anvil's whole state on disk, now and then: a start makes only the blocks after it again.

The journal stays whole, so that a dump may be lost. None is believed: the blocks that follow it are
made again to their very hashes, which follow from all that it held.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ganache import rpc
from ganache.engines import TIMED_HISTORY_BLOCKS

EVERY_BLOCKS = 120
_KEPT = 2
"""A kill may come before enough blocks follow the newest."""
_TIMEOUT_S = 120.0
_SUFFIX = ".json.gz"


@dataclass(frozen=True, slots=True)
class Dump:
    """A chain's state after block `number`."""

    number: int
    path: Path

    def load(self, url: str) -> None:
        """Bring a new chain to it. Raises NoAnswer, also for a damaged one, and OSError."""
        with closing(rpc.Connection(url, _TIMEOUT_S)) as chain:
            chain.call("anvil_loadState", "0x" + self.path.read_bytes().hex())


class Dumps:
    """The dumps of the chain in `state_dir`."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "states"

    def usable(self, height: int) -> Dump | None:
        """The newest from which a chain of this height can be made again: past blocks that may be
        called are all made after it."""
        found = [one for one in self._kept() if one.number + TIMED_HISTORY_BLOCKS <= height]
        return max(found, key=lambda one: one.number, default=None)

    def is_due(self, height: int) -> bool:
        """Whether so many blocks have come since the last one."""
        numbers = (one.number for one in self._kept() if one.number <= height)
        return height - max(numbers, default=0) >= EVERY_BLOCKS

    def take(self, url: str, number: int) -> None:
        """Store the state after block `number`, the newest; no block may be made while anvil copies
        it, which is the smaller part of the time. Raises NoAnswer, OSError."""
        with closing(rpc.Connection(url, _TIMEOUT_S)) as chain:
            packed = bytes.fromhex(chain.call("anvil_dumpState", False).removeprefix("0x"))
        self._folder.mkdir(mode=0o700, exist_ok=True)
        partial = self._folder / "partial"
        with partial.open("wb") as file:
            file.write(packed)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self._folder / f"{number}{_SUFFIX}")
        for old in sorted(self._kept(), key=lambda one: one.number)[:-_KEPT]:
            old.path.unlink()

    def _kept(self) -> Iterator[Dump]:
        for path in self._folder.glob(f"*{_SUFFIX}"):
            yield Dump(int(path.name.removesuffix(_SUFFIX)), path)
