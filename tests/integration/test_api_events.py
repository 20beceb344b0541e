"""Events pushed by REST: refused, accepted, again, in bulk, and while the database is away."""

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import Engine, func, select, text

from app.api.events import MAX_BULK_ROWS, MAX_EVENT_BYTES
from app.db.engine import create
from app.intake.tables import events, feeds, quarantine
from tests.integration.faces import Face, face
from tests.integration.posting import await_true
from tests.integration.seeded import Seed
from tests.integration.vaults import VAULT

pytestmark = pytest.mark.any_database

PATH = "/v1/facilities/WLD-2016-A/events"
BULK = f"{PATH}:bulk"
CSV_HEADER = "event_id,facility,event_ref,kind,amount,currency,value_date,booked_at\n"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = create(database_url, vault=VAULT)
    Seed(opened)
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Face]:
    """One node for what is refused and leaves nothing behind."""
    database = tmp_path_factory.mktemp("shared") / "bank.sqlite"
    opened = create(f"sqlite:///{database}", vault=VAULT)
    Seed(opened)
    with face(opened) as served:
        yield served
    opened.dispose()


@pytest.fixture(scope="module")
def pusher(shared: Face) -> httpx.Client:
    return shared.client("feeds")


@pytest.fixture
def node(engine: Engine) -> Iterator[Face]:
    with face(engine) as served:
        yield served


@pytest.fixture
def client(node: Face) -> httpx.Client:
    return node.client("feeds")


def event(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "event_id": f"E-{number}",
        "facility": "WLD-2016-A",
        "event_ref": f"L1-REP-{number}",
        "kind": "principal",
        "amount": "1250.00",
        "currency": "CNY",
        "value_date": "2026-03-02",
        "booked_at": "2026-03-02T09:15:00+08:00",
    } | changes


def csv_line(number: int, amount: str = "10.00") -> str:
    return (
        f"E-{number},WLD-2016-A,L1-{number},principal,{amount},CNY,2026-03-02,"
        "2026-03-02T09:15:00+08:00\n"
    )


