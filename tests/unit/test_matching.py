"""Matching is pure: the laws of DESIGN, over whatever two banks post."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.kinds import Kind
from app.domain.matching.books import Books
from app.domain.matching.judgement import RulesVersion, judge
from app.domain.matching.outcomes import outcome
from app.domain.matching.pairs import SETTLED, Half, Pair, pair_key, split_key, target_key
from app.domain.matching.reversals import mark_reversed, reversible
from app.domain.matching.splits import WHOLE_BPS, part
from app.domain.matching.versions import Version, in_force
from app.domain.resolutions import Action, Side

RULES = RulesVersion(1, 0, amount_tolerance=3, date_window_days=1, match_deadline_seconds=60)
DAY = 736_000

AMOUNTS = st.integers(1, 12)
HALVES = st.builds(Half, AMOUNTS, st.integers(DAY, DAY + 4), st.just(DAY))
PAIRS = st.builds(
    Pair,
    kind=st.sampled_from([int(kind) for kind in Kind if kind < Kind.REVERSAL]),
    lead=st.none() | HALVES,
    partner=st.none() | HALVES,
).filter(lambda pair: bool(pair.lead or pair.partner))


def judged(pair: Pair) -> Pair:
    if pair.lead and pair.partner:
        pair.status = judge(pair.lead, pair.partner, RULES)
    return pair


def booked(pair: Pair) -> Books:
    """The books after both halves of one pair."""
    books = Books()
    for side, half, effect in zip(Side, (pair.lead, pair.partner), pair.effects, strict=True):
        if half:
            books.post(side, effect)
    if judged(pair).status in SETTLED:
        books.settle(*pair.effects)
    return books


def assert_ledger_1(books: Books) -> None:
    assert books.lead_book == books.agreed + books.open_lead
    assert books.partner_book == books.agreed + books.open_partner + books.accepted_difference


@given(
    st.integers(0, 10**15),
    st.lists(st.integers(0, WHOLE_BPS), max_size=10).filter(lambda bps: sum(bps) <= WHOLE_BPS),
)
def test_ledger_3_the_parts_of_a_split_add_up_to_the_whole(amount: int, bps: list[int]) -> None:
    parts = [part(amount, one) for one in bps]
    rest = amount - sum(parts)
    assert rest >= 0
    # The lead keeps its own share, and what rounding leaves: less than one unit a partner.
    assert 0 <= rest * WHOLE_BPS - amount * (WHOLE_BPS - sum(bps)) < max(1, len(bps)) * WHOLE_BPS


@pytest.mark.parametrize(
    ("amount", "days", "status"),
    [
        (0, 0, "matched"),
        (3, 0, "within_tolerance"),
        (0, 1, "within_tolerance"),
        (3, -1, "within_tolerance"),
        (4, 1, "amount"),
        (-3, 2, "date"),
        (-4, -2, "amount_and_date"),
    ],
)
def test_what_two_halves_are_to_each_other(amount: int, days: int, status: str) -> None:
    assert judge(Half(10, DAY, DAY), Half(10 + amount, DAY + days, DAY), RULES) == status


@given(HALVES, HALVES)
def test_recon_1_swapped_halves_are_judged_alike(one: Half, other: Half) -> None:
    assert judge(one, other, RULES) == judge(other, one, RULES)


@given(PAIRS)
def test_ledger_1_holds_after_both_halves(pair: Pair) -> None:
    assert_ledger_1(booked(pair))


@given(PAIRS, st.sampled_from(Action), st.sampled_from(Side))
def test_ledger_1_and_ledger_2_hold_after_a_resolution(
    pair: Pair, action: Action, side: Side
) -> None:
    books = booked(pair)
    if pair.status in SETTLED:
        return
    if not (pair.lead and pair.partner) and action in (Action.ADJUST, Action.FORCE):
        return  # not allowed
    made = outcome(pair, action, side)
    books.resolve(made, *pair.effects)
    assert_ledger_1(books)
    assert books.open_lead == books.open_partner == 0
    pair.action, pair.resolved_side = action, made.side
    sign = 1 if (made.agreed or made.accepted_difference) > 0 else -1
    if action == Action.VOID:
        assert books == Books()
    elif pair.lead and pair.partner and action != Action.ADJUST:
        assert not made.lead_moved and not made.partner_moved, "no book moves"
    else:
        assert books.lead_book == books.partner_book == books.agreed
        assert made.moved_kind == (Kind.CORRECTION if action == Action.ADJUST else pair.kind)
    # A later reversal undoes exactly what a book holds for the pair.
    for one, book in zip(Side, (books.lead_book, books.partner_book), strict=True):
        assert reversible(pair, one) == abs(book)
        assert action == Action.VOID or book == sign * reversible(pair, one)


@given(PAIRS)
def test_ledger_5_what_changes_a_balance_is_a_leg_or_an_acceptance(pair: Pair) -> None:
    """The sums are what the legs' effects come to, and nothing else."""
    books = booked(pair)
    assert (books.lead_book, books.partner_book) == pair.effects
    assert {name for name in vars(Books) if not name.startswith("_")} - set(Books.__slots__) == {
        "post",
        "settle",
        "resolve",
    }


