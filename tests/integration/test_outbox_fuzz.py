"""The nonce queue under whatever a chain and another process may do to it.

Three facilities post with one key; somebody else uses it too, pools drop all or one from the
middle, what was signed arrives in another order, blocks are lost, the process ends and begins
again. Afterwards every event is final within bounded steps, each exactly
once; where a batch has stopped, a trouble names it, and it goes on when a person says so.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from app.contracts.transactions import next_nonce, sign
from app.intake.tables import events
from app.outbox import broadcast
from app.outbox.dead_letters import resume
from app.outbox.lifecycle import FINAL
from app.outbox.progress import drained
from app.outbox.tables import attempts, batches
from tests.integration.posting import BASE, FACILITY, LEAD, Net

FACILITIES = (FACILITY, "SECOND", "THIRD")
MOST_STEPS = 60
"""Ticks, with a block after each, within which everything is through once nothing disturbs."""


class Machine(RuleBasedStateMachine):
    """What happens to one bank; `net` and `folder` are set by the test."""

    net: Net
    folder: Path
    numbers = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.first = self.rpc("evm_snapshot")
        self.saved: str | None = None
        self.rows = dict.fromkeys(FACILITIES, 0)
        self.url = f"sqlite:///{self.folder / f'{next(self.numbers)}.db'}"
        self.bank = self.net.fresh_bank(self.url)
        self.rpc("evm_setAutomine", False)

    def rpc(self, method: str, *params: object) -> object:
        return self.net.rpc.call(method, list(params))

    @rule(facility=st.sampled_from(FACILITIES), rows=st.sampled_from([1, 1, 2, 600]))
    def feed(self, facility: str, rows: int) -> None:
        self.net.feed(self.bank, rows, facility)
        self.rows[facility] += rows

    @rule()
    def tick(self) -> None:
        self.bank.posting.tick()

    @rule()
    def mine(self) -> None:
        self.rpc("evm_mine")

    @rule(ahead=st.integers(0, 3))
    def another_uses_the_key(self, ahead: int) -> None:
        """At the next nonce, or at one beyond it. The pool may refuse it where it has ours."""
        operator = self.net.operator()
        raw = sign(
            operator,
            chain_id=self.net.manifest.chain_id,
            nonce=next_nonce(self.net.rpc, operator) + ahead,
            to=operator.address,
            data=b"another",
            gas=100_000,
        )
        self.net.rpc.batch_answers([("eth_sendRawTransaction", ["0x" + raw.hex()])])

    @rule()
    def pool_drops(self) -> None:
        self.rpc("anvil_dropAllTransactions")

    @rule(place=st.integers(0, 5))
    def pool_drops_one(self, place: int) -> None:
        """A gap: what follows it waits in the pool."""
        waiting = [
            one["hash"]
            for queue in self.pool().values()
            for by_nonce in queue.values()
            for one in by_nonce.values()
        ]
        if waiting:
            self.rpc("anvil_dropTransaction", waiting[place % len(waiting)])

    @rule(data=st.data())
    def what_was_signed_arrives_in_another_order(self, data: st.DataObject) -> None:
        """All of it, what is long final too; the pool refuses what it cannot use."""
        raws = data.draw(st.permutations(self.net.signed(self.bank)[-6:]))
        self.net.rpc.batch_answers([("eth_sendRawTransaction", ["0x" + raw.hex()]) for raw in raws])

    def pool(self) -> dict[str, dict[str, dict[str, dict[str, str]]]]:
        found = self.rpc("txpool_content")
        assert isinstance(found, dict)
        return found

    @rule()
    def begin_to_lose_blocks(self) -> None:
        self.saved = str(self.rpc("evm_snapshot"))

    @precondition(lambda self: self.saved is not None)
    @rule()
    def blocks_are_lost(self) -> None:
        assert self.rpc("evm_revert", self.saved)
        self.saved = None

    @rule()
    def restart(self) -> None:
        self.bank.close()
        self.bank = self.net.bank(LEAD, self.url)

    def teardown(self) -> None:
        try:
            self.ends_well()
        finally:
            self.rpc("evm_setAutomine", True)
            assert self.rpc("evm_revert", self.first)
            self.net.opened.close()

    def ends_well(self) -> None:
        for _ in range(MOST_STEPS):
            self.bank.posting.tick()
            self.mine()
            if any("has stopped" in trouble for trouble in self.bank.posting.troubles()):
                with self.bank.engine.begin() as connection:
                    assert resume(connection) > 0
            if all(drained(self.bank.engine, facility) for facility in FACILITIES):
                break
        assert all(drained(self.bank.engine, facility) for facility in FACILITIES), (
            self.bank.posting.troubles(),
            self.net.history(self.bank),
        )
        self.net.catch_up(self.bank)
        sealed = 0
        for facility, rows in self.rows.items():
            found = self.net.rows(
                self.bank,
                select(batches.c.sequence, batches.c.digest, batches.c.state)
                .where(batches.c.facility == facility)
                .order_by(batches.c.sequence.desc()),
            )
            sealed += len(found)
            assert {row.state for row in found} <= {FINAL}
            if found:
                assert self.net.head(self.bank, facility) == (found[0].sequence, found[0].digest)
            (carried,) = self.net.rows(
                self.bank,
                select(func.count()).where(
                    events.c.facility == facility, events.c.batch_id.is_not(None)
                ),
            )
            assert carried[0] == rows
            account = self.net.account(self.bank, facility=facility)
            assert account.books.lead_book == rows * BASE
            assert (account.proof, account.counts["duplicate_at_lead"]) == (0, 0)
        (signed,) = self.net.rows(self.bank, select(func.count(attempts.c.id)))
        assert signed[0] <= 12 * sealed


@pytest.fixture(scope="module")
def three_facilities(founded_net: Net) -> Net:
    founded_net.agree("SECOND")
    founded_net.agree("THIRD")
    return founded_net


@pytest.fixture
def machine(
    three_facilities: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[type[Machine]]:
    monkeypatch.setattr(broadcast, "_AGAIN_AFTER_S", 0.0)
    monkeypatch.setattr(Machine, "net", three_facilities, raising=False)
    monkeypatch.setattr(Machine, "folder", tmp_path, raising=False)
    yield Machine


def run(machine: type[Machine], examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_everything_gets_through(machine: type[Machine]) -> None:
    run(machine, examples=6, steps=14)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_everything_gets_through_at_length(machine: type[Machine]) -> None:
    run(machine, examples=60, steps=40)
