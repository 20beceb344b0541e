"""Founding a consortium: the contracts' code, then all proxies wired in one transaction."""

from typing import Any

from web3.contract.contract import ContractConstructor

from app.chain.contracts import ROLES
from app.chain.keystore import load_account
from app.chain.manifest import CONTRACTS, Manifest
from app.chain.rpc import Rpc
from app.chain.transactions import execute
from deploy.compile import load_artifact
from deploy.consortium import ConsortiumFolder


def found(rpc: Rpc, engine: str, folder: ConsortiumFolder) -> Manifest:
    """Deploy with the first member's approver key and admit the founding members.

    Raises ContractReverted when the contracts refuse the members.
    """
    members = folder.members()
    deployer = load_account(folder.keys(members[0].name), "approver", development=True)
    first_block = int(rpc.call("eth_blockNumber", []), 16) + 1

    def deploy(name: str, *arguments: Any) -> str:
        receipt = execute(rpc, deployer, _constructor(rpc, name, *arguments))
        return str(rpc.web3.to_checksum_address(receipt["contractAddress"]))

    implementations = [deploy(name) for name in CONTRACTS]
    role_numbers = {role: number for number, role in ROLES.items()}
    founding_members = []
    for member in members:
        keys = folder.public_keys(member.name)
        founding_members.append(
            (
                member.name,
                role_numbers[member.role],
                keys.operator,
                keys.approver,
                keys.recovery,
                keys.sealing,
            )
        )
    # Constructors take structs as tuples, in the order of their members.
    address = deploy("Founding", tuple(implementations), founding_members)
    founding = rpc.web3.eth.contract(
        address=rpc.web3.to_checksum_address(address), abi=load_artifact("Founding")["abi"]
    )
    proxies = founding.functions.contracts().call()
    return Manifest(
        engine=engine,
        chain_id=int(rpc.call("eth_chainId", []), 16),
        genesis=rpc.call("eth_getBlockByNumber", ["0x0", False])["hash"],
        addresses=dict(zip(CONTRACTS, proxies, strict=True)),
        first_block=first_block,
    )


def _constructor(rpc: Rpc, name: str, *arguments: Any) -> ContractConstructor:
    """The creation of a compiled contract."""
    artifact = load_artifact(name)
    return rpc.web3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"]).constructor(
        *arguments
    )
