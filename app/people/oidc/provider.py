"""A bank's OpenID provider: where it sends people, and the ID token that a code is exchanged for.

The flow is the authorization code's with PKCE (RFC 7636). Of the ID token signature, issuer,
audience, expiry and nonce are verified, and its algorithm is one of `ALGORITHMS`, whatever the
provider's metadata or the token say.
"""

import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import structlog
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jws import JWSRegistry, extract_compact

from app.people.oidc.discovery import Discovery
from app.people.oidc.faults import ProviderUnavailable, SignInRefused, unavailable

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures with a key pair: `none` signs nothing, and with HS256 the verifier could sign."""

_LEEWAY_S = 60
"""How far the provider's clock may be off."""
LOGOUT_WITHIN_S = 300
"""How old a logout token may be."""
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_LOGOUT_TYPES = (None, "JWT", "logout+jwt", "application/logout+jwt")
_LONGEST_NAME = 1024
"""Characters of a token's or a session's own name."""
_LONGEST_SUBJECT = 255  # OpenID Connect Core, 2

_TOKEN_FAULTS = (JoseError, ValueError, TypeError, KeyError, OverflowError, RecursionError)
"""What a token may bring about that anybody may have made."""

_log = structlog.get_logger()


class Provider:
    """One provider, with this node as its client. Safe for threads."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: Path,
        redirect_uri: str,
        scopes: tuple[str, ...],
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """`client_secret`: the file that holds it as its first line. `trust`: see Discovery."""
        self.issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._scopes = scopes
        self._discovery = Discovery(issuer, trust)

    def authorization_address(self, state: str, nonce: str, verifier: str) -> str:
        """Where a browser is sent to sign in. Raises ProviderUnavailable."""
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": " ".join(self._scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        return _with(self._discovery.metadata()["authorization_endpoint"], asked)

    def end_session_address(self) -> str | None:
        """Where a browser is sent to sign out there too (RP-initiated logout), and from there back
        to the sign-in page; None where the provider has no such address or does not answer."""
        try:
            address = self._discovery.metadata().get("end_session_endpoint")
        except ProviderUnavailable:
            return None
        back = self._redirect_uri.removesuffix("/oidc/callback")
        asked = {"client_id": self._client_id, "post_logout_redirect_uri": back}
        return _with(address, asked) if address else None

    def check_issuer(self, given: str | None) -> None:
        """Hold the `iss` that came beside a code (RFC 9207) against this provider's. Raises
        SignInRefused for another one's, and where it is missing though this provider sends it."""
        metadata = self._discovery.metadata()
        is_sent = metadata.get("authorization_response_iss_parameter_supported") is True
        if given != self.issuer and (given is not None or is_sent):
            raise SignInRefused("this answer is not of the bank's provider", remedy="Begin again")

    def claims(self, code: str, verifier: str, nonce: str) -> Mapping[str, Any]:
        """The verified claims of the ID token that a code is exchanged for, once.

        Raises SignInRefused for a code or a token that is not good, and ProviderUnavailable.
        """
        # RFC 6749, 2.3.1: both are encoded before they become user and password.
        basic = httpx.BasicAuth(quote(self._client_id, safe=""), quote(self._secret(), safe=""))
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        token_endpoint = self._discovery.metadata()["token_endpoint"]
        status, answer = self._discovery.ask("POST", token_endpoint, data=form, auth=basic)
        if status >= 500:
            raise unavailable(f"its token endpoint answers {status}")
        if status != 200:
            _log.warning("openid code refused", error=str(answer.get("error"))[:64])
            raise SignInRefused("the provider does not take this code", remedy="Begin again")
        try:
            return self._verified(str(answer["id_token"]), answer.get("access_token"), nonce)
        except _TOKEN_FAULTS as fault:
            # The types alone: a message may quote the token.
            _log.warning("openid token refused", why=type(fault).__name__, claim=_claim_of(fault))
            raise SignInRefused(
                "the provider's ID token does not verify", remedy="Begin again"
            ) from None

    def logout_claims(self, token: str) -> Mapping[str, Any]:
        """The verified claims of a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6):
        `jti`, and `sub` or `sid` or both.

        Raises SignInRefused for a token that is not good, and ProviderUnavailable.
        """
        try:
            read = self._decoded(token)
            self._check_logout(read.header, read.claims)
        except _TOKEN_FAULTS as fault:
            _log.warning("openid logout token refused", why=type(fault).__name__)
            raise SignInRefused("the provider's logout token does not verify") from None
        return dict(read.claims)

    def has_key_of(self, token: str) -> bool:
        """Whether a token names a key that was read already: the provider is not asked for it."""
        try:
            name = extract_compact(token.encode()).headers().get("kid")
        except _TOKEN_FAULTS:
            return False
        return self._discovery.has_key(name)

    def _check_logout(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
        """Raises one of _TOKEN_FAULTS."""
        audience, at = claims["aud"], time.time()
        ends_at = claims.get("exp", at)
        event = claims["events"][_LOGOUT_EVENT]
        names = [claims["jti"], *(claims[name] for name in ("sub", "sid") if name in claims)]
        is_good = (
            claims["iss"] == self.issuer
            and self._client_id in ([audience] if isinstance(audience, str) else audience)
            and -_LEEWAY_S <= at - claims["iat"] <= LOGOUT_WITHIN_S
            and at - ends_at <= _LEEWAY_S
            and isinstance(event, dict)
            and "nonce" not in claims  # an ID token has one
            and header.get("typ") in _LOGOUT_TYPES
            and len(names) > 1
            and all(isinstance(one, str) and 0 < len(one) <= _LONGEST_NAME for one in names)
        )
        if not is_good:
            raise ValueError("claims")

    def _decoded(self, token: str) -> jwt.Token:
        """Its signature is verified, and nothing else."""
        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        try:
            return jwt.decode(token, self._discovery.keys(), registry=registry)
        except InvalidKeyIdError:  # the provider may have begun to sign with another key
            return jwt.decode(token, self._discovery.keys(anew=True), registry=registry)

    def _verified(self, token: str, access_token: object, nonce: str) -> Mapping[str, Any]:
        read = self._decoded(token)
        claims = CodeIDToken(
            read.claims,
            read.header,
            {
                "iss": {"essential": True, "value": self.issuer},
                "aud": {"essential": True, "values": [self._client_id]},
                "nonce": {"essential": True, "value": nonce},
            },
            {"nonce": nonce, "client_id": self._client_id, "access_token": access_token},
        )
        claims.validate(leeway=_LEEWAY_S)
        subject = claims["sub"]
        if not 0 < len(subject) <= _LONGEST_SUBJECT or "\0" in subject:
            raise ValueError("sub")
        return dict(claims)

    def _secret(self) -> str:
        try:
            lines = self._client_secret.read_text().splitlines()
        except (OSError, UnicodeDecodeError):
            lines = []
        if not lines or not lines[0]:
            _log.error("openid client secret cannot be read", file=str(self._client_secret))
            raise unavailable("this node cannot read its client secret")
        return lines[0]


def _claim_of(fault: Exception) -> str:
    return str(getattr(fault, "claim", ""))


def _with(address: str, asked: Mapping[str, str]) -> str:
    """An endpoint, which may have a query of its own, with what is asked."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"
