"""Starting validators so that blocks come soon."""

import time
from pathlib import Path

import psutil

from app.domain.errors import ChainFault
from deploy.network import processes
from deploy.network.layout import HOST, Network, Validator
from deploy.network.ports import is_free

_LISTENING_S = 10.0
_POLL_S = 0.01
_DIALLING_S = 0.2
_PROPOSES = b"we are the proposer"


def start_missing(engine: Path, network: Network) -> list[Validator]:
    """Start what does not run; returns those. Raises ChainFault when a port of theirs is taken."""
    running = processes.find(network)
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
    if validator.name in processes.find(network):
        return False
    _refuse_taken_ports(validator)
    _start(engine, network, validator)
    return True


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
    process = processes.start(engine, network, validator)
    deadline = time.monotonic() + _LISTENING_S
    while is_free(validator.peer_port) and time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(_POLL_S)
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
        if not is_free(port):
            raise ChainFault(
                f"port {port} of {validator.name} is taken by another program, which is left alone",
                where=HOST,
                remedy="Stop that program, then run `tally network up` again",
            )
