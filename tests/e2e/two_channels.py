"""A lead that keeps two partners apart: two chains, one node of the lead's on both, and each
partner's own node on its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Engine

from app import processes
from app.config import BankConfig, load_config
from app.db import engine as db
from app.db.clock import now
from app.db.vault import Vault
from app.domain.facility_file import parse_facility
from app.http import keys
from app.keys.keystore import STORAGE
from app.keys.versions import KeyVersions
from app.local.consortium import Consortium, embedded
from app.local.demo.nodes import NodeProcess, await_ready, start_node
from app.people.sessions import begin_session
from app.processes import free_port
from deploy.consortium import Member
from tests.e2e.pushing import push_events
from tests.feeds import facility_text, row_now
from tests.integration.faces import add_test_person
from tests.integration.posting import await_true
from tests.plain_http import NO_TLS

LEAD = "webank"
ROOT = Path(__file__).resolve().parents[2]
TALLY = (sys.executable, "-m", "app")
WAIT_S = 60


@dataclass
class Channel:
    """One channel: its chain, its partner, and what nobody outside it may learn."""

    name: str
    partner: str
    facility: str
    whole: str
    """The lead's drawdown, of which the partner's part is `part`."""
    part: str
    top_up: str
    word: str
    """In every reference, loan, borrower and memo of it."""
    consortium: Consortium = field(init=False)
    node: NodeProcess = field(init=False)
    """The partner's."""
    url: str = field(init=False)
    """The lead's faces of it."""
    _keys: dict[tuple[str, str], str] = field(default_factory=dict)

    def config(self, bank: str) -> BankConfig:
        return load_config(self.consortium.folder.config(bank))

    @contextmanager
    def database(self, bank: str) -> Iterator[Engine]:
        """A bank's database of this channel, with what opens it."""
        config = self.config(bank)
        secrets = KeyVersions(config.keys, STORAGE, development=config.development)
        engine = db.create(config.database_url, vault=Vault(secrets))
        yield engine
        engine.dispose()

    def key(self, bank: str, role: keys.Role) -> str:
        """An API key of a bank's node for this channel."""
        if (bank, role) not in self._keys:
            with self.database(bank) as engine, engine.begin() as connection:
                self._keys[bank, role] = keys.create(connection, "test", role)[1]
        return self._keys[bank, role]

    def session(self, bank: str) -> dict[str, str]:
        """The cookie of a session that a bank's viewer has opened on this channel."""
        with self.database(bank) as engine, engine.begin() as connection:
            person = add_test_person(connection, ("viewer",))
            token = begin_session(connection, person.id, now(), address="", agent="test")
        return {"tally_session_1": token}

    def event(self, bank: str, ref: str, kind: str, amount: str) -> dict[str, Any]:
        return row_now(
            f"{bank}-{self.word}-{ref}",
            facility=self.facility,
            event_ref=f"{self.word}-{ref}",
            kind=kind,
            amount=amount,
            **{name: f"{self.word} {name}" for name in ("loan_ref", "borrower_ref", "memo")},
            **({"partner": self.partner} if bank == LEAD and kind == "top_up" else {}),
        )

    def push(self, bank: str, *events: dict[str, Any]) -> None:
        url = self.url if bank == LEAD else self.node.url
        push_events(url, self.facility, self.key(bank, "feeds"), events)

    def pairs(self, bank: str) -> list[tuple[str, str]]:
        """What a bank's node shows of it: each pair's reference and type."""
        url = self.url if bank == LEAD else self.node.url
        answer = httpx.get(
            f"{url}/v1/pairs",
            headers={"Authorization": f"Bearer {self.key(bank, 'read')}"},
            timeout=30,
            verify=NO_TLS,
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        return sorted((one["event_ref"], one["type"]) for one in answer.json()["items"])


@dataclass
class TwoChannels:
    first: Channel
    second: Channel
    url: str
    """The lead's node."""
    config: Path
    log: Path
    process: subprocess.Popen[bytes]

    def key(self, role: str) -> str:
        """A new API key of the lead's node itself."""
        done = subprocess.run(
            [*TALLY, "keys", "create", "test", "--role", role, "--config", str(self.config)],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()


@contextmanager
def two_channels(folder: Path) -> Iterator[TwoChannels]:
    """Found both, start the three nodes, and let a drawdown match and a top-up stay one-sided on
    each."""
    first = Channel(
        "c1", "zephyrbank", "ALPHA-2016-A", "918273.64", "734618.91", "7310457.89", "xanthos"
    )
    second = Channel(
        "c2", "tundrabank", "OMEGA-2017-B", "563829.45", "451063.56", "4296683.17", "quillon"
    )
    with ExitStack() as stack:
        for one in (first, second):
            members = [Member(LEAD, "lead"), Member(one.partner, "partner")]
            port = free_port()
            one.consortium = stack.enter_context(
                embedded(folder / one.name, members, "anvil", block_time_s=1, ports=[0, port])
            )
            one.consortium.agree(parse_facility(facility_text(one.facility, LEAD, one.partner)))
            _in_earnest(one.consortium.folder.config(LEAD))
            one.node = start_node(one.consortium.folder, members[1], port)
            stack.callback(processes.stop, [one.node.process])
        lead = _lead(folder, first, second)
        stack.callback(lead.process.wait, 30)
        stack.callback(lead.process.terminate)
        for one in (first, second):
            await_ready(one.node)
            _await_open(lead, one)
            _trade(one)
        yield lead


def _in_earnest(config: Path) -> None:
    """The lead's node is no development node, whose page is open to every process here."""
    config.write_text(config.read_text().replace("development = true", "development = false"))
    for file in (config.parent / "keys").glob("*.json"):
        stored = json.loads(file.read_text())
        file.write_text(json.dumps(stored | {"development": False}))


def _lead(folder: Path, *channels: Channel) -> TwoChannels:
    port = free_port()
    config, log = folder / "node.toml", folder / "node.log"
    config.write_text(
        f"[api]\nport = {port}\n"
        + "".join(
            f'[channels.{one.name}]\nconfig = "{one.consortium.folder.config(LEAD)}"\n'
            for one in channels
        )
    )
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*TALLY, "node", "--config", str(config)],
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    for one in channels:
        one.url = f"{url}/channels/{one.name}"
    first, second = channels
    return TwoChannels(first, second, url=url, config=config, log=log, process=process)


def _await_open(lead: TwoChannels, channel: Channel) -> None:
    def is_open() -> bool:
        assert lead.process.poll() is None, lead.log.read_text()
        try:
            return httpx.get(f"{channel.url}/login", verify=NO_TLS).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    await_true(is_open, f"channel {channel.name} is open", WAIT_S)


def _trade(channel: Channel) -> None:
    lead, partner = LEAD, channel.partner
    channel.push(
        lead,
        channel.event(lead, "match", "drawdown", channel.whole),
        channel.event(lead, "alone", "top_up", channel.top_up),
    )
    channel.push(partner, channel.event(partner, "match", "drawdown", channel.part))
    wanted = sorted(
        [(f"{channel.word}-match", "matched"), (f"{channel.word}-alone", "missing_at_partner")]
    )
    for bank in (lead, partner):
        await_true(partial(_sees, channel, bank, wanted), f"{bank} sees the pairs", WAIT_S)


def _sees(channel: Channel, bank: str, pairs: list[tuple[str, str]]) -> bool:
    return channel.pairs(bank) == pairs


def digits(amount: str) -> int:
    """An amount in minor units."""
    return int(re.sub(r"\D", "", amount))
