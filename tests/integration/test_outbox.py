"""The outbox on a real chain: every accepted event ends on it exactly once, whatever happens."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest
from eth_utils.crypto import keccak
from sqlalchemy import func, select, update

from app.chain.engines import Pacing
from app.chain.rpc import Rpc
from app.contracts.posting import encode_post, next_digest, sealed_of
from app.db import engine as db
from app.keys.keystore import SEALING
from app.keys.sealing import open_details
from app.keys.versions import KeyVersions
from app.local.reconcile import tick
from app.node.bank import Bank
from app.outbox import lifecycle, seal, settle
from app.outbox.broadcast import Broadcaster
from app.outbox.dead_letters import DeadLetter, all_letters, replay, resume
from app.outbox.pace import Pace
from app.outbox.pending import Pending, pending_by_facility
from app.outbox.progress import drained
from app.outbox.tables import attempts, batches
from app.readmodel import tables as readmodel
from tests.integration.posting import BASE, FACILITY, LEAD, PARTNERS, Net, await_true


class Crash(Exception):
    """The process ends here; what it had in memory is gone."""


@pytest.fixture
def bank(net: Net, sqlite_url: str) -> Bank:
    """The lead, with an empty database."""
    return net.fresh_bank(sqlite_url)


@pytest.fixture
def either(net: Net, database_url: str) -> Bank:
    """The lead, with an empty database of each kind in turn."""
    return net.fresh_bank(database_url)


def test_a_batch_is_stored_whole_before_it_is_sent(net: Net, either: Bank) -> None:
    bank = either
    net.feed(bank, 7)
    net.mining(False)
    bank.posting.tick()
    (batch,) = net.rows(bank, select(batches))
    (attempt,) = net.rows(bank, select(attempts))
    assert (batch.sequence, batch.legs) == (1, 7)
    (signed,) = net.signed(bank)
    assert batch.calldata in signed
    assert "0x" + keccak(signed).hex() == attempt.tx_hash
    assert len(attempt.raw_transaction) < 150  # the calldata lies in the batch alone
    stream = batch.calldata[4 + 5 * 32 :][: 32 * 8]  # a group word and seven legs
    assert batch.digest == next_digest(bytes(32), stream)
    assert net.states(bank) == ["sealed", "broadcast"]
    net.mining(True)
    net.drain(bank)
    assert net.states(bank) == ["sealed", "broadcast", "final"]
    net.assert_exactly_once(bank, 7)


def sealed_but_not_sent(net: Net, rows: int, database_url: str, *more: str) -> None:
    """A bank takes in rows, for its facility and for `more`, seals them, and ends before it sends
    anything."""
    bank = net.fresh_bank(database_url)
    for facility in (FACILITY, *more):
        net.feed(bank, rows, facility)

    def crash(self: Broadcaster, mined: int) -> int:
        raise Crash

    with pytest.MonkeyPatch.context() as patched, pytest.raises(Crash):
        patched.setattr(Broadcaster, "broadcast", crash)
        bank.posting.tick()
    bank.close()


def test_what_was_sealed_before_a_crash_is_sent_as_it_was(net: Net, database_url: str) -> None:
    sealed_but_not_sent(net, 3, database_url)
    bank = net.bank()
    before = net.rows(bank, select(attempts))
    net.drain(bank)
    assert net.rows(bank, select(attempts)) == before
    net.assert_exactly_once(bank, 3)


def test_a_batch_that_is_offered_twice_counts_once(net: Net, bank: Bank) -> None:
    net.feed(bank, 3)
    net.drain(bank)
    (signed,) = net.signed(bank)
    (batch,) = net.rows(bank, select(batches))
    (again,) = net.rpc.batch_answers([("eth_sendRawTransaction", ["0x" + signed.hex()])])
    assert "error" in again
    # The same bytes under another nonce are refused by their sequence.
    refusal = net.reconciliation(bank).refusal(net.operator().address, batch.calldata, 100_000_000)
    assert "PostingWrongSequence" in str(refusal)
    net.assert_exactly_once(bank, 3)


def test_many_batches_in_one_order(net: Net, either: Bank) -> None:
    bank = either
    net.feed(bank, 1100)
    net.drain(bank)
    query = select(batches.c.sequence, attempts.c.nonce).join(attempts).order_by(attempts.c.nonce)
    assert [tuple(row) for row in net.rows(bank, query)] == [(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)]
    net.assert_exactly_once(bank, 1100)


def test_another_transaction_at_our_nonce(net: Net, database_url: str) -> None:
    sealed_but_not_sent(net, 3, database_url)
    net.foreign_transaction(nonce=0)
    bank = net.bank()
    net.drain(bank)
    assert net.states(bank) == ["sealed", "conflict", "sealed", "broadcast", "final"]
    first, second = net.signed(bank)
    nonces = [row.nonce for row in net.rows(bank, select(attempts.c.nonce))]
    calldata = net.rows(bank, select(batches.c.calldata))[0].calldata
    assert sorted(nonces) == [0, 1]
    assert calldata in first and calldata in second
    net.assert_exactly_once(bank, 3)


def test_several_foreign_transactions_and_batches_behind(net: Net, sqlite_url: str) -> None:
    sealed_but_not_sent(net, 900, sqlite_url)  # four batches at nonces 0 to 3
    for nonce in range(3):
        net.foreign_transaction(nonce)
    bank = net.bank()
    net.drain(bank)
    net.assert_exactly_once(bank, 900)


def test_too_little_gas_is_doubled(net: Net, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal, "_gas", lambda rows, facility, size: 500_000)
    net.feed(bank, 600)
    net.drain(bank)
    first = net.states(bank)
    assert first[:3] == ["sealed", "broadcast", "reverted"] and first[-1] == "final"
    assert any("too little gas" in detail for _, _, detail in net.history(bank))
    net.assert_exactly_once(bank, 600)


def test_a_batch_that_always_fails_stops_and_says_so(
    net: Net, either: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = either
    with monkeypatch.context() as starved:
        starved.setattr(seal, "_gas", lambda rows, facility, size: 500_000)
        starved.setattr(settle, "_MOST_GAS", 500_000)
        net.feed(bank, 600)
        for _ in range(40):
            tick(bank)
        assert net.states(bank).count("reverted") == lifecycle.MAX_FAILURES
        assert net.states(bank)[-1] == "stopped"
        assert net.states(bank, 2)[-1] == "early"  # waits behind the first
        (trouble,) = bank.posting.troubles()
        assert "batch 1" in trouble and "tally dead-letters replay" in trouble
        assert bank.posting.troubles(FACILITY) == [trouble]
        used = net.rows(bank, select(func.count()).select_from(attempts))
        tick(bank)
        assert net.rows(bank, select(func.count()).select_from(attempts)) == used
        assert net.feed(bank, 1) and bank.posting.tick() == 0  # nothing new is sealed behind it
    with bank.engine.begin() as connection:
        assert resume(connection) == 1
    net.drain(bank)
    net.assert_exactly_once(bank, 601)


def test_a_refused_posting_tells_the_contracts_reason(
    net: Net, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seal, "encode_post", lambda number, *rest: ENCODE_POST(number + 77, *rest))
    net.feed(bank, 1)
    for _ in range(30):
        tick(bank)
    (trouble,) = bank.posting.troubles()
    assert "FacilityNotAParty" in trouble or "FacilityUnknown" in trouble, trouble


ENCODE_POST = encode_post


def test_lost_blocks_are_offered_again(net: Net, either: Bank) -> None:
    bank = either
    net.feed(bank, 300)
    net.drain(bank)
    with net.lost_blocks():
        net.feed(bank, 600)
        net.drain(bank)
        assert net.head(bank)[0] == 5
    assert net.head(bank)[0] == 2
    net.drain(bank)
    assert net.states(bank, 3) == ["sealed", "broadcast", "final", "reorged", "broadcast", "final"]
    net.assert_exactly_once(bank, 900)


def test_lost_blocks_with_failed_attempts_among_them(
    net: Net, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nonces that failed attempts had used are free again: all bytes of ours are offered again."""
    with net.lost_blocks():
        with monkeypatch.context() as starved:
            starved.setattr(seal, "_gas", lambda rows, facility, size: 500_000)
            net.feed(bank, 600)
            net.drain(bank)
        assert len(net.rows(bank, select(attempts))) > 3
    net.drain(bank)
    net.feed(bank, 10)
    net.drain(bank)
    net.assert_exactly_once(bank, 610)


