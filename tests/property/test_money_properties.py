"""Money: what goes out comes back, and parts add up (LEDGER_3)."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.kinds import Kind
from app.domain.money import MAX_AMOUNT, AmountError, format_amount, parse_amount
from tests.feeds import FACILITY

decimals = st.sampled_from([0, 2, 3, 4])


@given(st.integers(1, MAX_AMOUNT), decimals)
def test_an_amount_survives_text(minor: int, places: int) -> None:
    assert parse_amount(format_amount(minor, places), places) == minor


@given(st.integers(), decimals)
def test_text_never_shows_a_negative_zero_and_has_the_decimals(minor: int, places: int) -> None:
    text = format_amount(minor, places)
    assert text.startswith("-") == (minor < 0)
    assert len(text.partition(".")[2]) == places


@given(st.text(alphabet="0123456789.-+eE _٣²", max_size=24), decimals)
def test_a_text_is_an_amount_or_refused_and_nothing_else_happens(text: str, places: int) -> None:
    try:
        minor = parse_amount(text, places)
    except AmountError as error:
        assert str(error)
    else:
        assert 1 <= minor <= MAX_AMOUNT


@given(st.integers(1, MAX_AMOUNT), st.sampled_from([kind for kind in Kind if kind.shared]))
def test_ledger_3_parts_and_the_leads_rest_add_up_to_the_whole(amount: int, kind: Kind) -> None:
    parts = FACILITY.parts(kind, amount, 1)
    rest = amount - sum(parts)
    component = kind.component
    assert component is not None
    for partner, part in zip(FACILITY.partners, parts, strict=True):
        share = partner.shares.of(component)
        assert part * 10_000 <= amount * share < (part + 1) * 10_000
    assert 0 <= rest <= amount
