"""JSON-RPC calls to a development chain, with the standard library alone."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit


class NoAnswer(Exception):
    """The address did not answer a JSON-RPC call with a result."""


class Connection:
    """A connection that is kept for many calls. Close it at the end."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        self._http = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout_s)

    def call(self, method: str, *params: Any) -> Any:
        """The result of one call. Raises NoAnswer."""
        answer = self._exchange({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        if not isinstance(answer, dict) or "result" not in answer:
            raise NoAnswer(f"{self._url} refuses {method}: {answer}")
        return answer["result"]

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[dict[str, Any]]:
        """The answers to several calls in one request, each with a result or an error. Raises
        NoAnswer."""
        answers = self._exchange(
            [
                {"jsonrpc": "2.0", "id": place, "method": method, "params": params}
                for place, (method, params) in enumerate(calls)
            ]
        )
        if not isinstance(answers, list) or len(answers) != len(calls):
            raise NoAnswer(f"{self._url} refuses a batch: {answers}")
        return answers

    def _exchange(self, request: object) -> Any:
        body = json.dumps(request)
        try:
            self._http.request("POST", "/", body, {"Content-Type": "application/json"})
            return json.loads(self._http.getresponse().read())
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._http.close()
            raise NoAnswer(f"{self._url} does not answer: {error}") from error

    def close(self) -> None:
        self._http.close()


def call(url: str, method: str, *params: Any, timeout_s: float = 2.0) -> Any:
    """The result of one call on a connection of its own. Raises NoAnswer."""
    with closing(Connection(url, timeout_s)) as connection:
        return connection.call(method, *params)
