"""Webhooks: what happened reaches the bank's own systems at least once, signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event, insert, select, update

from app.audit.tables import audit_trail
from app.db.clock import stamp
from app.db.engine import create
from app.domain.kinds import Kind
from app.readmodel import tables
from app.webhooks import news, sending
from app.webhooks.deliveries import Delivery, listed_deliveries, replay
from app.webhooks.endpoints import register, remove, rotate
from app.webhooks.events import EVENT_TYPES, emit
from app.webhooks.news import tell_news
from app.webhooks.sender import WebhookSender
from app.webhooks.sending import Rules, post
from app.webhooks.tables import webhook_deliveries
from deploy import tls
from tests.integration.faces import Face, csrf_of, enrolled, face
from tests.integration.posting import await_true
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT

LOCAL = Rules(development=True, networks=[ip_network("127.0.0.0/8")])
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path_factory.mktemp('webhooks') / 'bank.sqlite'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_cluster").url("postgres")
    opened = create(url, vault=VAULT)
    yield opened
    opened.dispose()


@pytest.fixture
def seed(engine: Engine) -> Seed:
    return Seed(engine, partners=("huarui",))


class Receiver:
    """A system of the bank that takes webhooks; `status` is what it answers."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?a=b"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


class Hooks:
    """An endpoint of a bank, and what the node does for it."""

    def __init__(self, engine: Engine, url: str, *events: str) -> None:
        self.engine = engine
        with engine.begin() as connection:
            endpoint, self.secret = register(
                connection, url, events or EVENT_TYPES, development=True
            )
        self.id = endpoint.id
        self.sender = WebhookSender(engine, LOCAL)

    def emit(self, **data: Any) -> None:
        with self.engine.begin() as connection:
            emit(connection, "alert.raised", data)

    def send(self) -> None:
        """A look, until what was due was tried."""
        before = [one.attempts for one in self.deliveries() if one.state == "waiting"]
        self.sender.look()
        await_true(lambda: not self.sender._busy, "the attempts to end", wait_s=30)
        assert before, "nothing was due"

    def deliveries(self, limit: int = 99) -> list[Delivery]:
        with self.engine.connect() as connection:
            return listed_deliveries(connection, endpoint=self.id, limit=limit)

    def due_now(self, **began: Any) -> None:
        values = {"next_at": stamp(START)} | began
        with self.engine.begin() as connection:
            connection.execute(
                update(webhook_deliveries)
                .where(webhook_deliveries.c.state == "waiting")
                .values(**values)
            )


@pytest.fixture
def hooks(seed: Seed, receiver: Receiver) -> Iterator[Hooks]:
    made = Hooks(seed.engine, receiver.url)
    yield made
    made.sender.stop()


