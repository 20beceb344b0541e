"""Banks at work beside each other: in threads for small feeds, in processes for large ones.

Python runs one thread at a time, so that banks that share a process share one core; but a process
takes seconds to start, longer than a small feed takes.
"""

import gc
import multiprocessing
import queue
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path

from app.config import load_config
from app.domain.errors import InputFault, TallyError
from app.local.reconcile import Message, Worker, work
from app.logs import configure_logs
from app.node.bank import open_bank

LARGE_FEED_BYTES = 4_000_000
"""Feeds of this size in all are worth processes."""

_PRELOADED = ["app.local.workers", "app.cli"]
"""What banks' processes run, and what `tally` itself is: every new process imports that anew."""

_END_S = 10.0


def prepare(feeds: Mapping[str, Path]) -> None:
    """Begin to load what the banks' processes need, where `working` will put these feeds into
    processes; it goes on beside what the caller does until then."""
    if _is_large(feeds):
        multiprocessing.set_forkserver_preload(_PRELOADED)
        forkserver.ensure_running()


@contextmanager
def working(
    configs: Mapping[str, Path], facility: str, feeds: Mapping[str, Path]
) -> Iterator[Sequence[Worker]]:
    """Put banks (name to `bank.toml`) to work on their feeds of a facility; end them at the end."""
    kind = _ProcessWorker if _is_large(feeds) else _ThreadWorker
    with ExitStack() as stack:
        yield [
            stack.enter_context(closing(kind(name, config, facility, feeds.get(name))))
            for name, config in configs.items()
        ]


def _is_large(feeds: Mapping[str, Path]) -> bool:
    return sum(feed.stat().st_size for feed in feeds.values()) >= LARGE_FEED_BYTES


class _Closed(Exception):
    """Nobody waits for this work any more."""


class _ThreadWorker:
    """A bank on a thread of this process."""

    def __init__(self, name: str, config: Path, facility: str, feed: Path | None) -> None:
        self.name = name
        self._messages: queue.SimpleQueue[Message | BaseException] = queue.SimpleQueue()
        self._block: int | None = None
        self._closed = False
        self._thread = threading.Thread(
            target=self._work, args=(config, facility, feed), name=name, daemon=True
        )
        self._thread.start()

    def messages(self) -> Iterable[Message]:
        while not self._messages.empty():
            message = self._messages.get()
            if isinstance(message, BaseException):
                raise message
            yield message

    def read_up_to(self, block: int) -> None:
        self._block = block

    def close(self) -> None:
        self._closed = True
        self._thread.join(_END_S)

    def report(self, message: Message) -> None:
        self._messages.put(message)

    def last_block(self) -> int | None:
        if self._closed:
            raise _Closed
        return self._block

    def _work(self, config: Path, facility: str, feed: Path | None) -> None:
        try:
            with closing(open_bank(load_config(config))) as bank:
                bank.follower.index()  # the facility's terms are read from the chain
                work(bank, facility, feed, self)
        except _Closed:
            pass
        except BaseException as fault:  # handed to whoever waits
            self._messages.put(fault)


class _ProcessWorker:
    """A bank in a process of its own, at the other end of a pipe."""

    def __init__(self, name: str, config: Path, facility: str, feed: Path | None) -> None:
        self.name = name
        context = multiprocessing.get_context("forkserver")
        self._pipe, end = context.Pipe()
        self._process = context.Process(
            target=_work_in_process, args=(end, config, facility, feed), name=name, daemon=True
        )
        self._process.start()
        end.close()

    def messages(self) -> Iterable[Message]:
        try:
            while self._pipe.poll():
                message = self._pipe.recv()
                if isinstance(message, _Fault):
                    raise message.as_error()
                yield message
        except EOFError:
            raise TallyError(
                f"the bank's process ended with code {self._process.exitcode}", where=self.name
            ) from None

    def read_up_to(self, block: int) -> None:
        self._pipe.send(block)

    def close(self) -> None:
        self._pipe.close()
        self._process.join(_END_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


class _Fault:
    """An error on its way through the pipe; exceptions of many shapes do not all survive it."""

    def __init__(self, error: TallyError) -> None:
        self._is_input = isinstance(error, InputFault)
        self._parts = (error.what, error.where, error.remedy)

    def as_error(self) -> TallyError:
        what, where, remedy = self._parts
        kind = InputFault if self._is_input else TallyError
        return kind(what, where=where, remedy=remedy)


class _PipeReporter:
    """The working process's end."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._block: int | None = None

    def report(self, message: Message) -> None:
        self._pipe.send(message)

    def last_block(self) -> int | None:
        if self._pipe.poll():
            self._block = self._pipe.recv()
        return self._block


def _work_in_process(pipe: Connection, config: Path, facility: str, feed: Path | None) -> None:
    configure_logs()
    # Rows come by the thousand and make no cycles: looking for them took a tenth of all work.
    gc.freeze()
    gc.set_threshold(50_000)
    try:
        with closing(open_bank(load_config(config))) as bank:
            bank.follower.index()  # the facility's terms are read from the chain
            work(bank, facility, feed, _PipeReporter(pipe))
        # An end of the pipe that comes before whoever waits has closed theirs means a crash.
        while True:
            pipe.recv()
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        pass  # nobody waits any more
    except TallyError as fault:
        pipe.send(_Fault(fault))
