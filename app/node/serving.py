"""Listening, and serving until the process is told to end."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn

from app.domain.errors import ConfigFault

_REQUESTS_END_S = 3
_DATE_EVERY_S = 1.0


def listen(host: str, port: int) -> socket.socket:
    """Take an address (port 0: any free one). Raises ConfigFault when it is taken."""
    # With its protocol's number: asyncio turns Nagle's algorithm off for what it knows to be TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # now, not later: until then another could bind the same port
    except OSError as fault:
        listener.close()
        raise ConfigFault(
            f"cannot listen on {host}:{port} ({fault.strerror})",
            remedy="Free the port, or choose another under [api] in the configuration file",
        ) from None
    return listener


def address_of(listener: socket.socket) -> str:
    """Where it is found."""
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


def serve(app: Any, listener: socket.socket, ending: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; `ending` must then end the pages' event streams, which would
    hold the end up."""
    config = uvicorn.Config(
        app, log_config=None, log_level="warning", timeout_graceful_shutdown=_REQUESTS_END_S
    )
    _Server(config, ending).run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._ending = ending
        self._loop: asyncio.AbstractEventLoop | None = None
        self._signalled = asyncio.Event()

    async def main_loop(self) -> None:
        """As uvicorn's, which wakes ten times a second to see whether it is to end: a tenth of what
        a node at rest takes. Now a signal wakes it, and the header `Date` once a second."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._signalled.wait(), _DATE_EVERY_S)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._signalled.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending()
        await super().shutdown(sockets=sockets)
