"""The launcher of the development chains: what it refuses, and what it brings back."""

from __future__ import annotations

import gc
import gzip
import http.server
import ipaddress
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from app.processes import free_port
from ganache import dumps, engines, rpc
from ganache.engines import Engine
from ganache.errors import (
    ChainFailed,
    EngineMissing,
    PortTaken,
    StateInUse,
    StateMismatch,
)
from ganache.journal import Journal
from ganache.launcher import start
from ganache.pool import Pool

TO = "0x" + "11" * 20


def height(url: str) -> int:
    return int(rpc.call(url, "eth_blockNumber"), 16)


def raw(
    key: str, nonce: int, *, to: str | None = TO, data: bytes = b"", gas: int = 1_000_000
) -> str:
    """A signed transaction at gas price 0."""
    fields = {"nonce": nonce, "gasPrice": 0, "gas": gas, "value": 0, "data": data}
    target = {} if to is None else {"to": to}
    signed = Account.sign_transaction({**fields, **target, "chainId": 31337}, key)
    return "0x" + bytes(signed.raw_transaction).hex()


def offer(url: str, signed: str) -> str:
    """Post one signed transaction; its hash."""
    answer: str = rpc.call(url, "eth_sendRawTransaction", signed)
    return answer


def send(url: str, key: str, nonce: int, data: bytes = b"") -> str:
    """Post one transaction and wait until it is mined; its hash."""
    sent = offer(url, raw(key, nonce, data=data))
    await_mined(url, sent)
    return sent


def await_mined(url: str, sent: str) -> None:
    await_true("its receipt", lambda: rpc.call(url, "eth_getTransactionReceipt", sent))


def await_true(what: str, holds: Callable[[], object], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"still waiting: {what}"
        time.sleep(0.02)


# --- what is refused -----------------------------------------------------------------------------


def test_unknown_engine_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="'geth': choose one of anvil, ganache"):
        start("geth", state_dir=tmp_path / "state")  # type: ignore[arg-type]
    assert not (tmp_path / "state").exists()


def test_missing_npm_package_says_make_setup(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "PACKAGES", tmp_path / "none")
    with pytest.raises(EngineMissing, match=f"{engine} is not installed.*make setup"):
        start(engine, state_dir=tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_missing_node_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineMissing, match="ganache needs Node 20"):
        start("ganache", state_dir=tmp_path / "state")


def test_port_of_a_foreign_chain_is_refused_and_the_chain_left_alone(
    engine: Engine, tmp_path: Path
) -> None:
    port = free_port()
    with start("anvil", state_dir=tmp_path / "foreign", chain_id=4242, port=port) as foreign:
        before = height(foreign.process.url)
        with pytest.raises(PortTaken, match=f"port {port} .*anvil/.*chain id 4242.*left alone"):
            start(engine, state_dir=tmp_path / "mine", port=port)
        assert foreign.alive()
        assert height(foreign.process.url) == before


