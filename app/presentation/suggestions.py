"""Suggestions for breaks: one-sided legs of the two sides that may be the same event."""

from pydantic import Field

from app.presentation.common import Model, Money
from app.presentation.pairs import PairOut, pair_out
from app.readmodel.pairs.suggestions import Suggestion


class FactorOut(Model):
    """One reason for or against."""

    name: str = Field(description="reference, amount, date, kind or loan", examples=["reference"])
    points: int = Field(description="Basis points: 10,000 speaks wholly for it.", examples=[10_000])
    weight: int = Field(description="How much it weighs among the others.", examples=[4_500])
    because: str = Field(examples=["differ only in full-width or compatibility forms"])


class SuggestionOut(Model):
    """Evidence for people of both banks, who decide; nothing is matched or resolved by it."""

    score: int = Field(
        description="Basis points: the weighted mean of the factors' points, rounded down.",
        examples=[9_250],
    )
    factors: list[FactorOut]
    lead: PairOut = Field(description="The lead's leg (`missing_at_partner`).")
    partner: PairOut = Field(description="The partner's leg (`missing_at_lead`).")


def suggestion_out(suggestion: Suggestion, money: Money) -> SuggestionOut:
    return SuggestionOut.of(
        suggestion,
        score=suggestion.score.points,
        factors=suggestion.score.factors,
        lead=pair_out(suggestion.lead, money),
        partner=pair_out(suggestion.partner, money),
    )
