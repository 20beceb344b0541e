"""Several endpoints of one chain: which of them is asked, and what is known of each.

An endpoint is verified once it was seen to serve the network's own chain, and probed again
every other second: one that is down, lags, or has become another chain is left out until it is well
again. One whose answers were late or did not add up is left out for a while, each time for longer;
one whose answers the validators do not vouch for at once for the longest.
The first in the configuration is asked wherever it is well.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Any, TypeVar

import structlog

from app.chain.errors import ChainAnswer, NotVerified, OutOfSync
from app.chain.identity import check_chain
from app.chain.manifest import Manifest
from app.chain.rpc import ClientTls, Rpc, Traffic
from app.domain.errors import ChainFault, ChainUnreachable, WrongChain

LAG_BLOCKS = 5
"""So many blocks may an endpoint be behind the best one before it is left out."""

PROBE_EVERY_S = 2.0
_PROBE_TIMEOUT_S = 5.0
_TIMEOUT_S = 10.0  # shorter than a single endpoint's: another one can be asked
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _MOST_SUSPICIONS = 2.0, 60.0, 5

_log = structlog.get_logger()
_Answer = TypeVar("_Answer")


class EndpointState(IntEnum):
    """How an endpoint is; the smaller, the rather it is asked."""

    GOOD = 0
    BEHIND = 1
    SUSPECT = 2
    REFUSED = 3
    OUT_OF_SYNC = 4
    UNREACHABLE = 5
    OTHER_CHAIN = 6

    @property
    def word(self) -> str:
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """What is shown of an endpoint: `why` is empty where it is good, `head` None where unknown."""

    url: str
    state: str
    head: int | None
    why: str


class _Endpoint:
    """One endpoint and what is known of it. Used under the lock of its `Endpoints`."""

    def __init__(self, order: int, rpc: Rpc) -> None:
        self.order = order
        self.rpc = rpc
        self.verified = False
        self.head: int | None = None
        self.fault: ChainFault | None = None  # of a probe; the next good one ends it
        self.suspicion: ChainFault | None = None  # of its answers; time ends it
        self.suspect_until = 0.0
        self.suspicions = 0
        self.shown = EndpointState.GOOD

    def state(self, newest: int) -> EndpointState:
        if isinstance(self.fault, WrongChain):
            return EndpointState.OTHER_CHAIN
        if isinstance(self.fault, OutOfSync):
            return EndpointState.OUT_OF_SYNC
        if self.fault is not None:
            return EndpointState.UNREACHABLE
        if time.monotonic() < self.suspect_until:
            lied = isinstance(self.suspicion, NotVerified)
            return EndpointState.REFUSED if lied else EndpointState.SUSPECT
        if self.head is not None and newest - self.head > LAG_BLOCKS:
            return EndpointState.BEHIND
        return EndpointState.GOOD

    def why(self, state: EndpointState, newest: int) -> str:
        if state is EndpointState.BEHIND:
            return f"it is {newest - (self.head or 0)} blocks behind"
        of_answers = state in (EndpointState.SUSPECT, EndpointState.REFUSED)
        fault = self.suspicion if of_answers else self.fault
        return "" if state is EndpointState.GOOD or fault is None else fault.what


class Endpoints:
    """A bank's endpoints. `client` gives each worker a client of its own; close it at the end."""

    def __init__(self, urls: Sequence[str], manifest: Manifest, tls: ClientTls) -> None:
        self._manifest = manifest
        self._tls = tls
        several = len(urls) > 1
        self._all = [
            _Endpoint(order, Rpc(url, _TIMEOUT_S, tls) if several else Rpc(url, tls=tls))
            for order, url in enumerate(urls)
        ]
        self._lock = threading.Lock()
        self._closed = threading.Event()
        if several:
            for endpoint, url in zip(self._all, urls, strict=True):
                # Its log lines say what ours do: whose endpoint it is.
                probing = partial(copy_context().run, self._probe_repeatedly, endpoint, url)
                threading.Thread(target=probing, name="endpoint", daemon=True).start()

    def client(self) -> "FailoverClient":
        """A client for one worker, which must not share it with others."""
        return FailoverClient(self)

    def health(self) -> list[EndpointHealth]:
        """Every endpoint as it was last seen, in the order of the configuration."""
        probed = len(self._all) > 1
        with self._lock:
            newest = self._newest()
            return [
                EndpointHealth(
                    endpoint.rpc.origin,
                    state.word,
                    # Not one of long ago.
                    endpoint.head if probed and endpoint.fault is None else None,
                    endpoint.why(state, newest),
                )
                for endpoint in self._all
                for state in [endpoint.state(newest)]
            ]

    def traffic(self) -> list[tuple[str, Traffic]]:
        """What was asked of each endpoint, in the order of the configuration."""
        return [(endpoint.rpc.origin, endpoint.rpc.traffic) for endpoint in self._all]

    def close(self) -> None:
        """Stop probing, and close all connections."""
        self._closed.set()
        for endpoint in self._all:
            endpoint.rpc.close()

    def verify(self, endpoint: _Endpoint) -> None:
        """Raise ChainUnreachable or WrongChain unless it serves this network's own chain."""
        if not endpoint.verified:
            head = check_chain(endpoint.rpc, self._manifest)
            with self._lock:
                endpoint.verified, endpoint.head, endpoint.fault = True, head, None
                self._log_changes()

    def candidates(self) -> list[_Endpoint]:
        """Whom to ask, in this order: those that are well, then the lagging and the suspect ones.
        Where there are none of either, the one that may soonest be well."""
        with self._lock:
            newest = self._newest()
            ranked = sorted(self._all, key=lambda one: (one.state(newest), one.order))
            usable = [one for one in ranked if one.state(newest) <= EndpointState.SUSPECT]
            return usable or ranked[:1]

    def suspect(self, endpoint: _Endpoint, fault: ChainFault) -> None:
        """It failed, or answered what cannot be: leave it out for a while."""
        with self._lock:
            if isinstance(fault, WrongChain | OutOfSync):
                endpoint.fault = fault
            now = time.monotonic()
            if now - endpoint.suspect_until > _LONGEST_PAUSE_S:
                endpoint.suspicions = 0
            pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**endpoint.suspicions)
            if isinstance(fault, NotVerified):
                pause = _LONGEST_PAUSE_S
            endpoint.suspicion, endpoint.suspect_until = fault, now + pause
            endpoint.suspicions = min(endpoint.suspicions + 1, _MOST_SUSPICIONS)
            endpoint.verified = False
            self._log_changes()

    def _newest(self) -> int:
        return max((one.head or 0 for one in self._all if one.fault is None), default=0)

    def _probe_repeatedly(self, endpoint: _Endpoint, url: str) -> None:
        rpc = Rpc(url, _PROBE_TIMEOUT_S, self._tls)
        try:
            while not self._closed.is_set():
                self._probe(endpoint, rpc)
                self._closed.wait(PROBE_EVERY_S)
        finally:
            rpc.close()

    def _probe(self, endpoint: _Endpoint, rpc: Rpc) -> None:
        fault: ChainFault | None = None
        head = None
        try:
            head = check_chain(rpc, self._manifest)
        except ChainFault as seen:
            fault = seen
        with self._lock:
            endpoint.fault = fault
            if fault is None:
                endpoint.head = head
            else:
                endpoint.verified = False
            self._log_changes()

    def _log_changes(self) -> None:
        """Log what has changed since the last time."""
        newest = self._newest()
        for endpoint in self._all:
            state = endpoint.state(newest)
            if state is endpoint.shown:
                continue
            endpoint.shown = state
            if state is EndpointState.GOOD:
                _log.info("endpoint is good again", endpoint=endpoint.rpc.url)
            else:
                _log.warning(
                    "endpoint left out",
                    endpoint=endpoint.rpc.url,
                    state=state.word,
                    why=endpoint.why(state, newest),
                )


