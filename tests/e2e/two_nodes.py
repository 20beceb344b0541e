"""A lead and a partner on a real chain, each with a running `tally node` of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from app import processes
from app.config import BankConfig, load_config
from app.db import engine as db
from app.domain.facility_file import parse_facility
from app.http import keys
from app.local.consortium import embedded
from app.local.demo.nodes import NodeProcess, await_ready, start_node
from app.people.development import (
    DEVELOPMENT_PASSWORD,
    add_development_people,
)
from app.people.second_factor import DEVELOPMENT_CODE
from app.people.sessions import csrf_token
from app.processes import free_ports
from deploy.consortium import Member
from tests.e2e.pushing import push_events
from tests.feeds import facility_text
from tests.plain_http import NO_TLS

FACILITY_ID = "WLD-2016-A"
MEMBERS = [Member("webank", "lead"), Member("huarui", "partner")]


@dataclass
class RunningNode:
    """One bank's node, and how its core banking pushes to it."""

    bank: str
    url: str
    key: str
    process: NodeProcess
    config: BankConfig

    def push(self, *events: dict[str, Any]) -> None:
        """Push events; each must be accepted."""
        push_events(self.url, FACILITY_ID, self.key, events)

    def reader(self) -> httpx.Client:
        """A client that reads with a key, as programs do."""
        engine = db.create(self.config.database_url)
        with engine.begin() as connection:
            _, key = keys.create(connection, "a reader", "read")
        engine.dispose()
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, verify=NO_TLS)

    @contextmanager
    def person(self, role: str) -> Iterator[httpx.Client]:
        """The development person of a role, signed in."""
        form = {"name": role, "password": DEVELOPMENT_PASSWORD, "code": DEVELOPMENT_CODE}
        with httpx.Client(base_url=self.url, timeout=60, verify=NO_TLS) as client:
            signed = client.post("/login", data=form)
            assert signed.status_code == 303, signed.text
            (token,) = client.cookies.values()
            client.headers["X-CSRF-Token"] = csrf_token(token)
            yield client


@dataclass
class TwoNodes:
    lead: RunningNode
    partner: RunningNode


@contextmanager
def two_nodes(folder: Path) -> Iterator[TwoNodes]:
    """Start a chain with a block a second, the facility in force, and both nodes."""
    ports = free_ports(len(MEMBERS))
    with embedded(folder, MEMBERS, "anvil", block_time_s=1, ports=ports) as consortium:
        consortium.agree(parse_facility(facility_text(FACILITY_ID, "webank", "huarui")))
        started: list[NodeProcess] = []
        try:
            for member, port in zip(MEMBERS, ports, strict=True):
                started.append(start_node(consortium.folder, member, port))
            for process in started:
                await_ready(process)
            nodes = []
            for process in started:
                config = load_config(consortium.folder.config(process.name))
                engine = db.create(config.database_url)
                with engine.begin() as connection:
                    _, key = keys.create(connection, "core banking", "feeds")
                    add_development_people(connection)
                engine.dispose()
                nodes.append(RunningNode(process.name, process.url, key, process, config))
            yield TwoNodes(*nodes)
        finally:
            processes.stop(node.process for node in started)
