"""Signing in by OpenID Connect: with the certified provider, and with one that is hostile."""

from __future__ import annotations

import hmac
import json
import re
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from pyotp import TOTP
from sqlalchemy import Connection, Engine, delete, select

from app.audit.tables import audit_trail
from app.client.connection import NodeRefused
from app.client.node import NodeClient
from app.db.clock import now
from app.domain.errors import UsageFault
from app.people.administration import Administrator, add_person, disable, give_enrolment, set_roles
from app.people.directory import listed_people
from app.people.enrolment import open_enrolment, set_credentials
from app.people.oidc.faults import ProviderUnavailable, SignInRefused
from app.people.oidc.people import keep_person
from app.people.oidc.provider import Provider
from app.people.oidc.sign_in import OidcSignIn
from app.people.oidc.sign_out import provider_session
from app.people.person import Person
from app.people.second_factor import new_secret
from app.people.sessions import STANDARD_LENGTHS, Sessions, begin_session
from app.people.sign_in import NoSecondFactor, SignIn
from app.people.tables import failed_attempts, people
from app.processes import free_port
from tests.integration.faces import Face, csrf_of, enrolled, face
from tests.integration.seeded import Seed
from tests.openid import ROLES, RunningProvider, running_provider

BY = Administrator("command:test")
PEOPLE: dict[str, dict[str, Any]] = {
    "li": {"name": "Li Ying", "preferred_username": "li.ying", "groups": ["loans-officers", "x"]},
    "both": {"name": "Wu", "groups": ["it-admins", "loans-approvers"]},
    "none": {"name": "Zhou", "groups": ["canteen"]},
    "odd": {"name": "Qian", "groups": {"loans-approvers": True}},
    "chen": {"name": "Chen Jie", "preferred_username": "chen.jie", "groups": ["loans-officers"]},
    "boss": {"name": "Sun", "preferred_username": "sun", "groups": "it-admins"},
}


@pytest.fixture(scope="module")
def engine(seed: Seed) -> Engine:
    return seed.engine


@pytest.fixture(scope="module")
def running(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Face, RunningProvider]]:
    port = free_port()
    callback = f"http://127.0.0.1:{port}/login/oidc/callback"
    with (
        running_provider(callback, PEOPLE, tmp_path_factory.mktemp("provider")) as provider,
        face(engine, oidc=provider.sign_in(engine), port=port) as node,
    ):
        yield node, provider


@pytest.fixture
def node(running: tuple[Face, RunningProvider]) -> Face:
    """A node that nobody has failed to sign in to."""
    with running[0].engine.begin() as connection:
        connection.execute(delete(failed_attempts))
    return running[0]


@pytest.fixture
def provider(running: tuple[Face, RunningProvider]) -> RunningProvider:
    running[1].set_people(PEOPLE)
    return running[1]


def begun(node: Face) -> tuple[httpx.Client, str]:
    """A browser that the node has sent to the provider, and where."""
    browser = node.client(None)
    answer = browser.get("/login/oidc", params={"next": "/days"})
    assert answer.status_code == 303
    return browser, answer.headers["location"]


def sign_in(
    node: Face, provider: RunningProvider, login: str
) -> tuple[httpx.Client, httpx.Response]:
    browser, address = begun(node)
    came_back = provider.answer(address, login)
    return browser, browser.get("/login/oidc/callback", params=came_back)


def roles_of(engine: Engine, display_name: str) -> set[str]:
    with engine.connect() as connection:
        return {
            role
            for one in listed_people(connection)
            if one.person.display_name == display_name
            for role in one.person.roles
        }


def person_of(connection: Connection, name: str) -> Person:
    return next(one.person for one in listed_people(connection) if one.person.name == name)


def last_acts(engine: Engine, count: int) -> list[tuple[str, str, str]]:
    with engine.connect() as connection:
        newest = select(audit_trail).order_by(audit_trail.c.number.desc()).limit(count)
        rows = connection.execute(newest).all()
    return [(row.actor, row.act, row.outcome) for row in reversed(rows)]


