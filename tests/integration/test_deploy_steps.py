"""The deploy steps: what a second run notices, and what a run that was cut off leaves to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.actions import consortium
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.contracts.errors import ContractReverted
from app.contracts.transactions import next_nonce
from app.domain.consortium import CONTRACTS
from app.domain.errors import ChainFault
from deploy.compile import load_artifact
from deploy.consortium import ConsortiumFolder, Member, create
from deploy.found import found
from deploy.steps import deployment as deployments
from deploy.steps import step_01_implementations, step_02_founding
from deploy.steps.deployment import Deployment
from deploy.steps.run import run
from deploy.steps.step_04_upgrade import Upgrade
from ganache.launcher import ChainProcess

MEMBERS = [Member("ceska", "lead"), Member("brno", "partner"), Member("ostrava", "partner")]


@pytest.fixture
def rpc(shared_anvil: ChainProcess) -> Iterator[Rpc]:
    found = Rpc(shared_anvil.url)
    yield found
    found.close()


@pytest.fixture
def folder(tmp_path: Path) -> ConsortiumFolder:
    made = ConsortiumFolder(tmp_path / "net")
    create(made, MEMBERS)
    return made


@pytest.fixture
def deployment(rpc: Rpc, folder: ConsortiumFolder) -> Deployment:
    """Of a consortium that is founded."""
    found(rpc, "anvil", folder, print)
    return Deployment(rpc, "anvil", folder)


def sent(deployment: Deployment) -> int:
    return next_nonce(deployment.rpc, deployment.deployer.account)


def test_a_second_run_sends_nothing_and_leaves_everything(deployment: Deployment) -> None:
    before = (sent(deployment), deployment.folder.manifest.read_text())
    said: list[str] = []
    found(deployment.rpc, "anvil", deployment.folder, said.append)
    assert said == ["1 implementations: done before", "2 founding: done before",
                    "3 manifest: done before"]  # fmt: skip
    assert (sent(deployment), deployment.folder.manifest.read_text()) == before


def test_a_manifest_that_was_lost_is_written_again(deployment: Deployment) -> None:
    before = Manifest.read(deployment.folder.manifest)
    count = sent(deployment)
    deployment.folder.manifest.unlink()
    assert found(deployment.rpc, "anvil", deployment.folder, print) == before
    assert sent(deployment) == count


@pytest.mark.parametrize("enacted", [False, True])
def test_a_run_that_was_cut_off_goes_on_where_it_was(
    rpc: Rpc, folder: ConsortiumFolder, enacted: bool
) -> None:
    """Cut off after its decision was noted, or after its transactions were mined too."""
    cut_off = Deployment(rpc, "anvil", folder)
    run([step_01_implementations], cut_off, print)
    step_02_founding.prepare(cut_off)
    if enacted:
        step_02_founding.enact(cut_off)
    noted = json.loads(folder.journal.read_text())

    manifest = found(rpc, "anvil", folder, print)
    assert json.loads(folder.journal.read_text()) == noted
    assert sent(cut_off) == len(CONTRACTS) + 1
    assert manifest.first_block == noted["first_block"]


def test_implementations_that_never_came_are_deployed_again(
    rpc: Rpc, folder: ConsortiumFolder
) -> None:
    first = Deployment(rpc, "anvil", folder)
    step_01_implementations.prepare(first)
    again = Deployment(rpc, "anvil", folder)
    assert "not the code of ConsortiumRegistry, " in step_01_implementations.verify(again)
    run([step_01_implementations], again, print)
    assert step_01_implementations.verify(again) == ""


def test_foreign_code_where_an_implementation_should_be_is_seen(deployment: Deployment) -> None:
    made = deployment.journal["implementations"]
    made["ReserveLedger"]["address"] = made["DayClose"]["address"]
    assert step_01_implementations.verify(deployment) == (
        "there is not the code of ReserveLedger where it should be"
    )


def test_founders_that_the_registry_refuses_are_named(rpc: Rpc, tmp_path: Path) -> None:
    folder = ConsortiumFolder(tmp_path / "net")
    create(folder, [MEMBERS[0], Member("ceska", "partner")])
    with pytest.raises(ContractReverted):
        found(rpc, "anvil", folder, print)
    assert not folder.manifest.exists()


def test_nothing_is_sent_when_one_call_of_many_is_refused(
    deployment: Deployment,
) -> None:
    count = sent(deployment)
    good = deployment.creation("DayClose")
    bad = deployment.creation("Founding", (deployment.deployer.address,) * 5, [])
    with pytest.raises(ChainFault):
        deployment.deployer.send(good, bad)
    assert sent(deployment) == count


def test_notes_of_another_chain_are_dropped(deployment: Deployment) -> None:
    deployment.note(genesis="0x" + "1" * 64)
    assert set(Deployment(deployment.rpc, "anvil", deployment.folder).journal) == {"genesis"}


def test_an_upgrade_is_deployed_once_and_done_when_the_vote_has_passed(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    step = Upgrade("DayClose", told.append)
    assert step.verify(deployment) == ""

    def newer(name: str) -> dict[str, Any]:
        """Tomorrow's DayClose: any other code will do."""
        return load_artifact("ReserveLedger" if name == "DayClose" else name)

    monkeypatch.setattr(deployments, "load_artifact", newer)
    assert "stands for other code" in step.verify(deployment)

    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut, pytest.raises(KeyboardInterrupt):
        cut.setattr(consortium, "vote", cut_off)  # proposed, and then nobody voted
        run([step], deployment, lambda text: None)
    said: list[str] = []
    run([step], deployment, said.append)
    run([step], deployment, said.append)
    assert said == ["4 upgrade of DayClose: done", "4 upgrade of DayClose: done before"]
    assert [one for one in told if "proposes" in one] == [
        f"{MEMBERS[0].name} proposes: upgrade of DayClose"
    ]
    proposal = json.loads(step.proposal(deployment).read_text())
    # The code, the proposal; the other banks voted, and what is done is not done again.
    assert sent(deployment) == len(CONTRACTS) + 3
    proxy = Manifest.read(deployment.folder.manifest).addresses["DayClose"]
    assert proposal["proxy"] == proxy
    assert deployment.implementation_of(proxy) == proposal["implementation"]
