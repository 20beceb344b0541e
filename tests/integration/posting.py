"""Banks with real keys, databases and a real chain, for the tests of the outbox."""

from __future__ import annotations

import csv
import itertools
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Row, func, select

from app.chain.rpc import Rpc
from app.config import load_config
from app.contracts.transactions import sign, wait_for_receipt
from app.domain.errors import ChainUnreachable
from app.domain.facility import Facility
from app.intake.facility_file import load_facility
from app.intake.tables import events
from app.keys.keystore import load_account
from app.local.consortium import Consortium
from app.local.reconcile import tick
from app.node.bank import Bank, open_bank
from app.outbox.lifecycle import FINAL
from app.outbox.progress import drained, last_final_block
from app.outbox.signed import whole
from app.outbox.tables import attempts, batch_log, batches
from app.readmodel.accounts.balances import Balance, balances
from deploy.consortium import ConsortiumFolder, Member, create, write_config
from tests.feeds import csv_bytes, facility_text, row_now

LEAD, PARTNERS = "webank", ("huarui", "wuxi")
FACILITY = "WLD-2016-A"
BASE = 100_00

_WAIT_S = 30.0


def await_true(condition: Callable[[], Any], what: str, wait_s: float = _WAIT_S) -> None:
    deadline = time.monotonic() + wait_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {wait_s} s: {what}"
        time.sleep(0.02)