class TestWithTheProvider:
    def test_a_person_is_made_at_the_first_sign_in_and_kept_in_step(
        self, node: Face, provider: RunningProvider
    ) -> None:
        with node.engine.begin() as connection:
            local = add_person(connection, BY, "li.ying", "Li Ying of here", ["administrator"])
        browser, answer = sign_in(node, provider, "li")
        assert answer.status_code == 200 and 'url=/days"' in answer.text
        assert "Li Ying" in browser.get("/days").text
        assert last_acts(node.engine, 2) == [
            ("provider", "person.add", "done"),
            ("person:oidc:li.ying", "sign-in", "done"),
        ]
        assert roles_of(node.engine, "Li Ying") == {"officer"}
        # Moved to another group, and renamed: the same person, and never the local one.
        moved = {"li": PEOPLE["li"] | {"name": "Li Y.", "groups": ["loans-approvers", "treasury"]}}
        provider.set_people(moved)
        assert sign_in(node, provider, "li")[1].status_code == 200
        assert roles_of(node.engine, "Li Ying") == set()
        assert roles_of(node.engine, "Li Y.") == {"approver", "treasury"}
        with node.engine.connect() as connection:
            named = select(people.c.id).where(people.c.name.like("%li.ying%"))
            assert len(connection.execute(named).all()) == 2
        assert roles_of(node.engine, local.display_name) == {"administrator"}

    @pytest.mark.parametrize(
        ("login", "said"),
        [
            ("both", "nobody is administrator and approver at once"),
            ("none", "none of your groups"),
            ("odd", "none of your groups"),
        ],
    )
    def test_groups_that_give_no_role_that_can_be(
        self, node: Face, provider: RunningProvider, login: str, said: str
    ) -> None:
        browser, answer = sign_in(node, provider, login)
        assert answer.status_code == 403
        assert said in answer.text.casefold()
        assert browser.get("/").status_code == 303
        assert last_acts(node.engine, 1) == [("nobody", "sign-in", "refused")]

    def test_who_loses_the_groups_loses_roles_and_sessions(
        self, node: Face, provider: RunningProvider
    ) -> None:
        browser, _ = sign_in(node, provider, "boss")
        assert browser.get("/administration").status_code == 200
        provider.set_people({"boss": PEOPLE["boss"] | {"groups": []}})
        assert sign_in(node, provider, "boss")[1].status_code == 403
        assert browser.get("/administration").status_code == 303
        assert roles_of(node.engine, "Sun") == set()

    def test_who_is_disabled_stays_out(self, node: Face, provider: RunningProvider) -> None:
        browser, _ = sign_in(node, provider, "boss")
        with node.engine.begin() as connection:
            sun = next(
                one.person for one in listed_people(connection) if one.person.display_name == "Sun"
            )
            disable(connection, BY, sun.id)
        assert browser.get("/").status_code == 303
        answer = sign_in(node, provider, "boss")[1]
        assert answer.status_code == 403 and "closed here" in answer.text

    def test_the_answer_of_another_browser(self, node: Face, provider: RunningProvider) -> None:
        """The attacker's sign-in, handed to somebody else, signs nobody in."""
        _, address = begun(node)
        came_back = provider.answer(address, "li")
        for victim in (node.client(None), begun(node)[0]):
            answer = victim.get("/login/oidc/callback", params=came_back)
            assert answer.status_code == 403 and "another browser" in answer.text
            assert victim.get("/").status_code == 303

    def test_a_code_is_good_for_once(self, node: Face, provider: RunningProvider) -> None:
        browser, address = begun(node)
        cookies = dict(browser.cookies)
        came_back = provider.answer(address, "li")
        assert browser.get("/login/oidc/callback", params=came_back).status_code == 200
        # The cookie is gone; one that was kept does not help either.
        assert browser.get("/login/oidc/callback", params=came_back).status_code == 403
        again = httpx.get(f"{node.url}/login/oidc/callback", params=came_back, cookies=cookies)
        assert again.status_code == 403 and "does not take this code" in again.text
        assert "set-cookie" not in {
            name for name, value in again.headers.items() if "tally_session" in value
        }

    def test_an_answer_of_another_issuer(self, node: Face, provider: RunningProvider) -> None:
        """Mix-up: a code of one provider that is said to be another's (RFC 9207)."""
        for issuer in ("https://evil.example", None):
            browser, address = begun(node)
            came_back = provider.answer(address, "li") | {"iss": issuer}
            sent = {name: value for name, value in came_back.items() if value is not None}
            answer = browser.get("/login/oidc/callback", params=sent)
            assert answer.status_code == 403 and "not of the bank" in answer.text

    def test_a_code_of_another_client(self, node: Face, provider: RunningProvider) -> None:
        browser, address = begun(node)
        foreign = address.replace("client_id=tallystick", "client_id=another")
        came_back = provider.answer(foreign, "li")
        answer = browser.get("/login/oidc/callback", params=came_back)
        assert answer.status_code == 403 and "does not take this code" in answer.text

    def test_what_the_provider_refuses(self, node: Face, provider: RunningProvider) -> None:
        browser, address = begun(node)
        state = httpx.URL(address).params["state"]
        refused = {"state": state, "error": "access_denied<b>", "iss": provider.issuer}
        answer = browser.get("/login/oidc/callback", params=refused)
        assert answer.status_code == 403 and "has signed nobody in" in answer.text
        for hostile in ({"state": "x" * 300}, {"code": "x" * 5000}):
            assert browser.get("/login/oidc/callback", params=hostile).status_code == 422
        assert browser.get("/login/oidc/callback").status_code == 403

    def test_failures_make_their_address_wait_and_refuse_no_password(
        self, node: Face, provider: RunningProvider
    ) -> None:
        browser = node.client(None)
        for _ in range(3):
            browser.get("/login/oidc/callback")
        openid = provider.sign_in(node.engine)
        assert openid.wait(openid.turn("", "127.0.0.1")) > 0
        assert SignIn(node.engine, development=False).wait("", "127.0.0.1") == 0

    def test_who_signed_in_here_before_does_not_wait_for_strangers_at_the_address(
        self, node: Face, provider: RunningProvider
    ) -> None:
        browser, _ = sign_in(node, provider, "li")
        stranger = node.client(None)
        for _ in range(3):
            stranger.get("/login/oidc/callback")
        openid = provider.sign_in(node.engine)
        known = openid.turn(browser.cookies["tally_openid_browser_1"], "127.0.0.1")
        assert openid.wait(known) == 0
        # Cookies of another kind, or made up, make nobody known.
        begun_cookie = begun(node)[0].cookies["tally_openid_1"]
        for made_up in (begun_cookie, "x", "💶", ""):
            assert openid.wait(openid.turn(made_up, "127.0.0.1")) > 0

    def test_signing_out_at_the_provider_ends_that_session_alone(
        self, node: Face, provider: RunningProvider
    ) -> None:
        another, _ = sign_in(node, provider, "li")
        browser, address = begun(node)
        with httpx.Client() as at_provider:
            came_back = provider.answer(address, "li", at_provider)
            assert browser.get("/login/oidc/callback", params=came_back).status_code == 200
            assert browser.get("/days").status_code == 200
            provider.sign_out(at_provider)
        assert browser.get("/days").status_code == 303
        assert another.get("/days").status_code == 200
        assert last_acts(node.engine, 1) == [("provider", "person.sign-out", "done")]

    def test_the_command_line_begins_by_a_code_and_ends_with_the_providers_session(
        self, node: Face, provider: RunningProvider
    ) -> None:
        browser, address = begun(node)
        with httpx.Client() as at_provider:
            came_back = provider.answer(address, "chen", at_provider)
            browser.get("/login/oidc/callback", params=came_back)
            csrf = {"csrf": csrf_of(browser.get("/sessions").text)}
            assert browser.post("/sessions/code", data=csrf | {"code": "1"}).status_code == 403
            with node.engine.begin() as connection:
                person = person_of(connection, "oidc:chen.jie")
                codes = set_credentials(connection, person.id, None, new_secret(), 0)
            page = browser.post("/sessions/code", data=csrf | {"code": codes[0]}).text
            assert "tally sign-in oidc:chen.jie --code --node" in page
            (code,) = re.findall(r"(?:[a-z2-9]{4}-){3}[a-z2-9]{4}", page)
            with NodeClient(node.url) as command:
                command.sign_in_by_code("oidc:chen.jie", code)
                assert command.person().roles == ["officer"]
                provider.sign_out(at_provider)
                with pytest.raises(NodeRefused, match="sign in again"):
                    command.person()
        assert browser.get("/days").status_code == 303

    def test_signing_out_leads_to_the_providers_sign_out(
        self, node: Face, provider: RunningProvider
    ) -> None:
        browser, _ = sign_in(node, provider, "li")
        csrf = csrf_of(browser.get("/days").text)
        answer = browser.post("/logout", data={"csrf": csrf})
        assert f"{provider.issuer}/session/end?client_id=tallystick&amp;" in answer.text
        assert browser.get("/days").status_code == 303

    def test_an_authenticator_is_set_up_here_and_no_password(
        self, node: Face, provider: RunningProvider
    ) -> None:
        sign_in(node, provider, "li")
        with node.engine.begin() as connection:
            li = person_of(connection, "oidc:li.ying")
            with pytest.raises(UsageFault, match="give the roles"):
                set_roles(connection, BY, li.id, ["approver"])
        checks = SignIn(node.engine, development=False)
        with pytest.raises(NoSecondFactor):
            checks.verify_second_factor(li, "123456", address="")
        with node.engine.begin() as connection:
            code = give_enrolment(connection, BY, li.id)
            found = open_enrolment(connection, code)
        assert found is not None
        form = {"enrolment": code}
        client = node.client(None)
        assert "New password" not in client.post("/enrol", data=form).text
        totp = TOTP(found.totp_secret)
        finished = client.post("/enrol", data=form | {"step": "finish", "code": totp.now()})
        assert "Keep these codes" in finished.text
        later = totp.at(int(time.time()) + 30)
        assert checks.verify_second_factor(li, later, address="")
        # With that alone nobody signs in: there is no password.
        for password in ("", "anything at all"):
            assert checks.sign_in(li.name, password, later, address="", agent="") is None


