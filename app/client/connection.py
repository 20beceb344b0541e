"""Requests to one node: who asks, what goes wrong, and what is tried again.

NodeRefused (UsageFault)   the node answers, and refuses: a problem, with its status and name
NodeFailed (TallyError)    it fails
NodeSilent (TallyError)    it does not answer
"""

import random
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import httpx

from app.domain.errors import TallyError, UsageFault

_TIMEOUT_S = 60.0
_ATTEMPTS = 5
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 10.0
_ANSWERS_AGAIN = (503,)
_UNCHANGING = ("GET", "PUT", "DELETE")
"""Methods that may be sent twice."""


class NodeRefused(UsageFault):
    """`name` of the problem: the end of its type."""

    def __init__(self, status: int, name: str, detail: str, where: str) -> None:
        super().__init__(f"the node refused: {detail}", where=where)
        self.status = status
        self.name = name


class NodeFailed(TallyError):
    """The node failed at it."""


class NodeSilent(TallyError):
    """The node does not answer."""


class NodeConnection:
    """Requests with an API key, or with the session of a person. Close it, or use it in `with`."""

    def __init__(
        self, url: str, key: str | None = None, trusted: ssl.SSLContext | bool = True
    ) -> None:
        """`trusted`: who vouches for an https node; True: whom this machine trusts."""
        headers = {"User-Agent": f"tally {version('tallystick')}"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        try:
            self.http = httpx.Client(
                base_url=url, headers=headers, timeout=_TIMEOUT_S, verify=trusted
            )
        except httpx.InvalidURL as fault:
            raise UsageFault(f"{url!r} is no address ({fault})") from None
        self.url = url

    def close(self) -> None:
        self.http.close()

    def send(
        self, method: str, path: str, *, is_repeatable: bool = False, **given: Any
    ) -> httpx.Response:
        """The answer of 2xx or 3xx. Asked again, with growing waits, where nobody answered or the
        node was busy; of a POST only where it cannot have come twice (`is_repeatable`, or no
        connection was made). Raises NodeRefused, NodeFailed, NodeSilent."""
        is_repeatable = is_repeatable or method in _UNCHANGING
        for attempt in range(1, _ATTEMPTS + 1):
            is_last = attempt == _ATTEMPTS
            try:
                with self.faults():
                    answer = self.http.request(method, path, **given)
            except NodeSilent as fault:
                was_sent = not isinstance(fault.__cause__, httpx.ConnectError)
                if is_last or (was_sent and not is_repeatable):
                    raise
                asked = 0.0
            else:
                if answer.status_code not in _ANSWERS_AGAIN or is_last or not is_repeatable:
                    self.check(answer)
                    return answer
                asked = _seconds(answer.headers)
            wait = min(_FIRST_WAIT_S * 2 ** (attempt - 1), _LONGEST_WAIT_S)
            time.sleep(max(min(asked, _LONGEST_WAIT_S), wait * random.uniform(0.8, 1.2)))
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def stream(self, method: str, path: str, **given: Any) -> Iterator[httpx.Response]:
        """An answer of 2xx or 3xx that is read as it comes. Raises as `send`, but asks once."""
        with self.faults(), self.http.stream(method, path, **given) as answer:
            if answer.is_error:
                answer.read()
            self.check(answer)
            yield answer

    def check(self, answer: httpx.Response) -> None:
        """Raises what the answer says went wrong."""
        if answer.status_code < httpx.codes.BAD_REQUEST:
            return
        try:
            found = answer.json()
            problem = found if isinstance(found, dict) else {}
        except ValueError:
            problem = {}
        detail = str(problem.get("detail") or f"HTTP {answer.status_code}")
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise NodeFailed(f"the node failed: {detail}", where=self.url)
        name = str(problem.get("type", "")).rpartition(":")[2]
        raise NodeRefused(answer.status_code, name, detail, self.url)

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Faults of the transport within, as ours. Raises UsageFault for a node that is not
        trusted, else NodeSilent."""
        try:
            yield
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as fault:
            raise UsageFault(f"{self.url!r} is no address ({fault})") from None
        except httpx.TransportError as fault:
            if "CERTIFICATE_VERIFY_FAILED" in str(fault):
                raise UsageFault(
                    f"the node's certificate is not trusted ({fault})",
                    where=self.url,
                    remedy="Give its authority's certificate with --ca; nothing was sent",
                ) from None
            raise NodeSilent(
                f"the node does not answer ({str(fault) or type(fault).__name__})",
                where=self.url,
                remedy="See that it runs (tally node)",
            ) from fault


def _seconds(headers: Mapping[str, str]) -> float:
    given = headers.get("retry-after", "")
    return float(given) if given.isdigit() else 0.0
