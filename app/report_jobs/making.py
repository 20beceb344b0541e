"""Makes the reports that people asked for: one at a time, on the scheduler's thread for it."""

import hashlib
import os
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path

import structlog
from sqlalchemy import Engine

from app.domain.errors import StorageFault, TallyError, UsageFault
from app.locale import in_language
from app.report_jobs import store
from app.report_jobs.files import ReportFiles
from app.report_jobs.store import ReportJob
from app.reports.catalogue import FORMATS, REPORTS
from app.reports.model import Section
from app.reports.progress import with_progress
from app.reports.source import open_source

_TOLD_EVERY_S = 1.0
_REST_S = 0.002
"""After each thousand lines: the node's other threads have their turn."""

_log = structlog.get_logger()


class _Unwanted(Exception):
    """It was deleted while it was being made, or the node ends."""


class ReportMaker:
    """Makes what waits. At most one process of a bank may be at it."""

    def __init__(self, engine: Engine, files: ReportFiles, least_free_bytes: int) -> None:
        """Nothing is made where the disk has less room than `least_free_bytes`."""
        self._engine = engine
        self._files = files
        self._least_free_bytes = least_free_bytes
        self._ending = threading.Event()

    def look(self) -> None:
        """Make all that waits, the oldest first. Raises StorageFault."""
        self._note_interrupted()
        while not self._ending.is_set():
            with self._engine.connect() as connection:  # writers are not stopped for nothing
                if not store.has_waiting(connection):
                    return
            with self._engine.begin() as connection:
                job = store.take(connection)
            if job is not None:
                self._make(job)

    def stop(self) -> None:
        """End the one that is being made; it is said when the node starts again."""
        self._ending.set()

    def _note_interrupted(self) -> None:
        """Nothing is being made now: what is noted so, an earlier process did not end."""
        with self._engine.connect() as connection:
            left = store.being_made(connection)
        for job in left:
            path = self._files.of_job(job.id)
            for file in (path, _beside(path)):
                file.unlink(missing_ok=True)
            self._failed(
                job,
                UsageFault(
                    "the node ended, or its database failed, while this report was being made",
                    remedy="Make it again",
                ),
            )

    def _make(self, job: ReportJob) -> None:
        path = self._files.of_job(job.id)
        beside = _beside(path)
        try:
            as_of = self._write(job, beside)
            size, digest = beside.stat().st_size, _digest(beside)
            beside.replace(path)
            with self._engine.begin() as connection:
                wanted = store.note_made(connection, job, as_of, size, digest)
            if wanted:
                _log.info("report made", file=job.file_name, block=as_of, size=size)
            else:
                path.unlink(missing_ok=True)
        except _Unwanted:
            pass
        except StorageFault:
            raise  # the database; that it is not made is noted at the next look
        except TallyError as fault:
            self._failed(job, fault)
        except OSError as fault:
            self._failed(job, UsageFault(f"the file cannot be written ({fault.strerror})"))
        except Exception as fault:
            _log.exception("report failed", file=job.file_name)
            self._failed(job, UsageFault(f"{type(fault).__name__}: see the node's log"))
        finally:
            with suppress(OSError):
                beside.unlink()

    def _failed(self, job: ReportJob, fault: TallyError) -> None:
        with self._engine.begin() as connection:
            store.note_failed(connection, job, str(fault))

    def _write(self, job: ReportJob, beside: Path) -> int:
        """Returns the block as of which it was made."""
        told_at = time.monotonic()

        def tell(section: Section, lines: int) -> None:
            nonlocal told_at
            if self._ending.wait(_REST_S):
                raise _Unwanted
            if time.monotonic() - told_at < _TOLD_EVERY_S:
                return
            self._check_room(beside)
            with self._engine.begin() as connection:
                if not store.note_progress(connection, job.id, section.name, lines):
                    raise _Unwanted
            told_at = time.monotonic()

        self._files.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Private from its first byte.
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with self._engine.connect() as connection:
            store.check_room(connection)
        self._check_room(beside)
        with open_source(self._engine, job.request) as source, in_language(job.language):
            report = with_progress(REPORTS[job.report](source), tell)
            FORMATS[job.format].write(report, beside)
            self._check_room(beside)
            return source.as_of.block_number

    def _check_room(self, beside: Path) -> None:
        if beside.stat().st_size > store.MOST_BYTES:
            raise UsageFault(
                f"the file would have more than {store.MOST_BYTES:,} bytes",
                remedy="Ask for a shorter period, or use `tally report`",
            )
        if shutil.disk_usage(self._files.folder).free < self._least_free_bytes:
            raise UsageFault("the node's disk is almost full", remedy="Delete reports first")


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    return digest
