"""One event, followed through two nodes' logs: feed row, batch, transaction, match."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.config import load_config
from app.db import engine as db
from app.http import keys
from tests.e2e.two_nodes import FACILITY_ID, RunningNode, TwoNodes, two_nodes

WAIT_S = 60


def event(bank: str, number: int) -> dict[str, Any]:
    return {
        "event_id": f"{bank.upper()}-{number}",
        "facility": FACILITY_ID,
        "event_ref": f"L4711-{number}",
        "kind": "drawdown",
        "amount": "1000.00" if bank == "webank" else "800.00",
        "currency": "CNY",
        "value_date": "2026-03-02",
        "booked_at": "2026-03-02T09:15:00+08:00",
        "loan_ref": "L4711",
        "borrower_ref": "B-0815",
        "memo": "private matters",
    }


def lines(node: RunningNode) -> list[dict[str, Any]]:
    """Every line of a node's log is JSON, but for the address that it prints at its start."""
    found = []
    whole, _, _ = node.process.log.read_text().rpartition("\n")  # its last line may be half written
    for line in whole.splitlines():
        if not line.startswith(f"{node.bank} is at "):
            found.append(json.loads(line))
    return found


def one(found: list[dict[str, Any]], happening: str, **fields: Any) -> dict[str, Any]:
    """The only line of that happening with these fields."""
    (line,) = (
        line
        for line in found
        if line["event"] == happening
        and all(line.get(name) == value for name, value in fields.items())
    )
    return line


def follow(node: RunningNode, event_id: str) -> tuple[str, str]:
    """From the feed's row to the match; returns the reference and the transaction."""
    said = lines(node)
    accepted = next(
        line
        for line in said
        if line["event"] == "accepted" and event_id in dict(map(reversed, line["events"]))
    )
    assert accepted["facility"] == FACILITY_ID
    assert accepted["feed"] >= 1
    fixed = next(
        line
        for line in said
        if line["event"] == "batch sealed" and event_id in [leg[1] for leg in line["legs"]]
    )
    (reference,) = (leg[2] for leg in fixed["legs"] if leg[1] == event_id)
    batch = {"facility": FACILITY_ID, "sequence": fixed["sequence"]}
    offered, final = one(said, "batch broadcast", **batch), one(said, "batch final", **batch)
    assert final["transaction"] == offered["transaction"]
    assert final["block"] > 0
    matched = [
        pair for line in said if line["event"] == "matched" for pair in line["pairs"]
        if pair[5] == event_id
    ]  # fmt: skip
    assert matched == [[1, "drawdown", reference, "matched", fixed["sequence"], event_id]]
    order = [accepted, fixed, offered, final]
    assert [line["timestamp"] for line in order] == sorted(line["timestamp"] for line in order)
    return reference, final["transaction"]


def await_matched(node: RunningNode, count: int) -> None:
    """Wait until the node has told of so many matches, and of all of its batches that they are
    final: another bank's half can match in a block that the outbox has not looked at yet."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        said = lines(node)
        pairs = [pair for line in said if line["event"] == "matched" for pair in line["pairs"]]
        fixed, final = (
            {line["sequence"] for line in said if line["event"] == happening}
            for happening in ("batch sealed", "batch final")
        )
        if len(pairs) >= count and fixed == final:
            assert len(pairs) == count
            return
        time.sleep(0.1)
    pytest.fail(node.process.log.read_text()[-3000:])


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with two_nodes(tmp_path_factory.mktemp("following")) as running:
        yield running


def test_one_event_through_all_lines_of_two_nodes(nodes: TwoNodes) -> None:
    for node in (nodes.lead, nodes.partner):
        node.push(*(event(node.bank, number) for number in range(150)))
    for node in (nodes.lead, nodes.partner):
        await_matched(node, 150)
    of_lead = follow(nodes.lead, "WEBANK-137")
    of_partner = follow(nodes.partner, "HUARUI-137")
    assert of_lead[0] == of_partner[0]
    assert of_lead[1] != of_partner[1]
    # What the reference stands for is in no line, nor is anything of the customers or of keys.
    for node in (nodes.lead, nodes.partner):
        text = node.process.log.read_text()
        for secret in ("L4711", "B-0815", "private matters", node.key, node.key[16:]):
            assert secret not in text


def test_the_seconds_to_match_are_measured(nodes: TwoNodes) -> None:
    for node in (nodes.lead, nodes.partner):
        node.push(event(node.bank, 1000))
    for node in (nodes.lead, nodes.partner):
        await_matched(node, 151)
        config = load_config(node.process.log.parent / "bank.toml")
        engine = db.create(config.database_url)
        with engine.begin() as connection:
            _, key = keys.create(connection, "prometheus", "metrics")
        engine.dispose()
        answer = httpx.get(
            f"{node.url}/metrics", headers={"Authorization": f"Bearer {key}"}, timeout=10
        )
        samples = {
            (
                sample.name,
                sample.labels.get("facility"),
                sample.labels.get("endpoint"),
            ): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }
        name = "tally_accepted_to_matched_seconds"
        count = samples[f"{name}_count", FACILITY_ID, None]
        assert count == 151
        assert 0 < samples[f"{name}_sum", FACILITY_ID, None] / count < WAIT_S
        endpoint = next(key[2] for key in samples if key[0] == "tally_rpc_requests_total")
        assert endpoint is not None and endpoint.startswith("http://127.")
        assert samples["tally_rpc_requests_total", None, endpoint] > 10
        ready = httpx.get(f"{node.url}/ready", timeout=10)
        assert ready.status_code == 200, ready.text
        assert ready.json()["lease"] == "held"
        assert ready.json()["chain"]["endpoint"] == endpoint
        assert ready.json()["database"]["free_disk_bytes"] > 0
