"""API keys: made, shown once, kept as hashes, revoked; roles that hold."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, insert, select

from app import db
from app.db.engine import create, upgrade
from app.http import keys
from app.http.tables import api_keys
from tests.integration.faces import Face, face
from tests.integration.seeded import Seed

MIGRATIONS = Path(db.__file__).parent / "migrations"


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
    assert row.hash == "sha256:" + hashlib.sha256(text.encode()).hexdigest()
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


def test_a_wrong_key_costs_nothing_that_could_hold_up_others(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong secrets with a known id stopped the API for everybody while the hash was slow."""
    ring = keys.Keyring(engine)
    with engine.begin() as connection:
        _, text = keys.create(connection, "desk", "read")
    hashed: list[int] = []
    sha256 = hashlib.sha256

    def counted(data: bytes) -> Any:
        hashed.append(len(data))
        return sha256(data)

    monkeypatch.setattr(hashlib, "sha256", counted)
    assert ring.verify(text[:-1] + ("0" if text[-1] != "0" else "1")) is None
    assert ring.verify(text) is not None
    assert hashed == [len(text)] * 2


def test_keys_kept_as_slow_hashes_are_revoked(empty_database_url: str) -> None:
    opened = create(empty_database_url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with opened.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "batch_states")
        connection.execute(
            insert(api_keys).values(
                id="0" * 12,
                name="of old",
                role="read",
                hash="$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
                created_at="2026-01-01T00:00:00.000+00:00",
            )
        )
    upgrade(opened)
    with opened.connect() as connection:
        [kept] = keys.list_keys(connection)
    assert kept.revoked_at is not None
    opened.dispose()


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