def test_port_of_another_program_is_refused(engine: Engine, tmp_path: Path) -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with pytest.raises(PortTaken, match="taken by another program"):
            start(engine, state_dir=tmp_path, port=server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_state_of_another_engine_or_chain_id_is_refused(engine: Engine, tmp_path: Path) -> None:
    start(engine, state_dir=tmp_path).stop()
    other: Engine = "ganache" if engine == "anvil" else "anvil"
    with pytest.raises(StateMismatch, match=f"chain of {engine} with chain id 31337"):
        start(other, state_dir=tmp_path)
    with pytest.raises(StateMismatch, match=f"not of {engine} with 7"):
        start(engine, state_dir=tmp_path, chain_id=7)


def test_state_of_a_running_chain_is_refused(engine: Engine, tmp_path: Path) -> None:
    with start(engine, state_dir=tmp_path) as running:
        with pytest.raises(StateInUse, match=f"process {running.process.pid}"):
            start(engine, state_dir=tmp_path)
        assert running.alive()


def test_a_chain_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    (tmp_path / "database").write_text("a file where ganache wants a folder")
    with pytest.raises(ChainFailed, match=r"chain\.log"):
        start("ganache", state_dir=tmp_path)
    (tmp_path / "database").unlink()
    start("ganache", state_dir=tmp_path).stop()  # nothing is left over from the failure


def test_damaged_states_are_never_replaced_by_an_empty_chain(tmp_path: Path) -> None:
    with start("anvil", state_dir=tmp_path) as chain:
        send(chain.process.url, Account.create().key.hex(), 0)
    journal = tmp_path / "blocks.jsonl"
    stored = journal.read_bytes()
    first, second = stored.splitlines(keepends=True)
    other = second.replace(b'"transactions": ["', b'"transactions": ["00')
    for damaged, why in (
        (b"?" + stored, "line 1 is damaged"),
        (first + other, "block 1 cannot be made again"),
        (second, "block 0 cannot be made again"),
    ):
        journal.write_bytes(damaged)
        with pytest.raises(ChainFailed, match=why):
            start("anvil", state_dir=tmp_path)
        assert journal.read_bytes() == damaged


# --- what works ----------------------------------------------------------------------------------


def test_a_sender_without_money_posts_at_gas_price_0(engine: Engine, tmp_path: Path) -> None:
    with start(engine, state_dir=tmp_path) as chain:
        url = chain.process.url
        assert int(rpc.call(url, "eth_chainId"), 16) == chain.process.chain_id == 31337
        sent = send(url, Account.create().key.hex(), 0, data=bytes(range(256)) * 100)
        receipt = rpc.call(url, "eth_getTransactionReceipt", sent)
        assert receipt["status"] == "0x1"
        assert (
            int(rpc.call(url, "eth_getBlockByNumber", "latest", False)["gasLimit"], 16) == 2 * 10**8
        )


def test_both_engines_know_the_same_accounts(tmp_path: Path) -> None:
    with (
        start("anvil", state_dir=tmp_path / "a") as a,
        start("ganache", state_dir=tmp_path / "g") as g,
    ):
        known = [rpc.call(chain.process.url, "eth_accounts") for chain in (a, g)]
    assert known[0] == known[1]
    assert len(known[0]) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
def test_no_page_finds_the_chain(engine: Engine, tmp_path: Path) -> None:
    """Both engines take any page's WebSocket: what is not 127.0.0.1 is not found by trying."""
    hosts = set()
    for name in ("a", "b"):
        with start(engine, state_dir=tmp_path / name, keep_state=False) as chain:
            address = httpx.URL(chain.process.url)
            assert ipaddress.ip_address(address.host).is_loopback
            hosts.add(address.host)
            for known in ("127.0.0.1", "localhost", socket.gethostname()):
                with pytest.raises(httpx.ConnectError):
                    httpx.post(address.copy_with(host=known), json={}, trust_env=False)
    assert len(hosts) == 2


def test_a_page_that_knows_the_address_may_not_ask(tmp_path: Path) -> None:
    with start("anvil", state_dir=tmp_path, keep_state=False) as chain:
        url = chain.process.url
        asks = {"Origin": "http://page.example", "Access-Control-Request-Method": "POST"}
        allowed = httpx.options(url, headers=asks).headers
        assert not [name for name in allowed if name.startswith("access-control")]
        # What browsers send without asking first is refused.
        plain = {"Origin": "http://page.example", "Content-Type": "text/plain"}
        call = b'{"jsonrpc":"2.0","id":1,"method":"eth_accounts","params":[]}'
        assert "result" not in httpx.post(url, content=call, headers=plain).json()


def test_block_time_makes_blocks_without_transactions(engine: Engine, tmp_path: Path) -> None:
    with start(engine, state_dir=tmp_path, block_time_s=1) as chain:
        await_true("two blocks", lambda: height(chain.process.url) >= 2)


def test_timed_blocks_do_not_pile_up_whole_states(tmp_path: Path) -> None:
    """With a block time of its own anvil keeps up to 1,500 of them."""
    with start("anvil", state_dir=tmp_path, block_time_s=1) as chain:
        url = chain.process.url
        for _ in range(engines.TIMED_HISTORY_BLOCKS + 2):
            rpc.call(url, "evm_mine")
        with pytest.raises(rpc.NoAnswer, match="BlockOutOfRange"):
            rpc.call(url, "eth_call", {"to": TO}, "0x1")
        at_least = height(url) + 2
        await_true("the next blocks", lambda: height(url) >= at_least)


def test_bursts_are_mined_to_the_last_transaction(tmp_path: Path) -> None:
    """Left alone, an automining anvil strands what did not fit in the block that it was making."""
    key = Account.create().key.hex()
    endless_loop = bytes.fromhex("5b600056")
    with start("anvil", state_dir=tmp_path, keep_state=False) as chain:
        for burst in range(3):
            nonces = range(burst * 15, burst * 15 + 15)
            signed = [
                raw(key, nonce, to=None, data=endless_loop, gas=20_000_000) for nonce in nonces
            ]
            calls = [
                {"jsonrpc": "2.0", "id": nonce, "method": "eth_sendRawTransaction", "params": [one]}
                for nonce, one in zip(nonces, signed, strict=True)
            ]
            sent = [answer["result"] for answer in httpx.post(chain.process.url, json=calls).json()]
            for one in sent:
                await_mined(chain.process.url, one)


def test_what_was_held_back_stays_pending(tmp_path: Path) -> None:
    with start("anvil", state_dir=tmp_path, keep_state=False) as chain:
        url = chain.process.url
        rpc.call(url, "evm_setAutomine", False)
        offer(url, raw(Account.create().key.hex(), 0))
        pool = Pool()
        pool.unstick(url)
        pool.unstick(url)
        assert rpc.call(url, "txpool_status")["pending"] == "0x1"


def test_stopped_and_started_again_goes_on(engine: Engine, tmp_path: Path) -> None:
    key = Account.create().key.hex()
    with start(engine, state_dir=tmp_path) as chain:
        port = int(chain.process.url.rsplit(":", 1)[1])
        sent = [send(chain.process.url, key, nonce) for nonce in range(3)]
        hashes = block_hashes(chain.process.url)
    assert not chain.alive()
    assert not psutil.pid_exists(chain.process.pid)
    with start(engine, state_dir=tmp_path, port=port) as again:
        url = again.process.url
        assert block_hashes(url) == hashes
        assert rpc.call(url, "eth_getTransactionReceipt", sent[-1])["status"] == "0x1"
        # A call at a past block still answers.
        assert int(rpc.call(url, "eth_getTransactionCount", address(key), "0x1"), 16) == 1
        send(url, key, 3)
        assert height(url) == 4


def test_killed_and_started_again_has_no_half_state(engine: Engine, tmp_path: Path) -> None:
    key = Account.create().key.hex()
    chain = start(engine, state_dir=tmp_path)
    with chain:
        send(chain.process.url, key, 0)
        if engine == "anvil":  # ganache writes each block itself
            journal = tmp_path / "blocks.jsonl"
            await_true("the block's line", lambda: journal.read_bytes().count(b"\n") == 2)
        hashes = block_hashes(chain.process.url)
        os.kill(chain.process.pid, signal.SIGKILL)
        await_true("its end", lambda: not chain.alive())
    with start(engine, state_dir=tmp_path) as again:
        url = again.process.url
        assert block_hashes(url) == hashes
        send(url, key, 1)
        assert height(url) == 2


# Counts its calls with data, and logs each; without data it tells how many.
COUNTER = bytes.fromhex(
    "6021600c60003960216000f336600f5760005460005260206000f35b600160005401600055602a60006000a100"
)


class Counting:
    """Blocks of a chain that counts, some with transactions that fail."""

    def __init__(self) -> None:
        self.key = Account.create().key.hex()
        self.sent: list[str] = []
        self.contract = ""

    def mine(self, url: str, blocks: int) -> None:
        for _ in range(blocks):
            nonce = len(self.sent)
            if not self.contract:
                signed = raw(self.key, nonce, to=None, data=COUNTER)
            else:
                gas = 21_100 if nonce % 3 == 2 else 100_000
                signed = raw(self.key, nonce, to=self.contract, data=b"1", gas=gas)
            self.sent.append(offer(url, signed))
            rpc.call(url, "evm_mine")
            await_mined(url, self.sent[-1])
            receipt = rpc.call(url, "eth_getTransactionReceipt", self.sent[-1])
            self.contract = self.contract or to_checksum_address(receipt["contractAddress"])

    def seen(self, url: str, through: int) -> list[Any]:
        """What a node may ask of these blocks, and of the newest."""
        blocks = [
            rpc.call(url, "eth_getBlockByNumber", hex(number), True)
            for number in range(through + 1)
        ]
        logs = {"fromBlock": "0x0", "toBlock": hex(through), "address": self.contract}
        return [
            blocks,
            [rpc.call(url, "eth_getBlockReceipts", one["number"]) for one in blocks],
            [rpc.call(url, "eth_getTransactionByHash", one) for one in self.sent],
            [rpc.call(url, "debug_getRawTransaction", one) for one in self.sent],
            rpc.call(url, "eth_getLogs", logs),
            rpc.call(url, "eth_call", {"to": self.contract}, "latest"),
            rpc.call(url, "eth_getCode", self.contract, "latest"),
            nonce_of(url, self.key),
        ]


def stored_through(state: Path) -> int:
    """The newest block that is on disk."""
    return (state / "blocks.jsonl").read_bytes().count(b"\n") - 1


def stored_hashes(state: Path) -> list[str]:
    lines = (state / "blocks.jsonl").read_text().splitlines()
    return [json.loads(line)["hash"] for line in lines]


def dump_numbers(state: Path) -> list[int]:
    return sorted(int(path.name.split(".")[0]) for path in (state / "states").glob("*.gz"))


def await_lines(state: Path, through: int) -> None:
    await_true("the blocks' lines", lambda: stored_through(state) >= through)


def await_next_dump(state: Path, mine: Callable[[], None]) -> None:
    had = dump_numbers(state)
    mine()
    await_true("another dump", lambda: dump_numbers(state) != had)


def test_what_was_traced_is_forgotten_and_nothing_else(tmp_path: Path) -> None:
    with start("anvil", state_dir=tmp_path) as chain:
        url, counting = chain.process.url, Counting()
        rpc.call(url, "evm_setAutomine", False)
        counting.mine(url, 3)
        before = counting.seen(url, 3)
        await_lines(tmp_path, 3)
        await_true(
            "no traces",
            lambda: not any(rpc.call(url, "trace_transaction", one) for one in counting.sent),
        )
        assert counting.seen(url, 3) == before


@dataclass
class Stored:
    """A chain that has ended: its folder, what was sent, and the two states in it."""

    folder: Path
    counting: Counting
    older: int
    newer: int


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    folder, counting = tmp_path_factory.mktemp("stored"), Counting()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dumps, "EVERY_BLOCKS", 6)
        with start("anvil", state_dir=folder, block_time_s=1) as chain:
            for count in (1, 2, 2):
                await_next_dump(folder, lambda: counting.mine(chain.process.url, 6))
                assert len(dump_numbers(folder)) == count
            patch.setattr(dumps, "EVERY_BLOCKS", 1_000)
            counting.mine(chain.process.url, engines.TIMED_HISTORY_BLOCKS)
    return Stored(folder, counting, *dump_numbers(folder))


