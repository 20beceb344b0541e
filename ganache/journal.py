"""Anvil's blocks on disk: each is written down once it is made, and made again at the next start.

Anvil itself can only store everything at once, which takes longer the longer the history is. But a
block follows from its time, its transactions and the block before it, to its very hash: these are
all that is kept.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from ganache import rpc, traces
from ganache.dumps import Dump, Dumps
from ganache.errors import ChainFailed, DumpUnusable

_TIMEOUT_S = 60.0
"""A full block of a large state takes seconds."""

_MAKE_TRIES = 100
_FILE = "blocks.jsonl"


def blocks_to_make(state_dir: Path) -> int:
    """How many blocks a start has to make again, some tens of milliseconds each."""
    with suppress(FileNotFoundError), (state_dir / _FILE).open("rb") as file:
        stored = sum(1 for _ in file)
        dump = Dumps(state_dir).usable(stored - 1)
        return stored - (dump.number if dump else 0)
    return 0


class Journal:
    """The blocks of one chain in `state_dir`, a line of JSON for each, from block 0 on."""

    def __init__(self, state_dir: Path) -> None:
        """Raises ChainFailed where a line cannot be read. (The last may have been cut off by a
        kill: it is left out.)"""
        self._path = state_dir / _FILE
        self._kept: list[tuple[str, int]] = []
        """Each block's hash, and where its line ends in the file."""
        self.first_time: int | None = None
        """The time of block 0; None where nothing was stored yet."""
        self._path.touch(mode=0o600)
        with self._path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                block = self._block(line)
                if self.first_time is None:
                    self.first_time = block["time"]
                self._kept.append((block["hash"], file.tell()))

    @property
    def height(self) -> int:
        """The number of the newest block; -1 before the first."""
        return len(self._kept) - 1

    def make_again(self, url: str, dump: Dump | None) -> None:
        """Bring a new chain, begun at `first_time` and not mining, to the stored one, from
        a dump or from its first block on.

        Raises ChainFailed where it does not become the same, DumpUnusable where it might without
        the dump, NoAnswer where it does not answer.
        """
        if self.first_time is None:
            return
        if dump is not None:
            try:
                dump.load(url)
                self._make_after(url, dump.number)
            except (ChainFailed, rpc.NoAnswer, OSError) as error:
                raise DumpUnusable(dump.path, error) from error
        else:
            self._make_after(url, 0)

    def _make_after(self, url: str, number: int) -> None:
        """Make the blocks after a block that is there."""
        last_time = self.first_time or 0
        with closing(rpc.Connection(url, _TIMEOUT_S)) as chain, self._path.open("rb") as file:
            base = chain.call("eth_getBlockByNumber", "latest", False)
            if base["hash"] != self._kept[number][0]:
                raise self._failure(f"block {number} cannot be made again")
            file.seek(self._kept[number][1])
            for made in range(number + 1, len(self._kept)):
                block = self._block(file.readline())
                self._make(chain, made, block)
                last_time = block["time"]
            chain.call("evm_setTime", max(int(time.time()), last_time))

    def _make(self, chain: rpc.Connection, number: int, block: dict[str, Any]) -> None:
        """Make the next block again. Who knows the address sends already: what is none of the
        block's leaves the pool, and where it came in between, the block is made once more."""
        calls: list[tuple[str, list[Any]]] = [
            ("anvil_dropAllTransactions", []),
            *(("eth_sendRawTransaction", [signed]) for signed in block["transactions"]),
            ("evm_setNextBlockTimestamp", [block["time"]]),
            ("evm_mine_detailed", []),
        ]
        for _ in range(_MAKE_TRIES):
            answers = chain.batch(calls)
            mined = answers[-1].get("result")
            if mined and mined[0]["hash"] == block["hash"]:
                traces.forget(chain, mined[0])
                return
            if mined:
                chain.call("anvil_rollback", 1)
        why = next((f" ({one['error']['message']})" for one in answers if "error" in one), "")
        raise self._failure(f"block {number} cannot be made again{why}")

    def add(self, url: str) -> None:
        """Store the blocks that are new, on disk when this returns.

        Raises NoAnswer when the chain does not answer, OSError when the disk refuses; then they are
        stored the next time.
        """
        with closing(rpc.Connection(url, _TIMEOUT_S)) as chain:
            while self._kept:
                last = chain.call("eth_getBlockByNumber", hex(len(self._kept) - 1), False)
                if last is not None and last["hash"] == self._kept[-1][0]:
                    break
                self._kept.pop()  # somebody has taken it back
            os.truncate(self._path, self._end())  # also what was cut off
            while block := chain.call("eth_getBlockByNumber", hex(len(self._kept)), True):
                if self._kept and block["parentHash"] != self._kept[-1][0]:
                    break  # the last one stored was taken back meanwhile: it is dropped next time
                self._write(
                    {
                        "time": int(block["timestamp"], 16),
                        "hash": block["hash"],
                        "transactions": [
                            chain.call("debug_getRawTransaction", one["hash"])
                            for one in block["transactions"]
                        ],
                    }
                )
                traces.forget(chain, block)

    def _write(self, block: dict[str, Any]) -> None:
        with self._path.open("ab") as file:
            file.write(json.dumps(block).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
            self._kept.append((block["hash"], file.tell()))

    def _end(self) -> int:
        return self._kept[-1][1] if self._kept else 0

    def _block(self, line: bytes) -> dict[str, Any]:
        try:
            block: dict[str, Any] = json.loads(line)
            block["time"], block["hash"], block["transactions"]
        except (ValueError, KeyError, TypeError):
            raise self._failure(f"line {len(self._kept) + 1} is damaged") from None
        return block

    def _failure(self, what: str) -> ChainFailed:
        return ChainFailed(
            f"{self._path}: {what}; `make reset` forgets a demo's chain, another folder begins a "
            "new one"
        )
