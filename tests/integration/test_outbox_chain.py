"""The chain goes down, comes back poorer, or comes back as another one; a database that is held."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text

from app.actions.sender import Signer
from app.chain import identity
from app.chain.errors import ChainAnswer, OutOfSync
from app.chain.identity import check_chain
from app.chain.manifest import CONTRACT_VERSION
from app.chain.rpc import Rpc
from app.contracts.errors import ContractReverted
from app.contracts.facility_registry import FacilityRegistry
from app.db import engine as db
from app.domain.errors import ChainUnreachable, DatabaseBusy, WrongChain
from app.keys.keystore import load_account
from app.node.bank import Bank
from app.outbox.progress import drained
from app.outbox.settle import Settler
from app.outbox.tables import batches
from ganache.engines import Engine
from tests.chains import Chain
from tests.integration.posting import FACILITY, LEAD, PARTNERS, Net
from tests.integration.vaults import VAULT


@pytest.fixture
def chain(engine: Engine, tmp_path: Path) -> Iterator[Chain]:
    chain = Chain(engine, tmp_path)
    chain.start()
    yield chain
    chain.stop()


@pytest.fixture
def anvil(tmp_path: Path) -> Iterator[Chain]:
    chain = Chain("anvil", tmp_path)
    chain.start()
    yield chain
    chain.stop()


@pytest.fixture
def founding() -> Iterator[Callable[[Chain], Net]]:
    with ExitStack() as stack:

        def found(chain: Chain) -> Net:
            net = Net(chain.folder / "net", chain.url, chain.engine)
            stack.callback(net.close)
            return net

        yield found


Founding = Callable[[Chain], Net]


def opened(net: Net) -> Bank:
    bank = net.bank(LEAD)
    bank.follower.index()
    return bank


def test_each_engine_posts_and_keeps_what_was_posted(chain: Chain, founding: Founding) -> None:
    net = founding(chain)
    bank = opened(net)
    net.feed(bank, 30)
    net.drain(bank)
    chain.stop()
    with pytest.raises(ChainUnreachable):
        bank.posting.tick()
    net.feed(bank, 5)  # taken in while there is no chain
    chain.start()
    net.drain(bank)
    net.assert_exactly_once(bank, 35)
    assert net.head(bank)[0] == 2


def test_each_engine_tells_why_it_refuses(chain: Chain, founding: Founding) -> None:
    net = founding(chain)
    bank = opened(net)
    net.feed(bank, 3)
    net.drain(bank)
    calldata = net.rows(bank, select(batches.c.calldata))[0].calldata
    again = net.reconciliation(bank).refusal(net.operator().address, calldata, 100_000_000)
    assert "PostingWrongSequence(facility=1, member=1, expected=2, given=1)" in str(again)
    registry = FacilityRegistry(net.rpc, net.manifest.addresses["FacilityRegistry"])
    approver = load_account(net.folder.keys(PARTNERS[0]), "approver", development=True)
    stranger = net.reconciliation(bank).refusal(approver.address, calldata, 100_000_000)
    assert "ConsortiumNotAKey" in str(stranger)
    with pytest.raises(ContractReverted, match="FacilityAlreadyAccepted") as refused:
        signer = Signer(net.rpc, approver, PARTNERS[0], "approver")
        signer.send(registry.accept(1, registry.terms_hash(registry.terms(1))))
    assert refused.value.name == "FacilityAlreadyAccepted"


def test_a_chain_that_comes_back_without_its_last_blocks_is_posted_to_again(
    anvil: Chain, founding: Founding
) -> None:
    net = founding(anvil)
    bank = opened(net)
    net.feed(bank, 10)
    net.drain(bank)
    anvil.stop()
    stored = anvil.folder / "chain" / "blocks.jsonl"
    before = stored.read_bytes()
    anvil.start()
    net.feed(bank, 300)
    net.drain(bank)
    assert net.head(bank)[0] == 3
    anvil.kill()
    stored.write_bytes(before)
    anvil.start()
    assert net.head(bank)[0] == 1
    net.drain(bank)
    assert "reorged" in net.states(bank, 2)
    net.assert_exactly_once(bank, 310)


def test_a_bank_that_starts_while_the_chain_is_down_knows_who_it_is(
    anvil: Chain, founding: Founding
) -> None:
    net = founding(anvil)
    bank = opened(net)
    bank.close()
    anvil.stop()
    bank = net.bank(LEAD)
    assert bank.follower.role() == "lead"
    net.feed(bank, 3)
    with pytest.raises(ChainUnreachable) as unreachable:
        bank.posting.tick()
    assert "what was accepted waits" in unreachable.value.remedy
    anvil.start()
    net.drain(bank)
    net.assert_exactly_once(bank, 3)


def test_another_chain_id(anvil: Chain, founding: Founding) -> None:
    bank = with_rows_waiting(founding(anvil))
    anvil.stop()
    anvil.start("other", chain_id=4711)
    with pytest.raises(WrongChain, match="chain 4711, this network is chain 31337") as wrong:
        bank.posting.tick()
    assert "bank.toml" in wrong.value.remedy


def test_a_chain_that_was_begun_anew(anvil: Chain, founding: Founding) -> None:
    net = founding(anvil)
    bank = with_rows_waiting(net)
    anvil.stop()
    anvil.start("anew")
    with pytest.raises(WrongChain, match="another chain of the same id") as wrong:
        bank.posting.tick()
    assert "restore" in wrong.value.remedy
    # Founded again with the same keys it even has the contracts at the same addresses.
    before = net.manifest
    net.folder.manifest.unlink()
    anew = net.consortium.found("anvil")
    assert anew.addresses == before.addresses
    assert anew.genesis != before.genesis
    with pytest.raises(WrongChain):
        bank.posting.tick()
    anvil.stop()
    anvil.start()
    net.drain(bank)
    net.assert_exactly_once(bank, 13)


def test_a_chain_that_lost_the_contracts(anvil: Chain, founding: Founding) -> None:
    before = Rpc(anvil.url)
    snapshot = before.call("evm_snapshot", [])
    bank = with_rows_waiting(founding(anvil))
    assert before.call("evm_revert", [snapshot])
    before.close()
    # No other chain: a node that was wiped is so for as long as it syncs.
    with pytest.raises(OutOfSync, match="no Reconciliation contract") as behind:
        bank.posting.tick()
    assert "let it sync" in behind.value.remedy


def test_another_contract_version(
    anvil: Chain, founding: Founding, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = founding(anvil)
    stands, spoken = CONTRACT_VERSION, CONTRACT_VERSION + 1
    monkeypatch.setattr(identity, "CONTRACT_VERSION", spoken)
    said = f"version {stands}, this application speaks {spoken}"
    with pytest.raises(WrongChain, match=said) as wrong:
        check_chain(net.rpc, net.manifest)
    assert "Upgrade" in wrong.value.remedy


def test_a_manifest_of_other_contracts(anvil: Chain, founding: Founding) -> None:
    net = founding(anvil)
    elsewhere = replace(
        net.manifest, addresses={**net.manifest.addresses, "Reconciliation": "0x" + "0" * 40}
    )
    with pytest.raises(OutOfSync, match="no Reconciliation contract"):
        check_chain(net.rpc, elsewhere)


def with_rows_waiting(net: Net) -> Bank:
    bank = opened(net)
    net.feed(bank, 10)
    net.drain(bank)
    net.feed(bank, 3)
    return bank


def test_the_chain_goes_down_between_offering_and_proof(
    anvil: Chain, founding: Founding, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = founding(anvil)
    bank = opened(net)
    net.feed(bank, 3)
    bank.posting.tick()
    finalise = Settler._finalise

    def fail(*arguments: object) -> None:
        monkeypatch.setattr(Settler, "_finalise", finalise)
        anvil.stop()
        finalise(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Settler, "_finalise", fail)
    with pytest.raises(ChainUnreachable):
        for _ in range(50):
            bank.posting.tick()
            time.sleep(0.02)
    assert net.states(bank) == ["sealed", "broadcast"]
    anvil.start()
    net.drain(bank)
    net.assert_exactly_once(bank, 3)


# Endpoints that are no good


@pytest.fixture
def impostor() -> Iterator[Callable[[bytes | None], str]]:
    """An HTTP endpoint that answers every request with the given bytes (None: never)."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve(listener: socket.socket, answer: bytes | None) -> None:
        with ExitStack() as kept:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                kept.enter_context(connection)
                if answer is not None:
                    connection.recv(1 << 16)
                    connection.sendall(answer)
                    connection.close()

    def start_one(answer: bytes | None) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threads.append(threading.Thread(target=serve, args=(listener, answer), daemon=True))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start_one
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join()