def assert_problem(answer: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:tallystick:problem:{name}"
    assert body["status"] == status
    assert body["detail"]
    assert body["instance"] == answer.request.url.path
    return body


def count(engine: Engine, table: Any) -> int:
    with engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


class TestRefused:
    def test_without_a_key(self, shared: Face) -> None:
        answer = shared.client(None).post(PATH, json=event())
        assert_problem(answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert count(shared.engine, events) == 0

    @pytest.mark.parametrize(
        "key", ["x", "tk_", "tk_000000000000_" + "0" * 64, "Ünïcödé", "tk_x_y", "a" * 10_000]
    )
    def test_with_a_wrong_key(self, shared: Face, key: str) -> None:
        answer = shared.client(None).post(
            PATH, json=event(), headers={b"Authorization": f"Bearer {key}".encode()}
        )
        assert_problem(answer, 401, "unauthorized")

    def test_with_a_key_that_only_reads(self, shared: Face) -> None:
        body = assert_problem(shared.client("read").post(PATH, json=event()), 403, "forbidden")
        assert "feeds or admin" in body["detail"]

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "not JSON"),
            (b"{", "not JSON"),
            (b"\xff\xfe", "not UTF-8"),
            (b"[]", "one JSON object"),
            (b'"x"', "one JSON object"),
            (b'{"amount": NaN}', "not JSON"),
            (b"[" * 100_000, "not JSON"),
        ],
    )
    def test_a_body_that_is_no_event(self, pusher: httpx.Client, content: bytes, says: str) -> None:
        answer = pusher.post(PATH, content=content, headers={"Content-Type": "application/json"})
        assert says in assert_problem(answer, 422, "invalid-request")["detail"]

    def test_another_media_type(self, pusher: httpx.Client) -> None:
        answer = pusher.post(PATH, data={"event_id": "E-1"})
        assert_problem(answer, 415, "unsupported-media-type")

    def test_a_body_that_is_too_large(self, pusher: httpx.Client) -> None:
        answer = pusher.post(PATH, json=event(memo="m" * MAX_EVENT_BYTES))
        assert_problem(answer, 413, "content-too-large")

    def test_a_body_of_unknown_length_that_is_too_large(self, pusher: httpx.Client) -> None:
        def pieces() -> Iterator[bytes]:
            for _ in range(64):
                yield b" " * 8192

        answer = pusher.post(PATH, content=pieces(), headers={"Content-Type": "application/json"})
        assert_problem(answer, 413, "content-too-large")

    def test_a_facility_that_is_not_there(self, pusher: httpx.Client) -> None:
        answer = pusher.post("/v1/facilities/NOPE/events", json=event(facility="NOPE"))
        assert "NOPE" in assert_problem(answer, 404, "unknown-facility")["detail"]

    def test_a_bank_that_is_no_party(self, shared: Face) -> None:
        with face(shared.engine, bank="auditor", member=5, role="auditor") as auditor:
            for path, body in ((PATH, event()), (BULK, [event()])):
                answer = auditor.client("feeds").post(path, json=body)
                assert_problem(answer, 403, "not-a-party")

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"amount": "12.345"}, "amount"),
            ({"amount": 12.5}, "amount"),
            ({"amount": "-1"}, "amount"),
            ({"amount": "0.00"}, "amount"),
            ({"kind": "gift"}, "kind"),
            ({"currency": "EUR"}, "currency"),
            ({"facility": "OTHER"}, "facility"),
            ({"value_date": "2026-02-30"}, "value_date"),
            ({"booked_at": "2026-03-02T09:15:00"}, "booked_at"),
            ({"event_ref": None}, "event_ref"),
            ({"partner": "nobody"}, "partner"),
            ({"kind": "reversal", "reverses": "principal/none"}, "reverses"),
        ],
    )
    def test_a_faulty_event_with_its_field_and_reason(
        self, shared: Face, pusher: httpx.Client, changes: dict[str, Any], field: str
    ) -> None:
        quarantined = count(shared.engine, quarantine)
        body = assert_problem(pusher.post(PATH, json=event(**changes)), 422, "faulty-event")
        assert body["field"] == field
        assert body["reason"]
        assert count(shared.engine, quarantine) == quarantined + 1

    def test_the_same_id_with_other_content(self, pusher: httpx.Client) -> None:
        assert pusher.post(PATH, json=event()).status_code == 201
        answer = pusher.post(PATH, json=event(amount="1250.01"))
        assert "E-1" in assert_problem(answer, 409, "event-conflict")["detail"]


class TestPushed:
    def test_an_event_is_stored_before_it_is_answered(
        self, node: Face, client: httpx.Client
    ) -> None:
        answer = client.post(PATH, json=event(loan_ref="L1", partner=None))
        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert body["event_id"] == "E-1"
        assert body["verdict"] == "accepted"
        assert body["duplicate_leg"] is False
        assert count(node.engine, events) == 1

    def test_again_is_answered_with_the_first_answer(
        self, node: Face, client: httpx.Client
    ) -> None:
        first = client.post(PATH, json=event())
        again = client.post(PATH, json=event(amount="1250", booked_at="2026-03-02T01:15:00.0Z"))
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()
        assert count(node.engine, events) == 1

    def test_the_same_identity_under_another_id_is_a_duplicate_leg(
        self, client: httpx.Client
    ) -> None:
        assert client.post(PATH, json=event()).status_code == 201
        answer = client.post(PATH, json=event(event_id="E-2"))
        assert answer.status_code == 201
        assert answer.json()["duplicate_leg"] is True

    def test_many_at_once_are_one_event(self, node: Face, client: httpx.Client) -> None:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: client.post(PATH, json=event()), range(8)))
        assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
        assert len({answer.text for answer in answers}) == 1
        assert count(node.engine, events) == 1

    def test_a_faulty_one_is_seen_in_the_quarantine(self, client: httpx.Client) -> None:
        client.post(PATH, json=event(amount="1,5"))
        [row] = client.get("/v1/quarantine").json()["items"]
        assert (row["field"], row["value"], row["source"]) == ("amount", "1,5", "push")
        assert client.get("/v1/quarantine?facility=OTHER").json()["items"] == []


