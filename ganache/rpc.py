"""JSON-RPC calls to a development chain, with the standard library alone."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

# Never through a proxy of the environment: the chain is on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NoAnswer(Exception):
    """The address did not answer a JSON-RPC call with a result."""


def call(url: str, method: str, *params: Any, timeout_s: float = 2.0) -> Any:
    """The result of one call. Raises NoAnswer."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with _OPENER.open(request, timeout=timeout_s) as response:
            answer = json.load(response)
    except (OSError, ValueError) as error:
        raise NoAnswer(f"{url} does not answer {method}: {error}") from error
    if not isinstance(answer, dict) or "result" not in answer:
        raise NoAnswer(f"{url} refuses {method}: {answer}")
    return answer["result"]
