"""Starting and stopping a network's validators."""

import time
from collections.abc import Callable, Collection
from pathlib import Path

from filelock import FileLock

from app import processes
from app.domain.errors import ChainFault
from deploy.network import engine, proxy, validator_processes
from deploy.network.health import STALLED_AFTER_S, NetworkHealth, look
from deploy.network.layout import Network, Validator

_FIRST_BLOCKS_S = 60.0
_POLL_S = 0.2
_LOG_TAIL_LINES = 8

Say = Callable[[str], None]


def up(network: Network, say: Say) -> NetworkHealth:
    """Start what is not running and wait until all answer and blocks come.

    A chain that has stalled has doubled the length of its rounds with each one that failed, so
    that it would go on only much later: then all validators are restarted, which forgets that.
    Raises EngineMissing, or ChainFault when the chain does not come up; what was started then
    stays, for `status` and `logs` to show.
    """
    binary = engine.build(say)
    with operating(network):
        proxy.start(network)
        validator_processes.start_log_keeper(network)
        if look(network).stalled:
            return _restart(binary, network, say)
        _start(binary, network, say)
        health = _await_blocks(network, STALLED_AFTER_S)
        return health or _restart(binary, network, say)


def down(network: Network) -> int:
    """Stop this network's validators and nothing else; returns how many ran."""
    with operating(network):
        running = validator_processes.find(network)
        processes.stop(running.values())
        proxy.stop(network)
        keeper = validator_processes.find_log_keeper(network)
        processes.stop([keeper] if keeper else [])
        return len(running)


def start_one(binary: Path, network: Network, validator: Validator, say: Say) -> None:
    """Start one validator that does not run. Raises ChainFault when a port of its is taken."""
    with operating(network):
        if validator_processes.start_one(binary, network, validator):
            say(f"started {validator.name}")


def stop_some(network: Network, validators: Collection[Validator]) -> None:
    """Stop these validators and nothing else."""
    with operating(network):
        running = validator_processes.find(network)
        processes.stop(running[one.name] for one in validators if one.name in running)


def _restart(binary: Path, network: Network, say: Say) -> NetworkHealth:
    say("no new block comes: restarting all validators")
    processes.stop(validator_processes.find(network).values())
    _start(binary, network, say)
    health = _await_blocks(network, _FIRST_BLOCKS_S)
    if health is None:
        raise ChainFault(
            f"the validators run, but no block came within {_FIRST_BLOCKS_S:.0f} s",
            where=str(network.folder.root),
            remedy="Look at `tally network status` and `tally network logs NAME`",
        )
    return health


def _start(binary: Path, network: Network, say: Say) -> None:
    started = validator_processes.start_missing(binary, network)
    if started:
        say(f"started {', '.join(validator.name for validator in started)}")


def _await_blocks(network: Network, wait_s: float) -> NetworkHealth | None:
    """Wait until every validator answers and a block has been added; None when none was in time.

    Raises ChainFault when a validator ends.
    """
    first: int | None = None
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        health = look(network)
        for one in health.validators:
            if not one.running:
                raise ended(network, one.validator)
        if all(one.answers for one in health.validators):
            if first is None:
                first = health.height
            elif health.height > first:
                return health
        time.sleep(_POLL_S)
    return None


def ended(network: Network, validator: Validator) -> ChainFault:
    """What to raise for a validator that ended by itself: with the end of its log."""
    log = network.log(validator)
    tail = processes.tail(log).splitlines()[-_LOG_TAIL_LINES:]
    return ChainFault(
        f"validator {validator.name} ended while it was starting; its log ends with:\n"
        + "\n".join(tail),
        where=str(log),
        remedy="Mend what it names, then run `tally network up` again",
    )


def operating(network: Network) -> FileLock:
    """One command at a time starts or stops this network's processes."""
    return FileLock(network.folder.chain / "lock")