def cut_off(dump: Path) -> None:
    dump.write_bytes(dump.read_bytes()[:-50])


def without_a_count(dump: Path) -> None:
    """Well-formed, and not the state of this chain."""
    state = json.loads(gzip.decompress(dump.read_bytes()))
    (counts,) = (one["storage"] for one in state["accounts"].values() if one["storage"])
    counts.update(dict.fromkeys(counts, "0x" + "1" * 64))
    dump.write_bytes(gzip.compress(json.dumps(state).encode()))


@pytest.mark.parametrize(
    ("damage", "made_after"),
    [
        ([], ["newer"]),
        ([cut_off], ["older"]),
        ([without_a_count], ["newer", "older"]),
        ([without_a_count, cut_off], ["newer", "the first block"]),
        ([Path.unlink, Path.unlink], ["the first block"]),
    ],
    ids=["whole", "cut off", "another state", "both damaged", "none"],
)
def test_blocks_after_a_stored_state_are_made_again_and_all_of_them_where_it_is_damaged(
    stored: Stored,
    damage: list[Callable[[Path], None]],
    made_after: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state, made = tmp_path / "state", []
    shutil.copytree(stored.folder, state)
    (state / "states" / "partial").write_bytes(b"a kill came while this was written")
    for number, harm in zip((stored.newer, stored.older), damage, strict=False):
        harm(state / "states" / f"{number}.json.gz")
    names = {0: "the first block", stored.older: "older", stored.newer: "newer"}
    make = Journal._make_after

    def noted(self: Journal, url: str, number: int) -> None:
        made.append(names[number])
        make(self, url, number)

    monkeypatch.setattr(Journal, "_make_after", noted)
    through = stored_through(state)
    hashes = stored_hashes(state)
    with start("anvil", state_dir=state, block_time_s=1) as chain:
        url, past = chain.process.url, hex(through - engines.TIMED_HISTORY_BLOCKS + 1)
        assert made == made_after
        seen = stored.counting.seen(url, through)
        assert block_hashes(url)[: through + 1] == hashes
        counts = [
            int(rpc.call(url, "eth_call", {"to": stored.counting.contract}, at), 16)
            for at in ("latest", past)
        ]
    failed = len([one for one in range(1, len(stored.counting.sent)) if one % 3 == 2])
    assert counts[0] == len(stored.counting.sent) - 1 - failed == len(seen[4]) > counts[1] > 0
    refused = (state / "chain.log").read_text().count("cannot be gone on from")
    assert refused == len(damage) - damage.count(Path.unlink)


def test_kill_9_at_any_moment_while_the_state_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dumps, "EVERY_BLOCKS", 2)
    chance, counting = random.Random(12), Counting()
    hashes: list[str] = []
    for _ in range(3):
        with start("anvil", state_dir=tmp_path, block_time_s=1) as chain:
            url = chain.process.url
            assert block_hashes(url)[: len(hashes)] == hashes
            counting.sent = counting.sent[: int(nonce_of(url, counting.key), 16)]
            counting.mine(url, 5)
            await_lines(tmp_path, height(url))
            time.sleep(chance.uniform(0.0, 0.1))  # a state is stored just then
            os.kill(chain.process.pid, signal.SIGKILL)
        hashes = stored_hashes(tmp_path)
    assert dump_numbers(tmp_path)


