"""Besu's permissions and the proxies' names after votes: what the registry says, not what was
rendered at first."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.actions.consortium import Propose, Withdraw, propose, withdraw
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.cli.network import network
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.errors import ContractReverted
from app.contracts.proposals import Newcomer, about, admit, register_validator
from app.domain.errors import ConfigFault, UsageFault
from app.keys.keystore import PublicKeys, create_keys
from app.keys.possession import Registry, prove_admission, signing_accounts
from deploy.compose.render import read_nodes, render
from deploy.consortium import ConsortiumFolder, Member, create, folder_name
from deploy.network.contracts import found_on, permissions_on, upgrade_on
from deploy.network.layout import Network, Validator
from deploy.votes import Ballot
from ganache.launcher import ChainProcess

MEMBERS = [
    Member("webank", "lead"),
    Member("huarui", "partner"),
    Member("luoyang", "partner"),
    Member("audit-office", "auditor"),
]


STRANGE = "Bank of 上海"
SEATS = (("webank", 1), ("huarui", 1), ("luoyang", 1), ("webank", 2))


def description(root: Path) -> Network:
    """What is rendered: the members, and the banks' validators."""
    folder = ConsortiumFolder(root / "net")
    folder.root.mkdir(exist_ok=True)
    folder.write_members(MEMBERS)
    seats = [Validator(f"{bank}-{n}", bank, "0x" + "0" * 40, "", 1, 2, 3) for bank, n in SEATS]
    return Network(folder, 4_711, seats)


@pytest.fixture
def rendered(tmp_path: Path) -> ConsortiumFolder:
    """As `tally network render` leaves it, with development keys, which are quick to open."""
    folder = ConsortiumFolder(tmp_path / "out")
    create(folder, MEMBERS)
    render(description(tmp_path), folder.root)
    return folder


def enodes(folder: ConsortiumFolder, *, without: str = "") -> list[str]:
    return [one.peer for one in read_nodes(folder.root) if one.bank != without]


def enode(digit: int) -> str:
    return f"enode://{f'{digit}' * 128}@172.30.77.1{digit}:30303"


def proxies(folder: ConsortiumFolder) -> dict[str, str]:
    """Every proxy's configuration by its name, and the list of who gets through (`admitted`)."""
    return {path.stem: path.read_text() for path in (folder.root / "proxies").iterdir()}


def lists(folder: ConsortiumFolder) -> dict[str, Any]:
    """Who is let in: the nodes, and the accounts, of which every node's list says the same."""
    besu = folder.root / "besu"
    accounts = [
        tomllib.loads(path.read_text()) for path in sorted(besu.glob("accounts/*/accounts.toml"))
    ]
    assert len(accounts) == len(SEATS) and all(one == accounts[0] for one in accounts)
    return {**tomllib.loads((besu / "shared" / "nodes.toml").read_text()), **accounts[0]}


def addresses(keys: PublicKeys) -> set[str]:
    return {one.lower() for one in (keys.operator, keys.approver, keys.recovery)}


def no_vote_for_what_an_endpoint_shows_as_something_else(
    ballot: Ballot, registry: ConsortiumRegistry, subject: int
) -> None:
    """The endpoint shows a removal as what the folder's banks would have: they vote on that."""
    ballot.carry([about("suspend", subject)], "look into it", print, subject=subject)
    (voter, *_) = ballot.voters(subject)
    asked = Propose((about("evict", subject),), "out with it")
    propose(asked, None, registry, voter.approver)
    number = registry.proposal_count()
    wanted = about("reinstate", subject)
    with pytest.MonkeyPatch.context() as lies:
        shown = replace(registry.proposal(number), kind=wanted.number, payload=wanted.payload)
        lies.setattr(registry, "proposal", lambda _: shown)
        with pytest.raises(ContractReverted, match="asks for something else"):
            ballot.carry([wanted], "back again", print, subject=subject)
    assert registry.state_of(subject) == "suspended"
    withdraw(Withdraw(number), None, registry, voter.approver)
    ballot.carry([wanted], "back again", print, subject=subject)


def test_what_needs_a_founded_consortium_says_so(
    rendered: ConsortiumFolder, shared_anvil: ChainProcess
) -> None:
    root, url = rendered.root, shared_anvil.url
    with pytest.raises(UsageFault, match="not founded"):
        permissions_on(root, url)
    with pytest.raises(UsageFault, match="not founded"):
        upgrade_on(root, url, "DayClose", print)


