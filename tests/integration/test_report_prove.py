"""`tally report prove` as each bank's node runs it, on a development chain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer import Typer
from typer.testing import CliRunner, Result

from app.cli.report import report
from app.cli.verify import verify
from app.config import load_config
from app.db.engine import create, upgrade
from app.domain.errors import TallyError, UsageFault
from app.proof.check import check
from app.proof.file import unpack
from app.reports.source import ReportRefused
from deploy.consortium import write_config
from tests.integration.posted import Event, World
from tests.integration.proofs import DAY, HUARUI
from tests.integration.test_resolutions import post_breaks, top_up

NODES = ("webank", "huarui", "auditor")


@pytest.fixture
def engines(world: World) -> Iterator[dict[str, Engine]]:
    """The databases of three nodes, which have read nothing yet."""
    found = {}
    for name in NODES:
        write_config(world.folder, name, rpc=world.rpc.url, port=0)
        found[name] = create(load_config(world.folder.config(name)).database_url)
        upgrade(found[name])
    yield found
    for name, engine in found.items():
        engine.dispose()
        for file in world.folder.config(name).parent.glob("node.db*"):
            file.unlink()


def prove(
    world: World, bank: str, out: Path, *options: str, fails: type[TallyError] | None = None
) -> Result:
    cli = Typer(pretty_exceptions_enable=False)
    cli.add_typer(report, name="report")
    asked = {
        "--config": str(world.folder.config(bank)),
        "--facility": world.facility_id,
        "--from": DAY.isoformat(),
        "--to": DAY.isoformat(),
        "--out": str(out),
    }
    asked.update(zip(options[::2], options[1::2], strict=True))
    arguments = [text for option in asked.items() for text in option]
    result = CliRunner().invoke(cli, ["report", "prove", *arguments])
    if fails is None:
        assert result.exit_code == 0, (result.output, result.exception)
    else:
        assert isinstance(result.exception, fails), (result.output, result.exception)
    return result


def test_every_node_states_the_same_and_anyone_verifies_it(
    world: World, engines: dict[str, Engine], tmp_path: Path
) -> None:
    world.post("wuxi", Event(1, "L1", 246_699))
    post_breaks(world)
    world.post("webank", Event(1, "L1", 999_999), top_up("MORE", 7, HUARUI))
    statements = set()
    for bank, engine in engines.items():
        world.indexer(bank, engine).advance()
        out = tmp_path / f"{bank}.proof"
        told = prove(world, bank, out)
        assert "9 lines as of block" in told.output
        statements.add(unpack(out.read_bytes()).statement)
        cli = Typer(pretty_exceptions_enable=False)
        cli.command()(verify)
        told = CliRunner().invoke(cli, [str(out)])
        assert told.exit_code == 0, told.output
        assert "agrees with itself, and proves nothing more" in told.output
    assert len(statements) == 1


def test_what_cannot_be_proved_is_refused_and_nothing_is_written(
    world: World, engines: dict[str, Engine], tmp_path: Path
) -> None:
    out = tmp_path / "bundle"
    fault = prove(world, "webank", out, fails=ReportRefused).exception
    assert "has not read a block" in str(fault)
    snapshot = world.rpc.call("evm_snapshot", [])
    post_breaks(world)
    world.indexer("webank", engines["webank"]).advance()
    prove(world, "webank", out, "--facility", "OTHER", fails=UsageFault)
    prove(world, "webank", out, "--from", "2100-01-01", fails=UsageFault)
    prove(world, "webank", tmp_path / "none" / "bundle", fails=UsageFault)
    # The chain takes back what the node has read, and goes on otherwise.
    world.rpc.call("evm_revert", [snapshot])
    world.sequences.clear()
    world.post("huarui", top_up("ELSE", 1))
    world.rpc.call("evm_mine", [])
    fault = prove(world, "webank", out, fails=ReportRefused).exception
    assert "another block" in str(fault)
    assert list(tmp_path.iterdir()) == []


def test_another_facility_on_the_same_chain_is_passed_over(
    world: World, engines: dict[str, Engine], tmp_path: Path
) -> None:
    first = world.facility_id, world.facility
    post_breaks(world)
    world.sequences.clear()
    world.facility_id = "OTHER-1"
    try:
        world.facility = world.agree()
        world.post("webank", top_up("A", 5, HUARUI))
        world.post("huarui", top_up("A", 5))
    finally:
        world.facility_id, world.facility = first
    world.indexer("webank", engines["webank"]).advance()
    lines = {}
    for facility in (first[0], "OTHER-1"):
        out = tmp_path / facility
        prove(world, "webank", out, "--facility", facility)
        lines[facility] = [line[1] for line in check(out.read_bytes()).facts["lines"]]
    assert lines["OTHER-1"] == ["matched"]
    assert sorted(lines[first[0]]) == sorted(
        ["amount", "date", "missing_at_partner", "matched", "missing_at_lead"]
    )
