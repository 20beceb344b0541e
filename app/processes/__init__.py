"""Processes on this machine: free ports, starting programs, waiting until they are ready, stopping.

Imports nothing else of the project, so that all of it may import this.
"""

import os
import platform
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

HOST = "127.0.0.1"

# Below the range from which systems take the ports of outgoing connections: one of those would
# now and then hold a server's port while it is down.
_FIRST_PORT, _LAST_PORT = 20_000, 32_000
_GUARD = Path(__file__).with_name("parent_death_guard.py")
_POLL_S = 0.02
_STOP_S = 15.0
_KILL_S = 5.0
_TAIL_BYTES = 2_000
_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}


def npm_platform() -> str:
    """This machine as npm packages of binaries name it, such as `linux-amd64`."""
    machine = platform.machine()
    return f"{platform.system().lower()}-{_MACHINES.get(machine, machine)}"


def free_port() -> int:
    """As `free_ports`."""
    return free_ports(1)[0]


def free_ports(count: int, promised: Collection[int] = ()) -> list[int]:
    """Ports of the loopback address that nobody listens on now and that are not `promised`.

    Raises OSError when there are too few.
    """
    # At random, so that two that look at the same time do not choose the same.
    ports = random.SystemRandom().sample(range(_FIRST_PORT, _LAST_PORT), _LAST_PORT - _FIRST_PORT)
    found: list[int] = []
    for port in ports:
        if len(found) == count:
            break
        if port not in promised and is_free(port):
            found.append(port)
    if len(found) < count:
        raise OSError(f"{count} free ports between {_FIRST_PORT} and {_LAST_PORT} are needed")
    return found


def is_free(port: int) -> bool:
    """Whether a server could listen on the port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def listens(process: psutil.Process, port: int) -> bool:
    """Whether this very process listens on the port."""
    try:
        return any(
            connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            for connection in process.net_connections("tcp")
        )
    except psutil.Error:
        return False


def start(command: list[str], log: Path, *, pass_fds: Collection[int] = ()) -> psutil.Popen:
    """Start a program that ends with this process, on Linux even when this one is killed.

    What it prints is appended to `log`, which only its owner may read. It does not see the
    terminal's Ctrl-C. Linux ties it to the calling *thread*, which must live as
    long. Raises OSError.
    """
    guarded = [sys.executable, "-I", "-S", str(_GUARD), str(os.getpid()), *command]
    out = _open_log(log)
    try:
        return psutil.Popen(
            guarded,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=tuple(pass_fds),
        )
    finally:
        os.close(out)


def start_detached(command: list[str], log: Path) -> psutil.Process:
    """Start a program that outlives this process, in a session of its own.

    What it prints is appended to `log`, which only its owner may read. It gets nothing of this
    process's environment, which may hold secrets. Raises OSError.
    """
    out = _open_log(log)
    try:
        pid = os.posix_spawn(
            command[0],
            command,
            {},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, out, 1),
                (os.POSIX_SPAWN_DUP2, out, 2),
            ],
            setsid=True,
        )
    finally:
        os.close(out)
    process = psutil.Process(pid)
    # For a moment its command line cannot be read, and who looks for it would take it for dead.
    with suppress(psutil.Error):
        while is_alive(process) and not process.cmdline():
            time.sleep(_POLL_S)
    return process


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs: a process that has ended and was not waited for does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def await_ready(process: psutil.Process, ready: Callable[[], bool], within_s: float) -> bool:
    """Wait until `ready`; False when the process has ended, or was not ready in time."""
    deadline = time.monotonic() + within_s
    while is_alive(process) and time.monotonic() < deadline:
        if ready():
            return True
        time.sleep(_POLL_S)
    return False


def stop(processes: Iterable[psutil.Process], within_s: float = _STOP_S) -> None:
    """Ask processes to end and wait; what does not end in time is killed.

    psutil compares the time of birth, so that what is signalled is what was started or found, and
    no other process that has got its number since.
    """
    processes = list(processes)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, left = psutil.wait_procs(processes, timeout=within_s)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=_KILL_S)


def tail(log: Path, most_bytes: int = _TAIL_BYTES) -> str:
    """The end of a log."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - most_bytes))
        return file.read().decode(errors="replace").strip() or "(empty)"


def _open_log(log: Path) -> int:
    return os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
