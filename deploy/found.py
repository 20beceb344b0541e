"""Founding a consortium: the first three deploy steps, and its validators."""

from collections.abc import Sequence

from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from deploy.consortium import ConsortiumFolder
from deploy.steps import step_01_implementations, step_02_founding, step_03_manifest
from deploy.steps.deployment import Deployment
from deploy.steps.run import Say, Step, run
from deploy.steps.step_05_validators import FoundingNode, FoundingValidators

_STEPS: tuple[Step, ...] = (step_01_implementations, step_02_founding, step_03_manifest)


def found(
    rpc: Rpc,
    engine: str,
    folder: ConsortiumFolder,
    say: Say,
    validators: Sequence[FoundingNode] = (),
) -> Manifest:
    """Deploy with the first member's approver key, admit the founding members, write the manifest,
    and register the chain's `validators`, where it has any. What was done before, on this chain, is
    noticed.

    Raises ContractReverted when the contracts refuse the members.
    """
    deployment = Deployment(rpc, engine, folder)
    run(_STEPS, deployment, say)
    if validators:
        run([FoundingValidators(validators, say)], deployment, say)
    return Manifest.read(folder.manifest)
