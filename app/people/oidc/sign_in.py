"""Signing in at the bank's OpenID provider: sent there, and come back with a code.

What a browser must bring back (state, nonce, PKCE verifier) travels in a cookie of its own, sealed
with the bank's storage key: a stranger who begins a thousand sign-ins leaves nothing behind here.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, Engine

from app.audit.trail import Entry, append
from app.db.clock import now, stamp
from app.db.vault import vault_of
from app.domain.errors import StorageFault, UsageFault
from app.people.attempts import (
    ORIGIN_KEPT,
    browser_key,
    failures_of,
    note_failure,
    openid_key,
    wait_after,
)
from app.people.oidc.faults import SignInRefused
from app.people.oidc.people import drop_roles, find_person, keep_person
from app.people.oidc.provider import Provider
from app.people.oidc.sign_out import end_provider_sessions, provider_session
from app.people.person import active_person
from app.people.roles import Role, checked_roles
from app.people.sessions import SessionLengths, begin_session

BEGUN_ENDS = timedelta(minutes=10)
"""How long somebody may take at the provider."""
_MOST_GROUPS = 10_000
_BEGUN, _BROWSER = "openid sign-in", "openid browser"
"""What a sealed cookie is for."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`token` of the new session, the page to go on to, and the cookie by which the browser is
    known from now on."""

    token: str
    back_to: str
    browser: str


@dataclass(frozen=True, slots=True)
class Returned:
    """What a browser brings back from the provider, as it says; all of it may be made up."""

    state: str
    code: str
    error: str
    issuer: str | None


class OidcSignIn:
    """Signs people of one bank in by its provider. Safe for threads."""

    def __init__(
        self,
        engine: Engine,
        provider: Provider,
        groups_claim: str,
        roles: Mapping[str, frozenset[Role]],
        lengths: SessionLengths,
    ) -> None:
        """`roles`: what each group of the provider gives."""
        self._engine = engine
        self._provider = provider
        self._groups_claim = groups_claim
        self._roles = roles
        self._lengths = lengths

    def begin(self, back_to: str) -> tuple[str, str]:
        """Where to send a browser, and the cookie that it must bring back; then it goes on to the
        page `back_to`. Raises ProviderUnavailable."""
        begun = {
            "state": secrets.token_urlsafe(32),
            "nonce": secrets.token_urlsafe(32),
            "verifier": secrets.token_urlsafe(48),
            "back_to": back_to,
        }
        address = self._provider.authorization_address(
            begun["state"], begun["nonce"], begun["verifier"]
        )
        return address, self._sealed(_BEGUN, begun, BEGUN_ENDS)

    def turn(self, browser: str, address: str) -> bytes:
        """Whose failures an answer counts with: those of the browser where it is known by its
        cookie, else those of the address."""
        known = self._opened(_BROWSER, browser)
        return openid_key(address) if known is None else browser_key(known["person"])

    def wait(self, turn: bytes) -> float:
        """Seconds that the next answer of a turn waits for before it is looked at."""
        with self._engine.connect() as connection:
            return wait_after(failures_of(connection, turn, now()))

    def finish(
        self, cookie: str, returned: Returned, *, turn: bytes, address: str, agent: str
    ) -> SignedIn:
        """Raises SignInRefused (which stands in the audit trail) and ProviderUnavailable."""
        try:
            begun, claims = self._identified(cookie, returned)
        except SignInRefused:
            with self._engine.begin() as connection:
                note_failure(connection, turn, now())
                append(connection, Entry("nobody", "sign-in", outcome="refused", address=address))
            raise
        token, person = self._admitted(claims, address, agent)
        browser = self._sealed(_BROWSER, {"person": person}, ORIGIN_KEPT)
        return SignedIn(token, begun["back_to"], browser)

    def has_key_of(self, logout_token: str) -> bool:
        """Whether a token can be judged without asking the provider."""
        return self._provider.has_key_of(logout_token)

    def end_sessions(self, logout_token: str, *, address: str) -> None:
        """End the sessions that a logout token of the provider's names.

        Raises SignInRefused for one that is not good, or was used, and ProviderUnavailable.
        """
        claims = self._provider.logout_claims(logout_token)
        with self._engine.begin() as connection:
            end_provider_sessions(connection, self._provider.issuer, claims, address=address)

    def sign_out_address(self) -> str | None:
        """Where the person signs out at the provider too; None where that cannot be."""
        return self._provider.end_session_address()

    def _identified(
        self, cookie: str, returned: Returned
    ) -> tuple[Mapping[str, str], Mapping[str, Any]]:
        begun = self._opened(_BEGUN, cookie)
        if begun is None or not secrets.compare_digest(
            begun["state"].encode(), returned.state.encode()
        ):
            raise SignInRefused(
                "this sign-in was begun in another browser, or too long ago", remedy="Begin again"
            )
        self._provider.check_issuer(returned.issuer)
        if returned.error or not returned.code:
            raise SignInRefused("the provider has signed nobody in", remedy="Begin again")
        return begun, self._provider.claims(returned.code, begun["verifier"], begun["nonce"])

    def _sealed(self, purpose: str, content: Mapping[str, str], lasts: timedelta) -> str:
        """A cookie that nobody else can make or read."""
        whole = {"purpose": purpose, "ends_at": stamp(now() + lasts), **content}
        with self._engine.connect() as connection:
            sealed = vault_of(connection).sealer()(orjson.dumps(whole))
        return urlsafe_b64encode(sealed).decode()

    def _opened(self, purpose: str, cookie: str) -> Mapping[str, str] | None:
        try:
            with self._engine.connect() as connection:
                found = orjson.loads(vault_of(connection).open(urlsafe_b64decode(cookie)))
        except (ValueError, StorageFault):
            return None
        if not isinstance(found, dict) or found.get("purpose") != purpose:
            return None
        return found if found["ends_at"] > stamp(now()) else None

    def _admitted(self, claims: Mapping[str, Any], address: str, agent: str) -> tuple[str, str]:
        """The token of a new session of whom the claims name, and the person's id."""
        issuer, subject = self._provider.issuer, claims["sub"]
        refusal: UsageFault | None = None
        with self._engine.begin() as connection:
            try:
                roles = self._roles_of(claims)
            except UsageFault as fault:
                refusal = fault
                self._refuse(connection, find_person(connection, issuer, subject), address)
            else:
                person_id = keep_person(connection, issuer, claims, roles)
                person = active_person(connection, person_id)
                if person is not None:
                    token = begin_session(
                        connection,
                        person_id,
                        now(),
                        address=address,
                        agent=agent,
                        lengths=self._lengths,
                        provider_session=provider_session(issuer, claims),
                    )
                    entry = Entry(f"person:{person.name}", "sign-in", address=address)
                    append(connection, entry.with_details(by="openid"))
                    return token, person_id
                self._refuse(connection, person_id, address)
        if refusal is not None:
            raise SignInRefused(refusal.what, remedy=refusal.remedy)
        raise SignInRefused(
            "your account is closed here", remedy="Ask an administrator of the bank to open it"
        )

    def _refuse(self, connection: Connection, person_id: str | None, address: str) -> None:
        """Who the provider gives no role that can be has none here any more."""
        actor = "nobody"
        if person_id is not None:
            actor = f"person:{drop_roles(connection, person_id)}"
        append(connection, Entry(actor, "sign-in", outcome="refused", address=address))

    def _roles_of(self, claims: Mapping[str, Any]) -> frozenset[Role]:
        groups = claims.get(self._groups_claim)
        groups = [groups] if isinstance(groups, str) else groups
        if not isinstance(groups, list) or len(groups) > _MOST_GROUPS:
            groups = []
        given: set[Role] = set()
        for group in groups:
            if isinstance(group, str):
                given |= self._roles.get(group, frozenset())
        if not given:
            raise SignInRefused(
                "none of your groups at the provider has a role here",
                remedy="Ask who keeps the groups; [oidc.roles] in bank.toml names them",
            )
        return checked_roles(given)