def http(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "Timeout"),
        (b"", "ConnectionError"),
        (http("502 Bad Gateway", b"<html>"), "HTTP 502"),
        (http("200 OK", b"<html>"), "unexpected character"),
        (http("200 OK", b"null"), "not a JSON-RPC answer"),
        (http("200 OK", b"[1]"), "not a JSON-RPC answer"),
        (http("200 OK", b'{"jsonrpc":"2.0","id":0}'), "without a result"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "Error"),
    ],
)
def test_endpoints_that_do_not_answer(
    impostor: Callable[[bytes | None], str], answer: bytes | None, why: str
) -> None:
    rpc = Rpc(impostor(answer), timeout_s=0.3)
    with pytest.raises(ChainUnreachable, match=why):
        rpc.call("eth_blockNumber", [])
    rpc.close()


def test_the_endpoints_password_is_never_shown() -> None:
    rpc = Rpc("http://bank:geheim@127.0.0.1:9/v1", timeout_s=1)
    assert rpc.url == "http://127.0.0.1:9/v1"
    with pytest.raises(ChainUnreachable) as fault:
        rpc.call("eth_blockNumber", [])
    assert "geheim" not in str(fault.value)
    rpc.close()


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b'[{"id":0,"result":1},{"id":0,"result":2}]', b'[{"id":1}, 5]']
)
def test_short_answers_to_a_batch(impostor: Callable[[bytes | None], str], body: bytes) -> None:
    rpc = Rpc(impostor(http("200 OK", body)), timeout_s=1)
    with pytest.raises(ChainUnreachable, match="missing"):
        rpc.batch([("eth_blockNumber", []), ("eth_chainId", [])])
    rpc.close()


