"""Ranges written by a second process, while this one reads and folds the next.

It is forked where nothing is open yet, so that it shares no thread, lock or connection.
"""

import marshal
import multiprocessing
import pickle
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from sqlalchemy import Engine
from sqlalchemy.ext import serializer

from app.db.engine import create
from app.db.metadata import metadata
from app.domain.errors import DatabaseUnreachable
from app.indexer.collector import collector_paused
from app.indexer.write import Written, write

_END_S = 10.0


class WriterProcess:
    """Writes ranges in the order given, one transaction each. Not safe to share between threads."""

    def __init__(self, pipe: Connection, process: BaseProcess) -> None:
        self._pipe = pipe
        self._process = process
        self._database: str | None = None
        self._unanswered = 0

    def write(self, engine: Engine, rows: Written) -> None:
        """Hand over a range; waits while the one before it is being written.

        Raises what went wrong with an earlier one, as `wait` does: this one is not written then.
        """
        while self._unanswered and self._pipe.poll():
            self._take_answer()
        database = engine.url.render_as_string(hide_password=False)
        if database != self._database:
            self.wait()
            with self._ends_told():
                self._pipe.send(database)
            self._database = database
        # Statements name their tables, which both processes have; of new pairs, the bulk, marshal
        # takes half as long as pickle.
        statements: bytes = serializer.dumps(rows.statements)  # type: ignore[no-untyped-call]
        new_pairs = marshal.dumps(rows.new_pairs)
        with self._ends_told():
            self._pipe.send(replace(rows, statements=[], new_pairs=[]))
            self._pipe.send_bytes(statements)
            self._pipe.send_bytes(new_pairs)
        self._unanswered += 1

    def wait(self) -> None:
        """Wait until all is written.

        Raises what `indexer.write.write` raised for the first range that was not; none after it
        was written either, since each begins where the one before it ended.
        """
        while self._unanswered:
            self._take_answer()

    def _take_answer(self) -> None:
        with self._ends_told():
            fault = self._pipe.recv()
        self._unanswered -= 1
        if fault is not None:
            while self._unanswered:
                with self._ends_told():
                    self._pipe.recv()
                self._unanswered -= 1
            raise fault

    @contextmanager
    def _ends_told(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError):
            self._unanswered = 0
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
    engine: Engine | None = None
    while True:
        try:
            given: str | Written = pipe.recv()
            if isinstance(given, str):
                engine = create(given)
                continue
            statements = serializer.loads(pipe.recv_bytes(), metadata)  # type: ignore[no-untyped-call]
            new_pairs = marshal.loads(pipe.recv_bytes())
            rows = replace(given, statements=statements, new_pairs=new_pairs)
        except (EOFError, OSError):
            break
        assert engine is not None
        fault: Exception | None = None
        try:
            with collector_paused(), engine.begin() as connection:
                write(connection, rows)
        except Exception as caught:  # handed to whoever waits
            fault = _picklable(caught)
        del given, rows, statements, new_pairs
        try:
            pipe.send(fault)
        except OSError:
            break
    if engine is not None:
        engine.dispose()


def _picklable(fault: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(fault))
    except Exception:
        return RuntimeError(f"{type(fault).__name__}: {fault}")
    return fault