def test_two_whom_the_provider_calls_alike_are_told_apart(engine: Engine) -> None:
    names = {"name": "Chen Wei", "preferred_username": "chen wei"}
    with engine.begin() as connection:
        for subject in ("1", "2", "1"):
            keep_person(
                connection, "https://idp.example", names | {"sub": subject}, frozenset({"viewer"})
            )
        shown = {
            one.person.name: one.person.display_name
            for one in listed_people(connection)
            if one.person.display_name.startswith("Chen Wei")
        }
    assert shown == {"oidc:chen-wei": "Chen Wei", "oidc:chen-wei~2": "Chen Wei (oidc:chen-wei~2)"}


class HostileProvider:
    """Answers what a test has it answer."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "1"})
        self.token: str | None = None
        self.changed: dict[str, Any] = {}
        self.raw: dict[str, tuple[int, bytes]] = {}
        hostile = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hostile.answer(self)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        status, body = self.raw.get(handler.path) or (200, json.dumps(self.json(handler.path)))
        handler.send_response(status)
        handler.end_headers()
        handler.wfile.write(body if isinstance(body, bytes) else body.encode())

    def json(self, path: str) -> dict[str, Any]:
        if path == "/jwks":
            return {"keys": [self.key.as_dict(private=False)]}
        if path == "/token":
            return {"access_token": "x", "token_type": "Bearer", "id_token": self.token}
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        ends = ("/authorize", "/token", "/jwks")
        at = {name: self.issuer + end for name, end in zip(names, ends, strict=True)}
        # What it says of itself does not widen what is taken.
        says = {"id_token_signing_alg_values_supported": ["none", "HS256", "RS256"]}
        return {"issuer": self.issuer} | at | says | self.changed

    def client(self, secret: Path) -> Provider:
        return Provider(self.issuer, "tallystick", secret, "http://127.0.0.1/cb", ("openid",))

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="module")
def hostile_server() -> Iterator[HostileProvider]:
    server = HostileProvider()
    yield server
    server.close()


@pytest.fixture
def hostile(hostile_server: HostileProvider) -> HostileProvider:
    hostile_server.changed, hostile_server.raw, hostile_server.token = {}, {}, None
    return hostile_server


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    return file


def good(hostile: HostileProvider, **changed: object) -> dict[str, Any]:
    at = int(time.time())
    claims = {
        "iss": hostile.issuer, "aud": "tallystick", "sub": "li", "nonce": "the nonce",
        "iat": at, "exp": at + 300,
    }  # fmt: skip
    return {name: value for name, value in (claims | changed).items() if value is not None}


def signed(hostile: HostileProvider, claims: dict[str, Any], **header: str) -> str:
    return jwt.encode({"alg": "RS256", "kid": "1"} | header, claims, hostile.key)


def _unsigned(hostile: HostileProvider) -> str:
    return f"{_with_header(hostile, 'none')}."


def _signed_with_the_public_key(hostile: HostileProvider) -> str:
    return _hmac(hostile, hostile.key.as_pem(private=False))


def _signed_with_the_client_secret(hostile: HostileProvider) -> str:
    return _hmac(hostile, b"s3cret")


def _hmac(hostile: HostileProvider, key: bytes) -> str:
    content = _with_header(hostile, "HS256")
    return f"{content}.{_base64(hmac.digest(key, content.encode(), 'sha256'))}"


def _with_header(hostile: HostileProvider, algorithm: str) -> str:
    _, body, _ = signed(hostile, good(hostile)).split(".")
    return f"{_base64(json.dumps({'alg': algorithm, 'kid': '1'}).encode())}.{body}"


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _changed_after_signing(hostile: HostileProvider) -> str:
    head, _, signature = signed(hostile, good(hostile)).split(".")
    _, body, _ = signed(hostile, good(hostile, sub="boss")).split(".")
    return f"{head}.{body}.{signature}"


def _of_another_key(hostile: HostileProvider) -> str:
    return jwt.encode({"alg": "RS256", "kid": "1"}, good(hostile), RSAKey.generate_key(2048))


HOSTILE_TOKENS: dict[str, Callable[[HostileProvider], str]] = {
    "none": _unsigned,
    "HS256 with the public key": _signed_with_the_public_key,
    "HS256 with the secret": _signed_with_the_client_secret,
    "changed": _changed_after_signing,
    "another key": _of_another_key,
    "a key that nobody knows": lambda one: signed(one, good(one), kid="9"),
    "wrong nonce": lambda one: signed(one, good(one, nonce="another")),
    "no nonce": lambda one: signed(one, good(one, nonce=None)),
    "another issuer": lambda one: signed(one, good(one, iss="https://evil.example")),
    "no issuer": lambda one: signed(one, good(one, iss=None)),
    "another client": lambda one: signed(one, good(one, aud="another")),
    "no audience": lambda one: signed(one, good(one, aud=None)),
    "authorized for another": lambda one: signed(
        one, good(one, aud=["tallystick", "another"], azp="another")
    ),
    "two audiences": lambda one: signed(one, good(one, aud=["tallystick", "another"])),
    "expired": lambda one: signed(one, good(one, exp=int(time.time()) - 300)),
    "no expiry": lambda one: signed(one, good(one, exp=None)),
    "not yet": lambda one: signed(one, good(one, nbf=int(time.time()) + 300)),
    "no subject": lambda one: signed(one, good(one, sub=None)),
    "empty subject": lambda one: signed(one, good(one, sub="")),
    "long subject": lambda one: signed(one, good(one, sub="x" * 256)),
    "subject with NUL": lambda one: signed(one, good(one, sub="a\0b")),
    "another token's hash": lambda one: signed(one, good(one, at_hash="AAAA")),
    "no token": lambda _: "",
    "no JWT": lambda _: "💶.a.b",
    "a list": lambda _: "W10.W10.W10",
}


class TestHostileTokens:
    def test_a_good_one_is_taken(self, hostile: HostileProvider, secret: Path) -> None:
        hostile.token = signed(hostile, good(hostile))
        assert hostile.client(secret).claims("code", "v", "the nonce")["sub"] == "li"

    def test_a_new_key_is_read_anew(
        self, hostile: HostileProvider, secret: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = hostile.client(secret)
        client.authorization_address("s", "n", "v")
        monkeypatch.setattr("app.people.oidc.discovery._RETRY_S", 0.0)
        monkeypatch.setattr(hostile, "key", RSAKey.generate_key(2048, {"kid": "2"}))
        hostile.token = signed(hostile, good(hostile), kid="2")
        assert client.claims("code", "v", "the nonce")["sub"] == "li"

    @pytest.mark.parametrize("case", HOSTILE_TOKENS)
    def test_it_signs_nobody_in(self, hostile: HostileProvider, secret: Path, case: str) -> None:
        hostile.token = HOSTILE_TOKENS[case](hostile)
        with pytest.raises(SignInRefused, match="does not verify"):
            hostile.client(secret).claims("code", "v", "the nonce")


def logout_claims(hostile: HostileProvider, **changed: object) -> dict[str, Any]:
    at = int(time.time())
    claims = {
        "iss": hostile.issuer, "aud": "tallystick", "sub": "li", "sid": "s-1", "jti": "t-1",
        "iat": at, "exp": at + 120, "events": {LOGOUT: {}},
    }  # fmt: skip
    return {name: value for name, value in (claims | changed).items() if value is not None}


LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
HOSTILE_LOGOUTS: dict[str, dict[str, Any]] = {
    "an ID token's nonce": {"nonce": "n"},
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "another client": {"aud": "another"},
    "a client among characters": {"aud": "a tallystick b"},
    "no audience": {"aud": None},
    "no time": {"iat": None},
    "old": {"iat": int(time.time()) - 400},
    "of tomorrow": {"iat": int(time.time()) + 86_400},
    "a time that is none": {"iat": "now"},
    "a time without end": {"iat": 10**400},
    "expired": {"exp": int(time.time()) - 300},
    "no name": {"jti": None},
    "a number as name": {"jti": 7},
    "nobody": {"sub": None, "sid": None},
    "an empty subject": {"sub": ""},
    "a list as session": {"sid": ["s-1"]},
    "no event": {"events": None},
    "another event": {"events": {"http://schemas.openid.net/event/other": {}}},
    "an event without content": {"events": {LOGOUT: None}},
    "events as a list": {"events": [LOGOUT]},
}


class TestLogoutTokens:
    """Of a provider that lies, or of somebody else, at the logout address."""

    @pytest.mark.parametrize("changed", HOSTILE_LOGOUTS.values(), ids=HOSTILE_LOGOUTS)
    def test_one_that_is_not_good(
        self, hostile: HostileProvider, secret: Path, changed: dict[str, Any]
    ) -> None:
        token = signed(hostile, logout_claims(hostile, **changed))
        with pytest.raises(SignInRefused, match="logout token does not verify"):
            hostile.client(secret).logout_claims(token)

    @pytest.mark.parametrize(
        "token",
        [
            _unsigned, _signed_with_the_public_key, _signed_with_the_client_secret, _of_another_key,
            lambda one: signed(one, logout_claims(one), typ="at+jwt"),
            lambda one: signed(one, logout_claims(one), kid="9"),
            lambda _: f"{_base64(b'[' * 9_000)}.e30.e30",
            lambda _: "",
        ],
    )  # fmt: skip
    def test_one_that_is_not_signed(
        self,
        hostile: HostileProvider,
        secret: Path,
        token: Callable[[HostileProvider], str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(f"{__name__}.good", logout_claims)
        client = hostile.client(secret)
        made = token(hostile)
        client.has_key_of(made)
        with pytest.raises(SignInRefused, match="logout token does not verify"):
            client.logout_claims(made)

    def test_a_good_one_ends_sessions_once(
        self, hostile: HostileProvider, secret: Path, engine: Engine
    ) -> None:
        openid = OidcSignIn(engine, hostile.client(secret), "groups", ROLES, STANDARD_LENGTHS)
        kept = Sessions(engine, development=False)

        def opened(subject: str, sid: str | None) -> str:
            claims = {"sub": subject, "name": subject} | ({} if sid is None else {"sid": sid})
            with engine.begin() as connection:
                person = keep_person(connection, hostile.issuer, claims, frozenset({"viewer"}))
                return begin_session(
                    connection,
                    person,
                    now(),
                    address="",
                    agent="",
                    provider_session=provider_session(hostile.issuer, claims),
                )

        def ends(**changed: object) -> None:
            token = signed(hostile, logout_claims(hostile, **changed), typ="logout+jwt")
            openid.end_sessions(token, address="")

        def are_open(*tokens: str) -> list[bool]:
            return [kept.find(one) is not None for one in tokens]

        first, second, unnamed = opened("li", "s-1"), opened("li", "s-2"), opened("li", None)
        other = opened("wu", "s-1")
        ends(jti="a")  # both named: this session of his, and those of which nothing is known
        assert are_open(first, second, unnamed, other) == [False, True, False, True]
        with pytest.raises(SignInRefused, match="was used before"):
            ends(jti="a")
        ends(jti="b", sub=None)
        assert are_open(second, other) == [True, False]
        ends(jti="c", sub="nobody")
        assert are_open(second) == [True]
        ends(jti="d", sid=None)
        assert are_open(second) == [False]

    def test_the_address_answers_as_the_standard_has_it(
        self, node: Face, provider: RunningProvider
    ) -> None:
        client = node.client(None)
        for form in ({"logout_token": "x.y.z"}, {"x": "y"}, {"logout_token": "💶" * 100}):
            answer = client.post("/login/oidc/logout", data=form)
            assert answer.status_code == 400
            assert answer.json() == {"error": "invalid_request"}
            assert answer.headers["cache-control"] == "no-store"
        assert client.get("/login/oidc/logout").status_code == 405
        assert client.post("/login/oidc/logout", data={"x": "y" * 20_000}).status_code == 413


class TestAProviderThatIsAway:
    @pytest.mark.parametrize(
        ("path", "status", "body"),
        [
            ("/.well-known/openid-configuration", 500, b"{}"),
            ("/.well-known/openid-configuration", 200, b"[]"),
            ("/.well-known/openid-configuration", 200, b"<html>"),
            ("/.well-known/openid-configuration", 200, b" " * 600_000),
            ("/.well-known/openid-configuration", 200, b'{"issuer": "https://evil.example"}'),
            ("/jwks", 200, b'{"keys": [{"kty": "?"}]}'),
            ("/jwks", 200, b'{"keys": 1}'),
            ("/token", 503, b"{}"),
            ("/token", 200, b"\xff"),
        ],
    )
    def test_it_is_said(
        self, hostile: HostileProvider, secret: Path, path: str, status: int, body: bytes
    ) -> None:
        hostile.raw = {path: (status, body)}
        with pytest.raises(ProviderUnavailable, match="cannot be used now"):
            hostile.client(secret).claims("code", "v", "the nonce")

    @pytest.mark.parametrize("address", ["ftp://x/", "javascript:alert(1)", "", 5, None])
    def test_no_address_of_another_kind_is_used(
        self, hostile: HostileProvider, secret: Path, address: object
    ) -> None:
        hostile.changed = {"authorization_endpoint": address}
        with pytest.raises(ProviderUnavailable):
            hostile.client(secret).authorization_address("s", "n", "v")

    def test_one_that_stalls_is_given_up(
        self, hostile: HostileProvider, secret: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.people.oidc.discovery._TIMEOUT_S", 0.2)
        go_on = threading.Event()
        monkeypatch.setattr(hostile, "answer", lambda _: go_on.wait(20))
        client = hostile.client(secret)
        with pytest.raises(ProviderUnavailable):
            client.authorization_address("s", "n", "v")
        go_on.set()

    def test_a_secret_that_is_not_there(self, hostile: HostileProvider, tmp_path: Path) -> None:
        with pytest.raises(ProviderUnavailable, match="client secret"):
            hostile.client(tmp_path / "none").claims("code", "v", "n")

    def test_people_with_a_password_sign_in_meanwhile(self, engine: Engine, secret: Path) -> None:
        away = Provider("http://127.0.0.1:9", "tallystick", secret, "http://x/cb", ("openid",))
        with face(engine, oidc=OidcSignIn(engine, away, "groups", ROLES, STANDARD_LENGTHS)) as node:
            client = node.client(None)
            answer = client.get("/login/oidc")
            assert answer.status_code == 503 and "cannot be used now" in answer.text
            somebody = enrolled(engine, "viewer")
            assert client.post("/login", data=somebody.form()).status_code == 303
