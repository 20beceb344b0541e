"""What lies between a browser and a node, and can be cut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_PART_BYTES = 16 * 1024


class Relay:
    """Passes bytes on to a port of this machine; `url` is its own address."""

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)
        self._ends: list[socket.socket] = []
        self._is_cut = False
        self._threads: list[threading.Thread] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        self._start(self._accept)

    def cut(self) -> None:
        """All connections end in the middle, and none is made any more."""
        self._is_cut = True
        self._end_all()

    def join(self) -> None:
        """The line is good again."""
        self._is_cut = False

    def close(self) -> None:
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self.cut()
        for one in self._threads:
            one.join(10)
        self._door.close()

    def _start(self, work: Callable[..., None], *of: socket.socket) -> threading.Thread:
        made = threading.Thread(target=work, args=of)
        made.start()
        self._threads.append(made)
        return made

    def _end_all(self) -> None:
        for one in self._ends:
            _end(one)
        self._ends.clear()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                if self._is_cut:
                    near.close()
                else:
                    self._start(self._connect, near)

    def _connect(self, near: socket.socket) -> None:
        with near, suppress(OSError), socket.create_connection(self._to) as far:
            self._ends += [near, far]
            back = self._start(_pass_on, far, near)
            _pass_on(near, far)
            back.join()


def _pass_on(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(_PART_BYTES):
            to.sendall(part)
    _end(source)
    _end(to)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay(url: str) -> Iterator[Relay]:
    """A line to the node at an address."""
    made = Relay(int(url.rpartition(":")[2]))
    yield made
    made.close()
