"""The composition root: one bank's machinery, wired from its configuration."""

import os
import socket
import time
from pathlib import Path

from eth_typing import ChecksumAddress
from sqlalchemy import Engine, select

from app.chain.contracts import ConsortiumRegistry, Reconciliation
from app.chain.engines import engine as chain_engine
from app.chain.keystore import load_account, load_sealing_key
from app.chain.manifest import CONTRACT_VERSION, Manifest
from app.chain.rpc import Rpc
from app.chain.sealing import open_reference_key
from app.config import BankConfig
from app.db import engine as db
from app.domain.errors import ChainUnreachable, ConfigFault, UsageFault, WrongChain
from app.feeds.reader import open_feed
from app.feeds.store import EventStore
from app.feeds.validation import Validator
from app.indexer.indexer import Indexer
from app.outbox.channel import PostingFacility
from app.outbox.dead_letters import collect
from app.outbox.dispatch import Dispatcher
from app.outbox.lease import Lease
from app.outbox.runs import drained, in_flight
from app.outbox.submitter import Submitter
from app.readmodel import tables
from app.readmodel.directory import directory
from app.readmodel.facilities import AgreedFacility, agreed_facilities
from app.services.intake import FeedResult, Intake
from app.services.ports import RowsDone


class Bank:
    """One bank: its keys, its database, its way to the chain. Implements `ReconcilingBank`.

    Raises ConfigFault, KeyUnusable, WrongChain or ChainUnreachable when it cannot be set up.
    """

    def __init__(self, config: BankConfig) -> None:
        self.config = config
        self.name = config.name
        self.manifest = read_manifest(config)
        self.engine: Engine = db.create(config.database_url)
        db.upgrade(self.engine)
        self.rpc = Rpc(config.rpc)
        self._chain_checked = False
        operator = load_account(config.keys, "operator", development=config.development)
        self._sealing_key = load_sealing_key(config.keys, development=config.development)
        addresses = self.manifest.addresses
        self._registry = ConsortiumRegistry(self.rpc, addresses["ConsortiumRegistry"])
        self.member = self._member_number(operator.address)
        self.submitter = Submitter(
            self.engine,
            Dispatcher(
                engine=self.engine,
                rpc=self.rpc,
                account=operator,
                chain_id=self.manifest.chain_id,
                member=self.member,
                contract=Reconciliation(self.rpc, addresses["Reconciliation"]),
            ),
            Lease(self.engine, operator.address, _holder()),
        )
        self.indexer = Indexer(
            self.engine,
            self.rpc,
            self.manifest,
            member=self.member,
            sealing_key=self._sealing_key,
            finality_depth=chain_engine(self.manifest.engine).finality_depth_blocks,
        )
        self._posting: dict[str, PostingFacility] = {}

    def facilities(self) -> list[AgreedFacility]:
        """The facilities on the chain, proposed ones included, as this node's view has them."""
        with self.engine.connect() as connection:
            return agreed_facilities(connection)

    def facility(self, id_: str) -> AgreedFacility:
        """A facility on the chain. Raises UsageFault when there is none of that id."""
        for facility in self.facilities():
            if facility.terms.id == id_:
                return facility
        raise UsageFault(
            f"facility {id_!r} is not on this chain",
            remedy="Check the id; the lead proposes a facility and every partner accepts it",
        )

    def intake(self, facility: str) -> Intake:
        """The way in for this bank's events of a facility. Raises UsageFault when it may not."""
        agreed = self.facility(facility)
        if not agreed.active:
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

    def take_in(self, facility: str, feed: Path, rows_done: RowsDone) -> FeedResult:
        """Validate a feed file and accept its good rows, durably."""
        intake = self.intake(facility)
        with open_feed(feed, intake.facility, self.name) as rows:
            return intake.submit(rows, str(feed), "file", progress=rows_done)

    def ensure_chain(self) -> None:
        """Raise WrongChain or ChainUnreachable unless the endpoint was once seen to be right."""
        if not self._chain_checked:
            check_chain(self.rpc, self.manifest)
            self._chain_checked = True

    def tick(self) -> int:
        """Submit and index whatever can be done now."""
        return self.submit() + self.index()

    def submit(self) -> int:
        """Settle, fix and offer batches once."""
        self.ensure_chain()
        return self.submitter.tick(self._posting_facilities())

    def index(self) -> int:
        """Project what has become final; returns the number of blocks read."""
        self.ensure_chain()
        progress = self.indexer.advance()
        if progress.legs:
            collect(self.engine, self.member)
        return progress.to_block - progress.from_block + 1

    def drained(self, facility: str) -> bool:
        """Whether every accepted event is on the chain, finally."""
        return drained(self.engine, facility)

    def in_flight(self) -> bool:
        """Whether batches were offered that are not final yet."""
        return in_flight(self.engine)

    def stopped(self, facility: str) -> str:
        """Why nothing more goes out until a person has looked; empty when all is well."""
        if not self.submitter.stopped(facility):
            return ""
        return "; ".join(self.submitter.incidents) or "a batch has used up its attempts"

    def indexed_block(self) -> int:
        """The last block that this bank's read model holds."""
        return self.indexer.position()

    def head(self) -> int:
        """The newest block at the chain endpoint."""
        return int(self.rpc.call("eth_blockNumber", []), 16)

    def role(self) -> str:
        """lead, partner, auditor or regulator: by the read model, or before its first block by
        the chain."""
        with self.engine.connect() as connection:
            known = directory(connection).members.get(self.member)
        if known is not None:
            return known.role
        return self._registry.role(self.member)

    def close(self) -> None:
        """Give up the lane and the database's connections."""
        self.submitter.release()
        self.engine.dispose()

    def _member_number(self, operator: ChecksumAddress) -> int:
        """Whose key this is: by the chain, or while that is away by what was read of it before."""
        try:
            self.ensure_chain()
        except ChainUnreachable:
            with self.engine.connect() as connection:
                known = connection.execute(select(tables.cursor.c.member)).scalar_one_or_none()
            if known is None:
                raise
            return int(known)
        member = self._registry.member_of(operator)
        if member == 0:
            raise ConfigFault(
                f"the operator key of {self.name} belongs to no member of this consortium",
                where=str(self.config.path),
                remedy="Use the keys that the bank was admitted with, or have it admitted",
            )
        return member

    def _posting_facilities(self) -> list[PostingFacility]:
        """Facilities that this bank posts to; looked up again only while there are none."""
        if not self._posting:
            for agreed in self.facilities():
                terms = agreed.terms
                if not agreed.active or self.name not in terms.banks:
                    continue
                sealed = agreed.sealed_reference_key
                key = open_reference_key(sealed, self._sealing_key) if sealed else None
                if key is None:
                    raise ConfigFault(
                        f"the reference key of {terms.id} does not open with this bank's key",
                        where=str(self.config.keys),
                        remedy="Restore keys/sealing.json from the backup",
                    )
                partner = terms.partner(self.name)
                self._posting[terms.id] = PostingFacility(
                    id=terms.id,
                    number=agreed.number,
                    partners=len(terms.partners),
                    own_partner=partner.number if partner else 0,
                    reference_key=key,
                    readers=agreed.readers,
                )
        return list(self._posting.values())


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


def check_chain(rpc: Rpc, manifest: Manifest) -> None:
    """Raise WrongChain unless the endpoint serves the manifest's chain and contracts."""
    chain_id = int(rpc.call("eth_chainId", []), 16)
    if chain_id != manifest.chain_id:
        raise WrongChain(
            f"it serves chain {chain_id}, this network is chain {manifest.chain_id}",
            where=rpc.url,
            remedy="Mend `rpc` in bank.toml",
        )
    address = manifest.addresses["Reconciliation"]
    if rpc.call("eth_getCode", [address, "latest"]) == "0x":
        raise WrongChain(
            f"there is no Reconciliation contract at {address}",
            where=rpc.url,
            remedy="The chain was reset or is another: restore it, or found the network anew",
        )
    version = Reconciliation(rpc, address).contract_version()
    if version != CONTRACT_VERSION:
        raise WrongChain(
            f"its contracts are version {version}, this application speaks {CONTRACT_VERSION}",
            where=rpc.url,
            remedy="Upgrade the application or the contracts",
        )


def _holder() -> str:
    """Names this process for its lease."""
    return f"{socket.gethostname()[:30]}/{os.getpid()}/{time.time_ns() // 1_000_000}"
