"""The administration's pages, fetched without a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from secrets import token_hex

import httpx
import pytest
from sqlalchemy import Engine, delete, select, update

from app.audit.tables import audit_trail
from app.db.clock import now, stamp
from app.domain.errors import UsageFault
from app.http import keys
from app.http.dual_control import Change, ask, confirm, waiting
from app.http.tables import administration_requests
from app.people.administration import Administrator
from app.people.directory import listed_people, listed_sessions
from app.people.person import roles_of
from app.people.sign_in import SignIn
from app.people.tables import failed_attempts
from tests.integration.faces import Face, add_test_person, csrf_of, enrolled, face
from tests.integration.seeded import Seed

TABS = ("", "/sessions", "/keys", "/requests", "/audit")
CODE = "000000"
"""That of development people."""


@pytest.fixture(scope="module")
def engine(seed: Seed) -> Engine:
    return seed.engine


@pytest.fixture(scope="module")
def node(engine: Engine) -> Iterator[Face]:
    with face(engine, development=True) as served:
        yield served


class Admin:
    """An administrator at work."""

    def __init__(self, node: Face) -> None:
        self.person = node.person("administrator", development=True)
        self.client = node.client_of(self.person)
        self.page = self.client.get("/administration").text
        self.csrf = csrf_of(self.page)

    def post(self, path: str, **fields: str | list[str]) -> httpx.Response:
        data = {"csrf": self.csrf, "code": CODE} | fields
        return self.client.post(f"/administration/{path}", data=data)

    def add(self, name: str, *roles: str, display_name: str = "") -> httpx.Response:
        shown = display_name or f"Somebody {token_hex(3)}"
        return self.post("people", name=name, display_name=shown, roles=list(roles))


@pytest.fixture
def admin(node: Face) -> Admin:
    return Admin(node)


def id_of(engine: Engine, name: str) -> str:
    with engine.connect() as connection:
        return next(one.person.id for one in listed_people(connection) if one.person.name == name)


def state_of(engine: Engine, name: str) -> str:
    with engine.connect() as connection:
        return next(one.state for one in listed_people(connection) if one.person.name == name)


class TestWhoMay:
    @pytest.mark.parametrize(
        ("role", "statuses"),
        [
            ("administrator", [200, 200, 200, 200, 200]),
            ("auditor", [403, 403, 403, 403, 200]),
            ("approver", [403, 403, 403, 403, 403]),
        ],
    )
    def test_see_each_page(self, node: Face, role: str, statuses: list[int]) -> None:
        client = node.signed_in(role)
        answers = [client.get(f"/administration{tab}") for tab in TABS]
        assert [one.status_code for one in answers] == statuses
        assert (">Administration</a>" in client.get("/").text) == (200 in statuses)

    def test_a_development_network_opens_none_of_it_without_signing_in(self, node: Face) -> None:
        client = node.client(None)
        assert client.get("/").status_code == 200
        for tab in TABS:
            answer = client.get(f"/administration{tab}")
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/login?next=%2Fadministration")

    @pytest.mark.parametrize(
        "path",
        ["people", f"people/{'0' * 12}/disable", f"sessions/{'0' * 12}/end", "keys",
         f"keys/{'0' * 12}/revoke", "requests/1/confirm", "requests/1/refuse"],
    )  # fmt: skip
    def test_change_anything(self, node: Face, admin: Admin, path: str) -> None:
        auditor = node.signed_in("auditor")
        form = {"csrf": csrf_of(auditor.get("/").text), "name": "x", "role": "admin"}
        assert auditor.post(f"/administration/{path}", data=form).status_code == 403
        assert node.client(None).post(f"/administration/{path}", data=form).status_code == 401
        # Another site's form, which the administrator's browser sends with his session.
        foreign = {"name": "x", "role": "admin", "csrf": "0" * 64}
        assert admin.client.post(f"/administration/{path}", data=foreign).status_code == 403


class TestPeople:
    def test_a_person_is_added_with_a_code_that_enrols(self, engine: Engine, admin: Admin) -> None:
        name = f"new.{token_hex(3)}"
        answer = admin.add(name, "auditor", "treasury", display_name="<b>Wang</b> Fang")
        assert answer.status_code == 200
        assert "<b>Wang" not in answer.text and "&lt;b&gt;Wang" in answer.text
        found = re.search(r'class="secret">([a-z2-9-]{19})<', answer.text)
        assert found is not None
        opened = admin.client.post("/enrol", data={"enrolment": found[1]})
        assert opened.status_code == 200 and name in opened.text
        assert state_of(engine, name) == "invited"
        assert found[1] not in admin.client.get("/administration").text

    @pytest.mark.parametrize(
        ("name", "roles", "said"),
        [
            ("a b", ["viewer"], "small letters"),
            ("fine.name", [], "needs a role"),
            ("fine.name", ["king"], "no role king"),
            ("fine.name", ["administrator", "approver"], "at once"),
        ],
    )
    def test_what_cannot_be_is_said_and_nothing_is_kept(
        self, engine: Engine, admin: Admin, name: str, roles: list[str], said: str
    ) -> None:
        answer = admin.add(name, *roles)
        assert answer.status_code == 422
        assert said in answer.text
        with engine.connect() as connection:
            assert name not in {one.person.name for one in listed_people(connection)}

    def test_roles_closing_and_opening_stand_in_the_trail(
        self, engine: Engine, admin: Admin
    ) -> None:
        name = f"new.{token_hex(3)}"
        admin.add(name, "viewer")
        id_ = id_of(engine, name)
        for change, fields in (
            ("roles", {"roles": "auditor"}),
            ("sign-out", {}),
            ("disable", {}),
            ("enable", {}),
        ):
            assert admin.post(f"people/{id_}/{change}", **fields).status_code == 303
        with engine.connect() as connection:
            mine = select(audit_trail).where(audit_trail.c.subject == name)
            acts = [row.act for row in connection.execute(mine.order_by(audit_trail.c.number))]
        assert acts == [
            "person.add", "person.enrolment", "person.roles", "person.sign-out", "person.disable",
            "person.enable",
        ]  # fmt: skip
        assert admin.post(f"people/{id_}/promote").status_code == 422

    def test_nobody_changes_himself(self, engine: Engine, admin: Admin) -> None:
        himself = admin.person.id
        for change in ("roles", "disable", "enrolment"):
            answer = admin.post(f"people/{himself}/{change}", roles="administrator")
            assert answer.status_code == 422
            assert "to himself" in answer.text


def test_a_session_is_ended(node: Face, engine: Engine, admin: Admin) -> None:
    somebody = node.signed_in("viewer")
    with engine.connect() as connection:
        newest = max(listed_sessions(connection), key=lambda one: one.began_at)
    assert admin.post(f"sessions/{newest.id}/end").status_code == 303
    assert somebody.get("/breaks/1", headers={"Host": "bank.example"}).status_code == 303
    assert admin.post(f"sessions/{newest.id}/end").status_code == 422


def test_keys_are_made_and_revoked(node: Face, admin: Admin) -> None:
    made = admin.post("keys", name="  core\tbanking ", role="read")
    found = re.search(r'class="secret">(tk_([0-9a-f]{12})_[0-9a-f]{64})<', made.text)
    assert found is not None and "core banking" in made.text
    bearer = {"Authorization": f"Bearer {found[1]}"}
    assert httpx.get(f"{node.url}/v1/balances", headers=bearer).status_code == 200
    assert admin.post(f"keys/{found[2]}/revoke").status_code == 303
    assert httpx.get(f"{node.url}/v1/balances", headers=bearer).status_code == 401
    assert admin.post(f"keys/{found[2]}/revoke").status_code == 422
    assert admin.post("keys", name="", role="read").status_code == 422
    assert admin.post("keys", name="x", role="king").status_code == 422


def test_the_trail_is_read_page_by_page_and_by_actor(node: Face, admin: Admin) -> None:
    for _ in range(55):
        node.key("read")
    page = admin.client.get("/administration/audit").text
    assert page.count("<tr ") == 51
    older = re.search(r'href="(/administration/audit\?before=\d+)">Older', page)
    assert older is not None
    assert "Newest" in admin.client.get(older[1]).text
    mine = admin.client.get("/administration/audit?actor=nobody%3Cb%3E").text
    assert "Nothing is recorded of nobody&lt;b&gt;" in mine


def code_of(page: str) -> str:
    """The code to enrol that a page shows this once."""
    found = re.search(r'class="secret">([a-z2-9-]{19})<', page)
    assert found is not None, page
    return found[1]


def number_of(page: str) -> int:
    found = re.search(r"Request (\d+) waits", page)
    assert found is not None, page
    return int(found[1])


@pytest.fixture
def other(node: Face) -> Admin:
    """Another administrator."""
    return Admin(node)


class TestASecondFactor:
    """A stolen cookie changes nobody."""

    @pytest.mark.parametrize("code", ["", "123456", "0000000"])
    def test_without_it_nothing_is_changed(self, node: Face, admin: Admin, code: str) -> None:
        with node.engine.begin() as connection:
            connection.execute(delete(failed_attempts))
            somebody = add_test_person(connection, ("viewer",))
            key, _ = keys.create(connection, "x", "read")
        for path, fields in (
            ("people", {"name": "thief", "display_name": "T", "roles": "viewer"}),
            (f"people/{somebody.id}/roles", {"roles": "treasury"}),
            (f"people/{somebody.id}/enrolment", {}),
            (f"people/{somebody.id}/disable", {}),
            (f"people/{somebody.id}/enable", {}),
            ("keys", {"name": "thief", "role": "read"}),
            (f"keys/{key.id}/revoke", {}),
            ("requests/1/confirm", {}),
        ):
            with node.engine.begin() as connection:
                connection.execute(delete(failed_attempts))
            answer = admin.post(path, code=code, **fields)
            assert answer.status_code == 403, path
            assert "This code is not right" in answer.text
        with node.engine.connect() as connection:
            listed = {one.person.name: one for one in listed_people(connection)}
            assert "thief" not in listed
            assert listed[somebody.name].person.roles == {"viewer"}
            assert "thief" not in {one.name for one in keys.list_keys(connection)}

    def test_what_was_typed_comes_back_without_the_code(self, node: Face, admin: Admin) -> None:
        answer = admin.add("Wang", "auditor", display_name="W & F")
        assert answer.status_code == 200
        answer = admin.post(
            "people", name="a b", display_name="X & Y", roles=["auditor"], code="77 88 99"
        )
        assert 'value="X &amp; Y"' in answer.text and 'value="a b"' in answer.text
        assert 'name="roles" value="auditor" checked' in answer.text.split('id="add-title"')[1]
        assert "77 88 99" not in answer.text
        with node.engine.begin() as connection:
            connection.execute(delete(failed_attempts))


class TestFourEyes:
    @pytest.mark.parametrize("role", ["officer", "approver", "administrator"])
    def test_power_waits_for_another_administrator(
        self, engine: Engine, admin: Admin, other: Admin, role: str
    ) -> None:
        name = f"new.{token_hex(3)}"
        asked = admin.add(name, role)
        assert asked.status_code == 200
        number = number_of(asked.text)
        with pytest.raises(StopIteration):
            id_of(engine, name)
        assert admin.post(f"requests/{number}/confirm").status_code == 422
        waits = other.client.get("/administration/requests").text
        assert f'data-request="{number}"' in waits and name in waits
        confirmed = other.post(f"requests/{number}/confirm")
        assert confirmed.status_code == 200
        assert state_of(engine, name) == "invited"
        # Neither code enrols alone, nor both in the other order.
        first, second = code_of(asked.text), code_of(confirmed.text)
        for code, status in ((first, 401), (second, 401), (second + first, 401)):
            assert admin.client.post("/enrol", data={"enrolment": code}).status_code == status
        for code in (first + second, f"{first.upper()} {second}"):
            assert admin.client.post("/enrol", data={"enrolment": code}).status_code == 200
        with engine.begin() as connection:
            connection.execute(delete(failed_attempts))
            rows = connection.execute(
                select(audit_trail.c.act, audit_trail.c.actor)
                .where(audit_trail.c.subject.in_((name, str(number))))
                .order_by(audit_trail.c.number)
            ).all()
        acts = {row.act: row.actor for row in rows}
        assert acts["administration.ask"] == f"person:{admin.person.name}"
        assert acts["person.add"] == acts["administration.confirm"] == f"person:{other.person.name}"
        assert other.post(f"requests/{number}/confirm").status_code == 422

    def test_who_is_given_power_enrols_anew(
        self, engine: Engine, admin: Admin, other: Admin
    ) -> None:
        """Else an administrator would enrol himself as a viewer, and have power given to that."""
        viewer = enrolled(engine, "viewer")
        asked = admin.post(f"people/{viewer.person.id}/roles", roles=["approver", "viewer"])
        number = number_of(asked.text)
        assert SignIn(engine, development=False).sign_in(**viewer.form(), address="", agent="")
        confirmed = other.post(f"requests/{number}/confirm")
        code_of(confirmed.text)
        with engine.connect() as connection:
            assert roles_of(connection, [viewer.person.id])[viewer.person.id] == {
                "approver", "viewer",
            }  # fmt: skip
        assert state_of(engine, viewer.name) == "invited"

    def test_what_takes_power_over(self, engine: Engine, admin: Admin, other: Admin) -> None:
        """A new code for a powerful person, and the opening of a closed account."""
        approver = enrolled(engine, "approver")
        asked = admin.post(f"people/{approver.person.id}/enrolment", name="oidc:trick")
        number_of(asked.text)
        assert state_of(engine, approver.name) == "active"
        again = admin.post(f"people/{approver.person.id}/enrolment")
        assert again.status_code == 422 and "waits already" in again.text
        assert admin.post(f"people/{approver.person.id}/disable").status_code == 303
        opened = number_of(admin.post(f"people/{approver.person.id}/enable").text)
        assert state_of(engine, approver.name) == "disabled"
        assert other.post(f"requests/{opened}/confirm").status_code == 303
        assert state_of(engine, approver.name) == "active"

    def test_what_takes_power_away_needs_one(self, engine: Engine, admin: Admin) -> None:
        officer = enrolled(engine, "officer", "approver")
        path = f"people/{officer.person.id}/roles"
        assert admin.post(path, roles=["officer"]).status_code == 303
        assert admin.post(path, roles=["officer", "treasury"]).status_code == 303
        number_of(admin.post(path, roles=["officer", "approver"]).text)

    def test_what_has_changed_since_is_not_confirmed(
        self, engine: Engine, admin: Admin, other: Admin
    ) -> None:
        somebody = enrolled(engine, "viewer")
        path = f"people/{somebody.person.id}/roles"
        number = number_of(admin.post(path, roles="officer").text)
        admin.post(path, roles="treasury")
        answer = other.post(f"requests/{number}/confirm")
        assert answer.status_code == 422 and "have changed since" in answer.text
        assert other.post(f"requests/{number}/refuse").status_code == 303
        assert other.post(f"requests/{number}/refuse").status_code == 422

    def test_a_request_ends_with_its_administrator_and_with_time(
        self, engine: Engine, admin: Admin, other: Admin
    ) -> None:
        name = f"new.{token_hex(3)}"
        number = number_of(admin.add(name, "officer").text)
        assert other.post(f"people/{admin.person.id}/disable").status_code == 303
        answer = other.post(f"requests/{number}/confirm")
        assert answer.status_code == 422 and "no administrator any more" in answer.text
        with engine.begin() as connection:
            connection.execute(
                update(administration_requests)
                .where(administration_requests.c.number == number)
                .values(expires_at=stamp(now()))
            )
        assert f'data-request="{number}"' not in other.client.get("/administration/requests").text
        assert other.post(f"requests/{number}/confirm").status_code == 422

    def test_who_is_asked_about_does_not_confirm(self, admin: Admin, other: Admin) -> None:
        number = number_of(admin.post(f"people/{other.person.id}/enrolment").text)
        answer = other.post(f"requests/{number}/confirm")
        assert answer.status_code == 422 and "to himself" in answer.text

    def test_keys_that_write(self, admin: Admin, other: Admin) -> None:
        for role in ("feeds", "admin"):
            name = f"key {role} {token_hex(3)}"
            asked = admin.post("keys", name=name, role=role)
            assert 'class="secret"' not in asked.text
            confirmed = other.post(f"requests/{number_of(asked.text)}/confirm")
            assert re.search(r'class="secret">tk_[0-9a-f_]+<', confirmed.text)


def test_requests_on_both_databases(database: Engine) -> None:
    with database.begin() as connection:
        one, another = (add_test_person(connection, ("administrator",)) for _ in range(2))
    asks, confirms = (Administrator(f"person:{p.name}", p.id) for p in (one, another))
    change = Change("person.add", name="li", display_name="Li", roles=("officer",))
    with database.begin() as connection:
        made = ask(connection, asks, change)
    with database.begin() as connection, pytest.raises(UsageFault, match="waits already"):
        ask(connection, asks, change)
    with database.begin() as connection:
        assert [item.number for item in waiting(connection)] == [int(made["number"])]
        assert "second_code" in confirm(connection, confirms, int(made["number"]))
        assert waiting(connection) == []
