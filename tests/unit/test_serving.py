"""The node's listener."""

import asyncio
import socket

from app.node.serving import listen


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