def test_lost_blocks_that_leave_a_gap_of_nonces(net: Net, sqlite_url: str) -> None:
    """Another process had used nonces before us; the chain loses its blocks, too."""
    bank = net.fresh_bank(sqlite_url)
    with net.lost_blocks():
        for nonce in range(3):
            net.foreign_transaction(nonce)
        net.feed(bank, 600)
        net.drain(bank)
        assert min(net.rows(bank, select(attempts.c.nonce)))[0] == 3
    net.drain(bank)
    net.assert_exactly_once(bank, 600)


def test_a_superseded_attempt_fills_its_nonce(net: Net, sqlite_url: str) -> None:
    """A second attempt that was not needed: the ones behind it wait for its nonce."""
    sealed_but_not_sent(net, 3, sqlite_url)
    bank = net.bank()
    (batch,) = net.rows(bank, select(batches))
    queue = bank.posting.submitter._queue
    assert queue.lease.hold()
    with queue.lease.writing() as connection:
        queue.sign(connection, batch.id, batch.calldata, batch.gas_limit + 1, mined=0)
    net.drain(bank)
    net.feed(bank, 3)
    net.drain(bank)
    assert [row.nonce for row in net.rows(bank, select(attempts.c.nonce))] == [0, 1, 2]
    net.assert_exactly_once(bank, 6)


