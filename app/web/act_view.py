"""A prepared act as one person sees it: what it is, where it stands, what they may do with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy import Connection

from app.domain.errors import UsageFault
from app.http.context import Context
from app.locale import N_, _, capital, said
from app.people.person import Person
from app.people.roles import Right
from app.prepared_acts.facts import changed_since
from app.prepared_acts.lifecycle import WAITING, State
from app.prepared_acts.store import PreparedAct, list_acts
from app.presentation.prepared_acts import ActOut, act_out, act_words
from app.web.act_forms import ActForm
from app.web.legs_page import Step
from app.web.text import iso, moves_text

_TONES = {
    State.PREPARED: "pending",
    State.SIGNING: "pending",
    State.SENT: "pending",
    State.SIGNED: "good",
    State.REFUSED: "bad",
    State.FAILED: "bad",
}
_WORDS = {
    State.PREPARED: N_("Waits for a signature"),
    State.SIGNING: N_("Being signed"),
    State.SENT: N_("Signed, on its way to the chain"),
    State.SIGNED: N_("Signed"),
    State.REFUSED: N_("Refused"),
    State.FAILED: N_("Failed"),
    State.WITHDRAWN: N_("Withdrawn"),
    State.EXPIRED: N_("Expired"),
}


@dataclass(frozen=True, slots=True)
class ActView:
    """A prepared act as one person sees it. `changed`: what has changed since it was prepared, so
    that it can no more be signed."""

    out: ActOut
    title: str
    about: str
    label: str
    tone: str
    moves: Sequence[str]
    changed: Sequence[str]
    address: str
    """Of the page of what it is about."""
    is_own: bool
    may_sign: bool
    may_withdraw: bool
    prepared_at: str
    expires_at: str
    history: Sequence[Step]


@dataclass(frozen=True, slots=True)
class Acting:
    """What a page offers to act. `differences`: where the other bank's statement is not what this
    bank's own legs come to."""

    waiting: ActView | None
    form: ActForm | None
    differences: str = ""


def act_view(
    connection: Connection, context: Context, act: PreparedAct, person: Person | None
) -> ActView:
    """An act as a person sees it; None: who is not signed in."""
    out = act_out(connection, context.acts.view, act)
    is_own = person is not None and act.content.prepared_by == person.id
    changed: Sequence[str] = ()
    if act.state is State.PREPARED:
        try:
            changed = changed_since(act.content, context.acts.view)
        except UsageFault as fault:
            changed = [fault.what]
    waits = act.state is State.PREPARED and person is not None
    return ActView(
        out=out,
        title=capital(act_words(act)),
        about=_about(out),
        label=_("Overtaken") if changed else _(_WORDS[act.state]),
        tone="bad" if changed else _TONES.get(act.state, ""),
        moves=moves_text(out.effect, out.effect.currency) if out.effect else [],
        changed=changed,
        address=_address(out),
        is_own=is_own,
        may_sign=waits
        and not is_own
        and not changed
        and context.acts.signs
        and _may(person, "sign"),
        may_withdraw=waits and (_may(person, "prepare") or _may(person, "sign")),
        prepared_at=iso(out.prepared_at),
        expires_at=iso(out.expires_at),
        history=[
            Step(
                iso(one.at),
                _("%(what)s by %(person)s", what=_happened(one.state, place), person=one.person)
                if one.person
                else _happened(one.state, place),
                one.note,
                out.transaction or "" if one.state is State.SIGNED else "",
            )
            for place, one in enumerate(out.log)
        ],
    )


def _about(out: ActOut) -> str:
    if out.pair is None:
        account = [one for one in (out.facility, out.partner) if one is not None]
        return ", ".join(account) or said(out.subject.replace("_", " "))
    about = _("break %(number)s", number=out.pair)
    return f"{about}, {out.event_ref}" if out.event_ref else about


def _address(out: ActOut) -> str:
    if out.pair is not None:
        return f"breaks/{out.pair}"
    if out.act.startswith("holds."):
        return "holds"
    if out.facility is None:
        return "consortium/acts"
    if out.act == "facilities.propose" and out.state is not State.SIGNED:
        return "new-facility"
    if out.partner is None:
        return f"facilities/{quote(out.facility, safe='')}/acts"
    return f"accounts/{quote(out.facility, safe='')}/{quote(out.partner, safe='')}"


def may_prepare(context: Context, person: Person | None) -> bool:
    """Whether this person prepares acts here."""
    return context.acts.signs and _may(person, "prepare")


def _may(person: Person | None, right: Right) -> bool:
    return person is not None and person.may(right)


def _happened(state: State, place: int) -> str:
    if state is State.PREPARED:
        return _("Prepared") if place == 0 else _("Waits again")
    if state is State.SENT:
        return _("Signed and sent")
    if state is State.SIGNED:
        return _("On the chain")
    if state is State.SIGNING:
        return _("Second factor given")
    return _(_WORDS[state])


def waiting_act(
    connection: Connection,
    context: Context,
    person: Person | None,
    *,
    pair: int | None = None,
    account: tuple[str, str] | None = None,
) -> ActView | None:
    """What waits about a break or an account's days."""
    found = list_acts(connection, states=WAITING, limit=1, pair=pair, account=account)
    return act_view(connection, context, found[0], person) if found else None
