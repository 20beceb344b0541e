"""A node as its users see it: what it shows, what is pushed to it, what people do there."""

import secrets
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
import orjson
from pydantic import BaseModel

from app.client.connection import NodeConnection, NodeFailed, NodeRefused, NodeSilent
from app.client.stream import StreamEvent, events_of
from app.domain.errors import TallyError, UsageFault
from app.presentation.accounts import BalancesOut
from app.presentation.alerts import AlertOut
from app.presentation.common import PageOut
from app.presentation.events import BulkOut, RowSums, VerdictOut
from app.presentation.pairs import PairOut
from app.presentation.people import SignedInOut
from app.presentation.worklist import AssignedOut, AssigneesOut, NoteOut

_STREAM_SILENT_S = 40.0
"""A node sends something every 15 seconds."""
_RECONNECT_S = 1.0
Shape = TypeVar("Shape", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Session:
    """The open session of a person: its cookie and the token for changes. Keep it as a secret."""

    url: str
    cookie: str
    token: str
    csrf: str


class NodeClient:
    """A node, asked with an API key or in the name of a person. Raises the faults of
    `app.client.connection`."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        session: Session | None = None,
        trusted: ssl.SSLContext | bool = True,
    ) -> None:
        self._connection = NodeConnection(url.rstrip("/"), key, trusted)
        if session is not None:
            self._use(session)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def sign_in(self, name: str, password: str, code: str) -> Session:
        """Act as a person from now on; the session can be used by later clients."""
        form = {"name": name, "password": password, "code": code}
        return self._begin("/login", form, UsageFault("that is not right: name, password or code"))

    def sign_in_by_code(self, name: str, code: str) -> Session:
        """The same with a one-time code that the person has made on the page of their sessions."""
        wrong = UsageFault(
            "that is not right: name or code",
            remedy="Make another code; each opens once, for who made it, within 2 minutes",
        )
        return self._begin("/login/code", {"name": name, "code": code}, wrong)

    def _begin(self, path: str, form: Mapping[str, str], wrong: UsageFault) -> Session:
        try:
            answer = self._connection.send("POST", path, data=form)
        except NodeRefused as fault:
            if fault.status == httpx.codes.TOO_MANY_REQUESTS:
                raise UsageFault(
                    "too many attempts have failed from this address",
                    where=self._connection.url,
                    remedy="Try again in some minutes",
                ) from None
            if fault.status != httpx.codes.UNAUTHORIZED:
                raise
            raise wrong from None
        found = [(one, token) for one, token in answer.cookies.items() if "tally_session" in one]
        if not found:
            raise UsageFault("this node signs no people in", where=self._connection.url)
        session = Session(self._connection.url, *found[0], csrf="")
        self._use(session)
        session = replace(session, csrf=self.person().csrf)
        self._use(session)
        return session

    def sign_out(self) -> None:
        """End the session."""
        self._connection.send("POST", "/logout", data={})

    def person(self) -> SignedInOut:
        """Who is signed in."""
        return self._get("/v1/session", SignedInOut)

    def balances(self, **filters: Any) -> BalancesOut:
        """The reserve accounts; `facility`, `partner`."""
        return self._get("/v1/balances", BalancesOut, filters)

    def pairs(self, **filters: Any) -> Iterator[PairOut]:
        """Pairs of any type, newest first, page by page; filters as of `GET /v1/pairs`."""
        return self._pages("/v1/pairs", PageOut[PairOut], filters)

    def breaks(self, **filters: Any) -> Iterator[PairOut]:
        """Breaks, newest first; filters as of `GET /v1/breaks`."""
        return self._pages("/v1/breaks", PageOut[PairOut], filters)

    def alerts(self, **filters: Any) -> Iterator[AlertOut]:
        """Alerts, newest first; filters as of `GET /v1/alerts`."""
        return self._pages("/v1/alerts", PageOut[AlertOut], filters)

    def acknowledge(self, alert: int, note: str = "") -> AlertOut:
        """Say that the person looks after an alert."""
        return self._post(f"/v1/alerts/{alert}:acknowledge", AlertOut, {"note": note})

    def snooze(self, alert: int, minutes: int, note: str = "") -> AlertOut:
        """Keep an alert quiet for a while."""
        asked = {"minutes": minutes, "note": note}
        return self._post(f"/v1/alerts/{alert}:snooze", AlertOut, asked)

    def assignees(self) -> AssigneesOut:
        """Who may work on breaks."""
        return self._get("/v1/assignees", AssigneesOut)

    def assign(self, breaks: Sequence[int], assignee: str | None) -> AssignedOut:
        """Assign breaks to a person by the id; None: to nobody."""
        asked = {"breaks": list(breaks), "assignee": assignee}
        return self._post("/v1/breaks:assign", AssignedOut, asked, is_repeatable=True)

    def comment(self, number: int, text: str) -> NoteOut:
        """Comment on a break; once, however often it has to be sent."""
        path = f"/v1/breaks/{number}/comments"
        key = {"Idempotency-Key": secrets.token_hex(16)}
        return self._post(path, NoteOut, {"text": text}, is_repeatable=True, headers=key)

    def push(self, facility: str, events: Sequence[Mapping[str, Any]]) -> BulkOut:
        """Push at most 5,000 events. Their ids keep them from counting twice."""
        return self._post(_bulk(facility), BulkOut, list(events), is_repeatable=True)

    def push_feed(
        self,
        facility: str,
        content_type: str,
        body: Iterable[bytes],
        on_verdict: Callable[[VerdictOut], None],
    ) -> RowSums:
        """Push a whole feed (CSV or JSON lines) as it is read; tells of each row. Where it fails on
        the way, push the same again: nothing is taken twice."""
        connection = self._connection
        with connection.stream(
            "POST",
            _bulk(facility),
            content=body,
            headers={"Content-Type": content_type},
            timeout=None,
        ) as answer:
            for line in answer.iter_lines():
                told = orjson.loads(line)
                if "rows" in told:
                    return RowSums.model_validate(told["rows"])
                if "problem" in told:
                    raise TallyError(str(told["problem"].get("detail")), where=connection.url)
                on_verdict(VerdictOut.model_validate(told))
        raise TallyError(
            "the answer was cut short",
            where=connection.url,
            remedy="Send the file again; nothing is taken twice",
        )

    def events(self, after: str | None = None) -> Iterator[StreamEvent]:
        """What happens, as it happens, without end; `after`: the id of the last event that was
        received. Connects again where it was cut, and goes on from there."""
        connection = self._connection
        while True:
            headers = {} if after is None else {"Last-Event-ID": after}
            timeout = httpx.Timeout(_STREAM_SILENT_S)
            try:
                with connection.stream(
                    "GET", "/v1/stream", headers=headers, timeout=timeout
                ) as answer:
                    for event in events_of(answer.iter_lines()):
                        after = event.id
                        yield event
            except (NodeSilent, NodeFailed):
                pass
            time.sleep(_RECONNECT_S)

    def _use(self, session: Session) -> None:
        http = self._connection.http
        http.cookies.clear()
        http.cookies.set(session.cookie, session.token)
        http.headers["X-CSRF-Token"] = session.csrf

    def _pages(
        self, path: str, shape: type[PageOut[Any]], filters: Mapping[str, Any]
    ) -> Iterator[Any]:
        cursor: str | None = None
        while True:
            found = self._get(path, shape, {**filters, "cursor": cursor})
            yield from found.items
            cursor = found.next
            if cursor is None:
                return

    def _get(
        self, path: str, shape: type[Shape], filters: Mapping[str, Any] | None = None
    ) -> Shape:
        given = {name: value for name, value in (filters or {}).items() if value is not None}
        answer = self._connection.send("GET", path, params=given)
        return shape.model_validate_json(answer.content)

    def _post(
        self,
        path: str,
        shape: type[Shape],
        body: Any,
        *,
        is_repeatable: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Shape:
        answer = self._connection.send(
            "POST", path, json=body, is_repeatable=is_repeatable, headers=headers
        )
        return shape.model_validate_json(answer.content)


def _bulk(facility: str) -> str:
    """Where many events go. The id may be any text that a file's first row holds: it must not turn
    the address into another."""
    return f"/v1/facilities/{quote(facility, safe='')}/events:bulk"
