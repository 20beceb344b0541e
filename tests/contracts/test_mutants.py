"""The list of mutants is kept up with the contracts; that tests kill them all is slow to see."""

import pytest

from deploy.compile import CONTRACTS
from tests.contracts.mutants.run import TESTS, Mutant, mutants, run


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_a_mutant_can_be_made(mutant: Mutant) -> None:
    text = (CONTRACTS / mutant.file).read_text()
    assert mutant.applied(text) != text
    for test in mutant.tests:
        assert len([*TESTS.rglob(f"{test}.t.sol")]) == 1, test


def test_there_are_enough_and_none_twice() -> None:
    names = [mutant.name for mutant in mutants()]
    assert len(set(names)) == len(names) >= 20


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_every_mutant_is_killed() -> None:
    alive = [verdict for verdict in run(mutants()) if not verdict.killer]
    assert not alive, alive