def test_who_sends_while_stored_blocks_are_made_again_changes_none(tmp_path: Path) -> None:
    sender, stranger = Account.create().key.hex(), Account.create().key.hex()
    port = free_port()
    with start("anvil", state_dir=tmp_path, port=port) as chain:
        url = chain.process.url
        for nonce in range(20):
            send(url, sender, nonce)
        hashes = block_hashes(url)
    next_, another = raw(sender, 20), raw(stranger, 0)
    early = [next_, raw(sender, 0), raw(sender, 1), another]  # two are the stored blocks' own
    ended = threading.Event()

    def keep_sending() -> None:
        while not ended.is_set():
            for transaction in early:
                with suppress(rpc.NoAnswer):
                    offer(url, transaction)

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(keep_sending)
        try:
            with start("anvil", state_dir=tmp_path, port=port) as chain:
                for transaction in (next_, another):
                    await_mined(url, "0x" + keccak(hexstr=transaction).hex())
                assert block_hashes(url)[:21] == hashes
        finally:
            ended.set()
        sending.result()


def test_a_last_block_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    key = Account.create().key.hex()
    for nonce in range(2):
        with start("anvil", state_dir=tmp_path) as chain:
            send(chain.process.url, key, nonce)
    journal = tmp_path / "blocks.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    for blocks in (1, 2):  # and what comes after it is stored in its place
        with start("anvil", state_dir=tmp_path) as chain:
            assert height(chain.process.url) == blocks
            send(chain.process.url, key, blocks)


