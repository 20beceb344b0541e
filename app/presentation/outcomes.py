"""What resolving a break in a certain way would move, before anybody has signed it."""

from app.domain.kinds import BY_FEED_NAME
from app.domain.matching import pairs as matching
from app.domain.matching.outcomes import Outcome, outcome
from app.domain.resolutions import Action, Side
from app.readmodel.pairs.shapes import Half, Pair


def outcome_of(pair: Pair, action: Action, side: Side | None) -> Outcome:
    """By the same rules as the contract's."""
    judged = matching.Pair(
        kind=int(BY_FEED_NAME[pair.kind]),
        target_kind=0 if pair.target_of is None else pair.target_of[0],
        lead=_half(pair.lead),
        partner=_half(pair.partner_half),
    )
    return outcome(judged, action, side)


def _half(half: Half | None) -> matching.Half | None:
    if half is None:
        return None
    return matching.Half(half.amount, half.value_date.toordinal(), half.business_date.toordinal())
