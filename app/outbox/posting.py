"""One bank's postings to all its facilities, under its operator key and its successors."""

import os
import socket
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import structlog
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from sqlalchemy import Engine

from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.reconciliation import Reconciliation
from app.domain.errors import ConfigFault, UsageFault
from app.intake.accept import Intake
from app.intake.store import EventStore
from app.intake.validation import Validator
from app.keys.errors import KeyUnusable
from app.keys.keystore import load_account, public_half, standing
from app.outbox.dead_letters import collect, stopped_batches
from app.outbox.facility import PostingFacilities
from app.outbox.lease import Lease, Standing
from app.outbox.nonce_queue import NonceQueue
from app.outbox.progress import has_waiting
from app.outbox.restore import Restored, Restorer
from app.outbox.submitter import Submitter

_log = structlog.get_logger()


class Posting:
    """Posts what a bank has accepted. Not safe to share between threads."""

    def __init__(
        self,
        engine: Engine,
        rpc: Rpc,
        manifest: Manifest,
        *,
        bank: str,
        member: int,
        operator: LocalAccount,
        keys: Path,
        sealing_keys: Iterable[bytes],
        development: bool,
    ) -> None:
        """`keys` is the bank's key folder, where the successor of `operator` will lie."""
        self._engine = engine
        self.rpc = rpc
        self._manifest = manifest
        self._member = member
        self._keys = keys
        self._sealing_keys = sealing_keys
        self._development = development
        self.facilities = PostingFacilities(engine, bank, keys, sealing_keys)
        self._use(operator)

    def _use(self, operator: LocalAccount) -> None:
        contract = Reconciliation(self.rpc, self._manifest.addresses["Reconciliation"])
        self.operator = operator
        """The key that signs, from the next tick on."""
        self._lease = Lease(self._engine, operator.address, _holder())
        queue = NonceQueue(
            self._engine, operator, self._manifest.chain_id, contract.address, self._lease
        )
        self.submitter = Submitter(
            self._engine, self.rpc, self._manifest, self._member, contract, queue
        )

    def tick(self) -> int:
        """Do whatever can be done now and never wait for a block; returns how many batches moved.

        Raises ChainFault or StorageFault: nothing is lost, call again later.
        """

        def work() -> int:
            self._follow_operator_key()
            return self.submitter.tick(self.facilities.current())

        return self.rpc.run(work)

    def restore(self, catch_up: Callable[[], None]) -> list[Restored]:
        """Read this bank's own postings back from the chain, as far as this database lacks them;
        see `outbox.restore`. Returns what was done for each of its facilities.

        `catch_up` brings the read model up to the chain. Raises UsageFault while another process
        posts for the bank, ConfigFault where a facility's reference key does not open.
        """
        if not self._lease.hold():
            raise UsageFault(
                "another process posts for this bank with this database",
                where=self._engine.url.render_as_string(hide_password=True).rpartition("@")[2],
                remedy="Stop the bank's node; after a crash, wait some seconds",
            )
        catch_up()
        restorer = Restorer(self._engine, self.rpc, self._lease, self._member, self._sealing_keys)
        done = []
        for agreed in self.facilities.parties():
            if agreed.sealed_reference_key is None:
                continue
            facility = self.facilities.open(agreed)
            if facility is None:
                raise ConfigFault(self.facilities.unreadable[agreed.terms.id])
            validator = Validator(agreed.terms, self.facilities.bank)
            intake = Intake(EventStore(self._engine), validator)
            done.append(self.rpc.run(partial(restorer.restore, facility, intake)))
        collect(self._engine, self._member)
        return done

    def has_waiting(self) -> bool:
        """Whether accepted events wait to be put into a batch."""
        with self._engine.connect() as connection:
            return any(has_waiting(connection, one.id) for one in self.facilities.known)

    @property
    def conflict(self) -> str:
        """Why nothing at all is posted; empty when all is well."""
        return self.submitter.conflict

    @property
    def lease(self) -> Standing:
        """Whose the lease was at the last tick."""
        return self._lease.standing

    def troubles(self, facility: str | None = None) -> list[str]:
        """What a person must mend before a facility, or any, is posted to again."""
        found = [self.conflict] if self.conflict else []
        found += [why for id_, why in self.facilities.paused.items() if facility in (None, id_)]
        return found + self.facility_troubles(facility)

    def facility_troubles(self, facility: str | None = None) -> list[str]:
        """As `troubles`, but for what stops single facilities only."""
        stopping = [*self.facilities.unreadable.items(), *self.submitter.waits.items()]
        found = [why for id_, why in stopping if facility in (None, id_)]
        with self._engine.connect() as connection:
            found += [
                f"batch {one.sequence} of {one.facility} has stopped: {one.why}. When that is "
                "mended, let it go on with `tally dead-letters replay`"
                for one in stopped_batches(connection, facility)
            ]
        return found

    def release(self) -> None:
        """Let a successor post at once."""
        self._lease.release()

    def _follow_operator_key(self) -> None:
        """Go on with the key that has replaced ours as soon as the registry has taken it, also
        where the rotation was cut off right after that."""
        for path in standing(self._keys, "operator"):
            try:
                address = to_checksum_address(public_half(path))
                if address == self.operator.address:
                    continue
                registry = ConsortiumRegistry(
                    self.rpc, self._manifest.addresses["ConsortiumRegistry"]
                )
                if registry.member_of(address) != self._member:
                    continue
                successor = load_account(path.parent, path.stem, development=self._development)
            except KeyUnusable:  # `tally doctor` tells of it; the key that we have goes on serving
                continue
            former, before = self._lease, self.operator.address
            self._use(successor)
            former.release()
            _log.info("posting with another operator key", key=address, before=before)
            return


def _holder() -> str:
    """Names this process for its lease."""
    return f"{socket.gethostname()[:30]}/{os.getpid()}/{time.time_ns() // 1_000_000}"
