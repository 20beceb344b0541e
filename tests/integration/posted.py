"""A small consortium on a real chain, whose banks post whatever a test wants, good or bad."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount
from sqlalchemy import Engine

from app.actions.facility_terms import Party, new_terms
from app.actions.sender import Signer
from app.chain.rpc import Rpc
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.facility_registry import FacilityRegistry
from app.contracts.posting import encode_post
from app.contracts.reconciliation import Reconciliation
from app.contracts.transactions import sign, wait_for_receipt
from app.domain.facility import EARLIEST_DAY, Facility, Partner, Rules, Shares, Split
from app.domain.identifiers import reference
from app.domain.legs import Leg, pack
from app.indexer.indexer import Indexer
from app.keys.keystore import SEALING, load_account
from app.keys.sealing import open_reference_key, seal_details
from app.keys.versions import KeyVersions
from deploy.consortium import ConsortiumFolder, Member, create
from deploy.found import found

TODAY = datetime.now(UTC).date().toordinal()

_POST_GAS = 100_000_000


@dataclass
class Event:
    """One leg in words: `target` is (kind, event_ref) of a reversal."""

    kind: int
    event_ref: str
    amount: int
    partner: int = 0
    value_day: int = TODAY
    business_day: int = TODAY
    shares_day: int = 0
    target: tuple[int, str] | None = None
    duplicate: bool = False


@dataclass
class Posted:
    """What one posting used: the running sequence, and the word index of each event."""

    sequence: int
    indexes: list[int]
    gas: int


@dataclass
class World:
    """Contracts of its own on the chain at `rpc`: a lead, partners, an auditor; one facility."""

    rpc: Rpc
    folder: ConsortiumFolder
    lead: str = "webank"
    partners: tuple[str, ...] = ("huarui", "wuxi", "nanfeng")
    shares: tuple[tuple[int, int, int], ...] = ((4533, 4533, 4533), (2467, 2467, 0), (999, 1, 999))
    tolerance: int = 1
    window_days: int = 1
    facility_id: str = "WLD-2016-A"
    split: Split = "contract"
    first_day: int = EARLIEST_DAY
    engine: str = "anvil"
    sequences: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        create(
            self.folder,
            [
                Member(self.lead, "lead"),
                *(Member(name, "partner") for name in self.partners),
                Member("outsider", "partner"),
                Member("auditor", "auditor"),
            ],
        )
        self.manifest = found(self.rpc, self.engine, self.folder, say=lambda text: None)
        addresses = self.manifest.addresses
        self.registry = FacilityRegistry(self.rpc, addresses["FacilityRegistry"])
        self.consortium = ConsortiumRegistry(self.rpc, addresses["ConsortiumRegistry"])
        self.reconciliation = Reconciliation(self.rpc, addresses["Reconciliation"])
        self.operators: dict[str, LocalAccount] = {}
        self.nonces: dict[str, int] = {}
        self.numbers: dict[str, int] = {}
        for member in self.folder.members():
            account = load_account(self.folder.keys(member.name), "operator", development=True)
            self.operators[member.name] = account
            self.numbers[member.name] = self.consortium.member_of(account.address)
        self.facility = self.agree()
        terms = self.registry.terms(self.facility)
        key = open_reference_key(bytes(terms[8]), self.sealing_keys(self.lead))
        assert key is not None
        self.reference_key = key

    def agree(self) -> int:
        """Propose the facility and accept it; returns its number."""
        terms = Facility(
            id=self.facility_id,
            lead=self.lead,
            currency="CNY",
            decimals=2,
            time_zone="Asia/Shanghai",
            cut_off=time(23, 59, 59),
            rules=Rules(self.tolerance, self.window_days, 24),
            partners=tuple(
                Partner(place, name, Shares(*shares), 100_000)
                for place, (name, shares) in enumerate(
                    zip(self.partners, self.shares, strict=True), 1
                )
            ),
            split=self.split,
            first_day=self.first_day,
        )
        parties = {
            name: Party(self.numbers[name], self.folder.public_keys(name).sealing)
            for name in self.numbers
        }
        proposed = new_terms(terms, parties, [parties["auditor"]])
        self.signer(self.lead).send(self.registry.propose(proposed))
        number = self.registry.facility_number(self.facility_id)
        terms_hash = self.registry.terms_hash(self.registry.terms(number))
        for name in self.partners:
            self.signer(name).send(self.registry.accept(number, terms_hash))
        return number

    def signer(self, bank: str, purpose: str = "approver") -> Signer:
        keys = self.folder.keys(bank)
        return Signer.load(self.rpc, keys, purpose, bank=bank, development=True)

    def sealing_keys(self, bank: str) -> KeyVersions:
        return KeyVersions(self.folder.keys(bank), SEALING, development=True)

    def reference(self, event_ref: str) -> bytes:
        return reference(self.reference_key, event_ref)

    def leg(self, bank: str, event: Event) -> Leg:
        own = 0 if bank == self.lead else self.partners.index(bank) + 1
        return Leg(
            kind=event.kind,
            partner=event.partner or own,
            amount=event.amount,
            value_day=event.value_day,
            business_day=event.business_day,
            shares_day=event.shares_day,
            reference=self.reference(event.event_ref),
            duplicate=event.duplicate,
            target_kind=event.target[0] if event.target else 0,
            target_reference=self.reference(event.target[1]) if event.target else b"",
        )

    def seal(self, events: list[Event]) -> bytes:
        """The details as an honest bank seals them."""
        sealed = seal_details(
            [
                [event.event_ref, event.target[1] if event.target else None, f"E-{place}"]
                for place, event in enumerate(events)
            ],
            {
                self.numbers[name]: self.folder.public_keys(name).sealing
                for name in (self.lead, *self.partners, "auditor")
            },
        )
        assert sealed is not None
        return sealed

    def post(self, bank: str, *events: Event, sealed: bytes | None = None) -> Posted:
        """Post events in one batch, and wait until they are on the chain."""
        stream, indexes = pack([self.leg(bank, event) for event in events])
        if sealed is None:
            sealed = self.seal(list(events))
        sequence = self.sequences.get(bank, 0) + 1
        account = self.operators[bank]
        raw = sign(
            account,
            chain_id=self.manifest.chain_id,
            nonce=int(self.rpc.call("eth_getTransactionCount", [account.address, "latest"]), 16),
            to=self.reconciliation.address,
            data=encode_post(self.facility, sequence, stream, sealed),
            gas=_POST_GAS,
        )
        receipt = wait_for_receipt(
            self.rpc, self.rpc.call("eth_sendRawTransaction", ["0x" + raw.hex()])
        )
        assert int(receipt["status"], 16) == 1
        self.sequences[bank] = sequence
        return Posted(sequence, indexes, int(receipt["gasUsed"], 16))

    def indexer(self, bank: str, engine: Engine, rpc: Rpc | None = None) -> Indexer:
        return Indexer(
            engine,
            rpc or self.rpc,
            self.manifest,
            member=self.numbers[bank],
            sealing_keys=self.sealing_keys(bank),
            finality_depth=0,
        )

    def pair(self, partner: int, event: Event) -> dict[str, Any]:
        """The pair as the contract has it."""
        functions = self.reconciliation.contract.functions
        ref = int.from_bytes(self.reference(event.event_ref))
        if event.target:
            target = int.from_bytes(self.reference(event.target[1]))
            call = functions.reversalPair(self.facility, partner, ref, event.target[0], target)
        else:
            call = functions.pair(self.facility, partner, event.kind, ref)
        found: Any = call.call()
        names = [
            output["name"]
            for entry in self.reconciliation.contract.abi
            if entry["type"] == "function" and entry["name"] == "pair"
            for output in entry["outputs"][0]["components"]
        ]
        return dict(zip(names, found, strict=True)) if isinstance(found, tuple) else dict(found)


def new_world(url: str, folder: Path, **changes: Any) -> World:
    """A world on the chain at `url`."""
    return World(Rpc(url), ConsortiumFolder(folder / "consortium"), **changes)
