"""API keys: made, shown once, kept as hashes, revoked; roles that hold."""

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import Engine, select

from app.db.engine import create
from app.http import keys
from app.http.tables import api_keys
from tests.integration.faces import Face, face
from tests.integration.seeded import Seed


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = create(database_url)
    Seed(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def node(engine: Engine) -> Iterator[Face]:
    with face(engine) as served:
        yield served


@pytest.fixture
def admin(node: Face) -> httpx.Client:
    return node.client("admin")


def test_only_a_hash_is_kept(engine: Engine) -> None:
    with engine.begin() as connection:
        key, text = keys.create(connection, "core banking", "feeds")
        row = connection.execute(select(api_keys)).one()
    assert text.startswith(f"tk_{key.id}_")
    assert row.hash.startswith("$argon2id$")
    secret = text.rpartition("_")[2]
    assert len(secret) == 64
    assert all(secret not in str(value) for value in row)


def test_a_key_opens_until_it_is_revoked(engine: Engine) -> None:
    ring = keys.Keyring(engine)
    with engine.begin() as connection:
        key, text = keys.create(connection, "desk", "read")
    assert ring.verify(text) == key
    assert ring.verify(text[:-1] + ("0" if text[-1] != "0" else "1")) is None
    assert ring.open_key(key.id) == key
    with engine.begin() as connection:
        assert keys.revoke(connection, key.id)
        assert not keys.revoke(connection, key.id)
    assert ring.verify(text) is None
    assert ring.open_key(key.id) is None


def test_a_key_that_was_seen_is_not_hashed_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = keys.Keyring(engine)
    with engine.begin() as connection:
        _, text = keys.create(connection, "desk", "read")
    assert ring.verify(text) is not None
    monkeypatch.setattr(keys, "_HASHER", None)  # nothing is left to hash with
    assert ring.verify(text) is not None


def test_an_admin_makes_lists_and_revokes_keys(node: Face, admin: httpx.Client) -> None:
    made = admin.post("/v1/keys", json={"name": "core banking", "role": "feeds"})
    assert made.status_code == 201, made.text
    body = made.json()
    holder = httpx.Client(base_url=node.url, headers={"Authorization": f"Bearer {body['key']}"})
    node.clients.append(holder)
    assert holder.get("/v1/facilities").status_code == 200
    listed = admin.get("/v1/keys")
    assert [key["name"] for key in listed.json()["items"]] == ["test admin", "core banking"]
    assert body["key"] not in listed.text
    assert admin.delete(f"/v1/keys/{body['id']}").status_code == 204
    assert holder.get("/v1/facilities").status_code == 401
    assert admin.delete(f"/v1/keys/{body['id']}").status_code == 404


def test_others_may_not_touch_keys(node: Face) -> None:
    for role in keys.ROLES[:2]:
        client = node.client(role)
        assert client.get("/v1/keys").status_code == 403
        assert client.post("/v1/keys", json={"name": "x", "role": "admin"}).status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "x", "role": "root"}, 422),
        ({"name": "", "role": "read"}, 422),
        ({"role": "read"}, 422),
        ([], 422),
        ({"name": "x" * 5000, "role": "read"}, 413),
    ],
)
def test_a_bad_wish_for_a_key(admin: httpx.Client, body: object, status: int) -> None:
    answer = admin.post("/v1/keys", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
