"""The forms that prepare an act: what they hold, and what was filled in."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import ValidationError

from app.domain.errors import InputFault
from app.http.acting import acting
from app.http.context import Context
from app.locale import N_, _, said
from app.people.person import Person
from app.prepared_acts.kinds import Facts
from app.prepared_acts.requests import PrepareIn
from app.prepared_acts.requests import Request as Asked
from app.prepared_acts.store import PreparedAct
from app.web.forms import Form
from app.web.text import said_fault

MEMBERS_READ_IT = N_("The members and observers that it concerns read it.")


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
class Refused:
    """A form that is shown again, with what was typed and why it was refused."""

    typed: Typed
    error: str
    status: int


NOTHING_REFUSED = Refused(Typed(), "", 200)


def typed_in(form: Form) -> Typed:
    fields = {name: values[0] for name, values in form.typed().items()}
    return Typed(form.text("choice"), form.text("reason"), form.text("business_date"), fields)


def prepare_as_asked(
    request: Request,
    context: Context,
    person: Person,
    form: Form,
    given: Mapping[str, Any] | None = None,
) -> PreparedAct | Refused:
    """Prepare, in a person's name, what a form asks: its choice is the act's name, with what it
    sets behind a `?`; the act's other fields are those of the form. `given`: what the page sets
    itself."""
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
    with acting(request, person):
        return _prepare(context, person, asked, form)


_REQUESTS = {
    get_args(one.model_fields["act"].annotation)[0]: one for one in get_args(get_args(Asked)[0])
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
        return Refused(typed, said_fault(fault), 409)


def _seen(form: Form) -> Facts | None:
    """The facts that the form was shown with; None of a form that shows none."""
    if not form.texts("seen"):
        return None
    try:
        found = json.loads(form.text("seen"))
    except (ValueError, RecursionError):
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
