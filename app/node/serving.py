"""Listening, and serving until the process is told to end."""

import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from app.domain.errors import ConfigFault

_REQUESTS_END_S = 3


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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending()
        await super().shutdown(sockets=sockets)
