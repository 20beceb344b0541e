"""What Prometheus reads of a served node: names, values, and who may read them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, update

from app.db.engine import create
from app.domain.kinds import Kind
from app.http.context import Activity, EndpointTraffic, JobRuns, NodeHealth
from app.readmodel import tables
from tests.integration.faces import Face, face
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT

pytestmark = pytest.mark.any_database

Labels = frozenset[tuple[str, str]]
UNITS = ("_total", "_seconds", "_blocks", "_block", "_bytes", "_events", "_legs", "_minor_units")
WITHOUT_UNIT = {
    "tally_build_info", "tally_ready", "tally_problem", "tally_warning", "tally_lease_held",
    "tally_batches", "tally_reserve_low", "tally_reserve_breaks",
}  # fmt: skip


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = create(database_url, vault=VAULT)
    yield opened
    opened.dispose()


@pytest.fixture
def seed(engine: Engine) -> Seed:
    seed = Seed(engine)
    with engine.begin() as connection:
        seed.pair(connection, 1, Kind.DRAWDOWN, "R-1", 10_000, "matched", day=START.date())
        seed.pair(connection, 1, Kind.DRAWDOWN, "R-2", 10_000, "amount", day=START.date())
        seed.pair(connection, 1, Kind.DRAWDOWN, "R-3", 5, "missing_at_lead", day=START.date())
        seed.close_block(connection)
    return seed


@pytest.fixture
def node(engine: Engine, seed: Seed) -> Iterator[Face]:
    with face(engine) as served:
        served.health = NodeHealth(seed.block + 2, lease="held", free_disk_bytes=123)
        yield served


def scrape(node: Face) -> dict[tuple[str, Labels], float]:
    answer = node.client("metrics").get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found: dict[tuple[str, Labels], float] = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation, family.name
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def of(name: str, /, **labels: str) -> tuple[str, Labels]:
    return name, frozenset(labels.items())


@pytest.mark.parametrize(
    ("role", "status"),
    [(None, 401), ("feeds", 403), ("read", 403), ("metrics", 200), ("admin", 200)],
)
def test_a_role_of_its_own_opens_them(node: Face, role: str | None, status: int) -> None:
    assert node.client(role).get("/metrics").status_code == status  # type: ignore[arg-type]


def test_that_role_opens_nothing_else(node: Face) -> None:
    client = node.client("metrics")
    for path in ("/v1/balances", "/v1/pairs", "/v1/quarantine", "/v1/keys"):
        assert client.get(path).status_code == 403
    events = "/v1/facilities/WLD-2016-A/events"
    assert client.post(events, json={}).status_code == 403


def test_what_the_database_and_the_process_know(node: Face, seed: Seed) -> None:
    node.activity = Activity(
        endpoints=(EndpointTraffic("http://127.0.0.1:8545", 40, 3, 2, 1.5),),
        jobs=(JobRuns("submit", 9, 1, 0.5),),
    )
    bad = {"event_id": "E-bad", "facility": "WLD-2016-A"}
    good = {
        "event_id": "E-1",
        "facility": "WLD-2016-A",
        "event_ref": "R",
        "kind": "fee",
        "amount": "10",
        "currency": "CNY",
        "value_date": "2026-03-02",
        "booked_at": "2026-03-02T00:00:00Z",
    }
    bulk = "/v1/facilities/WLD-2016-A/events:bulk"
    node.client("feeds").post(bulk, json=[good, good, bad, bad, bad])
    found = scrape(node)
    account = next(dict(key[1]) for key in found if key[0] == "tally_reserve_open_legs")
    assert account["facility"] == "WLD-2016-A"
    endpoint = {"endpoint": "http://127.0.0.1:8545"}
    for key, value in {
        of("tally_ready"): 1,
        of("tally_chain_head_block"): seed.block + 2,
        of("tally_readmodel_block"): seed.block,
        of("tally_readmodel_lag_blocks"): 2,
        of("tally_disk_free_bytes"): 123,
        of("tally_lease_held"): 1,
        of("tally_outbox_waiting_events"): 1,
        of("tally_dead_letter_events"): 0,
        of("tally_rows_total", facility="WLD-2016-A", verdict="accepted"): 1,
        of("tally_rows_total", facility="WLD-2016-A", verdict="duplicate"): 1,
        of("tally_rows_total", facility="WLD-2016-A", verdict="quarantined"): 3,
        of("tally_batches", state="final"): 0,
        of("tally_batches", state="stopped"): 0,
        of("tally_rpc_requests_total", **endpoint): 40,
        of("tally_rpc_failures_total", **endpoint): 3,
        of("tally_rpc_errors_total", **endpoint): 2,
        of("tally_rpc_seconds_total", **endpoint): 1.5,
        of("tally_job_runs_total", job="submit"): 9,
        of("tally_job_failures_total", job="submit"): 1,
        of("tally_reserve_open_legs", **account): 3,
        of("tally_reserve_breaks", **account, type="amount"): 1,
        of("tally_reserve_breaks", **account, type="missing_at_lead"): 1,
        of("tally_reserve_breaks", **account, type="date"): 0,
    }.items():
        assert found[key] == value, key
    assert found[of("tally_readmodel_lag_seconds")] > 0
    assert any(name == "process_resident_memory_bytes" for name, _ in found)


def test_names_carry_units_and_labels_stay_few(node: Face) -> None:
    node.match_times.matched("WLD-2016-A", ["2026-03-02T00:00:00.000+00:00"])
    for name, labels in scrape(node):
        if name.startswith("process_"):
            continue
        base = name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
        base = base.removesuffix("_created")
        assert base.endswith(UNITS) or base in WITHOUT_UNIT, name
        assert {label for label, _ in labels} <= {
            "facility", "partner", "verdict", "type", "state", "endpoint", "job", "name", "le",
            "version", "bank", "role",
        }  # fmt: skip


def test_problems_are_told_by_name(node: Face) -> None:
    node.health = NodeHealth(None, facilities_stopped=("one", "two"), disk_is_low=True)
    found = scrape(node)
    assert found[of("tally_ready")] == 0
    assert found[of("tally_problem", name="chain-unreachable")] == 1
    assert found[of("tally_problem", name="disk-low")] == 1
    assert found[of("tally_warning", name="facility-stopped")] == 1
    assert of("tally_chain_head_block") not in found


def test_low_is_judged_by_the_smaller_book(node: Face, engine: Engine) -> None:
    with engine.begin() as connection:
        for partner, books in ((1, (9, 9, 1)), (2, (9, 1, 9))):
            lead, partners, agreed = (10**9 * book for book in books)
            connection.execute(
                update(tables.accounts)
                .where(tables.accounts.c.partner == partner)
                .values(
                    agreed=agreed,
                    contract_lead_book=lead,
                    contract_partner_book=partners,
                    contract_agreed=agreed,
                )
            )
        connection.execute(update(tables.facility_partners).values(low_balance=5 * 10**9))
    found = scrape(node)
    shown = {
        one["partner"]: one["low"]
        for one in node.client("read").get("/v1/balances").json()["items"]
    }
    for name, low in (("huarui", False), ("wuxi", True)):
        series = of("tally_reserve_low", facility="WLD-2016-A", partner=name)
        assert found[series] == low == shown[name]
