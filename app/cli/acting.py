"""What the commands share that act on the chain with one of a bank's own keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.actions.consortium import Council
from app.actions.facilities import FacilityDesk
from app.actions.signer import Done, Signer
from app.chain.failover import Endpoints
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.cli.console import stderr
from app.config import BankConfig, load_config
from app.contracts.wrappers import ConsortiumRegistry, FacilityRegistry
from app.node.bank import client_tls, read_manifest


@dataclass(frozen=True, slots=True)
class Chain:
    """A bank's way to its chain."""

    config: BankConfig
    manifest: Manifest
    rpc: Rpc

    @property
    def registry(self) -> ConsortiumRegistry:
        return ConsortiumRegistry(self.rpc, self.manifest.addresses["ConsortiumRegistry"])

    def approver(self) -> Signer:
        """The bank's approver key. Raises KeyUnusable."""
        return Signer.load(
            self.rpc, self.config.keys, "approver", development=self.config.development
        )

    def council(self) -> Council:
        """The bank's approver key in the consortium's council."""
        return Council(self.approver(), self.registry)

    def facility_desk(self) -> FacilityDesk:
        """The bank's approver key, put to work on its facilities."""
        registry = FacilityRegistry(self.rpc, self.manifest.addresses["FacilityRegistry"])
        return FacilityDesk(self.approver(), registry)


@contextmanager
def acting(path: Path) -> Iterator[Chain]:
    """A bank's way to the chain, by its bank.toml; an endpoint was seen to be right."""
    config = load_config(path)
    manifest = read_manifest(config)
    endpoints = Endpoints(config.rpc, manifest, client_tls(config))
    try:
        rpc = endpoints.way()
        rpc.run(lambda: None)
        yield Chain(config, manifest, rpc)
    finally:
        endpoints.close()


def show_transaction(done: Done) -> None:
    """Say which transaction it was."""
    stderr.print(f"transaction {done.transaction}, block {done.block:,}", style="dim")


def show_done(done: Done, see: str) -> None:
    """Say which transaction it was, and where its result is to be seen once it is final."""
    show_transaction(done)
    stderr.print(f"once the bank's node has read that block: {see}", style="dim", markup=False)
