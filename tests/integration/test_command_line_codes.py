"""Codes of the page with which a person's command line begins a session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import httpx
import pytest
from pyotp import TOTP
from sqlalchemy import Engine, Row, delete, select, update

from app.audit.tables import audit_trail
from app.client.node import NodeClient
from app.db.clock import now, stamp
from app.domain.errors import UsageFault
from app.people import attempts
from app.people.administration import (
    Administrator,
    disable,
    end_all_sessions,
    give_enrolment,
    set_roles,
)
from app.people.command_line import CODE_ENDS, make_code
from app.people.development import add_development_people
from app.people.enrolment import set_credentials
from app.people.person import Person
from app.people.second_factor import code_hash, new_secret
from app.people.sessions import STANDARD_LENGTHS, Session, Sessions, begin_session
from app.people.sign_in import SignIn
from app.people.tables import failed_attempts, people, sessions
from tests.integration.faces import Face, add_test_person, csrf_of, face
from tests.integration.seeded import Seed

BY = Administrator("command:test")
CODE = re.compile(r'<p class="secret">((?:[a-z2-9]{4}-){3}[a-z2-9]{4})</p>')


@pytest.fixture(scope="module")
def engine(seed: Seed) -> Engine:
    return seed.engine


@pytest.fixture(scope="module")
def served(engine: Engine) -> Iterator[Face]:
    with face(engine) as node:
        yield node


@pytest.fixture
def node(served: Face) -> Face:
    """A node that nobody has failed to sign in to."""
    with served.engine.begin() as connection:
        connection.execute(delete(failed_attempts))
    return served


@dataclass
class Somebody:
    """A person who is signed in on the page, and has an authenticator and no password here."""

    engine: Engine
    person: Person
    secret: str
    recovery: list[str]
    token: str

    @property
    def name(self) -> str:
        return self.person.name

    @property
    def page(self) -> Session:
        found = Sessions(self.engine, development=False).find(self.token)
        assert found is not None
        return found

    def make(self) -> str:
        page = self.page  # a write of its own
        with self.engine.begin() as connection:
            return make_code(connection, page).code

    def use(self, code: str, **changed: Any) -> str | None:
        sign_in = SignIn(self.engine, development=False)
        given = {"name": self.name, "code": code, "address": "10.1.1.1", "agent": "tally 1"}
        return sign_in.sign_in_by_code(**(given | changed))

    def is_open(self, token: str | None) -> bool:
        return Sessions(self.engine, development=False).find(token or "") is not None

    def row(self, **where: Any) -> Row[Any]:
        matching = [sessions.c[name] == value for name, value in where.items()]
        mine = select(sessions).where(sessions.c.person == self.person.id, *matching)
        with self.engine.connect() as connection:
            return connection.execute(mine).one()

    def change(self, **values: Any) -> None:
        """Of the page's session."""
        page = self.page  # a write of its own
        with self.engine.begin() as connection:
            connection.execute(update(sessions).where(sessions.c.id == page.id).values(**values))


def somebody(engine: Engine, *roles: str, provider_session: bytes | None = None) -> Somebody:
    secret = new_secret()
    with engine.begin() as connection:
        person = add_test_person(connection, roles or ("viewer",))
        recovery = set_credentials(connection, person.id, None, secret, 0)
        token = begin_session(
            connection,
            person.id,
            now() - timedelta(minutes=10),
            address="10.0.0.1",
            agent="browser",
            provider_session=provider_session,
        )
    return Somebody(engine, person, secret, recovery, token)


def trail(engine: Engine, count: int) -> list[tuple[str, str, str, str]]:
    """The newest rows: actor, act, outcome, details."""
    with engine.connect() as connection:
        newest = select(audit_trail).order_by(audit_trail.c.number.desc()).limit(count)
        rows = connection.execute(newest).all()
    return [(row.actor, row.act, row.outcome, row.details) for row in reversed(rows)]


def test_a_session_like_the_pages_begins_and_ends_no_later(database: Engine) -> None:
    one = somebody(database, "officer", "treasury", provider_session=b"s" * 32)
    page = one.row()
    code = one.make()
    token = one.use(code)
    found = Sessions(database, development=False).find(token or "")
    assert found is not None and found.person == one.person
    begun = one.row(agent="tally 1")
    assert (begun.ends_at, begun.provider_session) == (page.ends_at, page.provider_session)
    assert (begun.address, begun.begun_with) == ("10.1.1.1", code_hash(code))
    assert begun.last_seen_at > page.last_seen_at
    assert one.row(agent="browser").code_hash is None
    actor = f"person:{one.name}"
    assert trail(database, 2) == [
        (actor, "session.code", "done", "{}"),
        (actor, "sign-in", "done", '{"by":"code"}'),
    ]


