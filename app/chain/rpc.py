"""One JSON-RPC endpoint: single and batched requests with typed errors."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import orjson
import requests
from web3 import Web3
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from app.chain.errors import ChainAnswer, NotVerified, unreachable
from app.chain.forms import MOST_BYTES, check_form, check_size
from app.chain.paced import PacedAdapter
from app.domain.chunks import chunks
from app.domain.errors import ChainUnreachable

_TIMEOUT_S = 30
_CONNECT_TIMEOUT_S = 3.05  # a little more than TCP's first repetition
_CONNECTIONS = 16
_CHUNK_BYTES = 1 << 20
_FIRST_OF_REDIRECTIONS = 300
_Answer = TypeVar("_Answer")


@dataclass(slots=True)
class Traffic:
    """HTTP requests to an endpoint since it was opened."""

    requests: int = 0
    failures: int = 0
    """Requests without a usable answer."""
    errors: int = 0
    """JSON-RPC errors among the answers."""
    seconds: float = 0.0


class _Provider(JSONBaseProvider):
    """web3's way through an `Rpc`: its connections, its errors, its faster decoder."""

    def __init__(self, rpc: "Rpc") -> None:
        super().__init__()
        self._rpc = rpc

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        return cast(RPCResponse, self._rpc.exchange(self.encode_rpc_request(method, params)))


@dataclass(frozen=True, slots=True)
class ClientTls:
    """What an https endpoint is judged by, and what it is shown.

    `ca` holds the certificate of the only trusted authority; `certificate` and `key` are
    our own, for a proxy that lets nobody else through.
    """

    ca: Path | None
    certificate: Path | None
    key: Path | None


_MOST_A_TRIP = 250
_SYSTEMS_TLS = ClientTls(None, None, None)


