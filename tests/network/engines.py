"""One consortium on four validators of either engine: what the tests of both need of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from app.chain.rpc import ClientTls, Rpc
from app.chain.validators import validator_set
from app.domain.errors import ChainFault, ChainUnreachable
from app.processes import HOST
from deploy import tls
from deploy.bank_toml import OwnNodes
from deploy.besu.render import CONTROL_PORT
from deploy.compose.folder import Rendered
from deploy.consortium import ConsortiumFolder, write_config
from deploy.network.contracts import found_on
from deploy.network.layout import Network
from deploy.network.validator_processes import start_missing
from tests.network.test_faults import kill
from tests.rendered import Loopback


class Validators(Protocol):
    """`folder` is the consortium's, founded on the chain; its members' `bank.toml` are written."""

    folder: ConsortiumFolder
    names: list[str]

    def rpc(self, name: str) -> Rpc:
        """A validator's RPC, as its bank reaches it. The caller closes it."""

    def kill(self, name: str) -> None:
        """As `kill -9`."""

    def start(self, name: str) -> None:
        """Start one that was killed."""


class EdgeValidators:
    """Polygon Edge, as `tally network` runs it."""

    def __init__(self, network: Network, binary: Path) -> None:
        self.folder = network.folder
        self.names = [one.name for one in network.validators]
        self._network = network
        self._binary = binary

    def rpc(self, name: str) -> Rpc:
        return Rpc(self._network.validators[self.names.index(name)].rpc)

    def kill(self, name: str) -> None:
        kill(self._network, {name})

    def start(self, name: str) -> None:
        start_missing(self._binary, self._network)


class BesuValidators:
    """Besu and the banks' proxies, as they are rendered."""

    def __init__(self, rendered: Rendered, work: Path) -> None:
        self.folder = rendered.folder
        self.names = [one.name for one in rendered.nodes]
        self._loopback = Loopback(rendered, work)
        self._urls = {
            one.node: f"https://{HOST}:{self._loopback.ports[f'{bank.service}-proxy', one.port]}"
            for bank in rendered.banks
            for one in bank.rpc
        }
        self._banks = {one.name: one.bank for one in rendered.nodes}

    def found(self) -> None:
        """Start them all, deploy the contracts, and write what the banks' nodes read here."""
        self.start_all()
        found_on(self.folder.root, self._urls[self.names[0]], print)
        for member in self.folder.members():
            own = [name for name, bank in self._banks.items() if bank == member.name]
            ordered = [*own, *(name for name in self.names if name not in own)]
            controls = [f"ws://{HOST}:{self._loopback.ports[one, CONTROL_PORT]}" for one in own]
            write_config(
                self.folder,
                member.name,
                rpc=[self._urls[one] for one in ordered],
                port=0,
                certificates=tls.certificates(
                    self.folder.authority, self.folder.certificates(member.name)
                ),
                own_nodes=OwnNodes(controls),
            )

    def start_all(self) -> None:
        """Start them all and wait until they make blocks and their pools take transactions: a
        Besu that is behind the others has none."""
        self._loopback.start_all()
        await_true("a height", lambda: height(self, self.names[0]) > 0)
        await_blocks(self, self.names[0], 2)
        await_true("all in step", lambda: not any(map(self._lags, self.names)))

    def rpc(self, name: str) -> Rpc:
        made = tls.certificates(self.folder.authority, self.folder.certificates(self._banks[name]))
        return Rpc(self._urls[name], tls=ClientTls(made.ca, made.client, made.client_key))

    def _lags(self, name: str) -> bool:
        rpc = self.rpc(name)
        try:
            return rpc.call("eth_syncing", []) is not False
        finally:
            rpc.close()

    def kill(self, name: str) -> None:
        self._loopback.kill(name)

    def start(self, name: str) -> None:
        self._loopback.start(name)

    def stop(self) -> None:
        """End all that was started."""
        self._loopback.stop()


def height(validators: Validators, name: str) -> int:
    """A validator's newest block; 0 where it does not answer."""
    rpc = validators.rpc(name)
    try:
        return int(rpc.call("eth_blockNumber", []), 16)
    except ChainUnreachable:
        return 0
    finally:
        rpc.close()


def sealing(validators: Validators) -> set[str]:
    """Who may seal the newest block."""
    rpc = validators.rpc(validators.names[0])
    try:
        return set(validator_set(rpc))
    finally:
        rpc.close()


def await_blocks(validators: Validators, name: str, count: int) -> None:
    """Wait until a validator has `count` blocks more than it, or the first one, has now."""
    wanted = max(height(validators, name), height(validators, validators.names[0])) + count
    await_true(f"block {wanted} at {name}", lambda: height(validators, name) >= wanted)


def await_true(what: str, holds: Callable[[], bool], within_s: float = 240.0) -> None:
    deadline = time.monotonic() + within_s
    while True:
        try:
            if holds():
                return
        except ChainFault as fault:
            what = f"{what} ({fault})" if "(" not in what else what
        assert time.monotonic() < deadline, f"still waiting: {what}"
        time.sleep(0.3)
