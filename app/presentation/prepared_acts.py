"""Prepared acts: what a person has prepared, what it would move, and what became of it."""

from datetime import date, datetime
from typing import Any

from pydantic import Field
from sqlalchemy import Connection

from app.actions import breaks, days
from app.actions.view import View
from app.domain.matching.outcomes import Outcome
from app.domain.resolutions import Action, Resolution, Side
from app.locale import _, said
from app.prepared_acts.agreement_contents import contents
from app.prepared_acts.facts import halves_facts
from app.prepared_acts.lifecycle import State
from app.prepared_acts.store import Entry, PreparedAct
from app.presentation.common import Amount, AsOf, Currency, Model, Money, money_of
from app.presentation.pairs import action_text, outcome_of
from app.readmodel.pairs import queries
from app.readmodel.pairs.shapes import Pair
from app.readmodel.values import to_date


class AskedOut(Model):
    """What is asked; null where the act has no such thing."""

    action: Action | None = None
    side: Side | None = None
    business_date: date | None = Field(None, description="On which books move.")
    day: date | None = Field(None, description="The day that is closed or opened again.")
    statement_hash: str | None = None
    reason: str | None = None


class EffectOut(Model):
    """What a resolution moves once both banks have signed it, signed by effect on the reserve."""

    lead_moved: Amount
    partner_moved: Amount
    agreed: Amount
    accepted_difference: Amount
    currency: str


class HappenedOut(Model):
    """Something that happened to an act."""

    state: State
    person: str | None = Field(description="Null where nobody did it.")
    note: str
    at: datetime


class ActOut(Model):
    """An act of the bank that a person has prepared, and what became of it."""

    number: int
    act: str = Field(examples=["breaks.propose"])
    words: str = Field(examples=["propose a resolution: adjust at the lead"])
    facility: str | None = Field(description="Null of acts about the consortium.")
    partner: str | None = Field(description="Null of acts about no account.")
    pair: int | None = Field(description="A break's number, of acts about one.")
    batch: int | None = Field(description="Number of the first act that was prepared with it.")
    event_ref: str | None = Field(description="The break's, where this node can open it.")
    subject: str = Field(examples=["break 17"])
    asked: AskedOut
    contents: dict[str, str] = Field(
        description="What is asked, decoded, where neither the words nor the facts say it."
    )
    effect: EffectOut | None = Field(
        description="Of a resolution alone; null once a half has changed."
    )
    facts: dict[str, str] = Field(description="What it was prepared against.")
    hash: str = Field(description="Over what is asked and the facts: who signs names it.")
    state: State
    prepared_by: str
    prepared_at: datetime
    expires_at: datetime
    signed_by: str | None
    transaction: str | None
    block: int | None
    note: str = Field(description="What its newest state says.")
    log: list[HappenedOut]


class ActsOut(Model):
    """One page, newest first."""

    items: list[ActOut]
    next: str | None
    as_of: AsOf | None


def act_out(
    connection: Connection, view: View, act: PreparedAct, money: Money | None = None
) -> ActOut:
    asked = _asked(act.content.asked)
    signer = signed_by(act)
    pair = None if act.pair is None else queries.pair(connection, act.pair)
    return ActOut.of(
        act,
        act=act.content.act,
        words=act_words(act),
        event_ref=None if pair is None else pair.event_ref,
        asked=asked,
        contents=contents(view, act.content.asked),
        effect=_effect(pair, act, asked, money or money_of(connection)),
        facts=act.content.facts,
        prepared_by=act.log[0].person_name or "",
        prepared_at=act.log[0].at,
        signed_by=None if signer is None else signer.person_name,
        log=[HappenedOut.of(one, person=one.person_name) for one in act.log],
    )


def act_words(act: PreparedAct) -> str:
    """What an act is, in words."""
    asked, words = _asked(act.content.asked), said(act.content.kind.words)
    if asked.action is None:
        return words
    return _("%(act)s: %(action)s", act=words, action=action_text(asked.action, asked.side))


def signed_by(act: PreparedAct) -> Entry | None:
    """When and by whom an act was signed; None where nothing of it was sent."""
    return next((one for one in act.log if one.state is State.SENT), None)


def _asked(asked: Any) -> AskedOut:
    resolution = getattr(asked, "resolution", asked)
    found: dict[str, Any] = {"reason": getattr(asked, "reason", None)}
    if isinstance(resolution, breaks.ProposeResolution | Resolution):
        found |= {"action": resolution.action, "side": resolution.side}
        if resolution.business_day is not None:
            found["business_date"] = to_date(resolution.business_day)
    if isinstance(asked, days.ProposeDay):
        found["day"] = to_date(asked.statement.day)
    elif isinstance(asked, days.ProposeReopening | days.ConfirmReopening):
        found["day"] = to_date(asked.day)
    elif isinstance(asked, days.ConfirmDay | days.DisputeDay):
        found["statement_hash"] = "0x" + asked.statement_hash.hex()
    return AskedOut(**found)


def _effect(pair: Pair | None, act: PreparedAct, asked: AskedOut, money: Money) -> EffectOut | None:
    if act.content.act not in ("breaks.propose", "breaks.accept") or asked.action is None:
        return None
    assert act.facility is not None, "a break is of a facility"
    currency = money[act.facility]
    if pair is None:
        return None
    halves = halves_facts(pair, currency.decimals, currency.code)
    if not halves.items() <= act.content.facts.items():
        return None
    return effect_out(outcome_of(pair, asked.action, asked.side), currency)


def effect_out(made: Outcome, currency: Currency) -> EffectOut:
    return EffectOut(
        lead_moved=currency.amount(made.lead_moved),
        partner_moved=currency.amount(made.partner_moved),
        agreed=currency.amount(made.agreed),
        accepted_difference=currency.amount(made.accepted_difference),
        currency=currency.code,
    )
