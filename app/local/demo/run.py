"""The demonstration: a node for every member, a sample reconciled, then feeds that go on."""

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine

from app import processes
from app.cli.shared.run_result import account_results
from app.config import load_config
from app.db import engine as db
from app.domain.errors import TallyError
from app.domain.facility import Facility
from app.http import keys as api_keys
from app.local.consortium import Consortium
from app.local.demo.environment import DemoEnvironment
from app.local.demo.nodes import NodeProcess, await_ready, start_node
from app.local.demo.pusher import Pusher
from app.local.demo.sample import Feeds, Sample
from app.outbox.progress import drained, last_batch, run_gas
from app.people.development import add_development_people
from app.readmodel.chain import position
from app.readmodel.pairs.completed import completed_pairs

SAMPLE_EVENTS = 1_500
"""Of today, with which a demonstration begins."""
_SETTLE_S = 180.0
_POLL_S = 0.1


class Demo:
    """A running demonstration. `nodes` are the members' processes, the lead's first."""

    def __init__(
        self, consortium: Consortium, facility: Facility, nodes: list[NodeProcess]
    ) -> None:
        self.facility = facility
        self.nodes = nodes
        self._consortium = consortium
        self._next_file = consortium.folder.root / "next-event.json"
        self._engines: dict[str, Engine] = {
            node.name: db.create(load_config(consortium.folder.config(node.name)).database_url)
            for node in nodes
        }
        for node in nodes:
            if load_config(consortium.folder.config(node.name)).development:
                with self._engines[node.name].begin() as connection:
                    add_development_people(connection)
        self._pushers = {
            node.name: Pusher(node.url, self._key(node.name), facility.id)
            for node in nodes
            if node.name in facility.banks
        }
        self._pool = ThreadPoolExecutor(max_workers=len(self._pushers))
        self._sample = Sample(facility, start=self._next_event())
        self.fresh = last_batch(self.lead_engine(), facility.id) == 0
        """Whether nothing was ever posted for the facility."""

    def push(self, events: int) -> None:
        """Make `events` new events, after those of the weeks before where nothing was posted yet,
        and push every bank's rows to its own node."""
        now = datetime.now(UTC)
        feeds = [self._sample.history(now)] if self.fresh else []
        feeds.append(self._sample.events(events, now))
        # Noted first: numbers that were used must not come back after a crash.
        self._next_file.write_text(json.dumps(self._sample.next_event))
        for feed in feeds:
            self._push(feed)
        self.fresh = False

    def settle(self) -> None:
        """Wait until everything accepted is final and every node has read it."""
        deadline = time.monotonic() + _SETTLE_S
        banks = [self._engines[name] for name in self._pushers]
        self._await(deadline, lambda: all(drained(one, self.facility.id) for one in banks))
        height = self._consortium.height()
        self._await(
            deadline, lambda: all(_position(one) >= height for one in self._engines.values())
        )

    def result(self, started: float) -> dict[str, Any]:
        """What `tally reconcile --json` prints, of everything on this ledger; rows of this run."""
        lead = self._engines[self.facility.lead]
        runs = [run_gas(self._engines[bank], self.facility.id, 0) for bank in self.facility.banks]
        with lead.connect() as connection:
            completed = completed_pairs(connection, self.facility.id, {})
        return {
            "facility": self.facility.id,
            "rows": {
                name: {
                    "in": pusher.sums.rows_in,
                    "accepted": pusher.sums.accepted,
                    "duplicate": pusher.sums.duplicate,
                    "quarantined": pusher.sums.quarantined,
                }
                for name, pusher in self._pushers.items()
            },
            **account_results(lead, self.facility.id),
            "chain": {
                "engine": self._consortium.manifest().engine,
                "chain_id": self._consortium.rpc.web3.eth.chain_id,
                "height": self._consortium.height(),
                "transactions": sum(posts for posts, _ in runs),
                "gas_per_pair": round(sum(gas for _, gas in runs) / completed)
                if completed
                else None,
            },
            "seconds": {"total": time.monotonic() - started},
        }

    def lead_engine(self) -> Engine:
        """The lead's database, for reading."""
        return self._engines[self.facility.lead]

    def check_nodes(self) -> None:
        """Raise TallyError when a node has died."""
        for node in self.nodes:
            if not processes.is_alive(node.process):
                raise TallyError("the node has ended", where=node.name, remedy=f"See {node.log}")

    def close(self) -> None:
        """Let go of clients and databases; what is being pushed is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for pusher in self._pushers.values():
            pusher.close()
        for engine in self._engines.values():
            engine.dispose()

    def _push(self, feeds: Feeds) -> None:
        list(self._pool.map(lambda name: self._pushers[name].push(feeds[name]), feeds))

    def _await(self, deadline: float, condition: Callable[[], bool]) -> None:
        while not condition():
            self.check_nodes()
            if time.monotonic() > deadline:
                raise TallyError(
                    f"the sample was not final after {_SETTLE_S:.0f} s",
                    remedy="See banks/*/node.log in the demonstration's folder",
                )
            time.sleep(_POLL_S)

    def _key(self, bank: str) -> str:
        """This demonstration's own API key at a bank's node, made at the first start."""
        path = self._consortium.folder.config(bank).with_name("feeds.key")
        if not path.exists():
            with self._engines[bank].begin() as connection:
                _, text = api_keys.create(connection, "demonstration", "feeds")
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(text)
        return path.read_text()

    def _next_event(self) -> int:
        return int(self._next_file.read_text()) if self._next_file.exists() else 1


@contextmanager
def running_demo(environment: DemoEnvironment, say: Callable[[str], None]) -> Iterator[Demo]:
    """Agree on the facility, and run a node for every member; stop those at the end."""
    environment.consortium.agree(environment.facility)
    with ExitStack() as stack:
        say("starting a node for each member")
        nodes: list[NodeProcess] = []
        stack.callback(lambda: processes.stop(node.process for node in nodes))
        for member, port in environment.ports.items():
            nodes.append(start_node(environment.consortium.folder, member, port))
        for node in nodes:
            await_ready(node)
        demo = Demo(environment.consortium, environment.facility, nodes)
        stack.callback(demo.close)
        yield demo


def _position(engine: Engine) -> int:
    with engine.connect() as connection:
        reached = position(connection)
    return reached.block_number if reached else 0
