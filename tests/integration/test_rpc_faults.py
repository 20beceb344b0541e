"""Endpoints that lag, answer short, hang, are cut off or become another chain, by real proxies.

Another one is asked; nothing is applied twice, nothing is lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.chain import failover as endpoints
from app.chain.errors import OutOfSync
from app.chain.identity import check_chain
from app.chain.rpc import Rpc
from app.domain.errors import ChainUnreachable, WrongChain
from app.node.bank import Bank
from app.outbox import broadcast
from app.outbox.lifecycle import BROADCAST, FINAL
from app.outbox.progress import drained
from app.outbox.tables import batch_log, batches
from app.presentation.health import HealthOut
from app.readmodel.chain import newest_incidents
from deploy.consortium import write_config
from ganache.launcher import start
from tests.integration.posting import FACILITY, LEAD, PARTNERS, Net, await_true
from tests.proxy import Proxy, Tamper, without_receipts, without_the_last_logs
from tests.sealed_chain import SealedChain


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "PROBE_EVERY_S", 0.1)
    monkeypatch.setattr(endpoints, "_FIRST_PAUSE_S", 0.5)
    monkeypatch.setattr(endpoints, "_LONGEST_PAUSE_S", 1.0)
    monkeypatch.setattr(broadcast, "_AGAIN_AFTER_S", 0.5)


@pytest.fixture
def own(net: Net) -> Iterator[Proxy]:
    """The bank's own endpoint, which fails."""
    with Proxy(net.url) as proxy:
        yield proxy


@pytest.fixture
def other(net: Net) -> Iterator[Proxy]:
    """Another bank's endpoint of the same chain."""
    with Proxy(net.url) as proxy:
        yield proxy


@pytest.fixture
def bank(net: Net, own: Proxy, other: Proxy, sqlite_url: str) -> Bank:
    return bank_at(net, sqlite_url, own, other)


def bank_at(net: Net, database_url: str, *proxies: Proxy, name: str = LEAD) -> Bank:
    """A bank with an empty database and these endpoints."""
    write_config(net.folder, name, rpc=[proxy.url for proxy in proxies], port=0)
    config = net.folder.config(name)
    text = re.sub("database_url = .*", f'database_url = "{database_url}"', config.read_text())
    config.write_text(text)
    bank = net.bank(name)
    net.opened.callback(bank.close)
    bank.follower.index()
    return bank


def states(bank: Bank) -> list[str]:
    return [one.state for one in bank.endpoints.health()]


def await_states(bank: Bank, *wanted: str) -> None:
    await_true(lambda: states(bank) == list(wanted), f"endpoints {wanted}")


def incidents(bank: Bank) -> list[str]:
    with bank.engine.connect() as connection:
        return [one.what for one in newest_incidents(connection)]


def offered_at(bank: Bank) -> set[str]:
    with bank.engine.connect() as connection:
        details = connection.execute(
            select(batch_log.c.detail).where(batch_log.c.state == BROADCAST)
        )
        return {detail.split()[-1] for (detail,) in details if "http" in detail}


def assert_nothing_went_wrong(net: Net, bank: Bank, rows: int) -> None:
    net.drain(bank)
    net.assert_exactly_once(bank, rows)
    assert incidents(bank) == []
    assert not any(
        state in ("reorged", "conflict", "reverted") for _, state, _ in net.history(bank)
    )


def test_the_banks_own_endpoint_is_asked_while_it_is_well(
    net: Net, bank: Bank, own: Proxy, other: Proxy
) -> None:
    await_states(bank, "good", "good")
    net.feed(bank, 600)
    assert_nothing_went_wrong(net, bank, 600)
    assert offered_at(bank) == {own.url}
    assert not {"eth_sendRawTransaction", "eth_getLogs"} & set(other.asked)
    assert {"eth_sendRawTransaction", "eth_getLogs"} <= set(own.asked)


