"""Starts a local development chain, anvil or ganache, and stops what it started and nothing else.

    with start("anvil", state_dir=folder) as chain:
        connect(chain.process.url)

Or by hand: `python -m ganache.launcher --engine anvil --port 8545 --state DIR`.

The chain listens on this machine only (where it may choose its port, on an address that no web page
can guess: engines.unguessable_host), asks gas price 0, keeps its state in `state_dir`, does not see
the terminal's Ctrl-C, and ends with the process that started it (on Linux even with a killed one).
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

from app import processes
from app.processes import HOST
from ganache import engines, rpc
from ganache.dumps import Dumps
from ganache.engines import ENGINES, Engine
from ganache.errors import (
    ChainFailed,
    DumpUnusable,
    EngineMissing,
    LauncherError,
    PortTaken,
    StateInUse,
    StateMismatch,
)
from ganache.journal import Journal
from ganache.pool import Pool

__all__ = [
    "DEFAULT_CHAIN_ID",
    "ENGINES",
    "ChainFailed",
    "ChainHandle",
    "ChainProcess",
    "Engine",
    "EngineMissing",
    "LauncherError",
    "PortTaken",
    "StateInUse",
    "StateMismatch",
    "start",
]

DEFAULT_CHAIN_ID = 31337
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 10.0
#: How long a predecessor, whose launcher was killed, is given to let go of the state directory.
_LOCK_TIMEOUT_S = 5.0
_POLL_S = 0.02
_TICK_S = 1.0
#: A full block of a large state takes seconds.
_MINE_TIMEOUT_S = 60.0
#: So long the end of a chain that hangs is waited for.
_LAST_BLOCKS_S = 3.0
#: So long no block is made for a dump: anvil has copied its state by then, and packs it.
_HELD_S = 1.0
_PORT_TRIES = 5


@dataclass(frozen=True)
class ChainProcess:
    """A development chain that answers at `url`; `log` is what its process printed."""

    engine: Engine
    url: str
    chain_id: int
    pid: int
    state_dir: Path
    log: Path


class ChainHandle:
    """A chain that `start` started. Stop it with `stop()` or by leaving the `with` block."""

    def __init__(self, process: ChainProcess, keeper: _Keeper) -> None:
        self.process = process
        self._keeper = keeper

    def alive(self) -> bool:
        """Whether the chain's process still runs."""
        return self._keeper.alive()

    def stop(self) -> None:
        """Store the state and end the chain's process. Does nothing when it has ended already."""
        self._keeper.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(
    engine: Engine,
    *,
    state_dir: Path,
    port: int = 0,
    block_time_s: int | None = None,
    chain_id: int = DEFAULT_CHAIN_ID,
    keep_state: bool = True,
) -> ChainHandle:
    """Start a chain, or go on with the one in `state_dir`, and wait until it answers.

    `port` 0 takes a free one of an address that nobody can guess, any other that of 127.0.0.1,
    where pages in this machine's browsers can find it. `block_time_s` None makes blocks as
    transactions come, which suits single ones; bulk wants 1, because a burst makes many blocks and
    an anvil spends on each a time that grows with the state. Without `keep_state` an anvil stores
    nothing. A killed anvil comes back without the blocks of its last second or two, and makes its
    blocks again: with a block time those of the last minutes, without one all of them. ganache
    loses nothing. A chain that died holds its folder until its handle is stopped.

    Raises EngineMissing, PortTaken, StateInUse, StateMismatch, ChainFailed.
    """
    if engine not in ENGINES:
        raise EngineMissing(f"there is no engine {engine!r}: choose one of {', '.join(ENGINES)}")
    state_dir = state_dir.resolve()
    host = HOST if port else engines.unguessable_host()

    def command(port: int, since: int | None = None) -> list[str]:
        return engines.command(
            engine,
            state_dir=state_dir,
            host=host,
            port=port,
            chain_id=chain_id,
            block_time_s=block_time_s,
            since=since,
        )

    command(port)  # what is not installed is said before anything is made
    if port:
        _refuse_taken(port)
    state_dir.mkdir(parents=True, exist_ok=True)
    lock = _lock(state_dir)
    try:
        _check_state(state_dir, engine, chain_id)
        journal = Journal(state_dir) if engine == "anvil" and keep_state else None
        since = journal.first_time if journal else None
        pool = Pool() if engine == "anvil" and block_time_s is None else None
        mine_every_s = block_time_s if engine == "anvil" else None
        # While a state is copied no block may come: the launcher must be who makes them.
        dumps = Dumps(state_dir) if journal and mine_every_s else None
        care = _Care(lock, journal, dumps, pool, mine_every_s)
        log = state_dir / "chain.log"
        log.unlink(missing_ok=True)
        tries = _PORT_TRIES if port == 0 else 1
        while True:
            address = host, port or processes.free_port()
            try:
                return _launch(address, engine, chain_id, command(address[1], since), log, care)
            except PortTaken:  # another process took the free port in between
                tries -= 1
                if not tries:
                    raise
            except DumpUnusable as unusable:  # an older one, or all blocks from the first on
                _note(log, unusable)
                unusable.path.unlink()
    except BaseException:
        lock.close()
        raise


