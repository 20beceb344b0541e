"""What two halves are to each other: a pure function of both and of the rules, so that the order in
which they came cannot matter (RECON_1)."""

from dataclasses import dataclass

from app.domain.matching.pairs import Half, Judged
from app.domain.matching.versions import Version


@dataclass(frozen=True, slots=True)
class RulesVersion(Version):
    """A version of a facility's rules, for value days."""

    amount_tolerance: int
    date_window_days: int
    match_deadline_seconds: int


def judge(lead: Half, partner: Half, rules: RulesVersion) -> Judged:
    """The status of two halves. `rules`: those in force on the lead's value day."""
    if lead[:2] == partner[:2]:  # amount and value day: all but a few
        return "matched"
    amounts = abs(lead.amount - partner.amount)
    days = abs(lead.value_day - partner.value_day)
    if amounts > rules.amount_tolerance:
        return "amount_and_date" if days > rules.date_window_days else "amount"
    return "date" if days > rules.date_window_days else "within_tolerance"
