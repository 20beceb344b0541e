"""An OpenID provider's metadata (OpenID Connect Discovery) and keys, read from it and kept."""

import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.people.oidc.faults import ProviderUnavailable, unavailable

_TIMEOUT_S = 5.0
"""For a whole answer, however slowly it comes."""
_MOST_BYTES = 512 * 1024
_KEPT_S = 600.0
"""How long metadata and keys are used before they are read again."""
_RETRY_S = 5.0
"""How long a provider that failed, or whose keys were just read, is not asked again."""
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint")


class Discovery:
    """Asks one provider. Safe for threads: one of them reads, the others wait for what it finds."""

    def __init__(self, issuer: str, trust: ssl.SSLContext | None) -> None:
        """`trust`: of its certificate; None: what the system trusts."""
        self._issuer = issuer
        self._client = httpx.Client(
            verify=trust or True,
            timeout=_TIMEOUT_S,
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        self._lock = threading.Lock()
        self._found: tuple[Mapping[str, Any], KeySet] | None = None
        self._fault: ProviderUnavailable | None = None
        self._read_at = -_KEPT_S

    def metadata(self) -> Mapping[str, Any]:
        """Raises ProviderUnavailable."""
        return self._current(_KEPT_S)[0]

    def keys(self, *, anew: bool = False) -> KeySet:
        """Those that sign its tokens; `anew`: a token names one that is not among them. Raises
        ProviderUnavailable."""
        return self._current(_RETRY_S if anew else _KEPT_S)[1]

    def has_key(self, name: object) -> bool:
        """Whether a key of this name (`kid`) was read and is in use still."""
        found = self._found
        is_fresh = time.monotonic() - self._read_at < _KEPT_S
        return found is not None and is_fresh and any(one.kid == name for one in found[1].keys)

    def ask(self, method: str, address: str, **asked: Any) -> tuple[int, dict[str, Any]]:
        """Status and JSON object of an answer. Redirects are not followed. Raises
        ProviderUnavailable."""
        ends = time.monotonic() + _TIMEOUT_S
        body = bytearray()
        try:
            with self._client.stream(method, address, **asked) as answer:
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > _MOST_BYTES or time.monotonic() > ends:
                        raise unavailable("its answer is too large or too slow")
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise unavailable(f"no answer ({type(fault).__name__})") from None
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise unavailable(f"what it answers is no JSON object (HTTP {answer.status_code})")
        return answer.status_code, found

    def _current(self, most_age: float) -> tuple[Mapping[str, Any], KeySet]:
        with self._lock:
            age = time.monotonic() - self._read_at
            if self._fault is not None and age < _RETRY_S:
                raise self._fault
            if self._found is None or age >= most_age:
                try:
                    self._found, self._fault = self._read(), None
                except ProviderUnavailable as fault:
                    self._found, self._fault = None, fault
                    raise
                finally:
                    self._read_at = time.monotonic()
            return self._found

    def _read(self) -> tuple[Mapping[str, Any], KeySet]:
        at = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        status, metadata = self.ask("GET", at)
        if status != 200 or metadata.get("issuer") != self._issuer:
            raise unavailable("its metadata are not those of the configured issuer")
        # A password or a code goes to these: never in the clear where the issuer is not.
        scheme = urlsplit(self._issuer).scheme
        for name in _ENDPOINTS:
            address = metadata.get(name)
            if address is None and name == "end_session_endpoint":
                continue
            if not isinstance(address, str) or urlsplit(address).scheme not in ("https", scheme):
                raise unavailable(f"its metadata name no {name}")
        status, keys = self.ask("GET", metadata["jwks_uri"])
        try:
            return metadata, KeySet.import_key_set(keys)  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise unavailable("its keys cannot be read") from None