def _launch(
    address: tuple[str, int],
    engine: Engine,
    chain_id: int,
    command: list[str],
    log: Path,
    care: _Care,
) -> ChainHandle:
    host, port = address
    url = f"http://{host}:{port}"
    keeper = _Keeper(command, log, url, care)
    keeper.start()
    try:
        process = keeper.process()
        care.lock.seek(0)
        care.lock.truncate()
        json.dump({"pid": process.pid, "launcher": os.getpid(), "url": url}, care.lock)
        care.lock.flush()
        _await_health(process, url, port, chain_id, log)
        keeper.begin()
    except BaseException:
        keeper.abandon()
        raise
    return ChainHandle(ChainProcess(engine, url, chain_id, process.pid, log.parent, log), keeper)


def _await_health(process: psutil.Process, url: str, port: int, chain_id: int, log: Path) -> None:
    """Return once our own process listens on the port and answers with its chain id."""

    def ready() -> bool:
        with suppress(rpc.NoAnswer):
            if processes.listens(process, port):
                answered = int(rpc.call(url, "eth_chainId"), 16)
                if answered != chain_id:
                    raise ChainFailed(f"{url} answers chain id {answered} instead of {chain_id}")
                return True
        return False

    if processes.await_ready(process, ready, _START_TIMEOUT_S):
        return
    if processes.is_alive(process):
        what = f"the chain does not answer at {url} after {_START_TIMEOUT_S:.0f} s"
    elif processes.is_free(port):
        what = "the chain ended while starting"
    else:
        raise PortTaken(_taken(port))
    raise ChainFailed(f"{what}. Its log {log}:\n{processes.tail(log)}")


@dataclass(frozen=True)
class _Care:
    """What is looked after while the chain runs."""

    lock: IO[str]
    journal: Journal | None
    dumps: Dumps | None
    pool: Pool | None
    mine_every_s: float | None
    """Seconds between blocks, where the launcher makes them."""


