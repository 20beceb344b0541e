"""Amounts at the edges: text in, minor units inside, text out."""

import pytest

from app.domain.currencies import currency_decimals
from app.domain.money import (
    MAX_AMOUNT,
    AmountError,
    format_amount,
    parse_amount,
    parse_bound,
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "missing"),
        ("0", "more than zero"),
        ("000.00", "more than zero"),
        ("-1", "negative"),
        ("-0.01", "negative"),
        ("+1", "not digits"),
        ("1e2", "not digits"),
        ("NaN", "not digits"),
        ("Infinity", "not digits"),
        ("1,5", "not digits"),
        ("1 000", "not digits"),
        (" 1", "not digits"),
        ("1\n", "not digits"),
        (".5", "not digits"),
        ("5.", "not digits"),
        ("1.2.3", "not digits"),
        ("1_0", "not digits"),
        ("0x1", "not digits"),
        ("١", "not digits"),
        ("²", "not digits"),
        ("1.²", "not digits"),
        ("--1", "not digits"),
        ("1.001", "3 decimals, the currency has 2"),
        ("1.000", "3 decimals, the currency has 2"),
        ("10000000000000.01", "more than 10"),
        ("9" * 6000, "more than 10"),
    ],
)
def test_a_text_that_is_no_amount_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(AmountError, match=reason):
        parse_amount(text, 2)


def test_a_currency_without_decimals_takes_no_point() -> None:
    with pytest.raises(AmountError, match="1 decimals, the currency has 0"):
        parse_amount("5.0", 0)
    assert parse_amount("5", 0) == 5


@pytest.mark.parametrize(
    ("text", "decimals", "minor"),
    [
        ("1", 2, 100),
        ("0.01", 2, 1),
        ("100.5", 2, 10050),
        ("0" * 5000 + "7.25", 2, 725),
        ("10000000000000", 2, MAX_AMOUNT),
        ("1000000000000000", 0, MAX_AMOUNT),
        ("1.2345", 4, 12345),
    ],
)
def test_amounts_become_minor_units(text: str, decimals: int, minor: int) -> None:
    assert parse_amount(text, decimals) == minor


def test_a_bound_may_be_zero() -> None:
    assert parse_bound("0.00", 2) == 0


@pytest.mark.parametrize(
    ("minor", "decimals", "text"),
    [
        (0, 2, "0.00"),
        (-1, 2, "-0.01"),
        (-100, 2, "-1.00"),
        (5, 3, "0.005"),
        (-7, 0, "-7"),
        (0, 0, "0"),
        (10**40 + 1, 2, "1" + "0" * 38 + ".01"),
    ],
)
def test_minor_units_become_text_with_the_currency_decimals(
    minor: int, decimals: int, text: str
) -> None:
    assert format_amount(minor, decimals) == text


@pytest.mark.parametrize(
    ("code", "decimals"), [("CNY", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("HUF", 2), ("IDR", 2)]
)
def test_decimals_are_those_of_iso_4217(code: str, decimals: int) -> None:
    assert currency_decimals(code) == decimals


@pytest.mark.parametrize("code", ["", "cny", "XXQ", "CNH", "156", "XAU", "XXX"])
def test_a_code_without_minor_units_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        currency_decimals(code)
