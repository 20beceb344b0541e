"""`tally reconcile` on 682 real loans finds exactly the faults that were put in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.running import Outcome, assert_says, difference, reconcile, reconcile_in_process
from tests.reference import berka, oracle

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not berka.loans_file().exists(),
        reason=f"{berka.loans_file()} is not there (TALLYSTICK_SHARED names its folder)",
    ),
]


@pytest.mark.parametrize(
    ("variant", "loans"),
    [
        ("tolerance", 60),
        ("plain", 60),
        pytest.param("tolerance", None, marks=pytest.mark.slow),
        pytest.param("plain", None, marks=pytest.mark.slow),
    ],
)
def test_every_fault_is_found_and_none_is_invented(
    tmp_path: Path, variant: str, loans: int | None
) -> None:
    """`loans`: how many of the 682; None: all."""
    made = berka.generate(tmp_path / "feeds", variant=variant, loans=loans)
    feeds = (made.facility, made.lead, made.partners, tmp_path / "out")
    outcome = reconcile_in_process(*feeds) if loans else reconcile(*feeds, timeout=800)
    assert_says(outcome, oracle.reconcile(made.facility, made.lead, made.partners))
    assert_is_what_was_put_in(outcome, made.ledger)
    chain = outcome.report()["chain"]
    assert chain["engine"] == "anvil"
    assert chain["transactions"] > 0 and chain["height"] > 0 and chain["chain_id"] > 0
    assert isinstance(chain["gas_per_pair"], int) and chain["gas_per_pair"] > 0
    seconds = outcome.report()["seconds"]
    assert seconds["total"] > 0 and {"posting", "waiting"} <= set(seconds)


def assert_is_what_was_put_in(outcome: Outcome, ledger: berka.Ledger) -> None:
    """The same once more, against the generator's own count instead of the oracle."""
    report = outcome.report()
    assert report["facility"] == berka.FACILITY
    assert report["rows"] == {bank: dict(rows) for bank, rows in ledger.rows.items()}
    assert report["pairs"] == {partner: dict(pairs) for partner, pairs in ledger.pairs.items()}
    assert report["reserves"] == ledger.reserves
    matched, breaks, _ = outcome.without_times()
    assert difference(map(tuple, matched), ledger.matched) == ([], [])
    assert difference(map(tuple, breaks), ledger.breaks) == ([], [])


def test_two_runs_say_the_same_apart_from_times(tmp_path: Path) -> None:
    made = berka.generate(tmp_path / "feeds", seed=3, loans=30, variant="tolerance")
    one = reconcile(made.facility, made.lead, made.partners, tmp_path / "one")
    two = reconcile_in_process(made.facility, made.lead, made.partners, tmp_path / "two")
    assert one.code == two.code == 1
    assert one.without_times() == two.without_times()
    for key in ("facility", "rows", "pairs", "reserves"):
        assert one.report()[key] == two.report()[key]


def test_the_order_of_the_partners_on_the_command_line_changes_nothing(tmp_path: Path) -> None:
    made = berka.generate(tmp_path / "feeds", seed=4, loans=10)
    backwards = dict(reversed(made.partners.items()))
    outcome = reconcile_in_process(made.facility, made.lead, backwards, tmp_path / "out")
    assert_says(outcome, oracle.reconcile(made.facility, made.lead, made.partners))


def test_a_partner_without_a_feed_is_reported(tmp_path: Path) -> None:
    made = berka.generate(tmp_path / "feeds", seed=5, loans=10)
    del made.partners["ostrava"]
    outcome = reconcile_in_process(made.facility, made.lead, made.partners, tmp_path / "out")
    expected = oracle.reconcile(made.facility, made.lead, made.partners)
    assert expected.pairs["ostrava"]["missing_at_partner"] > 100
    assert_says(outcome, expected)


def test_a_summary_for_people(tmp_path: Path) -> None:
    made = berka.generate(tmp_path / "feeds", seed=6, loans=5)
    outcome = reconcile_in_process(
        made.facility, made.lead, made.partners, tmp_path / "out", extra=()
    )
    assert outcome.code == 1
    for partner, pairs in made.ledger.pairs.items():
        assert partner in outcome.stdout
        assert str(pairs["matched"]) in outcome.stdout
