"""Who may do what: `Authorization: Bearer tk_<id>_<secret>`, and the roles of keys."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from app.http.keys import ROLES, Key, Keyring, Role
from app.http.problems import Problem
from app.http.signed_in import allowed_to, check_csrf, open_session, signed_in
from app.people.person import Person
from app.people.roles import Right

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="api_key",
    description="`Authorization: Bearer tk_<id>_<secret>`. Role `feeds` pushes events and sees "
    "what was quarantined, `read` reads, `metrics` scrapes /metrics and nothing else, `admin` does "
    "all of it and manages keys.",
)


_session = APIKeyCookie(
    name="tally_session",
    auto_error=False,
    scheme_name="session",
    description="The session of a person who is signed in (the cookie's name ends in the bank's "
    "member number). What changes something carries the session's token in `X-CSRF-Token`, as the "
    "pages' forms do.",
)


def keyring(request: Request) -> Keyring:
    """The node's keyring."""
    ring: Keyring = request.app.state.keyring
    return ring


def allowed(*roles: Role) -> Callable[..., Key]:
    """A dependency that lets keys of these roles pass; others get a 401 or 403 problem."""

    def check(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Key:
        if credentials is None:
            raise _unauthorized("no API key was given; send `Authorization: Bearer tk_…`")
        key = keyring(request).verify(credentials.credentials)
        if key is None:
            raise _unauthorized("this API key opens nothing here; ask for a new one")
        if key.role not in roles:
            raise Problem(
                403,
                "forbidden",
                f"a key of role {key.role} may not do this; it takes {' or '.join(roles)}",
            )
        return key

    return check


def acting(*rights: Right) -> Callable[..., Person]:
    """A dependency that lets people pass who have one of these rights, with their session and its
    token; others get a 401 or 403 problem."""

    def check(request: Request, cookie: Annotated[str | None, Depends(_session)]) -> Person:
        person = signed_in(request)
        check_csrf(request)
        if not any(person.may(one) for one in rights):
            raise Problem(
                403, "forbidden", f"none of your roles may do this; it takes {' or '.join(rights)}"
            )
        return person

    return check


def reading_or_viewing(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    cookie: Annotated[str | None, Depends(_session)],
) -> None:
    """A dependency that lets keys that read pass, and people who are signed in and may view."""
    found = None if credentials is not None else open_session(request)
    if found is None or not found.person.may("view"):
        allowed("read", "admin")(request, credentials)


def exporting(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    cookie: Annotated[str | None, Depends(_session)],
) -> str:
    """A dependency: who exports, as the audit trail names them. Keys that read pass, and people who
    are signed in and may export; others get a 401 or 403 problem."""
    if credentials is None and open_session(request) is not None:
        return f"person:{allowed_to('export')(request).name}"
    return f"key:{allowed('read', 'admin')(request, credentials).id}"


def administering(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    cookie: Annotated[str | None, Depends(_session)],
) -> str:
    """A dependency: who administers, as the audit trail names them. Keys of role `admin` pass, and
    people who are signed in and may administer, with their session's token where they change
    something; others get a 401 or 403 problem."""
    if credentials is None and open_session(request) is not None:
        person = allowed_to("administer")(request)
        if request.method != "GET":
            check_csrf(request)
        return f"person:{person.name}"
    return f"key:{allowed('admin')(request, credentials).id}"


def _unauthorized(detail: str) -> Problem:
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})


def probing(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> None:
    """A dependency that lets probes pass, which have no key; on a node of several channels those
    alone who have a key of this one: how much it does and what stops it is its members' business.
    """
    if request.app.state.context.channel:
        allowed(*ROLES)(request, credentials)


PROBE = Depends(probing)
KEY_OPTIONAL: dict[str, Any] = {"security": [{}]}
"""What the OpenAPI document says of a probe besides: that it may come without a key."""

PUSH = Depends(allowed("feeds", "admin"))
READ = Depends(allowed("read", "admin"))
ANY = Depends(allowed("feeds", "read", "admin"))
METRICS = Depends(allowed("metrics", "admin"))
ADMIN = Depends(allowed("admin"))
READ_OR_VIEW = Depends(reading_or_viewing)
PREPARE = Depends(acting("prepare"))
SIGN = Depends(acting("sign"))
WORK = Depends(acting("work"))
VIEW = Depends(acting("view"))
WITHDRAW = Depends(acting("prepare", "sign"))
WORK = Depends(acting("work"))
Administering = Annotated[str, Depends(administering)]
Exporter = Annotated[str, Depends(exporting)]
