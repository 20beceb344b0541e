"""Clean bulk feeds for measuring: one partner, eight kinds, every pair a match."""

import csv
from pathlib import Path

from app.domain.facility import Facility
from app.domain.kinds import Kind
from app.domain.money import format_amount
from app.intake.facility_file import load_facility
from tests.feeds import facility_head

KINDS = (
    Kind.DRAWDOWN,
    Kind.PRINCIPAL,
    Kind.INTEREST,
    Kind.PENALTY,
    Kind.FEE,
    Kind.TOP_UP,
    Kind.WITHDRAWAL,
    Kind.SERVICE_FEE,
)
LEAD, PARTNER = "webank", "huarui"

_PARTNER_TERMS = f"""
[[partners]]
name        = "{PARTNER}"
share_bps   = {{ principal = 8000, interest = 8000, fee = 8000 }}
low_balance = "0.00"
"""
_COLUMNS = (
    "event_id",
    "facility",
    "event_ref",
    "kind",
    "amount",
    "currency",
    "value_date",
    "booked_at",
    "partner",
    "loan_ref",
)
_DATE = "2026-03-02"


def write_feeds(folder: Path, pairs: int) -> tuple[Facility, dict[str, Path]]:
    """Write a facility and both banks' feeds of `pairs` events; returns them by bank."""
    terms = folder / "facility.toml"
    terms.write_text(facility_head("BENCH", LEAD) + _PARTNER_TERMS)
    facility = load_facility(terms)
    paths = {bank: folder / f"{bank}.csv" for bank in (LEAD, PARTNER)}
    with paths[LEAD].open("w", newline="") as lead, paths[PARTNER].open("w", newline="") as partner:
        lead_rows, partner_rows = csv.writer(lead), csv.writer(partner)
        lead_rows.writerow(_COLUMNS)
        partner_rows.writerow(_COLUMNS)
        for number in range(pairs):
            kind = KINDS[number % len(KINDS)]
            amount = 100_000 + number
            part = facility.parts(kind, amount, 1)[0] if kind.shared else amount
            ref, name, loan = f"{kind.feed_name}-{number:08d}", kind.feed_name, f"L{number % 5000}"
            rest = ("CNY", _DATE, f"{_DATE}T10:00:00+08:00")
            named = "" if kind.shared else PARTNER
            whole, share = format_amount(amount, 2), format_amount(part, 2)
            lead_rows.writerow((f"L{number}", "BENCH", ref, name, whole, *rest, named, loan))
            partner_rows.writerow((f"P{number}", "BENCH", ref, name, share, *rest, "", loan))
    return facility, paths
