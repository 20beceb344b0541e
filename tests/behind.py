"""A rebuild whose ranges are written later than they are folded, some at once, as the process that
writes does it."""

from __future__ import annotations

import pickle
import random

from sqlalchemy import Engine

from app.indexer.indexer import Indexer
from app.indexer.rebuild import rebuild
from app.indexer.scan import RangeSize
from app.indexer.write import Written, write
from app.indexer.writer_process import WriterProcess, _Given


def rebuild_behind(indexer: Indexer, seed: int) -> None:
    """Rebuild, one block a range."""
    indexer._scanner._size = RangeSize(most=1, blocks=1)
    rebuild(indexer, writer=_Behind(indexer.engine, random.Random(seed)))


class _Behind(WriterProcess):
    def __init__(self, engine: Engine, chance: random.Random) -> None:
        self._engine, self._chance = engine, chance
        self._given: list[bytes] = []

    def write(self, engine: Engine, rows: Written) -> None:
        self._given.append(pickle.dumps(_Given.of(rows)))
        if self._chance.random() < 0.3:
            self._write(self._chance.randint(1, len(self._given)))
        self.unwritten = len(self._given)

    def wait(self) -> None:
        self._write(len(self._given))
        self.unwritten = 0

    def _write(self, ranges: int) -> None:
        with self._engine.begin() as connection:
            write(connection, [pickle.loads(one).rows() for one in self._given[:ranges]])
        del self._given[:ranges]
