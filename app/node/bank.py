"""The composition root: one bank's machinery, wired from its configuration."""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from sqlalchemy import Engine, select

from app.actions.sender import Signer
from app.actions.validators import ValidatorVotes
from app.actions.view import View
from app.chain.engines import engine as chain_engine
from app.chain.failover import Endpoints
from app.chain.manifest import Manifest
from app.chain.rpc import ClientTls
from app.chain.validators import chain_nodes
from app.config import BankConfig
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.reconciliation import Reconciliation
from app.db import engine as db
from app.db.vault import Vault
from app.domain.errors import ChainUnreachable, ConfigFault, UsageFault
from app.domain.matched import MatchedPair
from app.indexer.indexer import Indexer, Progress
from app.indexer.rebuild import rebuild
from app.intake.accept import Intake
from app.intake.reader import open_feed
from app.intake.results import FeedResult
from app.intake.store import EventStore
from app.intake.validation import Validator
from app.keys.errors import KeyUnusable
from app.keys.keystore import SEALING, STORAGE, load_account, public_half, standing
from app.keys.sealing import open_reference_key
from app.keys.versions import KeyVersions
from app.local.ports import RowsDone, Warn
from app.outbox.dead_letters import collect, stopped_batches
from app.outbox.facility import PostingFacility
from app.outbox.lease import Lease
from app.outbox.matched_events import MatchedEvent, matched_events
from app.outbox.nonce_queue import NonceQueue
from app.outbox.progress import drained, in_flight, last_final_block, waiting
from app.outbox.restore import Restored, Restorer
from app.outbox.submitter import Submitter
from app.readmodel import tables
from app.readmodel.directory import directory
from app.readmodel.facilities.agreed import AgreedFacility, agreed_facilities, agreed_facility

_log = structlog.get_logger()

_LOOK_UP_EVERY_S = 1.0


