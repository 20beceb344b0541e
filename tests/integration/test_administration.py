"""The administration's pages, fetched without a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from secrets import token_hex

import httpx
import pytest
from sqlalchemy import Engine, select

from app.audit.tables import audit_trail
from app.db.engine import create
from app.people.directory import listed_people, listed_sessions
from tests.integration.faces import Face, csrf_of, face
from tests.integration.seeded import Seed
from tests.integration.vaults import VAULT

TABS = ("", "/sessions", "/keys", "/audit")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = create(f"sqlite:///{tmp_path_factory.mktemp('admin') / 'bank.sqlite'}", vault=VAULT)
    Seed(opened)
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def node(engine: Engine) -> Iterator[Face]:
    with face(engine, development=True) as served:
        yield served


class Admin:
    """An administrator at work."""

    def __init__(self, node: Face) -> None:
        self.client = node.signed_in("administrator")
        self.page = self.client.get("/administration").text
        self.csrf = csrf_of(self.page)

    def post(self, path: str, **fields: str | list[str]) -> httpx.Response:
        data = {"csrf": self.csrf} | fields
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
            ("administrator", [200, 200, 200, 200]),
            ("auditor", [403, 403, 403, 200]),
            ("approver", [403, 403, 403, 403]),
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
         f"keys/{'0' * 12}/revoke"],
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
        answer = admin.add(name, "officer", "treasury", display_name="<b>Wang</b> Fang")
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
            ("roles", {"roles": "approver"}),
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
        shown = re.search(r'data-person="([a-z0-9-]+)"[^§]{0,900}?>You<', admin.page)
        assert shown is not None
        himself = id_of(engine, shown[1])
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
