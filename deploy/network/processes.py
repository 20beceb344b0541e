"""The validators' processes: started in the background, found again, stopped.

A process is a validator's when it runs the engine's server on that validator's data folder. That is
read off the processes themselves: a file of process ids would be stale after a kill, and could
name a stranger. Between finding and signalling psutil compares the time of birth, so that what is
signalled is always what was found.
"""

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from deploy.network import log_keeper
from deploy.network.layout import HOST, Network, Validator

_STOP_S = 15.0
_KILL_S = 5.0
_POLL_S = 0.001


def find(network: Network) -> dict[str, psutil.Process]:
    """The validators that run, by name."""
    by_data = {str(network.data(validator)): validator.name for validator in network.validators}
    found: dict[str, psutil.Process] = {}
    for process in psutil.process_iter(["cmdline"]):
        data = _data_folder(process.info["cmdline"] or [])  # none where it ended or is hidden
        if data in by_data:
            found[by_data[data]] = process
    return found


def start(engine: Path, network: Network, validator: Validator) -> psutil.Process:
    """Start a validator in a session of its own, so that it outlives this command."""
    command = [
        *(str(engine), "server", "--data-dir", str(network.data(validator))),
        *("--chain", str(network.genesis), "--seal"),
        *("--libp2p", f"{HOST}:{validator.peer_port}"),
        *("--grpc-address", f"{HOST}:{validator.control_port}"),
        *("--jsonrpc", f"{HOST}:{validator.rpc_port}"),
        # A page of another origin in this machine's browser may not read answers.
        *("--access-control-allow-origins", validator.rpc),
        *("--price-limit", "0", "--max-slots", "100000", "--max-enqueued", "10000"),
        *("--json-rpc-batch-request-limit", "0", "--json-rpc-block-range-limit", "0"),
    ]
    return _spawn(command, network.log(validator))


def find_log_keeper(network: Network) -> psutil.Process | None:
    """The process that keeps the validators' logs short, where it runs."""
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [])[-2:] == _log_keeper(network)[-2:]:
            return process
    return None


def start_log_keeper(network: Network) -> None:
    """Start it, in a session of its own, unless it runs. The validators do not depend on it."""
    if find_log_keeper(network) is None:
        _spawn(_log_keeper(network), network.folder.chain / "log-keeper.log")


def _log_keeper(network: Network) -> list[str]:
    return [sys.executable, "-I", "-S", log_keeper.__file__, str(network.folder.chain)]


def _spawn(command: list[str], log: Path) -> psutil.Process:
    """Start a program in the background; what it prints is appended to `log`."""
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        pid = os.posix_spawn(
            command[0],
            command,
            {},  # nothing of this command's environment, which may hold secrets
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
    try:
        # For a moment its command line cannot be read, and `find` would take it for dead.
        while not process.cmdline():
            time.sleep(_POLL_S)
    except psutil.Error:
        pass  # it ended at once; whoever waits for it says so
    return process


def stop(processes: Iterable[psutil.Process]) -> None:
    """Ask processes to end and wait; what does not end in time is killed."""
    processes = list(processes)
    for process in processes:
        _signal(process, kill=False)
    _, left = psutil.wait_procs(processes, timeout=_STOP_S)
    for process in left:
        _signal(process, kill=True)
    psutil.wait_procs(left, timeout=_KILL_S)


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        if kill:
            process.kill()
        else:
            process.terminate()
    except psutil.NoSuchProcess:
        pass  # it ended by itself


def _data_folder(command: list[str]) -> str | None:
    """The data folder of an engine's server; None for any other process."""
    if command[1:3] == ["server", "--data-dir"] and len(command) > 3:
        return command[3]
    return None