def test_a_code_is_typed_as_people_type(engine: Engine) -> None:
    one = somebody(engine)
    assert one.use(f" {one.make().upper().replace('-', ' ')} ", name=f" {one.name.upper()} ")


def test_a_hash_is_kept_and_no_code(engine: Engine) -> None:
    one = somebody(engine)
    code = one.make()
    assert one.row().code_hash == code_hash(code)
    with engine.connect() as connection:
        rows = connection.execute(select(sessions)).all()
        entries = connection.execute(select(audit_trail)).all()
    assert code not in repr(rows) + repr(entries)


def test_a_newer_code_takes_the_older_ones_place(engine: Engine) -> None:
    one = somebody(engine)
    older, newer = one.make(), one.make()
    assert one.use(older) is None
    assert one.use(newer)


def test_a_code_that_comes_again_ends_what_it_began(database: Engine) -> None:
    """Two have it: its owner, and whoever has seen or was told it."""
    one = somebody(database)
    code = one.make()
    first, other = one.use(code), somebody(database)
    others = other.use(other.make())
    assert one.is_open(first)
    assert one.use(code, name=other.name) is None  # who does not know whose it is ends nothing
    assert one.is_open(first)
    assert one.use(code) is None
    assert not one.is_open(first)
    assert one.is_open(one.token) and one.is_open(others)
    actor = f"person:{one.name}"
    assert trail(database, 1) == [(actor, "sign-in", "refused", '{"by":"code","sessions":1}')]
    assert one.use(code) is None
    assert trail(database, 1) == [(actor, "sign-in", "refused", '{"by":"code"}')]


class TestRefused:
    """And the page's session stays."""

    @pytest.mark.parametrize("code", ["", "-", "000000", "x" * 5_000, "💶", "aaaa-aaaa-aaaa-aaaa"])
    def test_what_is_no_code(self, engine: Engine, code: str) -> None:
        one = somebody(engine)
        assert one.use(code) is None  # where none waits
        right = one.make()
        assert one.use(code) is None
        assert trail(engine, 1)[0][:3] == (f"person:{one.name}", "sign-in", "refused")
        assert one.use(right)

    def test_somebody_elses_and_nobodys(self, engine: Engine) -> None:
        """Whoever is talked into typing another's code is not signed in as that one."""
        one, other = somebody(engine), somebody(engine)
        other.make()
        code = one.make()
        assert one.use(code, name=other.name) is None
        assert one.use(code, name="my secret password") is None
        assert trail(engine, 1)[0][:3] == ("nobody", "sign-in", "refused")
        assert one.use(code)

    @pytest.mark.parametrize(
        "values",
        [
            {"code_ends_at": stamp(now() - timedelta(seconds=1))},
            {"ends_at": stamp(now() - timedelta(seconds=1))},
            {"last_seen_at": stamp(now() - STANDARD_LENGTHS.idle)},
        ],
        ids=lambda values: next(iter(values)),
    )
    def test_one_that_is_too_old_or_whose_page_has_ended(
        self, database: Engine, values: dict[str, str]
    ) -> None:
        one = somebody(database)
        code = one.make()
        one.change(**values)
        assert one.use(code) is None

    def test_one_that_waits_lasts_two_minutes(self, engine: Engine) -> None:
        one = somebody(engine)
        one.make()
        ends_at = one.row().code_ends_at
        assert stamp(now()) < ends_at <= stamp(now() + CODE_ENDS)
        assert timedelta(minutes=2) == CODE_ENDS

    def test_one_of_a_person_who_is_closed_or_enrols_anew(self, engine: Engine) -> None:
        for act in (disable, give_enrolment, end_all_sessions):
            one = somebody(engine)
            begun, waits = one.use(one.make()), one.make()
            with engine.begin() as connection:
                act(connection, BY, one.person.id)
            assert not one.is_open(begun)
            assert one.use(waits) is None

    def test_none_is_made_in_a_session_that_has_ended(self, engine: Engine) -> None:
        one = somebody(engine)
        page = one.page
        Sessions(engine, development=False).end(one.token)
        with engine.begin() as connection, pytest.raises(UsageFault, match="ended meanwhile"):
            make_code(connection, page)

    def test_development_people_elsewhere(self, engine: Engine) -> None:
        with engine.begin() as connection:
            add_development_people(connection)
            officer = select(people.c.id).where(people.c.name == "officer")
            person_id = connection.execute(officer).scalar_one()
            token = begin_session(connection, person_id, now(), address="", agent="")
        page = Sessions(engine, development=True).find(token)
        assert page is not None
        for development in (False, True):
            with engine.begin() as connection:
                code = make_code(connection, page).code
            sign_in = SignIn(engine, development=development)
            begun = sign_in.sign_in_by_code("officer", code, address="", agent="")
            assert (begun is not None) is development


