"""One JSON-RPC endpoint: single and batched requests with typed errors."""

from typing import Any, cast
from urllib.parse import urlsplit

import orjson
import requests
from requests.adapters import HTTPAdapter
from web3 import HTTPProvider, Web3
from web3.middleware import ExtraDataToPOAMiddleware
from web3.types import RPCResponse

from app.chain.errors import ChainAnswer, unreachable

_TIMEOUT_S = 30
_CONNECTIONS = 16


class _OrjsonProvider(HTTPProvider):
    """web3's provider with a faster decoder: answers hold megabytes of hex."""

    @staticmethod
    def decode_rpc_response(raw_response: bytes) -> RPCResponse:
        return cast(RPCResponse, orjson.loads(raw_response))


class Rpc:
    """Connections to one chain node. Safe to share between threads; close it at the end.

    `url` is the endpoint as it may be shown: without a user and password.
    """

    def __init__(self, url: str, timeout_s: float = _TIMEOUT_S) -> None:
        parts = urlsplit(url)
        self.url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        self._endpoint = url
        self._timeout_s = timeout_s
        # One pool for all threads: web3 would open a session for each thread that ever called.
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))
        self.web3 = Web3(
            _OrjsonProvider(
                url,
                session=self._session,
                request_kwargs={"timeout": timeout_s},
                exception_retry_configuration=None,
            )
        )
        """For rare, typed calls (contract wrappers). Hot paths use `call` and `batch`."""
        self.web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)

    def call(self, method: str, params: list[Any]) -> Any:
        """One request; returns its result.

        Raises ChainUnreachable when nobody answers, ChainAnswer when the node reports an error.
        """
        answer = self._post({"jsonrpc": "2.0", "id": 0, "method": method, "params": params})
        if not isinstance(answer, dict):
            raise unreachable(self.url, ValueError("not a JSON-RPC answer"))
        return self._result(method, answer)

    def batch(self, requests_: list[tuple[str, list[Any]]]) -> list[Any]:
        """Many requests in one round trip; results in order. Raises at the first error object."""
        return [
            self._result(method, answer)
            for (method, _), answer in zip(requests_, self.batch_answers(requests_), strict=True)
        ]

    def batch_answers(self, requests_: list[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
        """As `batch`, but returns the raw answers, so that each error can be judged by itself."""
        if not requests_:
            return []
        answers = self._post(
            [
                {"jsonrpc": "2.0", "id": place, "method": method, "params": params}
                for place, (method, params) in enumerate(requests_)
            ]
        )
        if isinstance(answers, dict):  # the node refuses the batch as a whole
            raise ChainAnswer("batch", answers.get("error") or answers)
        # They may come in any order, and a node that is overwhelmed leaves some out.
        placed = {one.get("id"): one for one in answers or () if isinstance(one, dict)}
        try:
            return [placed[place] for place in range(len(requests_))]
        except KeyError:
            raise unreachable(self.url, ValueError("an answer to a batch is missing")) from None

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _post(self, payload: object) -> Any:
        try:
            answer = self._session.post(
                self._endpoint,
                data=orjson.dumps(payload),
                headers={"Content-Type": "application/json"},
                timeout=self._timeout_s,
            )
            answer.raise_for_status()
            return orjson.loads(answer.content)
        except (requests.RequestException, ValueError) as cause:
            raise unreachable(self.url, cause) from cause

    def _result(self, method: str, answer: dict[str, Any]) -> Any:
        if answer.get("error") is not None:
            raise ChainAnswer(method, answer["error"])
        if "result" not in answer:
            raise unreachable(self.url, ValueError("an answer without a result"))
        return answer["result"]
