"""The sums of one reserve account: both books, and what explains them (LEDGER_1, LEDGER_2)."""

from dataclasses import dataclass

from app.domain.matching.outcomes import Outcome
from app.domain.resolutions import Side

_LEAD = Side.LEAD  # an enum's member is slow to find


@dataclass(slots=True)
class Books:
    """Sums of effects. Only legs and what two banks accepted change them (LEDGER_5).

    leadBook = agreed + open lead legs; partnerBook = agreed + open partner legs + accepted
    differences.
    """

    lead_book: int = 0
    partner_book: int = 0
    agreed: int = 0
    open_lead: int = 0
    open_partner: int = 0
    accepted_difference: int = 0

    def post(self, side: Side, effect: int) -> None:
        """A half was posted, and is open."""
        if side is _LEAD:
            self.lead_book += effect
            self.open_lead += effect
        else:
            self.partner_book += effect
            self.open_partner += effect

    def settle(self, lead: int, partner: int) -> None:
        """Both open halves of a pair agree: the lead's amount is the agreed one."""
        self.open_lead -= lead
        self.open_partner -= partner
        self.agreed += lead
        self.accepted_difference += partner - lead

    def resolve(self, made: Outcome, lead: int, partner: int) -> None:
        """A pair with these open halves was resolved."""
        self.lead_book += made.lead_moved
        self.partner_book += made.partner_moved
        self.agreed += made.agreed
        self.accepted_difference += made.accepted_difference
        self.open_lead -= lead
        self.open_partner -= partner
