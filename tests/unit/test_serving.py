"""The node's listener."""

import asyncio
import os
import signal
import socket
import threading
from typing import Any

from sse_starlette.sse import AppStatus

from app.node.serving import listen, serve


def test_small_answers_do_not_wait_for_a_delayed_acknowledgement() -> None:
    """asyncio sets TCP_NODELAY on connections only where the listener knows that it is TCP's."""

    async def accepted_without_delay() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = writer.get_extra_info("socket")
            found.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listener = listen("127.0.0.1", 0)
        async with await asyncio.start_server(accept, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            delayless = await found
            writer.close()
            await writer.wait_closed()
        return delayless

    assert asyncio.run(accepted_without_delay())


def test_it_answers_until_a_signal_wakes_it_and_ends_what_hangs_on_it(monkeypatch: Any) -> None:
    # The signal ends all streams of the process for good: not those of later tests.
    monkeypatch.setattr(AppStatus, "should_exit", False)
    # So long that only the signal can be what ends it.
    monkeypatch.setattr("app.node.serving._DATE_EVERY_S", 3600.0)
    listener = listen("127.0.0.1", 0)
    answers: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})

    def ask_and_end() -> None:
        with socket.create_connection(listener.getsockname()) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: bank\r\n\r\n")
            answers.append(connection.recv(1000))
        os.kill(os.getpid(), signal.SIGTERM)

    ended: list[str] = []
    former = signal.signal(signal.SIGTERM, lambda *_: ended.append("process"))
    threading.Thread(target=ask_and_end, daemon=True).start()
    try:
        serve(app, listener, lambda: ended.append("streams"))
    finally:
        signal.signal(signal.SIGTERM, former)
    assert answers[0].startswith(b"HTTP/1.1 204")
    assert b"\r\ndate: " in answers[0]
    assert ended == ["streams", "process"]