@pytest.mark.parametrize("how", ["refuse", "cut"])
def test_partition_in_the_middle_of_posting(
    net: Net, own: Proxy, other: Proxy, sqlite_url: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "_TIMEOUT_S", 2.0)
    monkeypatch.setattr(endpoints, "_PROBE_TIMEOUT_S", 2.0)
    bank = bank_at(net, sqlite_url, own, other)
    await_states(bank, "good", "good")
    net.mining(False)
    net.feed(bank, 1200)
    bank.posting.tick()
    setattr(own, how, True)
    net.mining(True)
    net.feed(bank, 600)
    assert_nothing_went_wrong(net, bank, 1800)
    assert offered_at(bank) == {own.url, other.url}
    await_states(bank, "unreachable", "good")
    assert bank.endpoints.health()[0].head is None  # not the one of long ago
    own.whole()
    await_states(bank, "good", "good")
    other.refuse = True
    net.feed(bank, 5)
    assert_nothing_went_wrong(net, bank, 1805)


def test_partition_after_the_chain_took_what_was_offered(
    net: Net, bank: Bank, own: Proxy, other: Proxy
) -> None:
    """The answer is lost, not the transactions: another endpoint tells that they are there."""
    net.feed(bank, 600)

    def taken(method: str, _: object, result: object) -> object:
        if method == "eth_sendRawTransaction":
            own.refuse = True
        return result

    own.tamper = taken
    assert_nothing_went_wrong(net, bank, 600)
    assert own.refuse
    assert net.states(bank) == ["sealed", "final"]
    assert "eth_sendRawTransaction" not in other.asked


def test_all_endpoints_cut_off_and_back(net: Net, bank: Bank, own: Proxy, other: Proxy) -> None:
    own.refuse = other.refuse = True
    net.feed(bank, 600)
    with pytest.raises(ChainUnreachable):
        bank.posting.tick()
    await_states(bank, "unreachable", "unreachable")
    with pytest.raises(ChainUnreachable):
        bank.follower.index()
    other.whole()
    await_true(lambda: "good" in states(bank), "one is back")
    assert_nothing_went_wrong(net, bank, 600)


def test_a_lagging_endpoint_is_left_out(net: Net, bank: Bank, own: Proxy) -> None:
    net.feed(bank, 3)
    net.drain(bank)
    own.lag_at = bank.follower.head()
    net.rpc.call("anvil_mine", ["0xa"])
    await_states(bank, "behind", "good")
    assert "blocks behind" in bank.endpoints.health()[0].why
    net.feed(bank, 600)
    assert_nothing_went_wrong(net, bank, 603)
    own.whole()
    await_states(bank, "good", "good")


@pytest.fixture
def sealed(net: Net, own: Proxy) -> Iterator[SealedChain]:
    """The endpoint serves blocks that validators sealed, and the manifest says so."""
    manifest = json.loads(net.folder.manifest.read_text())
    with closing(SealedChain(net.url)) as chain:
        own.tamper = chain.told
        changed = {**manifest, "engine": "besu", "genesis": chain.block(0)["hash"]}
        net.folder.manifest.write_text(json.dumps(changed))
        yield chain
    net.folder.manifest.write_text(json.dumps(manifest))


def test_a_lagging_endpoint_alone_proves_nothing(
    net: Net, own: Proxy, sealed: SealedChain, sqlite_url: str
) -> None:
    """On an engine that keeps its blocks, a head with fewer batches is one of fewer blocks."""
    bank = bank_at(net, sqlite_url, own)
    before = bank.follower.head()
    net.feed(bank, 3)
    net.drain(bank)
    view = bank.follower.position()
    own.lag_at = before
    net.feed(bank, 3)
    with pytest.raises(OutOfSync, match="batches of block"):
        bank.posting.tick()
    bank.follower.index()
    assert bank.follower.position() == view
    own.lag_at = None
    assert_nothing_went_wrong(net, bank, 6)


