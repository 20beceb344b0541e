"""The certified OpenID provider `oidc-provider`, running for real, and the way through it."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest
from sqlalchemy import Engine

from app.people.oidc.provider import Provider
from app.people.oidc.sign_in import OidcSignIn
from app.people.roles import Role
from app.people.sessions import STANDARD_LENGTHS
from tests.plain_http import NO_TLS

_FOLDER = Path(__file__).with_name("oidc_provider")

ROLES: Mapping[str, frozenset[Role]] = {
    "treasury": frozenset({"treasury"}),
    "loans-officers": frozenset({"officer"}),
    "loans-approvers": frozenset({"approver"}),
    "it-admins": frozenset({"administrator"}),
}
"""What each group of the provider gives in tests."""

Claims = Mapping[str, Mapping[str, Any]]
"""Of each login."""


@dataclass(frozen=True)
class RunningProvider:
    """One that runs; its clients are `tallystick` and `another`."""

    issuer: str
    redirect_uri: str
    secret: Path

    def client(self, client_id: str = "tallystick") -> Provider:
        return Provider(
            self.issuer, client_id, self.secret, self.redirect_uri, ("openid", "profile")
        )

    def sign_in(self, engine: Engine) -> OidcSignIn:
        return OidcSignIn(engine, self.client(), "groups", ROLES, STANDARD_LENGTHS)

    def set_people(self, people: Claims) -> None:
        httpx.post(
            f"{self.issuer}/test/people", content=json.dumps(people), verify=NO_TLS
        ).raise_for_status()

    def answer(
        self, address: str, login: str, browser: httpx.Client | None = None
    ) -> dict[str, str]:
        """What a browser (a new one), sent to an address, brings back once it has signed in as
        `login`."""
        with ExitStack() as stack:
            browser = browser or stack.enter_context(httpx.Client(verify=NO_TLS))
            found = _step(browser, browser.get(address))
            page = browser.get(found)
            form = {"prompt": "login", "login": login, "password": "x"}
            found = _step(browser, browser.post(str(page.url), data=form))
            while not found.startswith(self.redirect_uri):
                found = _step(browser, browser.get(found))
        return dict(parse_qsl(urlsplit(found).query))

    def sign_out(self, browser: httpx.Client) -> None:
        """End the browser's session at the provider, which tells its clients."""
        page = browser.get(f"{self.issuer}/session/end").text
        (secret,) = re.findall(r'name="xsrf" value="([^"]+)"', page)
        form = {"xsrf": secret, "logout": "yes"}
        browser.post(f"{self.issuer}/session/end/confirm", data=form)


def _step(browser: httpx.Client, answer: httpx.Response) -> str:
    assert answer.is_redirect, answer.text
    return urljoin(str(answer.url), answer.headers["location"])


@contextmanager
def running_provider(redirect_uri: str, people: Claims, folder: Path) -> Iterator[RunningProvider]:
    """Start it; the test skips where Node or the npm package is missing."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed, and the OpenID provider runs in it")
    if not (_FOLDER / "node_modules/oidc-provider").is_dir():
        pytest.skip("oidc-provider is not installed (make test-tools)")
    secret = folder / "client-secret"
    secret.write_text("secret of tallystick\n")
    with (folder / "provider.log").open("w") as log:
        process = subprocess.Popen(
            ["node", "provider.mjs", redirect_uri, json.dumps(people)],
            cwd=_FOLDER,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        issuer = process.stdout.readline().strip()
        assert issuer, (folder / "provider.log").read_text()
        yield RunningProvider(issuer, redirect_uri, secret)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close() if process.stdout else None
