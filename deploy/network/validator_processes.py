"""The validators' processes: started in the background, so that blocks come soon, and found again.

A process is a validator's when it runs the engine's server on that validator's data folder. That is
read off the processes themselves: a file of process ids would be stale after a kill, and could
name a stranger.
"""

import sys
import time
from pathlib import Path

import psutil

from app import processes
from app.domain.errors import ChainFault
from deploy.network import log_keeper
from deploy.network.layout import HOST, Network, Validator

_LISTENING_S = 10.0
_DIALLING_S = 0.2
_PROPOSES = b"we are the proposer"


def find(network: Network) -> dict[str, psutil.Process]:
    """The validators that run, by name."""
    by_data = {str(network.data(validator)): validator.name for validator in network.validators}
    found: dict[str, psutil.Process] = {}
    for process in psutil.process_iter(["cmdline"]):
        data = _data_folder(process.info["cmdline"] or [])  # none where it ended or is hidden
        if data in by_data:
            found[by_data[data]] = process
    return found


def start_missing(engine: Path, network: Network) -> list[Validator]:
    """Start what does not run; returns those. Raises ChainFault when a port of theirs is taken."""
    running = find(network)
    missing = [one for one in network.validators if one.name not in running]
    for validator in missing:
        _refuse_taken_ports(validator)
    ends = {one.name: _log_size(network, one) for one in missing}
    started = {one.name: _start(engine, network, one) for one in missing}
    proposers = [one for one in missing if _proposes(network, one, ends[one.name])]
    if proposers and not running:
        first = proposers[0]
        _start_again(engine, network, first, started[first.name])
    return missing


def start_one(engine: Path, network: Network, validator: Validator) -> bool:
    """Start one validator, unless it runs; whether it was started. Raises ChainFault."""
    if validator.name in find(network):
        return False
    _refuse_taken_ports(validator)
    _start(engine, network, validator)
    return True


def find_log_keeper(network: Network) -> psutil.Process | None:
    """The process that keeps the validators' logs short, where it runs."""
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [])[-2:] == _log_keeper(network)[-2:]:
            return process
    return None


def start_log_keeper(network: Network) -> None:
    """Start it unless it runs. The validators do not depend on it."""
    if find_log_keeper(network) is None:
        log = network.folder.chain / "log-keeper.log"
        processes.start_detached(_log_keeper(network), log)


def _log_keeper(network: Network) -> list[str]:
    return [sys.executable, "-I", "-S", log_keeper.__file__, str(network.folder.chain)]


def _start_again(
    engine: Path, network: Network, validator: Validator, process: psutil.Process
) -> None:
    """Spare a chain whose validators all start now the ten seconds of a round without a block.

    The first to propose does so once, at the full second after its own start, to the peers that
    it has by then: too few, unless it starts last and at the beginning of a second.
    """
    processes.stop([process])
    time.sleep(-time.time() % 1)
    _start(engine, network, validator)


def _start(engine: Path, network: Network, validator: Validator) -> psutil.Process:
    """Start a validator and wait until its peers can reach it, or it has ended."""
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
    process = processes.start_detached(command, network.log(validator))
    processes.await_ready(process, lambda: not processes.is_free(validator.peer_port), _LISTENING_S)
    # It dials the others before the next one starts: two that dial each other at the same time
    # close both connections.
    time.sleep(_DIALLING_S)
    return process


def _proposes(network: Network, validator: Validator, begin: int) -> bool:
    """Whether a validator says so in its log, from byte `begin` on."""
    with network.log(validator).open("rb") as file:
        file.seek(begin)
        return _PROPOSES in file.read()


def _log_size(network: Network, validator: Validator) -> int:
    log = network.log(validator)
    return log.stat().st_size if log.exists() else 0


def _refuse_taken_ports(validator: Validator) -> None:
    for port in (validator.rpc_port, validator.peer_port, validator.control_port):
        if not processes.is_free(port):
            raise ChainFault(
                f"port {port} of {validator.name} is taken by another program, which is left alone",
                where=HOST,
                remedy="Stop that program, then run `tally network up` again",
            )


def _data_folder(command: list[str]) -> str | None:
    """The data folder of an engine's server; None for any other process."""
    if command[1:3] == ["server", "--data-dir"] and len(command) > 3:
        return command[3]
    return None
