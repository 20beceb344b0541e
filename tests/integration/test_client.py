"""The client of a node, and the commands that use it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from pyotp import TOTP
from sqlalchemy import Engine
from typer.testing import CliRunner

from app.alerts.judge import Cause, Raise
from app.alerts.kinds import AlertKind
from app.alerts.store import apply
from app.cli.alerts import alerts
from app.cli.breaks import breaks
from app.cli.shared.node import keep_session, session_file
from app.client.connection import NodeConnection, NodeRefused, NodeSilent
from app.client.node import NodeClient
from app.domain.errors import UsageFault
from app.domain.kinds import Kind
from tests.integration.faces import Credentials, Face, enrolled, face
from tests.integration.seeded import START, Seed

DOCUMENT = Path(__file__).parents[2] / "docs/api.md"


@pytest.fixture(scope="module")
def engine(seed: Seed) -> Engine:
    with seed.engine.begin() as connection:
        for number in range(7):
            seed.pair(connection, 1, Kind.PRINCIPAL, f"R-{number}", 10, "amount", day=START.date())
        seed.close_block(connection)
        cause = Cause(
            AlertKind.PROOF,
            "WLD-2016-A/huarui",
            {"proof": "1.00", "currency": "CNY"},
            "WLD-2016-A",
            "huarui",
        )
        apply(connection, [Raise(cause)], datetime.now(UTC))
    return seed.engine


@pytest.fixture(scope="module")
def node(engine: Engine) -> Iterator[Face]:
    with face(engine) as served:
        yield served


@pytest.fixture(scope="module")
def officer(engine: Engine) -> Credentials:
    return enrolled(engine, "officer")


@pytest.fixture(scope="module")
def signed_in(node: Face, officer: Credentials) -> Iterator[NodeClient]:
    with NodeClient(node.url) as client:
        code = TOTP(officer.secret).now()
        keep = client.sign_in(officer.name, officer.password, code)
        with NodeClient(node.url, session=keep) as other:  # what a later command does
            assert other.person().id == officer.person.id
        client.kept = keep  # type: ignore[attr-defined]
        yield client


def test_the_lines_of_the_document_do_what_it_says(
    node: Face, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None
    monkeypatch.setenv("TALLY_API_KEY", node.key("admin"))
    code = found[1].replace("http://127.0.0.1:8701", node.url)
    exec(compile(code, str(DOCUMENT), "exec"), {})  # noqa: S102
    shown = capsys.readouterr().out
    assert "huarui" in shown and "open" in shown and "accepted" in shown


def test_lists_are_read_page_by_page(node: Face) -> None:
    with NodeClient(node.url, key=node.key("read")) as client:
        found = [one.number for one in client.breaks(limit=3, facility="WLD-2016-A")]
    assert len(found) == 7 and found == sorted(found, reverse=True)


def test_a_refusal_says_what_was_wrong(node: Face) -> None:
    with NodeClient(node.url, key=node.key("feeds")) as client:
        with pytest.raises(NodeRefused, match="it takes") as refused:
            client.balances()
        assert (refused.value.status, refused.value.name) == (403, "forbidden")
    with (
        NodeClient(node.url) as client,
        pytest.raises(UsageFault, match="name, password or code"),
    ):
        client.sign_in("nobody", "wrong", "000000")


@pytest.mark.parametrize("facility", ["F-1?x=", "F-1#", "%46-1", "F 1", "放款"])
def test_a_facility_of_any_text_is_not_another_address(node: Face, facility: str) -> None:
    with NodeClient(node.url, key=node.key("feeds")) as client:
        with pytest.raises(NodeRefused, match=re.escape(repr(facility))) as refused:
            client.push(facility, [])
        assert refused.value.name == "unknown-facility"
        with pytest.raises(NodeRefused, match=re.escape(repr(facility))):
            client.push_feed(facility, "text/csv", [b"x"], lambda _: None)


class Counted(BaseHTTPRequestHandler):
    """Busy twice, then answers; or hangs up."""

    asked: ClassVar[list[str]] = []
    hangs_up = False

    def do_GET(self) -> None:
        self.asked.append(self.command)
        if self.hangs_up:
            self.close_connection = True
            return
        status = 503 if len(self.asked) < 3 else 200
        body = b"{}"
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize(
    ("method", "is_repeatable", "hangs_up", "times"),
    [("GET", False, False, 3), ("POST", True, False, 3), ("POST", False, True, 1)],
)
def test_only_what_may_come_twice_is_sent_again(
    method: str, is_repeatable: bool, hangs_up: bool, times: int
) -> None:
    Counted.asked, Counted.hangs_up = [], hangs_up
    with ThreadingHTTPServer(("127.0.0.1", 0), Counted) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        connection = NodeConnection(f"http://127.0.0.1:{server.server_port}")
        if hangs_up:
            with pytest.raises(NodeSilent):
                connection.send(method, "/", is_repeatable=is_repeatable)
        else:
            assert connection.send(method, "/", is_repeatable=is_repeatable).status_code == 200
        connection.close()
        server.shutdown()
    assert Counted.asked == [method] * times


def test_the_stream_goes_on_when_the_node_has_been_away(
    engine: Engine, signed_in: NodeClient, node: Face
) -> None:
    """Other events may come between: the alert of this file's tests is as new."""
    key = node.key("read")
    with face(engine) as first:
        port = int(first.url.rpartition(":")[2])
        client = NodeClient(first.url, key=key)
        events = client.events()
        assert next(events).name == "open"
        signed_in.comment(1, "before")
        assert any(one.name == "note" for one in events)
    signed_in.comment(1, "meanwhile")
    with face(engine, port=port):
        assert any(one.name == "note" for one in events)
        signed_in.assign([1], None)
        signed_in.comment(1, "after")
        assert any(one.name == "note" for one in events)
    client.close()


