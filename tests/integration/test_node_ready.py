"""/ready tells the truth, and a node ends in good order: real processes, broken for real."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
from sqlalchemy import select, update

from app.http import keys
from app.intake.tables import events
from app.outbox.tables import leases
from ganache.launcher import start
from tests.integration.nodes import Node, Nodes, live
from tests.integration.posting import FACILITY, LEAD, Net, await_true


@contextmanager
def held_still(pid: int) -> Iterator[None]:
    """The process answers nobody, and is not gone."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_chain_that_is_silent_is_told_and_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with ExitStack() as stack:
        chain = start("anvil", state_dir=tmp_path / "chain", keep_state=False)
        stack.callback(chain.stop)
        net = Net(tmp_path / "net", chain.process.url)
        stack.callback(net.close)
        node = Node(net, LEAD)
        stack.callback(node.process.wait)
        stack.callback(node.process.kill)
        node.await_health(live)
        node.await_unready()
        with held_still(chain.process.pid):
            node.await_unready("chain-unreachable")
            assert node.health()["chain"]["head"] is None
            assert node.ends() == 0
        assert '"stuck": true' in node.said()
        assert "Traceback" not in node.said()
        (lease,) = net.rows(net.bank(LEAD), select(leases))
        assert lease.expires_at == 0


def test_a_database_that_is_held_is_told(net: Net, nodes: Nodes) -> None:
    node = nodes()
    node.await_health(live)
    with closing(sqlite3.connect(node.folder / "node.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        node.await_unready("database")
        assert node.health()["database"]["writable"] is False
        other.execute("ROLLBACK")
        node.await_unready()


def test_a_disk_that_is_nearly_full_is_told(net: Net, nodes: Nodes) -> None:
    node = nodes(settings="min_free_disk_mb = 1_000_000_000")
    node.await_health(live)
    node.await_unready("disk-low")


def test_another_process_that_posts_for_the_bank_is_told(net: Net, nodes: Nodes) -> None:
    other = net.fresh_bank(f"sqlite:///{net.folder.config(LEAD).parent / 'node.db'}")
    other.posting.tick()
    with other.engine.begin() as connection:  # it will not run out while the node starts
        connection.execute(update(leases).values(expires_at=leases.c.expires_at + 3_600_000))
    node = nodes()
    node.await_health(live)
    node.await_unready("lease-elsewhere")
    other.close()
    node.await_unready()
    assert node.health()["lease"] == "held"


def test_what_was_answered_as_accepted_before_the_end_is_stored(net: Net, nodes: Nodes) -> None:
    node = nodes()
    node.await_health(live)
    bank = net.bank(LEAD)
    with bank.engine.begin() as connection:
        _, key = keys.create(connection, "core banking", "feeds")
    accepted: list[str] = []
    refused = threading.Event()

    def push() -> None:
        with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=10) as client:
            for number in range(1_000_000):
                event = {
                    "event_id": f"PUSHED-{number}",
                    "facility": FACILITY,
                    "event_ref": f"P{number}",
                    "kind": "drawdown",
                    "amount": "100.00",
                    "currency": "CNY",
                    "value_date": "2026-03-02",
                    "booked_at": "2026-03-02T09:15:00+08:00",
                }
                try:
                    answer = client.post(f"{node.url}/v1/facilities/{FACILITY}/events", json=event)
                except httpx.TransportError:
                    break
                if answer.status_code != httpx.codes.CREATED:
                    break
                accepted.append(event["event_id"])
        refused.set()

    pushing = threading.Thread(target=push)
    pushing.start()
    await_true(lambda: len(accepted) > 20 or refused.is_set(), "some were accepted")
    assert node.ends() == 0
    assert refused.wait(15)
    pushing.join()
    assert len(accepted) > 20
    assert "Traceback" not in node.said()
    stored = {row.event_id for row in net.rows(bank, select(events.c.event_id))}
    assert set(accepted) <= stored
    # A successor posts them all, once; it need not wait for the lease to run out.
    bank.posting.tick()
    assert bank.posting.lease == "held"
    net.drain(bank)