def test_they_follow_the_registrys_votes(
    rendered: ConsortiumFolder, shared_anvil: ChainProcess
) -> None:
    """One bank is admitted with a validator, one evicted, an auditor suspended."""
    root, url = rendered.root, shared_anvil.url
    said: list[str] = []
    found_on(root, url, said.append)
    assert said[-1] == "5 validators: done"
    found_on(root, url, said.append)
    assert said[-1] == "5 validators: done before"
    before = proxies(rendered)
    done = permissions_on(root, url)
    assert (done.nodes, done.accounts) == (4, 12)
    assert done.names == ["webank", "huarui", "luoyang", "audit-office"]
    assert lists(rendered)["nodes-allowlist"] == sorted(enodes(rendered))
    assert proxies(rendered) == before

    keys = create_keys(rendered.keys(STRANGE), development=True)
    signers = signing_accounts(rendered.keys(STRANGE), development=True)
    rpc = Rpc(url)
    try:
        registry = ConsortiumRegistry(
            rpc, Manifest.read(rendered.manifest).addresses["ConsortiumRegistry"]
        )
        ballot = Ballot(rpc, registry, rendered)
        consortium = Registry(registry.chain_id(), registry.address)
        proof = prove_admission(consortium, STRANGE, 2, keys, signers)
        newcomer = Newcomer(
            STRANGE, "partner", keys.sealing, keys.operator, keys.approver, keys.recovery, proof
        )
        ballot.carry([admit(newcomer)], "admit", print)
        rendered.write_members([*MEMBERS, Member(STRANGE, "partner")])
        asked = [
            register_validator(registry.member_named(STRANGE), "0x" + "4" * 40, enode(9)),
            register_validator(registry.member_named(STRANGE), "0x" + "5" * 40, 'none"]\n'),
            about("suspend", registry.member_named("audit-office")),
        ]
        ballot.carry(asked, "make room", print)
        leaving = registry.member_named("luoyang")
        no_vote_for_what_an_endpoint_shows_as_something_else(ballot, registry, leaving)
        ballot.carry([about("evict", leaving)], "evict", print, subject=leaving)
    finally:
        rpc.close()

    by_hand = root / "proxies" / "webank.conf"
    by_hand.write_text(by_hand.read_text().replace("warn;", "notice;  # by hand"))
    done = permissions_on(root, url)
    assert (done.nodes, done.accounts) == (4, 12)
    assert lists(rendered)["nodes-allowlist"] == sorted(
        [*enodes(rendered, without="luoyang"), enode(9)]
    )
    present = ("webank", "huarui", "audit-office", STRANGE)
    assert set(lists(rendered)["accounts-allowlist"]) == set().union(
        *(addresses(rendered.public_keys(name)) for name in present)
    )
    static = json.loads((root / "besu" / "shared" / "static-nodes.json").read_text())
    assert static == lists(rendered)["nodes-allowlist"]

    # The suspended auditor gets through as before, the evicted bank does not.
    assert done.names == [folder_name(name) for name in present]
    assert done.proxies == ["huarui-proxy", "luoyang-proxy", "webank-proxy"]
    entry = '"~^CN={}$" 1;\n'
    expected = dict(before)
    expected["admitted"] = "".join(entry.format(folder_name(name)) for name in present)
    expected["webank"] = expected["webank"].replace("warn;", "notice;  # by hand")
    assert proxies(rendered) == expected
    shown = CliRunner().invoke(network, ["permissions", "--dir", str(root), "--rpc", url])
    assert shown.exit_code == 0, shown.output
    assert ", ".join(done.names) in shown.stdout
    assert "docker compose restart huarui-proxy luoyang-proxy webank-proxy\n" in shown.stdout
    assert proxies(rendered) == expected

    # Rendered again, a founded one keeps what the registry said; from a description with other
    # members it is left as it is.
    rendered.write_members(MEMBERS)
    render(description(root.parent), root)
    expected["webank"] = expected["webank"].replace("notice;  # by hand", "warn;")
    assert proxies(rendered) == expected
    rendered.write_members(MEMBERS[:3])
    with pytest.raises(UsageFault, match="founded with other members"):
        render(description(root.parent), root)


def test_a_proxy_whose_list_is_not_found_is_told_and_nothing_is_written(
    rendered: ConsortiumFolder, shared_anvil: ChainProcess
) -> None:
    """Else an evicted bank would be let through, and nobody would know."""
    root, url = rendered.root, shared_anvil.url
    found_on(root, url, lambda text: None)
    damaged = root / "proxies" / "webank.conf"
    damaged.write_text(
        damaged.read_text().replace("map $ssl_client_s_dn ", "map $ssl_client_i_dn ")
    )
    stale = root / "proxies" / "admitted.map"
    stale.write_text(stale.read_text().replace('"~^CN=luoyang$" 1;', '"~^CN=gone$" 1;'))
    before = proxies(rendered)
    with pytest.raises(ConfigFault, match="does not list who gets through") as fault:
        permissions_on(root, url)
    assert fault.value.where == str(damaged)
    assert proxies(rendered) == before
