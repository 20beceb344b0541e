"""Amounts: integers in minor units inside, text with the currency's decimals at the edges."""

MAX_AMOUNT = 10**15
"""The largest amount of one event, in minor units."""

_MAX_DIGITS = 16


class AmountError(ValueError):
    """A text that is no valid amount; the message says why."""


def parse_amount(text: str, decimals: int) -> int:
    """Parse `[0-9]+(.[0-9]+)?` into minor units, 1 to MAX_AMOUNT. Raises AmountError."""
    minor = parse_bound(text, decimals)
    if minor == 0:
        raise AmountError("must be more than zero")
    return minor


def parse_bound(text: str, decimals: int) -> int:
    """Parse an amount that may also be zero (a tolerance, a threshold). Raises AmountError."""
    whole, point, fraction = text.partition(".")
    # isdigit alone would let other scripts' digits and superscripts in.
    if not (text.isascii() and whole.isdigit() and (fraction.isdigit() or not point)):
        if not text:
            raise AmountError("is missing")
        if text[0] == "-" and text[1:2].isdigit():
            raise AmountError("must not be negative")
        raise AmountError("is not digits with an optional point and decimals")
    if len(fraction) > decimals:
        raise AmountError(f"has {len(fraction)} decimals, the currency has {decimals}")
    digits = whole + fraction.ljust(decimals, "0")
    # Before int(), whose time grows with the square of the length.
    if len(digits) > _MAX_DIGITS:
        digits = digits.lstrip("0")
        if len(digits) > _MAX_DIGITS:
            raise AmountError(f"is more than {MAX_AMOUNT} minor units")
    minor = int(digits or "0")
    if minor > MAX_AMOUNT:
        raise AmountError(f"is more than {MAX_AMOUNT} minor units")
    return minor


def format_amount(minor: int, decimals: int) -> str:
    """Minor units as text with the currency's decimals; never `-0.00`."""
    sign = "-" if minor < 0 else ""
    if decimals == 0:
        return f"{minor}"
    whole, fraction = divmod(abs(minor), 10**decimals)
    return f"{sign}{whole}.{fraction:0{decimals}d}"
