"""`tally reconcile` agrees with the oracle on feeds made of corners."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.running import assert_says, reconcile_in_process, today
from tests.reference import oracle, random_feeds

QUICK = range(6)
MORE = range(6, 110)
LEAD_SPLITS = (0, 5)
"""Seeds whose lead splits by itself, where it may."""


def check(tmp_path: Path, seed: int, *, lead_splits: bool = False) -> None:
    case = random_feeds.generate(tmp_path, seed, lead_may_split=lead_splits)
    assert ('split = "lead"' in case.facility.read_text()) == lead_splits
    before = today()
    outcome = reconcile_in_process(case.facility, case.lead, case.partners, tmp_path / "out")
    if today() != before:  # at midnight the bound of 30 days moved: once more, on one day
        outcome = reconcile_in_process(case.facility, case.lead, case.partners, tmp_path / "again")
    assert_says(outcome, oracle.reconcile(case.facility, case.lead, case.partners))


@pytest.mark.parametrize("seed", QUICK)
def test_random_feeds(tmp_path: Path, seed: int) -> None:
    check(tmp_path, seed)


@pytest.mark.parametrize("seed", LEAD_SPLITS)
def test_random_feeds_of_a_lead_that_splits_by_itself(tmp_path: Path, seed: int) -> None:
    check(tmp_path, seed, lead_splits=True)


@pytest.mark.slow
@pytest.mark.parametrize("seed", MORE)
def test_more_random_feeds(tmp_path: Path, seed: int) -> None:
    check(tmp_path, seed)
