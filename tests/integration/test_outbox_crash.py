"""Kill -9 at every point of a batch's way: after the restart it is on the chain exactly once."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from app.outbox.progress import drained
from tests.integration.crashing import POINTS, Mortal
from tests.integration.posting import FACILITY, LEAD, Net


def run(net: Net, point: str) -> Mortal:
    return Mortal(net.folder.config(LEAD), point)


@pytest.mark.parametrize("point", POINTS)
def test_kill_9(net: Net, sqlite_url: str, point: str) -> None:
    survives_kill_9(net, sqlite_url, point)


@pytest.mark.parametrize("point", ["sealing", "sent", "proven"])
def test_kill_9_on_postgresql(net: Net, postgres_url: str, point: str) -> None:
    survives_kill_9(net, postgres_url, point)


def survives_kill_9(net: Net, database_url: str, point: str) -> None:
    bank = net.fresh_bank(database_url)
    net.feed(bank, 600)
    bank.close()
    if point == "half sent":
        net.mining(False)
    run(net, point).await_death()
    net.mining(True)
    survivor = net.bank()
    net.drain(survivor)
    net.assert_exactly_once(survivor, 600)
    net.feed(survivor, 5)
    net.drain(survivor)
    net.assert_exactly_once(survivor, 605)


def test_kill_9_at_random_while_feeds_arrive(net: Net, sqlite_url: str) -> None:
    chance = random.Random(20)
    bank = net.fresh_bank(sqlite_url)
    rows = 0
    for _ in range(4):
        process = run(net, "never")
        assert process.says() == "ready"
        until = time.monotonic() + chance.uniform(0.02, 0.6)
        while time.monotonic() < until:
            rows += len(net.feed(bank, chance.randrange(1, 400)))
        process.kill()
        process.await_death()
    survivor = net.bank()
    net.drain(survivor)
    net.assert_exactly_once(survivor, rows)


def test_kill_one_of_two_that_were_started_by_mistake(net: Net, sqlite_url: str) -> None:
    """Two processes with one bank's key and database: one posts, the other takes over."""
    bank = net.fresh_bank(sqlite_url)
    twins = [run(net, "never") for _ in range(2)]
    for one in twins:
        assert one.says() == "ready"
    rows = 0
    for one in twins:
        for _ in range(5):
            rows += len(net.feed(bank, 150))
        one.kill()
        one.await_death()
    survivor = net.bank()
    net.drain(survivor)
    net.assert_exactly_once(survivor, rows)


def test_a_full_disk_loses_nothing(net: Net, sqlite_url: str) -> None:
    bank = net.fresh_bank(sqlite_url)
    net.feed(bank, 1200)
    database = Path(sqlite_url.removeprefix("sqlite:///"))
    largest = max(file.stat().st_size for file in database.parent.glob("bank.db*"))
    process = run(net, f"disk {largest + 64 * 1024}")
    assert process.says() == "ready"
    assert process.says().startswith("DiskFull")
    net.drain(bank)
    net.assert_exactly_once(bank, 1200)
    assert drained(bank.engine, FACILITY)
