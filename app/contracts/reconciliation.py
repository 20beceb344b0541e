"""Reconciliation: legs, how far each bank's postings have come, and the resolution of breaks."""

from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_typing import ChecksumAddress
from eth_utils.abi import function_signature_to_4byte_selector
from web3.contract.contract import ContractFunction

from app.chain.errors import ChainAnswer
from app.contracts.deployed_contract import DeployedContract
from app.contracts.errors import revert_data, reverted
from app.domain.errors import ChainFault
from app.domain.identifiers import pair_key
from app.domain.resolutions import Resolution

_HEAD = "0x" + function_signature_to_4byte_selector("head(uint32,uint16)").hex()
"""Asked at every look at the chain: web3 takes a millisecond to encode it."""


@dataclass(frozen=True, slots=True)
class PostingHead:
    """How far a bank's postings for a facility have come: the contract's own word."""

    sequence: int
    digest: bytes


class Reconciliation(DeployedContract):
    name = "Reconciliation"

    def head_request(self, facility: int, member: int) -> tuple[str, list[Any]]:
        """Asks for a member's head, alone or in a batch; `head` reads the answer."""
        data = f"{_HEAD}{facility:064x}{member:064x}"
        return "eth_call", [{"to": self.address, "data": data}, "latest"]

    def head(self, answer: str) -> PostingHead:
        """The head in an answer to `head_request`. Raises ChainFault where it is none."""
        try:
            return PostingHead(*decode(["uint64", "bytes32"], bytes.fromhex(answer[2:])))
        except (DecodingError, ValueError):
            where = f"Reconciliation at {self.address}"
            raise ChainFault("the answer is not a head", where=where) from None

    def state_of(self, resolution: Resolution) -> bytes:
        """What a resolution names as its state: the pair exactly as it stands, of a reversal with
        its target; zeros where nothing is known."""
        function = self.contract.functions.resolutionState(_resolution(resolution))
        return bytes(self._read(function))

    def pair_of(self, resolution: Resolution) -> bytes:
        """The pair that a resolution names, as it stands by itself; zeros where nothing is known.
        For all but reversals the same as `state_of`."""
        target = bytes((resolution.target_kind,)) + resolution.target_ref
        key = pair_key(
            resolution.facility,
            resolution.partner,
            resolution.kind,
            resolution.ref,
            target if resolution.target_kind else b"",
        )
        return bytes(self._read(self.contract.functions.stateOf(key)))

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
            data = revert_data(answer.data)
            return answer if data is None else reverted("post", data)
        return None


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
