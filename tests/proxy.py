"""A real proxy before a chain's JSON-RPC, which fails in all the ways that nodes and lines fail."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any, Self

import httpx

from tests.plain_http import NO_TLS

_ROUNDS_TO_LET_IN = 10
"""Of the event loop; asyncio takes four from accepting a connection to its handler."""

Answer = Any
Tamper = Callable[[str, list[Any], Answer], Answer]
"""Method, parameters and the result to the result that is told instead."""


class Proxy:
    """Passes requests on to `target`, as long as nothing else is set. Its fields may be set at any
    time: they hold for the next request.

    `cut`: takes connections and never answers. `refuse`: closes them. `delay_s`: waits before each
    answer. `lag_at`: answers as a node that has come no further than that block (0: as one that was
    wiped). `tamper`: changes results. `swallow`: methods that do not reach the chain, and the error
    that is told instead.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.cut = False
        self.refuse = False
        self.delay_s = 0.0
        self.lag_at: int | None = None
        self.tamper: Tamper | None = None
        self.swallow: dict[str, str] = {}
        self.asked: list[str] = []
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="proxy", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    def whole(self) -> None:
        """Pass everything on again."""
        self.cut = self.refuse = False
        self.delay_s, self.lag_at, self.tamper, self.swallow = 0.0, None, None, {}

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._run())
        self._loop.close()

    async def _run(self) -> None:
        self._end = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=1 << 26)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with httpx.AsyncClient(timeout=60, trust_env=False, verify=NO_TLS) as self._client:
            self._ready.set()
            await self._end.wait()
            # First nobody new, then who was just being let in: a server that closes before they are
            # in leaves their sockets open (an assertion in asyncio, Python 3.11).
            self._loop.remove_reader(server.sockets[0].fileno())
            for _ in range(_ROUNDS_TO_LET_IN):
                await asyncio.sleep(0)
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while not self._end.is_set() and await self._exchange(reader, writer):
                pass
        except (OSError, httpx.HTTPError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # either end is gone
        finally:
            writer.transport.abort()
            await writer.wait_closed()
            self._tasks.discard(task)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; False when the connection is to be closed."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        body = await reader.readexactly(length)
        if self.refuse:
            return False
        if self.cut:
            await self._end.wait()
        answer = await self._answer(json.loads(body))
        await asyncio.sleep(self.delay_s)
        if vars(self)["refuse"]:  # in the meantime: what was asked for has been done
            return False
        payload = json.dumps(answer).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            + f"Content-Length: {len(payload)}\r\n\r\n".encode()
            + payload
        )
        await writer.drain()
        return True

    async def _answer(self, request: Any) -> Any:
        several = isinstance(request, list)
        asked = request if several else [request]
        self.asked += [one["method"] for one in asked]
        passed = [self._ask(one) for one in asked if one["method"] not in self.swallow]
        answers = [
            {"jsonrpc": "2.0", "id": one["id"], "error": {"code": -32000, "message": refused}}
            for one in asked
            if (refused := self.swallow.get(one["method"]))
        ]
        if passed:
            response = await self._client.post(self.target, json=passed if several else passed[0])
            found = response.json()
            answers += found if isinstance(found, list) else [found]
        by_id = {one["id"]: one for one in asked}
        for one in answers:
            if "result" in one and one.get("id") in by_id:
                asked_for = by_id[one["id"]]
                one["result"] = self._tell(asked_for["method"], asked_for["params"], one["result"])
        return answers if several else answers[0]

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if not self.lag_at:
            return request
        at = hex(self.lag_at)
        params = [at if one in ("latest", "pending") else one for one in request["params"]]
        return {**request, "params": params}

    def _tell(self, method: str, params: list[Any], result: Any) -> Any:
        lag = self.lag_at
        if lag is not None:
            if method == "eth_blockNumber":
                result = hex(lag)
            elif lag == 0 and method in ("eth_getCode", "eth_call", "eth_getTransactionCount"):
                result = "0x0" if method == "eth_getTransactionCount" else "0x"
            elif method == "eth_getBlockByNumber" and _number(params[0], lag) > lag:
                result = None
            elif method == "eth_getLogs":
                result = [one for one in result if int(one["blockNumber"], 16) <= lag]
            elif method in ("eth_getTransactionReceipt", "eth_getTransactionByHash"):
                block = result and result["blockNumber"]
                result = result if block and int(block, 16) <= lag else None
        return self.tamper(method, params, result) if self.tamper else result


def _number(block: str, latest: int) -> int:
    return latest if block in ("latest", "pending") else int(block, 16)


def without_the_last_logs(count: int) -> Tamper:
    """Leaves out the last logs of every answer that has any."""

    def tamper(method: str, _: list[Any], result: Answer) -> Answer:
        return result[:-count] if method == "eth_getLogs" else result

    return tamper


def without_receipts(method: str, _: list[Any], result: Answer) -> Answer:
    """Knows no receipt."""
    return None if method == "eth_getTransactionReceipt" else result
