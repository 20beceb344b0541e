"""What a header commits to is worked out from bytes alone, and held against real blocks."""

from __future__ import annotations

from typing import Any

import pytest

from app.verify.bloom import bloom_of
from app.verify.headers import header_hash, read_header
from app.verify.receipts import receipts_root
from app.verify.trie import EMPTY_ROOT, ordered_root
from tests.integration.posted import Event, World

Block = dict[str, Any]


@pytest.fixture
def blocks(world: World) -> list[tuple[Block, list[Block]]]:
    """Real blocks and their receipts: founding, postings, and one block of many transactions."""
    world.post("webank", Event(6, "A", 5, partner=1), Event(99, "B", 5, partner=1))
    world.post("huarui", Event(6, "A", 8))
    world.rpc.call("evm_setAutomine", [False])
    sender, *others = world.rpc.call("eth_accounts", [])
    for _ in range(140):  # more than fit below one nibble, and below one byte of RLP
        payment = {"from": sender, "to": others[0], "value": "0x1", "gasPrice": "0x0"}
        world.rpc.call("eth_sendTransaction", [payment])
    world.rpc.call("evm_mine", [])
    world.rpc.call("evm_setAutomine", [True])
    head = int(world.rpc.call("eth_blockNumber", []), 16)
    found = []
    for number in range(1, head + 1):  # anvil's block 0 is not what its hash is of
        block = world.rpc.call("eth_getBlockByNumber", [hex(number), False])
        asked = [("eth_getTransactionReceipt", [one]) for one in block["transactions"]]
        found.append((block, world.rpc.batch(asked)))
    assert max(len(receipts) for _, receipts in found) == 140
    return found


def test_hash_root_and_bloom_are_the_headers(blocks: list[tuple[Block, list[Block]]]) -> None:
    parent = None
    for block, receipts in blocks:
        assert "0x" + header_hash(read_header(block)).hex() == block["hash"]
        assert parent in (None, block["parentHash"])
        parent = block["hash"]
        assert "0x" + receipts_root(receipts).hex() == block["receiptsRoot"]
        logs = [log for receipt in receipts for log in receipt["logs"]]
        named = [text for log in logs for text in (log["address"], *log["topics"])]
        assert bloom_of(bytes.fromhex(one[2:]) for one in named) == int(block["logsBloom"], 16)


def test_whatever_is_changed_shows(blocks: list[tuple[Block, list[Block]]]) -> None:
    block, receipts = next(one for one in reversed(blocks) if one[1] and one[1][0]["logs"])
    root = block["receiptsRoot"]
    log = receipts[0]["logs"][0]
    lies: list[Block] = [
        {"logs": receipts[0]["logs"][1:]},
        {"logs": [*receipts[0]["logs"], log]},
        {"logs": [{**log, "data": log["data"][:-1] + "f"}, *receipts[0]["logs"][1:]]},
        {"logs": [{**log, "address": "0x" + "11" * 20}, *receipts[0]["logs"][1:]]},
        {"status": "0x0"},
    ]
    for lie in lies:
        assert "0x" + receipts_root([{**receipts[0], **lie}, *receipts[1:]]).hex() != root, lie
    assert "0x" + receipts_root([]).hex() != root
    for name in ("stateRoot", "receiptsRoot", "logsBloom", "timestamp", "number", "parentHash"):
        other = {**block, name: block[name][:-1] + ("0" if block[name][-1] != "0" else "1")}
        assert "0x" + header_hash(read_header(other)).hex() != block["hash"], name


@pytest.mark.parametrize("bad", [{}, {"parentHash": None}, {"parentHash": "0xzz"}])
def test_what_is_no_header_is_a_value_error(bad: Block) -> None:
    with pytest.raises(ValueError):
        read_header(bad)
    with pytest.raises(ValueError):
        receipts_root([{**bad, "status": "0x1"}])


def test_no_receipts_have_the_empty_root() -> None:
    assert receipts_root([]) == ordered_root([]) == EMPTY_ROOT
