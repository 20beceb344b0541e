"""Logs of the four contracts, as typed events in chain order.

Postings are the bulk of the chain and are read by hand; all other events are rare and left to
eth_abi. Strings on the chain were written by others: they are read as bytes and made printable.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import decode as abi_decode
from eth_hash.auto import keccak

from app.chain.contracts import ROLES
from app.indexer.errors import Incomplete

REASONS = {
    1: "duplicate",
    2: "unknown_kind",
    3: "amount_zero",
    4: "amount_too_large",
    5: "unknown_partner",
    6: "partner_not_allowed",
    7: "date_too_far",
    8: "target_missing",
    9: "target_reversed",
    10: "target_not_reversible",
    11: "target_amount",
    12: "no_parts",
}
"""Why the contract rejected a leg."""

DUPLICATE = 1

STATUSES = {
    2: "within_tolerance",
    3: "amount",
    4: "date",
    5: "amount_and_date",
}
"""How the contract judged a pair whose halves are not equal."""

_SHARES = "(uint16,uint16,uint16)"
_RULES = "(uint24,uint56,uint16,uint32,uint24)"
# `bytes` stands for `string` here (the encoding is the same), so that text that is not UTF-8 is
# ours to mend.
_TERMS = (
    f"(bytes,uint16,bytes,uint8,bytes,{_RULES},(uint16,{_SHARES},int72,bytes)[],bytes,"
    "(uint16,bytes)[])"
)
_MEMBER = ["bytes", "uint8", "address", "address", "bytes32", "address"]

SIGNATURES = {
    "Posted": "Posted(uint32,uint16,uint64,bytes32,bytes)",
    "LegRejected": "LegRejected(uint32,uint16,uint64,uint16,uint8)",
    "PairJudged": "PairJudged(uint32,uint16,uint64,uint16,uint8,uint8,uint16)",
    "MemberAdmitted": "MemberAdmitted(uint16,string,uint8,address,address,bytes32,address)",
    "FacilityProposed": (
        f"FacilityProposed(uint32,(string,uint16,string,uint8,string,{_RULES},"
        f"(uint16,{_SHARES},int72,bytes)[],bytes,(uint16,bytes)[]))"
    ),
    "FacilityAccepted": "FacilityAccepted(uint32,uint16)",
    "FacilityActivated": "FacilityActivated(uint32)",
}
_EMITTER = {
    "Posted": "Reconciliation",
    "LegRejected": "Reconciliation",
    "PairJudged": "Reconciliation",
    "MemberAdmitted": "ConsortiumRegistry",
    "FacilityProposed": "FacilityRegistry",
    "FacilityAccepted": "FacilityRegistry",
    "FacilityActivated": "FacilityRegistry",
}

TOPICS = {name: "0x" + keccak(text.encode()).hex() for name, text in SIGNATURES.items()}
"""First topic of each event that is read."""
_NAMES = {topic: name for name, topic in TOPICS.items()}


@dataclass(frozen=True, slots=True)
class Judgement:
    """The contract's word on a second half that is not an exact match."""

    status: str
    rules_version: int


@dataclass(frozen=True, slots=True)
class Posting:
    """One `post`: the legs as sent, and the contract's exceptions to them by word index."""

    facility: int
    member: int
    sequence: int
    digest: bytes
    legs: bytes
    block_number: int
    tx_hash: str
    rejected: dict[int, int] = field(default_factory=dict)
    """Word index to reason (`REASONS`)."""
    judged: dict[tuple[int, int], Judgement] = field(default_factory=dict)
    """(word index, partner) to judgement."""

    @property
    def place(self) -> str:
        return (
            f"posting {self.sequence} of member {self.member} in facility {self.facility} "
            f"(transaction {self.tx_hash})"
        )


@dataclass(frozen=True, slots=True)
class MemberAdmitted:
    number: int
    name: str
    role: str
    operator: bytes
    approver: bytes
    sealing_key: bytes
    recovery: bytes


@dataclass(frozen=True, slots=True)
class PartnerTerms:
    member: int
    principal_bps: int
    interest_bps: int
    fee_bps: int
    low_balance: int
    sealed_reference_key: bytes


@dataclass(frozen=True, slots=True)
class RulesTerms:
    effective_from: int
    amount_tolerance: int
    date_window_days: int
    match_deadline_seconds: int
    cut_off_seconds: int


@dataclass(frozen=True, slots=True)
class FacilityProposed:
    number: int
    id: str
    lead: int
    currency: str
    decimals: int
    time_zone: str
    rules: RulesTerms
    partners: tuple[PartnerTerms, ...]
    lead_sealed_reference_key: bytes
    readers: dict[int, bytes]
    """Auditors and regulators: member number to the reference key sealed to it."""
    block_number: int


@dataclass(frozen=True, slots=True)
class FacilityAccepted:
    facility: int
    member: int


@dataclass(frozen=True, slots=True)
class FacilityActivated:
    facility: int
    block_number: int


