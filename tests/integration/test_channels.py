"""A node of several channels when something is wrong with one of them: the others work on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from app.config import load_config
from app.db import engine as db
from app.doctor.examine import examine
from app.http import keys
from app.processes import free_port
from deploy.consortium import write_config
from tests.chains import Chain
from tests.integration.nodes import ROOT
from tests.integration.posting import FACILITY, LEAD, PARTNERS, Net, await_true
from tests.plain_http import NO_TLS

WAIT_S = 60.0
CONNECTIONS = 12
"""Of all that a channel has to its database, the most that may be waited for."""
CROWD = 130
"""More than all threads that a node of two channels has for requests."""


class ChannelsNode:
    """A node of several channels as a process; `channels` are its banks' configurations."""

    def __init__(self, folder: Path, channels: dict[str, Path]) -> None:
        self.config, self.log = folder / "node.toml", folder / "node.log"
        port = free_port()
        self.config.write_text(
            f"[api]\nport = {port}\n"
            + "".join(f'[channels.{name}]\nconfig = "{at}"\n' for name, at in channels.items())
        )
        self.url = f"http://127.0.0.1:{port}"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "node", "--config", str(self.config)],
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        await_true(self._listens, "the node listens", WAIT_S)
        engine = db.create(f"sqlite:///{folder / 'node-keys.db'}")
        with engine.begin() as connection:
            self.key = keys.create(connection, "test", "admin")[1]
        engine.dispose()

    def _listens(self) -> bool:
        assert self.process.poll() is None, self.said()
        try:
            return httpx.get(f"{self.url}/health", timeout=5, verify=NO_TLS).is_success
        except httpx.TransportError:
            return False

    def get(self, path: str) -> httpx.Response:
        return httpx.get(
            f"{self.url}{path}",
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=20,
            verify=NO_TLS,
        )

    def channel(self, name: str) -> dict[str, Any]:
        (found,) = (one for one in self.get("/channels").json()["items"] if one["name"] == name)
        return dict(found)

    def problems(self, name: str) -> list[str]:
        return [one["name"] for one in self.channel(name)["problems"]]

    def await_problems(self, name: str, *problems: str) -> None:
        await_true(
            lambda: self.problems(name) == list(problems), f"{name} has just {problems}", WAIT_S
        )

    def said(self) -> str:
        return self.log.read_text()

    def ends(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=WAIT_S)


Begin = Callable[[Path, dict[str, Path]], ChannelsNode]


@pytest.fixture
def begin() -> Iterator[Begin]:
    with ExitStack() as stack:

        def start(folder: Path, channels: dict[str, Path]) -> ChannelsNode:
            node = ChannelsNode(folder, channels)
            stack.callback(node.process.wait)
            stack.callback(node.process.kill)
            return node

        yield start


class Two:
    """Two chains with a consortium each, whose lead is one bank."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.chains: dict[str, Chain] = {}
        self.nets: dict[str, Net] = {}
        for name in ("c1", "c2"):
            chain = Chain("anvil", folder / name)
            chain.start()
            stack.callback(chain.stop)
            net = Net(folder / name / "net", chain.url)
            stack.callback(net.close)
            self.chains[name], self.nets[name] = chain, net

    def configs(self, **database: str) -> dict[str, Path]:
        """The lead's files; `database` are the lines that say where a channel's rows are."""
        found = {}
        for name, net in self.nets.items():
            write_config(net.folder, LEAD, rpc=net.url, port=0)
            found[name] = net.folder.config(LEAD)
            text = re.sub("database_url = .*", database[name], found[name].read_text())
            found[name].write_text(text)
        return found

    def feed(self, name: str, ref: str) -> None:
        """The lead's half of a top-up, put into its inbox."""
        net = self.nets[name]
        path, _ = net.feed_file(LEAD, 1, event_ref=ref, event_id=f"lead-{ref}")
        inbox = net.folder.config(LEAD).parent / "inbox" / FACILITY
        inbox.mkdir(parents=True, exist_ok=True)
        past = time.time() - 60
        os.utime(path, (past, past))
        path.rename(inbox / f"{ref}.csv")

    def await_matched(self, name: str, ref: str, pairs: int) -> None:
        """The partner posts its half; then the lead's node must see so many pairs matched."""
        net = self.nets[name]
        partner, lead = net.bank(PARTNERS[0]), net.bank(LEAD)
        partner.follower.index()
        path, _ = net.feed_file(PARTNERS[0], 1, event_ref=ref, event_id=f"partner-{ref}")
        taken = partner.intakes.take_in(FACILITY, path, lambda rows: None, lambda text: None)
        assert taken.accepted == 1
        net.drain(partner)
        await_true(
            lambda: net.account(lead).counts["matched"] == pairs, f"{pairs} match on {name}", WAIT_S
        )
        assert net.account(lead).proof == 0
        net.opened.close()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with ExitStack() as stack:
        yield Two(tmp_path_factory.mktemp("two"), stack)


