"""Thin typed wrappers, one class a contract. Amounts are minor units, days ordinals."""

from dataclasses import dataclass
from typing import Any

from eth_abi import decode
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak
from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction
from web3.exceptions import ContractCustomError, Web3Exception

from app.chain.errors import ContractReverted
from app.chain.rpc import Rpc
from app.domain.errors import ChainFault
from deploy.compile import load_artifact


ROLES = {1: "lead", 2: "partner", 3: "auditor", 4: "regulator"}
"""Members' roles by their numbers on the chain."""


@dataclass(frozen=True, slots=True)
class Head:
    """How far a bank's postings for a facility have come: the contract's own word."""

    sequence: int
    digest: bytes


class _Wrapper:
    name: str

    def __init__(self, rpc: Rpc, address: str) -> None:
        self.address = Web3.to_checksum_address(address)
        self.contract: Contract = rpc.web3.eth.contract(
            address=self.address, abi=load_artifact(self.name)["abi"]
        )

    def _read(self, function: ContractFunction) -> Any:
        try:
            return function.call()
        except ContractCustomError as revert:
            raise reverted(f"{self.name}.{function.fn_name}", revert.data) from None
        except Web3Exception as fault:
            raise ChainFault(f"{self.name}.{function.fn_name}: {fault}") from fault

    def contract_version(self) -> int:
        return int(self._read(self.contract.functions.contractVersion()))


class ConsortiumRegistry(_Wrapper):
    name = "ConsortiumRegistry"

    def member_of(self, operator: ChecksumAddress) -> int:
        """The member number of an operator key; 0 when it is nobody's."""
        return int(self._read(self.contract.functions.memberOf(operator)))


    def role(self, member: int) -> str:
        """lead, partner, auditor or regulator."""
        return ROLES[int(self._read(self.contract.functions.member(member))[1])]


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

    def terms_hash(self, terms: Any) -> bytes:
        """keccak256(abi.encode(terms)), which a partner signs by accepting."""
        encoded = self.contract.encode_abi("propose", [terms])
        return bytes(keccak(hexstr=encoded[10:]))


class Reconciliation(_Wrapper):
    name = "Reconciliation"

    def head(self, facility: int, member: int) -> Head:
        sequence, digest = self._read(self.contract.functions.head(facility, member))
        return Head(int(sequence), bytes(digest))


def reverted(where: str, data: object) -> ContractReverted:
    """Name a custom error by its selector and decode its arguments."""
    raw = bytes.fromhex(str(data).removeprefix("0x")) if data else b""
    for contract in (
        "ConsortiumRegistry",
        "FacilityRegistry",
        "ReserveLedger",
        "Reconciliation",
    ):
        for entry in load_artifact(contract)["abi"]:
            if entry["type"] != "error":
                continue
            types = [_type(argument) for argument in entry["inputs"]]
            if keccak(text=f"{entry['name']}({','.join(types)})")[:4] == raw[:4]:
                values = decode(types, raw[4:])
                names = [argument["name"] for argument in entry["inputs"]]
                return ContractReverted(where, entry["name"], dict(zip(names, values, strict=True)))
    return ContractReverted(where, "UnknownError", {"data": raw[:36].hex()})


def _type(argument: dict[str, Any]) -> str:
    if argument["type"].startswith("tuple"):
        inner = ",".join(_type(component) for component in argument["components"])
        return f"({inner}){argument['type'][5:]}"
    return str(argument["type"])