class _Keeper(threading.Thread):
    """Owns the chain's process: starts it, makes and stores its blocks, ends it.

    A thread that lives as long as the process, because Linux ties a child to the very *thread*
    that made it. While the process is not waited for, its id and group belong to nobody else, so
    that what is signalled is always what was started.
    """

    def __init__(self, command: list[str], log: Path, url: str, care: _Care) -> None:
        super().__init__(name=f"keeper of {url}", daemon=True)
        self._command = command
        self._log = log
        self._url = url
        self._care = care
        self._spawned = threading.Event()
        self._begun = threading.Event()
        self._stopping = threading.Event()
        self._restored = False
        """Whether the chain is where the stored one was: only then its blocks are stored."""
        self._dumping: threading.Thread | None = None
        self._process: psutil.Process | None = None
        self._failure: OSError | None = None

    def process(self) -> psutil.Process:
        """The process, once there is one. Raises ChainFailed when there can be none."""
        self._spawned.wait()
        if self._process is None:
            raise ChainFailed(f"{self._command[0]} cannot be run: {self._failure}")
        return self._process

    def alive(self) -> bool:
        return self._process is not None and processes.is_alive(self._process)

    def begin(self) -> None:
        """Bring the chain to where it was, and look after it from now on. Raises ChainFailed."""
        journal, dumps = self._care.journal, self._care.dumps
        if journal is not None:
            try:
                journal.make_again(self._url, dumps.usable(journal.height) if dumps else None)
                journal.add(self._url)
                if self._care.pool is not None:
                    rpc.call(self._url, "evm_setAutomine", True)
            except (rpc.NoAnswer, OSError) as error:
                raise ChainFailed(
                    f"the chain cannot go on from its stored blocks: {error}"
                ) from error
        self._restored = True
        self._begun.set()

    def stop(self) -> None:
        """Store the last blocks, end the process, let go of the state directory."""
        self._stopping.set()
        self.join(_LAST_BLOCKS_S)
        # Only the keeper waits for the process: of two that do, psutil may let one forget its end.
        if self.is_alive() and self._process is not None:
            with suppress(psutil.NoSuchProcess):
                self._process.kill()  # which ends its last call as well
        self.abandon()
        self._care.lock.close()

    def abandon(self) -> None:
        """End the process."""
        self._stopping.set()
        self._begun.set()
        self.join()

    def run(self) -> None:
        try:
            # The state stays locked while the chain lives.
            locked = [self._care.lock.fileno()]
            self._process = processes.start(self._command, self._log, pass_fds=locked)
        except OSError as error:
            self._failure = error
            return
        finally:
            self._spawned.set()
        self._begun.wait()
        every_s = self._care.mine_every_s or _TICK_S
        tick_at = time.monotonic() + every_s
        while self.alive() and not self._stopping.wait(max(0.0, tick_at - time.monotonic())):
            tick_at = max(tick_at + every_s, time.monotonic())
            self._mine()
            self._store()
            self._dump()
        self._store()
        processes.stop([self._process], _STOP_TIMEOUT_S)
        if self._dumping:
            self._dumping.join()  # its call has ended with the process

    def _mine(self) -> None:
        if self._care.pool is not None:
            self._care.pool.unstick(self._url)
        if self._care.mine_every_s is not None:
            with suppress(rpc.NoAnswer):  # it is just starting, or just ending
                rpc.call(self._url, "evm_mine", timeout_s=_MINE_TIMEOUT_S)

    def _store(self) -> None:
        if self._care.journal is None or not self._restored or not self.alive():
            return
        try:
            self._care.journal.add(self._url)
        except (rpc.NoAnswer, OSError) as error:  # they are stored the next time
            _note(self._log, f"blocks were not stored: {error}")

    def _dump(self) -> None:
        journal, dumps = self._care.journal, self._care.dumps
        if journal is None or dumps is None or (self._dumping and self._dumping.is_alive()):
            return
        number = journal.height
        if not dumps.is_due(number):
            return

        def take() -> None:
            try:
                dumps.take(self._url, number)
            except (rpc.NoAnswer, OSError) as error:  # those before it still stand
                _note(self._log, f"the state was not stored: {error}")

        self._dumping = threading.Thread(target=take, daemon=True)
        self._dumping.start()
        self._dumping.join(_HELD_S)


def _note(log: Path, what: object) -> None:
    with log.open("a") as file:
        file.write(f"launcher: {what}\n")


