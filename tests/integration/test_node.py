"""A node as a process, from its start to its end, and the commands for what it cannot post."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import httpx
from sqlalchemy import select
from typer.testing import CliRunner, Result

from app.cli.dead_letters import dead_letters
from app.domain.errors import UsageFault
from app.node.bank import Bank
from app.outbox.dead_letters import add_dead_letter
from app.outbox.history import log_state
from app.outbox.lifecycle import STOPPED
from app.outbox.progress import drained
from app.outbox.tables import batches
from app.processes import free_port
from deploy.consortium import write_config
from ganache.launcher import start
from tests.integration.nodes import ROOT, START_S, Node, Nodes, begin_anew, live
from tests.integration.posting import FACILITY, LEAD, PARTNERS, Net, await_true


def test_from_the_inbox_to_the_chain_and_an_orderly_end(net: Net, nodes: Nodes) -> None:
    node = nodes()
    node.await_health(live)
    assert node.health()["posting"] == "running"
    node.put(net, LEAD, 40)
    bank = net.bank(LEAD)
    await_true(lambda: len(net.rows(bank, select(batches))) > 0, "a batch was fixed")
    await_true(lambda: drained(bank.engine, FACILITY), "everything is final")
    assert not any((node.folder / "inbox" / FACILITY).iterdir())
    assert len(list((node.folder / "inbox" / "done" / FACILITY).iterdir())) == 1
    assert node.ends() == 0
    assert "Traceback" not in node.said()
    # The lane was given up: a successor works at once.
    net.feed(bank, 1)
    assert bank.posting.tick() > 0
    net.drain(bank)
    net.assert_exactly_once(bank, 41)


def test_ctrl_c_ends_it_too(net: Net, nodes: Nodes) -> None:
    node = nodes(PARTNERS[0])
    node.await_health(live)
    with httpx.stream("GET", f"{node.url}/events", timeout=5):  # a page that is open
        assert node.ends(signal.SIGINT) == 0
    assert "Traceback" not in node.said()


def test_it_starts_while_the_chain_is_down_and_catches_up(tmp_path: Path) -> None:
    port = free_port()
    with ExitStack() as stack:
        chain = start("anvil", state_dir=tmp_path / "chain", port=port)
        net = Net(tmp_path / "net", chain.process.url)
        stack.callback(net.close)
        bank = net.bank(LEAD)
        bank.follower.index()
        bank.close()
        chain.stop()
        known, unknown = Node(net, LEAD), Node(net, PARTNERS[0])
        for node in (known, unknown):
            stack.callback(node.process.wait)
            stack.callback(node.process.kill)
        known.await_health(lambda health: health["status"] == "unreachable")
        known.put(net, LEAD, 5)
        await_true(lambda: (known.folder / "inbox" / "done").is_dir(), "the feed was taken in")
        # With an empty database a node cannot know yet who it is.
        await_true(lambda: "waiting for the chain" in unknown.said(), "it says what it waits for")
        chain = start("anvil", state_dir=tmp_path / "chain", port=port)
        stack.callback(chain.stop)
        for node in (known, unknown):
            node.await_health(live)
        bank = net.bank(LEAD)
        await_true(lambda: drained(bank.engine, FACILITY), "everything is final")
        assert unknown.ends() == 0
        net.assert_exactly_once(net.bank(LEAD), 5)
        chain.stop()  # and it ends in order when the chain has gone again
        known.await_health(lambda health: health["status"] == "unreachable")
        assert known.ends() == 0
        for node in (known, unknown):
            assert "Traceback" not in node.said()


def test_a_signal_while_it_waits_for_its_chain(net: Net, nodes: Nodes) -> None:
    node = nodes(PARTNERS[1], rpc=f"http://127.0.0.1:{free_port()}")
    await_true(lambda: "waiting for the chain" in node.said(), "it waits", wait_s=START_S)
    assert node.ends() == 0


def test_a_taken_port_is_refused_with_its_remedy(net: Net, nodes: Nodes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        write_config(net.folder, LEAD, rpc=net.url, port=port)
        done = subprocess.run(
            [sys.executable, "-m", "app", "node", "--config", str(net.folder.config(LEAD))],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "choose another" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_chain_is_said_and_nothing_is_posted(
    net: Net, nodes: Nodes, tmp_path: Path
) -> None:
    with start("anvil", state_dir=tmp_path / "other", keep_state=False) as other:
        node = nodes(rpc=other.process.url)
        code = node.process.wait(timeout=60)
    assert code == 3
    assert "another chain of the same id" in node.said()
    assert "Traceback" not in node.said()


def test_it_says_that_posting_has_stopped(net: Net, nodes: Nodes) -> None:
    """Another database has posted with the bank's key."""
    other = net.bank(LEAD, f"sqlite:///{net.root / 'other.db'}")
    other.follower.index()
    net.feed(other, 1)
    net.drain(other)
    other.close()
    node = nodes()
    node.await_health(lambda health: health["posting"] == "stopped")
    assert node.unready() == ["posting-stopped"]
    assert "is not this database's" in node.said()
    assert node.ends() == 0


