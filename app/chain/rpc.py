"""One JSON-RPC endpoint: single and batched requests with typed errors."""

from typing import Any, cast

import orjson
import requests
from web3 import HTTPProvider, Web3
from web3.middleware import ExtraDataToPOAMiddleware
from web3.types import RPCEndpoint, RPCResponse

from app.chain.errors import ChainAnswer, unreachable

_TIMEOUT_S = 30


class _OrjsonProvider(HTTPProvider):
    """web3's provider with a faster decoder: answers hold megabytes of hex."""

    def decode_rpc_response(self, raw_response: bytes) -> RPCResponse:
        return cast(RPCResponse, orjson.loads(raw_response))


class Rpc:
    """A connection to one chain node. Safe to share between threads (a session per thread)."""

    def __init__(self, url: str, timeout_s: float = _TIMEOUT_S) -> None:
        self.url = url
        self._provider = _OrjsonProvider(
            url, request_kwargs={"timeout": timeout_s}, exception_retry_configuration=None
        )
        self.web3 = Web3(self._provider)
        """For rare, typed calls (contract wrappers). Hot paths use `call` and `batch`."""
        self.web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)

    def call(self, method: str, params: list[Any]) -> Any:
        """One request; returns its result.

        Raises ChainUnreachable when nobody answers, ChainAnswer when the node reports an error.
        """
        try:
            response = self._provider.make_request(RPCEndpoint(method), params)
        except (requests.RequestException, orjson.JSONDecodeError, OSError) as cause:
            raise unreachable(self.url, cause) from cause
        return _result(method, response)

    def batch(self, requests_: list[tuple[str, list[Any]]]) -> list[Any]:
        """Many requests in one round trip; results in order. Raises at the first error object."""
        return [
            _result(method, response)
            for (method, _), response in zip(requests_, self.batch_answers(requests_), strict=True)
        ]

    def batch_answers(self, requests_: list[tuple[str, list[Any]]]) -> list[RPCResponse]:
        """As `batch`, but returns the raw answers, so that each error can be judged by itself."""
        if not requests_:
            return []
        try:
            answers = self._provider.make_batch_request(
                [(RPCEndpoint(method), params) for method, params in requests_]
            )
        except (requests.RequestException, orjson.JSONDecodeError, OSError) as cause:
            raise unreachable(self.url, cause) from cause
        if not isinstance(answers, list):
            raise ChainAnswer("batch", cast(dict[str, Any], answers.get("error", answers)))
        if len(answers) != len(requests_):
            raise unreachable(self.url, ValueError("a short batch answer"))
        return answers


def _result(method: str, response: RPCResponse) -> Any:
    if "error" in response:
        error = response["error"]
        raise ChainAnswer(method, cast(dict[str, Any], error))
    return response["result"]
