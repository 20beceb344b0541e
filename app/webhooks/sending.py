"""One attempt: the payload is posted to an endpoint, within bounds of time and size."""

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult

from app.domain.errors import UsageFault
from app.webhooks.address import AddressRefused, Network, check_url, resolved

_CONNECT_S = 10.0
_DEADLINE_S = 20.0
"""Of a whole attempt, however slowly the endpoint answers. What it answers beside its status is not
read."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Where webhooks may go. `networks`: those that are not public and are allowed; `ca`: who
    signed the endpoints' certificates, None: those that the system trusts."""

    development: bool = False
    networks: Sequence[Network] = ()
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt: taken where `fault` is empty."""

    status: int | None
    fault: str


def post(url: str, headers: Mapping[str, str], payload: bytes, rules: Rules) -> Answer:
    """Post it once. A redirection is a refusal: it is not followed."""
    try:
        parts = check_url(url, development=rules.development)
        address, port = resolved(parts, rules.networks)
        return _exchange(parts, address, port, headers, payload, rules)
    except AddressRefused as fault:
        return Answer(None, str(fault))
    except UsageFault as fault:
        return Answer(None, fault.what)
    except ssl.SSLError as fault:
        return Answer(None, f"no trusted connection ({getattr(fault, 'reason', '') or 'TLS'})")
    except (OSError, http.client.HTTPException, ValueError) as fault:
        return Answer(None, f"no answer ({type(fault).__name__})")


def _exchange(
    parts: SplitResult,
    address: str,
    port: int,
    headers: Mapping[str, str],
    payload: bytes,
    rules: Rules,
) -> Answer:
    """Connected to the address that was looked at, not to what the name leads to a moment later."""
    host = parts.hostname or ""
    connection = http.client.HTTPConnection(host, port, timeout=_CONNECT_S)
    sockets = [socket.create_connection((address, port), _CONNECT_S)]
    # A socket that is shut ends whatever waits for it.
    watchdog = threading.Timer(_DEADLINE_S, lambda: _shut(sockets[-1]))
    watchdog.daemon = True
    watchdog.start()
    try:
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=rules.ca)
            secured = context.wrap_socket(
                sockets[0], server_hostname=host, do_handshake_on_connect=False
            )
            sockets.append(secured)
            secured.do_handshake()
        connection.sock = sockets[-1]
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, payload, {**headers, "Host": parts.netloc})
        answer = connection.getresponse()
        taken = 200 <= answer.status < 300
        return Answer(answer.status, "" if taken else f"answered {answer.status}")
    finally:
        watchdog.cancel()
        sockets[-1].close()
        connection.close()


def _shut(opened: socket.socket) -> None:
    with suppress(OSError):
        opened.shutdown(socket.SHUT_RDWR)
