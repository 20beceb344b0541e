"""Thin typed wrappers, one class a contract. Amounts are minor units, days ordinals."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak
from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction
from web3.exceptions import ContractLogicError, Web3Exception

from app.chain.errors import ChainAnswer
from app.chain.manifest import CONTRACTS
from app.chain.rpc import Rpc
from app.contracts.errors import ContractReverted, refusal
from app.domain.day_close import Statement
from app.domain.errors import ChainFault
from app.domain.resolutions import Resolution
from app.domain.votes import PROPOSAL_STATES
from deploy.compile import load_artifact

ROLES = {1: "lead", 2: "partner", 3: "auditor", 4: "regulator"}
"""Members' roles by their numbers on the chain."""

_HEAD_SELECTOR = keccak(text="head(uint32,uint16)")[:4]


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal as the registry has it. `kind` by its number; `state`: of PROPOSAL_STATES."""

    kind: int
    state: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class RegisteredValidator:
    """A validator node as the registry has it; `member` is the number of the bank that runs it."""

    node: ChecksumAddress
    member: int
    enode: str


@dataclass(frozen=True, slots=True)
class Head:
    """How far a bank's postings for a facility have come: the contract's own word."""

    sequence: int
    digest: bytes


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Make web3's errors ours: ContractReverted, else a ChainFault."""
    try:
        yield
    except ContractLogicError as revert:
        data = _revert_data(revert.data)
        if data is None:
            raise ChainFault(str(revert.message), where=where) from None
        raise reverted(where, data) from None
    except (Web3Exception, ValueError) as fault:
        raise ChainFault(str(fault), where=where) from fault


class _Wrapper:
    name: str

    def __init__(self, rpc: Rpc, address: str) -> None:
        self._rpc = rpc
        self.address = Web3.to_checksum_address(address)
        self.contract: Contract = rpc.web3.eth.contract(
            address=self.address, abi=load_artifact(self.name)["abi"]
        )

    def _read(self, function: ContractFunction) -> Any:
        with translated(f"{self.name}.{function.fn_name}"):
            return function.call()

    def contract_version(self) -> int:
        return int(self._read(self.contract.functions.contractVersion()))


class ConsortiumRegistry(_Wrapper):
    name = "ConsortiumRegistry"

    def member_of(self, operator: ChecksumAddress) -> int:
        """The member number of an operator key; 0 when it is nobody's."""
        return int(self._read(self.contract.functions.memberOf(operator)))

    def name_of(self, member: int) -> str:
        """The name under which a member was admitted."""
        return str(self._read(self.contract.functions.member(member))[0])

    def state_of(self, member: int) -> str:
        """active, suspended or evicted."""
        state = int(self._read(self.contract.functions.member(member))[2])
        return ("none", "active", "suspended", "evicted")[state]

    def role(self, member: int) -> str:
        """lead, partner, auditor or regulator."""
        return ROLES[int(self._read(self.contract.functions.member(member))[1])]

    def member_named(self, name: str) -> int:
        """The number of the member of that name; 0 when there is none."""
        return int(self._read(self.contract.functions.memberNamed(name)))

    def member_count(self) -> int:
        """The highest member number."""
        return int(self._read(self.contract.functions.memberCount()))

    def approver_of(self, approver: ChecksumAddress) -> int:
        """The member number of an approver key; 0 when it is nobody's."""
        return int(self._read(self.contract.functions.approverOf(approver)))

    def active_banks(self) -> list[int]:
        """The banks that vote: every active lead and partner."""
        numbers = range(1, self.member_count() + 1)
        return [
            number for number in numbers if self._read(self.contract.functions.isActiveBank(number))
        ]

    def present_members(self) -> list[int]:
        """Every member that was not evicted; a suspended one may still replace its keys."""
        numbers = range(1, self.member_count() + 1)
        return [number for number in numbers if self.state_of(number) != "evicted"]

    def validators(self) -> list[RegisteredValidator]:
        """The validator nodes that the banks have agreed on, in no order."""
        return [
            RegisteredValidator(Web3.to_checksum_address(node), int(member), str(enode))
            for node, member, enode in self._read(self.contract.functions.validators())
        ]

    def proposal_count(self) -> int:
        """The highest number of a proposal."""
        return int(self._read(self.contract.functions.proposalCount()))

    def proposal(self, number: int) -> Proposed:
        """A proposal as it stands now."""
        found = self._read(self.contract.functions.proposal(number))
        return Proposed(int(found[0]), PROPOSAL_STATES[int(found[1]) - 1], bytes(found[-1]))

    def has_voted(self, proposal: int, member: int) -> bool:
        """Whether a member has voted, for or against."""
        return bool(self._read(self.contract.functions.voteOf(proposal, member)))

    def key_of(self, member: int, purpose: int) -> bytes:
        """A member's key as the registry's word: an address in the low bits, or a sealing key."""
        return bytes(self._read(self.contract.functions.keyOf(member, purpose)))

    def propose(self, kind: int, payload: bytes, reason_hash: bytes) -> ContractFunction:
        return self.contract.functions.propose(kind, payload, reason_hash)

    def vote(self, proposal: int, in_favour: bool) -> ContractFunction:
        return self.contract.functions.vote(proposal, in_favour)

    def enact(self, proposal: int) -> ContractFunction:
        return self.contract.functions.enact(proposal)

    def withdraw(self, proposal: int) -> ContractFunction:
        return self.contract.functions.withdraw(proposal)

    def rotate_key(self, purpose: int, key: bytes) -> ContractFunction:
        return self.contract.functions.rotateKey(purpose, key)

    def emergency_stop(self, member: int, reason_hash: bytes) -> ContractFunction:
        return self.contract.functions.emergencyStop(member, reason_hash)

    def emergency_lift(self, member: int) -> ContractFunction:
        return self.contract.functions.emergencyLift(member)


