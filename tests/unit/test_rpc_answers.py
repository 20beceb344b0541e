"""Whatever a node sends back, a request ends with a result of its form or with a ChainFault."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import orjson
import pytest

from app.chain import forms
from app.chain.errors import ChainAnswer
from app.chain.rpc import Rpc
from app.domain.errors import ChainFault, ChainUnreachable

Send = Callable[[bytes], None]


class RawServer:
    """Reads a request and lets `answer` send whatever it likes, until the other side is gone."""

    def __init__(self, answer: Callable[[Send, threading.Event], None]) -> None:
        self._answer = answer
        self._ending = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                opened, _ = self._listening.accept()
            except OSError:
                return
            with opened, suppress(OSError):
                opened.recv(1 << 16)
                self._answer(opened.sendall, self._ending)
                opened.shutdown(socket.SHUT_WR)
                while opened.recv(1 << 16):  # closed before it is read, it would be reset
                    pass


@pytest.fixture
def ask() -> Iterator[Callable[..., Rpc]]:
    opened: list[closing[RawServer] | closing[Rpc]] = []

    def made(answer: Callable[[Send, threading.Event], None], timeout_s: float = 20.0) -> Rpc:
        server = RawServer(answer)
        rpc = Rpc(server.url, timeout_s)
        opened.extend((closing(server), closing(rpc)))
        return rpc

    yield made
    for one in reversed(opened):
        one.__exit__()


def with_body(body: bytes, *headers: bytes) -> Callable[[Send, threading.Event], None]:
    head = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers, b"", b""]
    return lambda send, _: send(b"\r\n".join(head) + body)


def dripping(first: bytes, drop: bytes) -> Callable[[Send, threading.Event], None]:
    """Something well within each timeout, for ever."""

    def answer(send: Send, ending: threading.Event) -> None:
        send(first)
        while not ending.wait(0.05):
            send(drop)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nX: ", b"a"), id="header"),
        pytest.param(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="continue"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"["), id="body"),
        pytest.param(
            dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n[\r\n"),
            id="chunks",
        ),
    ],
)
def test_who_drips_holds_nobody(
    ask: Callable[..., Rpc], answer: Callable[[Send, threading.Event], None]
) -> None:
    with pytest.raises(ChainUnreachable, match="does not answer"):
        ask(answer, 0.3).call("eth_blockNumber", [])


def test_no_more_is_read_than_any_answer_has(
    ask: Callable[..., Rpc], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.chain.rpc.MOST_BYTES", 1 << 20)
    for answer in (
        with_body(b"[" * (2 << 20)),
        with_body(gzip.compress(b" " * (64 << 20)), b"Content-Encoding: gzip"),
    ):
        with pytest.raises(ChainUnreachable, match="more than 1 MiB"):
            ask(answer).call("eth_blockNumber", [])


def test_an_answer_that_would_fill_the_memory_is_not_read(ask: Callable[..., Rpc]) -> None:
    bomb = b'{"id":0,"result":[' + b"[]," * 1_000_000 + b"[]]}"
    with pytest.raises(ChainUnreachable, match="more items"):
        ask(with_body(bomb)).call("eth_getLogs", [{}])


def test_what_blocks_of_many_transactions_take_is_no_bomb() -> None:
    counts = [{"jsonrpc": "2.0", "id": one, "result": "0x1"} for one in range(250)]
    forms.check_size(orjson.dumps(counts))
    log = {
        "address": "0x" + "11" * 20,
        "topics": ["0x" + "22" * 32],
        "data": "0x",
        "blockNumber": "0x1",
        "transactionHash": "0x" + "33" * 32,
        "transactionIndex": "0x0",
        "blockHash": "0x" + "44" * 32,
        "logIndex": "0x0",
        "removed": False,
    }
    forms.check_size(orjson.dumps([log] * 50_000))


def test_nobody_is_sent_elsewhere(ask: Callable[..., Rpc]) -> None:
    elsewhere = RawServer(with_body(b'{"id":0,"result":"0x1"}'))
    location = b"Location: " + elsewhere.url.encode()
    head = b"HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\n"
    with closing(elsewhere), pytest.raises(ChainUnreachable, match="HTTP 307"):
        ask(lambda send, _: send(head + location + b"\r\n\r\n")).call("eth_blockNumber", [])


@pytest.mark.parametrize(
    "body",
    [
        b"7",
        b"null",
        b'"0x1"',
        b"[null]",
        b'[{"id":[],"result":"0x1"}]',
        b'[{"id":{},"result":"0x1"}]',
        b'[{"id":"0","result":"0x1"}]',
        b'[{"id":1,"result":"0x1"}]',
        b"[" * 2000,
        b'{"id":0,"error":[]}',
        b'[{"id":0,"error":{"code":{},"message":[[[]]]}}]',
    ],
)
def test_answers_that_are_none(ask: Callable[..., Rpc], body: bytes) -> None:
    rpc = ask(with_body(body))
    with pytest.raises(ChainFault):
        rpc.batch([("eth_blockNumber", [])])


WRONG: list[object] = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "0x",
    "0xzz",
    "-0x1",
    hex(1 << 63),
    [],
    {},
    [[]],
    ["0x1"],
]


@pytest.mark.parametrize("method", ["eth_blockNumber", "eth_chainId"])
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_number(ask: Callable[..., Rpc], method: str, wrong: object) -> None:
    with pytest.raises(ChainUnreachable, match=method):
        ask(with_body(orjson.dumps({"id": 0, "result": wrong}))).call(method, [])


@pytest.mark.parametrize(
    "method",
    [
        "eth_getBlockByNumber",
        "eth_getLogs",
        "eth_getTransactionByHash",
        "eth_getTransactionCount",
        "eth_getTransactionReceipt",
        "eth_call",
    ],
)
@pytest.mark.parametrize("wrong", [True, 0, -1, 1.5, "zz", "0xzz", {}, [[]], ["0x1"], [{}]])
def test_what_is_no_such_thing(ask: Callable[..., Rpc], method: str, wrong: object) -> None:
    with pytest.raises(ChainUnreachable, match=method):
        ask(with_body(orjson.dumps({"id": 0, "result": wrong}))).call(method, [])


def test_what_a_node_says_can_be_kept_and_shown() -> None:
    said = ChainAnswer("x", {"code": "\x1b[2J", "message": "\0\x1b]0;\n" + "a" * 5_000_000})
    assert said.text.startswith("??]0;?aaa")
    assert str(said).isprintable()
    assert len(str(said)) < 3_000