def test_one_channels_trouble_stops_no_other(
    two: Two, tmp_path: Path, begin: Begin, postgres_url: str
) -> None:
    """From the start to the end, with a schema of one PostgreSQL for each channel."""
    schemas = {
        name: f'database_url = "{postgres_url}"\ndatabase_schema = "{name}"' for name in two.nets
    }
    configs = two.configs(**schemas)
    passphrase = configs["c1"].parent / "keys" / "passphrase"
    hidden = passphrase.rename(passphrase.with_name("elsewhere"))
    two.chains["c1"].stop()

    # A key that does not open, and a chain that is away before the channel was ever open.
    node = begin(tmp_path, configs)
    node.await_problems("c2")
    two.feed("c2", "R1")
    two.await_matched("c2", "R1", pairs=1)
    closed = node.channel("c1")
    assert (closed["state"], closed["health"]) == ("closed", None)
    assert node.problems("c1") == ["channel-closed"]
    assert "passphrase: cannot be read" in closed["problems"][0]["detail"]
    for path in ("", "v1/balances", "health", "login"):
        answer = node.get(f"/channels/c1/{path}")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert "passphrase" not in answer.text
    shown = httpx.get(node.url).text  # of development networks alone, on this machine
    assert "Cannot be opened" in shown
    assert re.findall(r'href="/channels/(c\d)/"', shown) == ["c2"]
    assert node.get("/ready").json() == {"channels": 2, "ready": 1}
    lines = node.get("/metrics").text.splitlines()
    assert 'tally_ready{channel="c1"} 0.0' in lines
    assert 'tally_problem{channel="c1",name="channel-closed"} 1.0' in lines
    assert 'tally_ready{channel="c2"} 1.0' in lines
    hidden.rename(passphrase)
    await_true(
        lambda: "passphrase" not in node.channel("c1")["problems"][0]["detail"], "chain", WAIT_S
    )
    two.chains["c1"].start()
    node.await_problems("c1")
    two.feed("c1", "R1")
    two.await_matched("c1", "R1", pairs=1)

    healthy = doctor(node.config)
    assert healthy["channels"] == "the 2 share nothing that each must have alone"
    assert "2 of 2 channels do their work" in healthy[f"port {httpx.URL(node.url).port}"]
    for name in two.nets:
        assert healthy[f"{name}: schema {name}"] == "is of this version"
        assert "posts for this bank" in healthy[f"{name}: lease"]

    # Its chain goes away while it works.
    two.chains["c1"].stop()
    node.await_problems("c1", "chain-unreachable")
    two.feed("c1", "R2")
    two.feed("c2", "R2")
    two.await_matched("c2", "R2", pairs=2)
    two.chains["c1"].start()
    node.await_problems("c1")
    two.await_matched("c1", "R2", pairs=2)

    # Its database hangs, and more ask for it than a process has threads.
    other = channel_key(configs["c2"])
    with (
        psycopg.connect(postgres_url) as locks,
        psycopg.connect(postgres_url, autocommit=True) as looks,
        ThreadPoolExecutor(CROWD) as crowd,
        httpx.Client(
            headers=channel_key(configs["c1"]),
            limits=httpx.Limits(max_connections=None),
            timeout=60,
        ) as client,
    ):
        locks.execute("LOCK TABLE c1.cursor, c1.pairs, c1.accounts IN ACCESS EXCLUSIVE MODE")
        hanging = [
            crowd.submit(client.get, f"{node.url}/channels/c1/v1/balances") for _ in range(CROWD)
        ]
        await_true(lambda: waiting(looks) >= CONNECTIONS, "the crowd hangs", WAIT_S)
        # Sooner than the first of them gives up.
        answer = httpx.get(f"{node.url}/channels/c2/v1/balances", headers=other, timeout=6)
        assert answer.json()["items"][0]["partner"] == PARTNERS[0]
        node.await_problems("c1", "channel-silent")
        two.feed("c2", "R3")
        two.await_matched("c2", "R3", pairs=3)
        locks.rollback()
        assert {one.result().status_code for one in hanging} <= {200, 503}
    node.await_problems("c1")
    with httpx.stream("GET", f"{node.url}/channels/c2/live", timeout=10):  # a page that is open
        assert node.ends() == 0
    assert "Traceback" not in node.said()


def test_one_database_by_two_addresses_is_one_channels(
    two: Two, tmp_path: Path, begin: Begin, postgres_url: str
) -> None:
    other = postgres_url.replace("127.0.0.1", "localhost")
    node = begin(
        tmp_path,
        two.configs(c1=f'database_url = "{postgres_url}"', c2=f'database_url = "{other}"'),
    )

    def states() -> dict[str, str]:
        return {one["state"]: one["name"] for one in node.get("/channels").json()["items"]}

    await_true(lambda: states().keys() == {"open", "closed"}, "one of them is open", WAIT_S)
    found = states()
    (problem,) = node.channel(found["closed"])["problems"]
    assert problem["detail"] == (
        f"channel {found['closed']} has the same database as channel {found['open']}"
    )
    assert node.ends() == 0


def test_channels_that_share_end_the_start(two: Two, tmp_path: Path) -> None:
    config = tmp_path / "node.toml"
    bank = two.nets["c1"].folder.config(LEAD)
    config.write_text("".join(f'[channels.{name}]\nconfig = "{bank}"\n' for name in ("a", "b")))
    done = subprocess.run(
        [sys.executable, "-m", "app", "node", "--config", str(config)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "channel b has the same bank.toml as channel a" in " ".join(done.stderr.split())


def waiting(server: psycopg.Connection[Any]) -> int:
    """How many connections wait for a lock."""
    row = server.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    ).fetchone()
    return int(row[0]) if row else 0


def doctor(config: Path) -> dict[str, str]:
    """What `tally doctor` finds; no check may fail."""
    found = list(examine(config))
    assert [one for one in found if one.level == "fail"] == []
    return {one.check: one.what for one in found}


def channel_key(config: Path) -> dict[str, str]:
    """The header that opens a channel for reading."""
    engine = db.create(load_config(config).database_url)
    with engine.begin() as connection:
        key = keys.create(connection, "test", "read")[1]
    engine.dispose()
    return {"Authorization": f"Bearer {key}"}
