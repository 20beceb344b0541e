"""How likely two one-sided legs are the same event: by integers, factor by factor."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.kinds import Kind
from app.domain.lookalike import MAX_COMPARED, differences, folded
from app.domain.suggestions import FULL, LEAST_SCORE, OneSidedLeg, Score, score

TEXT = st.text(min_size=1, max_size=MAX_COMPARED)


def leg(event_ref: str = "L4711-REP-003", **changes: object) -> OneSidedLeg:
    values: dict[str, object] = {
        "kind": Kind.PRINCIPAL,
        "target_kind": None,
        "event_ref": event_ref,
        "amount": 80_00,
        "value_day": 739_000,
    }
    return OneSidedLeg(**(values | changes))  # type: ignore[arg-type]


def scored(lead: OneSidedLeg, partner: OneSidedLeg) -> Score:
    found = score(lead, partner)
    assert found is not None
    return found


def factor(found: Score, name: str) -> tuple[int, str]:
    (one,) = (one for one in found.factors if one.name == name)
    return one.points, one.because


@pytest.mark.parametrize(
    ("lead", "partner", "way"),
    [
        ("CAFÉ-1", unicodedata.normalize("NFD", "CAFÉ-1"), "composed and decomposed letters"),
        ("RP-1", "RP-１", "full-width or compatibility forms"),
        ("RP-3", "RP-3 ", "blanks"),
        ("RP 7", "RP\u00a07", "blanks"),
        ("RP-2", "RP-2\u200b", "blanks"),
        ("RP-5", "\ufeffRP-5", "blanks"),
        ("RP-6", "RP-6\u3164", "blanks"),
        ("RP-8", "RP-\u115f8", "blanks"),
        ("RP-9", "\u2800RP-9", "blanks"),
        ("RP-0", "RP-0\ufe0f", "blanks"),
        ("RP-A", "RP-А", "letters of another alphabet that look alike"),
        ("RP-B", "RP-Β", "letters of another alphabet that look alike"),
        ("RP-a", "RP-A", "upper and lower case"),
        ("RP-1", "RP–1", "dashes"),
        ("RP-10", "RP-1O", "O and 0, I or l and 1"),
        ("RP-11", "RP-1l", "O and 0, I or l and 1"),
    ],
)
def test_references_that_differ_only_in_how_they_are_written(
    lead: str, partner: str, way: str
) -> None:
    assert way in (differences(lead, partner) or [])
    found = scored(leg(lead), leg(partner))
    assert found.points == FULL
    points, because = factor(found, "reference")
    assert (points, because) == (
        FULL,
        f"differ only in {', '.join(differences(lead, partner) or ())}",
    )


def test_several_ways_are_all_said() -> None:
    assert differences("ＲＰ-A", "rp-а") == [
        "full-width or compatibility forms",
        "letters of another alphabet that look alike",
        "upper and lower case",
    ]
    assert differences("same", "same") == []
    assert differences("RP-1", "RP-2") is None
    assert differences("café", "cafe") is None


def test_what_speaks_against_it_lowers_the_score() -> None:
    whole = scored(leg("RP-1"), leg("rp-1"))
    for worse, name in (
        (leg("rp-1", amount=80_01), "amount"),
        (leg("rp-1", value_day=739_001), "date"),
        (leg("rp-1", kind=Kind.INTEREST), "kind"),
        (leg("RP-12"), "reference"),
    ):
        found = scored(leg("RP-1"), worse)
        assert found.points < whole.points
        assert factor(found, name)[0] < FULL
    other = scored(leg("RP-1"), leg("RP-1", kind=Kind.DRAWDOWN))
    assert factor(other, "kind") == (0, "differ, with opposite effects on the reserve")


def test_two_neighbours_of_the_same_amount_are_no_suggestion() -> None:
    assert scored(leg("RP-1"), leg("RP-2")).points < LEAST_SCORE
    # A reference of which two digits were swapped is.
    assert scored(leg("L4711-REP-003"), leg("L4171-REP-003")).points >= LEAST_SCORE


def test_a_loan_counts_where_it_is_known_and_is_never_named() -> None:
    assert [one.name for one in scored(leg(), leg()).factors].count("loan") == 0
    found = scored(leg("A-1", loan_ref="L4711"), leg("l4711/rep/3"))
    points, because = factor(found, "loan")
    assert (points, "4711" in because) == (FULL, False)
    assert factor(scored(leg(loan_ref="L1"), leg(loan_ref="L2")), "loan")[0] == 0
    assert [one.name for one in scored(leg("12-7", loan_ref="1"), leg("12-8")).factors][
        -1
    ] == "kind"


@pytest.mark.parametrize("event_ref", ["", "x" * (MAX_COMPARED + 1), "ﷺ" * 10_000])
def test_what_no_feed_may_hold_is_not_compared(event_ref: str) -> None:
    assert score(leg(), leg(event_ref)) is None
    assert score(leg(event_ref), leg()) is None


@given(TEXT, TEXT, st.integers(1, 10**15), st.integers(1, 10**15), st.integers(0, 10))
def test_any_legs_have_a_score_within_bounds_whichever_side_they_are(
    one: str, other: str, amount: int, other_amount: int, days: int
) -> None:
    first = leg(one, amount=amount)
    second = leg(other, amount=other_amount, value_day=739_000 + days)
    found, mirrored = scored(first, second), scored(second, first)
    assert found == mirrored
    assert 0 <= found.points <= FULL
    assert all(0 <= each.points <= FULL for each in found.factors)


@given(TEXT)
def test_folding_again_changes_nothing_that_matters(text: str) -> None:
    assert differences(text, text) == []
    assert differences(text, text.upper()) is not None or folded(text) != folded(text.upper())


def test_the_case_of_lookalike_references_is_told() -> None:
    """`../shared/cases/13`: each of the partner's rows that is taken finds the lead's own."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "cases" / "13-lookalike-references"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    rows = {
        name: list(csv.DictReader((folder / name).read_text(encoding="utf-8").splitlines()))
        for name in ("lead.csv", "nanning.csv")
    }
    taken = [row for row in rows["nanning.csv"] if row["event_ref"].isprintable()]
    assert len(taken) >= 4
    for row in taken:
        told = [
            lead["event_id"]
            for lead in rows["lead.csv"]
            if scored(leg(lead["event_ref"]), leg(row["event_ref"])).points == FULL
        ]
        assert told == [row["event_id"].replace("NN", "BH")]