class FacilityRegistry(_Wrapper):
    name = "FacilityRegistry"

    def facility_number(self, facility_id: str) -> int:
        """The number of a facility; 0 when there is none of that id."""
        return int(self._read(self.contract.functions.facilityNumber(facility_id)))

    def state(self, facility: int) -> int:
        """0 none, 1 proposed, 2 active, 3 paused, 4 closed."""
        return int(self._read(self.contract.functions.state(facility)))

    def terms(self, facility: int) -> Any:
        """The proposed terms as the ABI's struct, to be handed on as they are."""
        return self._read(self.contract.functions.terms(facility))

    def propose(self, terms: dict[str, Any]) -> ContractFunction:
        return self.contract.functions.propose(terms)

    def accept(self, facility: int, terms_hash: bytes) -> ContractFunction:
        return self.contract.functions.accept(facility, terms_hash)

    def withdraw(self, facility: int) -> ContractFunction:
        return self.contract.functions.withdraw(facility)

    def decline(self, facility: int, reason_hash: bytes) -> ContractFunction:
        return self.contract.functions.decline(facility, reason_hash)

    def propose_shares(
        self,
        facility: int,
        effective_from: int,
        shares: Sequence[tuple[int, int, int]],
        reason_hash: bytes,
    ) -> ContractFunction:
        """`shares`: each partner's principal, interest and fee in basis points, in their order."""
        return self.contract.functions.proposeShares(
            facility, effective_from, list(shares), reason_hash
        )

    def propose_rules(
        self, facility: int, rules: tuple[int, int, int, int, int], reason_hash: bytes
    ) -> ContractFunction:
        """`rules`: first day, tolerance, window in days, deadline in seconds, cut-off in seconds
        since midnight."""
        return self.contract.functions.proposeRules(facility, rules, reason_hash)

    def propose_close(self, facility: int, reason_hash: bytes) -> ContractFunction:
        return self.contract.functions.proposeClose(facility, reason_hash)

    def accept_change(self, facility: int, change: int, change_hash: bytes) -> ContractFunction:
        return self.contract.functions.acceptChange(facility, change, change_hash)

    def enact_change(self, facility: int, change: int) -> ContractFunction:
        return self.contract.functions.enactChange(facility, change)

    def withdraw_change(self, facility: int, change: int) -> ContractFunction:
        return self.contract.functions.withdrawChange(facility, change)

    def pause(self, facility: int, reason_hash: bytes) -> ContractFunction:
        return self.contract.functions.pause(facility, reason_hash)

    def resume(self, facility: int, pauser: int) -> ContractFunction:
        return self.contract.functions.resume(facility, pauser)

    def change_count(self, facility: int) -> int:
        """The highest number of a change."""
        return int(self._read(self.contract.functions.changeCount(facility)))

    def terms_hash(self, terms: Any) -> bytes:
        """keccak256(abi.encode(terms)), which a partner signs by accepting."""
        encoded = self.contract.encode_abi("propose", [terms])
        return bytes(keccak(hexstr=encoded[10:]))


