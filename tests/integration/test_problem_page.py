"""What is refused or fails is a page for a person, and JSON for a program, with the same status."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import Engine

from app.db.engine import create
from tests.integration.faces import face
from tests.integration.seeded import Seed
from tests.integration.vaults import VAULT

pytestmark = pytest.mark.any_database

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = create(database_url, vault=VAULT)
    Seed(opened).fill(2)
    yield opened
    opened.dispose()


@pytest.fixture
def client(engine: Engine) -> Iterator[httpx.Client]:
    with face(engine) as node:
        yield node.signed_in("officer")


def test_an_address_that_is_not_there(client: httpx.Client) -> None:
    page = client.get("/nowhere", headers=BROWSER)
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "There is no such page" in page.text and "openapi" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert client.get("/nowhere").headers["content-type"] == "application/problem+json"


def test_a_form_that_is_refused(client: httpx.Client) -> None:
    page = client.post("/breaks/views", headers=BROWSER, data={"name": "x" * 2_000_000})
    assert page.status_code == 413
    assert "This was not done" in page.text and "what you typed is still in the form" in page.text


def test_parts_of_a_page_and_the_interface_stay_json(client: httpx.Client) -> None:
    for path, headers in (("/nowhere", {"HX-Request": "true"}), ("/v1/pairs/999999", {})):
        answer = client.get(path, headers=BROWSER | headers)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_it_is_in_the_readers_language(client: httpx.Client) -> None:
    page = client.get("/nowhere", headers=BROWSER | {"Accept-Language": "zh-CN"})
    assert '<html lang="zh-Hans"' in page.text and "To the positions" not in page.text
