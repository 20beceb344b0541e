"""What the REST face reads: filters, pages that stay put, problems, health, and its OpenAPI."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import Engine, insert, select, update

from app.db.engine import create
from app.domain.kinds import Kind
from app.domain.matching.pairs import PAIR_TYPES
from app.http.context import NodeHealth
from app.intake.tables import events, feeds
from app.outbox.dead_letters import add_dead_letter
from app.outbox.tables import batches
from app.presentation.health import EndpointOut
from app.readmodel.consortium.tables import proposals
from app.readmodel.facilities.tables import (
    facilities,
    facility_partners,
    rule_versions,
    share_versions,
)
from app.readmodel.pairs import queries
from app.readmodel.pairs.completed import completed_pairs
from app.web.chain_state import chain_state
from tests.integration.faces import Face, face, with_token
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT

LISTS = ("/v1/pairs", "/v1/matches", "/v1/breaks", "/v1/legs", "/v1/rejections", "/v1/quarantine")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Face]:
    """A node for the tests that change nothing."""
    url = f"sqlite:///{tmp_path_factory.mktemp('shared') / 'bank.sqlite'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_cluster").url("postgres")
    opened = create(url, vault=VAULT)
    one_of_each(opened)
    with face(opened) as served:
        yield served
    opened.dispose()


@pytest.fixture(scope="module")
def reader(shared: Face) -> httpx.Client:
    return shared.client("read")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = create(database_url, vault=VAULT)
    yield opened
    opened.dispose()


@pytest.fixture
def seed(engine: Engine) -> Seed:
    return one_of_each(engine)


@pytest.fixture
def node(engine: Engine, seed: Seed) -> Iterator[Face]:
    with face(engine) as served:
        yield served


@pytest.fixture
def client(node: Face) -> httpx.Client:
    return node.client("read")


def one_of_each(engine: Engine) -> Seed:
    """One pair of each type for the first partner, and a matched one for the second."""
    seed = Seed(engine)
    with engine.begin() as connection:
        for type_ in PAIR_TYPES[:7]:
            seed.pair(connection, 1, Kind.PRINCIPAL, f"R-{type_}", 10_000, type_, day=START.date())
        seed.pair(connection, 2, Kind.DRAWDOWN, "R-other", 7, "matched", day=START.date())
        seed.duplicate(connection, 1, "lead", "R-matched", 10_000, START.date())
        seed.duplicate(connection, 1, "partner", "R-matched", 10_000, START.date())
        seed.close_block(connection)
    return seed


def all_pages(client: httpx.Client, path: str, limit: int) -> Iterator[list[dict[str, Any]]]:
    cursor = None
    while True:
        params: dict[str, Any] = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        body = client.get(path, params=params).json()
        yield body["items"]
        cursor = body["next"]
        if cursor is None:
            return


class TestRefused:
    def test_every_path_without_a_key_and_with_a_key_that_only_pushes(self, shared: Face) -> None:
        stranger, feeder = shared.client(None), shared.client("feeds")
        for path in (*LISTS, "/v1/balances", "/v1/facilities", "/v1/keys"):
            assert stranger.get(path).status_code == 401, path
        for path in ("/v1/balances", "/v1/pairs", "/v1/matches", "/v1/breaks", "/v1/legs"):
            assert feeder.get(path).status_code == 403, path
        for path in ("/v1/facilities", "/v1/quarantine", "/v1/rejections"):
            assert feeder.get(path).status_code == 200, path

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=many", "limit"),
            ("cursor=nonsense", "cursor"),
            ("cursor=%F0%9F%92%A9", "cursor"),
            ("type=wrong", "type"),
            ("value_from=2026-02-30", "value_from"),
            ("overdue=perhaps", "overdue"),
            ("text=" + "x" * 65, "text"),
        ],
    )
    def test_bad_parameters_name_the_parameter(
        self, reader: httpx.Client, query: str, field: str
    ) -> None:
        answer = reader.get(f"/v1/pairs?{query}")
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert field in answer.json()["detail"]

    def test_paths_and_methods_that_are_not_there(self, reader: httpx.Client) -> None:
        for answer, status in (
            (reader.get("/v1/nothing"), 404),
            (reader.get("/static/../view.py"), 404),
            (reader.get("/static/%2e%2e/view.py"), 404),
            (reader.delete("/v1/pairs"), 405),
            (reader.get("/v1/facilities/WLD-2016-A/events"), 405),
        ):
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == status

    def test_names_that_nobody_has_select_nothing(self, reader: httpx.Client) -> None:
        for query in ("facility=NOPE", "partner=nobody", "kind=gift", "event_ref=%25"):
            assert reader.get(f"/v1/pairs?{query}").json()["items"] == []
        assert reader.get("/v1/balances?partner=nobody").json()["items"] == []


class TestLists:
    def test_facilities_show_their_terms(self, reader: httpx.Client) -> None:
        [facility] = reader.get("/v1/facilities").json()["items"]
        assert facility["id"] == "WLD-2016-A"
        assert facility["cut_off"] == "23:59:59"
        assert facility["rules"]["amount_tolerance"] == "0.01"
        assert [partner["name"] for partner in facility["partners"]] == [
            "huarui",
            "wuxi",
            "nanfeng",
        ]
        assert facility["partners"][0]["share_bps"] == {
            "principal": 4533,
            "interest": 4533,
            "fee": 4533,
        }

    def test_a_facility_shows_its_history(self, reader: httpx.Client) -> None:
        assert reader.get("/v1/facilities/NOPE").status_code == 404
        told = reader.get("/v1/facilities/WLD-2016-A").json()
        assert (told["state"], told["paused_by"], told["changes"]) == ("active", [], [])
        assert told["bounds"] == {"least_lead_share_bps": 0, "largest_partner_share_bps": 0}
        [shares], [rules] = told["share_versions"], told["rule_versions"]
        assert (shares["version"], shares["effective_from"]) == (1, None)
        assert shares["share_bps"]["huarui"]["interest"] == 4533
        assert (rules["amount_tolerance"], rules["cut_off"]) == ("0.01", "23:59:59")

    def test_balances_with_their_proof(self, reader: httpx.Client) -> None:
        body = reader.get("/v1/balances").json()
        assert body["as_of"]["block"] == 101
        first, second, third = body["items"]
        # principal 100.00 each: all but missing_at_lead in the lead's book, and so on
        assert first["lead_book"] == "600.00"
        assert first["partner_book"] == "606.35"
        assert first["agreed"] == "200.00"
        assert first["accepted_difference"] == "0.01"
        assert first["proof"] == "0.00"
        assert first["open_legs"] == 8
        assert first["pairs"] == dict.fromkeys(PAIR_TYPES, 1)
        assert first["low"] is True
        assert second["agreed"] == "-0.07"
        assert second["shortfall"] == "0.07"
        assert third["agreed"] == "0.00"

    def test_a_proof_that_is_not_0_is_shown(
        self, client: httpx.Client, engine: Engine, seed: Seed
    ) -> None:
        seed.accounts[1].partner_book += 5
        with engine.begin() as connection:
            seed.close_block(connection)
        assert client.get("/v1/balances").json()["items"][0]["proof"] == "0.05"

    def test_pending_stands_apart(self, client: httpx.Client, engine: Engine) -> None:
        before = client.get("/v1/balances").json()
        with engine.begin() as connection:
            waiting_event(connection)
        after = client.get("/v1/balances").json()
        assert after["items"] == before["items"]
        assert after["pending"] == [{"facility": "WLD-2016-A", "waiting": 1, "dead_letters": 0}]

    @pytest.mark.parametrize("type_", PAIR_TYPES)
    def test_each_type_is_found_where_it_belongs(self, reader: httpx.Client, type_: str) -> None:
        matched = type_ in ("matched", "within_tolerance")
        query = f"?type={type_}&partner=huarui"
        [pair] = reader.get(f"/v1/pairs{query}").json()["items"]
        assert pair["type"] == type_
        assert len(reader.get(f"/v1/matches{query}").json()["items"]) == matched
        assert len(reader.get(f"/v1/breaks{query}").json()["items"]) == (not matched)

    def test_a_pair_tells_both_halves(self, reader: httpx.Client) -> None:
        [pair] = reader.get("/v1/breaks?type=amount_and_date").json()["items"]
        assert pair["event_ref"] == "R-amount_and_date"
        assert pair["lead_leg"]["amount"] == "100.00"
        assert pair["lead_leg"]["value_date"] == "2026-03-02"
        assert pair["partner_leg"]["value_date"] == "2026-03-03"
        assert pair["difference"] == "3.17"
        assert pair["currency"] == "CNY"
        assert len(pair["reference"]) == 40
        [pair] = reader.get("/v1/breaks?type=missing_at_partner").json()["items"]
        assert pair["partner_leg"] is None
        assert pair["difference"] is None

    def test_filters_narrow(self, reader: httpx.Client) -> None:
        def refs(query: str) -> set[str]:
            items = reader.get(f"/v1/pairs?{query}").json()["items"]
            return {item["event_ref"] for item in items}

        assert refs("text=AMOUNT") == {"R-amount", "R-amount_and_date"}
        assert refs("text=_and_") == {"R-amount_and_date"}
        assert refs("kind=drawdown") == {"R-other"}
        assert refs("type=date&type=amount") == {"R-date", "R-amount"}
        assert refs("value_from=2026-03-03") == {"R-date", "R-amount_and_date"}
        assert refs("overdue=true") == set()

    def test_what_no_index_finds_is_looked_for_page_by_page(
        self, reader: httpx.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(queries, "LINES_A_PAGE", 2)
        everything = [f"R-{type_}" for type_ in reversed(PAIR_TYPES[:-2])]
        for path, wanted in (
            ("/v1/pairs?text=_and_", ["R-amount_and_date"]),
            ("/v1/pairs?limit=9", ["R-matched", "R-matched", "R-other", *everything]),
            ("/v1/matches?limit=9", ["R-other", "R-within_tolerance", "R-matched"]),
            ("/v1/pairs?event_ref=R-amount", ["R-amount"]),
            ("/v1/pairs?event_ref=R-amoun", []),
        ):
            page = reader.get(path).json()
            found, pages = page["items"], 1
            while page["next"] is not None:
                page = reader.get(f"{path}&cursor={page['next']}").json()
                found, pages = found + page["items"], pages + 1
            assert [one["event_ref"] for one in found] == wanted
            assert pages == (1 if "event_ref" in path else 5)

    def test_text_is_found_in_small_and_large_letters_of_any_alphabet(
        self, client: httpx.Client, engine: Engine, seed: Seed
    ) -> None:
        with engine.begin() as connection:
            for ref in ("ÉCOLE-1", "жёлтый-2"):
                seed.pair(connection, 1, Kind.FEE, ref, 100, "matched", day=START.date())
            seed.close_block(connection)
        for text, ref in (("école", "ÉCOLE-1"), ("ЖЁЛТ", "жёлтый-2")):
            found = client.get("/v1/pairs", params={"text": text}).json()["items"]
            assert [item["event_ref"] for item in found] == [ref]

    def test_overdue_by_the_chains_clock(
        self, client: httpx.Client, engine: Engine, seed: Seed
    ) -> None:
        with engine.begin() as connection:
            seed.close_block(connection, seconds=int(timedelta(hours=25).total_seconds()))
        found = client.get("/v1/breaks?overdue=true").json()["items"]
        assert {one["type"] for one in found} == {"missing_at_partner", "missing_at_lead"}
        assert client.get("/v1/balances").json()["items"][0]["overdue"] == 2

    def test_legs_and_rejections(self, reader: httpx.Client) -> None:
        legs = reader.get("/v1/legs?partner=huarui").json()["items"]
        assert len(legs) == 12 + 2
        assert {leg["side"] for leg in legs} == {"lead", "partner"}
        rejected = reader.get("/v1/rejections").json()["items"]
        assert [one["reason"] for one in rejected] == ["duplicate", "duplicate"]
        assert [one["bank"] for one in rejected] == ["huarui", "webank"]


class TestPages:
    def test_pages_hold_everything_once(self, reader: httpx.Client) -> None:
        for path in LISTS[:4]:
            whole = reader.get(path).json()["items"]
            paged = list(all_pages(reader, path, 3))
            assert [item for page in paged for item in page] == whole
            assert all(len(page) <= 6 for page in paged)

    def test_pages_stay_put_while_rows_arrive(
        self, client: httpx.Client, engine: Engine, seed: Seed
    ) -> None:
        whole = [pair["number"] for pair in client.get("/v1/pairs").json()["items"]]
        seen: list[int] = []
        for page in all_pages(client, "/v1/pairs", 2):
            seen += [pair["number"] for pair in page]
            with engine.begin() as connection:
                seed.pair(
                    connection, 3, Kind.FEE, f"NEW-{len(seen)}", 5, "matched", day=START.date()
                )
                seed.close_block(connection)
        assert seen == whole

    def test_the_quarantine_is_paged_too(self, node: Face) -> None:
        feeder = node.client("feeds")
        bulk: list[dict[str, Any]] = [{"event_id": f"E-{number}"} for number in range(5)]
        feeder.post("/v1/facilities/WLD-2016-A/events:bulk", json=bulk)
        pages = list(all_pages(feeder, "/v1/quarantine", 2))
        assert [len(page) for page in pages] == [2, 2, 1]
        assert [row["row"] for page in pages for row in page] == [5, 4, 3, 2, 1]


def push_fees(node: Face, count: int) -> None:
    """Push so many events, all accepted."""
    fees = [
        {
            "event_id": f"E{number}",
            "facility": "WLD-2016-A",
            "event_ref": f"R{number}",
            "kind": "fee",
            "amount": "10",
            "currency": "CNY",
            "value_date": "2026-03-02",
            "booked_at": "2026-03-02T00:00:00Z",
        }
        for number in range(count)
    ]
    answer = node.client("feeds").post("/v1/facilities/WLD-2016-A/events:bulk", json=fees)
    assert answer.json()["rows"]["accepted"] == count


class TestHealth:
    def test_the_chain_as_it_stands(self, node: Face, seed: Seed) -> None:
        client = node.client(None)
        for health, status, problems in (
            (NodeHealth(seed.block), "live", []),
            (NodeHealth(seed.block + 5), "live", []),
            (NodeHealth(seed.block + 6), "behind", ["read-model-behind"]),
            (NodeHealth(seed.block, stalled=True), "stalled", ["chain-stalled"]),
            (NodeHealth(None), "unreachable", ["chain-unreachable"]),
            (NodeHealth(None, wrong_chain="another"), "unreachable", ["wrong-chain"]),
            (NodeHealth(seed.block, posting_conflict="conflict"), "live", ["posting-stopped"]),
            (NodeHealth(seed.block, lease="elsewhere"), "live", ["lease-elsewhere"]),
            (NodeHealth(seed.block, database_fault="read-only"), "live", ["database"]),
            (NodeHealth(seed.block, free_disk_bytes=7, disk_is_low=True), "live", ["disk-low"]),
            (NodeHealth(None, disk_is_low=True), "unreachable", ["chain-unreachable", "disk-low"]),
        ):
            node.health = health
            body = client.get("/health").json()
            assert body["status"] == status
            assert body["chain"]["block"] == seed.block
            assert [one["name"] for one in body["problems"]] == problems
            assert body["warnings"] == []
            answer = client.get("/ready")
            assert answer.status_code == (503 if problems else 200)
            assert ("retry-after" in answer.headers) == bool(problems)
            if problems:
                assert answer.headers["content-type"] == "application/problem+json"
                told = answer.json()
                assert told["type"] == "urn:tallystick:problem:not-ready"
                assert told["problems"] == body["problems"]
                assert all(one["detail"] and one["remedy"] for one in told["problems"])

    def test_whose_figures_are_shown_where_nobody_can_check_them(
        self, node: Face, seed: Seed
    ) -> None:
        own, other = (
            EndpointOut(url=f"http://{name}:8545", state="good", head=seed.block, why="")
            for name in ("own", "other")
        )
        lying = other.model_copy(update={"state": "refused", "why": "two seals of one validator"})
        for endpoint, verifies, endpoints, is_own, warnings in (
            (own, False, [own, other], True, []),
            (other, False, [own, other], False, ["endpoint-unverified"]),
            (other, True, [own, other], False, []),
            (own, True, [own, lying], True, ["endpoint-refused"]),
        ):
            node.health = NodeHealth(
                seed.block, endpoint=endpoint.url, endpoints=endpoints, verifies=verifies
            )
            body = node.client(None).get("/health").json()
            assert (body["chain"]["verified"], body["chain"]["own_endpoint"]) == (verifies, is_own)
            assert [one["name"] for one in body["warnings"]] == warnings
            assert all("http://other:8545" in one["detail"] for one in body["warnings"])
            with node.engine.connect() as connection:
                shown = chain_state(connection, node.health, datetime.now(UTC)).unverified
            whose = "this bank’s own endpoint" if is_own else "another’s endpoint"
            assert shown == (
                "" if verifies else f"Not verified: as {whose} has it ({endpoint.url})"
            )

    def test_an_inbox_that_cannot_be_used_is_a_warning(self, node: Face, seed: Seed) -> None:
        node.health = NodeHealth(seed.block, inbox_trouble="no file is taken in: it is gone")
        client = node.client(None)
        assert client.get("/ready").status_code == 200
        assert [one["name"] for one in client.get("/health").json()["warnings"]] == ["inbox"]

    def test_the_lag_is_told_in_blocks_and_seconds(self, node: Face, seed: Seed) -> None:
        client = node.client(None)
        node.health = NodeHealth(seed.block)
        chain = client.get("/health").json()["chain"]
        assert (chain["lag_blocks"], chain["lag_seconds"]) == (0, 0)
        node.health = NodeHealth(seed.block + 2)
        chain = client.get("/health").json()["chain"]
        assert chain["lag_blocks"] == 2
        assert chain["lag_seconds"] == chain["age_seconds"] > 0
        node.health = NodeHealth(None)
        chain = client.get("/health").json()["chain"]
        assert (chain["head"], chain["lag_blocks"], chain["right_chain"]) == (None, None, None)

    def test_the_outbox_as_it_stands(self, node: Face, engine: Engine) -> None:
        client = node.client(None)
        assert client.get("/health").json()["outbox"] == {
            "waiting_events": 0,
            "fixed_batches": 0,
            "offered_batches": 0,
            "stopped_batches": 0,
            "oldest_seconds": 0,
            "dead_letters": 0,
        }
        push_fees(node, 7)  # 4 will be in batches, 1 a letter
        with engine.begin() as connection:
            ids = list(connection.execute(select(events.c.id).order_by(events.c.id)).scalars())
            aged = (datetime.now(UTC) - timedelta(seconds=90)).isoformat(timespec="milliseconds")
            for place, state in enumerate(("broadcast", "reverted", "stopped", "final")):
                batch = connection.execute(
                    insert(batches)
                    .values(
                        facility="WLD-2016-A",
                        facility_number=1,
                        sequence=place + 1,
                        legs=1,
                        digest=bytes(32),
                        gas_limit=1,
                        state=state,
                        sealed_at=aged,
                        calldata=b"",
                    )
                    .returning(batches.c.id)
                ).scalar_one()
                connection.execute(
                    update(events)
                    .where(events.c.id == ids[place])
                    .values(batch_id=batch, accepted_at=aged)
                )
            add_dead_letter(connection, ids[4], "too large")
        body = client.get("/health").json()
        age = body["outbox"].pop("oldest_seconds")
        assert 90 <= age < 120
        assert body["outbox"] == {
            "waiting_events": 2,
            "fixed_batches": 1,
            "offered_batches": 1,
            "stopped_batches": 1,
            "dead_letters": 1,
        }
        node.health = NodeHealth(node.health.head, facilities_stopped=("batch 3 has stopped",))
        answer = client.get("/ready")
        assert answer.status_code == 200
        assert answer.json()["posting"] == "stopped"
        names = [one["name"] for one in answer.json()["warnings"]]
        assert names == ["facility-stopped", "dead-letters"]

    def test_it_is_alive_without_its_database(self, node: Face, engine: Engine) -> None:
        if engine.dialect.name != "postgresql":
            pytest.skip("a file is there as long as it is open")
        client = node.client(None)
        with psycopg.connect(
            engine.url.set(drivername="postgresql", database="postgres").render_as_string(False),
            autocommit=True,
        ) as server:
            name = engine.url.database
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            body = client.get("/health").json()
            assert body["outbox"] is None
            assert body["database"]["writable"] is False
            assert [one["name"] for one in body["problems"]] == ["database"]
            assert client.get("/ready").status_code == 503
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        assert client.get("/ready").status_code == 200

    def test_events_are_taken_while_the_chain_is_away(self, node: Face) -> None:
        node.health = NodeHealth(None)
        push_fees(node, 1)


class TestOpenApi:
    def test_every_reference_leads_somewhere_and_every_operation_is_described(
        self, shared: Face
    ) -> None:
        document = shared.client(None).get("/openapi.json").json()
        assert document["openapi"].startswith("3.")
        for reference in references(document):
            found: Any = document
            for part in reference.removeprefix("#/").split("/"):
                found = found[part]
        for group in document["components"].values():
            assert all(re.fullmatch(r"[a-zA-Z0-9._-]+", name) for name in group)
        tags = {tag["name"] for tag in document["tags"]}
        for path, operations in document["paths"].items():
            for operation in operations.values():
                assert operation["summary"], path
                assert set(operation["tags"]) <= tags, path
                if path.startswith("/v1"):
                    assert operation["security"], path
                    problem = operation["responses"]["401"]["content"]
                    assert "application/problem+json" in problem
        assert '"example' in json.dumps(document["components"]["schemas"]["BalanceOut"])

    def test_another_method_is_told_all_that_there_are(self, shared: Face) -> None:
        client = shared.client(None)
        for path, operations in client.get("/openapi.json").json()["paths"].items():
            answer = client.request("TRACE", re.sub(r"\{\w+\}", "1", path))
            assert answer.status_code == 405, path
            allowed = answer.headers["Allow"]
            assert {method.upper() for method in operations} <= set(allowed.split(", ")), path
            assert answer.json()["detail"].endswith(f"use {allowed}"), path
        assert client.put("/v1/acts").headers["Allow"] == "GET, POST"

    def test_an_address_that_is_not_there_is_sent_nowhere_and_named_as_a_uri(
        self, shared: Face
    ) -> None:
        answer = shared.client("read").get("/v1/breaks/", headers={"Host": "elsewhere.example"})
        assert answer.status_code == 404 and "location" not in answer.headers
        odd = shared.client("read").get("/v1/no%20such%22one")
        assert odd.json()["instance"] == "/v1/no%20such%22one"

    def test_what_goes_wrong_is_described_as_it_is_answered(self, shared: Face) -> None:
        document = shared.client(None).get("/openapi.json").json()
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                wrong = {status for status in operation["responses"] if int(status) >= 400}
                assert {"404", "405", "422"} <= wrong, path
                if path.startswith("/v1"):
                    assert {"401", "403", "503"} <= wrong, path
                if method == "post":
                    assert {"400", "408", "413", "415"} <= wrong, path
                for status in wrong:
                    described = operation["responses"][status]
                    assert list(described["content"]) == ["application/problem+json"], path
                    assert described["description"], path

    def test_no_text_with_a_nul_and_no_number_beyond_64_bits(self, shared: Face) -> None:
        """Of every parameter that the document names; PostgreSQL refused both with a 500, and
        numbers that fit into 64 bits and not into their column."""
        client, document = shared.client("admin"), shared.client(None).get("/openapi.json").json()
        # What people alone may do is asked with a session.
        client.cookies = shared.signed_in("officer", "approver").cookies
        with_token(client)
        administrator = with_token(shared.signed_in("administrator"))
        tried = 0
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                parameters = operation.get("parameters", [])
                whole = re.sub(r"\{\w+\}", "1", path)
                for each in parameters:
                    text = json.dumps(each["schema"])
                    values = {"%00": True, "a%00b": True}
                    if '"integer"' in text:
                        values |= {str(2**63): True, str(-(2**64)): True, "9" * 5_000: True}
                        values |= {str(2**bits): False for bits in (15, 16, 31, 32, 62)}
                    for value, refused in values.items():
                        asked = f"{whole}?{each['name']}={value}"
                        if each["in"] == "path":
                            asked = path.replace(f"{{{each['name']}}}", value)
                        address = re.sub(r"\{\w+\}", "1", asked)
                        answer = client.request(method, address)
                        if answer.status_code == httpx.codes.FORBIDDEN:
                            answer = administrator.request(method, address)
                        assert answer.status_code < 500, (method, asked)
                        assert not refused or answer.status_code in (415, 422), (method, asked)
                        tried += 1
        assert tried > 100
        named = client.post("/v1/keys", json={"name": "a\0b", "role": "read"})
        assert named.status_code == 422

    def test_proposals_come_page_by_page(self, node: Face, client: httpx.Client) -> None:
        with node.engine.begin() as connection:
            for number in range(1, 8):
                connection.execute(
                    insert(proposals).values(
                        number=number, kind="evict", proposer=1, subject=2, asked="{}",
                        payload=b"", reason_hash=bytes(32), created_at=1, created_block=1,
                        tx_hash=bytes(32), expires_at=1 if number == 3 else 2**33,
                        state="rejected" if number == 5 else "open",
                    )
                )  # fmt: skip
        shown = [
            [item["number"] for item in page]
            for page in all_pages(client, "/v1/consortium/proposals", 3)
        ]
        assert shown == [[7, 6, 5], [4, 3, 2], [1]]
        for state, numbers in (("open", [7, 6, 4, 2, 1]), ("expired", [3]), ("rejected", [5])):
            found = client.get(f"/v1/consortium/proposals?state={state}").json()["items"]
            assert [item["number"] for item in found] == numbers


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(reference := value.get("$ref"), str):
            yield reference
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def waiting_event(connection: Any) -> None:
    """An accepted event that no batch carries yet."""
    at = "2026-03-02T00:00:00.000+00:00"
    feed = connection.execute(
        insert(feeds)
        .values(
            facility="WLD-2016-A",
            name="f",
            source="file",
            received_at=at,
            rows_in=1,
            accepted=1,
            duplicate=0,
            quarantined=0,
        )
        .returning(feeds.c.id)
    ).scalar_one()
    connection.execute(
        insert(events).values(
            feed_id=feed,
            row=2,
            facility="WLD-2016-A",
            event_id="W-1",
            content=b"c" * 32,
            identity=b"i" * 32,
            duplicate_leg=False,
            kind=2,
            partner=0,
            event_ref="W-1",
            amount=100,
            value_day=START.toordinal(),
            business_day=START.toordinal(),
            shares_day=0,
            booked_at=at,
            parts=3,
            accepted_at=at,
        )
    )


def test_facilities_come_in_pages_where_a_page_is_asked_for(
    client: httpx.Client, seed: Seed
) -> None:
    with seed.engine.begin() as connection:
        row = connection.execute(select(facilities)).one()._asdict()
        for number in range(row["number"] + 1, row["number"] + 5):
            one = {"number": number, "id": f"WLD-{number}", "state": "withdrawn"}
            connection.execute(insert(facilities), row | one)
            for table in (facility_partners, rule_versions, share_versions):
                for version in connection.execute(
                    select(table).where(table.c.facility == row["number"])
                ).all():
                    connection.execute(insert(table), version._asdict() | {"facility": number})
    whole = client.get("/v1/facilities").json()
    assert whole.keys() == {"items"}
    ids = [one["id"] for one in whole["items"]]
    assert len(ids) == 5
    assert ids[0] == "WLD-2016-A"
    pages = list(all_pages(client, "/v1/facilities", 2))
    assert [[one["id"] for one in page] for page in pages] == [
        [ids[4], ids[3]],
        [ids[2], ids[1]],
        [ids[0]],
    ]
    assert list(all_pages(client, "/v1/facilities", 5)) == [whole["items"][::-1]]
    for query in ("limit=0", "limit=1001", "cursor=nonsense"):
        assert client.get(f"/v1/facilities?{query}").status_code == 422, query


def test_completed_pairs_are_of_the_facility_that_was_not_withdrawn(seed: Seed) -> None:
    """A lead may propose one again under the id of one that it withdrew."""
    with seed.engine.begin() as connection:
        row = connection.execute(select(facilities)).one()._asdict()
        connection.execute(insert(facilities), row | {"number": 0, "state": "withdrawn"})
        assert completed_pairs(connection, seed.facility, {}) == 6


@pytest.mark.parametrize("number", [2**63 - 1, 2**63 - 2])
def test_a_number_that_no_line_has_is_not_found(reader: httpx.Client, number: int) -> None:
    for path in (f"/v1/pairs/{number}/certificate", f"/v1/breaks/{number}/suggestions"):
        assert reader.get(path).status_code == 404, path
