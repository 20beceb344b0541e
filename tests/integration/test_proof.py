"""Proof bundles of real chains: they verify, and whatever is changed in them does not."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from app.chain.rpc import Rpc
from app.cli.verify import verify
from app.proof.check import check
from app.proof.file import NoBundle
from app.proof.make import Made
from app.verify.errors import Unverified
from deploy.consortium import ConsortiumFolder
from ganache.launcher import start
from tests.integration.posted import World
from tests.integration.proofs import bundle, history
from tests.sealed_chain import SealedChain, SealedRpc


@pytest.fixture(scope="module", params=["anvil", "besu"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The bundle of a chain that nobody seals, and of one sealed as Besu's validators seal."""
    folder = tmp_path_factory.mktemp(request.param)
    with start("anvil", state_dir=folder / "chain", keep_state=False) as chain:
        url = chain.process.url
        sealed = SealedChain(url)
        rpc = Rpc(url) if request.param == "anvil" else SealedRpc(url, sealed)
        world = World(rpc, ConsortiumFolder(folder / "consortium"), engine=request.param)
        history(world)
        try:
            return bundle(world, folder)
        finally:
            rpc.close()
            sealed.close()


def run(path: Path, *arguments: str) -> Result:
    cli = Typer(pretty_exceptions_enable=False)
    cli.command()(verify)
    return CliRunner().invoke(cli, [str(path), *arguments])


def test_it_verifies(made: Made, tmp_path: Path) -> None:
    proved = check(made.file)
    assert proved.statement == made.proved.statement
    (tmp_path / "bundle").write_bytes(made.file)
    told = run(tmp_path / "bundle")
    assert told.exit_code == 0, told.output
    assert "15 lines of WLD-2016-A" in told.output
    machine = json.loads(run(tmp_path / "bundle", "--json").stdout)
    assert machine["result"] == "verified"
    assert {line["event_ref"] for line in machine["lines"]} == {"sealed"}


def test_every_changed_byte_is_seen(made: Made) -> None:
    random.seed(1)
    places = {*range(60), len(made.file) - 1, *random.sample(range(len(made.file)), 300)}
    for place in places:
        changed = bytearray(made.file)
        changed[place] ^= 1 << random.randrange(8)
        with pytest.raises(Unverified):
            check(bytes(changed))
    for shorter in (48, 100, len(made.file) - 1):
        with pytest.raises(Unverified):
            check(made.file[:shorter])
    with pytest.raises(Unverified):
        check(made.file + b"\0")


@pytest.mark.parametrize("content", [b"", b"TALLYSTICKPROOF1", b"PK\3\4" + bytes(100), b"{}"])
def test_what_is_no_bundle(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(NoBundle):
        check(content)
    (tmp_path / "file").write_bytes(content)
    assert run(tmp_path / "file").exit_code == 2
