"""HTTP connections whose answers have to come at a pace.

A socket's timeout is of each piece that it reads: who sends a byte now and then holds a caller for
as long as it likes, in the headers as in the body.
"""

import io
import time
from http.client import HTTPResponse
from socket import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from app.chain.forms import MOST_BYTES

_BYTES_A_SECOND = 1 << 20


class PacedAdapter(HTTPAdapter):
    """An answer may take the request's timeout in all, and a second more for each MiB of it."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _pace(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(*args, **kwargs)
        _pace(manager)
        return manager


class _Paced(io.RawIOBase):
    """What is read of a socket, until its time is over."""

    def __init__(self, raw: Any, opened: socket) -> None:
        self._raw = raw
        self._socket = opened
        self._timeout_s = opened.gettimeout()
        self._ends_at = time.monotonic() + (self._timeout_s or 0.0)
        self._latest = self._ends_at + MOST_BYTES / _BYTES_A_SECOND

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._timeout_s is None:
            count: int | None = self._raw.readinto(buffer)
            return count
        left_s = self._ends_at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the answer comes too slowly")
        self._socket.settimeout(min(left_s, self._timeout_s))
        count = self._raw.readinto(buffer)
        self._ends_at = min(self._latest, self._ends_at + (count or 0) / _BYTES_A_SECOND)
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Paced(self.fp.detach(), sock))


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def _pace(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
