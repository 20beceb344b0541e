"""What the commands share that act on the chain with one of a bank's own keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from app.actions.sender import Done, Signer
from app.actions.view import View
from app.chain.failover import Endpoints
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.cli.shared.console import stderr
from app.config import BankConfig, load_config
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.day_close import DayClose
from app.contracts.facility_registry import FacilityRegistry
from app.contracts.reconciliation import Reconciliation
from app.contracts.reserve_ledger import ReserveLedger
from app.db import engine as db
from app.keys.keystore import SEALING, load_account
from app.keys.versions import KeyVersions
from app.node.bank import client_tls, read_manifest


@dataclass
class Acting:
    """A bank's keys, its read model, and its connection to the contracts."""

    config: BankConfig
    manifest: Manifest
    rpc: Rpc

    @cached_property
    def view(self) -> View:
        """What the bank's node has read; its database is brought up to date."""
        engine = db.create(self.config.database_url)
        db.upgrade(engine)
        return View(engine, self.config.name, self.sealing_keys, self.manifest.addresses)

    @property
    def consortium(self) -> ConsortiumRegistry:
        return ConsortiumRegistry(self.rpc, self.manifest.addresses["ConsortiumRegistry"])

    @property
    def facilities(self) -> FacilityRegistry:
        return FacilityRegistry(self.rpc, self.manifest.addresses["FacilityRegistry"])

    @property
    def reconciliation(self) -> Reconciliation:
        return Reconciliation(self.rpc, self.manifest.addresses["Reconciliation"])

    @property
    def ledger(self) -> ReserveLedger:
        return ReserveLedger(self.rpc, self.manifest.addresses["ReserveLedger"])

    @property
    def day_close(self) -> DayClose:
        return DayClose(self.rpc, self.manifest.addresses["DayClose"])

    def approver(self) -> Signer:
        """The bank's approver key. Raises KeyUnusable."""
        return self.key("approver")

    def key(self, purpose: str) -> Signer:
        """A key of the bank's that posts nothing. Raises KeyUnusable."""
        config = self.config
        return Signer.load(
            self.rpc,
            config.keys,
            purpose,
            bank=config.name,
            development=config.development,
            reasons=self.day_close,
        )

    def operator(self) -> Signer:
        """The bank's operator key, in turn with what the bank's node posts. Raises KeyUnusable."""
        config = self.config
        account = load_account(config.keys, "operator", development=config.development)
        return Signer(self.rpc, account, config.name, "operator", outbox=self.view.engine)

    def sealing_keys(self) -> KeyVersions:
        """What opens what is sealed to the bank. Raises KeyUnusable."""
        return KeyVersions(self.config.keys, SEALING, development=self.config.development)

    def close(self) -> None:
        """Close the database, where it was opened."""
        if "view" in self.__dict__:
            self.view.engine.dispose()


@contextmanager
def acting(path: Path) -> Iterator[Acting]:
    """A bank that acts, by its bank.toml; an endpoint was seen to be right."""
    config = load_config(path)
    manifest = read_manifest(config.manifest)
    endpoints = Endpoints(config.rpc, manifest, client_tls(config))
    try:
        rpc = endpoints.client()
        rpc.run(lambda: None)
        bank = Acting(config, manifest, rpc)
        try:
            yield bank
        finally:
            bank.close()
    finally:
        endpoints.close()


def show_transactions(done: Done) -> None:
    """Say which transactions it was."""
    for one in done.receipts:
        stderr.print(f"transaction {one.transaction}, block {one.block:,}", style="dim")
    show_salt(done)


def show_salt(done: Done) -> None:
    """Say under which salt the chain has a reason's hash, where it could be sealed for nobody."""
    if done.reason is not None:
        stderr.print(
            f"the reason's salt is {done.reason.salt.hex()}: keep it with the text, both prove it",
            style="dim",
            soft_wrap=True,
        )


def show_done(done: Done, see: str) -> None:
    """Say which transaction it was, and where its result is to be seen once it is final."""
    show_transactions(done)
    stderr.print(f"once the bank's node has read that block: {see}", style="dim")