# Commands


def test_reconcile_does_not_post_where_another_database_has(net: Net) -> None:
    begin_anew(net)
    other = net.fresh_bank(f"sqlite:///{net.root / 'elsewhere.db'}")
    net.feed(other, 1)
    net.drain(other)
    other.close()
    begin_anew(net)
    feed, _ = net.feed_file(LEAD, 2)
    options = ["--facility", str(net.root / f"{FACILITY}.toml"), "--network", str(net.root)]
    done = subprocess.run(
        [sys.executable, "-m", "app", "reconcile", "--lead", str(feed), *options, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 3
    assert done.stdout == ""
    assert "is not this database's" in done.stderr
    assert "Traceback" not in done.stderr
    assert net.head(other)[0] == 1


def letters(bank: Bank, *arguments: str) -> Result:
    """`tally dead-letters`, in this process."""
    config = ["--config", str(bank.config.path)]
    return CliRunner().invoke(dead_letters, [*arguments, *config])


def test_dead_letters_are_listed_and_replayed(net: Net, sqlite_url: str) -> None:
    bank = net.fresh_bank(sqlite_url)
    ids = net.feed(bank, 3)
    nothing = letters(bank, "list")
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "nothing waits" in nothing.stderr
    with bank.engine.begin() as connection:
        for event in (1, 2):
            add_dead_letter(connection, event, "too large [red]for a test[/]")
    listed = letters(bank, "list")
    assert all(one in listed.stdout for one in (*ids[:2], FACILITY, "[red]for a test[/]"))
    assert ids[2] not in listed.stdout
    found = json.loads(letters(bank, "list", "--json").stdout)
    assert [letter["event_id"] for letter in found["events"]] == ids[:2]
    net.drain(bank)
    assert net.account(bank).counts["missing_at_partner"] == 1
    unknown = letters(bank, "replay", "nobody", ids[0])
    assert isinstance(unknown.exception, UsageFault)
    assert unknown.exception.what == "'nobody' is no dead letter of this bank"
    assert "1 events" in letters(bank, "replay", ids[0]).stderr
    assert "1 events" in letters(bank, "replay").stderr
    net.drain(bank)
    net.assert_exactly_once(bank, 3)


def test_stopped_batches_are_listed_and_let_go_on(net: Net, sqlite_url: str) -> None:
    bank = net.fresh_bank(sqlite_url)
    net.mining(False)
    net.feed(bank, 3)
    bank.posting.tick()
    with bank.engine.begin() as connection:
        log_state(connection, [1], STOPPED, "5 attempts failed: the contract refused")
    listed = letters(bank, "list")
    assert "batch 1 of WLD-2016-A (3 legs) has stopped" in listed.stdout
    assert "the contract refused" in listed.stdout
    found = json.loads(letters(bank, "list", "--json").stdout)
    assert found["batches"][0]["legs"] == 3
    assert "1 batches" in letters(bank, "replay").stderr
    net.mining(True)
    net.drain(bank)
    net.assert_exactly_once(bank, 3)
