"""A real PostgreSQL for one test run: a cluster of its own on a free port, removed at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

from app.processes import free_port

_OWNER = "postgres"
_TRIES = 3


class PostgresMissing(Exception):
    """PostgreSQL cannot be run here; the message says why."""


class Cluster:
    """A running cluster that any local process may use as user `tallystick`."""

    def __init__(self) -> None:
        self._bin = _binaries()
        # PostgreSQL refuses to run as root: then Debian's own user of it does.
        self._as_owner = ["runuser", "-u", _OWNER, "--"] if os.geteuid() == 0 else []
        self._folder = Path(tempfile.mkdtemp(prefix="tallystick-pg-"))
        self.port = 0

    def __enter__(self) -> Self:
        try:
            if self._as_owner:
                shutil.chown(self._folder, _OWNER, _OWNER)
            self._call("initdb", "--auth=trust", "--username=tallystick", "--no-sync", "-E", "UTF8")
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
            shutil.rmtree(self._folder)
            raise

    def __exit__(self, *_: object) -> None:
        self._call("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Start the server, after `kill` again on the same port."""
        settings = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
            " -c fsync=off -c autovacuum=off"
            " -c shared_buffers=32MB -c max_connections=60"
        )
        log = self._folder / "log"
        self._call("pg_ctl", "-w", "-l", str(log), "-o", settings, "start")

    def kill(self) -> None:
        """Kill -9 the server with all its processes. (Its writes are the kernel's already.)"""
        pid = int((self._folder / "postmaster.pid").read_text().split()[0])
        server = psutil.Process(pid)
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=10)
        (self._folder / "postmaster.pid").unlink()  # else pg_ctl says that it starts all the same

    def program(self, name: str) -> Path:
        """One of the server's own tools, such as pg_dump."""
        return self._bin / name

    def url(self, database: str) -> str:
        return f"postgresql://tallystick@127.0.0.1:{self.port}/{database}"

    def _call(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [*self._as_owner, str(self._bin / program), "-D", str(self._folder), *arguments],
            check=True,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # a pipe would be kept open by the server
        )


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
