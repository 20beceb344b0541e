"""Who may do what: `Authorization: Bearer tk_<id>_<secret>`, and the roles of keys."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from app.http.keys import ROLES, Key, Role
from app.http.problems import Problem
from app.http.signed_in import allowed_to, check_csrf, open_session, signed_in
from app.http.state import context_of, keyring_of
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


def allowed(*roles: Role) -> Callable[..., Key]:
    """A dependency that lets keys of these roles pass; others get a 401 or 403 problem."""

    def check(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Key:
        if credentials is None:
            raise _unauthorized("no API key was given; send `Authorization: Bearer tk_…`")
        key = keyring_of(request).verify(credentials.credentials)
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


def who_may(*rights: Right) -> Callable[..., Person]:
    """A dependency that lets people pass who have one of these rights, with their session, and its
    token where they change something; others get a 401 or 403 problem."""

    def check(request: Request, cookie: Annotated[str | None, Depends(_session)]) -> Person:
        person = signed_in(request)
        if request.method != "GET":
            check_csrf(request)
        if not any(person.may(one) for one in rights):
            raise Problem(
                403, "forbidden", f"none of your roles may do this; it takes {' or '.join(rights)}"
            )
        return person

    return check


def either(right: Right, *roles: Role) -> Callable[..., Person | Key]:
    """A dependency: who asks. Keys of these roles pass, and people who are signed in and have the
    right, with their session's token where they change something; others get a 401 or 403 problem.
    """

    def check(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
        cookie: Annotated[str | None, Depends(_session)],
    ) -> Person | Key:
        if credentials is not None or open_session(request) is None:
            return allowed(*roles)(request, credentials)
        person = allowed_to(right)(request)
        if request.method != "GET":
            check_csrf(request)
        return person

    return check


def _unauthorized(detail: str) -> Problem:
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})


def probing(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> None:
    """A dependency that lets probes pass, which have no key; on a node of several channels those
    alone who have a key of this one: how much it does and what stops it is its members' business.
    """
    if context_of(request).channel:
        allowed(*ROLES)(request, credentials)


PROBE = Depends(probing)
KEY_OPTIONAL: dict[str, Any] = {"security": [{}]}
"""What the OpenAPI document says of a probe besides: that it may come without a key."""

PUSH = Depends(allowed("feeds", "admin"))
METRICS = Depends(allowed("metrics", "admin"))
ADMIN = Depends(allowed("admin"))
NODE_READ = Depends(allowed("read", "admin"))
"""Of a node of several channels, which knows no people."""
READ = Depends(either("view", "read", "admin"))
Reader = Annotated[Person | Key, READ]
READ_OR_PUSH = Depends(either("view", "feeds", "read", "admin"))
PREPARE = Depends(who_may("prepare"))
SIGN = Depends(who_may("sign"))
WITHDRAW = Depends(who_may("prepare", "sign"))
WORK = Depends(who_may("work"))
VIEW = Depends(who_may("view"))
EXPORT = Depends(who_may("export"))
ADMINISTER = Depends(who_may("administer"))
SET_RULES = Depends(who_may("work", "administer"))
ADMINISTERED = Depends(either("administer", "admin"))
AUDITING = Depends(either("read_audit", "admin"))
Administering = Annotated[Person | Key, ADMINISTERED]
Exporter = Annotated[Person | Key, Depends(either("export", "read", "admin"))]
FeedWorker = Annotated[Person | Key, Depends(either("work", "feeds", "admin"))]
