"""The same feeds end the same on either development chain."""

from pathlib import Path

import pytest

from tests.e2e.running import assert_says, reconcile
from tests.reference import oracle, random_feeds


@pytest.mark.timeout(300)
@pytest.mark.parametrize("engine", ["anvil", "ganache"])
def test_either_engine_gives_the_same_answer(tmp_path: Path, engine: str) -> None:
    case = random_feeds.generate(tmp_path, seed=1000)
    outcome = reconcile(
        case.facility,
        case.lead,
        case.partners,
        tmp_path / "out",
        extra=("--json", "--engine", engine),
        timeout=240,
    )
    assert_says(outcome, oracle.reconcile(case.facility, case.lead, case.partners))
    assert outcome.report()["chain"]["engine"] == engine
