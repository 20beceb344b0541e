"""Who is signed in to pages and REST with a session of theirs, and what they may do."""

import hmac
from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request

from app.http.problems import Problem
from app.http.state import context_of, sessions_of
from app.people.person import Person
from app.people.roles import Right
from app.people.sessions import Session, csrf_token

CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf"
HOST_PREFIX = "__Host-"
_LOOPBACK_HOSTS = ("127.0.0.1", "::1")
_LOOPBACK_NAMES = (*_LOOPBACK_HOSTS, "localhost")


def session_cookie(request: Request) -> str:
    """The cookie's name. Browsers send a cookie to every port of a host: each bank has its own."""
    context = context_of(request)
    return host_cookie(request, f"tally_session_{context.member}", context.channel)


def host_cookie(request: Request, name: str, channel: str = "") -> str:
    """A cookie's name; over TLS with the prefix with which browsers take it from this host alone,
    and for all its paths: so it is the channel's by its name."""
    if request.url.scheme != "https":
        return name
    return f"{HOST_PREFIX}{name}{'_' if channel else ''}{channel}"


def session_token(request: Request) -> str:
    """The token that the browser sent, whether it opens anything or not; it may be empty."""
    return request.cookies.get(session_cookie(request), "")


def open_session(request: Request) -> Session | None:
    """The session that the request comes with, while it is open."""
    return sessions_of(request).find(session_token(request))


def person_of(request: Request) -> Person | None:
    """Who is signed in; None where nobody is."""
    found = open_session(request)
    return found.person if found else None


def signed_in(request: Request) -> Person:
    """A dependency: the person who is signed in; else a 401 problem, which leads to sign in."""
    person = person_of(request)
    if person is None:
        # htmx follows this header; a redirect it would swap into the page.
        to = {"HX-Redirect": f"{context_of(request).root}/login"}
        raise Problem(401, "unauthorized", "sign in again", headers=to)
    return person


SignedIn = Annotated[Person, Depends(signed_in)]


def allowed_to(right: Right) -> Callable[[Request], Person]:
    """A dependency: the person who is signed in and has a right; else a 401 or 403 problem."""

    def check(request: Request) -> Person:
        person = signed_in(request)
        if not person.may(right):
            raise Problem(403, "forbidden", f"none of your roles may do this; it takes {right!r}")
        return person

    return check


Worker = Annotated[Person, Depends(allowed_to("work"))]


def address_of(request: Request) -> str:
    """Where a request comes from: the reader's address, also behind the node's own proxy."""
    return request.client.host if request.client else ""


def check_csrf(request: Request, given: str | None = None) -> None:
    """Raises a 403 problem unless the request carries the session's token (`given` in a form, else
    in a header): no other site's form or script acts for whoever is signed in."""
    check_origin(request)
    expected = csrf_token(session_token(request))
    found = given if given is not None else request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(found.encode(), expected.encode()):
        raise Problem(403, "foreign-form", "this form is too old; load its page again")


def check_origin(request: Request) -> None:
    """Raises a 403 problem for a form of another site."""
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise Problem(403, "foreign-origin", "this form is another site's; use this one's own")


def is_open_to(request: Request) -> bool:
    """Whether anybody may read: a development network, from its own machine."""
    return context_of(request).development and is_from_this_machine(request)


def is_from_this_machine(request: Request) -> bool:
    """Whether a browser of this machine asks, by a name of this machine."""
    # The name too: another site's name that was made to lead here must not open the page.
    return (
        request.client is not None
        and request.client.host in _LOOPBACK_HOSTS
        and request.url.hostname in _LOOPBACK_NAMES
    )


def sign_in_address(request: Request) -> str:
    """Where to sign in, and come back from to what was asked for."""
    root = context_of(request).root
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method != "GET" or asked == f"{root}/":
        return f"{root}/login"
    return f"{root}/login?next={quote(asked, safe='')}"