class TestBulk:
    def test_each_row_gets_its_verdict(self, node: Face, client: httpx.Client) -> None:
        assert client.post(PATH, json=event(1)).status_code == 201
        answer = client.post(
            BULK,
            json=[
                event(1),
                event(2),
                event(3, amount="1.234"),
                "no object",
                event(2, amount="7.00"),
                event(4),
            ],
        )
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["rows"] == {"in": 6, "accepted": 2, "duplicate": 1, "quarantined": 3}
        verdicts = body["verdicts"]
        assert [one["row"] for one in verdicts] == [1, 2, 3, 4, 5, 6]
        assert [one["verdict"] for one in verdicts] == [
            "duplicate",
            "accepted",
            "quarantined",
            "quarantined",
            "quarantined",
            "accepted",
        ]
        assert [one.get("field") for one in verdicts[2:5]] == ["amount", "row", "event_id"]
        assert all(one["reason"] for one in verdicts[2:5])
        assert count(node.engine, events) == 3

    def test_the_same_bulk_again_changes_nothing(self, node: Face, client: httpx.Client) -> None:
        bulk = [event(number) for number in range(300)]
        assert client.post(BULK, json=bulk).json()["rows"]["accepted"] == 300
        again = client.post(BULK, json=bulk).json()
        assert again["rows"] == {"in": 300, "accepted": 0, "duplicate": 300, "quarantined": 0}
        assert count(node.engine, events) == 300

    def test_an_empty_array(self, client: httpx.Client) -> None:
        assert client.post(BULK, json=[]).json()["rows"]["in"] == 0

    def test_too_many_rows_for_one_array(self, node: Face, client: httpx.Client) -> None:
        answer = client.post(BULK, json=[{}] * (MAX_BULK_ROWS + 1))
        assert "CSV" in assert_problem(answer, 413, "content-too-large")["detail"]
        assert count(node.engine, feeds) == 0

    def test_what_is_no_array(self, client: httpx.Client) -> None:
        assert_problem(client.post(BULK, json=event()), 422, "invalid-request")

    def test_a_number_as_amount_and_a_repeated_key(self, client: httpx.Client) -> None:
        good = json.dumps(event())
        number, repeated = good.replace('"1250.00"', "1250.00"), good[:-1] + ',"kind":"fee"}'
        body = f"[{number}, {repeated}]"
        answer = client.post(BULK, content=body, headers={"Content-Type": "application/json"})
        fields = [one["field"] for one in answer.json()["verdicts"]]
        assert fields == ["amount", "kind"]


