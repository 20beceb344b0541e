"""Going through deploy steps: verify, and where something is missing prepare, enact, verify."""

from collections.abc import Callable, Sequence
from typing import Protocol

from app.domain.errors import ChainFault
from deploy.steps.deployment import Deployment

Say = Callable[[str], None]


class Step(Protocol):
    """One step; a module of this package, or what was made for one occasion."""

    @property
    def NAME(self) -> str:
        """What it brings about, for people."""

    def verify(self, deployment: Deployment) -> str:
        """What on the chain or on disk is not as this step leaves it; empty when all is."""

    def prepare(self, deployment: Deployment) -> None:
        """Decide and note what will be sent."""

    def enact(self, deployment: Deployment) -> None:
        """Send it and wait until it is on the chain."""


def run(steps: Sequence[Step], deployment: Deployment, say: Say) -> None:
    """Bring about each step that is not done yet, in order.

    Raises ContractReverted when a contract refuses, ChainFault when a step did not bring about
    what it should have.
    """
    for step in steps:
        if not step.verify(deployment):
            say(f"{step.NAME}: done before")
            continue
        step.prepare(deployment)
        step.enact(deployment)
        missing = step.verify(deployment)
        if missing:
            raise ChainFault(
                f"{step.NAME}: {missing}",
                where=str(deployment.folder.root),
                remedy="Run the command again; what was done is noticed",
            )
        say(f"{step.NAME}: done")
