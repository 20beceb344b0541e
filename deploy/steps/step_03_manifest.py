"""Step 3: the manifest, which tells every bank's node which chain and which contracts are its."""

from app.chain.errors import OutOfSync
from app.chain.identity import check_chain
from app.chain.manifest import Manifest
from app.domain.errors import WrongChain
from deploy.steps.deployment import Deployment
from deploy.steps.step_02_founding import founded

NAME = "3 manifest"


def verify(deployment: Deployment) -> str:
    try:
        manifest = Manifest.read(deployment.folder.manifest)
    except (OSError, ValueError) as fault:
        return str(fault)
    if manifest != _manifest(deployment):
        return f"{deployment.folder.manifest} is not of this founding"
    try:
        check_chain(deployment.rpc, manifest)
    except (WrongChain, OutOfSync) as fault:
        return str(fault)
    return ""


def prepare(deployment: Deployment) -> None:
    """Nothing is sent: all that it tells was noted by the steps before."""


def enact(deployment: Deployment) -> None:
    _manifest(deployment).write(deployment.folder.manifest)


def _manifest(deployment: Deployment) -> Manifest:
    return Manifest(
        engine=deployment.engine,
        chain_id=int(deployment.rpc.call("eth_chainId", []), 16),
        genesis=deployment.journal["genesis"],
        addresses=founded(deployment),
        first_block=deployment.journal["first_block"],
    )
