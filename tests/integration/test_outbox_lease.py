"""Two submitters started by mistake for one bank: one works, the other takes over when it hangs."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.domain.errors import DatabaseBusy
from app.node.bank import Bank
from app.outbox import lease
from app.outbox.lease import LeaseLost
from app.outbox.nonce_queue import NonceQueue
from app.outbox.progress import drained
from app.outbox.tables import attempts, batches, leases
from tests.integration.posting import FACILITY, Net, await_true


@pytest.fixture
def two(net: Net, database_url: str) -> tuple[Bank, Bank]:
    first = net.fresh_bank(database_url)
    return first, net.bank()


def let_expire(bank: Bank) -> None:
    """The holder's time runs out, as if it had hung for so long."""
    with bank.engine.begin() as connection:
        connection.execute(update(leases).values(expires_at=0))


def fence(bank: Bank) -> int:
    with bank.engine.connect() as connection:
        return int(connection.execute(select(leases.c.fence)).scalar_one())


def test_the_second_does_nothing_while_the_first_holds_the_lease(
    net: Net, two: tuple[Bank, Bank]
) -> None:
    first, second = two
    first.posting.tick()
    net.feed(first, 3)
    for _ in range(3):
        assert second.posting.tick() == 0
    assert net.rows(second, select(batches)) == []
    assert fence(first) == 1
    net.drain(first)
    net.assert_exactly_once(first, 3)


def test_an_expired_lease_is_taken_over_and_the_old_holder_is_fenced(
    net: Net, two: tuple[Bank, Bank]
) -> None:
    first, second = two
    first.posting.tick()
    let_expire(first)
    net.feed(first, 3)
    assert second.posting.tick() > 0
    assert fence(second) == 2
    queue = first.posting.submitter._queue
    with pytest.raises(LeaseLost, match="fence 2"), queue.lease.writing():
        raise AssertionError("the old holder may not write")
    assert first.posting.tick() == 0  # stands back without a word
    net.drain(second)
    net.assert_exactly_once(second, 3)


def test_a_lease_lost_in_the_middle_of_a_tick(
    net: Net, two: tuple[Bank, Bank], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first hangs after it has looked at the chain; the second takes the lease and works."""
    first, second = two
    first.posting.tick()
    net.feed(first, 3)
    look = first.posting.submitter._look

    def hang(facilities: object) -> object:
        seen = look(facilities)  # type: ignore[arg-type]
        let_expire(first)
        net.drain(second)
        return seen

    monkeypatch.setattr(first.posting.submitter, "_look", hang)
    assert first.posting.tick() == 0
    net.assert_exactly_once(second, 3)


def test_a_lease_lost_between_fixing_and_recording_an_offer(
    net: Net, two: tuple[Bank, Bank], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    net.feed(first, 3)
    send = first.posting.rpc.batch_answers

    def hang(requests: list[Any]) -> list[Any]:
        answers = send(requests)
        if requests and requests[0][0] == "eth_sendRawTransaction":
            let_expire(first)
            net.drain(second)
        return answers

    monkeypatch.setattr(first.posting.rpc, "batch_answers", hang)
    assert first.posting.tick() == 0
    assert net.rows(second, select(func.count()).select_from(attempts))[0][0] == 1
    net.assert_exactly_once(second, 3)


def test_a_lease_that_was_given_up_is_free_at_once(net: Net, two: tuple[Bank, Bank]) -> None:
    first, second = two
    first.posting.tick()
    first.close()
    net.feed(second, 3)
    net.drain(second)
    net.assert_exactly_once(second, 3)


class Clock:
    """The time, as far as leases go by it; it moves when it is told to."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def time_ns(self) -> int:
        return self.ms * 1_000_000

    def monotonic(self) -> float:
        return self.ms / 1_000


def test_the_holder_renews_its_lease_in_time(
    net: Net, two: tuple[Bank, Bank], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(lease, "time", clock)
    first, second = two
    for _ in range(10):
        first.posting.tick()
        clock.ms += lease.LEASE_MS // 2
        second.posting.tick()
    assert fence(first) == 1
    clock.ms += lease.LEASE_MS
    second.posting.tick()
    assert fence(first) == 2


def test_two_that_fight_over_the_lease_post_everything_once(
    net: Net, two: tuple[Bank, Bank], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leases so short that each loses its own again and again, in the middle of its work."""
    first, second = two
    first.posting.tick()
    faults: list[BaseException] = []
    ended = threading.Event()

    def work(bank: Bank) -> None:
        try:
            while not ended.is_set():
                with suppress(DatabaseBusy):  # a node tries again, too
                    bank.posting.tick()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(bank,)) for bank in two]
    monkeypatch.setattr(lease, "LEASE_MS", 1)
    for thread in threads:
        thread.start()
    fed = 0
    # However the threads are scheduled, work keeps coming until the lease has changed hands often.
    while fed < 500 or (fence(first) < 10 and not faults):
        with suppress(DatabaseBusy):
            net.feed(first, 50)
            fed += 50
    monkeypatch.setattr(lease, "LEASE_MS", 60_000)  # enough of it: one of them does the rest
    try:
        await_true(
            lambda: faults or drained(first.engine, FACILITY), "everything is final", wait_s=200
        )
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert faults == []
    net.assert_exactly_once(second, fed)


def test_a_nonce_queue_is_a_key_of_its_own(net: Net, two: tuple[Bank, Bank]) -> None:
    """Leases of different operator keys in one database do not know of each other."""
    first, _ = two
    assert isinstance(first.posting.submitter._queue, NonceQueue)
    other = lease.Lease(first.engine, "0x" + "11" * 20, "elsewhere")
    assert other.hold()
    assert first.posting.submitter._queue.lease.hold()
    other.release()
