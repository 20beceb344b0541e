"""`tally feed submit` to an https node whose certificate a private authority has signed."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy import tls
from tests.e2e.running import Outcome, tally

FEED = (
    "event_id,facility,event_ref,kind,amount,currency,value_date,booked_at\n"
    "E1,F-1,R1,drawdown,10.00,CNY,2024-01-05,2024-01-05T10:00:00Z\n"
)


class Answers(BaseHTTPRequestHandler):
    """What a node answers to one good row."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        while size := int(self.rfile.readline(), 16):  # in chunks, ended by an empty one
            self.rfile.read(size + 2)
        self.rfile.readline()
        body = b'{"rows":{"in":1,"accepted":1,"duplicate":0,"quarantined":0}}\n'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def node(tmp_path: Path) -> Iterator[str]:
    tls.make_authority(tmp_path / "ca")
    tls.make_authority(tmp_path / "other")
    made = tls.issue(tmp_path / "ca", "webank", tmp_path / "webank", ["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server, made.server_key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        # Each connection's handshake is its own thread's, so that a client that hangs up in the
        # middle of it is no error of the server.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def submit(folder: Path, node: str, *options: str | Path) -> Outcome:
    (folder / "feed.csv").write_text(FEED)
    (folder / "key").write_text("a-key")
    given = ("--node", node, "--key-file", folder / "key", *options)
    return tally(["feed", "submit", folder / "feed.csv", *given], folder)


def test_the_authority_that_is_named_is_the_one_that_is_believed(node: str, tmp_path: Path) -> None:
    taken = submit(tmp_path, node, "--ca", tmp_path / "ca" / "ca.pem")
    assert taken.code == 0, taken.stderr
    assert "1 rows in: 1 accepted" in taken.stdout

    for options in ((), ("--ca", tmp_path / "other" / "ca.pem")):
        refused = submit(tmp_path, node, *options)
        assert refused.code == 2, refused.stderr
        assert "not trusted" in refused.stderr and "--ca" in refused.stderr
        assert "a-key" not in refused.stderr


def test_a_file_without_a_certificate_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("empty.pem", "gone.pem"):
        refused = submit(tmp_path, "https://127.0.0.1:1", "--ca", tmp_path / name)
        assert refused.code == 2 and name in refused.stderr and "PEM" in refused.stderr