def test_a_transaction_that_the_pool_dropped_is_offered_again(
    net: Net, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.outbox.broadcast._AGAIN_AFTER_S", 0.0)
    net.mining(False)
    net.feed(bank, 3)
    bank.posting.tick()
    net.rpc.call("anvil_dropAllTransactions", [])
    net.mining(True)
    net.drain(bank)
    assert net.states(bank) == ["sealed", "broadcast", "final"]
    net.assert_exactly_once(bank, 3)


def test_a_pool_that_says_nonce_too_low_proves_nothing(
    net: Net, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.outbox.broadcast._AGAIN_AFTER_S", 0.0)
    wedged = {"error": {"code": -32600, "message": "nonce too low"}}
    with monkeypatch.context() as pool:
        pool.setattr(bank.posting.rpc, "batch_answers", lambda requests: [wedged] * len(requests))
        pool.setattr(bank.posting.rpc, "batch", Rpc(bank.posting.rpc.url).batch)
        net.feed(bank, 3)
        for _ in range(5):
            bank.posting.tick()
    assert net.states(bank) == ["sealed", "broadcast"]
    said = [detail for _, _, detail in net.history(bank) if detail.startswith("pool:")]
    assert said == ["pool: nonce too low"]  # noted once, however often it is said
    net.drain(bank)
    net.assert_exactly_once(bank, 3)


def test_a_partners_own_nonce_queue(net: Net, sqlite_url: str) -> None:
    huarui = net.bank(PARTNERS[0], sqlite_url)
    huarui.follower.index()
    net.feed(huarui, 3)
    net.drain(huarui)
    net.assert_exactly_once(huarui, 3)


# A head that is not ours


def test_a_fresh_database_does_not_post_where_another_has(
    net: Net, sqlite_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bank = net.fresh_bank(sqlite_url)
    net.feed(bank, 3)
    net.drain(bank)
    bank.close()
    other = net.bank(LEAD, f"sqlite:///{tmp_path_factory.mktemp('other') / 'fresh.db'}")
    other.follower.index()
    net.feed(other, 2)
    for _ in range(3):
        assert other.posting.tick() == 0
    assert net.rows(other, select(batches)) == []
    (trouble,) = other.posting.troubles()
    assert "batch 1 of WLD-2016-A is not this database's" in trouble
    other.close()
    ours = net.bank(LEAD, sqlite_url)
    net.feed(ours, 1)
    net.drain(ours)
    net.assert_exactly_once(ours, 4)


def test_bytes_of_another_process_under_our_sequence(net: Net, sqlite_url: str) -> None:
    sealed_but_not_sent(net, 3, sqlite_url)
    bank = net.bank()
    facility = bank.posting.facilities.current()[0]
    calldata = net.rows(bank, select(batches.c.calldata))[0].calldata
    stream = calldata[4 + 5 * 32 :][: 32 * 4]
    foreign = ENCODE_POST(facility.number, 1, stream[: 32 * 2], b"")
    net.send(foreign, nonce=0)
    for _ in range(3):
        assert bank.posting.tick() == 0
    assert net.states(bank) == ["sealed", "conflict"]
    assert "not this database's" in str(bank.posting.troubles(FACILITY))
    assert len(net.posts(bank)) == 1


def test_a_busy_database_is_a_tick_that_moves_nothing(
    net: Net, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.node.bank.db.create", partial(db.create, busy_timeout_ms=50))
    bank = net.fresh_bank(sqlite_url)
    net.feed(bank, 3)
    with closing(sqlite3.connect(str(bank.engine.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert tick(bank) == 0
    net.drain(bank)
    net.assert_exactly_once(bank, 3)


# Several facilities in one nonce queue


def test_facilities_share_the_nonces_and_keep_their_sequences(net: Net, bank: Bank) -> None:
    net.agree("SECOND")
    bank.follower.index()
    net.feed(bank, 300)
    net.feed(bank, 300, facility="SECOND")
    net.drain(bank)
    net.drain(bank, "SECOND")
    nonces = [row.nonce for row in net.rows(bank, select(attempts.c.nonce))]
    assert sorted(nonces) == [0, 1, 2, 3]
    net.feed(bank, 1, facility="SECOND")
    net.drain(bank, "SECOND")
    assert net.head(bank)[0] == 2
    assert net.head(bank, "SECOND")[0] == 3


def test_every_facility_goes_on_when_another_used_the_first_nonce(
    net: Net, sqlite_url: str
) -> None:
    net.agree("SECOND")
    sealed_but_not_sent(net, 900, sqlite_url, "SECOND")  # four batches each, nonces 0 to 7
    net.foreign_transaction(nonce=0)
    bank = net.bank()
    net.drain(bank)
    net.drain(bank, "SECOND")
    assert net.head(bank)[0] == 4 and net.head(bank, "SECOND")[0] == 4
    # The first batch once more, and the three that came before their turn because of it.
    assert len(net.rows(bank, select(attempts.c.id))) == 8 + 4


def test_a_nonce_of_each_facility_is_used_by_another(net: Net, sqlite_url: str) -> None:
    net.agree("SECOND")
    sealed_but_not_sent(net, 900, sqlite_url, "SECOND")
    net.foreign_transaction(nonce=0)
    bank = net.bank()
    bank.posting.tick()
    for nonce in (1, 4, 5):
        if (
            int(net.rpc.call("eth_getTransactionCount", [net.operator().address, "latest"]), 16)
            <= nonce
        ):
            net.foreign_transaction(nonce)
    net.drain(bank)
    net.drain(bank, "SECOND")
    assert net.head(bank)[0] == 4 and net.head(bank, "SECOND")[0] == 4


def test_a_chain_that_swallows_little_gets_small_batches_of_each_facility_in_turn(
    net: Net, bank: Bank
) -> None:
    net.agree("SECOND")
    bank.follower.index()
    net.feed(bank, 100)
    net.feed(bank, 3, facility="SECOND")
    bank.posting.submitter._pace = Pace(
        Pacing(first_gas=2_000_000, late_after_s=60.0, most_in_flight=2)
    )
    net.mining(False)
    bank.posting.tick()
    sealed = net.rows(bank, select(batches.c.facility, batches.c.legs).order_by(batches.c.id))
    assert [row.facility for row in sealed] == [FACILITY, "SECOND"]
    assert sealed[0].legs < 20 and sealed[1].legs == 3
    bank.posting.tick()
    assert len(net.rows(bank, select(batches.c.id))) == 2
    net.mining(True)
    net.drain(bank)
    net.drain(bank, "SECOND")
    assert max(net.rows(bank, select(batches.c.legs)))[0] < 20
    assert net.account(bank).books.lead_book == 100 * BASE


def test_a_chain_that_stood_still_gets_less_at_a_time_and_more_again_when_it_goes_on(
    net: Net, bank: Bank
) -> None:
    bounds = Pacing(first_gas=4_000_000, late_after_s=0.2, least_gas=400_000)
    pace = bank.posting.submitter._pace = Pace(bounds)
    net.feed(bank, 100)
    net.mining(False)
    bank.posting.tick()
    whole = pace.transaction_gas

    def is_quartered() -> bool:
        bank.posting.tick()
        return pace.gas <= 1_000_000

    await_true(is_quartered, "a quarter")
    pace._bounds = replace(bounds, late_after_s=60.0)
    assert pace.transaction_gas < whole
    net.mining(True)
    net.drain(bank)
    net.feed(bank, 800)
    net.drain(bank)
    assert pace.gas > bounds.first_gas
    assert net.account(bank).books.lead_book == 900 * BASE


def test_a_facility_that_is_agreed_later_is_posted_to(
    net: Net, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.outbox.facility._LOOK_UP_EVERY_S", 0.0)
    tick(bank)
    net.agree("LATER")
    tick(bank)
    net.feed(bank, 2, facility="LATER")
    net.drain(bank, "LATER")
    assert net.head(bank, "LATER")[0] == 1


def test_a_stopped_facility_does_not_stop_the_others(
    net: Net, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.agree("SECOND")
    bank.follower.index()
    with monkeypatch.context() as starved:
        starved.setattr(seal, "_gas", lambda rows, facility, size: 500_000)
        starved.setattr(settle, "_MOST_GAS", 500_000)
        net.feed(bank, 600)
        for _ in range(40):
            tick(bank)
    assert bank.posting.troubles(FACILITY)
    assert not bank.posting.troubles("SECOND")
    net.feed(bank, 5, facility="SECOND")
    for _ in range(40):
        tick(bank)
    assert drained(bank.engine, "SECOND")
    assert net.head(bank, "SECOND")[0] == 1


def test_a_reference_key_that_does_not_open_stops_its_facility_only(net: Net, bank: Bank) -> None:
    net.agree("SECOND")
    bank.follower.index()
    with bank.engine.begin() as connection:
        connection.execute(
            update(readmodel.facilities)
            .where(readmodel.facilities.c.id == FACILITY)
            .values(sealed_reference_key=b"rubbish")
        )
    net.feed(bank, 2)
    net.feed(bank, 2, facility="SECOND")
    for _ in range(5):
        bank.posting.tick()
    assert drained(bank.engine, "SECOND") and not drained(bank.engine, FACILITY)
    assert "sealing.json" in str(bank.posting.troubles(FACILITY))
    assert not bank.posting.troubles("SECOND")


# Sizes


def test_details_that_do_not_fit_are_spread_over_more_batches(net: Net, bank: Bank) -> None:
    chance = random.Random(3)
    memo = "".join(chr(chance.randrange(0x4E00, 0x9FA5)) for _ in range(4000))
    net.feed(bank, 40, memo=memo)  # one memo for all: it shrinks to little
    for number in range(40):
        shuffled = "".join(chance.sample(memo, len(memo)))
        net.feed(bank, 1, memo=f"{number}{shuffled}")
    net.drain(bank)
    sizes = [len(raw) for raw in net.signed(bank)]
    assert len(sizes) > 3
    assert max(sizes) < 128 * 1024
    net.assert_exactly_once(bank, 80)
    secrets = KeyVersions(bank.config.keys, SEALING, development=True)
    opened = 0
    for row in net.rows(bank, select(batches)):
        details = open_details(sealed_of(row.calldata), bank.member, secrets)
        assert details is not None and len(details) == row.legs
        opened += len(details)
    assert opened == 80


def test_an_event_too_large_for_any_transaction_is_put_aside(net: Net, bank: Bank) -> None:
    chance = random.Random(4)

    def text() -> str:
        return "".join(chr(chance.randrange(0x10000, 0x2FFFF)) for _ in range(16_384))

    net.feed(bank, 2)
    (large,) = net.feed(bank, 1, memo=text(), loan_ref=text(), borrower_ref=text())
    net.feed(bank, 2)
    net.drain(bank)
    (letter,) = all_letters_of(bank)
    assert (letter.event_id, letter.facility) == (large, FACILITY)
    assert "too large" in letter.reason
    net.assert_exactly_once(bank, 4)


def test_gas_is_enough_for_the_most_expensive_batches(net: Net, bank: Bank) -> None:
    """Every leg on a day of its own, and every agreed amount on another one."""
    partner = net.bank(PARTNERS[0], f"sqlite:///{net.root / 'gas.db'}")
    partner.follower.index()
    kinds = ("top_up", "reserve_interest", "other_in", "withdrawal", "service_fee")
    for one, kind in enumerate(kinds):
        net.spread(bank, 100, kind=kind, first_day=-3000 + one * 150)
        net.spread(partner, 100, kind=kind, first_day=-1500 + one * 150)
    net.drain(bank)
    net.drain(partner)
    net.spread(bank, 160, kind="drawdown", first_day=-2000, partner=None)
    net.spread(bank, 160, kind="reversal", first_day=-800, partner=None)
    net.drain(bank)
    for poster in (bank, partner):
        for row in net.rows(poster, select(batches)):
            assert "reverted" not in net.states(poster, row.sequence)
            assert row.gas_used < 0.9 * row.gas_limit, (row.legs, row.gas_used, row.gas_limit)


# Dead letters


def all_letters_of(bank: Bank) -> list[DeadLetter]:
    with bank.engine.connect() as connection:
        return all_letters(connection)


def test_what_the_chain_rejects_becomes_a_letter_and_can_be_replayed(
    net: Net, either: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reversal whose target never came to the chain is rejected by it; then both are mended."""
    bank = either
    with monkeypatch.context() as narrow:
        narrow.setattr(seal, "MAX_CALLDATA_BYTES", 8 * 1024)
        noise = "".join(chr(random.Random(5).randrange(0x4E00, 0x9FA5)) for _ in range(8000))
        noise = "".join(
            random.Random(6).sample(noise + "".join(map(chr, range(19968, 27968))), 8000)
        )
        (target,) = net.feed(bank, 1, memo=noise)
        ref = net.event_ref(bank, target)
        (reversal,) = net.feed(bank, 1, kind="reversal", reverses=f"top_up/{ref}")
        net.feed(bank, 3)
        net.drain(bank)
    letters = {letter.event_id: letter.reason for letter in all_letters_of(bank)}
    with bank.engine.connect() as connection:
        assert pending_by_facility(connection) == {FACILITY: Pending(waiting=0, dead=2)}
    assert letters[reversal] == "target_missing"
    assert "too large" in letters[target]
    assert net.account(bank).books.lead_book == 3 * BASE
    with bank.engine.begin() as connection:
        assert replay(connection, [target]) == 1
    net.drain(bank)
    assert [letter.event_id for letter in all_letters_of(bank)] == [reversal]
    with bank.engine.begin() as connection:
        assert replay(connection) == 1
    net.drain(bank)
    assert all_letters_of(bank) == []
    account = net.account(bank)
    assert account.books.lead_book == 3 * BASE
    assert account.proof == 0
    with bank.engine.begin() as connection:
        assert replay(connection) == 0


def test_what_is_replayed_and_rejected_again_is_a_letter_again(
    net: Net, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as narrow:
        narrow.setattr(seal, "MAX_CALLDATA_BYTES", 8 * 1024)
        noise = "".join(random.Random(6).sample("".join(map(chr, range(19968, 35968))), 8000))
        (target,) = net.feed(bank, 1, memo=noise)
        ref = net.event_ref(bank, target)
        (reversal,) = net.feed(bank, 1, kind="reversal", reverses=f"top_up/{ref}")
        net.drain(bank)
        for _ in range(2):
            with bank.engine.begin() as connection:
                assert replay(connection, [reversal]) == 1
            net.drain(bank)
            assert reversal in {letter.event_id for letter in all_letters_of(bank)}
    assert len(all_letters_of(bank)) == 2


def test_a_duplicate_leg_is_no_letter(net: Net, bank: Bank) -> None:
    (first,) = net.feed(bank, 1)
    net.feed(bank, 1, event_ref=net.event_ref(bank, first))
    net.drain(bank)
    assert all_letters_of(bank) == []
    assert net.account(bank).counts["duplicate_at_lead"] == 1


def test_letters_are_collected_after_a_crash_that_came_before(
    net: Net, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = net.fresh_bank(sqlite_url)
    with monkeypatch.context() as narrow:
        narrow.setattr(seal, "MAX_CALLDATA_BYTES", 8 * 1024)
        noise = "".join(random.Random(6).sample("".join(map(chr, range(19968, 35968))), 8000))
        (target,) = net.feed(bank, 1, memo=noise)
        ref = net.event_ref(bank, target)
        (reversal,) = net.feed(bank, 1, kind="reversal", reverses=f"top_up/{ref}")
        for _ in range(3):
            bank.posting.tick()
        bank.follower.indexer.advance()  # and here it dies
    bank.close()
    bank = net.bank()
    bank.follower.index()
    assert reversal in {letter.event_id for letter in all_letters_of(bank)}
