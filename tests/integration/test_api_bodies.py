"""Bodies that do not come: too slowly, not to their end, or compressed. None is a fault of the
node."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from app.db.engine import create
from app.http import body
from tests.integration.faces import Face, face
from tests.integration.seeded import Seed
from tests.integration.vaults import VAULT

EVENT = "/v1/facilities/WLD-2016-A/events"
BULK = f"{EVENT}:bulk"


@pytest.fixture
def node(sqlite_url: str) -> Iterator[Face]:
    engine = create(sqlite_url, vault=VAULT)
    Seed(engine)
    with face(engine) as served:
        yield served
    engine.dispose()


def send_part(node: Face, path: str, media_type: str, key: str) -> socket.socket:
    """Send the head of a request, and ten of the thousand bytes that it announces."""
    address = urlsplit(node.url)
    assert address.hostname is not None and address.port is not None
    client = socket.create_connection((address.hostname, address.port), timeout=20)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: 1000\r\n\r\n"
    )
    client.sendall(head.encode() + b"event_id,f")
    return client


@pytest.mark.parametrize("path", [EVENT, BULK, "/v1/keys"])
def test_one_that_is_compressed_is_told_so(node: Face, path: str) -> None:
    answer = node.client("admin").post(
        path,
        content=gzip.compress(b"{}"),
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )
    assert answer.status_code == 415
    assert "a body in gzip" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "media_type"),
    [(EVENT, "application/json"), (BULK, "application/json"), (BULK, "text/csv"),
     ("/v1/keys", "application/json")],
)  # fmt: skip
class TestNotWhole:
    def test_one_that_stalls_is_ended(
        self, node: Face, path: str, media_type: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(body, "GRACE_S", 0.2)
        with send_part(node, path, media_type, node.key("admin")) as client:
            answer = client.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"application/problem+json" in answer

    def test_one_that_is_cut_short_is_no_error(
        self, node: Face, path: str, media_type: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        key = node.key("admin")
        send_part(node, path, media_type, key).close()
        deadline = time.monotonic() + 20
        client = node.client("admin")
        while client.get("/metrics").status_code != 200:
            assert time.monotonic() < deadline
        # Whatever became of the first request is behind this one in the same loop.
        assert client.post("/v1/keys", json={"name": "next", "role": "read"}).status_code == 201
        log = capfd.readouterr().err
        assert "unforeseen" not in log
        assert '"level": "error"' not in log
