"""The pages of a day: the statement that this bank would propose, and the forms that answer one,
take it back and open a closed day again."""

import json
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.domain.errors import UsageFault
from app.http.context import Context
from app.http.parameters import SmallNumber
from app.http.signed_in import SignedIn, person_of
from app.locale import _
from app.people.person import Person
from app.prepared_acts.facts import facts_of, facts_of_account, statement_differences
from app.prepared_acts.kinds import Facts
from app.prepared_acts.requests import PrepareIn
from app.readmodel.accounts.balances import balances
from app.readmodel.days.queries import day_record, last_closed
from app.readmodel.directory import directory
from app.web.act_forms import (
    NOTHING_REFUSED,
    ActForm,
    FormChoice,
    Refused,
    Typed,
    prepare_as_asked,
)
from app.web.act_view import Acting, may_prepare, waiting_act
from app.web.days_page import day_page
from app.web.forms import Filled
from app.web.pages import Pages
from app.web.site import Site
from app.web.text import said_fault


def _statement_acting(
    connection: Connection,
    context: Context,
    facility: str,
    partner: str,
    day: date,
    person: Person | None,
    error: str,
) -> tuple[Acting, Facts]:
    """Of a statement that this bank would propose, with its figures. Raises UsageFault."""
    waiting = waiting_act(connection, context, person, account=(facility, partner))
    request = PrepareIn.model_validate(
        {"act": "days.propose", "facility": facility, "partner": partner, "day": day}
    ).root
    facts = facts_of(request.asked(context.acts.view), context.acts.view)
    form = None
    if waiting is None and may_prepare(context, person):
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


def add_statement_acts(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    """The routes of a statement that this bank would propose."""

    def show_statement(
        request: Request,
        facility: str,
        partner: str,
        day: str,
        refused: Refused = NOTHING_REFUSED,
    ) -> Response:
        person = person_of(request)

        def look(connection: Connection, now: datetime) -> dict[str, Any]:
            values: dict[str, Any] = {
                "accounts": _own_accounts(connection, context.bank),
                "chosen": (facility, partner),
                "day": day or now.date().isoformat(),
                "acting": False,
                "facts": {},
                "error": "",
            }
            if not facility:
                return values
            try:
                on = date.fromisoformat(day)
                acting, facts = _statement_acting(
                    connection, context, facility, partner, on, person, refused.error
                )
            except ValueError:
                return values | {"error": _("The day is a date, as 2026-03-02.")}
            except UsageFault as fault:
                return values | {"error": said_fault(fault)}
            if acting.form is None:  # which would say it
                values["error"] = refused.error
            return values | {"acting": acting, "facts": facts}

        return pages.show(request, "close_day.html", look, refused.status)

    @router.get("/days/close")
    def statement(
        request: Request,
        account: Annotated[str, Query(max_length=200)] = "",
        day: Annotated[str, Query(max_length=10)] = "",
    ) -> Response:
        facility, _slash, partner = account.partition(" / ")
        return show_statement(request, facility, partner, day)

    @router.post("/days/close")
    def close(request: Request, person: SignedIn, form: Filled) -> Response:
        made = prepare_as_asked(request, context, person, form)
        if isinstance(made, Refused):
            facility, partner = form.text("facility"), form.text("partner")
            return show_statement(request, facility, partner, form.text("day"), made)
        return RedirectResponse(f"{site.root}/acts/{made.number}", 303)


def _day_acting(
    connection: Connection,
    context: Context,
    number: int,
    person: Person | None,
    typed: Typed,
    error: str,
) -> Acting | None:
    """Of one day's statement; None where there is none of that number."""
    record = day_record(connection, number)
    if record is None:
        return None
    account = (record.facility, record.partner)
    waiting = waiting_act(connection, context, person, account=account)
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
    if is_free and is_ours and may_prepare(context, person):
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


def add_day_acts(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    """The routes of one day's statement."""

    def show_day(request: Request, number: int, refused: Refused = NOTHING_REFUSED) -> Response:
        person = person_of(request)

        def look(connection: Connection, now: datetime) -> dict[str, Any]:
            return {
                "page": day_page(connection, number),
                "acting": _day_acting(
                    connection, context, number, person, refused.typed, refused.error
                ),
            }

        return pages.show(request, "day.html", look, refused.status)

    @router.get("/days/{number}")
    def one_day(request: Request, number: SmallNumber) -> Response:
        return show_day(request, number)

    @router.post("/days/{number}/acts")
    def act_on_day(
        request: Request, number: SmallNumber, person: SignedIn, form: Filled
    ) -> Response:
        made = prepare_as_asked(request, context, person, form)
        if isinstance(made, Refused):
            return show_day(request, number, made)
        return RedirectResponse(f"{site.root}/days/{number}", 303)


def _own_accounts(connection: Connection, bank: str) -> list[tuple[str, str]]:
    """Those whose days this bank closes, by facility and partner."""
    names = directory(connection)
    return [
        (one.facility, one.partner)
        for one in balances(connection)
        if (facility := names.facility(one.facility)) and bank in (facility.lead, one.partner)
    ]