def _lock(state_dir: Path) -> IO[str]:
    """The state directory's lock. Raises StateInUse when another chain keeps it."""
    lock = (state_dir / "lock").open("a+")
    deadline = time.monotonic() + _LOCK_TIMEOUT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            holder = _holder(lock)
            # Only a chain whose launcher was killed is on its way out.
            if time.monotonic() > deadline or not holder.orphaned:
                lock.close()
                raise StateInUse(
                    f"{state_dir} belongs to a running chain{holder}: use that one, stop it,"
                    " or choose another folder"
                ) from None
            time.sleep(_POLL_S)


@dataclass(frozen=True)
class _Holder:
    text: str
    orphaned: bool

    def __str__(self) -> str:
        return self.text


def _holder(lock: IO[str]) -> _Holder:
    lock.seek(0)
    try:
        held = json.loads(lock.read())
        orphaned = psutil.Process(held["pid"]).ppid() != held["launcher"]
        return _Holder(f" (process {held['pid']}, {held['url']})", orphaned)
    except (ValueError, KeyError, psutil.Error):  # it is just starting or just ending
        return _Holder("", True)


def _check_state(state_dir: Path, engine: Engine, chain_id: int) -> None:
    """A state directory keeps the engine and the chain id that it was made for."""
    wanted = {"engine": engine, "chain_id": chain_id}
    file = state_dir / "chain.json"
    if not file.exists():
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(wanted))
        partial.rename(file)
        return
    found = json.loads(file.read_text())
    if found != wanted:
        raise StateMismatch(
            f"{state_dir} holds a chain of {found['engine']} with chain id {found['chain_id']},"
            f" not of {engine} with {chain_id}: start it as what it is, or choose another folder"
        )


def _refuse_taken(port: int) -> None:
    if not processes.is_free(port):
        raise PortTaken(_taken(port))


def _taken(port: int) -> str:
    url = f"http://{HOST}:{port}"
    try:
        who = (
            f"a chain that this launcher did not start ({rpc.call(url, 'web3_clientVersion')},"
            f" chain id {int(rpc.call(url, 'eth_chainId'), 16)})"
        )
    except rpc.NoAnswer:
        who = "another program"
    return f"port {port} is taken by {who}, which is left alone: choose another port, or 0"


def main(arguments: list[str] | None = None) -> int:
    """Run one chain in the foreground until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m ganache.launcher",
        description="Run a local development chain until Ctrl-C.",
        epilog="example: python -m ganache.launcher --engine anvil --port 8545 --state /tmp/chain",
    )
    parser.add_argument("--engine", choices=ENGINES, default="anvil")
    parser.add_argument(
        "--port",
        type=int,
        default=0,
        help="of 127.0.0.1; default: a free one of an address that no web page can guess",
    )
    parser.add_argument(
        "--state", type=Path, help="folder of the chain's state; default: a new one, thrown away"
    )
    parser.add_argument(
        "--block-time", type=int, metavar="S", help="default: a block for every transaction"
    )
    options = parser.parse_args(arguments)
    os.umask(0o077)
    with tempfile.TemporaryDirectory(prefix="chain-") as scratch:
        try:
            return _run(options, options.state or Path(scratch))
        except LauncherError as error:
            print(error, file=sys.stderr)
            return 3


def _run(options: argparse.Namespace, state_dir: Path) -> int:
    signalled = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: signalled.set())
    with start(
        options.engine,
        state_dir=state_dir,
        port=options.port,
        block_time_s=options.block_time,
        keep_state=options.state is not None,
    ) as chain:
        it = chain.process
        print(
            f"{it.engine} at {it.url} (chain id {it.chain_id}, process {it.pid}); Ctrl-C stops it"
        )
        sys.stdout.flush()
        while not signalled.wait(0.5):
            if not chain.alive():
                print(
                    f"the chain has ended. Its log {it.log}:\n{processes.tail(it.log)}",
                    file=sys.stderr,
                )
                return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