class TestStreamedBulk:
    def lines(self, answer: httpx.Response) -> list[dict[str, Any]]:
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        return [json.loads(line) for line in answer.text.splitlines()]

    def post(self, client: httpx.Client, content: bytes, media_type: str) -> httpx.Response:
        return client.post(BULK, content=content, headers={"Content-Type": media_type})

    def test_csv_with_bad_rows(self, node: Face, client: httpx.Client) -> None:
        body = "\ufeff" + CSV_HEADER + csv_line(1) + csv_line(2, "x") + "\n" + csv_line(3) + "a,b\n"
        *verdicts, end = self.lines(self.post(client, body.encode(), "text/csv; charset=utf-8"))
        assert [(one["row"], one["verdict"]) for one in verdicts] == [
            (2, "accepted"),
            (3, "quarantined"),
            (5, "accepted"),
            (6, "quarantined"),
        ]
        assert end["rows"] == {"in": 4, "accepted": 2, "duplicate": 0, "quarantined": 2}
        assert count(node.engine, events) == 2

    def test_json_lines_with_an_unknown_key(self, client: httpx.Client) -> None:
        body = "\n".join(json.dumps(event(number, colour="red")) for number in (1, 2))
        *verdicts, end = self.lines(self.post(client, body.encode(), "application/x-ndjson"))
        assert [one["verdict"] for one in verdicts] == ["accepted", "accepted"]
        assert "colour" in end["warnings"][0]

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "0 bytes"),
            (b"event_id,facility\n", "missing"),
            (CSV_HEADER.replace("kind", "amount").encode(), "doubled"),
        ],
    )
    def test_a_body_that_is_unusable_as_a_whole(
        self, node: Face, client: httpx.Client, content: bytes, says: str
    ) -> None:
        answer = self.post(client, content, "text/csv")
        assert says in assert_problem(answer, 422, "invalid-request")["detail"]
        assert count(node.engine, feeds) == 0

    def test_many_thousand_rows_and_again(self, node: Face, client: httpx.Client) -> None:
        rows = 12_000

        def pieces() -> Iterator[bytes]:
            yield CSV_HEADER.encode()
            for start in range(0, rows, 500):
                yield "".join(csv_line(start + row) for row in range(500)).encode()

        for verdict in ("accepted", "duplicate"):
            answer = client.post(BULK, content=pieces(), headers={"Content-Type": "text/csv"})
            *verdicts, end = self.lines(answer)
            assert len(verdicts) == rows
            assert {one["verdict"] for one in verdicts} == {verdict}
            assert end["rows"][verdict] == rows
        assert count(node.engine, events) == rows

    def test_a_client_that_leaves_loses_nothing(self, node: Face, client: httpx.Client) -> None:
        body = CSV_HEADER + "".join(csv_line(number) for number in range(20_000))
        with client.stream("POST", BULK, content=body, headers={"Content-Type": "text/csv"}) as cut:
            next(cut.iter_bytes())
        other = node.client("feeds")
        *_, end = self.lines(self.post(other, body.encode(), "text/csv"))
        assert end["rows"]["in"] == 20_000
        assert end["rows"]["quarantined"] == 0
        assert count(node.engine, events) == 20_000

    def test_all_is_taken_in_of_a_client_that_has_left_before_the_first_line(
        self, node: Face, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.intake.accept.CHUNK_ROWS", 10)
        body = (CSV_HEADER + "".join(csv_line(number) for number in range(200))).encode()
        key, other = node.key("feeds"), node.client(None)
        address = urlsplit(node.url)
        with node.engine.begin() as blocker:
            if blocker.dialect.name == "postgresql":
                blocker.execute(text("LOCK TABLE feeds IN ACCESS EXCLUSIVE MODE"))
            with socket.create_connection((str(address.hostname), address.port or 0)) as client:
                client.sendall(
                    f"POST {BULK} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
                    f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                await_true(lambda: "bulk" in [one.name for one in threading.enumerate()], "it came")
            assert other.get("/health").status_code == 200  # by then the node has seen it leave
        await_true(lambda: count(node.engine, events) == 200, "the rest is taken in")


class TestDatabaseAway:
    def test_a_locked_database_is_answered_with_503(
        self, engine: Engine, database_url: str
    ) -> None:
        impatient = create(database_url, busy_timeout_ms=300, vault=VAULT)
        with face(impatient) as node:
            self.lock_and_push(engine, node.client("feeds"))
        impatient.dispose()

    def lock_and_push(self, engine: Engine, client: httpx.Client) -> None:
        assert client.get("/v1/facilities").status_code == 200
        with engine.begin() as blocker:
            if blocker.dialect.name == "postgresql":
                blocker.execute(text("LOCK TABLE feeds IN ACCESS EXCLUSIVE MODE"))
            for answer in (
                client.post(PATH, json=event()),
                client.post(BULK, json=[event()]),
                client.post(BULK, content=CSV_HEADER, headers={"Content-Type": "text/csv"}),
            ):
                assert_problem(answer, 503, "unavailable")
                assert int(answer.headers["retry-after"]) > 0
        assert client.post(PATH, json=event()).status_code == 201

    def test_what_nobody_foresaw_shows_an_id_and_no_trace(
        self, node: Face, client: httpx.Client
    ) -> None:
        assert client.get("/v1/facilities").status_code == 200
        with node.engine.begin() as connection:
            connection.execute(text("ALTER TABLE quarantine RENAME TO elsewhere"))
        answer = client.get("/v1/quarantine")
        body = assert_problem(answer, 500, "internal")
        assert len(body["error_id"]) == 16
        assert "Traceback" not in answer.text
        assert "quarantine " not in answer.text
