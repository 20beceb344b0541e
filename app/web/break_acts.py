"""The page of a break: what waits, and the forms that propose, answer or take back a resolution."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.domain.errors import UsageFault
from app.http.acting import writing
from app.http.context import Context
from app.http.parameters import Number
from app.http.signed_in import SignedIn, Worker, person_of
from app.locale import _, capital, said
from app.people.person import Person
from app.prepared_acts.facts import break_facts
from app.prepared_acts.store import list_acts
from app.presentation.pairs import action_text
from app.web.act_forms import (
    NOTHING_REFUSED,
    ActForm,
    FormChoice,
    Refused,
    Typed,
    prepare_as_asked,
)
from app.web.act_view import Acting, act_view, may_prepare, waiting_act
from app.web.break_page import BreakPage, break_page
from app.web.forms import Filled
from app.web.pages import Pages
from app.web.site import Site
from app.web.work_list import assignee
from app.worklist.notes import assign, comment

_LINES = 50


def _break_acting(
    connection: Connection,
    context: Context,
    page: BreakPage,
    person: Person | None,
    typed: Typed,
    error: str,
) -> Acting:
    """Of one break."""
    waiting = waiting_act(connection, context, person, pair=page.number)
    form = None
    is_free = waiting is None or bool(error)  # what somebody typed is not lost
    is_ours = context.bank in (page.lead, page.row.pair.partner)
    if is_free and is_ours and page.choices and may_prepare(context, person):
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


def add_break_acts(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    """The routes of one break: acts, comments, who works on it."""

    def show_break(
        request: Request,
        number: int,
        refused: Refused = NOTHING_REFUSED,
        note: str = "",
        note_error: str = "",
    ) -> Response:
        person = person_of(request)

        def look(connection: Connection, now: datetime) -> dict[str, Any]:
            page = break_page(connection, number, now, context.member, context.bank)
            if page is None:
                return {"page": None}
            acts_of_it = list_acts(connection, pair=number, limit=_LINES)
            return {
                "page": page,
                "acting": _break_acting(
                    connection, context, page, person, refused.typed, refused.error
                ),
                "acts": [act_view(connection, context, one, person) for one in acts_of_it],
                "note_typed": note,
                "note_error": note_error,
            }

        return pages.show(request, "break.html", look, 422 if note_error else refused.status)

    @router.get("/breaks/{number}")
    def one_break(request: Request, number: Number) -> Response:
        return show_break(request, number)

    @router.post("/breaks/{number}/acts")
    def act_on_break(request: Request, number: Number, person: SignedIn, form: Filled) -> Response:
        made = prepare_as_asked(request, context, person, form, {"pair": number})
        if isinstance(made, Refused):
            return show_break(request, number, made)
        return RedirectResponse(f"{site.root}/breaks/{number}", 303)

    @router.post("/breaks/{number}/comments")
    def add_comment(request: Request, number: Number, person: Worker, form: Filled) -> Response:
        text = form.text("text")
        try:
            with writing(request, person) as connection:
                comment(connection, number, person.display_name, text)
        except UsageFault as fault:
            return show_break(request, number, note=text, note_error=capital(said(fault.what)))
        return RedirectResponse(f"{site.root}/breaks/{number}", 303)

    @router.post("/breaks/{number}/assign")
    def assign_break(request: Request, number: Number, person: Worker, form: Filled) -> Response:
        try:
            with writing(request, person) as connection:
                assign(connection, [number], person.display_name, assignee(connection, form))
        except UsageFault as fault:
            return show_break(request, number, note_error=capital(said(fault.what)))
        return RedirectResponse(f"{site.root}/breaks/{number}", 303)
