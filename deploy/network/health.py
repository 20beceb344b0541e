"""What the validators say of themselves."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from app.chain.errors import ChainAnswer
from app.chain.rpc import Rpc
from app.domain.errors import ChainUnreachable
from deploy.network.layout import Network, Validator
from deploy.network.validator_processes import find

STALLED_AFTER_S = 20.0
"""Blocks come every second, and with a dead validator every ten or eleven at worst."""

_ANSWER_S = 2.0


@dataclass(frozen=True, slots=True)
class ValidatorHealth:
    """`pid` is 0 when its process does not run; `height` and `peers` are 0 when it does not answer.

    `block_time`: seconds since 1970 UTC of its newest block, 0 when it does not answer.
    """

    validator: Validator
    pid: int
    answers: bool
    height: int
    block_time: int
    peers: int

    @property
    def running(self) -> bool:
        return self.pid != 0


@dataclass(frozen=True, slots=True)
class NetworkHealth:
    """One look at all validators, in their order."""

    validators: list[ValidatorHealth]
    looked_at: float

    @property
    def height(self) -> int:
        """The newest block that any validator has; 0 when none answers."""
        return max(one.height for one in self.validators)

    @property
    def block_age_s(self) -> float | None:
        """Seconds since the newest block; None when none answers."""
        newest = max(one.block_time for one in self.validators)
        return max(0.0, self.looked_at - newest) if newest else None

    @property
    def stalled(self) -> bool:
        """Whether validators answer and yet no block comes."""
        return self.block_age_s is not None and self.block_age_s > STALLED_AFTER_S


def look(network: Network) -> NetworkHealth:
    """Ask every validator that runs; one that does not answer within seconds is shown as such."""
    running = find(network)
    return NetworkHealth(
        [_ask(validator, running) for validator in network.validators], time.time()
    )


def _ask(validator: Validator, running: Mapping[str, psutil.Process]) -> ValidatorHealth:
    process = running.get(validator.name)
    if process is None:
        return ValidatorHealth(validator, 0, False, 0, 0, 0)
    rpc = Rpc(validator.rpc, timeout_s=_ANSWER_S)
    try:
        block, peers = rpc.batch(
            [("eth_getBlockByNumber", ["latest", False]), ("net_peerCount", [])]
        )
    except (ChainUnreachable, ChainAnswer):
        return ValidatorHealth(validator, process.pid, False, 0, 0, 0)
    finally:
        rpc.close()
    return ValidatorHealth(
        validator,
        process.pid,
        True,
        int(block["number"], 16),
        int(block["timestamp"], 16),
        int(peers, 16),
    )
