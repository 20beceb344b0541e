"""Decision 0086 names a bound for every function by which a member makes something."""

from __future__ import annotations

from pathlib import Path

from app.contracts.abi import load_abi
from app.domain.consortium import CONTRACTS

_PAGE = Path(__file__).parents[2] / "docs/decisions/0086-what-one-member-makes-alone.md"
_BY_CONTRACTS_ALONE = {
    "initialize",
    "upgradeToAndCall",
    "openAccount",
    "record",
    "settleHold",
    "closeThrough",
    "markHeld",
    "numberAct",
}


def test_each_function_has_its_bound() -> None:
    named: set[str] = set()
    for line in _PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        contract, _, functions = cells[0].partition(".")
        if contract in CONTRACTS:
            assert len(cells) == 3 and cells[1]
            named |= {f"{contract}.{function}" for function in functions.split(", ")}
    there = {
        f"{contract}.{entry['name']}"
        for contract in CONTRACTS
        for entry in load_abi(contract)
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }
    assert named == {one for one in there if one.partition(".")[2] not in _BY_CONTRACTS_ALONE}
