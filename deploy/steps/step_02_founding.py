"""Step 2: the founding. One transaction makes all proxies, wires them and admits the founders."""

from app.chain.newest import newest_state
from app.domain.consortium import CONTRACTS
from app.domain.votes import ROLE_NUMBERS
from deploy.compile import load_artifact
from deploy.steps.deployment import Deployment

NAME = "2 founding"


def verify(deployment: Deployment) -> str:
    noted = deployment.journal.get("founding")
    if noted is None or newest_state(deployment.rpc, "eth_getCode", noted) == "0x":
        return "the consortium is not founded"
    proxies = founded(deployment)
    empty = [
        name for name, proxy in proxies.items() if int(deployment.implementation_of(proxy), 16) == 0
    ]
    if empty:
        return f"no proxy of {', '.join(empty)} stands where the founding says"
    registry = deployment.rpc.web3.eth.contract(
        address=deployment.rpc.web3.to_checksum_address(proxies["ConsortiumRegistry"]),
        abi=load_artifact("ConsortiumRegistry")["abi"],
    ).functions
    for member in deployment.folder.members():
        if registry.memberNamed(member.name).call() == 0:
            return f"{member.name} is no member"
    return ""


def prepare(deployment: Deployment) -> None:
    deployment.note(founding=deployment.next_addresses(1)[0])


def enact(deployment: Deployment) -> None:
    implementations = tuple(
        deployment.journal["implementations"][name]["address"] for name in CONTRACTS
    )
    members = []
    for member in deployment.folder.members():
        keys = deployment.folder.public_keys(member.name)
        role = ROLE_NUMBERS[member.role]
        members.append(
            (member.name, role, keys.operator, keys.approver, keys.recovery, keys.sealing)
        )
    # Constructors take structs as tuples, in the order of their members.
    creation = deployment.creation("Founding", implementations, members)
    deployment.deployer.send(creation)


def founded(deployment: Deployment) -> dict[str, str]:
    """The proxies by the contracts' names: their lasting addresses."""
    founding = deployment.rpc.web3.eth.contract(
        address=deployment.rpc.web3.to_checksum_address(deployment.journal["founding"]),
        abi=load_artifact("Founding")["abi"],
    )
    return dict(zip(CONTRACTS, founding.functions.contracts().call(), strict=True))
