"""The inputs of `../shared/cases` that failed once, by the real `tally reconcile`: what the two
halves come to, and what is in the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import LINE_HEADER, QUARANTINE_HEADER, Outcome, reconcile_in_process

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
FORMULA_STARTS = "=+-@\t\r＝＋－＠−"


def run(name: str, out: Path) -> Outcome:
    folder = CASES / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    feeds = {"nanning": folder / "nanning.csv"}
    return reconcile_in_process(folder / "fac.toml", folder / "lead.csv", feeds, out)


def pairs(outcome: Outcome) -> dict[str, int]:
    found: dict[str, Any] = outcome.report()["pairs"]["nanning"]
    return {type_: count for type_, count in found.items() if count}


def test_01_no_pair_is_matched_on_a_mangled_reference(tmp_path: Path) -> None:
    outcome = run("01-excel-scientific-ids", tmp_path / "out")
    assert (outcome.code, pairs(outcome)) == (1, {})


def test_13_lookalike_references_match_nothing(tmp_path: Path) -> None:
    outcome = run("13-lookalike-references", tmp_path / "out")
    assert (outcome.code, pairs(outcome)) == (
        1,
        {"missing_at_partner": 8, "missing_at_lead": 4},
    )


def test_14_no_cell_of_the_files_is_a_formula(tmp_path: Path) -> None:
    outcome = run("14-csv-injection", tmp_path / "out")
    assert pairs(outcome)["matched"] == 1
    for name, header in (
        ("matched.csv", LINE_HEADER),
        ("breaks.csv", LINE_HEADER),
        ("quarantine.csv", QUARANTINE_HEADER),
    ):
        differences = header.index("difference") if "difference" in header else None
        for line in outcome.lines(name, header):
            texts = [cell for at, cell in enumerate(line) if cell and at != differences]
            assert texts
            assert not [cell for cell in texts if cell[0] in FORMULA_STARTS]


def test_19_a_reversal_before_its_target_is_matched(tmp_path: Path) -> None:
    outcome = run("19-newest-first-reversal", tmp_path / "out")
    assert (outcome.code, pairs(outcome)) == (0, {"matched": 3})
    assert outcome.report()["reserves"]["nanning"]["agreed"] == "-800.00"


def test_20_a_partial_reversal_leaves_the_books_equal(tmp_path: Path) -> None:
    outcome = run("20-partial-reversal", tmp_path / "out")
    assert (outcome.code, pairs(outcome)) == (1, {"matched": 2})
    reserve = outcome.report()["reserves"]["nanning"]
    assert reserve["lead_book"] == reserve["partner_book"] == "-400.00"
    reasons = [line[-1] for line in outcome.lines("quarantine.csv", QUARANTINE_HEADER)]
    assert all("a new principal of" in reason for reason in reasons)