def test_blocks_that_were_taken_back_are_not_stored(tmp_path: Path) -> None:
    with start("anvil", state_dir=tmp_path) as chain:
        url = chain.process.url
        before = rpc.call(url, "evm_snapshot")
        journal = tmp_path / "blocks.jsonl"
        send(url, Account.create().key.hex(), 0)
        send(url, Account.create().key.hex(), 0)
        await_true("their lines", lambda: journal.read_bytes().count(b"\n") == 3)
        rpc.call(url, "evm_revert", before)
        send(url, Account.create().key.hex(), 0)
        hashes = block_hashes(url)
    with start("anvil", state_dir=tmp_path) as chain:
        assert block_hashes(chain.process.url) == hashes


def test_a_block_that_is_taken_back_while_it_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start("anvil", state_dir=tmp_path) as chain:
        url = chain.process.url
        before = rpc.call(url, "evm_snapshot")
        taken_back = threading.Event()
        call = rpc.Connection.call

        def take_back_first(self: rpc.Connection, method: str, *params: Any) -> Any:
            if method == "eth_getBlockReceipts" and not taken_back.is_set():
                taken_back.set()
                call(self, "evm_revert", before)
            return call(self, method, *params)

        monkeypatch.setattr(rpc.Connection, "call", take_back_first)
        offer(url, raw(Account.create().key.hex(), 0))
        assert taken_back.wait(10)
        send(url, Account.create().key.hex(), 0)
        hashes = block_hashes(url)
    with start("anvil", state_dir=tmp_path) as chain:
        assert block_hashes(chain.process.url) == hashes