class TestCommands:
    @pytest.fixture(autouse=True)
    def session(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, signed_in: NodeClient
    ) -> None:
        monkeypatch.setenv("TALLY_SESSION", str(tmp_path / "kept" / "session.json"))
        keep_session(signed_in.kept, None)  # type: ignore[attr-defined]

    def test_the_session_is_readable_by_its_user_alone(self) -> None:
        assert session_file().stat().st_mode & 0o777 == 0o600

    def test_alerts_are_listed_acknowledged_and_snoozed(self, officer: Credentials) -> None:
        shown = json.loads(CliRunner().invoke(alerts, ["list", "--json"]).stdout)
        number = shown["items"][0]["number"]
        for command in (["acknowledge", "--note", "seen"], ["snooze", "--minutes", "30"]):
            done = CliRunner().invoke(alerts, [command[0], str(number), *command[1:]])
            assert done.exit_code == 0, done.exception
        (alert,) = json.loads(CliRunner().invoke(alerts, ["list", "--json"]).stdout)["items"]
        assert alert["acknowledged_by"] == f"person:{officer.name}" and alert["snoozed_until"]

    def test_breaks_are_assigned_and_commented_on(
        self, officer: Credentials, signed_in: NodeClient, node: Face
    ) -> None:
        name = officer.person.display_name
        assert CliRunner().invoke(breaks, ["assign", "2", "3", "--to", name]).exit_code == 0
        nobody = CliRunner().invoke(breaks, ["assign", "2", "--to", "Nobody"])
        assert isinstance(nobody.exception, UsageFault) and name in str(nobody.exception.remedy)
        assert CliRunner().invoke(breaks, ["comment", "2", "asked them"]).exit_code == 0
        notes = node.client("read").get("/v1/breaks/2/notes").json()["items"]
        assert [(one["what"], one["text"]) for one in notes] == [
            ("assigned", name), ("comment", "asked them"),
        ]  # fmt: skip

    def test_who_is_not_signed_in_is_told_how(self) -> None:
        session_file().unlink()
        done = CliRunner().invoke(alerts, ["list"])
        assert isinstance(done.exception, UsageFault) and "sign-in" in str(done.exception.remedy)
