"""Suggestions for breaks on a bank's database: which legs, in what bounds, and who sees what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert, update
from typer.testing import CliRunner

from app.cli.breaks import breaks
from app.db.engine import create
from app.db.vault import Vault
from app.domain.kinds import Kind
from app.intake.tables import events, feeds
from app.keys.keystore import STORAGE, create_keys
from app.keys.versions import KeyVersions
from app.logs import configure_logs
from app.outbox.loans import loan_refs
from app.outbox.tables import batches
from app.readmodel import tables
from app.readmodel.pairs.suggestions import LegPlace
from tests.integration.faces import Face, face
from tests.integration.seeded import START, Seed
from tests.integration.test_api_events import assert_problem
from tests.integration.test_query_plans import Statements, check

DAY = START.date()
LEAD, PARTNER = "missing_at_partner", "missing_at_lead"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("bank")
    (folder / "bank.toml").write_text(
        f'name = "webank"\nkeys = "{folder}/keys"\ndatabase_url = "sqlite:///{folder}/node.db"\n'
        f'manifest = "network.json"\nrpc = "http://127.0.0.1:1"\ninbox = "{folder}/inbox"\n'
        "development = true\n"
    )
    create_keys(folder / "keys", development=True)
    vault = Vault(KeyVersions(folder / "keys", STORAGE, development=True))
    engine = create(f"sqlite:///{folder}/node.db", vault=vault)
    seed = Seed(engine)
    with engine.begin() as connection:
        for each in (
            (1, Kind.PRINCIPAL, "RP-1", 80_00, LEAD),  # 1
            (1, Kind.PRINCIPAL, "ＲＰ-1", 80_00, PARTNER),  # 2
            (2, Kind.PRINCIPAL, "rp-1", 80_00, PARTNER),  # 3: another account
            (1, Kind.PRINCIPAL, "RP-9", 90_00, LEAD),  # 4
            (1, Kind.PRINCIPAL, "RP-9 ", 95_00, PARTNER),  # 5: another amount
            (1, Kind.FEE, "F-1", 12_00, LEAD),  # 6
            (1, Kind.FEE, "F-2", 12_00, "matched"),  # 7
        ):
            partner, kind, ref, amount, status = each
            seed.pair(connection, partner, kind, ref, amount, status, day=DAY)
        seed.pair(connection, 1, Kind.FEE, "F–1", 12_00, PARTNER, day=DAY + timedelta(11))  # 8
        sealed = seed.pair(
            connection, 1, Kind.PRINCIPAL, "R-1", 80_00, PARTNER, day=DAY, ref_known=False
        )  # 9
        resolved = seed.pair(connection, 1, Kind.PRINCIPAL, "rp-1", 80_00, PARTNER, day=DAY)  # 10
        connection.execute(
            update(tables.pairs).where(tables.pairs.c.number == resolved).values(action="write_off")
        )
        loan(connection, seed, "A-77", "L4711", vault)  # 11
        seed.pair(connection, 1, Kind.PRINCIPAL, "L4711-X", 70_00, PARTNER, day=DAY)  # 12
        assert sealed == 9
    yield engine
    engine.dispose()


def loan(connection: Connection, seed: Seed, event_ref: str, loan_ref: str, vault: Vault) -> None:
    """An own leg of the lead whose event has a loan."""
    seed.pair(connection, 1, Kind.PRINCIPAL, event_ref, 70_00, LEAD, day=DAY)
    feed = connection.execute(
        insert(feeds)
        .values(
            facility="WLD-2016-A", name="f", source="file", received_at="2026-03-02",
            rows_in=1, accepted=1, duplicate=0, quarantined=0,
        )
        .returning(feeds.c.id)
    ).scalar_one()  # fmt: skip
    batch = connection.execute(
        insert(batches)
        .values(
            facility="WLD-2016-A", facility_number=1, sequence=seed.sequences[1], state="final",
            legs=1, digest=b"d" * 32, calldata=b"", gas_limit=1, sealed_at="2026-03-02",
        )
        .returning(batches.c.id)
    ).scalar_one()  # fmt: skip
    connection.execute(
        insert(events).values(
            feed_id=feed, row=2, facility="WLD-2016-A", event_id="E", content=b"c" * 32,
            identity=b"i" * 32, duplicate_leg=False, kind=2, partner=0, event_ref=event_ref,
            amount=70_00, value_day=1, business_day=1, shares_day=0, booked_at="2026-03-02",
            details=vault.sealer()(json.dumps({"loan_ref": loan_ref}).encode()), parts=1,
            accepted_at="2026-03-02", batch_id=batch, leg_index=1,
        )
    )  # fmt: skip


@pytest.fixture(scope="module")
def node(engine: Engine) -> Iterator[Face]:
    with face(engine) as served:
        yield served


def suggested(node: Face, path: str) -> list[tuple[int, int, int]]:
    answer = node.client("read").get(f"/v1/{path}")
    assert answer.status_code == 200, answer.text
    return [
        (one["lead"]["number"], one["partner"]["number"], one["score"])
        for one in answer.json()["items"]
    ]


def test_only_legs_that_wait_on_both_sides_of_one_account_are_suggested(node: Face) -> None:
    found = suggested(node, "suggestions")
    assert [(lead, partner) for lead, partner, _ in found] == [(11, 12), (1, 2)]
    assert found[1][2] == 10_000
    assert suggested(node, "suggestions?partner=wuxi") == []
    assert suggested(node, "suggestions?facility=OTHER") == []


@pytest.mark.parametrize(
    ("number", "expected"), [(1, [(1, 2)]), (2, [(1, 2)]), (5, []), (7, []), (9, []), (10, [])]
)
def test_of_one_break_from_either_side(
    node: Face, number: int, expected: list[tuple[int, int]]
) -> None:
    found = suggested(node, f"breaks/{number}/suggestions")
    assert [(lead, partner) for lead, partner, _ in found] == expected


def test_every_factor_is_explained(node: Face) -> None:
    (one,) = node.client("read").get("/v1/breaks/1/suggestions").json()["items"]
    assert {each["name"]: each["because"] for each in one["factors"]} == {
        "reference": "differ only in full-width or compatibility forms",
        "amount": "are the same",
        "date": "are the same",
        "kind": "are the same",
    }
    weighted = sum(each["points"] * each["weight"] for each in one["factors"])
    assert one["score"] == weighted // sum(each["weight"] for each in one["factors"])


def test_the_banks_own_loan_counts_and_is_not_shown(node: Face) -> None:
    answer = node.client("read").get("/v1/breaks/11/suggestions")
    (one,) = answer.json()["items"]
    (factor,) = [each for each in one["factors"] if each["name"] == "loan"]
    assert factor["points"] == 10_000
    assert "L4711" not in json.dumps(one["factors"])


def test_the_other_banks_loans_are_not_read(engine: Engine) -> None:
    """The partner's node: the lead's posting of the same number is none of its own."""
    with face(engine, bank="huarui", member=2, role="partner") as served:
        with engine.begin() as connection:
            connection.execute(update(tables.cursor).values(member=2))
        try:
            answer = served.client("read").get("/v1/breaks/12/suggestions").json()["items"]
        finally:
            with engine.begin() as connection:
                connection.execute(update(tables.cursor).values(member=1))
    assert all(each["name"] != "loan" for one in answer for each in one["factors"])


def test_pages_go_on_where_one_ended(node: Face) -> None:
    client, found, cursor = node.client("read"), [], ""
    while True:
        page = client.get(f"/v1/suggestions?limit=1{cursor}").json()
        found += [one["lead"]["number"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == [11, 1]


def test_what_is_asked_wrongly(node: Face) -> None:
    client = node.client("read")
    assert_problem(client.get("/v1/breaks/999/suggestions"), 404, "unknown-break")
    assert_problem(client.get("/v1/breaks/x/suggestions"), 422, "invalid-request")
    assert_problem(node.client("feeds").get("/v1/suggestions"), 403, "forbidden")


def test_candidates_are_found_by_an_index(node: Face, engine: Engine) -> None:
    with Statements(engine) as statements:
        suggested(node, "suggestions")
    check(engine, statements.seen)
    with engine.connect() as connection:
        assert loan_refs(connection, [LegPlace("WLD-2016-A", 99, 1)]) == {}


def run(*arguments: str, engine: Engine) -> Any:
    configure_logs()
    config = Path(engine.url.database or "").with_name("bank.toml")
    result = CliRunner().invoke(breaks, ["suggest", *arguments, "--config", str(config)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_shows_the_same(engine: Engine) -> None:
    shown = run(engine=engine)
    assert "100.00 % WLD-2016-A huarui" in shown
    assert "differ only in full-width" in shown
    items = json.loads(run("1", "--json", engine=engine))["items"]
    assert [one["partner"]["event_ref"] for one in items] == ["ＲＰ-1"]
    assert run("7", engine=engine) == ""
