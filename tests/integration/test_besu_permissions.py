"""Besu's permissions after votes: what the registry says, not what was rendered at first."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from app.chain.contracts import ConsortiumRegistry
from app.chain.keystore import PublicKeys, create_keys
from app.chain.manifest import Manifest
from app.chain.proposals import Newcomer, about, admit, register_validator
from app.chain.rpc import Rpc
from app.domain.errors import UsageFault
from deploy import tls
from deploy.compose.render import render
from deploy.consortium import ConsortiumFolder, Member, create
from deploy.network.contracts import found_on, permissions_on
from deploy.network.layout import Network
from deploy.votes import Ballot
from ganache.launcher import ChainProcess

MEMBERS = [
    Member("webank", "lead"),
    Member("huarui", "partner"),
    Member("luoyang", "partner"),
    Member("audit-office", "auditor"),
]


@pytest.fixture
def rendered(tmp_path: Path) -> ConsortiumFolder:
    """As `tally network render` leaves it, with development keys, which are quick to open."""
    folder = ConsortiumFolder(tmp_path / "out")
    create(folder, MEMBERS)
    tls.make_authority(folder.authority)
    tls.issue(folder.authority, "webank", folder.certificates("webank"), ["localhost"])
    (folder.root / "besu").mkdir()
    (folder.root / "compose.yaml").touch()
    nodes = [
        {"bank": one.name, "address": "0x" + f"{n}" * 40, "peer": enode(n)}
        for n, one in enumerate(MEMBERS[:3], 1)
    ]
    (folder.root / "besu" / "validators.json").write_text(json.dumps(nodes))
    return folder


def enode(digit: int) -> str:
    return f"enode://{f'{digit}' * 128}@172.30.77.1{digit}:30303"


def lists(folder: ConsortiumFolder) -> dict[str, Any]:
    return tomllib.loads((folder.root / "besu" / "permissions_config.toml").read_text())


def addresses(keys: PublicKeys) -> set[str]:
    return {one.lower() for one in (keys.operator, keys.approver, keys.recovery)}


def test_they_follow_the_registrys_votes(
    rendered: ConsortiumFolder, shared_anvil: ChainProcess
) -> None:
    """One bank is admitted with a validator, one evicted, an auditor suspended."""
    root, url = rendered.root, shared_anvil.url
    said: list[str] = []
    found_on(root, url, said.append)
    assert said[-1] == "6 validators: done"
    found_on(root, url, said.append)
    assert said[-1] == "6 validators: done before"
    assert permissions_on(root, url) == (3, 12)
    assert lists(rendered)["nodes-allowlist"] == [enode(1), enode(2), enode(3)]

    keys = create_keys(rendered.keys("nanfeng"), development=True)
    newcomer = Newcomer(
        "nanfeng", "partner", keys.sealing, keys.operator, keys.approver, keys.recovery
    )
    rpc = Rpc(url)
    try:
        registry = ConsortiumRegistry(
            rpc, Manifest.read(rendered.manifest).addresses["ConsortiumRegistry"]
        )
        ballot = Ballot(rpc, registry, rendered)
        ballot.carry([admit(newcomer)], "admit", print)
        rendered.write_members([*MEMBERS, Member("nanfeng", "partner")])
        asked = [
            register_validator(registry.member_named("nanfeng"), "0x" + "4" * 40, enode(4)),
            register_validator(registry.member_named("nanfeng"), "0x" + "5" * 40, 'none"]\n'),
            about("suspend", registry.member_named("audit-office")),
        ]
        ballot.carry(asked, "make room", print)
        leaving = registry.member_named("luoyang")
        ballot.carry([about("evict", leaving)], "evict", print, subject=leaving)
    finally:
        rpc.close()

    assert permissions_on(root, url) == (3, 12)
    assert lists(rendered)["nodes-allowlist"] == [enode(1), enode(2), enode(4)]
    present = ("webank", "huarui", "audit-office", "nanfeng")
    assert set(lists(rendered)["accounts-allowlist"]) == set().union(
        *(addresses(rendered.public_keys(name)) for name in present)
    )
    static = json.loads((root / "besu" / "static-nodes.json").read_text())
    assert static == lists(rendered)["nodes-allowlist"]

    # Rendered again from a description with other members, a founded one is left as it is.
    other = ConsortiumFolder(root.parent / "net")
    create(other, MEMBERS)
    with pytest.raises(UsageFault, match="founded with other members"):
        render(Network(other, 4_711, []), root)
