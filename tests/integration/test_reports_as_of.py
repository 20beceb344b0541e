"""The reports of members, terms, closed days, limits and exceptions: as of each moment of a history
what they said at that moment, and the same bytes from every node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.actions import days, facilities
from app.actions.view import View
from app.contracts.proposals import about
from app.db.engine import create, upgrade
from app.domain.kinds import Kind
from app.readmodel.days.queries import day_records
from app.readmodel.directory import directory
from app.readmodel.facilities.history import facility_history
from app.reports.catalogue import FORMATS, REPORTS
from app.reports.source import Request, open_source
from tests.integration.faces import face
from tests.integration.posted import TODAY, Event, World
from tests.integration.quarantining import quarantine_amount
from tests.integration.test_actions import Bank, done
from tests.integration.test_consortium import DAY_S, carry, council, given_key, later
from tests.integration.vaults import VAULT

NAMES = ("membership", "limits", "day-closes", "exceptions")
NODES = ("webank", "huarui", "auditor")
REASON = "as agreed"
YESTERDAY = TODAY - 1
RULES_FROM = TODAY + 60


@dataclass
class History:
    """What the lead's node said at each moment, and the nodes that read all of it since."""

    world: World
    engines: dict[str, Engine]
    said: dict[str, tuple[int, dict[str, bytes]]]

    def made(self, name: str, bank: str, moment: str | None, partner: str | None) -> bytes:
        block = None if moment is None else self.said[moment][0]
        return written(self.engines[bank], name, block, partner)

    def section(self, name: str, section: str, moment: str | None = None) -> list[dict[str, Any]]:
        body = json.loads(self.made(name, "webank", moment, None))
        return next(one["rows"] for one in body["sections"] if one["name"] == section)


