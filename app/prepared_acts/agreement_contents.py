"""What acts about holds, facilities and the consortium ask, decoded into words."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from app.actions import consortium, facilities, holds
from app.actions.view import View
from app.contracts.proposals import ProposalContent, read_payload
from app.domain.errors import UsageFault
from app.domain.facility import Facility
from app.domain.money import format_amount
from app.prepared_acts.agreement_facts import NO_CONTRACT, rules_text
from app.prepared_acts.kinds import Facts
from app.readmodel.facilities.history import RulesRow
from app.readmodel.values import to_date

_NONE = "none"


def contents(view: View, asked: object) -> Facts:
    """What is asked, decoded, where neither the words of the act nor its facts say it."""
    decode = _CONTENTS.get(type(asked))
    try:
        return {} if decode is None else decode(view, asked)
    except UsageFault as fault:  # it was overtaken so that nobody could ask for it now
        return {"Asked for": fault.what}


def _placed_holds(view: View, asked: holds.PlaceHolds) -> Facts:
    until = datetime.fromtimestamp(asked.expires_at, UTC)
    return {
        "Drawdown": f"{asked.amount}, reference {asked.ref.hex()}",
        "Shares of": f"{date.fromordinal(asked.shares_day)}",
        "Held until": f"{until:%Y-%m-%d %H:%M} UTC",
    }


def _released_holds(view: View, asked: holds.ReleaseHolds) -> Facts:
    return {"Drawdown": f"reference {asked.holds[0].ref.hex()}"}


def _accepted_facility(view: View, asked: facilities.AcceptFacility) -> Facts:
    return terms_content(view.facility(asked.facility).terms)


def terms_content(terms: Facility) -> Facts:
    """All that a facility's first terms say, as its lead proposes and each partner accepts them."""

    def amount(minor: int) -> str:
        return f"{format_amount(minor, terms.decimals)} {terms.currency}"

    def bound(bps: int) -> str:
        return f"{bps} basis points" if bps else _NONE

    return {
        "Facility": f"{terms.id}, led by {terms.lead}, in {terms.currency}",
        **{
            f"Shares of {one.name}": f"{one.shares.principal}/{one.shares.interest}/"
            f"{one.shares.fee} basis points of principal/interest/fee, warned below "
            f"{amount(one.low_balance)}"
            for one in terms.partners
        },
        "Least share of the lead": bound(terms.bounds.least_lead_share_bps),
        "Largest share of a partner": bound(terms.bounds.largest_partner_share_bps),
        "Rules": f"tolerance {amount(terms.rules.amount_tolerance)}, window "
        f"{terms.rules.date_window_days} days, deadline {terms.rules.match_deadline_hours} h",
        "Cut-off": f"{terms.cut_off}, {terms.time_zone}",
        "Split by": "the contract" if terms.split == "contract" else "the lead",
        "First day": f"{to_date(terms.first_day)}",
    }


def _proposed_shares(view: View, asked: facilities.ProposeShares) -> Facts:
    return {"From": f"{date.fromordinal(asked.first_day)}"} | {
        f"Shares of {name}": f"{one.principal}/{one.interest}/{one.fee} basis points of "
        "principal/interest/fee"
        for name, one in asked.shares.items()
    }


def _proposed_rules(view: View, asked: facilities.ProposeRules) -> Facts:
    known, rules = facilities.rules_asked(view, asked)
    whole = RulesRow(
        0,
        asked.first_day,
        rules.amount_tolerance,
        rules.date_window_days,
        rules.match_deadline_seconds,
        rules.cut_off,
    )
    return {"New rules": rules_text(known, whole)}


def _resumed(view: View, asked: facilities.ResumeFacility) -> Facts:
    return {"Pause of": asked.of or view.bank}


def _proposals(view: View, asked: consortium.Propose) -> Facts:
    return {label: text for one in asked.contents for label, text in _proposal(view, one).items()}


def _proposal(view: View, content: ProposalContent) -> Facts:
    fields = read_payload(content.kind, content.payload)
    if "member" in fields:
        fields["member"] = view.names().member_name(fields["member"])
    if content.kind == "upgrade":
        fields = {"contract": view.contract_at(fields["proxy"]) or NO_CONTRACT} | fields
    if content.kind in ("admit", "replace_key"):
        is_signed = "key" in fields or int(fields["operator"], 16) != 0
        is_signed &= fields.get("purpose") != "sealing"
        fields["proof"] = (
            "signed by the keys that are named"
            if is_signed
            else "none, as a sealing key signs nothing: compare it with what its holder tells you"
        )
    shown = {name.replace("_", " ").capitalize(): f"{value}" for name, value in fields.items()}
    return {"Asked for": content.kind.replace("_", " ")} | shown


def _vote(view: View, asked: consortium.Vote) -> Facts:
    """The vote, and what it would bring about as the votes stand now."""
    found: Facts = {"Vote": "for" if asked.in_favour else "against"}
    count = view.proposal(asked.proposals[0].number).tally
    if count is not None:
        found["Votes so far"] = f"{count.yes} of {count.needed} needed, {count.no} against"
        if asked.in_favour and count.yes + 1 == count.needed:
            found["What follows"] = "this vote makes the majority"
    return found


def _emergency(view: View, asked: consortium.StopMember | consortium.LiftStop) -> Facts:
    """What banks have asked for lately, which says whether this is the second one."""
    what = "stop" if isinstance(asked, consortium.StopMember) else "lift"
    by = [
        f"{one.by} at {one.at:%Y-%m-%d %H:%M} UTC"
        for one in view.emergency(asked.member).requests
        if one.what == what
    ]
    return {"Asked for within 24 hours by": ", ".join(by) or _NONE}


_CONTENTS: dict[type, Callable[[View, Any], Facts]] = {
    holds.PlaceHolds: _placed_holds,
    holds.ReleaseHolds: _released_holds,
    facilities.ProposeFacility: lambda _, asked: terms_content(asked.terms),
    facilities.AcceptFacility: _accepted_facility,
    facilities.ProposeShares: _proposed_shares,
    facilities.ProposeRules: _proposed_rules,
    facilities.ResumeFacility: _resumed,
    consortium.Propose: _proposals,
    consortium.Vote: _vote,
    consortium.StopMember: _emergency,
    consortium.LiftStop: _emergency,
}
