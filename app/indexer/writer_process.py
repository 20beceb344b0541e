"""Ranges written by a second process, while this one reads and folds the next.

It is forked where nothing is open yet, so that it shares no thread, lock or connection.
"""

import marshal
import multiprocessing
import pickle
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import Queue

from sqlalchemy import Engine
from sqlalchemy.ext import serializer

from app.db.engine import create
from app.db.metadata import metadata
from app.domain.errors import DatabaseUnreachable
from app.indexer.collector import collector_paused
from app.indexer.write import Written, write

_END_S = 10.0
_MOST_GIVEN = 8
"""Most ranges that wait while another one is written: some megabytes each."""


@dataclass(frozen=True, slots=True)
class _Given:
    """A range as it was handed over. Statements name their tables, which both processes have; of
    rows of pairs, the bulk, marshal takes half as long as pickle."""

    others: Written
    statements: bytes
    pairs: bytes
    """Those that are new, and those that were changed."""

    @classmethod
    def of(cls, rows: Written) -> "_Given":
        statements: bytes = serializer.dumps(rows.statements)  # type: ignore[no-untyped-call]
        return cls(
            replace(rows, statements=[], new_pairs=[], changed_pairs=[]),
            statements,
            marshal.dumps((rows.new_pairs, rows.changed_pairs)),
        )

    def rows(self) -> Written:
        new_pairs, changed_pairs = marshal.loads(self.pairs)
        return replace(
            self.others,
            statements=serializer.loads(self.statements, metadata),  # type: ignore[no-untyped-call]
            new_pairs=new_pairs,
            changed_pairs=changed_pairs,
        )


class WriterProcess:
    """Writes ranges in the order given, one transaction each. Not safe to share between threads."""

    def __init__(self, pipe: Connection, process: BaseProcess) -> None:
        self._pipe = pipe
        self._process = process
        self._database: str | None = None
        self.unwritten = 0
        """How many of the last ranges given are not known to be written."""

    def write(self, engine: Engine, rows: Written) -> None:
        """Hand over a range; waits while too many before it are not yet written.

        Raises what went wrong with an earlier one, as `wait` does: this one is not written then.
        """
        while self.unwritten and self._pipe.poll():
            self._take_answer()
        database = engine.url.render_as_string(hide_password=False)
        if database != self._database:
            self.wait()
            with self._ends_told():
                self._pipe.send(database)
            self._database = database
        given = _Given.of(rows)
        with self._ends_told():
            self._pipe.send(given)
        self.unwritten += 1

    def wait(self) -> None:
        """Wait until all is written.

        Raises what `indexer.write.write` raised for the first range that was not; none after it
        was written either, since each begins where the one before it ended.
        """
        while self.unwritten:
            self._take_answer()

    def _take_answer(self) -> None:
        with self._ends_told():
            fault = self._pipe.recv()
        self.unwritten -= 1
        if fault is not None:
            while self.unwritten:
                with self._ends_told():
                    self._pipe.recv()
                self.unwritten -= 1
            raise fault

    @contextmanager
    def _ends_told(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError):
            self.unwritten = 0
            self._process.join(_END_S)
            raise DatabaseUnreachable(
                f"the process that writes the read model ended with code {self._process.exitcode}",
                remedy="Run the same again",
            ) from None


@contextmanager
def writer_process() -> Iterator[WriterProcess]:
    """Fork the process that writes; it ends with what it is writing.

    Call this before anything is opened: what is open would be shared, and what another thread
    holds would be held for ever.
    """
    context = multiprocessing.get_context("fork")
    pipe, its_pipe = context.Pipe()
    process = context.Process(target=_work, args=(its_pipe, pipe), daemon=True)
    process.start()
    its_pipe.close()
    try:
        yield WriterProcess(pipe, process)
    finally:
        pipe.close()
        process.join()


def _work(pipe: Connection, other_end: Connection) -> None:
    """Until the other end is closed, or its process is gone."""
    other_end.close()
    # Who ends the command ends it there; what is being written here is written whole.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    given: Queue[str | _Given | None] = Queue(_MOST_GIVEN)
    is_gone = threading.Event()
    threading.Thread(target=_receive, args=(pipe, given, is_gone), daemon=True).start()
    engine: Engine | None = None
    while True:
        ranges: list[_Given] = []
        for one in _waiting(given):
            if isinstance(one, str):
                engine = create(one)
            elif one is not None:
                ranges.append(one)
        if is_gone.is_set():
            break
        if not ranges:
            continue
        assert engine is not None
        fault: Exception | None = None
        try:
            with collector_paused(), engine.begin() as connection:
                write(connection, [one.rows() for one in ranges])
        except Exception as caught:  # handed to whoever waits
            fault = _picklable(caught)
        try:
            for _ in ranges:
                pipe.send(fault)
        except OSError:
            break
    if engine is not None:
        engine.dispose()


def _receive(
    pipe: Connection, given: "Queue[str | _Given | None]", is_gone: threading.Event
) -> None:
    """Take what comes while an earlier range is written, so that folding goes on meanwhile."""
    try:
        while True:
            given.put(pipe.recv())
    except (EOFError, OSError):
        is_gone.set()
        given.put(None)


def _waiting(given: "Queue[str | _Given | None]") -> "list[str | _Given | None]":
    """All that waits, at least one."""
    found = [given.get()]
    while not given.empty():  # nobody else takes from it
        found.append(given.get())
    return found


def _picklable(fault: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(fault))
    except Exception:
        return RuntimeError(f"{type(fault).__name__}: {fault}")
    return fault
