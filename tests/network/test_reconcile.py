"""`tally reconcile --network`: run after run on one ledger that four validators keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.network.layout import Network
from tests.e2e.running import assert_says
from tests.network.running import manifest, reconcile, write_feed
from tests.reference import berka, oracle

pytestmark = pytest.mark.slow

FACILITY = """
id = "{id}"
lead = "ceska"
currency = "CZK"
time_zone = "UTC"
cut_off = "23:59:59"
[rules]
amount_tolerance = "0.00"
date_window_days = 0
match_deadline_hours = 24
[[partners]]
name = "brno"
share_bps = {{ principal = 8000, interest = 8000, fee = {fee} }}
low_balance = "0.00"
"""


def facility_file(folder: Path, id_: str, fee: int = 8000) -> Path:
    path = folder / f"{id_}-{fee}.toml"
    path.write_text(FACILITY.format(id=id_, fee=fee))
    return path


def counts(report: dict[str, Any]) -> dict[str, int]:
    return {type_: count for type_, count in report["pairs"]["brno"].items() if count}


@pytest.mark.skipif(not berka.loans_file().exists(), reason=f"{berka.loans_file()} is not there")
def test_it_finds_what_the_oracle_finds_and_counts_nothing_twice(
    running: Network, tmp_path: Path
) -> None:
    made = berka.generate(tmp_path / "feeds", loans=10)
    first = reconcile(running, made.facility, made.lead, made.partners, tmp_path / "one")
    assert_says(first, oracle.reconcile(made.facility, made.lead, made.partners))
    report = first.report()
    assert report["chain"]["engine"] == "edge"
    assert report["chain"]["chain_id"] == manifest(running)["chain_id"]
    assert report["chain"]["transactions"] > 0 and report["chain"]["gas_per_pair"] > 0

    again = reconcile(running, made.facility, made.lead, made.partners, tmp_path / "two").report()
    assert again["reserves"] == report["reserves"]
    assert again["chain"]["gas_per_pair"] is None
    for bank, rows in again["rows"].items():
        before = report["rows"][bank]
        assert rows["in"] == before["in"]
        assert rows["duplicate"] == before["duplicate"] + before["accepted"]
    for partner, pairs in again["pairs"].items():
        # A reversal that came before its target finds it on the chain now, and may repeat one.
        without = {type_: n for type_, n in pairs.items() if not type_.startswith("duplicate")}
        assert without.items() <= report["pairs"][partner].items()


def test_rows_are_this_runs_and_pairs_the_whole_ledgers(running: Network, tmp_path: Path) -> None:
    """In a facility of which only some of the members are parties."""
    facility = facility_file(tmp_path, "SOME-1")
    day_one = (
        write_feed(tmp_path / "ceska-1.csv", "SOME-1", [("drawdown", "D1", "1000.00"),
                                                        ("principal", "P1", "100.00")]),
        write_feed(tmp_path / "brno-1.csv", "SOME-1", [("drawdown", "D1", "800.00"),
                                                       ("principal", "P1", "80.00")]),
    )  # fmt: skip
    day_two = (
        write_feed(tmp_path / "ceska-2.csv", "SOME-1", [("interest", "I1", "50.00")]),
        write_feed(tmp_path / "brno-2.csv", "SOME-1", [("interest", "I1", "40.00"),
                                                       ("interest", "I2", "7.00")]),
    )  # fmt: skip

    def run(name: str, feeds: tuple[Path, Path]) -> tuple[int, dict[str, Any]]:
        lead, partner = feeds
        outcome = reconcile(running, facility, lead, {"brno": partner}, tmp_path / name)
        assert outcome.code in (0, 1), outcome.stderr
        return outcome.code, outcome.report()

    code, first = run("one", day_one)
    assert code == 0, first
    assert counts(first) == {"matched": 2}
    assert first["reserves"]["brno"]["agreed"] == "-720.00"

    code, second = run("two", day_two)
    assert code == 1
    assert second["rows"]["ceska"] == {"in": 1, "accepted": 1, "duplicate": 0, "quarantined": 0}
    assert second["rows"]["brno"] == {"in": 2, "accepted": 2, "duplicate": 0, "quarantined": 0}
    assert counts(second) == {"matched": 3, "missing_at_lead": 1}
    assert second["reserves"]["brno"] == {
        "currency": "CZK",
        "lead_book": "-680.00",
        "partner_book": "-673.00",
        "agreed": "-680.00",
        "proof": "0.00",
    }
    assert second["chain"]["transactions"] == 2

    _, third = run("three", day_one)
    assert all(
        rows == {"in": 2, "accepted": 0, "duplicate": 2, "quarantined": 0}
        for rows in third["rows"].values()
    )
    assert third["pairs"] == second["pairs"] and third["reserves"] == second["reserves"]
    assert third["chain"]["transactions"] == 0 and third["chain"]["gas_per_pair"] is None

    other_terms = facility_file(tmp_path, "SOME-1", fee=7000)
    outcome = reconcile(running, other_terms, day_one[0], {}, tmp_path / "four")
    assert outcome.code == 2
    assert "SOME-1" in outcome.stderr and "other terms" in outcome.stderr


def test_a_bank_outside_the_network_is_refused(running: Network, tmp_path: Path) -> None:
    facility = facility_file(tmp_path, "SOME-2")
    facility.write_text(facility.read_text().replace("brno", "olomouc"))
    feed = write_feed(tmp_path / "feed.csv", "SOME-2", [("drawdown", "D1", "1.00")])
    outcome = reconcile(running, facility, feed, {}, tmp_path / "out")
    assert outcome.code == 2
    assert "olomouc" in outcome.stderr
