"""Posting that others have stopped for a while, with batches on their way: nothing is given up, and
it goes on by itself when they allow it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from app.cli.consortium import consortium as consortium_command
from app.cli.facility import facility as facility_command
from app.node.bank import Bank
from app.outbox import lifecycle, settle
from tests.integration.posting import FACILITY, LEAD, PARTNERS, Net


@pytest.fixture
def bank(net: Net, tmp_path: Path) -> Bank:
    """The lead, with an empty database; its partners know the facilities too."""
    for name in PARTNERS:
        net.fresh_bank(f"sqlite:///{tmp_path / name}.db", name)
    return net.fresh_bank(f"sqlite:///{tmp_path / LEAD}.db")


def tally(net: Net, command: Typer, bank: str, *arguments: str) -> None:
    config = str(net.folder.config(bank))
    result = CliRunner().invoke(command, [*arguments, "--config", config])
    assert result.exit_code == 0, (result.output, result.exception)


def pause(net: Net) -> None:
    for bank in PARTNERS:
        tally(net, facility_command, bank, "pause", FACILITY, "--reason", "figures look wrong")


def resume_all(net: Net) -> None:
    for bank in PARTNERS:
        tally(net, facility_command, bank, "resume", FACILITY)


def stop(net: Net) -> None:
    for bank in PARTNERS:
        tally(net, consortium_command, bank, "emergency", "stop", LEAD, "--reason", "stolen key")


def lift(net: Net) -> None:
    for bank in PARTNERS:
        tally(net, consortium_command, bank, "emergency", "lift", LEAD)


@pytest.mark.parametrize(
    ("forbid", "why", "allow"),
    [(pause, "FacilityInState", resume_all), (stop, "ConsortiumMemberStopped", lift)],
    ids=["paused facility", "stopped bank"],
)
def test_batches_in_flight_wait_as_long_as_others_refuse_them(
    net: Net, bank: Bank, forbid: Callable[[Net], None], why: str, allow: Callable[[Net], None]
) -> None:
    net.feed(bank, 600)
    forbid(net)
    for _ in range(3 * lifecycle.MAX_FAILURES):  # before this bank's view knows of it
        bank.posting.tick()
    assert net.states(bank) == ["sealed", "broadcast", "forbidden"]
    assert net.states(bank, 2) == ["sealed", "broadcast", "early"]
    assert why in str(bank.posting.troubles(FACILITY))
    net.feed(bank, 1)
    assert bank.posting.tick() == 0  # nothing new is sealed behind them
    allow(net)
    net.drain(bank)
    net.assert_exactly_once(bank, 601)
    assert net.states(bank)[3:] == ["sealed", "broadcast", "final"]


def test_a_facility_that_gets_nothing_through_is_named(
    net: Net, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.mining(False)
    net.feed(bank, 1)
    bank.posting.tick()
    with monkeypatch.context() as impatient:
        impatient.setattr(settle, "_LATE_AFTER_S", 0.0)
        bank.posting.tick()
    (trouble,) = bank.posting.troubles(FACILITY)
    assert f"batch 1 of {FACILITY} is not on the chain" in trouble
    net.mining(True)
    net.drain(bank)
    assert bank.posting.troubles() == []


def test_a_batch_that_was_refused_again_and_again_is_not_given_up(net: Net, bank: Bank) -> None:
    net.feed(bank, 1)
    for _ in range(lifecycle.MAX_FAILURES + 1):
        pause(net)
        bank.posting.tick()
        resume_all(net)
        pause(net)
        bank.posting.tick()
        resume_all(net)
    net.drain(bank)
    net.assert_exactly_once(bank, 1)
