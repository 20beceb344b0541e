"""A node's faces, served as they are in production: by uvicorn, over a real database."""

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import uvicorn
from eth_account.signers.local import LocalAccount
from fastapi import FastAPI
from pyotp import TOTP
from sqlalchemy import Connection, Engine

from app.actions.view import View
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.db.clock import now
from app.domain.consortium import CONTRACTS
from app.domain.errors import UsageFault
from app.domain.identifiers import reference
from app.http import keys
from app.http.context import Activity, Context, NodeHealth
from app.http.match_times import MatchTimes
from app.http.notifier import Notifier
from app.intake.accept import Intake
from app.intake.rest import RestFeeds
from app.intake.store import EventStore
from app.intake.validation import Validator
from app.logs import configure_logs
from app.node.application import bank_application
from app.people.administration import Administrator, add_person
from app.people.enrolment import set_credentials
from app.people.oidc.sign_in import OidcSignIn
from app.people.person import Person
from app.people.second_factor import new_secret
from app.people.sessions import begin_session, csrf_token
from app.prepared_acts.preparing import PreparedActs
from app.prepared_acts.signing import Signing
from app.readmodel.facilities.agreed import agreed_facilities
from app.report_jobs.files import ReportFiles
from tests.integration.seeded import REFERENCE_KEY
from tests.plain_http import NO_TLS

_NOBODY = Rpc("http://127.0.0.1:9")
_MANIFEST = Manifest(
    engine="anvil",
    chain_id=31337,
    genesis="0x" + "ab" * 32,
    addresses=dict.fromkeys(CONTRACTS, "0x5FbDB2315678afecb367f032d93F642f64180aa3"),
    first_block=1,
)

_NO_REPORTS = ReportFiles(Path("/nowhere"))


def _references(event_ref: str) -> list[bytes]:
    return [reference(REFERENCE_KEY, event_ref)]


def _no_operator() -> LocalAccount:
    raise AssertionError("nothing is signed here")


@contextmanager
def served(app: FastAPI, notifier: Notifier, port: int = 0) -> Iterator[str]:
    """Serve an application on a port (0: any free one); gives its address."""
    configure_logs()
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_level="warning", timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        notifier.close()
        server.should_exit = True
        thread.join(20)


@dataclass
class Face:
    """One served node. `health` is what it tells of its chain."""

    url: str
    engine: Engine
    notifier: Notifier
    health: NodeHealth
    activity: Activity = field(default_factory=Activity)
    match_times: MatchTimes = field(default_factory=MatchTimes)
    clients: list[httpx.Client] = field(default_factory=list)
    member: int = 1

    def key(self, role: keys.Role) -> str:
        with self.engine.begin() as connection:
            return keys.create(connection, f"test {role}", role)[1]

    def client(self, role: keys.Role | None) -> httpx.Client:
        """A client with a fresh key of that role, or without any."""
        headers = {"Authorization": f"Bearer {self.key(role)}"} if role else {}
        client = httpx.Client(base_url=self.url, headers=headers, timeout=30, verify=NO_TLS)
        self.clients.append(client)
        return client

    def person(self, *roles: str, development: bool = False) -> Person:
        """A new person, of a name that nobody has."""
        with self.engine.begin() as connection:
            return add_test_person(connection, roles, development=development)

    def cookie(self, person: Person) -> tuple[str, str]:
        """Name and value of the cookie of a session that this person has opened."""
        with self.engine.begin() as connection:
            token = begin_session(connection, person.id, now(), address="", agent="test")
        return f"tally_session_{self.member}", token

    def client_of(self, person: Person) -> httpx.Client:
        """A client with an open session of this person."""
        client = self.client(None)
        client.cookies.set(*self.cookie(person))
        return client

    def signed_in(self, *roles: str) -> httpx.Client:
        """The same of a new person of these roles."""
        return self.client_of(self.person(*roles))


def csrf_of(page: str) -> str:
    """The token that the forms of a page carry."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found is not None, "no form of somebody who is signed in"
    return found[1]


def with_token(client: httpx.Client) -> httpx.Client:
    """A client of somebody who is signed in, with the token of whatever changes something."""
    client.headers["X-CSRF-Token"] = csrf_token(*client.cookies.values())
    return client


def add_test_person(
    connection: Connection, roles: Sequence[str], *, development: bool = False
) -> Person:
    """A new person, of a name that nobody has."""
    name, by = f"p-{secrets.token_hex(4)}", Administrator("command:test")
    return add_person(connection, by, name, name.upper(), roles, development=development)


@dataclass(frozen=True)
class Credentials:
    """What a person types to sign in."""

    person: Person
    name: str
    password: str
    secret: str
    recovery: list[str]

    def form(self) -> dict[str, str]:
        """The sign-in form; its code of the authenticator is for once."""
        return {"name": self.name, "password": self.password, "code": TOTP(self.secret).now()}


def enrolled(engine: Engine, *roles: str) -> Credentials:
    """A new person of these roles with a password and an authenticator."""
    password, secret = "correct horse battery", new_secret()
    with engine.begin() as connection:
        person = add_test_person(connection, roles)
        codes = set_credentials(connection, person.id, password, secret, 0)
    return Credentials(person, person.name, password, secret, codes)


@contextmanager
def face(
    engine: Engine,
    *,
    bank: str = "webank",
    member: int = 1,
    role: str = "lead",
    development: bool = False,
    acts: PreparedActs | None = None,
    signing: Signing | None = None,
    oidc: OidcSignIn | None = None,
    report_files: ReportFiles = _NO_REPORTS,
    references: Callable[[str], Sequence[bytes]] = _references,
    port: int = 0,
) -> Iterator[Face]:
    """Serve the faces of one bank's node over its database; without `acts` it signs nothing."""
    notifier = Notifier()
    node = Face("", engine, notifier, NodeHealth(head=101), member=member)

    def intake(facility: str) -> Intake:
        with engine.connect() as connection:
            found = {one.terms.id: one for one in agreed_facilities(connection)}
        agreed = found.get(facility)
        if agreed is None:
            raise UsageFault(f"facility {facility!r} is not on this chain")
        if not agreed.active:
            raise UsageFault(f"facility {facility} is not in force yet")
        return Intake(EventStore(engine), Validator(agreed.terms, bank))

    view = View(engine, bank, list)
    app = bank_application(
        Context(
            engine=engine,
            bank=bank,
            member=member,
            role=role,
            notifier=notifier,
            health=lambda: node.health,
            activity=lambda: node.activity,
            match_times=node.match_times,
            feeds=RestFeeds(intake),
            references=references,
            acts=acts or PreparedActs(view, _NOBODY, signs=False),
            signing=signing or Signing(view, _NOBODY, _MANIFEST, None, _no_operator),
            report_files=report_files,
            development=development,
            oidc=oidc,
        )
    )
    with served(app, notifier, port) as url:
        node.url = url
        try:
            yield node
        finally:
            for client in node.clients:
                client.close()