def test_roles_that_change_hold_at_once(engine: Engine) -> None:
    one = somebody(engine, "viewer")
    token = one.use(one.make())
    with engine.begin() as connection:
        set_roles(connection, BY, one.person.id, ["approver"])
    found = Sessions(engine, development=False).find(token or "")
    assert found is not None and found.person.may("sign")


class TestGuessing:
    def test_it_waits_and_is_refused_as_passwords_are(self, node: Face) -> None:
        one, sign_in = somebody(node.engine), SignIn(node.engine, development=False)
        for _ in range(4):
            assert one.use("aaaa-aaaa-aaaa-aaaa", address="10.2.2.2") is None
        assert sign_in.wait(one.name, "10.3.3.3") == sign_in.wait("nobody", "10.2.2.2") == 1.0
        assert one.use(one.make(), address="10.2.2.2")
        assert sign_in.wait(one.name, "10.3.3.3") == 0
        with node.engine.begin() as connection:
            for _ in range(attempts.MOST_OF_AN_ADDRESS):
                attempts.note_failure(connection, attempts.address_key("127.0.0.1"), now())
        form = {"name": one.name, "code": one.make()}
        assert node.client(None).post("/login/code", data=form).status_code == 429
        with NodeClient(node.url) as client, pytest.raises(UsageFault, match="too many attempts"):
            client.sign_in_by_code(**form)

    def test_the_answer_does_not_say_what_was_wrong(self, node: Face) -> None:
        one = somebody(node.engine)
        code = one.make()
        answers = [
            node.client(None).post("/login/code", data={"name": name, "code": given})
            for name, given in ((one.name, "x"), ("nobody", code))
        ]
        assert {answer.status_code for answer in answers} == {401}
        assert len({answer.text.replace("nobody", one.name) for answer in answers}) == 1
        assert all("set-cookie" not in answer.headers for answer in answers)


