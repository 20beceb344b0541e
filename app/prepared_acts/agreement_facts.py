"""What acts about holds, facilities and the consortium are prepared against, as facts in words."""

from datetime import date

from app.actions import consortium, facilities, holds
from app.actions.view import View
from app.contracts.proposals import read_payload
from app.domain.money import format_amount
from app.prepared_acts.kinds import Facts
from app.readmodel.facilities.agreed import AgreedFacility
from app.readmodel.facilities.history import ChangeRow, RulesRow, SharesRow

_NONE = "none"
NO_CONTRACT = "no contract of this network"


def agreement_facts(view: View, asked: object) -> Facts:
    """Of acts about holds, facilities and the consortium."""
    match asked:
        case holds.PlaceHolds():
            return place_facts(view, asked)
        case holds.ReleaseHolds():
            return release_facts(view, asked)
        case facilities.AcceptChange() | facilities.EnactChange() | facilities.WithdrawChange():
            return change_facts(view, asked.facility, asked.change)
        case facilities.ProposeFacility() | consortium.Propose():
            return {}
        case consortium.StopMember() | consortium.LiftStop():
            return member_facts(view, asked.member)
        case (
            consortium.Vote()
            | consortium.Withdraw()
            | consortium.Enact()
            | consortium.ObjectToKey()
        ):
            return proposal_facts(view, _proposal_of(asked))
        case _:
            return facility_facts(view, asked.facility)  # type: ignore[attr-defined]


def place_facts(view: View, asked: holds.PlaceHolds) -> Facts:
    """What would be held of each partner, and what is held for the drawdown already."""
    agreed, parts = holds.parts_asked(view, asked)
    terms = agreed.terms
    partners = {one.number: one.name for one in terms.partners}
    return {
        f"Part of {partners[number]}": f"{format_amount(part, terms.decimals)} {terms.currency}"
        for number, part in parts
    } | {"Held for it already": _held(agreed, holds.held(view, asked.facility, asked.ref))}


def release_facts(view: View, asked: holds.ReleaseHolds) -> Facts:
    """What of it is still held."""
    first = asked.holds[0]
    id_ = view.names().facility_id(first.facility)
    wanted = {one.partner for one in asked.holds}
    found = [one for one in holds.held(view, id_, first.ref) if one.partner in wanted]
    return {"Held": _held(view.facility(id_), tuple(found))}


def facility_facts(view: View, id_: str) -> Facts:
    """A facility's state, and the versions and changes that there are."""
    known, history = facilities.with_history(view, id_)
    open_changes = [f"{one.number} ({one.kind})" for one in history.changes if one.state == "open"]
    return {
        "State": known.state,
        "Paused by": ", ".join(known.paused_by) or _NONE,
        "Still to accept it": ", ".join(known.waiting_for) or _NONE,
        "Terms": _NONE if known.terms_hash is None else "0x" + known.terms_hash.hex(),
        "Shares": f"version {history.shares[-1].version}: {shares_text(known, history.shares[-1])}",
        "Rules": f"version {history.rules[-1].version}: {rules_text(known, history.rules[-1])}",
        "Changes that wait": "; ".join(open_changes) or _NONE,
    }


def change_facts(view: View, id_: str, number: int) -> Facts:
    """A change, in words."""
    known, history = facilities.with_history(view, id_)
    found = next((one for one in history.changes if one.number == number), None)
    if found is None:
        return {f"Change {number}": _NONE}
    return {
        f"Change {number}": f"{found.kind} by {found.proposer}: {change_text(known, found)}",
        "State": found.state.replace("_", " "),
        "Its hash": "0x" + found.hash.hex(),
    }


def proposal_facts(view: View, number: int) -> Facts:
    """A proposal's content field by field, and whether it still waits."""
    one = view.proposal(number)
    own = next((vote for vote in one.votes if vote.member == view.bank), None)
    return {
        f"Proposal {number}": f"{one.kind.replace('_', ' ')}, by {one.proposer}",
        **(
            {"Contract": view.contract_at(one.asked["proxy"]) or NO_CONTRACT}
            if one.kind == "upgrade" and "proxy" in one.asked
            else {}
        ),
        **{name.replace("_", " ").capitalize(): f"{text}" for name, text in one.asked.items()},
        "State": one.state,
        "Our vote": _NONE if own is None else "for" if own.in_favour else "against",
        "Content hash": one.content_hash,
    }


def member_facts(view: View, number: int) -> Facts:
    """A member's standing. What others have asked for is left out: it changes what a signature
    brings about, and an emergency does not wait for another round."""
    member = view.emergency(number).member
    stopped = member.stopped_until
    return {
        "Member": f"{member.name}, {member.role}",
        "Standing": member.state,
        "Stopped until": _NONE if stopped is None else f"{stopped:%Y-%m-%d %H:%M} UTC",
    }


def upgraded_to(view: View, asked: object) -> str | None:
    """Where the code stands that an act would put, or help to put, behind a contract."""
    match asked:
        case consortium.Propose():
            contents_ = [one for one in asked.contents if one.kind == "upgrade"]
            fields = [read_payload(one.kind, one.payload) for one in contents_]
        case consortium.Vote() | consortium.Enact():
            found = view.proposal(_proposal_of(asked))
            fields = [found.asked] if found.kind == "upgrade" else []
        case _:
            fields = []
    return next((one["implementation"] for one in fields if "implementation" in one), None)


def shares_text(known: AgreedFacility, row: SharesRow) -> str:
    """Shares in words."""
    each = ", ".join(
        f"{partner.name} {one.principal}/{one.interest}/{one.fee}"
        for partner, one in zip(known.terms.partners, row.shares, strict=True)
    )
    return f"{each} basis points of principal/interest/fee, {_from(row.effective_from)}"


def rules_text(known: AgreedFacility, row: RulesRow) -> str:
    """Rules in words."""
    terms = known.terms
    return (
        f"tolerance {format_amount(row.amount_tolerance, terms.decimals)} {terms.currency}, "
        f"window {row.date_window_days} days, deadline {row.match_deadline_seconds / 3600:g} h, "
        f"cut-off {row.cut_off}, {_from(row.effective_from)}"
    )


def change_text(known: AgreedFacility, change: ChangeRow) -> str:
    """A change's content in words."""
    if change.shares is not None:
        return shares_text(known, change.shares)
    if change.rules is not None:
        return rules_text(known, change.rules)
    return "for ever, once nothing is open or held" if change.kind == "close" else "unreadable"


def _proposal_of(
    asked: consortium.Vote | consortium.Withdraw | consortium.Enact | consortium.ObjectToKey,
) -> int:
    if isinstance(asked, consortium.Vote):
        return asked.proposals[0].number
    return asked.proposal if isinstance(asked, consortium.Withdraw) else asked.proposal.number


def _from(day: int) -> str:
    return f"from {date.fromordinal(day)}" if day else "from the beginning"


def _held(agreed: AgreedFacility, parts: tuple[holds.HeldPart, ...]) -> str:
    terms = agreed.terms
    names = {one.number: one.name for one in terms.partners}
    each = [
        f"{names[one.partner]} {format_amount(one.amount, terms.decimals)} {terms.currency}"
        for one in parts
    ]
    return ", ".join(each) or _NONE