Event = Posting | MemberAdmitted | FacilityProposed | FacilityAccepted | FacilityActivated


def log_filter(addresses: Mapping[str, str]) -> dict[str, Any]:
    """The part of an `eth_getLogs` filter that names contracts and events."""
    return {"address": sorted(set(addresses.values())), "topics": [sorted(_NAMES)]}


def decode(logs: Iterable[dict[str, Any]], addresses: Mapping[str, str]) -> list[Event]:
    """Read JSON-RPC logs (in any order) into events in chain order.

    `addresses` are the manifest's. A known event from another address than its contract's is not
    ours and is passed over. Raises Incomplete when what belongs to one posting is not all there.
    """
    emitters = {name: address.lower() for name, address in addresses.items()}
    ordered = sorted(logs, key=lambda log: (int(log["blockNumber"], 16), int(log["logIndex"], 16)))
    events: list[Event] = []
    rejected: dict[int, int] = {}
    judged: dict[tuple[int, int], Judgement] = {}
    awaited: tuple[str, int, int, int] | None = None  # the posting that exceptions belong to

    for log in ordered:
        topics: list[str] = log["topics"]
        name = _NAMES.get(topics[0])
        if name is None or log["address"].lower() != emitters[_EMITTER[name]]:
            continue
        data: str = log["data"]
        numbers = [int(topic, 16) for topic in topics[1:]]
        if name == "Posted":
            posting = _posting(log, numbers, data, rejected, judged)
            key = (posting.tx_hash, posting.facility, posting.member, posting.sequence)
            if awaited is not None and awaited != key:
                raise Incomplete(f"the logs lack the posting of transaction {awaited[0]}")
            events.append(posting)
            rejected, judged, awaited = {}, {}, None
        elif name in ("LegRejected", "PairJudged"):
            words = [int(data[at : at + 64], 16) for at in range(2, len(data), 64)]
            key = (log["transactionHash"], numbers[0], numbers[1], words[0])
            if awaited is not None and awaited != key:
                raise Incomplete(f"the logs lack the posting of transaction {awaited[0]}")
            awaited = key
            if name == "LegRejected":
                rejected[words[1]] = words[2]
            else:
                status = STATUSES.get(words[3], f"unknown ({words[3]})")
                judged[words[1], words[2]] = Judgement(status, words[4])
        else:
            events.append(_rare(name, numbers, bytes.fromhex(data[2:]), log))
    if awaited is not None:
        raise Incomplete(f"the logs lack the posting of transaction {awaited[0]}")
    return events


def _posting(
    log: dict[str, Any],
    numbers: list[int],
    data: str,
    rejected: dict[int, int],
    judged: dict[tuple[int, int], Judgement],
) -> Posting:
    # ABI head: sequence, digest, offset of the legs (96); then their length and the words.
    length = int(data[194:258], 16) if len(data) >= 258 else -1
    legs = bytes.fromhex(data[258 : 258 + 2 * length]) if length >= 0 else b""
    if len(legs) != length or length % 32:
        raise Incomplete(f"the Posted log of transaction {log['transactionHash']} is cut short")
    return Posting(
        facility=numbers[0],
        member=numbers[1],
        sequence=int(data[2:66], 16),
        digest=bytes.fromhex(data[66:130]),
        legs=legs,
        block_number=int(log["blockNumber"], 16),
        tx_hash=log["transactionHash"],
        rejected=rejected,
        judged=judged,
    )


def _rare(name: str, numbers: list[int], data: bytes, log: dict[str, Any]) -> Event:
    block_number = int(log["blockNumber"], 16)
    if name == "MemberAdmitted":
        text, role, operator, approver, sealing_key, recovery = abi_decode(_MEMBER, data)
        return MemberAdmitted(
            number=numbers[0],
            name=_printable(text),
            role=ROLES.get(role, f"unknown ({role})"),
            operator=bytes.fromhex(operator[2:]),
            approver=bytes.fromhex(approver[2:]),
            sealing_key=sealing_key,
            recovery=bytes.fromhex(recovery[2:]),
        )
    if name == "FacilityProposed":
        (terms,) = abi_decode([_TERMS], data)
        facility_id, lead, currency, decimals, zone, rules, partners, lead_key, readers = terms
        return FacilityProposed(
            number=numbers[0],
            id=_printable(facility_id),
            lead=lead,
            currency=_printable(currency),
            decimals=decimals,
            time_zone=_printable(zone),
            rules=RulesTerms(*rules),
            partners=tuple(
                PartnerTerms(member, principal, interest, fee, low_balance, sealed)
                for member, (principal, interest, fee), low_balance, sealed in partners
            ),
            lead_sealed_reference_key=lead_key,
            readers=dict(readers),
            block_number=block_number,
        )
    if name == "FacilityAccepted":
        return FacilityAccepted(numbers[0], numbers[1])
    return FacilityActivated(numbers[0], block_number)


def _printable(text: bytes) -> str:
    decoded = text.decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in decoded)
