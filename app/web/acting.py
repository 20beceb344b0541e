"""Acting through the page: what waits for a signature, and what may be prepared."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, get_args
from urllib.parse import parse_qsl, quote

from pydantic import ValidationError
from sqlalchemy import Connection

from app.domain.errors import InputFault, UsageFault
from app.http.context import Context
from app.locale import N_, _, capital, said
from app.people.person import Person
from app.prepared_acts.facts import (
    break_facts,
    changed_since,
    facts_of,
    facts_of_account,
    statement_differences,
)
from app.prepared_acts.kinds import Facts
from app.prepared_acts.lifecycle import WAITING, State
from app.prepared_acts.requests import PrepareIn, Request
from app.prepared_acts.store import PreparedAct, list_acts
from app.presentation.pairs import action_text
from app.presentation.prepared_acts import ActOut, act_out, act_words
from app.readmodel.days.queries import day_records, last_closed
from app.readmodel.directory import directory
from app.web.break_page import BreakPage
from app.web.forms import Form
from app.web.text import grouped, iso

MEMBERS_READ_IT = N_("The members and observers that it concerns read it.")

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
class Happened:
    """A line of an act's history."""

    at: str
    what: str
    note: str
    transaction: str


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
    history: Sequence[Happened]


@dataclass(frozen=True, slots=True)
class FormChoice:
    """One thing that can be prepared; `moves`: what it would do."""

    value: str
    label: str
    moves: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of a form; `kind` as of an HTML input (`file`: its text is taken), `select` (one of
    `options`) or `textarea`."""

    name: str
    label: str
    hint: str = ""
    kind: str = "text"
    options: Sequence[tuple[str, str]] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody has filled in; `fields` by the names of FormField."""

    choice: str = ""
    reason: str = ""
    business_date: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActForm:
    """A form that prepares an act. `reason_for`: which choices want a reason, in words; empty where
    none does. `hidden` says what was shown."""

    address: str
    title: str
    intro: str
    choices: Sequence[FormChoice]
    hidden: dict[str, str]
    reason_for: str = ""
    takes_date: bool = False
    fields: Sequence[FormField] = ()
    typed: Typed = field(default_factory=Typed)
    error: str = ""


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
        moves=_moves(out),
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
            Happened(
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


def _may(person: Person | None, right: Any) -> bool:
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


def _moves(out: ActOut) -> list[str]:
    effect = out.effect
    if effect is None:
        return []
    found = [
        f"{label} {_signed(amount)}"
        for label, amount in (
            (_("Lead book"), effect.lead_moved),
            (_("Partner book"), effect.partner_moved),
            (_("Accepted difference"), effect.accepted_difference),
        )
        if amount.strip("-0.")
    ]
    agreed = f"{_signed(effect.agreed)} {effect.currency}"
    return [*(found or [_("No book moves")]), _("Agreed %(amount)s", amount=agreed)]


def _signed(amount: str) -> str:
    is_more = amount.strip("0.") and not amount.startswith("-")
    return f"{'+' if is_more else ''}{grouped(amount)}"


# --- What may be prepared -----------------------------------------------------------------------


def break_acting(
    connection: Connection,
    context: Context,
    page: BreakPage,
    person: Person | None,
    typed: Typed,
    error: str,
) -> Acting:
    """Of one break."""
    waiting = _waiting(connection, context, person, pair=page.number)
    form = None
    is_free = waiting is None or bool(error)  # what somebody typed is not lost
    is_ours = context.bank in (page.lead, page.row.partner)
    if is_free and is_ours and page.choices and context.acts.signs and _may(person, "prepare"):
        facts = break_facts(context.acts.view, page.number)
        hidden = {"seen": json.dumps(facts)}
        address = f"breaks/{page.number}/acts"
        one = page.proposal
        if one is None:
            form = ActForm(
                address,
                _("Propose a resolution"),
                _(
                    "You prepare it, an approver of this bank signs it, then the other bank "
                    "answers. This is what each would move."
                ),
                [
                    FormChoice(f"breaks.propose?{each.value}", each.label, each.moves)
                    for each in page.choices
                ],
                hidden,
                reason_for=_("The other bank and the auditors read it."),
                takes_date=True,
            )
        else:
            hidden["resolution"] = str(one.number)
            what = action_text(one.action, one.side)
            if one.proposed_by == context.bank:
                form = ActForm(
                    address,
                    _("Our proposal waits for the other bank"),
                    _("We propose: %(action)s.", action=what),
                    [
                        FormChoice(
                            "breaks.withdraw", _("take it back"), (_("The break stays as it is"),)
                        )
                    ],
                    hidden,
                )
            else:
                form = ActForm(
                    address,
                    _("Answer %(bank)s", bank=one.proposed_by),
                    _(
                        "%(bank)s proposes: %(action)s, on %(day)s. “%(reason)s”",
                        bank=one.proposed_by,
                        action=what,
                        day=one.business_date,
                        reason=one.reason or _("The reason is sealed for others."),
                    ),
                    [
                        FormChoice("breaks.accept", _("accept it"), page.answer_moves),
                        FormChoice(
                            "breaks.dispute",
                            _("dispute it"),
                            (_("The proposal ends, the break stays"),),
                        ),
                    ],
                    hidden,
                    reason_for=_("Needed to dispute; the other bank and the auditors read it."),
                )
        form = replace(form, typed=typed, error=error)
    return Acting(waiting, form)


def day_acting(
    connection: Connection,
    context: Context,
    number: int,
    person: Person | None,
    typed: Typed,
    error: str,
) -> Acting | None:
    """Of one day's statement; None where there is none of that number."""
    records = day_records(connection, number=number)
    if not records:
        return None
    record = records[0]
    account = (record.facility, record.partner)
    waiting = _waiting(connection, context, person, account=account)
    hidden = {
        "facility": record.facility,
        "partner": record.partner,
        "day": record.day.isoformat(),
        "statement_hash": "0x" + record.statement_hash.hex(),
    }
    names = directory(connection).facility(record.facility)
    is_ours = names is not None and context.bank in (names.lead, record.partner)
    form, differences = None, ""
    is_free = waiting is None or bool(error)
    if is_free and is_ours and context.acts.signs and _may(person, "prepare"):
        hidden["seen"] = json.dumps(facts_of_account(context.acts.view, *account))
        address = f"days/{number}/acts"
        if record.state == "proposed" and record.proposed_by == context.bank:
            form = ActForm(
                address,
                _("Our statement waits for the other bank"),
                "",
                [FormChoice("days.withdraw", _("take it back"), (_("The day stays open"),))],
                hidden,
            )
        elif record.state == "proposed":
            differences = statement_differences(context.acts.view, *account)
            confirm = FormChoice(
                "days.confirm", _("confirm it"), (_("The day is closed for both banks"),)
            )
            form = ActForm(
                address,
                _("Answer %(bank)s", bank=record.proposed_by),
                _("Our own legs come to the same.")
                if not differences
                else _("Our own legs come to something else, so that it can only be disputed."),
                [
                    *([] if differences else [confirm]),
                    FormChoice(
                        "days.dispute",
                        _("dispute it"),
                        (_("The statement ends, the day stays open"),),
                    ),
                ],
                hidden,
                reason_for=_("Needed to dispute; the other bank and the auditors read it."),
            )
        elif record.state == "closed" and _is_last(connection, account, number):
            form = _reopening(context, address, hidden, record.reopen_by)
        if form is not None:
            form = replace(form, typed=typed, error=error)
    return Acting(waiting, form, differences)


def _is_last(connection: Connection, account: tuple[str, str], number: int) -> bool:
    last = last_closed(connection, *account)
    return last is not None and last.number == number


def _reopening(
    context: Context, address: str, hidden: dict[str, str], asked_by: str | None
) -> ActForm:
    if asked_by is None:
        return ActForm(
            address,
            _("Open the day again"),
            _("Only the last closed day can be opened again, by both banks."),
            [FormChoice("days.propose_reopening", _("propose to open it again"))],
            hidden,
            reason_for=_("The other bank and the auditors read it."),
        )
    if asked_by == context.bank:
        return ActForm(
            address,
            _("We propose to open it again"),
            "",
            [
                FormChoice(
                    "days.withdraw_reopening", _("take that back"), (_("The day stays closed"),)
                )
            ],
            hidden,
        )
    return ActForm(
        address,
        _("%(bank)s proposes to open it again", bank=asked_by),
        "",
        [
            FormChoice(
                "days.confirm_reopening", _("open it again"), (_("The day is open for both banks"),)
            )
        ],
        hidden,
    )


def statement_acting(
    connection: Connection,
    context: Context,
    facility: str,
    partner: str,
    day: date,
    person: Person | None,
    error: str,
) -> tuple[Acting, Facts]:
    """Of a statement that this bank would propose, with its figures. Raises UsageFault."""
    waiting = _waiting(connection, context, person, account=(facility, partner))
    request = PrepareIn.model_validate(
        {"act": "days.propose", "facility": facility, "partner": partner, "day": day}
    ).root
    facts = facts_of(request.asked(context.acts.view), context.acts.view)
    form = None
    if waiting is None and context.acts.signs and _may(person, "prepare"):
        form = ActForm(
            "days/close",
            _("Propose to close it"),
            _(
                "You prepare it, an approver of this bank signs it, then the other bank answers. A "
                "leg that comes before it is signed makes it out of date."
            ),
            [FormChoice("days.propose", _("close the day with this statement"))],
            {
                "facility": facility,
                "partner": partner,
                "day": day.isoformat(),
                "seen": json.dumps(facts),
            },
            error=error,
        )
    return Acting(waiting, form), facts


def _waiting(
    connection: Connection, context: Context, person: Person | None, **about: Any
) -> ActView | None:
    found = list_acts(connection, states=WAITING, limit=1, **about)
    return act_view(connection, context, found[0], person) if found else None


# --- What was filled in -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refused:
    """A form that is shown again, with what was typed and why it was refused."""

    typed: Typed
    error: str
    status: int


def typed_in(form: Form) -> Typed:
    fields = {name: values[0] for name, values in form.typed().items()}
    return Typed(form.text("choice"), form.text("reason"), form.text("business_date"), fields)


def prepare_as_asked(
    context: Context, person: Person, form: Form, given: Mapping[str, Any] | None = None
) -> PreparedAct | Refused:
    """Prepare what a form asks: its choice is the act's name, with what it sets behind a `?`; the
    act's other fields are those of the form. `given`: what the page sets itself."""
    act, _, chosen = form.text("choice").partition("?")
    asked: dict[str, Any] = {**dict(parse_qsl(chosen)), **(given or {}), "act": act}
    shape = _REQUESTS.get(act)
    for name in () if shape is None else shape.model_fields:
        text = form.text(name).strip()
        if name == "shares":
            asked[name] = text.split()
        elif text and name not in asked:
            asked[name] = text
    if shape is not None and "reason" in shape.model_fields:
        asked.setdefault("reason", "")
    return _prepare(context, person, asked, form)


_REQUESTS = {
    get_args(one.model_fields["act"].annotation)[0]: one for one in get_args(get_args(Request)[0])
}
"""The shape of what is asked, by the name of the act."""


def _prepare(
    context: Context, person: Person, asked: dict[str, Any], form: Form
) -> PreparedAct | Refused:
    typed = typed_in(form)
    if not typed.choice:
        return Refused(typed, _("Choose one of the ways."), 422)
    if "reason" in asked and not asked["reason"]:
        return Refused(typed, _("Say why: the reason is missing."), 422)
    try:
        request = PrepareIn.model_validate_json(json.dumps(asked)).root
        return context.acts.prepare(person, request, _seen(form))
    except ValidationError as faults:
        first = faults.errors(include_url=False, include_input=False, include_context=False)[0]
        where = said(str(first["loc"][-1]).replace("_", " ")) if first["loc"] else _("the form")
        return Refused(typed, f"{where}: {said(first['msg'])}", 422)
    except InputFault as fault:
        text = f"{fault.what}. {fault.remedy}" if fault.remedy else fault.what
        return Refused(typed, capital(said(text)), 409)


def _seen(form: Form) -> Facts | None:
    """The facts that the form was shown with; None of a form that shows none."""
    if not form.texts("seen"):
        return None
    try:
        found = json.loads(form.text("seen"))
    except (ValueError, RecursionError):
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
