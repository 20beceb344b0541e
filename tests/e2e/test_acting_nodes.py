"""Two running nodes as processes: people of both banks resolve a break through REST."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from app.people.second_factor import DEVELOPMENT_CODE
from tests.e2e.two_nodes import FACILITY_ID, RunningNode, two_nodes
from tests.feeds import row_now
from tests.integration.posting import await_true


def top_up(amount: str, **cells: str) -> dict[str, Any]:
    common = {"facility": FACILITY_ID, "event_ref": "FEE", "kind": "top_up", "amount": amount}
    return row_now(f"FEE-{amount}", **common | cells)


def acts(node: RunningNode, **asked: Any) -> dict[str, Any]:
    """The officer prepares, the approver signs; the act as it ended."""
    with node.person("officer") as officer, node.person("approver") as approver:
        prepared = officer.post("/v1/acts", json=asked)
        assert prepared.status_code == 201, prepared.text
        act = prepared.json()
        body = {"hash": act["hash"], "code": DEVELOPMENT_CODE}
        signed = approver.post(f"/v1/acts/{act['number']}/sign", json=body)
        assert signed.status_code == 200, signed.text
        address = f"/v1/acts/{act['number']}"
        await_true(lambda: approver.get(address).json()["state"] == "signed", "the act signed", 60)
        found: dict[str, Any] = approver.get(address).json()
        return found


def test_people_of_two_banks_resolve_a_break(tmp_path: Path) -> None:
    with two_nodes(tmp_path) as nodes:
        nodes.lead.push(top_up("100.00", partner="huarui"))
        nodes.partner.push(top_up("110.00"))
        lead, partner = nodes.lead.reader(), nodes.partner.reader()
        with lead, partner:
            for client in (lead, partner):
                _await(client, "type", "amount")
            proposed = acts(
                nodes.lead,
                act="breaks.propose",
                pair=_one(lead)["number"],
                action="adjust",
                side="lead",
                reason="we booked the fee twice",
            )
            assert (proposed["prepared_by"], proposed["signed_by"]) == (
                "Officer (development)",
                "Approver (development)",
            )
            await_true(lambda: _one(partner)["proposal"] is not None, "the proposal", 60)
            waits = _one(partner)
            acts(
                nodes.partner,
                act="breaks.accept",
                pair=waits["number"],
                resolution=waits["proposal"]["number"],
            )
            for client in (lead, partner):
                _await(client, "resolution", "adjust")


def _one(client: httpx.Client) -> dict[str, Any]:
    """The one pair that both banks have; empty before it is read."""
    found = client.get("/v1/pairs").json()["items"]
    assert len(found) <= 1
    one: dict[str, Any] = found[0] if found else {}
    return one


def _await(client: httpx.Client, name: str, value: str) -> None:
    await_true(lambda: _one(client).get(name) == value, f"{name} {value}", 60)
