"""Anvil's state on disk: whole dumps, several kept, of which the newest sound one is started from.

Anvil's own `--state` writes in place: a kill while it writes leaves a file that it then refuses.
So the dump is asked for over RPC, and only a complete one is given its name.
"""

from __future__ import annotations

import gzip
import json
import mmap
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganache import rpc

KEPT = 3
_DUMP_TIMEOUT_S = 120.0
_FIRST_BLOCK = b'"number":"0x0"'


class Dumps:
    """The dumps of one chain in `state_dir`, newest last in number."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "dumps"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._loading = state_dir / "loading.json"
        self._height: str | None = None

    def take(self, url: str) -> None:
        """Store the chain's present state, unless its height has not moved since the last dump, or
        moves while it is dumped.

        Raises rpc.NoAnswer when the chain does not answer, OSError when the disk refuses.
        """
        height = rpc.call(url, "eth_blockNumber")
        if height == self._height:
            return
        with _held_still(url):
            height = rpc.call(url, "eth_blockNumber")
            packed = bytes.fromhex(
                rpc.call(url, "anvil_dumpState", True, timeout_s=_DUMP_TIMEOUT_S).removeprefix("0x")
            )
            if rpc.call(url, "eth_blockNumber") != height:
                return
        names = self._newest_first()
        number = int(names[0].name.split(".")[0]) + 1 if names else 1
        partial = self._folder / "partial"
        with partial.open("wb") as file:
            file.write(packed)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self._folder / f"{number:08d}.json.gz")
        self._height = height
        for old in self._newest_first()[KEPT:]:
            old.unlink()

    def __bool__(self) -> bool:
        """Whether anything was ever stored."""
        return bool(self._newest_first())

    def sound(self) -> Iterator[Path]:
        """Each stored state that is whole, newest first, unpacked into a file to load."""
        for dump in self._newest_first():
            try:
                with gzip.open(dump) as packed, self._loading.open("wb") as plain:
                    shutil.copyfileobj(packed, plain, 1 << 20)
                _keep_one_first_block(self._loading)
            except (gzip.BadGzipFile, EOFError, zlib.error):  # damaged: the one before it
                continue
            yield self._loading

    def loaded(self) -> None:
        """The chain is up: drop the unpacked file."""
        self._loading.unlink(missing_ok=True)

    def _newest_first(self) -> list[Path]:
        return sorted(self._folder.glob("*.json.gz"), reverse=True)


@contextmanager
def _held_still(url: str) -> Iterator[None]:
    """No block is mined inside: anvil reads its blocks first and the accounts after them, so that
    a block in between would be in its state and not in its history. (Timed blocks are made by
    the launcher, which makes none meanwhile.)"""
    if rpc.call(url, "anvil_getAutomine"):
        rpc.call(url, "evm_setAutomine", False)
        try:
            yield
        finally:
            rpc.call(url, "evm_setAutomine", True)
            if rpc.call(url, "txpool_status")["pending"] != "0x0":
                rpc.call(url, "evm_mine")
    else:
        yield


def _keep_one_first_block(state: Path) -> None:
    """Leave out of an unpacked dump all blocks 0 but the chain's own, which is the oldest.

    An anvil makes a first block of its own before it loads a state, and dumps both: the next one to
    load them would take either for the chain's.
    """
    with state.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        first = text.find(_FIRST_BLOCK)
        if first < 0 or text.find(_FIRST_BLOCK, first + 1) < 0:
            return
    dump = json.loads(state.read_bytes())
    genesis = min(
        (block for block in dump["blocks"] if block["header"]["number"] == "0x0"),
        key=lambda block: int(block["header"]["timestamp"], 16),
    )
    dump["blocks"] = [
        genesis,
        *(block for block in dump["blocks"] if block["header"]["number"] != "0x0"),
    ]
    state.write_text(json.dumps(dump))
