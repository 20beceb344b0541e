"""Banks' nodes as processes that are killed -9 while feeds arrive, and what must hold then."""

from __future__ import annotations

import itertools
import math
import multiprocessing
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Engine, func, select

from app.chain import failover as endpoints
from app.chain.engines import engine as chain_engine
from app.chain.manifest import Manifest
from app.chain.rpc import ClientTls, Rpc
from app.cli.node import node
from app.config import BankConfig, load_config
from app.contracts.reconciliation import PostingHead, Reconciliation
from app.db import engine as db
from app.domain.errors import StorageFault, TallyError
from app.http import keys
from app.indexer.indexer import Indexer
from app.indexer.rebuild import digest
from app.intake.tables import events
from app.keys.keystore import SEALING
from app.keys.versions import KeyVersions
from app.logs import configure_logs
from app.node.bank import client_tls, open_bank
from app.outbox import broadcast, lease
from app.outbox.lifecycle import FINAL
from app.outbox.progress import drained
from app.outbox.tables import batches
from app.readmodel import tables
from app.readmodel.accounts.balances import balances
from app.readmodel.chain import newest_incidents
from deploy.compile import load_artifact
from deploy.consortium import ConsortiumFolder
from tests.plain_http import NO_TLS

RECOVERY_S = 120.0
_ANSWER_S = 10.0