class TestPage:
    def opened(self, node: Face, *roles: str) -> tuple[Somebody, httpx.Client]:
        one, client = somebody(node.engine, *roles), node.client(None)
        client.cookies.set("tally_session_1", one.token)
        return one, client

    def ask(self, client: httpx.Client, code: str, **changed: str) -> httpx.Response:
        form = {"csrf": csrf_of(client.get("/sessions").text), "code": code}
        return client.post("/sessions/code", data=form | changed)

    def test_from_the_page_to_the_command_and_once(self, node: Face) -> None:
        one, client = self.opened(node, "officer")
        digits = TOTP(one.secret).now()
        made = self.ask(client, digits)
        assert made.status_code == 200 and made.headers["cache-control"] == "no-store"
        (code,) = CODE.findall(made.text)
        assert f"tally sign-in {one.name} --code --node {node.url}</p>" in made.text
        assert CODE.findall(client.get("/sessions").text) == []
        again = self.ask(client, digits)  # the page loaded anew
        assert again.status_code == 403 and CODE.findall(again.text) == []
        with NodeClient(node.url) as command:
            kept = command.sign_in_by_code(one.name, code)
            assert command.person().id == one.person.id
        assert f"tally {version('tallystick')}" in client.get("/sessions").text
        with NodeClient(node.url) as thief, pytest.raises(UsageFault, match="name or code"):
            thief.sign_in_by_code(one.name, code)
        assert not one.is_open(kept.token)

    def test_what_makes_no_code(self, node: Face) -> None:
        one, client = self.opened(node)
        other = self.opened(node)[1]
        foreign = csrf_of(other.get("/sessions").text)
        digits = TOTP(one.secret).now()
        for code, changed, status in (
            ("000000", {}, 403),
            ("", {}, 403),
            (digits, {"csrf": ""}, 403),
            (digits, {"csrf": foreign}, 403),
        ):
            answer = self.ask(client, code, **changed)
            assert answer.status_code == status and CODE.findall(answer.text) == []
        csrf = csrf_of(client.get("/sessions").text)
        evil = {"Origin": "https://evil.example"}
        form = {"csrf": csrf, "code": digits}
        assert client.post("/sessions/code", data=form, headers=evil).status_code == 403
        assert node.client(None).post("/sessions/code", data=form).status_code == 403
        assert one.row().code_hash is None
        login = {"name": one.name, "code": one.make()}
        answer = node.client(None).post("/login/code", data=login, headers=evil)
        assert answer.status_code == 403 and "set-cookie" not in answer.headers

    def test_wrong_digits_are_counted_and_the_page_says_so(self, node: Face) -> None:
        one, client = self.opened(node)
        with node.engine.begin() as connection:
            key = attempts.code_key(one.person.id)
            for _ in range(attempts.MOST_WRONG_CODES):
                attempts.note_failure(connection, key, now())
        answer = self.ask(client, TOTP(one.secret).now())
        assert answer.status_code == 403 and "This code is not right" in answer.text
        assert CODE.findall(self.ask(client, one.recovery[0]).text)

    def test_who_has_no_authenticator_is_told_so(self, node: Face) -> None:
        client = node.client_of(node.person("viewer"))
        page = client.get("/sessions").text
        assert "You have no authenticator here" in page and "/sessions/code" not in page
        answer = self.ask(client, "123456")
        assert answer.status_code == 403 and CODE.findall(answer.text) == []

    def test_it_is_for_who_is_signed_in_also_where_anybody_may_read(self, engine: Engine) -> None:
        with face(engine, development=True) as node:
            client = node.client(None)
            assert client.get("/").status_code == 200
            answer = client.get("/sessions")
            assert answer.headers["location"] == "/login?next=%2Fsessions"

    def test_a_code_outlives_a_restart_of_the_node(self, engine: Engine) -> None:
        with face(engine) as node:
            one, client = self.opened(node)
            (code,) = CODE.findall(self.ask(client, TOTP(one.secret).now()).text)
        with face(engine) as node, NodeClient(node.url) as command:
            kept = command.sign_in_by_code(one.name, code)
        with face(engine) as node, NodeClient(node.url, session=kept) as command:
            assert command.person().id == one.person.id

    def test_ones_own_sessions_are_ended_and_nobody_elses(self, node: Face) -> None:
        one, client = self.opened(node)
        other, _ = self.opened(node)
        begun = one.use(one.make())
        page = client.get("/sessions").text
        mine, theirs = one.row(agent="tally 1").id, other.row().id
        assert mine in page and theirs not in page
        form = {"csrf": csrf_of(page)}
        assert client.post(f"/sessions/{theirs}/end", data=form).status_code == 422
        assert other.is_open(other.token)
        assert client.post(f"/sessions/{mine}/end", data={"csrf": ""}).status_code == 403
        assert one.is_open(begun)
        assert client.post(f"/sessions/{mine}/end", data=form).status_code == 303
        assert not one.is_open(begun) and one.is_open(one.token)
        again = client.post(f"/sessions/{mine}/end", data=form)
        assert again.status_code == 422 and "has ended already" in again.text
        actor = f"person:{one.name}"
        details = f'{{"session":"{mine}"}}'
        assert (actor, "session.revoke", "done", details) in trail(node.engine, 2)

    def test_signing_out_ends_this_session_and_everywhere_all(self, node: Face) -> None:
        one, client = self.opened(node)
        begun, waits = one.use(one.make()), one.make()
        form = {"csrf": csrf_of(client.get("/sessions").text)}
        client.post("/logout", data=form)
        assert not one.is_open(one.token) and one.is_open(begun)
        assert one.use(waits) is None
        two, client = self.opened(node)
        begun, waits = two.use(two.make()), two.make()
        form = {"csrf": csrf_of(client.get("/sessions").text), "everywhere": "yes"}
        assert client.post("/logout", data=form).headers["location"] == "/login"
        assert not two.is_open(two.token) and not two.is_open(begun)
        assert two.use(waits) is None
        out = (f"person:{two.name}", "sign-out", "done", '{"sessions":2}')
        assert out in trail(node.engine, 2)