def test_answers_to_a_batch_may_come_in_any_order(impostor: Callable[[bytes | None], str]) -> None:
    body = b'[{"id":1,"result":"b"},{"id":0,"result":"a"}]'
    rpc = Rpc(impostor(http("200 OK", body)), timeout_s=1)
    assert rpc.batch([("one", []), ("two", [])]) == ["a", "b"]
    rpc.close()


@pytest.mark.parametrize("error", [b'{"code":-32000,"message":"too large"}', b'"too large"'])
def test_a_batch_that_is_refused_as_a_whole(
    impostor: Callable[[bytes | None], str], error: bytes
) -> None:
    rpc = Rpc(impostor(http("200 OK", b'{"jsonrpc":"2.0","id":null,"error":' + error + b"}")))
    with pytest.raises(ChainAnswer, match="too large"):
        rpc.batch([("eth_blockNumber", [])])
    rpc.close()


def test_a_contract_read_while_the_chain_is_down(anvil: Chain, founding: Founding) -> None:
    net = founding(anvil)
    bank = opened(net)
    anvil.stop()
    with pytest.raises(ChainUnreachable):
        net.reconciliation(bank).contract.functions.contractVersion().call()


# A database that another holds


def test_a_locked_database_is_busy_and_nothing_is_lost(
    anvil: Chain, founding: Founding, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert db.create.__kwdefaults__ is not None
    monkeypatch.setitem(db.create.__kwdefaults__, "busy_timeout_ms", 100)
    net = founding(anvil)
    bank = net.fresh_bank(database_url)
    net.feed(bank, 3)
    holder = db.create(database_url, vault=VAULT)
    with holder.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE batches, leases IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(DatabaseBusy) as busy:
            bank.posting.tick()
        assert busy.value.remedy
    holder.dispose()
    net.drain(bank)
    net.assert_exactly_once(bank, 3)
    assert drained(bank.engine, FACILITY)
