"""One break on a page of its own: both halves beside each other, what was proposed, and what each
way to resolve it would move."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from app.domain.resolutions import Action, Side
from app.locale import N_, _, said
from app.outbox.loans import loan_refs
from app.outbox.origin import leg_origin
from app.presentation.common import Currency
from app.presentation.pairs import action_text, outcome_of
from app.presentation.prepared_acts import effect_out
from app.readmodel.directory import Directory, Facility, directory
from app.readmodel.pairs import queries, resolutions
from app.readmodel.pairs.resolutions import ResolutionFilter
from app.readmodel.pairs.shapes import DUPLICATE_TYPES, Half, Leg, Pair, Resolution
from app.readmodel.pairs.suggestions import Suggestion, suggestions_for
from app.web.breaks import TYPE_LABELS, BreakRow, break_row
from app.web.legs_page import Step, before_the_chain
from app.web.text import iso, moment, money, moves_text, whole
from app.worklist.lines import Assignee, WorkList
from app.worklist.notes import Note, notes, workers

_MATCHED_LABELS = {"matched": N_("Matched"), "within_tolerance": N_("Within tolerance")}


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of the comparison. `differs`: the two halves say different things of it."""

    label: str
    lead: str
    partner: str
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A way to resolve the break. `value` names it in a form; `moves`: what it would do to the
    books; `command` proposes it."""

    value: str
    label: str
    moves: Sequence[str]
    command: str


@dataclass(frozen=True, slots=True)
class Suggested:
    """A leg that may be the absent half. `score` in percent; `because`: what speaks for it."""

    row: BreakRow
    bank: str
    score: int
    because: Sequence[str]


@dataclass(frozen=True, slots=True)
class BreakPage:
    """`row`: as in the list of breaks. `choices` is empty once nothing is left to decide."""

    number: int
    row: BreakRow
    currency: str
    lead: str
    due_at: str
    standing: str
    facts: Sequence[Fact]
    choices: Sequence[Choice]
    steps: Sequence[Step]
    proposal: Resolution | None
    assignee: Assignee | None
    workers: Sequence[Assignee]
    notes: Sequence[Note]
    suggestions: Sequence[Suggested]
    """Legs that may be the absent half."""
    answer_moves: Sequence[str]
    """What the resolution that waits would move."""


def break_page(
    connection: Connection, number: int, now: datetime, member: int, bank: str
) -> BreakPage | None:
    """The break (or any pair) of a number, as the bank of this member number sees it; None where
    this view has none."""
    pair = queries.pair(connection, number)
    names = directory(connection)
    facility = None if pair is None else names.facility(pair.facility)
    if pair is None or facility is None:
        return None
    legs = {leg.side: leg for leg in queries.legs_of(connection, number)}
    proposed = resolutions.resolutions(connection, ResolutionFilter(pair=number)).items
    return BreakPage(
        number=number,
        row=break_row(names, pair, now, TYPE_LABELS | _MATCHED_LABELS),
        currency=facility.currency,
        lead=facility.lead,
        due_at="" if pair.due_at is None else iso(pair.due_at),
        standing=_standing(pair),
        facts=list(_facts(pair, legs, facility.decimals)),
        choices=list(_choices(pair, facility)) if _is_open(pair) else [],
        proposal=pair.proposal,
        assignee=WorkList(connection, member).line(pair).assignee,
        workers=workers(connection),
        notes=notes(connection, number),
        suggestions=[
            _suggested(names, one, number, now)
            for one in suggestions_for(connection, partial(loan_refs, connection), pair)
        ],
        answer_moves=_answer_moves(pair, facility),
        steps=sorted(
            [
                *_steps(legs, proposed, facility.decimals),
                *_before_the_chain(connection, facility, legs, bank),
            ],
            key=lambda step: step.at,
        ),
    )


def _is_open(pair: Pair) -> bool:
    return pair.action is None and pair.type not in (*DUPLICATE_TYPES, *_MATCHED_LABELS)


def _standing(pair: Pair) -> str:
    if pair.action is not None:
        return _("Resolved by both banks: %(action)s.", action=action_text(pair.action, None))
    if pair.proposal is not None:
        one = pair.proposal
        what = action_text(one.action, one.side)
        return _(
            "%(bank)s proposes: %(action)s. The other bank decides.",
            bank=one.proposed_by,
            action=what,
        )
    if pair.type in DUPLICATE_TYPES:
        return _(
            "Posted a second time by one bank; the contract rejected it, and no book has moved."
        )
    if not _is_open(pair):
        return _("Both banks have signed the same event.")
    if pair.lead is None or pair.partner_half is None:
        if pair.lead is None:
            return (
                _("The lead’s half is overdue. Nobody has proposed anything.")
                if pair.overdue
                else _("The lead’s half may still come. Nobody has proposed anything.")
            )
        return (
            _("The partner’s half is overdue. Nobody has proposed anything.")
            if pair.overdue
            else _("The partner’s half may still come. Nobody has proposed anything.")
        )
    return _("Nobody has proposed anything yet. One bank proposes, the other accepts.")


def _facts(pair: Pair, legs: dict[str, Leg], decimals: int) -> Iterator[Fact]:
    lead, partner = pair.lead, pair.partner_half

    def fact(label: str, text: Callable[[Half], str], *, compared: bool = False) -> Fact:
        left, right = (text(half) if half else "" for half in (lead, partner))
        return Fact(label, left, right, compared and "" not in (left, right) and left != right)

    yield fact(_("Amount"), lambda half: money(half.amount, decimals), compared=True)
    yield fact(_("Value date"), lambda half: half.value_date.isoformat(), compared=True)
    yield fact(_("Business date"), lambda half: half.business_date.isoformat())
    yield fact(_("Posted at (UTC)"), lambda half: moment(half.posted_at))
    yield fact(
        _("Posting"),
        lambda half: _(
            "%(number)s, word %(word)s", number=whole(half.sequence), word=whole(half.index)
        ),
    )
    left, right = legs.get("lead"), legs.get("partner")
    yield Fact(
        _("Block"),
        f"{left.block_number:,}" if left else "",
        f"{right.block_number:,}" if right else "",
    )
    yield Fact(
        _("Transaction"), left.transaction if left else "", right.transaction if right else ""
    )
    if any(half is not None and half.reversed for half in (lead, partner)):
        yield fact(
            _("Reversed"), lambda half: _("yes") if half.reversed else _("no"), compared=True
        )


def _choices(pair: Pair, facility: Facility) -> Iterator[Choice]:
    """What the contract takes for such a break, each with what it would move."""
    both = pair.lead is not None and pair.partner_half is not None
    if both and pair.difference:
        for side in Side:
            yield _choice(pair, facility, Action.ADJUST, side)
    if both:
        yield _choice(pair, facility, Action.FORCE, None)
    elif pair.target_of is None:
        yield _choice(pair, facility, Action.WRITE_OFF, None)
    yield _choice(pair, facility, Action.VOID, None)


def _choice(pair: Pair, facility: Facility, action: Action, side: Side | None) -> Choice:
    option = f" --side {side}" if side else ""
    return Choice(
        value=f"action={action}&side={side}" if side else f"action={action}",
        label=action_text(action, side),
        moves=_moves(pair, facility, action, side),
        command=f'tally breaks propose {pair.number} --action {action}{option} --reason "…"',
    )


def _answer_moves(pair: Pair, facility: Facility) -> list[str]:
    if pair.proposal is None:
        return []
    one = pair.proposal
    return _moves(pair, facility, Action(one.action), Side(one.side) if one.side else None)


def _moves(pair: Pair, facility: Facility, action: Action, side: Side | None) -> list[str]:
    currency = Currency(facility.currency, facility.decimals)
    return moves_text(effect_out(outcome_of(pair, action, side), currency))


def _suggested(names: Directory, one: Suggestion, number: int, now: datetime) -> Suggested:
    other = one.partner if one.lead.number == number else one.lead
    side = "lead" if other is one.lead else "partner"
    facility = names.facility(other.facility)
    return Suggested(
        row=break_row(names, other, now),
        bank=(facility.lead if facility else "") if side == "lead" else other.partner,
        score=one.score.points // 100,
        because=[f"{each.name}: {each.because}" for each in one.score.factors],
    )


def _before_the_chain(
    connection: Connection, facility: Facility, legs: dict[str, Leg], bank: str
) -> Iterator[Step]:
    """From the feed's row to the batch, of this bank's own legs."""
    for leg in legs.values():
        if leg.bank != bank:
            continue
        origin = leg_origin(connection, facility.number, leg.half.sequence, leg.half.index)
        if origin is not None:
            yield from before_the_chain(origin)


def _steps(legs: dict[str, Leg], proposed: Sequence[Resolution], decimals: int) -> Iterator[Step]:
    for leg in legs.values():
        amount = money(leg.half.amount, decimals)
        what = _("%(bank)s posted %(amount)s", bank=leg.bank, amount=amount)
        if leg.reason is not None:
            what = _(
                "%(bank)s posted %(amount)s; rejected: %(why)s",
                bank=leg.bank,
                amount=amount,
                why=said(leg.reason.replace("_", " ")),
            )
        yield Step(iso(leg.half.posted_at), what, "", leg.transaction)
    for one in proposed:
        action = action_text(one.action, one.side)
        yield Step(
            iso(one.proposed_at),
            _(
                "%(bank)s proposed: %(action)s, books move on %(day)s",
                bank=one.proposed_by,
                action=action,
                day=one.business_date,
            ),
            one.reason or _("The reason is sealed for others."),
            one.proposed_in,
        )
        if one.decided_at is not None:
            who = one.decided_by or _("The other bank")
            yield Step(
                iso(one.decided_at),
                f"{who}: {said(one.status)}",
                one.dispute_reason or "",
                one.decided_in or "",
            )