def written(engine: Engine, name: str, block: int | None, partner: str | None) -> bytes:
    request = Request(
        facility="WLD-2016-A", first=date.min, last=date.max, partner=partner, block=block
    )
    with open_source(engine, request) as source:
        path = Path(str(engine.url.database)).with_name("report.json")
        FORMATS["json"].write(REPORTS[name](source), path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def history(founded_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    world = founded_world
    with ExitStack() as stack:
        engines = {}
        for bank in NODES:
            engine = create(f"sqlite:///{tmp_path_factory.mktemp(bank) / 'node.db'}", vault=VAULT)
            stack.callback(engine.dispose)
            upgrade(engine)
            engines[bank] = engine
        history = History(world, engines, {})
        make(history)
        for bank in NODES:
            world.indexer(bank, engines[bank]).advance()
        yield history


def make(history: History) -> None:
    world, engine = history.world, history.engines["webank"]
    banks = {
        name: Bank(world, name, View(engine, name, lambda: world.sealing_keys("webank")))
        for name in ("webank", *world.partners)
    }
    lead, huarui = banks["webank"], banks["huarui"]

    def mark(moment: str) -> None:
        # Told from the next block by its time.
        world.rpc.call("evm_increaseTime", [1])
        lead.read()
        block = int(world.rpc.call("eth_blockNumber", []), 16)
        said = {name: written(engine, name, block, None) for name in NAMES}
        history.said[moment] = (block, said)

    mark("founded")
    parts = {"huarui": 453_300, "wuxi": 246_700, "nanfeng": 99_900}
    world.post("webank", Event(Kind.DRAWDOWN, "L1", 1_000_000), Event(Kind.TOP_UP, "T", 100, 9))
    mark("one book")
    for bank, amount in parts.items():
        world.post(bank, Event(Kind.DRAWDOWN, "L1", amount))
    world.post("webank", Event(Kind.PRINCIPAL, "L1", 100_000))
    world.post("huarui", Event(Kind.PRINCIPAL, "L1", 45_330), Event(Kind.FEE, "ALONE", 7))
    mark("drawn")
    account = days.find_account(huarui.view, "WLD-2016-A", None)
    statement = days.own_statement(lead.view, account, YESTERDAY)
    done(lead.days(days.propose, days.ProposeDay(account, statement)))
    done(
        lead.facilities(
            facilities.propose_rules,
            facilities.ProposeRules("WLD-2016-A", RULES_FROM, "0.05", None, None, None, REASON),
        )
    )
    suspension = carry(world, about("suspend", world.numbers["outsider"]), "huarui", "nanfeng")
    mark("proposed")
    seen = days.day_to_answer(huarui.view, account)
    done(huarui.days(days.confirm, days.ConfirmDay(account, seen.statement_hash)))
    with engine.connect() as connection:
        [change] = facility_history(connection, directory(connection), world.facility).changes
    for name in world.partners:
        accepted = facilities.AcceptChange("WLD-2016-A", change.number, change.hash)
        done(banks[name].facilities(facilities.accept_change, accepted))
    council(world, "wuxi").vote([suspension], True)
    done(huarui.facilities(facilities.pause, facilities.PauseFacility("WLD-2016-A", REASON)))
    mark("decided")
    asked, _ = given_key(world, "outsider", "recovery")
    replacement = carry(world, asked, "huarui", "wuxi")
    reopening = days.ProposeReopening(account, YESTERDAY, REASON)
    done(lead.days(days.propose_reopening, reopening))
    mark("waiting")
    waiting = days.last_closed(huarui.view, account).reopening_hash
    assert waiting is not None
    confirmed = days.ConfirmReopening(account, YESTERDAY, waiting)
    done(huarui.days(days.confirm_reopening, confirmed))
    done(huarui.facilities(facilities.resume, facilities.ResumeFacility("WLD-2016-A", None)))
    later(world, 7 * DAY_S)
    council(world, "wuxi").enact(replacement)
    mark("undone")


@pytest.mark.parametrize("name", NAMES)
def test_a_past_block_says_what_was_said_then(history: History, name: str) -> None:
    for moment, (_, said) in history.said.items():
        assert history.made(name, "webank", moment, None) == said[name], moment


@pytest.mark.parametrize("name", NAMES)
def test_every_node_says_the_same(history: History, name: str) -> None:
    for moment in history.said:
        assert history.made(name, "webank", moment, None) == history.made(
            name, "auditor", moment, None
        )
        made = {history.made(name, bank, moment, "huarui") for bank in NODES}
        assert len(made) == 1, moment


def test_members_keys_and_terms(history: History) -> None:
    def member(moment: str) -> str:
        rows = history.section("membership", "members", moment)
        return next(str(row["state"]) for row in rows if row["member"] == "outsider")

    assert [member(one) for one in ("proposed", "decided")] == ["active", "suspended"]
    states = [
        [row["state"] for row in history.section("membership", "proposals", moment)]
        for moment in ("drawn", "proposed", "decided", "waiting", "undone")
    ]
    assert states == [
        [],
        ["open"],
        ["enacted"],
        ["enacted", "waiting"],
        ["enacted", "enacted"],
    ]
    [suspended, replaced] = history.section("membership", "proposals")
    assert (suspended["what"], suspended["member"], suspended["by"]) == (
        "suspend",
        "outsider",
        "webank",
    )
    assert suspended["in_favour"] == "webank, huarui, nanfeng, wuxi"
    keys = [
        (row["given_by"], row["retired_block"] is None)
        for row in history.section("membership", "keys")
        if (row["member"], row["purpose"]) == ("outsider", "recovery")
    ]
    assert keys == [("admission", False), ("vote", True)]
    assert replaced["what"] == "replace_key"
    rules = [
        [row["version"] for row in history.section("membership", "rules", moment)]
        for moment in ("proposed", "decided")
    ]
    assert rules == [[1], [1, 2]]
    [change] = history.section("membership", "changes")
    assert change["by"] == "webank"
    assert change["accepted_by"] == "webank, huarui, wuxi, nanfeng"
    assert change["version"] == 2
    [terms] = history.section("membership", "terms", "decided")
    assert (terms["state"], terms["observers"]) == ("paused", "auditor")
    contract = history.world.registry
    assert terms["hash"] == "0x" + contract.terms_hash(contract.terms(history.world.facility)).hex()
    assert history.section("membership", "terms")[0]["state"] == "active"


def test_what_is_drawn_of_each_partner(history: History) -> None:
    def drawn(moment: str) -> dict[str, list[str]]:
        return {
            row["partner"]: [row[f"{one}_drawn"] for one in ("lead", "partner", "agreed")]
            for row in history.section("limits", "concentration", moment)
        }

    assert drawn("founded")["huarui"] == ["0.00"] * 3
    assert drawn("one book")["huarui"] == ["4533.00", "0.00", "0.00"]
    assert drawn("drawn") == {
        "huarui": ["4079.70", "4079.70", "4079.70"],
        "wuxi": ["2220.30", "2467.00", "2467.00"],
        "nanfeng": ["899.10", "999.00", "999.00"],
    }
    [huarui, *_] = history.section("limits", "concentration")
    # 4,079.70 of 7,545.70; by the terms 4,533 of 7,999
    assert (huarui["drawn_bps"], huarui["terms_bps"], huarui["deviation_bps"]) == (5406, 5666, -260)
    assert (huarui["lower_book"], huarui["below_low_balance"]) == ("-4079.70", "yes")
    bounds = history.section("limits", "bounds")
    assert [row["lead_bps"] for row in bounds] == [2001, 2999, 4468]
    assert {row["within_bounds"] for row in bounds} == {"yes"}


def test_statements_of_days(history: History) -> None:
    states = [
        [row["state"] for row in history.section("day-closes", "statements", moment)]
        for moment in ("drawn", "proposed", "decided", "waiting", "undone")
    ]
    assert states == [[], ["proposed"], ["closed"], ["closed"], ["reopened"]]
    [statement] = history.section("day-closes", "statements", "decided")
    assert (statement["proposed_by"], statement["answered_by"]) == ("webank", "huarui")
    with history.engines["webank"].connect() as connection:
        [record] = day_records(connection)
    assert statement["statement_hash"] == "0x" + record.statement_hash.hex()
    carried = history.section("day-closes", "carried_forward", "decided")
    assert [(row["kind"], row["event_ref"]) for row in carried] == [("fee", "ALONE")]


def test_exceptions_are_a_banks_own(history: History) -> None:
    [rejected] = history.section("exceptions", "rejected")
    assert (rejected["reason"], rejected["bank"], rejected["amount"]) == (
        "unknown_partner",
        "webank",
        "1.00",
    )
    engine = history.engines["huarui"]
    with engine.begin() as connection:
        quarantine_amount(connection, "may.csv", b"Wang Xiaoming")
    own = json.loads(written(engine, "exceptions", None, "huarui"))
    [row] = next(one["rows"] for one in own["sections"] if one["name"] == "quarantined")
    assert (row["feed"], row["row"], row["field"]) == ("may.csv", 2, "amount")
    assert "Wang" not in json.dumps(own, ensure_ascii=False)
    assert own["parameters"]["own_rows"].startswith("those of huarui")
    for bank, moment, partner in (
        ("huarui", "drawn", "huarui"),
        ("huarui", None, "wuxi"),
        ("auditor", None, None),
    ):
        body = json.loads(history.made("exceptions", bank, moment, partner))
        assert [one["name"] for one in body["sections"]] == ["rejected"]


def test_every_format_and_rest(history: History) -> None:
    with face(history.engines["webank"]) as node, node.client("read") as client:
        for name in NAMES:
            for format_ in FORMATS.values():
                answer = client.get(
                    f"/v1/reports/{name}",
                    params={
                        "facility": "WLD-2016-A",
                        "from": "2026-01-01",
                        "to": "2026-12-31",
                        "format": format_.name,
                    },
                )
                assert answer.status_code == 200, (name, format_.name, answer.text)
                assert answer.headers["content-type"] == format_.media_type