class Reconciliation(_Wrapper):
    name = "Reconciliation"

    def head_request(self, facility: int, member: int) -> tuple[str, list[Any]]:
        """Asks for a member's head, alone or in a batch; `head` reads the answer."""
        data = _HEAD_SELECTOR + facility.to_bytes(32) + member.to_bytes(32)
        return "eth_call", [{"to": self.address, "data": "0x" + data.hex()}, "latest"]

    def head(self, answer: str) -> Head:
        """The head in an answer to `head_request`."""
        words = bytes.fromhex(answer[2:])
        if len(words) != 64:
            raise ChainFault("the answer is not a head", where=f"Reconciliation at {self.address}")
        return Head(int.from_bytes(words[:32]), words[32:])

    def state_of(self, resolution: Resolution) -> bytes:
        """The pair that a resolution names, exactly as it stands; zeros where nothing is known."""
        functions = self.contract.functions
        key = self._read(functions.pairKey(_resolution(resolution)))
        return bytes(self._read(functions.stateOf(key)))

    def propose_resolution(self, resolution: Resolution, sealed_reason: bytes) -> ContractFunction:
        return self.contract.functions.proposeResolution(_resolution(resolution), sealed_reason)

    def accept_resolution(self, resolution: Resolution) -> ContractFunction:
        return self.contract.functions.acceptResolution(_resolution(resolution))

    def dispute_resolution(
        self, resolution: Resolution, reason_hash: bytes, sealed_reason: bytes
    ) -> ContractFunction:
        return self.contract.functions.disputeResolution(
            _resolution(resolution), reason_hash, sealed_reason
        )

    def withdraw_resolution(self, resolution: Resolution) -> ContractFunction:
        return self.contract.functions.withdrawResolution(_resolution(resolution))

    def refusal(self, sender: ChecksumAddress, calldata: bytes, gas: int) -> ChainFault | None:
        """Why a posting would be refused if it were sent now, ContractReverted where the contracts
        say so; None when it would not be."""
        call = {
            "from": sender,
            "to": self.address,
            "data": "0x" + calldata.hex(),
            "gas": hex(gas),
            "gasPrice": "0x0",
        }
        try:
            self._rpc.call("eth_call", [call, "latest"])
        except ChainAnswer as answer:
            data = _revert_data(answer.data)
            return answer if data is None else reverted("post", data)
        return None


class ReserveLedger(_Wrapper):
    name = "ReserveLedger"

    def available(self, facility: int, partner: int) -> int:
        """The smaller book less the active holds."""
        return int(self._read(self.contract.functions.available(facility, partner)))

    def movements(self, facility: int, partner: int, first: int, last: int) -> tuple[int, ...]:
        """What moved the lead's book, the partner's and the agreed amount on these days."""
        call = self.contract.functions.movements(facility, partner, first, last)
        return tuple(self._read(call))

    def hold(
        self, facility: int, partner: int, ref: bytes, amount: int, expires_at: int
    ) -> ContractFunction:
        number = int.from_bytes(ref)
        return self.contract.functions.hold(facility, partner, number, amount, expires_at)

    def release(self, facility: int, partner: int, ref: bytes) -> ContractFunction:
        return self.contract.functions.release(facility, partner, int.from_bytes(ref))


