"""The same on Polygon Edge and, where a `besu` is on the PATH, on Besu as it is rendered: founded,
reconciled, killed, voted out and in, rebuilt."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.chain.manifest import Manifest
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.proposals import (
    Newcomer,
    about,
    admit,
    register_validator,
    remove_validator,
)
from app.domain.votes import ROLE_NUMBERS
from app.keys.keystore import create_keys
from app.keys.possession import Registry, prove_admission, signing_accounts
from deploy.consortium import Member
from deploy.network.contracts import permissions_on
from deploy.votes import Ballot
from tests.network.conftest import LEAD, PARTNERS
from tests.network.engines import (
    BesuValidators,
    EdgeValidators,
    Validators,
    await_blocks,
    await_true,
    sealing,
)
from tests.network.running import nodes, reconcile, tally, write_feed
from tests.network.test_reconcile import counts, facility_file
from tests.rendered import rendered_for, skip_without_besu

pytestmark = pytest.mark.slow

BANKS = (LEAD, *PARTNERS)


@pytest.fixture(scope="module", params=["edge", "besu"])
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def besu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BesuValidators]:
    skip_without_besu()
    root = tmp_path_factory.mktemp("besu")
    members = [Member(bank, "partner" if bank in PARTNERS else "lead") for bank in BANKS]
    found = BesuValidators(rendered_for(root, members, [(bank, 1) for bank in BANKS]), root)
    try:
        found.found()
        yield found
    finally:
        found.stop()


@pytest.fixture
def validators(engine: str, request: pytest.FixtureRequest) -> Validators:
    """All four run."""
    if engine == "edge":
        built = request.getfixturevalue("built")
        return EdgeValidators(request.getfixturevalue("running"), built)
    besu: BesuValidators = request.getfixturevalue("besu")
    return besu


def reconcile_one(validators: Validators, facility: str, ref: str, folder: Path) -> dict[str, int]:
    """A drawdown at both banks; what the facility's pairs came to."""
    feeds = [
        write_feed(folder / f"{bank}-{ref}.csv", facility, [("drawdown", ref, amount)])
        for bank, amount in ((LEAD, "10.00"), ("brno", "8.00"))
    ]
    outcome = reconcile(
        validators,
        facility_file(folder, facility),
        feeds[0],
        {"brno": feeds[1]},
        folder / f"out-{ref}",
    )
    assert outcome.code == 0, outcome.stderr
    return counts(outcome.report())


def test_it_reconciles_also_without_one_and_is_rebuilt(
    validators: Validators, tmp_path: Path
) -> None:
    facility = "ENGINE-1"
    assert reconcile_one(validators, facility, "D1", tmp_path) == {"matched": 1}
    dead = validators.names[-1]
    validators.kill(dead)
    try:
        await_blocks(validators, validators.names[0], 3)
        assert reconcile_one(validators, facility, "D2", tmp_path) == {"matched": 2}
    finally:
        validators.start(dead)
    await_blocks(validators, dead, 2)
    for bank in (LEAD, "brno"):
        rebuilt = tally("rebuild", "--config", validators.folder.config(bank))
        assert rebuilt.code == 0, rebuilt.stderr
    assert reconcile_one(validators, facility, "D3", tmp_path) == {"matched": 3}


def test_two_killed_and_back_it_goes_on_by_itself(validators: Validators, tmp_path: Path) -> None:
    first, *_, third, fourth = validators.names
    for name in (third, fourth):
        validators.kill(name)
    for name in (third, fourth):
        validators.start(name)
    await_blocks(validators, first, 2)
    assert reconcile_one(validators, "ENGINE-2", "D1", tmp_path) == {"matched": 1}


def test_the_banks_nodes_vote_a_validator_out_and_in_as_the_registry_says(
    validators: Validators, engine: str
) -> None:
    rpc = validators.rpc(validators.names[0])
    try:
        address = Manifest.read(validators.folder.manifest).addresses["ConsortiumRegistry"]
        registry = ConsortiumRegistry(rpc, address)
        ballot = Ballot(rpc, registry, validators.folder)
        seats = registry.validators()
        leaving = seats[-1]
        with nodes(validators.folder, BANKS):
            ballot.carry([remove_validator(leaving.node)], "try without it", print)
            await_true("three validators", lambda: len(sealing(validators)) == len(seats) - 1)
            assert leaving.node not in sealing(validators)
            again = register_validator(leaving.member, leaving.node, leaving.enode)
            ballot.carry([again], "take it back", print)
            await_true("four validators", lambda: len(sealing(validators)) == len(seats))
        if engine == "besu":
            permitted = permissions_on(validators.folder.root, rpc.url)
            assert (permitted.nodes, len(permitted.names)) == (len(seats), len(BANKS))
    finally:
        rpc.close()


def test_a_bank_is_admitted_gets_a_validator_and_is_evicted_with_it(
    validators: Validators, engine: str
) -> None:
    """The chain's part of it, by the banks' votes and their nodes': a seat changes hands."""
    name, folder = "tabor", validators.folder
    rpc = validators.rpc(validators.names[0])
    try:
        address = Manifest.read(folder.manifest).addresses["ConsortiumRegistry"]
        registry = ConsortiumRegistry(rpc, address)
        ballot = Ballot(rpc, registry, folder)
        seats = registry.validators()
        seat = seats[-1]
        create_keys(folder.keys(name), development=True)
        keys = folder.public_keys(name)
        place = Registry(registry.chain_id(), registry.address)
        signers = signing_accounts(folder.keys(name), development=True)
        proof = prove_admission(place, name, ROLE_NUMBERS["partner"], keys, signers)
        newcomer = Newcomer(
            name, "partner", keys.sealing, keys.operator, keys.approver, keys.recovery, proof
        )
        with nodes(folder, BANKS):
            ballot.carry([admit(newcomer)], f"admit {name}", print)
            number = registry.member_named(name)
            assert registry.state_of(number) == "active"
            ballot.carry([remove_validator(seat.node)], "its seat", print)
            await_true("three validators", lambda: len(sealing(validators)) == len(seats) - 1)
            ballot.carry([register_validator(number, seat.node, seat.enode)], "a seat", print)
            await_true("four validators", lambda: seat.node in sealing(validators))
            if engine == "besu":
                assert name in permissions_on(folder.root, rpc.url).names

            ballot.carry([about("evict", number)], f"evict {name}", print, subject=number)
            await_true("its seat is gone", lambda: seat.node not in sealing(validators))
            assert registry.state_of(number) == "evicted"
            if engine == "besu":
                permitted = permissions_on(folder.root, rpc.url)
                assert name not in permitted.names and permitted.nodes == len(seats) - 1
            again = register_validator(seat.member, seat.node, seat.enode)
            ballot.carry([again], "the seat of before", print)
            await_true("four validators again", lambda: len(sealing(validators)) == len(seats))
        if engine == "besu":
            assert permissions_on(folder.root, rpc.url).nodes == len(seats)
    finally:
        rpc.close()
        shutil.rmtree(folder.keys(name).parent)