def signed_by(secret: str, headers: dict[str, str], body: bytes) -> str:
    """The signature that the receiver works out by itself."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def test_what_was_accepted_is_sent_once_it_is_taken_and_signed(
    hooks: Hooks, receiver: Receiver
) -> None:
    hooks.emit(text="Ünïcode " + HOSTILE)
    hooks.send()
    ((headers, body),) = receiver.got
    assert headers["webhook-signature"] == signed_by(hooks.secret, headers, body)
    assert headers["content-type"] == "application/json"
    said = json.loads(body)
    assert said["type"] == "alert.raised" and said["data"]["text"].startswith("Ünïcode")
    assert [one.state for one in hooks.deliveries()] == ["delivered"]
    hooks.sender.look()
    assert len(receiver.got) == 1


def test_what_is_not_taken_comes_again_with_the_same_id_and_bytes(
    hooks: Hooks, receiver: Receiver
) -> None:
    hooks.emit(a=1)
    receiver.status = 500
    waits = []
    for _ in range(3):
        hooks.send()
        (one,) = hooks.deliveries()
        assert (one.state, one.status, one.fault) == ("waiting", 500, "answered 500")
        waits.append(datetime.fromisoformat(one.next_at) - datetime.now(UTC))
        hooks.due_now()
    assert timedelta(0) < waits[0] < waits[1] < waits[2] < timedelta(minutes=2)
    receiver.status = 204
    hooks.send()
    assert len(receiver.got) == 4
    assert len({(headers["webhook-id"], body) for headers, body in receiver.got}) == 1


def test_days_later_it_is_dead_and_is_sent_again_by_a_person(
    hooks: Hooks, receiver: Receiver
) -> None:
    receiver.status = 503
    hooks.emit(a=1)
    hooks.due_now(began_at=stamp(datetime.now(UTC) - timedelta(days=4)))
    hooks.send()
    (dead,) = hooks.deliveries()
    assert dead.state == "dead"
    hooks.sender.look()
    assert len(receiver.got) == 1
    receiver.status = 200
    with hooks.engine.begin() as connection:
        assert replay(connection, endpoint=hooks.id) == 1
    hooks.send()
    assert receiver.got[0][0]["webhook-id"] == receiver.got[1][0]["webhook-id"]
    assert [one.state for one in hooks.deliveries()] == ["delivered"]


@pytest.mark.parametrize("status", [302, 308, 400, 410])
def test_an_answer_that_takes_nothing(hooks: Hooks, receiver: Receiver, status: int) -> None:
    """No redirection is followed."""
    receiver.status = status
    hooks.emit(a=1)
    hooks.send()
    (one,) = hooks.deliveries()
    assert one.state == ("dead" if status == 410 else "waiting")
    assert len(receiver.got) == 1


def test_a_rotated_secret_and_the_one_before_sign_for_a_day(
    hooks: Hooks, receiver: Receiver
) -> None:
    with hooks.engine.begin() as connection:
        _, new = rotate(connection, hooks.id)
    hooks.emit(a=1)
    hooks.send()
    ((headers, body),) = receiver.got
    signatures = headers["webhook-signature"].split(" ")
    assert signatures == [signed_by(one, headers, body) for one in (new, hooks.secret)]


def test_what_a_removed_endpoint_waits_for_is_dead(hooks: Hooks, receiver: Receiver) -> None:
    hooks.emit(a=1)
    with hooks.engine.begin() as connection:
        remove(connection, hooks.id)
    hooks.emit(a=2)
    hooks.sender.look()
    assert [one.state for one in hooks.deliveries()] == ["dead"]
    assert receiver.got == []


class TestOneAttempt:
    def test_the_nodes_own_network_is_refused(self, receiver: Receiver) -> None:
        answer = post(receiver.url, {}, b"{}", replace(LOCAL, networks=()))
        assert answer.status is None and "no public address" in answer.fault
        assert receiver.got == []

    def test_https_alone_but_in_development(self, receiver: Receiver) -> None:
        answer = post(receiver.url, {}, b"{}", replace(LOCAL, development=False))
        assert answer.fault and receiver.got == []

    def test_a_certificate_is_checked(self, receiver: Receiver, tmp_path: Path) -> None:
        tls.make_authority(tmp_path / "ca")
        made = tls.issue(tmp_path / "ca", "hook", tmp_path / "hook", ["localhost"])
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(made.server, made.server_key)
        receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
        url = f"https://localhost:{receiver.server.server_port}/"
        both = replace(LOCAL, networks=[*LOCAL.networks, ip_network("::1/128")])
        refused = post(url, {}, b"{}", both)
        assert refused.status is None and "no trusted connection" in refused.fault
        assert post(url, {}, b"{}", replace(both, ca=made.ca)).fault == ""

    @pytest.mark.parametrize("drips", [False, True])
    def test_one_that_stalls_is_left(self, monkeypatch: pytest.MonkeyPatch, drips: bool) -> None:
        monkeypatch.setattr(sending, "_DEADLINE_S", 0.5)
        server = socket.create_server(("127.0.0.1", 0))
        done = threading.Event()

        def stall() -> None:
            peer, _ = server.accept()
            with peer:
                while not done.wait(0.05):
                    if drips:
                        try:
                            peer.sendall(b"H")
                        except OSError:
                            return

        thread = threading.Thread(target=stall)
        thread.start()
        try:
            answer = post(f"http://127.0.0.1:{server.getsockname()[1]}/", {}, b"{}", LOCAL)
        finally:
            done.set()
            thread.join()
            server.close()
        assert answer.status is None and answer.fault


class TestNews:
    def told(self, hooks: Hooks) -> list[tuple[str, Any]]:
        tell_news(hooks.engine)
        return [(one.type, one.data) for one in reversed(hooks.deliveries())]

    def test_a_break_is_told_when_it_opens_and_when_it_is_resolved(
        self, seed: Seed, hooks: Hooks
    ) -> None:
        with seed.engine.begin() as connection:
            seed.pair(connection, 1, Kind.FEE, "OLD", 100, "amount", day=START.date())
            seed.close_block(connection)
        assert self.told(hooks) == []  # it was open before
        with seed.engine.begin() as connection:
            number = seed.pair(connection, 1, Kind.FEE, "NEW", 100, "date", day=START.date())
            seed.pair(connection, 1, Kind.FEE, "LATE", 7, "missing_at_lead", day=START.date())
            seed.close_block(connection)
        ((name, data),) = self.told(hooks)
        assert name == "break.opened"
        assert (data["break"], data["type"], data["lead_amount"]) == (number, "date", "1.00")
        assert "NEW" not in json.dumps(data)  # the banks' references stay in the bank
        with seed.engine.begin() as connection:
            seed.close_block(connection, seconds=2 * 24 * 3600)
            seed.close_block(connection)
            connection.execute(
                update(tables.pairs)
                .where(tables.pairs.c.number == number)
                .values(action="write_off")
            )
        names = [name for name, _ in self.told(hooks)]
        assert names == ["break.opened", "break.resolved", "break.opened"]
        # A view that is made anew tells nothing twice, and nothing before it is whole.
        with seed.engine.begin() as connection:
            there = connection.execute(select(tables.pairs)).mappings().all()
            connection.execute(delete(tables.pairs))
            connection.execute(update(tables.cursor).values(block_number=1))
        assert len(self.told(hooks)) == 3
        with seed.engine.begin() as connection:
            connection.execute(insert(tables.pairs), [dict(one) for one in there])
            seed.close_block(connection)
        assert len(self.told(hooks)) == 3
        # Breaks are read again with the next block alone.
        with seed.engine.begin() as connection:
            connection.execute(update(tables.pairs).values(action="write_off"))
        assert len(self.told(hooks)) == 3

    def test_many_breaks_are_told_in_few_statements(self, seed: Seed, hooks: Hooks) -> None:
        """While they are written nobody else writes: one by one, 5,000 took 38 s."""
        breaks = 1_100
        self.told(hooks)
        self.open(seed, breaks)
        executed = 0

        def count(*_: Any) -> None:
            nonlocal executed
            executed += 1

        event.listen(hooks.engine, "before_cursor_execute", count)
        try:
            tell_news(hooks.engine)
        finally:
            event.remove(hooks.engine, "before_cursor_execute", count)
        assert executed < breaks / 10
        assert len(hooks.deliveries(breaks + 1)) == breaks

    def test_what_a_look_did_not_come_to_is_told_at_the_next_and_nothing_twice(
        self, seed: Seed, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(news, "_AT_A_TIME", 2)
        self.told(hooks)
        self.open(seed, 5)
        told = 0

        def fail(*given: Any) -> None:
            nonlocal told
            told += 1
            if told == 2:
                raise RuntimeError("the process ends")
            emit(*given)

        monkeypatch.setattr(news, "emit", fail)
        with pytest.raises(RuntimeError):
            tell_news(hooks.engine)
        assert len(hooks.deliveries()) == 2
        numbers = [data["break"] for _, data in self.told(hooks)]
        assert len(numbers) == len(set(numbers)) == 5

    def open(self, seed: Seed, breaks: int) -> None:
        with seed.engine.begin() as connection:
            for one in range(breaks):
                seed.pair(connection, 1, Kind.FEE, f"N{one}", 100, "amount", day=START.date())
            seed.close_block(connection)

    def test_a_closed_day_is_told(self, seed: Seed, hooks: Hooks) -> None:
        assert self.told(hooks) == []
        books = ("opening", "movement", "closing")
        with seed.engine.begin() as connection:
            connection.execute(
                insert(tables.day_closes).values(
                    number=1, facility=1, partner=1, day=START.date().toordinal(), state="closed",
                    proposed_by=1, proposed_block=1, proposed_at=1, proposed_tx=bytes(32),
                    statement_hash=bytes(32), open_lead=0, open_partner=0, accepted_difference=0,
                    open_legs=0, carried_forward=b"",
                    **{f"{one}_{book}": 0 for one in books
                       for book in ("lead", "partner", "agreed")},
                )
            )  # fmt: skip
            seed.close_block(connection)
        ((name, data),) = self.told(hooks)
        assert name == "day.closed"
        assert data == {"facility": "WLD-2016-A", "partner": "huarui",
                        "day": START.date().isoformat()}  # fmt: skip
        with seed.engine.begin() as connection:
            connection.execute(delete(tables.day_closes))


class TestAdministering:
    @pytest.fixture
    def node(self, seed: Seed) -> Iterator[Face]:
        with face(seed.engine, development=True) as served:
            yield served

    def test_by_rest(self, node: Face, receiver: Receiver) -> None:
        admin = node.client("admin")
        asked = {"url": receiver.url, "events": ["alert.raised"]}
        faulty: list[dict[str, Any]] = [
            {"url": "gopher://x"}, {"events": []}, {"events": ["no.such"]},
        ]  # fmt: skip
        for wrong in faulty:
            assert admin.post("/v1/webhooks", json=asked | wrong).status_code == 422
        made = admin.post("/v1/webhooks", json=asked)
        assert made.status_code == 201
        secret, id_ = made.json()["secret"], made.json()["id"]
        assert secret not in admin.get("/v1/webhooks").text
        with node.engine.begin() as connection:
            emit(connection, "alert.raised", {"a": 1})
            emit(connection, "alert.ended", {"a": 1})
        (waiting,) = admin.get("/v1/webhooks/deliveries").json()["items"]
        assert (waiting["state"], waiting["data"]) == ("waiting", {"a": 1})
        again = f"/v1/webhooks/deliveries/{waiting['number']}:replay"
        assert admin.post(again).status_code == 422
        assert admin.post(f"/v1/webhooks/{id_}:replay").json() == {"deliveries": 0}
        assert admin.post(f"/v1/webhooks/{id_}:rotate").json()["secret"] != secret
        assert admin.post(f"/v1/webhooks/{'0' * 12}:rotate").status_code == 404
        assert admin.delete(f"/v1/webhooks/{id_}").status_code == 204
        assert admin.get("/v1/webhooks").json()["items"] == []
        for role in ("read", "feeds", "metrics", None):
            assert node.client(role).get("/v1/webhooks").status_code in (401, 403)
        with node.engine.connect() as connection:
            acts = set(connection.execute(select(audit_trail.c.act)).scalars())
            text = str(connection.execute(select(audit_trail.c.details)).all())
        assert {"webhook.register", "webhook.rotate", "webhook.replay", "webhook.remove"} <= acts
        assert "whsec_" not in text

    def test_on_the_page(self, node: Face, receiver: Receiver) -> None:
        somebody = enrolled(node.engine, "administrator")
        admin = node.client_of(somebody.person)
        token = csrf_of(admin.get("/administration/webhooks").text)
        address = "/administration/webhooks"
        evil = {
            "csrf": token,
            "code": somebody.recovery[0],
            "url": f"http://{HOSTILE}/",
            "events": ["alert.raised"],
        }
        assert HOSTILE not in admin.post(address, data=evil).text
        form = {
            "csrf": token, "code": "000000", "url": receiver.url, "events": list(EVENT_TYPES)
        }  # fmt: skip
        assert admin.post(address, data=form).status_code == 403  # without the second factor
        form["code"] = somebody.recovery[1]
        made = admin.post(address, data=form)
        assert made.status_code == 200 and "whsec_" in made.text
        with node.engine.begin() as connection:
            emit(connection, "alert.raised", {"a": HOSTILE})
        shown = admin.get(address).text
        assert "Waiting" in shown and HOSTILE not in shown and "whsec_" not in shown
        officer = node.signed_in("officer")
        assert officer.get(address).status_code == 403
        assert officer.post(address, data=form).status_code == 403
        # By REST a session reads and sends again, with its token; it registers nothing.
        admin.headers["X-CSRF-Token"] = token
        asked = {"url": receiver.url, "events": ["alert.raised"]}
        assert admin.post("/v1/webhooks", json=asked).status_code == 401
        one = admin.get("/v1/webhooks/deliveries").json()["items"][0]
        again = f"/v1/webhooks/deliveries/{one['number']}:replay"
        assert admin.post(again).status_code == 422  # it waits already
        del admin.headers["X-CSRF-Token"]
        assert admin.post(again).status_code == 403
