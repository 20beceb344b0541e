"""A whole event's amount into parts: each rounded down, the lead keeps the rest (LEDGER_3)."""

WHOLE_BPS = 10_000


def part(amount: int, share_bps: int) -> int:
    """A partner's part of an amount, in minor units; 0 makes no leg."""
    return amount * share_bps // WHOLE_BPS