@dataclass
class Net:
    """A founded consortium on the chain at `url`, and the banks that were opened in it."""

    root: Path
    url: str
    engine: str = "anvil"
    facilities: tuple[str, ...] = (FACILITY,)
    others: tuple[Member, ...] = ()
    """Members beside the facilities' banks."""
    opened: ExitStack = field(default_factory=ExitStack)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.folder = ConsortiumFolder(self.root)
        members = [
            Member(LEAD, "lead"),
            *(Member(name, "partner") for name in PARTNERS),
            *self.others,
        ]
        create(self.folder, members)
        for member in members:
            write_config(self.folder, member.name, rpc=self.url, port=0)
        self.consortium = Consortium(self.folder, Rpc(self.url))
        self.rpc = self.consortium.rpc
        self.manifest = self.consortium.found(self.engine)
        for id_ in self.facilities:
            self.agree(id_)

    def agree(self, id_: str) -> Facility:
        path = self.root / f"{id_}.toml"
        path.write_text(facility_text(id_, LEAD, *PARTNERS))
        terms = load_facility(path)
        # With a database of its own: the lead's is the test's, whose indexer must be alone on it.
        config = self.folder.config(LEAD)
        text = config.read_text()
        config.write_text(
            text.replace('database_url = "', 'database_url = "sqlite:///agree.db" # ')
        )
        (config.parent / "agree.db").unlink(missing_ok=True)
        self.consortium.agree(terms)
        config.write_text(text)
        return terms

    def bank(self, name: str = LEAD, database_url: str | None = None) -> Bank:
        """A bank's machinery: new objects each time, as after a restart."""
        if database_url is not None:
            write_config(self.folder, name, rpc=self.url, port=0)
            config = self.folder.config(name)
            text = re.sub(
                "database_url = .*", f'database_url = "{database_url}"', config.read_text()
            )
            config.write_text(text)
        bank = open_bank(load_config(self.folder.config(name)))
        self.opened.callback(bank.posting.rpc.close)
        self.opened.callback(bank.engine.dispose)
        return bank

    def fresh_bank(self, database_url: str, name: str = LEAD) -> Bank:
        """A bank with an empty database that knows the facilities."""
        bank = self.bank(name, database_url)
        bank.follower.index()
        return bank

    def feed(self, bank: Bank, rows: int, facility: str = FACILITY, **cells: str) -> list[str]:
        """Take in so many new events of BASE minor units; returns their event_ids."""
        path, ids = self.feed_file(bank.name, rows, facility, **cells)
        taken = bank.intakes.take_in(facility, path, lambda rows: None, lambda text: None)
        assert taken.accepted == rows, taken
        return ids

    def feed_file(
        self, bank: str, rows: int, facility: str = FACILITY, **cells: str
    ) -> tuple[Path, list[str]]:
        """A feed of so many new events, and their event_ids; `cells` overrides columns."""
        path = self.root / f"feed-{next(self._numbers)}.csv"
        partner = PARTNERS[0] if bank == LEAD else ""
        row = row_now(facility=facility, kind="top_up", partner=partner)
        numbers = itertools.islice(self._numbers, rows)
        lines = [row | {"event_id": f"E{n}", "event_ref": f"R{n}"} | cells for n in numbers]
        path.write_bytes(csv_bytes(lines))
        return path, [str(line["event_id"]) for line in lines]

    def spread(
        self, bank: Bank, rows: int, *, kind: str, first_day: int, partner: str | None = PARTNERS[0]
    ) -> None:
        """Take in events of one kind, each on a business day of its own; `first_day` from today.

        Equal calls for a lead and a partner give the two halves of the same events, but for the
        business day; reversals are of the drawdowns that were spread before.
        """
        path = self.root / f"feed-{next(self._numbers)}.csv"
        today = datetime.now(UTC)
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            header = "event_id,facility,event_ref,kind,amount,currency,value_date,booked_at"
            writer.writerow([*header.split(","), "partner", "reverses"])
            for one in range(rows):
                booked = today + timedelta(days=first_day + one)
                ref = f"S{kind}{one}"
                value_date = (today - timedelta(days=one)).date().isoformat()
                writer.writerow(
                    [
                        *(ref, FACILITY, ref, kind, "100.00", "CNY", value_date),
                        booked.strftime("%Y-%m-%dT%H:%M:%SZ"),
                        partner if bank.name == LEAD else "",
                        f"drawdown/Sdrawdown{one}" if kind == "reversal" else "",
                    ]
                )
        taken = bank.intakes.take_in(FACILITY, path, lambda rows: None, lambda text: None)
        assert taken.accepted == rows, taken

    def event_ref(self, bank: Bank, event_id: str) -> str:
        (row,) = self.rows(bank, select(events.c.event_ref).where(events.c.event_id == event_id))
        ref: str = row.event_ref
        return ref

    def drain(self, bank: Bank, facility: str = FACILITY, wait_s: float = _WAIT_S) -> None:
        """Tick until everything accepted is final and read back."""
        deadline = time.monotonic() + wait_s
        while True:
            moved = tick(bank)
            assert not bank.posting.troubles(), bank.posting.troubles()
            # anvil counts a batch in a call while its block is not to be read yet.
            read = bank.follower.position() >= last_final_block(bank.engine, facility)
            if not moved and read and drained(bank.engine, facility):
                return
            assert time.monotonic() < deadline, (
                f"moved {moved}, read to {bank.follower.position()} of {bank.follower.head()}",
                self.history(bank),
            )
            if not moved:
                if not read and bank.follower.position() >= bank.follower.head():
                    # Blocks that were taken back may hold fewer transactions each than those that
                    # followed: an automining chain is then shorter than it was.
                    self.rpc.call("evm_mine", [])
                time.sleep(0.02)

    def catch_up(self, bank: Bank) -> None:
        """Index until the read model holds the chain's newest block."""

        def caught_up() -> bool:
            bank.follower.index()
            if bank.follower.position() > bank.follower.head():
                # After lost blocks an automining chain may be shorter than it was, which a view
                # takes for a node that lags; a chain with a block time soon is longer.
                self.rpc.call("evm_mine", [])
                return False
            return bank.follower.position() == bank.follower.head()

        await_true(caught_up, "the read model is at the head")

    def head(self, bank: Bank, facility: str = FACILITY) -> tuple[int, bytes]:
        contract = self.reconciliation(bank)
        number = bank.view.facility(facility).number
        method, params = contract.head_request(number, bank.member)
        head = contract.head(self.rpc.call(method, params))
        return head.sequence, head.digest

    def reconciliation(self, bank: Bank) -> Any:
        return bank.posting.submitter._contract

    def account(self, bank: Bank, partner: str = PARTNERS[0], facility: str = FACILITY) -> Balance:
        with bank.engine.connect() as connection:
            (found,) = balances(connection, facility=facility, partner=partner)
        return found

    def assert_exactly_once(self, bank: Bank, rows: int, facility: str = FACILITY) -> None:
        """Every accepted event is on the chain once: by the contract's head, books and counts."""
        self.catch_up(bank)
        with bank.engine.connect() as connection:
            newest = connection.execute(
                select(batches.c.sequence, batches.c.digest)
                .where(batches.c.facility == facility)
                .order_by(batches.c.sequence.desc())
            ).all()
            states = connection.execute(
                select(batches.c.state).where(batches.c.facility == facility)
            ).scalars()
            assert set(states) == {FINAL}
            carried = connection.execute(
                select(func.count()).where(
                    events.c.facility == facility, events.c.batch_id.is_not(None)
                )
            ).scalar_one()
        assert carried == rows
        assert [row.sequence for row in newest] == list(range(len(newest), 0, -1))
        assert self.head(bank, facility) == tuple(newest[0])
        account = self.account(bank, facility=facility)
        side = "lead" if bank.name == LEAD else "partner"
        assert getattr(account.books, f"{side}_book") == rows * BASE
        assert account.proof == 0
        assert account.counts[f"duplicate_at_{side}"] == 0
        assert len(self.posts(bank)) == len(newest)

    def posts(self, bank: Bank) -> list[Any]:
        """The transactions of a bank's operator key that the chain has mined and that succeeded."""
        found = []
        for number in range(int(self.rpc.call("eth_blockNumber", []), 16) + 1):
            block = self.rpc.call("eth_getBlockByNumber", [hex(number), True])
            for one in block["transactions"]:
                if one["from"].lower() == self.operator(bank.name).address.lower():
                    receipt = self.rpc.call("eth_getTransactionReceipt", [one["hash"]])
                    if receipt["status"] == "0x1" and one["to"].lower() == (
                        self.manifest.addresses["Reconciliation"].lower()
                    ):
                        found.append(one)
        return found

    def operator(self, name: str = LEAD) -> Any:
        return load_account(self.folder.keys(name), "operator", development=True)

    def foreign_transaction(self, nonce: int, name: str = LEAD) -> None:
        """Another process uses the bank's operator key: an empty transaction at a nonce."""
        self.send(b"", nonce, name, to=self.operator(name).address)

    def send(self, data: bytes, nonce: int, name: str = LEAD, to: str | None = None) -> None:
        """Another process posts with a bank's operator key."""
        raw = sign(
            self.operator(name),
            chain_id=self.manifest.chain_id,
            nonce=nonce,
            to=to or self.manifest.addresses["Reconciliation"],
            data=data,
            gas=5_000_000,
        )
        receipt = wait_for_receipt(
            self.rpc, self.rpc.call("eth_sendRawTransaction", ["0x" + raw.hex()])
        )
        assert receipt["status"] == "0x1"

    def mining(self, on: bool) -> None:
        """Anvil: a block for every transaction, or none at all until it is turned on again."""
        self.rpc.call("evm_setAutomine", [on])
        if on:
            self.rpc.call("evm_mine", [])

    def history(self, bank: Bank) -> list[tuple[int, str, str]]:
        """Everything that happened to the batches: sequence, state, detail."""
        with bank.engine.connect() as connection:
            return [
                tuple(row)
                for row in connection.execute(
                    select(batches.c.sequence, batch_log.c.state, batch_log.c.detail)
                    .join(batches, batches.c.id == batch_log.c.batch_id)
                    .order_by(batch_log.c.id)
                )
            ]

    def states(self, bank: Bank, sequence: int = 1) -> list[str]:
        """The states that a batch went through, without the pool's remarks."""
        return [
            state
            for number, state, detail in self.history(bank)
            if number == sequence and not detail.startswith("pool:")
        ]

    def signed(self, bank: Bank) -> list[bytes]:
        """The signed bytes of every attempt, in the order of their nonces."""
        query = select(attempts, batches.c.calldata).outerjoin(
            batches, batches.c.id == attempts.c.batch_id
        )
        found = self.rows(bank, query.order_by(attempts.c.nonce))
        return [whole(row.raw_transaction, row.calldata_at, row.calldata) for row in found]

    def rows(self, bank: Bank, query: Any) -> list[Row[Any]]:
        with bank.engine.connect() as connection:
            return list(connection.execute(query))

    @contextmanager
    def lost_blocks(self) -> Iterator[None]:
        """Anvil: what is mined inside is taken back at the end, as if it had never been stored."""
        snapshot = self.rpc.call("evm_snapshot", [])
        yield
        assert self.rpc.call("evm_revert", [snapshot])

    def close(self) -> None:
        self.opened.close()
        self.rpc.close()


def answers(url: str) -> bool:
    """Whether a chain answers."""
    rpc = Rpc(url)
    try:
        rpc.call("eth_blockNumber", [])
    except ChainUnreachable:
        return False
    finally:
        rpc.close()
    return True
