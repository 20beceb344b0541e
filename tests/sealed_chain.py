"""anvil's blocks as Besu's validators would have sealed them (QBFT), by keys that the test knows.

Contracts and transactions are real; only headers are rewritten, and hashes of blocks wherever they
are told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from eth_keys.datatypes import PrivateKey

from app.chain.rpc import Rpc
from tests import sealing
from tests.sealing import Block

VALIDATORS = sealing.keys(1, 2, 3, 4)

Lie = Callable[[str, list[Any], Any], Any]
"""Method, parameters and the result to the result that is told instead."""


class SealedChain:
    """The sealed chain over the anvil at `url`. Its blocks stay as they were first read."""

    def __init__(self, url: str, validators: Sequence[PrivateKey] = VALIDATORS) -> None:
        self.url = url
        self._raw = Rpc(url)
        self._validators = validators
        self._blocks: list[Block] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        self._raw.close()

    def block(self, number: int) -> Block:
        """A block's header, sealed by three of four."""
        with self._lock:
            while len(self._blocks) <= number:
                at = len(self._blocks)
                raw = self._raw.call("eth_getBlockByNumber", [hex(at), False])
                block = {name: raw[name] for name in (*sealing.EMPTY_BLOCK, "number", "timestamp")}
                block["transactions"] = raw["transactions"]
                block["parentHash"] = self._blocks[-1]["hash"] if at else "0x" + "00" * 32
                turn = at % len(self._validators)
                block["miner"] = "0x" + sealing.address(self._validators[turn]).hex()
                absent = self._validators[turn - 1]
                signers = [one for one in self._validators if one is not absent or not turn]
                self._blocks.append(
                    sealing.seal(block, self._validators, signers if at else [], round_=at % 2)
                )
            return self._blocks[number]

    def told(self, method: str, params: list[Any], result: Any) -> Any:
        """What an honest node of the sealed chain answers."""
        if result is None:
            return None
        if method in ("eth_getBlockByNumber", "eth_getBlockByHash"):
            sealed = self.block(int(result["number"], 16))
            return {**sealed, "transactions": [self._placed(one) for one in result["transactions"]]}
        if method == "eth_getLogs":
            return [self._placed(one) for one in result]
        if method == "eth_getTransactionReceipt":
            return {**self._placed(result), "logs": [self._placed(one) for one in result["logs"]]}
        if method == "eth_getTransactionByHash":
            return self._placed(result)
        return result

    def _placed(self, item: Any) -> Any:
        if isinstance(item, str) or item.get("blockNumber") is None:
            return item
        return {**item, "blockHash": self.block(int(item["blockNumber"], 16))["hash"]}


class SealedRpc(Rpc):
    """An endpoint of the sealed chain, which lies as long as `lie` is set."""

    def __init__(self, url: str, chain: SealedChain) -> None:
        super().__init__(url)
        self.chain = chain
        self.lie: Lie | None = None

    def _post(self, payload: bytes) -> Any:
        asked = orjson.loads(payload)
        answers = super()._post(payload)
        if not isinstance(asked, list):
            return self._told(asked, answers)
        placed = {one["id"]: one for one in asked}
        return [self._told(placed[answer["id"]], answer) for answer in answers]

    def _told(self, request: Any, answer: Any) -> Any:
        if answer.get("result") is None:
            return answer
        method, params = request["method"], request["params"]
        result = self.chain.told(method, params, answer["result"])
        if self.lie is not None:
            result = self.lie(method, params, result)
        return {**answer, "result": result}