class FailoverClient(Rpc):
    """An `Rpc` for one worker whose requests go to the best endpoint.

    The endpoint changes between two pieces of work, never within one: answers that belong together
    are one node's.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._current = endpoints.candidates()[0]

    @property
    def url(self) -> str:
        return self._current.rpc.url

    @property
    def origin(self) -> str:
        return self._current.rpc.origin

    def run(self, work: Callable[[], _Answer]) -> _Answer:
        """Do a piece of work that may be begun again, at the first endpoint where it succeeds.

        Raises what went wrong at the preferred one when none is left.
        """
        faults: list[ChainFault] = []
        for candidate in self._endpoints.candidates():
            self._current = candidate
            try:
                self._endpoints.verify(candidate)
                return work()
            except (ChainUnreachable, WrongChain, ChainAnswer) as fault:
                self._endpoints.suspect(self._current, fault)
                faults.append(fault)
        # What may pass by itself comes before what a person must mend.
        raise next((one for one in faults if isinstance(one, ChainUnreachable)), faults[0])

    def others(self) -> list[Rpc]:
        return [one.rpc for one in self._endpoints.candidates() if one is not self._current]

    def move_on(self, fault: ChainUnreachable) -> None:
        asked = self._current
        self._endpoints.suspect(asked, fault)
        for candidate in self._endpoints.candidates():
            if candidate is not asked:
                self._endpoints.verify(candidate)
                self._current = candidate
                return

    def close(self) -> None:
        """Nothing: the connections are those of all clients, and `Endpoints` closes them."""

    def _post(self, payload: bytes) -> Any:
        return self._current.rpc._post(payload)
