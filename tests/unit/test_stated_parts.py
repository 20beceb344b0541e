"""Where the lead splits by itself: how far its parts are from the shares, and what is held."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.actions.holds import parts_to_hold
from app.domain.errors import UsageFault
from app.domain.stated_parts import differences_from_shares
from tests.feeds import FACILITY

SPLIT_BY_LEAD = replace(FACILITY, split="lead")
PARTS = st.dictionaries(st.integers(1, 9), st.integers(1, 10**15), min_size=1)


@pytest.mark.parametrize(
    ("stated", "shares", "differences"),
    [
        ({1: 1111, 2: 1111}, {1: 3333, 2: 3333}, {1: 0, 2: 0}),
        ({1: 1111, 2: 1112}, {1: 3333, 2: 3333}, {1: 0, 2: 1}),
        ({1: 80, 2: 20}, {1: 8000, 2: 2000}, {1: 0, 2: 0}),
        ({1: 70, 2: 30}, {1: 8000, 2: 2000}, {1: -10, 2: 10}),
        ({1: 5}, {1: 3333, 2: 3333}, {1: 0}),
        ({1: 5, 2: 7}, {1: 0, 2: 3333}, {1: 5, 2: -5}),
        ({1: 5, 2: 7}, {1: 0, 2: 0}, {1: 5, 2: 7}),
    ],
)
def test_parts_are_held_against_each_other(
    stated: dict[int, int], shares: dict[int, int], differences: dict[int, int]
) -> None:
    assert differences_from_shares(stated, shares) == differences


@given(PARTS, st.data())
def test_differences_add_up_to_what_rounding_leaves(
    stated: dict[int, int], data: st.DataObject
) -> None:
    shares = {partner: data.draw(st.integers(0, 10_000)) for partner in stated}
    differences = differences_from_shares(stated, shares)
    assert differences.keys() == stated.keys()
    if sum(shares.values()):
        assert 0 <= sum(differences.values()) < len(stated)


def test_a_hold_is_the_part_that_the_lead_states() -> None:
    assert parts_to_hold(SPLIT_BY_LEAD, 1234, "beta", 0) == [(2, 1234)]
    assert parts_to_hold(FACILITY, 10_000, None, 0) == [(1, 4533), (2, 2467)]
    assert parts_to_hold(FACILITY, 1, None, 0) == []


def test_a_hold_names_a_partner_where_the_lead_splits_and_nowhere_else() -> None:
    for partner in (None, "lead", "nobody"):
        with pytest.raises(UsageFault, match="states each partner's part"):
            parts_to_hold(SPLIT_BY_LEAD, 1234, partner, 0)
    with pytest.raises(UsageFault, match="the contract splits"):
        parts_to_hold(FACILITY, 1234, "beta", 0)
