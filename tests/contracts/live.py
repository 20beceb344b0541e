"""A founded consortium on a real anvil, driven straight through the contracts' ABIs.

Its keys are made-up addresses: the chain is told to take any sender's word for who it is, so that
a test can act as anybody, a contract too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal, get_args

from eth_abi.abi import decode
from eth_typing import ChecksumAddress
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak
from web3 import Web3
from web3.contract import Contract

from app.chain.errors import ChainAnswer
from app.chain.rpc import Rpc
from app.contracts.errors import ContractReverted, reverted
from app.contracts.transactions import wait_for_receipt
from app.domain.consortium import CONTRACTS
from app.domain.facility import EARLIEST_DAY
from deploy.compile import compile_contracts, load_artifact

GAS = 150_000_000

Purpose = Literal["operator", "approver", "recovery"]
_NOBODY = Web3.to_checksum_address("0x" + "00" * 20)
ROLES = {"lead": 1, "partner": 2, "auditor": 3, "regulator": 4}


def key(member: str, purpose: Purpose) -> ChecksumAddress:
    """The address that is this member's key for that purpose."""
    return Web3.to_checksum_address(keccak(text=f"{member}/{purpose}")[-20:])


def founding_member(
    name: str, role: str, keys: Sequence[Purpose] = get_args(Purpose)
) -> tuple[Any, ...]:
    """A member as the registry's structs have it, with its keys for these purposes."""
    return (
        name,
        ROLES[role],
        *(key(name, one) if one in keys else _NOBODY for one in get_args(Purpose)),
        keccak(text=f"{name}/sealing"),
    )


@dataclass
class Live:
    """The consortium's contracts by name, on the chain at `rpc`."""

    rpc: Rpc
    contracts: dict[str, Contract] = field(default_factory=dict)

    def found(self, members: dict[str, str]) -> None:
        """Found a consortium of members with their roles; numbers are places from 1."""
        compile_contracts()
        self.rpc.call("anvil_autoImpersonateAccount", [True])
        code = [self.deploy(name) for name in CONTRACTS]
        listed = [founding_member(name, role) for name, role in members.items()]
        founding = self.at("Founding", self.deploy("Founding", tuple(code), listed))
        proxies = founding.functions.contracts().call()
        self.contracts = {
            name: self.at(name, proxy) for name, proxy in zip(CONTRACTS, proxies, strict=True)
        }

    def deploy(self, name: str, *arguments: Any) -> ChecksumAddress:
        """Deploy a contract's code; its address."""
        artifact = load_artifact(name)
        factory = self.rpc.web3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
        data = factory.constructor(*arguments).data_in_transaction
        receipt = self._mined({"from": key("deployer", "operator"), "data": data})
        assert receipt["status"] == "0x1", f"{name} cannot be deployed"
        return Web3.to_checksum_address(receipt["contractAddress"])

    def at(self, name: str, address: ChecksumAddress) -> Contract:
        """A contract at an address."""
        return self.rpc.web3.eth.contract(address=address, abi=load_artifact(name)["abi"])

    def view(self, contract: str, function: str, *arguments: Any) -> Any:
        """What a view answers."""
        return self.contracts[contract].functions[function](*arguments).call()

    def views(self, calls: list[tuple[str, str, tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
        """What many views (contract, function, arguments) answer, in one round trip."""
        requests = [
            ("eth_call", [self._call(_NOBODY, contract, function, arguments), "latest"])
            for contract, function, arguments in calls
        ]
        answers = self.rpc.batch(requests)
        return [
            decode(_outputs(contract, function), bytes.fromhex(answer[2:]))
            for (contract, function, _), answer in zip(calls, answers, strict=True)
        ]

    def send(
        self, sender: ChecksumAddress, contract: str, function: str, *arguments: Any
    ) -> dict[str, Any]:
        """A transaction's receipt. Raises ContractReverted when it is refused."""
        receipt = self._mined(self._call(sender, contract, function, arguments))
        if receipt["status"] != "0x1":
            refusal = self.refusal(sender, contract, function, *arguments)
            raise refusal or AssertionError(f"{function} failed, and would not now")
        return receipt

    def refusal(
        self, sender: ChecksumAddress, contract: str, function: str, *arguments: Any
    ) -> ContractReverted | None:
        """Why a call would be refused now; None = it would not."""
        try:
            self.rpc.call("eth_call", [self._call(sender, contract, function, arguments), "latest"])
        except ChainAnswer as answer:
            if not isinstance(answer.data, str):
                raise
            return reverted(function, bytes.fromhex(answer.data[2:]))
        return None

    def now(self) -> int:
        """The newest block's time, seconds."""
        return int(self.rpc.call("eth_getBlockByNumber", ["latest", False])["timestamp"], 16)

    def today(self) -> int:
        """The ordinal of the newest block's day."""
        return datetime.fromtimestamp(self.now(), UTC).toordinal()

    def activate(self, terms: dict[str, Any], lead: str, partners: list[str]) -> int:
        """Propose a facility and have every partner accept it; its number."""
        registry = self.contracts["FacilityRegistry"]
        self.send(key(lead, "approver"), "FacilityRegistry", "propose", terms)
        number = int(self.view("FacilityRegistry", "facilityNumber", terms["id"]))
        digest = keccak(hexstr=registry.encode_abi("propose", [terms])[10:])
        for name in partners:
            self.send(key(name, "approver"), "FacilityRegistry", "accept", number, digest)
        return number

    def _call(
        self, sender: ChecksumAddress, contract: str, function: str, arguments: tuple[Any, ...]
    ) -> dict[str, Any]:
        target = self.contracts[contract]
        data = target.encode_abi(function, list(arguments))
        return {"from": sender, "to": target.address, "data": data}

    def _mined(self, call: dict[str, Any]) -> dict[str, Any]:
        sent = self.rpc.call("eth_sendTransaction", [call | {"gas": hex(GAS), "gasPrice": "0x0"}])
        return wait_for_receipt(self.rpc, sent)


@cache
def _outputs(contract: str, function: str) -> list[str]:
    """The types that a function returns."""
    entries = load_artifact(contract)["abi"]
    (entry,) = [each for each in entries if each["type"] == "function" and each["name"] == function]
    return [collapse_if_tuple(output) for output in entry["outputs"]]


def terms(
    facility_id: str,
    lead: int,
    partners: dict[int, tuple[int, int, int]],
    *,
    rules: tuple[int, int, int, int, int] = (0, 0, 0, 86_400, 86_399),
    readers: tuple[int, ...] = (),
) -> dict[str, Any]:
    """A facility's terms as `propose` takes them; `partners`: member number -> shares in bps."""
    return {
        "id": facility_id,
        "lead": lead,
        "currency": "CNY",
        "decimals": 2,
        "timeZone": "Asia/Shanghai",
        "rules": rules,
        "bounds": (0, 0),
        "partners": [(member, shares, 100_000, b"sealed") for member, shares in partners.items()],
        "leadSealedReferenceKey": b"sealed",
        "readers": [(member, b"sealed") for member in readers],
        "split": 0,
        "firstDay": EARLIEST_DAY,
    }
