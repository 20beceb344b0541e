"""A development chain that a test may stop, kill and start again on the same port."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from app.processes import free_port
from ganache.engines import Engine
from ganache.launcher import ChainHandle, start

_DEAD_S = 10.0


class Chain:
    """A chain of one test's own, its state in `folder`."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine: Engine = engine
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._handle: ChainHandle | None = None

    def start(
        self, name: str = "chain", chain_id: int = 31337, block_time_s: int | None = None
    ) -> None:
        self._handle = start(
            self.engine,
            state_dir=self.folder / name,
            port=self.port,
            chain_id=chain_id,
            block_time_s=block_time_s,
        )

    def stop(self) -> None:
        """End it in good order, its state stored."""
        if self._handle is not None:
            self._handle.stop()
        self._handle = None

    def kill(self) -> None:
        """Kill -9: what was not stored is lost."""
        assert self._handle is not None
        os.kill(self._handle.process.pid, signal.SIGKILL)
        deadline = time.monotonic() + _DEAD_S
        while self._handle.alive():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        self._handle._keeper.abandon()
        self.stop()
