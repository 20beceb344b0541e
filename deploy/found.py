"""Founding a consortium: the first three deploy steps."""

from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from deploy.consortium import ConsortiumFolder
from deploy.steps import step_01_implementations, step_02_founding, step_03_manifest
from deploy.steps.deployment import Deployment
from deploy.steps.run import Say, Step, run

_STEPS: tuple[Step, ...] = (step_01_implementations, step_02_founding, step_03_manifest)


def found(rpc: Rpc, engine: str, folder: ConsortiumFolder, say: Say) -> Manifest:
    """Deploy with the first member's approver key, admit the founding members, and write the
    manifest. What was done before, on this chain, is noticed.

    Raises ContractReverted when the contracts refuse the members.
    """
    run(_STEPS, Deployment(rpc, engine, folder), say)
    return Manifest.read(folder.manifest)
