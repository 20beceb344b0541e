"""Step 1: the contracts' code, which the proxies will stand for. On the chain in one go."""

from app.domain.consortium import CONTRACTS
from deploy.steps.deployment import Deployment, implementation_hash

NAME = "1 implementations"


def verify(deployment: Deployment) -> str:
    noted = deployment.journal.get("implementations")
    if noted is None:
        return "no implementations were deployed"
    wrong = [
        name
        for name, made in noted.items()
        if deployment.code_hash(made["address"]) != made["code_hash"]
    ]
    return f"there is not the code of {', '.join(wrong)} where it should be" if wrong else ""


def prepare(deployment: Deployment) -> None:
    addresses = deployment.next_addresses(len(CONTRACTS))
    deployment.note(
        first_block=int(deployment.rpc.call("eth_blockNumber", []), 16) + 1,
        implementations={
            name: {"address": address, "code_hash": implementation_hash(name, address)}
            for name, address in zip(CONTRACTS, addresses, strict=True)
        },
    )


def enact(deployment: Deployment) -> None:
    deployment.deployer.send(*[deployment.creation(name) for name in CONTRACTS])
