"""A real PostgreSQL for one test run: a cluster of its own on a free port, removed at the end.

A run that is killed leaves its cluster; the next one removes it. A folder's lock tells whose run is
gone: its process alone holds it.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Self

import psutil

from app.processes import free_port

_OWNER = "postgres"
_PREFIX = "tallystick-pg-"
_TRIES = 3


class PostgresMissing(Exception):
    """PostgreSQL cannot be run here; the message says why."""


class Cluster:
    """A running cluster that any local process may use as user `tallystick`."""

    def __init__(self) -> None:
        self._bin = _binaries()
        remove_left_over()
        with _one_at_a_time():
            self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            self._lock = _locked(self._folder, "x")
        self._data = self._folder / "data"
        self.port = 0

    def __enter__(self) -> Self:
        try:
            if _as_owner():
                shutil.chown(self._folder, _OWNER, _OWNER)
            _run(
                self._data,
                "initdb",
                "--auth=trust",
                "--username=tallystick",
                "--no-sync",
                "-E",
                "UTF8",
            )
            for attempt in range(1, _TRIES + 1):
                self.port = free_port()
                try:
                    self.start()
                    return self
                except subprocess.CalledProcessError:  # the free port was taken in between
                    if attempt == _TRIES:
                        raise
            raise AssertionError("unreachable")
        except BaseException:
            self._remove()
            raise

    def __exit__(self, *_: object) -> None:
        _stop(self._data)
        self._remove()

    def start(self) -> None:
        """Start the server, after `kill` again on the same port."""
        settings = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
            " -c fsync=off -c autovacuum=off"
            " -c shared_buffers=32MB -c max_connections=60"
        )
        log = self._data / "log"
        _run(self._data, "pg_ctl", "-w", "-l", str(log), "-o", settings, "start")

    def kill(self) -> None:
        """Kill -9 the server with all its processes. (Its writes are the kernel's already.)"""
        server = _server(self._data)
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=10)
        (self._data / "postmaster.pid").unlink()  # else pg_ctl says that it starts all the same

    def program(self, name: str) -> Path:
        """One of the server's own tools, such as pg_dump."""
        return self._bin / name

    def url(self, database: str) -> str:
        return f"postgresql://tallystick@127.0.0.1:{self.port}/{database}"

    def _remove(self) -> None:
        shutil.rmtree(self._folder)
        self._lock.close()


def remove_left_over() -> None:
    """Stop and remove the clusters of runs that were killed."""
    with _one_at_a_time():
        for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
            try:
                lock = _locked(folder, "r")
            except OSError:  # its run is at work, or it is another user's
                continue
            with lock:
                data = folder / "data"
                if _runs(data):
                    _stop(data)
                shutil.rmtree(folder)


def _stop(data: Path) -> None:
    _run(data, "pg_ctl", "-w", "-m", "immediate", "stop")


def _run(data: Path, program: str, *arguments: str) -> None:
    subprocess.run(
        [*_as_owner(), str(_binaries() / program), "-D", str(data), *arguments],
        check=True,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # a pipe would be kept open by the server
    )


def _as_owner() -> list[str]:
    """PostgreSQL refuses to run as root: then Debian's own user of it does."""
    return ["runuser", "-u", _OWNER, "--"] if os.geteuid() == 0 else []


def _server(data: Path) -> psutil.Process:
    """The process that its folder names."""
    return psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))


def _runs(data: Path) -> bool:
    with suppress(OSError, ValueError, psutil.Error):
        # The number may be another process's by now.
        return str(data) in _server(data).cmdline()
    return False


def _locked(folder: Path, mode: str) -> IO[str]:
    """The folder's lock, opened in that mode, which no other process has. Raises OSError."""
    lock = (folder / "lock").open(mode)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise
    return lock


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Between runs, so that none removes the folder of another that has no lock yet."""
    shared = os.open(tempfile.gettempdir(), os.O_RDONLY)
    try:
        fcntl.flock(shared, fcntl.LOCK_EX)
        yield
    finally:
        os.close(shared)


def _binaries() -> Path:
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3])
    )
    initdb = str(versions[-1]) if versions else shutil.which("initdb")
    if initdb is None:
        raise PostgresMissing("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(_OWNER)
        except KeyError:
            raise PostgresMissing(f"as root, PostgreSQL needs a user `{_OWNER}`") from None
    return Path(initdb).resolve().parent