def test_a_batch_is_final_when_its_block_is_verified_and_not_by_an_endpoints_word(
    net: Net, own: Proxy, sealed: SealedChain, sqlite_url: str
) -> None:
    bank = bank_at(net, sqlite_url, own)
    net.mining(False)
    net.feed(bank, 3)
    bank.posting.tick()
    assert net.states(bank) == ["sealed", "broadcast"]
    with bank.engine.connect() as connection:
        digest = connection.execute(select(batches.c.digest)).scalar_one()
    head = net.reconciliation(bank).head_request(1, bank.member)[1][0]["data"]

    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method == "eth_call" and params[0]["data"] == head:
            return f"0x{1:064x}{digest.hex()}"
        if method == "eth_getTransactionCount":
            return hex(int(result, 16) + 1)
        if method == "eth_getTransactionReceipt":
            return {"status": "0x1", "gasUsed": "0x1", "blockNumber": "0xfffffff"}
        return sealed.told(method, params, result)

    own.tamper = lie
    for _ in range(3):
        bank.posting.tick()
    assert net.states(bank) == ["sealed", "broadcast"]
    own.tamper = sealed.told
    net.mining(True)
    assert_nothing_went_wrong(net, bank, 3)


def test_a_liar_is_refused_and_another_endpoint_is_read(
    net: Net,
    own: Proxy,
    other: Proxy,
    sealed: SealedChain,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endpoints, "_LONGEST_PAUSE_S", 60.0)
    other.tamper = sealed.told
    bank = bank_at(net, sqlite_url, own, other)

    def lie(method: str, params: list[Any], result: Any) -> Any:
        told = sealed.told(method, params, result)
        if method == "eth_getTransactionReceipt" and told is not None:
            told = {**told, "logs": told["logs"][1:]}
        return told

    own.tamper = lie
    net.feed(bank, 3)
    net.drain(bank)
    net.assert_exactly_once(bank, 3)
    await_states(bank, "refused", "good")
    assert "the receipts are not those of the block" in bank.endpoints.health()[0].why
    assert set(incidents(bank)) == {"refused"}


def test_a_node_amid_the_blocks_of_the_founding_is_no_other_chain(net: Net, own: Proxy) -> None:
    own.tamper = lambda method, _, result: "0x" if method == "eth_call" else result
    rpc = Rpc(own.url)
    with pytest.raises(OutOfSync, match="no Reconciliation contract"):
        check_chain(rpc, net.manifest)
    rpc.close()


def test_a_wiped_endpoint_is_out_of_sync_and_no_other_chain(
    net: Net, bank: Bank, own: Proxy
) -> None:
    own.lag_at = 0
    await_states(bank, "out of sync", "good")
    assert "no Reconciliation contract" in bank.endpoints.health()[0].why
    net.feed(bank, 600)
    assert_nothing_went_wrong(net, bank, 600)
    own.whole()
    await_states(bank, "good", "good")


@pytest.mark.parametrize("tamper", [without_the_last_logs(1), without_the_last_logs(1000)])
def test_short_answers_are_asked_for_elsewhere(
    net: Net, bank: Bank, own: Proxy, other: Proxy, tamper: Tamper
) -> None:
    own.tamper = tamper
    net.feed(bank, 1200)
    assert_nothing_went_wrong(net, bank, 1200)
    assert "eth_getLogs" in other.asked


def test_receipts_left_out_prove_nothing(net: Net, bank: Bank, own: Proxy) -> None:
    own.tamper = without_receipts
    net.feed(bank, 1200)
    assert_nothing_went_wrong(net, bank, 1200)


def test_a_slow_endpoint_times_out_and_another_is_asked(
    net: Net, own: Proxy, other: Proxy, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "_TIMEOUT_S", 0.5)
    bank = bank_at(net, sqlite_url, own, other)
    await_states(bank, "good", "good")
    own.delay_s = 1.5
    net.feed(bank, 600)
    assert_nothing_went_wrong(net, bank, 600)
    assert offered_at(bank) >= {other.url}


def test_an_endpoint_that_comes_back_as_another_chain_is_set_aside(
    net: Net, bank: Bank, own: Proxy, tmp_path: Path
) -> None:
    net.feed(bank, 3)
    net.drain(bank)
    with start("anvil", state_dir=tmp_path / "another", keep_state=False) as another:
        own.target = another.process.url
        net.feed(bank, 600)
        assert_nothing_went_wrong(net, bank, 603)
        await_states(bank, "other chain", "good")
        assert "another chain of the same id" in bank.endpoints.health()[0].why
        # Nothing was sent there.
        own.asked.clear()
        net.feed(bank, 3)
        assert_nothing_went_wrong(net, bank, 606)
        assert "eth_sendRawTransaction" not in own.asked
        own.target = net.url
        await_states(bank, "good", "good")
    net.feed(bank, 3)
    assert_nothing_went_wrong(net, bank, 609)