class Bank:
    """One bank: its keys, its database, its way to the chain. Implements `ReconcilingBank`.

    Raises ConfigFault, KeyUnusable, WrongChain or ChainUnreachable when it cannot be set up.
    """

    def __init__(self, config: BankConfig) -> None:
        self.config = config
        self.name = config.name
        self.manifest = read_manifest(config)
        operator = load_account(config.keys, "operator", development=config.development)
        self._sealing_keys = KeyVersions(config.keys, SEALING, development=config.development)
        storage_keys = KeyVersions(config.keys, STORAGE, development=config.development)
        self.engine: Engine = db.create(config.database_url, vault=Vault(storage_keys))
        self.endpoints = Endpoints(config.rpc, self.manifest, client_tls(config))
        # Each its own, because submitting and indexing go on beside each other.
        self.rpc, self._reading = self.endpoints.client(), self.endpoints.client()
        self._posting: list[PostingFacility] = []
        self._posting_looked_up = float("-inf")
        self._unreadable: dict[str, str] = {}
        self._paused: dict[str, str] = {}
        self._collected: int | None = None
        self._read_up_to = 0
        try:
            db.upgrade(self.engine)
            self._set_up(operator)
        except BaseException:
            self._disconnect()
            raise

    def _set_up(self, operator: LocalAccount) -> None:
        addresses = self.manifest.addresses
        self._registry = ConsortiumRegistry(self._reading, addresses["ConsortiumRegistry"])
        self.member = self._member_number(operator.address)
        self.view = View(self.engine, self.name)
        self._post_as(operator)
        self.validator_votes = self._own_votes()
        self.indexer = Indexer(
            self.engine,
            self._reading,
            self.manifest,
            member=self.member,
            sealing_keys=self._sealing_keys,
            finality_depth=chain_engine(self.manifest.engine).finality_depth_blocks,
        )

    def _own_votes(self) -> ValidatorVotes:
        own = self.config.validator
        try:
            nodes = chain_nodes(self.manifest.engine, own.control, own.engine) if own else []
        except ValueError as fault:
            raise ConfigFault(f"[validator]: {fault}", where=str(self.config.path)) from None
        rpc = self.endpoints.client()
        registry = ConsortiumRegistry(rpc, self.manifest.addresses["ConsortiumRegistry"])
        return ValidatorVotes(self.view, rpc, registry, self.member, nodes)

    def _post_as(self, operator: LocalAccount) -> None:
        contract = Reconciliation(self.rpc, self.manifest.addresses["Reconciliation"])
        self.operator = Signer(self.rpc, operator, self.name, "operator", outbox=self.engine)
        self._lease = Lease(self.engine, operator.address, _holder())
        queue = NonceQueue(
            self.engine, operator, self.manifest.chain_id, contract.address, self._lease
        )
        self.submitter = Submitter(
            self.engine, self.rpc, self.manifest, self.member, contract, queue
        )

    def _follow_operator_key(self) -> None:
        """Go on with the key that has replaced ours as soon as the registry has taken it, also
        where the rotation was cut off right after that."""
        ours = self.operator.address
        for path in standing(self.config.keys, "operator"):
            try:
                address = to_checksum_address(public_half(path))
                if address == ours:
                    continue
                registry = ConsortiumRegistry(
                    self.rpc, self.manifest.addresses["ConsortiumRegistry"]
                )
                if registry.member_of(address) != self.member:
                    continue
                operator = load_account(path.parent, path.stem, development=self.config.development)
            except KeyUnusable:  # `tally doctor` tells of it; the key that we have goes on serving
                continue
            former = self._lease
            self._post_as(operator)
            former.release()
            _log.info("posting with another operator key", key=address, before=ours)
            return

    def facilities(self) -> list[AgreedFacility]:
        """The facilities on the chain, proposed ones included, as this node's view has them."""
        with self.engine.connect() as connection:
            return agreed_facilities(connection)

    def facility(self, id_: str) -> AgreedFacility:
        """A facility on the chain. Raises UsageFault when there is none of that id, and
        ChainUnreachable while the view is being made (anew) and cannot know."""
        with self.engine.connect() as connection:
            found = agreed_facility(connection, id_)
            block = connection.execute(select(tables.cursor.c.block_number)).scalar_one_or_none()
        if found is not None and found.active:
            return found
        if block is None or block < self._read_up_to:
            raise ChainUnreachable(
                f"the chain is still being read; what it says of facility {id_!r} is not known yet",
                remedy="Try again in some seconds",
            )
        if found is not None:
            return found
        raise UsageFault(
            f"facility {id_!r} is not on this chain",
            remedy="Check the id; the lead proposes a facility and every partner accepts it",
        )

    def intake(self, facility: str) -> Intake:
        """The way in for this bank's events of a facility. Raises UsageFault when it may not."""
        agreed = self.facility(facility)
        if agreed.state == "closed":
            raise UsageFault(
                f"facility {facility} is closed",
                remedy="Its parties have closed it for ever; use the facility that follows it",
            )
        if agreed.state == "proposed":
            raise UsageFault(
                f"facility {facility} is not in force yet",
                remedy=f"It waits for the acceptance of {', '.join(agreed.waiting_for)}",
            )
        if self.name not in agreed.terms.banks:
            raise UsageFault(
                f"{self.name} is no party to facility {facility}",
                remedy="Only its lead and its partners send feeds",
            )
        return Intake(EventStore(self.engine), Validator(agreed.terms, self.name))

    def reference_key(self, facility: str) -> bytes:
        """A facility's reference key. Raises UsageFault when it does not open for this bank."""
        opened = self._opened(self.facility(facility))
        if opened is None:
            raise UsageFault(self._unreadable[facility])
        return opened.reference_key

    def take_in(self, facility: str, feed: Path, rows_done: RowsDone, warn: Warn) -> FeedResult:
        """Validate a feed file and accept its good rows, durably."""
        intake = self.intake(facility)
        with open_feed(feed, intake.facility, self.name) as rows:
            taken = intake.submit(rows, str(feed), "file", progress=rows_done)
        for warning in rows.warnings:
            warn(warning)
        return taken

    def ensure_chain(self) -> None:
        """Raise WrongChain or ChainUnreachable unless an endpoint is seen to be right."""
        self._reading.run(lambda: None)

    def tick(self) -> int:
        """Submit and index whatever can be done now; returns batches moved and legs read."""
        return self.submit() + self._advance().legs

    def submit(self) -> int:
        """Settle, seal and broadcast batches once."""

        def tick() -> int:
            self._follow_operator_key()
            return self.submitter.tick(self._posting_facilities())

        return self.rpc.run(tick)

    def index(self) -> int:
        """Project what has become final; returns the number of blocks read."""
        progress = self._advance()
        return progress.to_block - progress.from_block + 1

    def _advance(self) -> Progress:
        progress = self._reading.run(self.indexer.advance)
        self._read_up_to = progress.head
        if progress.legs or self._collected is None:  # the last process may have died before this
            after = 0 if progress.rewound else self._collected or 0
            self._collected = collect(self.engine, self.member, after)
        return progress

    def rebuild(self, told: Callable[[int, int], None]) -> None:
        """Make the read model anew from the chain alone; see `indexer.rebuild`."""
        self._reading.run(lambda: rebuild(self.indexer, told))

    def restore(self) -> list[Restored]:
        """Read this bank's own postings back from the chain, as far as this database lacks them;
        see `outbox.restore`. Returns what was done for each of its facilities.

        Raises UsageFault while another process posts for the bank, ConfigFault where a facility's
        reference key does not open.
        """
        if not self._lease.hold():
            raise UsageFault(
                "another process posts for this bank with this database",
                where=self.config.database_url.rpartition("@")[2],
                remedy="Stop the bank's node; after a crash, wait some seconds",
            )
        while self.index():
            pass
        done = []
        for agreed in self.facilities():
            if self.name not in agreed.terms.banks or agreed.sealed_reference_key is None:
                continue
            facility = self._opened(agreed)
            if facility is None:
                raise ConfigFault(self._unreadable[agreed.terms.id])
            validator = Validator(agreed.terms, self.name)
            intake = Intake(EventStore(self.engine), validator)
            restorer = Restorer(self.engine, self.rpc, self._lease, self.member, self._sealing_keys)
            done.append(
                self.rpc.run(lambda: restorer.restore(facility, intake, validator))  # noqa: B023
            )
        collect(self.engine, self.member)
        return done

    def drained(self, facility: str) -> bool:
        """Whether every accepted event is on the chain, finally."""
        return drained(self.engine, facility)

    def last_final_block(self, facility: str) -> int:
        """The newest block that holds anything final that this bank posted; 0 for nothing."""
        return last_final_block(self.engine, facility)

    def has_waiting(self) -> bool:
        """Whether accepted events wait to be put into a batch."""
        return waiting(self.engine, [one.id for one in self._posting])

    def in_flight(self) -> bool:
        """Whether batches were offered that are not final yet."""
        return in_flight(self.engine)

    def stopped(self, facility: str) -> str:
        """Why nothing more goes out until a person has looked; empty when all is well."""
        return "; ".join(self.troubles(facility))

    def troubles(self, facility: str | None = None) -> list[str]:
        """What a person must mend before a facility, or any, is posted to again."""
        found = [self.submitter.conflict] if self.submitter.conflict else []
        found += [why for id_, why in self._paused.items() if facility in (None, id_)]
        return found + self.facility_troubles(facility)

    def facility_troubles(self, facility: str | None = None) -> list[str]:
        """As `troubles`, but for what stops single facilities only."""
        stopping = [*self._unreadable.items(), *self.submitter.waits.items()]
        found = [why for id_, why in stopping if facility in (None, id_)]
        with self.engine.connect() as connection:
            found += [
                f"batch {one.sequence} of {one.facility} has stopped: {one.why}. When that is "
                "mended, let it go on with `tally dead-letters replay`"
                for one in stopped_batches(connection, facility)
            ]
        return found

    def lane_trouble(self) -> str:
        """Why nothing at all is posted; empty when the lane works."""
        return self.submitter.conflict

    def tell_matched(self, told: Callable[[list[MatchedEvent], int], None]) -> None:
        """From now on, tell of this bank's events that the read model newly shows as matched, and
        of the last block that was read for it."""

        def look_up(pairs: list[MatchedPair], block: int) -> None:
            with self.engine.connect() as connection:
                found = matched_events(connection, pairs)
            told(found, block)

        self.indexer.on_matched = look_up

    def indexed_block(self) -> int:
        """The last block that this bank's read model holds."""
        return self.indexer.position()

    def head(self) -> int:
        """The newest block at the endpoint that is read from."""
        head = self._reading.run(lambda: int(self._reading.call("eth_blockNumber", []), 16))
        # A process that began while the chain was away learns only now how far there is to read.
        self._read_up_to = self._read_up_to or head
        return head

    def reading_from(self) -> str:
        """The endpoint that is read from, as anybody may see it."""
        return self._reading.origin

    def role(self) -> str:
        """lead, partner, auditor or regulator: by the read model, or before its first block by
        the chain."""
        with self.engine.connect() as connection:
            known = directory(connection).members.get(self.member)
        if known is not None:
            return known.role
        return self._reading.run(lambda: self._registry.role(self.member))

    def close(self) -> None:
        """Give up the lease, and close the connections to the database and the chain."""
        try:
            self.submitter.release()
        finally:
            self._disconnect()

    def _disconnect(self) -> None:
        self.engine.dispose()
        self.endpoints.close()

    def _member_number(self, operator: ChecksumAddress) -> int:
        """Whose key this is: by the chain, or while that is away by what was read of it before."""
        try:
            member = self._reading.run(lambda: self._registry.member_of(operator))
            self.head()
        except ChainUnreachable:
            with self.engine.connect() as connection:
                known = connection.execute(select(tables.cursor.c.member)).scalar_one_or_none()
            if known is None:
                raise
            return int(known)
        if member == 0:
            raise ConfigFault(
                f"the operator key of {self.name} belongs to no member of this consortium",
                where=str(self.config.path),
                remedy="Use the keys that the bank was admitted with, or have it admitted",
            )
        return member

    def _posting_facilities(self) -> list[PostingFacility]:
        """Facilities that this bank posts to; looked up again now and then: they come and go."""
        now = time.monotonic()
        if now - self._posting_looked_up > _LOOK_UP_EVERY_S:
            parties = [one for one in self.facilities() if self.name in one.terms.banks]
            ours = [one for one in parties if one.active]
            self._paused = {
                one.terms.id: f"{one.terms.id} is paused by {', '.join(one.paused_by)}; posting "
                "goes on when each of them has resumed (`tally facility resume`)"
                for one in parties
                if one.state == "paused"
            }
            self._posting = [opened for one in ours if (opened := self._opened(one)) is not None]
            self._posting_looked_up = now
        return self._posting

    def _opened(self, agreed: AgreedFacility) -> PostingFacility | None:
        """A facility with its reference key; None, and a trouble, when that does not open: the
        others go on."""
        terms = agreed.terms
        sealed = agreed.sealed_reference_key
        key = open_reference_key(sealed, self._sealing_keys) if sealed else None
        if key is None:
            self._unreadable[terms.id] = (
                f"the reference key of {terms.id} does not open with this bank's sealing key; "
                f"restore {self.config.keys / 'sealing.json'} from the backup"
            )
            return None
        self._unreadable.pop(terms.id, None)
        partner = terms.partner(self.name)
        return PostingFacility(
            id=terms.id,
            number=agreed.number,
            partners=len(terms.partners),
            own_partner=partner.number if partner else 0,
            reference_key=key,
            readers=agreed.readers,
        )


def read_manifest(config: BankConfig) -> Manifest:
    """The network that this bank belongs to. Raises ConfigFault."""
    try:
        return Manifest.read(config.manifest)
    except OSError as fault:
        raise ConfigFault(
            f"the network manifest cannot be read ({fault.strerror})",
            where=str(config.manifest),
            remedy="Found the network first, or copy network.json from the bank that did",
        ) from None
    except ValueError as fault:
        raise ConfigFault(str(fault), where=str(config.manifest)) from None


def client_tls(config: BankConfig) -> ClientTls:
    """What this bank's node believes and shows at https endpoints."""
    return ClientTls(config.rpc_ca, config.rpc_cert, config.rpc_key)


def _holder() -> str:
    """Names this process for its lease."""
    return f"{socket.gethostname()[:30]}/{os.getpid()}/{time.time_ns() // 1_000_000}"