class DayClose(_Wrapper):
    name = "DayClose"

    def propose(self, statement: Statement) -> ContractFunction:
        return self.contract.functions.propose(_statement(statement), list(statement.open.names))

    def statement_hash(self, statement: Statement) -> bytes:
        """keccak256(abi.encode(statement, names)): what the other bank confirms."""
        arguments = [_statement(statement), list(statement.open.names)]
        return bytes(keccak(hexstr=self.contract.encode_abi("propose", arguments)[10:]))

    def confirm(
        self, facility: int, partner: int, day: int, statement_hash: bytes
    ) -> ContractFunction:
        return self.contract.functions.confirm(facility, partner, day, statement_hash)

    def dispute(
        self, facility: int, partner: int, day: int, statement_hash: bytes, reason_hash: bytes
    ) -> ContractFunction:
        return self.contract.functions.dispute(facility, partner, day, statement_hash, reason_hash)

    def withdraw(self, facility: int, partner: int, day: int) -> ContractFunction:
        return self.contract.functions.withdraw(facility, partner, day)

    def propose_reopen(
        self, facility: int, partner: int, day: int, reason_hash: bytes
    ) -> ContractFunction:
        return self.contract.functions.proposeReopen(facility, partner, day, reason_hash)

    def confirm_reopen(
        self, facility: int, partner: int, day: int, reason_hash: bytes
    ) -> ContractFunction:
        return self.contract.functions.confirmReopen(facility, partner, day, reason_hash)

    def withdraw_reopen(self, facility: int, partner: int, day: int) -> ContractFunction:
        return self.contract.functions.withdrawReopen(facility, partner, day)


def _statement(one: Statement) -> dict[str, int]:
    """As the ABI's struct."""
    return {
        "facility": one.facility,
        "partner": one.partner,
        "day": one.day,
        **{
            f"{row}{book.capitalize()}": getattr(getattr(one, row), book)
            for row in ("opening", "movement", "closing")
            for book in ("lead", "partner", "agreed")
        },
        "openLead": one.open.lead,
        "openPartner": one.open.partner,
        "acceptedDifference": one.open.accepted_difference,
        "openLegs": one.open.legs,
    }


def _resolution(resolution: Resolution) -> dict[str, Any]:
    """A resolution as the ABI's struct."""
    return {
        "facility": resolution.facility,
        "partner": resolution.partner,
        "kind": resolution.kind,
        "ref": int.from_bytes(resolution.ref),
        "targetKind": resolution.target_kind,
        "targetRef": int.from_bytes(resolution.target_ref),
        "action": resolution.action.number,
        "side": 0 if resolution.side is None else resolution.side.number,
        "businessDay": resolution.business_day,
        "state": resolution.state,
        "reasonHash": resolution.reason_hash,
    }


def _revert_data(data: object) -> bytes | None:
    """A custom error's selector and arguments, as the engines' error objects carry them."""
    if isinstance(data, dict):  # ganache
        data = data.get("data") or data.get("result")
    if isinstance(data, str) and data.startswith("0x") and len(data) >= 10:
        return bytes.fromhex(data[2:])
    return None


_BUILT_IN: list[dict[str, Any]] = [
    {"name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
    {"name": "Error", "inputs": [{"name": "message", "type": "string"}]},
]
"""Solidity's own errors, which stand in no ABI."""


def reverted(where: str, raw: bytes) -> ContractReverted:
    """Name a custom error by its selector, decode its arguments, tell its cause and remedy."""
    for entry in [*_errors(), *_BUILT_IN]:
        types = [_type(argument) for argument in entry["inputs"]]
        if keccak(text=f"{entry['name']}({','.join(types)})")[:4] != raw[:4]:
            continue
        try:
            values = decode(types, raw[4:])
        except DecodingError:
            break
        names = [argument["name"] for argument in entry["inputs"]]
        arguments = dict(zip(names, values, strict=True))
        return refusal(where, entry["name"], entry["inputs"], arguments)
    unknown = [{"name": "data", "type": "bytes"}]
    return refusal(where, "UnknownError", unknown, {"data": raw[:36]})


def _errors() -> Iterator[dict[str, Any]]:
    for contract in CONTRACTS:
        for entry in load_artifact(contract)["abi"]:
            if entry["type"] == "error":
                yield entry


def _type(argument: dict[str, Any]) -> str:
    if argument["type"].startswith("tuple"):
        inner = ",".join(_type(component) for component in argument["components"])
        return f"({inner}){argument['type'][5:]}"
    return str(argument["type"])