def test_only_other_chains_are_said_and_nothing_is_sent(
    net: Net, bank: Bank, own: Proxy, other: Proxy, tmp_path: Path
) -> None:
    with start("anvil", state_dir=tmp_path / "another", keep_state=False) as another:
        own.target = other.target = another.process.url
        net.feed(bank, 3)
        for proxy in (own, other):
            proxy.asked.clear()
        for work in (bank.posting.tick, bank.follower.index):
            with pytest.raises(WrongChain, match="another chain of the same id"):
                work()
        assert "eth_sendRawTransaction" not in own.asked + other.asked
        own.target = other.target = net.url
        await_true(lambda: "good" in states(bank), "one is back")
        assert_nothing_went_wrong(net, bank, 3)


def test_a_wedged_pool_is_passed_by(net: Net, bank: Bank, own: Proxy, other: Proxy) -> None:
    """It keeps what it was offered, mines nothing, and says so in words that prove nothing."""
    own.swallow = {"eth_sendRawTransaction": "nonce too low"}
    net.feed(bank, 1200)
    assert_nothing_went_wrong(net, bank, 1200)
    assert offered_at(bank) == {own.url, other.url}
    assert any(detail == "pool: nonce too low" for _, _, detail in net.history(bank))
    # The identical bytes, under the nonces that they had.
    with bank.engine.connect() as connection:
        assert {one.state for one in connection.execute(select(batches.c.state))} == {FINAL}


def test_reorg_at_one_endpoint_does_not_rewind_what_another_still_has(
    net: Net, bank: Bank, own: Proxy
) -> None:
    net.feed(bank, 3)
    net.drain(bank)
    read = bank.follower.position()

    def forked(method: str, params: list[object], result: object) -> object:
        if method != "eth_getBlockByNumber" or not isinstance(result, dict):
            return result
        return {**result, "hash": "0x" + "77" * 32} if int(result["number"], 16) >= read else result

    own.tamper = forked
    net.feed(bank, 3)
    assert_nothing_went_wrong(net, bank, 6)


def test_reorg_at_all_endpoints_rewinds_the_view_and_is_shown(net: Net, bank: Bank) -> None:
    net.feed(bank, 3)
    net.drain(bank)
    with net.lost_blocks():
        net.feed(bank, 600)
        net.drain(bank)
        lost = net.rpc.call("eth_getBlockByNumber", ["latest", False])
    # The same again in the same second would be the same blocks, and none lost.
    net.rpc.call("evm_setNextBlockTimestamp", [int(lost["timestamp"], 16) + 1])
    net.feed(bank, 3)
    net.drain(bank)
    net.assert_exactly_once(bank, 606)
    assert incidents(bank) == ["rewind"]


def test_partition_of_one_bank_leaves_the_other_alone(
    net: Net, bank: Bank, own: Proxy, other: Proxy, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        elsewhere = stack.enter_context(Proxy(net.url))
        partner = bank_at(net, f"sqlite:///{tmp_path / 'p.db'}", elsewhere, name=PARTNERS[0])
        own.refuse = other.refuse = True
        net.feed(bank, 10)
        net.feed(partner, 10)
        assert_nothing_went_wrong(net, partner, 10)
        with pytest.raises(ChainUnreachable):
            bank.posting.tick()
        own.whole()
        await_true(lambda: "good" in states(bank), "it is back")
        assert_nothing_went_wrong(net, bank, 10)
        assert drained(bank.engine, FACILITY)


def test_health_shows_every_endpoint(bank: Bank, own: Proxy, other: Proxy) -> None:
    own.refuse = True
    await_states(bank, "unreachable", "good")
    first, second = bank.endpoints.health()
    assert (first.url, second.url) == (own.url, other.url)
    assert "does not answer" in first.why and second.why == "" and second.head is not None
    assert "endpoints" in HealthOut.model_fields["chain"].annotation.model_fields  # type: ignore[union-attr]