def test_an_open_half_can_be_reversed_and_an_absent_one_cannot() -> None:
    pair = Pair(int(Kind.FEE), lead=Half(7, DAY, DAY))
    assert reversible(pair, Side.LEAD) == 7
    assert reversible(pair, Side.PARTNER) == 0


@pytest.mark.parametrize("action", [None, *Action])
@pytest.mark.parametrize("has", [(True, False), (False, True), (True, True)])
def test_a_resolved_reversal_marks_its_target(
    action: Action | None, has: tuple[bool, bool]
) -> None:
    half = Half(7, DAY, DAY)
    target = Pair(int(Kind.FEE), lead=half, partner=half, lead_reversed=has[0])
    target.partner_reversed = has[1]
    reversal = Pair(
        int(Kind.REVERSAL), int(Kind.FEE), half if has[0] else None, half if has[1] else None
    )
    reversal.action = action
    mark_reversed(target, reversal)
    reversed_now = (target.lead_reversed, target.partner_reversed)
    assert reversed_now == ((False, False) if action == Action.VOID else (True, True))


def test_the_effect_of_a_reversal_is_the_opposite_of_its_targets() -> None:
    pair = Pair(int(Kind.REVERSAL), int(Kind.DRAWDOWN), Half(7, DAY, DAY), Half(6, DAY, DAY))
    assert pair.effects == (7, 6)
    assert Pair(int(Kind.DRAWDOWN), lead=Half(7, DAY, DAY)).effects == (-7, 0)


def test_a_version_holds_from_its_first_day_until_the_next_ones() -> None:
    versions = [Version(1, 0), Version(2, 10), Version(3, 20)]
    days = (0, 9, 10, 19, 20, 99)
    assert [in_force(versions, day).version for day in days] == [1, 1, 2, 2, 3, 3]
    assert in_force(versions[:1], 5).version == 1


def test_a_pairs_key_names_its_target_too() -> None:
    own, target = b"o" * 20, b"t" * 20
    keys = {
        pair_key(1, own),
        pair_key(1, target),
        pair_key(2, own),
        pair_key(12, own, 1, target),
        pair_key(12, own, 2, target),
        pair_key(12, own, 1, own),
    }
    assert len(keys) == 6
    assert split_key(pair_key(12, own, 1, target)) == (12, own, 1, target)
    assert split_key(pair_key(1, own)) == (1, own, 0, b"")
    assert target_key(pair_key(12, own, 1, target)) == pair_key(1, target)
    assert target_key(pair_key(1, own)) == b""


def test_ledger_4_order_and_sums_do_not_depend_on_each_other() -> None:
    """Books are sums: whatever order a set of pairs comes in, they end the same."""
    pairs = [
        Pair(int(Kind.DRAWDOWN), lead=Half(5, DAY, DAY), partner=Half(5, DAY, DAY)),
        Pair(int(Kind.FEE), lead=Half(5, DAY, DAY), partner=Half(7, DAY, DAY)),
        Pair(int(Kind.TOP_UP), partner=Half(9, DAY, DAY)),
    ]
    ends = set()
    for order in permutations(pairs):
        books = Books()
        for pair in order:
            for side, effect in zip(Side, pair.effects, strict=True):
                books.post(side, effect)
            if judged(pair).status in SETTLED:
                books.settle(*pair.effects)
        ends.add(tuple(getattr(books, name) for name in Books.__slots__))
    assert len(ends) == 1
