"""ConsortiumRegistry: members, their keys, proposals and votes, validator nodes."""

from dataclasses import dataclass

from eth_typing import ChecksumAddress
from web3 import Web3
from web3.contract.contract import ContractFunction

from app.contracts.deployed_contract import DeployedContract, translated
from app.domain.errors import ChainFault
from app.domain.votes import PROPOSAL_STATES, ROLES, STATES

_BLOCKS_A_LOOK = 1_000  # Polygon Edge answers for no more


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal as the registry has it. `kind` by its number; `state`: of PROPOSAL_STATES;
    `content_hash`: what a vote on it names (`domain.votes.content_hash`)."""

    kind: int
    state: str
    content_hash: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class RegisteredValidator:
    """A validator node as the registry has it; `member` is the number of the bank that runs it."""

    node: ChecksumAddress
    member: int
    enode: str


class ConsortiumRegistry(DeployedContract):
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
        return STATES.get(state, f"unknown ({state})")

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

    def proposal(self, number: int) -> Proposal:
        """A proposal as it stands now."""
        found = self._read(self.contract.functions.proposal(number))
        state = PROPOSAL_STATES[int(found[1]) - 1]
        return Proposal(int(found[0]), state, bytes(found[-2]), bytes(found[-1]))

    def reason_hash(self, proposal: int) -> bytes:
        """The hash of a proposal's reason, by the event that made it; the registry keeps only the
        hash of all it asks for. Raises ChainFault where the endpoint gives no such event."""
        made = self.contract.events.ProposalMade()
        with translated(f"{self.name}.ProposalMade"):
            last = int(self._rpc.call("eth_blockNumber", []), 16)
            while last >= 0:
                first = max(0, last - _BLOCKS_A_LOOK + 1)
                found = made.get_logs({"proposal": proposal}, from_block=first, to_block=last)
                for event in found:
                    return bytes(event["args"]["reasonHash"])
                last = first - 1
        raise ChainFault(f"no event of proposal {proposal} is found", where=self._rpc.url)

    def has_voted(self, proposal: int, member: int) -> bool:
        """Whether a member has voted, for or against."""
        return bool(self._read(self.contract.functions.voteOf(proposal, member)))

    def key_of(self, member: int, purpose: int) -> bytes:
        """A member's key as the registry's word: an address in the low bits, or a sealing key."""
        return bytes(self._read(self.contract.functions.keyOf(member, purpose)))

    def propose(self, kind: int, payload: bytes, reason_hash: bytes) -> ContractFunction:
        return self.contract.functions.propose(kind, payload, reason_hash)

    def vote(self, proposal: int, content_hash: bytes, in_favour: bool) -> ContractFunction:
        return self.contract.functions.vote(proposal, content_hash, in_favour)

    def enact(self, proposal: int, content_hash: bytes) -> ContractFunction:
        return self.contract.functions.enact(proposal, content_hash)

    def withdraw(self, proposal: int) -> ContractFunction:
        return self.contract.functions.withdraw(proposal)

    def object_to_key(self, proposal: int, content_hash: bytes) -> ContractFunction:
        return self.contract.functions.objectToKey(proposal, content_hash)

    def rotate_key(self, purpose: int, key: bytes, proof: bytes) -> ContractFunction:
        return self.contract.functions.rotateKey(purpose, key, (proof[:32], proof[32:]))

    def emergency_stop(self, member: int, reason_hash: bytes) -> ContractFunction:
        return self.contract.functions.emergencyStop(member, reason_hash)

    def emergency_lift(self, member: int) -> ContractFunction:
        return self.contract.functions.emergencyLift(member)