def test_time_goes_on_from_now(tmp_path: Path) -> None:
    """Also after blocks whose time somebody has set."""
    with start("anvil", state_dir=tmp_path) as chain:
        rpc.call(chain.process.url, "evm_setNextBlockTimestamp", int(time.time()) + 1_000)
        rpc.call(chain.process.url, "evm_mine")
        ahead = block_time(chain.process.url)
    with start("anvil", state_dir=tmp_path) as chain:
        rpc.call(chain.process.url, "evm_mine")
        assert ahead <= block_time(chain.process.url) <= ahead + 60


def test_reorg_of_the_first_block_never_happens(tmp_path: Path) -> None:
    """Started and killed again and again, it stays the chain that it was."""
    first_blocks = set()
    for _ in range(5):
        with start("anvil", state_dir=tmp_path) as chain:
            first_blocks.add(
                rpc.call(chain.process.url, "eth_getBlockByNumber", "0x0", False)["hash"]
            )
            rpc.call(chain.process.url, "evm_mine")
            time.sleep(-time.time() % 1)  # the next one's own first block is of another second
    assert len(first_blocks) == 1


def test_a_chain_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganache.launcher._LAST_BLOCKS_S", 0.1)
    with start("anvil", state_dir=tmp_path) as chain:
        os.kill(chain.process.pid, signal.SIGSTOP)
        chain.stop()
        assert not psutil.pid_exists(chain.process.pid)
    del chain
    gc.collect()  # where nobody has noted how the process ended, Python warns now


def test_stop_ends_its_own_chain_and_no_other(engine: Engine, tmp_path: Path) -> None:
    with start(engine, state_dir=tmp_path / "other") as other:
        mine = start(engine, state_dir=tmp_path / "mine")
        mine.stop()
        mine.stop()  # harmless
        assert not mine.alive()
        assert other.alive()
        assert height(other.process.url) == 0


def test_a_thrown_away_anvil_stores_nothing(tmp_path: Path) -> None:
    with start("anvil", state_dir=tmp_path, keep_state=False) as chain:
        send(chain.process.url, Account.create().key.hex(), 0)
    assert not (tmp_path / "blocks.jsonl").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the tie to the parent is Linux's")
def test_the_chain_ends_with_a_killed_launcher(engine: Engine, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ganache.launcher", "--engine", engine]
    with subprocess.Popen(
        [*command, "--state", str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as launcher:
        assert launcher.stdout is not None
        pid = int(launcher.stdout.readline().split("process ")[1].split(")")[0])
        chain = psutil.Process(pid)
        launcher.kill()
        chain.wait(10)
    start(engine, state_dir=tmp_path).stop()  # and its folder is free again


def test_the_command_runs_until_it_is_interrupted(engine: Engine, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ganache.launcher", "--engine", engine]
    with subprocess.Popen(
        [*command, "--state", str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as launcher:
        assert launcher.stdout is not None
        line = launcher.stdout.readline()
        url = line.split(" at ")[1].split()[0]
        assert height(url) == 0
        launcher.send_signal(signal.SIGINT)
        assert launcher.wait(20) == 0
    with pytest.raises(rpc.NoAnswer):
        height(url)


def test_the_command_says_what_is_wrong_without_a_trace(tmp_path: Path) -> None:
    port = str(free_port())
    with start("anvil", state_dir=tmp_path / "foreign", port=int(port)):
        command = [sys.executable, "-m", "ganache.launcher", "--engine", "anvil", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith(f"port {port} is taken by a chain")
    assert "Traceback" not in done.stderr


def address(key: str) -> str:
    account: str = Account.from_key(key).address
    return account


def nonce_of(url: str, key: str) -> str:
    nonce: str = rpc.call(url, "eth_getTransactionCount", address(key), "latest")
    return nonce


def block_time(url: str) -> int:
    return int(rpc.call(url, "eth_getBlockByNumber", "latest", False)["timestamp"], 16)


def block_hashes(url: str) -> list[str]:
    return [
        rpc.call(url, "eth_getBlockByNumber", hex(number), False)["hash"]
        for number in range(height(url) + 1)
    ]