def _run_node(config: Path, log: Path, hurried: bool) -> None:
    """The command `tally node`; `hurried`: but for the time that a successor waits for a dead
    holder, and the like."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(file, 1)
    os.dup2(file, 2)
    if hurried:
        lease.LEASE_MS = 1_000
        broadcast._AGAIN_AFTER_S = 1.0
        endpoints.PROBE_EVERY_S = 0.5
    configure_logs()
    try:
        node(config)
    except TallyError as fault:
        print(fault, flush=True)
        raise SystemExit(3) from None


def rows_of(number: int) -> list[tuple[str, int]]:
    """References and amounts (minor units) of one round; the same for both banks."""
    return [(f"K{number}-{place}", 100 + 7 * number + place) for place in range(5 + number % 17)]


@dataclass(frozen=True, slots=True)
class Feed:
    """What arrives at both banks: rounds of rows (reference, amount in minor units), numbered from
    0, one every so often; as fast as they are taken while they are late."""

    rows_of: Callable[[int], list[tuple[str, int]]]
    every_s: float


ROUNDS = Feed(rows_of, 0.08)


def _money(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02d}"


class KilledNode:
    """A bank's node, its feeder, and an eye on its database."""

    def __init__(
        self,
        folder: ConsortiumFolder,
        bank: str,
        facility: str,
        currency: str,
        partner: str,
        feed: Feed = ROUNDS,
        *,
        hurried: bool = True,
    ) -> None:
        """`partner`: to whom the lead's rows belong; empty for a partner. `hurried`: as in
        `_run_node`."""
        self.bank = bank
        self._feed = feed
        self._hurried = hurried
        self.facility = facility
        self.config: BankConfig = load_config(folder.config(bank))
        self.log = folder.config(bank).with_name("killed.log")
        self.engine = db.create(self.config.database_url)
        with closing(open_bank(self.config)) as opened:  # makes the schema
            self.member = opened.member
            opened.follower.index()
            self.number = opened.view.facility(facility).number
            with opened.engine.begin() as connection:
                _, self._key = keys.create(connection, "core banking", "feeds")
        self.url = f"http://127.0.0.1:{self.config.api.port}"
        self._row = {"kind": "top_up", "currency": currency} | (
            {"partner": partner} if partner else {}
        )
        self._process: Any = None
        self.next = 0
        self.until: float = 0
        self.failure = ""
        self._client = httpx.Client(timeout=_ANSWER_S, verify=NO_TLS)
        self._ended = threading.Event()
        self._feeder = threading.Thread(
            target=self._push_all, name=f"feeder of {bank}", daemon=True
        )

    def start(self) -> None:
        # A server that has imported everything already: a new interpreter would take seconds.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self._process = context.Process(
            target=_run_node, args=(self.config.path, self.log, self._hurried), daemon=True
        )
        self._process.start()
        if not self._feeder.is_alive():
            self._feeder.start()

    def kill(self) -> None:
        assert self._process.is_alive(), self.said()
        self._process.kill()
        self._process.join()

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    def alive(self) -> bool:
        return bool(self._process.is_alive())

    def said(self) -> str:
        return self.log.read_text()[-6000:] if self.log.exists() else ""

    def health(self) -> dict[str, Any]:
        """What /health says; empty while it does not answer."""
        try:
            answer = httpx.get(f"{self.url}/health", timeout=_ANSWER_S, verify=NO_TLS)
        except httpx.TransportError:
            return {}
        found: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        return found

    def close(self) -> None:
        self._ended.set()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._feeder.is_alive():
            self._feeder.join()
        self._client.close()
        self.engine.dispose()

    def _push_all(self) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            if self.next < self.until and not self.failure:
                self._push(self.next)
                self.next += 1
                due += self._feed.every_s
            else:
                due = time.monotonic() + self._feed.every_s

    def _push(self, number: int) -> None:
        """Push a round again and again until the node has said that it is accepted."""
        now = datetime.now(UTC)
        rows = [
            {
                **self._row,
                "event_id": f"{self.facility}-{ref}",
                "event_ref": ref,
                "facility": self.facility,
                "amount": _money(amount),
                "value_date": now.date().isoformat(),
                "booked_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
            for ref, amount in self._feed.rows_of(number)
        ]
        while not self._ended.is_set():
            try:
                answer = self._client.post(
                    f"{self.url}/v1/facilities/{self.facility}/events:bulk",
                    json=rows,
                    headers={"Authorization": f"Bearer {self._key}"},
                )
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 200:
                counts = answer.json()["rows"]
                if counts["accepted"] + counts["duplicate"] != len(rows):
                    self.failure = answer.text[:2000]
                return
            if answer is not None and answer.status_code < 500:
                self.failure = f"{answer.status_code}: {answer.text[:2000]}"
                return
            self._ended.wait(0.1)


class _UpTo(Rpc):
    """An endpoint whose chain ends at a block, so that a view of just that block can be made."""

    def __init__(self, url: str, tls: ClientTls, block: int) -> None:
        super().__init__(url, tls=tls)
        self._block = block

    def call(self, method: str, params: list[Any]) -> Any:
        return self._ended(method, super().call(method, params))

    def batch(self, requests_: list[tuple[str, list[Any]]]) -> list[Any]:
        answers = super().batch(requests_)
        return [
            self._ended(method, answer)
            for (method, _), answer in zip(requests_, answers, strict=True)
        ]

    def _ended(self, method: str, answer: Any) -> Any:
        return hex(min(int(answer, 16), self._block)) if method == "eth_blockNumber" else answer


@dataclass
class Killing:
    """A lead's and its first partner's node on one chain, and the facility `number` of both.

    `chain_forgets`: killed, it loses blocks.
    """

    lead: KilledNode
    partner: KilledNode
    manifest: Manifest
    number: int
    rpc_url: str
    folder: Path
    chain_forgets: bool
    fed: Feed
    _views: Iterator[int] = field(default_factory=itertools.count)

    @property
    def nodes(self) -> tuple[KilledNode, KilledNode]:
        return self.lead, self.partner

    def feed(self) -> None:
        """Let feeds arrive from now on."""
        for one in self.nodes:
            one.until = math.inf

    def await_fed(self, rounds: int, within_s: float = RECOVERY_S) -> None:
        """Until both nodes have accepted so many rounds more."""
        wanted = [one.next + rounds for one in self.nodes]

        def missing() -> str:
            for one, round_ in zip(self.nodes, wanted, strict=True):
                assert not one.failure, one.failure
                if one.next < round_:
                    return f"{one.bank} has accepted {one.next} of {round_} rounds"
            return ""

        self._await(missing, within_s)

    def assert_exactly_once(self, within_s: float = RECOVERY_S) -> None:
        """Hold the feeds, let all that was accepted reach the chain, and compare everything."""
        last = max(one.next for one in self.nodes) + 1
        for one in self.nodes:
            one.until = last
        self._await(lambda: self._not_settled(last), within_s)
        rows = [row for number in range(last) for row in self.fed.rows_of(number)]
        total = sum(amount for _, amount in rows)
        rpc = Rpc(self.rpc_url, tls=client_tls(self.lead.config))
        try:
            ledger = rpc.web3.eth.contract(
                address=rpc.web3.to_checksum_address(self.manifest.addresses["ReserveLedger"]),
                abi=load_artifact("ReserveLedger")["abi"],
            )
            books = ledger.functions.account(self.number, 1).call()
        finally:
            rpc.close()
        assert tuple(books[:7]) == (total, total, total, 0, 0, 0, 0), books
        for one in self.nodes:
            self._assert_view(one, rows, total)

    def _not_settled(self, last: int) -> str:
        """What is still to come; empty when all is there."""
        for one in self.nodes:
            assert not one.failure, one.failure
            assert one.alive(), one.said()
            if one.next < last:
                return f"{one.bank} has accepted {one.next} of {last} rounds"
        rpc = Rpc(self.rpc_url, tls=client_tls(self.lead.config))
        try:
            contract = Reconciliation(rpc, self.manifest.addresses["Reconciliation"])
            for one in self.nodes:
                if not drained(one.engine, one.facility):
                    return f"{one.bank} has batches under way"
                head = self._head(rpc, contract, one)
                if head != self._newest_batch(one):
                    return f"{one.bank}: the contract counts {head.sequence}"
                if not self._reads_this_chain(rpc, one):
                    return f"{one.bank} has read blocks that the chain took back"
                for reader in self.nodes:
                    if self._postings(reader, one.member) < head.sequence:
                        return f"{reader.bank} has not read the last posting of {one.bank}"
        except (TallyError, StorageFault) as fault:
            return str(fault)
        finally:
            rpc.close()
        return ""

    def _assert_view(self, one: KilledNode, rows: list[tuple[str, int]], total: int) -> None:
        with one.engine.connect() as connection:
            counted = connection.execute(
                select(func.count(), func.count(events.c.batch_id)).where(
                    events.c.facility == one.facility
                )
            ).one()
            states = set(connection.execute(select(batches.c.state).distinct()).scalars())
            (balance,) = balances(connection, facility=one.facility, partner=self.partner.bank)
            shown = [found.what for found in newest_incidents(connection)]
        assert tuple(counted) == (len(rows), len(rows))
        assert states == {FINAL}
        assert balance.proof == 0
        assert (balance.books.lead_book, balance.books.partner_book) == (total, total)
        assert set(shown) <= ({"rewind"} if self.chain_forgets else set()), shown
        block, live = self._digest(one)
        with self._rebuilt(one, block) as anew:
            assert digest(anew) == live, f"{one.bank}: the view of block {block} is not a rebuild's"
            with anew.connect() as connection:
                pairs = connection.execute(
                    select(func.count()).where(
                        tables.pairs.c.facility == self.number, tables.pairs.c.status == "matched"
                    )
                ).scalar_one()
                refused = connection.execute(
                    select(func.count()).where(tables.rejections.c.facility == self.number)
                ).scalar_one()
                assert newest_incidents(connection) == []
        # Both halves of every event, and no leg that came twice.
        assert (pairs, refused) == (len(rows), 0)

    def _digest(self, one: KilledNode) -> tuple[int, str]:
        """A view's block and its digest, taken between two blocks."""
        while True:
            before = self._block(one)
            found = digest(one.engine)
            if self._block(one) == before:
                return before, found

    @contextmanager
    def _rebuilt(self, one: KilledNode, block: int) -> Iterator[Engine]:
        """A view of the chain up to `block` in an empty database."""
        anew = db.create(f"sqlite:///{self.folder / f'view-{next(self._views)}.db'}")
        rpc = _UpTo(self.rpc_url, client_tls(self.lead.config), block)
        try:
            db.upgrade(anew)
            Indexer(
                anew,
                rpc,
                self.manifest,
                member=one.member,
                sealing_keys=KeyVersions(one.config.keys, SEALING, development=True),
                finality_depth=chain_engine(self.manifest.engine).finality_depth_blocks,
            ).advance()
            yield anew
        finally:
            rpc.close()
            anew.dispose()

    def _head(self, rpc: Rpc, contract: Reconciliation, one: KilledNode) -> PostingHead:
        return contract.head(rpc.call(*contract.head_request(self.number, one.member)))

    def _newest_batch(self, one: KilledNode) -> PostingHead:
        with one.engine.connect() as connection:
            row = connection.execute(
                select(batches.c.sequence, batches.c.digest)
                .where(batches.c.facility == one.facility)
                .order_by(batches.c.sequence.desc())
                .limit(1)
            ).one()
        return PostingHead(row.sequence, row.digest)

    def _reads_this_chain(self, rpc: Rpc, one: KilledNode) -> bool:
        """Whether the view's newest block is one that the chain has. A chain that was killed may
        have come back without it, and the view may be the one of before for a while still."""
        with one.engine.connect() as connection:
            read = connection.execute(
                select(tables.cursor.c.block_number, tables.cursor.c.block_hash)
            ).first()
        if read is None:
            return False
        block = rpc.call("eth_getBlockByNumber", [hex(read.block_number), False])
        return block is not None and block["hash"] == "0x" + read.block_hash.hex()

    def _postings(self, reader: KilledNode, member: int) -> int:
        with reader.engine.connect() as connection:
            newest = connection.execute(
                select(func.max(tables.postings.c.sequence)).where(
                    tables.postings.c.facility == self.number, tables.postings.c.member == member
                )
            ).scalar_one()
        return int(newest or 0)

    def _block(self, one: KilledNode) -> int:
        with one.engine.connect() as connection:
            return (
                connection.execute(select(tables.cursor.c.block_number)).scalar_one_or_none() or 0
            )

    def _await(self, missing: Any, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while what := missing():
            assert time.monotonic() < deadline, "\n".join(
                [f"not within {within_s} s: {what}", *(one.said() for one in self.nodes)]
            )
            time.sleep(0.05)


def configure(
    folder: ConsortiumFolder, bank: str, *, port: int, database_url: str | None = None
) -> None:
    """Give a bank's node a port, and another database than its own."""
    path = folder.config(bank)
    text = re.sub(r"(?m)^port = .*$", f"port = {port}", path.read_text())
    if database_url is not None:
        text = re.sub(r"(?m)^database_url = .*$", f'database_url = "{database_url}"', text)
    path.write_text(text)


@contextmanager
def killing(
    folder: ConsortiumFolder,
    lead: str,
    partner: str,
    facility: str,
    *,
    rpc_url: str,
    scratch: Path,
    currency: str = "CNY",
    chain_forgets: bool = False,
    fed: Feed = ROUNDS,
    hurried: bool = True,
) -> Iterator[Killing]:
    """Both nodes, started; ended whatever happens."""
    with ExitStack() as stack:
        nodes = []
        for bank, to in ((lead, partner), (partner, "")):
            nodes.append(KilledNode(folder, bank, facility, currency, to, fed, hurried=hurried))
            stack.callback(nodes[-1].close)
        for one in nodes:
            one.start()
        manifest = Manifest.read(folder.manifest)
        number = nodes[0].number
        yield Killing(nodes[0], nodes[1], manifest, number, rpc_url, scratch, chain_forgets, fed)