class Rpc:
    """Connections to one chain node. Safe to share between threads; close it at the end.

    Whatever the node answers, a request ends: with a result of its method's form, or with a
    ChainFault. An answer may take `timeout_s`, and a second more for each MiB of it.
    """

    def __init__(
        self, url: str, timeout_s: float = _TIMEOUT_S, tls: ClientTls = _SYSTEMS_TLS
    ) -> None:
        parts = urlsplit(url)
        self._shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        self._origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._endpoint = url
        self.traffic = Traffic()
        self._counting = threading.Lock()
        self._timeouts_s = (min(timeout_s, _CONNECT_TIMEOUT_S), timeout_s)
        # One pool for all threads: web3 would open a session for each thread that ever called.
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, PacedAdapter(pool_maxsize=_CONNECTIONS))
        authority: str | bool = str(tls.ca) if tls.ca else True
        # The environment's proxies and authorities are looked up once: for each request that would
        # take as long as all else. And no stranger is told what ~/.netrc holds.
        self._settings = self._session.merge_environment_settings(
            self._endpoint, {}, True, authority, None
        )
        self._session.trust_env = False
        if tls.certificate and tls.key:
            self._settings["cert"] = (str(tls.certificate), str(tls.key))
        # Prepared once, too: that takes a third of a request.
        self._request = self._session.prepare_request(
            requests.Request("POST", url, headers={"Content-Type": "application/json"})
        )

    @cached_property
    def web3(self) -> Web3:
        """For rare, typed calls (`app.contracts`). Hot paths use `call` and `batch`."""
        # None of web3's middleware: it asks for the chain's id twice at each call, and what else it
        # does (names of ENS, prices of gas) nobody needs here.
        return Web3(_Provider(self), middleware=[])

    @property
    def url(self) -> str:
        """The endpoint as it may be shown: without a user and password."""
        return self._shown

    @property
    def origin(self) -> str:
        """The endpoint as anybody may see it: without its path, too, where providers put keys."""
        return self._origin

    def run(self, work: Callable[[], _Answer]) -> _Answer:
        """Do a piece of work that may be begun again where its endpoint fails."""
        return work()

    def others(self) -> "list[Rpc]":
        """The other endpoints of the same chain that could be asked now."""
        return []

    def move_on(self, fault: ChainUnreachable) -> None:
        """The answers do not add up: ask another endpoint from now on, if there is one."""

    def call(self, method: str, params: list[Any]) -> Any:
        """One request; returns its result.

        Raises ChainUnreachable when nobody answers, ChainAnswer when the node reports an error.
        """
        request = {"jsonrpc": "2.0", "id": 0, "method": method, "params": params}
        return self._result(method, self.exchange(orjson.dumps(request)))

    def batch(self, requests_: list[tuple[str, list[Any]]]) -> list[Any]:
        """Many requests, `_MOST_A_TRIP` in one round trip; results in order. Raises at the first
        error object."""
        return [
            self._result(method, answer)
            for some in chunks(requests_, _MOST_A_TRIP)
            for (method, _), answer in zip(some, self.batch_answers(some), strict=True)
        ]

    def batch_answers(self, requests_: list[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
        """As `batch`, but returns the raw answers, so that each error can be judged by itself."""
        if not requests_:
            return []
        answers = self._post(
            orjson.dumps(
                [
                    {"jsonrpc": "2.0", "id": place, "method": method, "params": params}
                    for place, (method, params) in enumerate(requests_)
                ]
            )
        )
        if isinstance(answers, dict):  # the node refuses the batch as a whole
            raise ChainAnswer("batch", answers.get("error") or answers)
        # They may come in any order, and a node that is overwhelmed leaves some out.
        placed = {
            one["id"]: one
            for one in (answers if isinstance(answers, list) else ())
            if isinstance(one, dict) and isinstance(one.get("id"), int)
        }
        try:
            return [placed[place] for place in range(len(requests_))]
        except KeyError:
            raise unreachable(self.url, ValueError("an answer to a batch is missing")) from None

    def exchange(self, request: bytes) -> dict[str, Any]:
        """The whole answer to one encoded request, an error object included."""
        answer = self._post(request)
        if not isinstance(answer, dict):
            raise unreachable(self.url, ValueError("not a JSON-RPC answer"))
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _post(self, payload: bytes) -> Any:
        began = time.monotonic()
        errors, failed = 0, True
        try:
            answer = self._exchange(payload)
            found = answer if isinstance(answer, list) else (answer,)
            errors = sum(isinstance(one, dict) and one.get("error") is not None for one in found)
            failed = False
            return answer
        finally:
            with self._counting:
                self.traffic.requests += 1
                self.traffic.failures += failed
                self.traffic.errors += errors
                self.traffic.seconds += time.monotonic() - began

    def _exchange(self, payload: bytes) -> Any:
        try:
            request = self._request.copy()
            request.body = payload
            request.headers["Content-Length"] = str(len(payload))
            with self._session.send(
                request,
                timeout=self._timeouts_s,
                allow_redirects=False,  # nobody named the place that it leads to
                **self._settings,
            ) as answer:
                if answer.status_code >= _FIRST_OF_REDIRECTIONS:
                    raise requests.HTTPError(response=answer)
                content = _content(answer)
            check_size(content)
            return orjson.loads(content)
        except (requests.RequestException, ValueError) as cause:
            raise unreachable(self.url, cause) from cause

    def _result(self, method: str, answer: dict[str, Any]) -> Any:
        if answer.get("error") is not None:
            raise ChainAnswer(method, answer["error"])
        if "result" not in answer:
            raise unreachable(self.url, ValueError("an answer without a result"))
        try:
            check_form(method, answer["result"])
        except ValueError as fault:
            raise NotVerified(str(fault), where=self.url) from None
        return answer["result"]


def _content(answer: requests.Response) -> bytes:
    """An answer's body. Raises ValueError for one of more bytes than any has."""
    parts, size = [], 0
    for part in answer.iter_content(_CHUNK_BYTES):
        size += len(part)
        if size > MOST_BYTES:
            raise ValueError(f"an answer of more than {MOST_BYTES >> 20} MiB")
        parts.append(part)
    return b"".join(parts)
