"""No query of a request, a stream or a tick reads all that ever happened: its plan says so.

Pairs, events and batches only grow. The plans of both databases are read at a size at which their
planners choose as they would at any larger one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, insert, text

from app.alerts.judge import NodeFacts
from app.alerts.watch import AlertWatch
from app.db.engine import create
from app.domain.identifiers import reference
from app.domain.kinds import Kind
from app.indexer.changes import CURVE_STEP_S
from app.intake.tables import events, feeds
from app.node.jobs.ageing import Ageing
from app.outbox.dead_letters import collect, waiting_events
from app.outbox.pending import backlog, pending_by_facility
from app.outbox.progress import has_waiting, in_flight
from app.outbox.tables import batches
from app.readmodel import tables
from app.readmodel.accounts.balances import balances
from app.readmodel.chain import position
from app.readmodel.pairs import queries
from app.webhooks.endpoints import register
from app.webhooks.events import EVENT_TYPES
from app.webhooks.news import tell_news
from tests.integration.faces import Face, face
from tests.integration.seeded import REFERENCE_KEY, START, Seed
from tests.integration.vaults import VAULT

PAIRS = 20_000
BATCHES = 2_000
GROWING = ("pairs", "events", "batches", "postings", "balance_points", "day_totals")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path_factory.mktemp('plans') / 'bank.sqlite'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_cluster").url("postgres")
    opened = create(url, vault=VAULT)
    fill(Seed(opened))
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def node(engine: Engine) -> Iterator[Face]:
    with face(engine, development=True) as served:
        yield served


def fill(seed: Seed) -> None:
    """A long history: everything matched and final, but for some breaks and events."""
    day, at = START.date().toordinal(), int(START.timestamp())
    with seed.engine.begin() as connection:
        for index, status in enumerate(("amount", "date", "missing_at_lead") * 5):
            seed.pair(connection, 1, Kind.FEE, f"OLD-{index}", 100, status, day=START.date())
        first = seed.number + 1
        row = {
            "facility": 1, "kind": int(Kind.PRINCIPAL), "target_kind": 0, "target_ref": b"",
            "lead_reversed": False, "partner_reversed": False, "shares_version": 1,
            "rules_version": 1, "status": "matched", "first_posted_at": at, "due_at": at + 9,
            "lead_index": 1, "partner_index": 1, "lead_posted_at": at, "partner_posted_at": at,
            "lead_amount": 5, "partner_amount": 5, "agreed_business_day": day,
            **{f"{side}_{which}_day": day for side in ("lead", "partner")
               for which in ("value", "business")},
        }  # fmt: skip
        numbers = range(first, first + PAIRS)
        connection.execute(
            insert(tables.pairs),
            [
                row
                | {
                    "number": number, "partner": 1 + number % 3, "event_ref": f"R-{number}",
                    "ref": reference(REFERENCE_KEY, f"R-{number}"),
                    "lead_sequence": 100 + number // 10, "partner_sequence": 100 + number // 10,
                }
                for number in numbers
            ],
        )  # fmt: skip
        seed.number += PAIRS
        connection.execute(
            insert(tables.postings),
            [
                {
                    "facility": 1, "member": member, "sequence": sequence, "tx_hash": bytes(32),
                    "block_number": 5, "block_time": at, "legs": 10, "rejected": 0,
                    "digest": bytes(32), "details": "opened",
                }
                for member in (1, 2, 3, 4)
                for sequence in range(100, 101 + (first + PAIRS) // 10)
            ],
        )  # fmt: skip
        seed.close_block(connection)
        books = {"lead_book": 5, "partner_book": 5, "agreed": 5}
        connection.execute(
            insert(tables.balance_points),
            [
                {"facility": 1, "partner": partner, "at": at - CURVE_STEP_S * step, **books}
                for partner in (1, 2, 3)
                for step in range(1, PAIRS // 3)
            ],
        )
        connection.execute(
            insert(tables.day_totals),
            [
                {"facility": 1, "partner": partner, "day": day - before, "kind": kind, **books}
                for partner in (1, 2, 3)
                for before in range(1, PAIRS // 30)
                for kind in range(1, 10)
            ],
        )
        when = START.isoformat()
        feed = connection.execute(
            insert(feeds)
            .values(
                facility=seed.facility, name="f", source="file", received_at=when, rows_in=1,
                accepted=1, duplicate=0, quarantined=0,
            )
            .returning(feeds.c.id)
        ).scalar_one()  # fmt: skip
        connection.execute(
            insert(batches),
            [
                {
                    "id": number, "facility": seed.facility, "facility_number": 1,
                    "sequence": number, "legs": 10, "digest": bytes(32), "gas_limit": 1,
                    "state": "final", "sealed_at": when, "calldata": b"c" * 500,
                }
                for number in range(1, BATCHES + 1)
            ],
        )  # fmt: skip
        connection.execute(
            insert(events),
            [
                {
                    "feed_id": feed, "row": number, "facility": seed.facility,
                    "event_id": f"E-{number}", "content": number.to_bytes(32),
                    "identity": number.to_bytes(32), "duplicate_leg": False, "kind": 2,
                    "partner": 0, "event_ref": f"R-{number}", "amount": 5, "value_day": day,
                    "business_day": day, "shares_day": 0, "booked_at": when, "parts": 3,
                    "accepted_at": when, "leg_index": number % 10,
                    "batch_id": None if number > PAIRS - 20 else 1 + number // 10,
                }
                for number in range(1, PAIRS + 1)
            ],
        )  # fmt: skip
    with seed.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """As much shorter than the history as they are than a long one."""
    monkeypatch.setattr(queries, "LINES_A_PAGE", PAIRS // 20)


class Statements:
    """The queries that an engine is asked while this is open."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.seen: dict[str, Any] = {}

    def __enter__(self) -> Statements:
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)

    def _note(self, connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().startswith("SELECT"):
            self.seen.setdefault(statement, parameters)


def scans(connection: Connection, statement: str, parameters: Any) -> list[str]:
    """What of a query's plan reads a growing table from end to end."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [row.detail for row in rows if _sqlite_scan(row.detail)]
    plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
    whole = json.loads(plan) if isinstance(plan, str) else plan
    return list(_postgres_scans(whole[0]["Plan"], limited=False))


def _sqlite_scan(detail: str) -> bool:
    found = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", detail)
    return found is not None and found[1] in GROWING and found[2] not in PARTIAL


PARTIAL = ("ix_pairs_open", "ix_pairs_within_tolerance", "ix_pairs_resolved", "ix_events_waiting")
"""Indexes that hold what is open or rare, and so may be read whole."""


def _postgres_scans(plan: dict[str, Any], *, limited: bool) -> Iterator[str]:
    kind, table = plan["Node Type"], plan.get("Relation Name")
    index = plan.get("Index Name")
    unbounded = kind in ("Index Scan", "Index Only Scan") and "Index Cond" not in plan
    if table in GROWING and (
        kind == "Seq Scan" or (unbounded and index not in PARTIAL and not limited)
    ):
        yield f"{kind} on {table} ({index})"
    if kind == "Bitmap Heap Scan" and table in GROWING:
        limited = True  # its index scan below has the condition
    for inner in plan.get("Plans", ()):
        yield from _postgres_scans(inner, limited=limited or kind == "Limit")


def check(engine: Engine, seen: dict[str, Any]) -> None:
    assert seen
    with engine.connect() as connection:
        found = {
            statement: plan
            for statement, parameters in seen.items()
            if (plan := scans(connection, statement, parameters))
        }
    assert found == {}


REQUESTS = [
    "/health",
    "/ready",
    "/v1/facilities",
    "/v1/facilities?limit=2",
    "/v1/balances",
    "/v1/pairs",
    "/v1/pairs?text=nothing",
    "/v1/pairs?event_ref=R-77",
    "/v1/pairs?value_from=2020-01-01&value_to=2020-01-02&kind=fee",
    "/v1/pairs?resolved=true",
    "/v1/matches",
    "/v1/matches?partner=wuxi",
    "/v1/breaks",
    "/v1/breaks?overdue=true",
    "/v1/breaks?resolved=true",
    "/v1/breaks?partner=huarui&type=amount",
    "/v1/breaks?text=OLD",
    "/v1/pairs?type=within_tolerance",
    "/v1/legs?limit=5",
    "/v1/legs?event_ref=R-77",
    "/v1/statements?facility=WLD-2016-A&from=2026-03-01&to=2026-03-02",
    "/v1/statements?facility=WLD-2016-A&from=2026-03-01&to=2026-03-02&partner=wuxi",
    "/v1/rejections",
    "/v1/resolutions",
    "/v1/quarantine",
    "/v1/quarantine?feed_id=1&field=amount",
    "/v1/holds",
    "/v1/balance-events",
    "/v1/alerts",
    "/v1/alerts?status=open&kind=shortfall",
    "/alerts",
    "/v1/day-closes",
    "/v1/consortium/members",
    "/v1/consortium/proposals",
    "/",
    "/breaks",
    "/breaks?overdue=true",
    "/breaks?partner=huarui&type=date&sort=oldest",
    "/breaks?sort=difference&after=317.9",
    "/breaks?state=nothing&age=up_to_3_days",
    "/breaks?assignee=nobody&text=OLD",
    "/breaks?assignee=p-1",
    "/accounts/WLD-2016-A/wuxi",
    "/forecast",
    "/forecast/WLD-2016-A/wuxi",
    "/v1/forecasts",
    "/facilities",
    "/facilities/WLD-2016-A",
    "/legs?facility=WLD-2016-A&partner=wuxi&event=fee&from=2026-03-02&to=2026-03-02",
    "/legs?facility=WLD-2016-A&partner=wuxi&state=open",
]


@pytest.mark.parametrize("path", REQUESTS)
def test_a_request_reads_what_it_shows(node: Face, engine: Engine, path: str) -> None:
    client = node.client("read")
    with Statements(engine) as statements:
        assert client.get(path).status_code in (200, 503)
    check(engine, statements.seen)


@pytest.mark.parametrize("path", ["/v1/pairs?resolved=true", "/v1/breaks?resolved=true"])
def test_resolved_pairs_are_not_looked_for_among_those_within_tolerance(
    node: Face, engine: Engine, path: str
) -> None:
    """Of these there are the more, the longer the history."""
    client = node.client("read")
    with Statements(engine) as statements:
        assert client.get(path).status_code == 200
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    with engine.connect() as connection:
        plans = [
            str(connection.exec_driver_sql(f"{explain} {statement}", parameters).all())
            for statement, parameters in statements.seen.items()
        ]
    of_pairs = [plan for plan in plans if "ix_pairs_" in plan]
    assert len(of_pairs) == 1
    assert "ix_pairs_resolved" in of_pairs[0]


def test_a_scrape_reads_what_it_shows(node: Face, engine: Engine) -> None:
    client = node.client("metrics")
    with Statements(engine) as statements:
        assert client.get("/metrics").status_code == 200
    check(engine, statements.seen)


def test_the_pages_stream_reads_what_it_shows(node: Face, engine: Engine) -> None:
    with Statements(engine) as statements, node.client(None).stream("GET", "/live") as stream:
        for line in stream.iter_lines():
            if line.startswith("event: breaks"):
                break
    check(engine, statements.seen)


def test_a_tick_reads_what_is_new(engine: Engine) -> None:
    with Statements(engine) as statements:
        Ageing(engine).look()
        AlertWatch(
            engine, "webank", lambda: False, lambda _: NodeFacts(feeds={}), lambda: None
        ).look()
        with engine.begin() as connection:
            register(connection, "http://127.0.0.1:9/", EVENT_TYPES, development=True)
        tell_news(engine)
        collect(engine, 1)
        assert not in_flight(engine)
        with engine.connect() as connection:
            assert has_waiting(connection, "WLD-2016-A")
            connection.execute(waiting_events("WLD-2016-A").order_by(events.c.id).limit(500))
            backlog(connection)
            pending_by_facility(connection)
            balances(connection)
            position(connection)
    check(engine, statements.seen)


def test_a_pushed_event_reads_what_it_is_held_against(node: Face, engine: Engine) -> None:
    event_in = {
        "event_id": "NEW-1", "facility": "WLD-2016-A", "event_ref": "R-NEW", "kind": "fee",
        "amount": "10", "currency": "CNY", "value_date": "2026-03-02",
        "booked_at": "2026-03-02T00:00:00Z",
    }  # fmt: skip
    reversal = event_in | {"event_id": "NEW-2", "kind": "reversal", "reverses": "fee/R-NEW"}
    client, path = node.client("feeds"), "/v1/facilities/WLD-2016-A/events"
    with Statements(engine) as statements:
        for one in (event_in, event_in, reversal):
            assert client.post(path, json=one).status_code in (200, 201)
    check(engine, statements.seen)


def test_the_page_makes_the_balances_once(node: Face, engine: Engine) -> None:
    client, made = node.client("read"), []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "accounts.contract_lead_book" in statement:
            made.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert client.get("/").status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(made) == 1
