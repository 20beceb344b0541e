"""The pages of alerts: what is open and what ended, one alert, the rules, a person's mails."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection

from app.alerts.kinds import TIMED, AlertKind, Rule
from app.alerts.mails import MailSettings, set_settings, settings_of
from app.alerts.rules import rules, set_rule
from app.alerts.store import (
    Alert,
    acknowledge,
    count_waiting,
    listed_alerts,
    logs_of,
    one_alert,
    snooze,
)
from app.alerts.texts import kind_title, sentence
from app.domain.errors import UsageFault
from app.http.acting import writing
from app.http.context import Context
from app.http.parameters import Number
from app.http.problems import Problem
from app.http.signed_in import Worker, allowed_to, is_open_to, open_session, person_of, signed_in
from app.locale import N_, _, translated
from app.people.person import Person
from app.people.roles import ROLES
from app.readmodel.directory import directory
from app.web.forms import Filled, Form, number_of
from app.web.pages import Pages
from app.web.site import Site
from app.web.text import grouped

PAGE_ROWS = 50
_MOST_OPEN = 500
_SNOOZES = (
    (30, N_("30 minutes")),
    (120, N_("2 hours")),
    (480, N_("8 hours")),
    (1440, N_("1 day")),
    (4320, N_("3 days")),
)
_CHANGES = {
    "raised": N_("Raised"),
    "acknowledged": N_("Acknowledged"),
    "snoozed": N_("Snoozed"),
    "woken": N_("Its time of quiet is over"),
    "escalated": N_("Escalated"),
    "ended": N_("Ended"),
}

Viewer = Annotated[Person, Depends(allowed_to("view"))]


@dataclass(frozen=True, slots=True)
class AlertLine:
    """An alert as a page shows it: with its tone, its words and how it stands."""

    alert: Alert
    title: str
    text: str
    tone: str
    state: str
    quiet_until: str | None


def add_alerts(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    """Their routes."""

    @router.get("/alerts")
    def alerts(request: Request, before: Number | None = None) -> Response:
        def look(connection: Connection, at: datetime) -> dict[str, Any]:
            found = listed_alerts(connection, status="open", limit=_MOST_OPEN)
            ended = listed_alerts(connection, status="ended", before=before, limit=PAGE_ROWS + 1)
            return {
                "tab": "alerts",
                "open": [_line(one, at) for one in found],
                "ended": [_line(one, at) for one in ended[:PAGE_ROWS]],
                "following": ended[PAGE_ROWS - 1].number if len(ended) > PAGE_ROWS else 0,
            }

        return pages.show(request, "alerts.html", look)

    @router.get("/alerts/count")
    def count(request: Request) -> HTMLResponse:
        if open_session(request) is None and not is_open_to(request):
            signed_in(request)
        with context.engine.connect() as connection:
            return site.html("alerts_count.html", alerts_waiting=count_waiting(connection))

    _add_rules(router, site, pages)
    _add_mails(router, context, site, pages)
    _add_one_alert(router, site, pages)


def _add_one_alert(router: APIRouter, site: Site, pages: Pages) -> None:
    def show_alert(request: Request, number: int, error: str = "", note: str = "") -> Response:
        def look(connection: Connection, at: datetime) -> dict[str, Any]:
            try:
                alert = one_alert(connection, number)
            except UsageFault:
                return {"line": None}
            return {
                "line": _line(alert, at),
                "changes": logs_of(connection, [number])[number],
                "snoozes": [(minutes, translated(words)) for minutes, words in _SNOOZES],
                "change_words": {name: translated(words) for name, words in _CHANGES.items()},
                "error": error,
                "note": note,
            }

        return pages.show(request, "alert.html", look, 422 if error else 200)

    @router.get("/alerts/{number}")
    def alert(request: Request, number: Number) -> Response:
        return show_alert(request, number)

    @router.post("/alerts/{number}")
    def act(request: Request, number: Number, person: Worker, form: Filled) -> Response:
        """Acknowledged or snoozed."""
        note = form.text("note")
        try:
            with writing(request, person) as connection:
                if form.text("act") == "snooze":
                    snooze(connection, number, _whole(form.text("minutes")), note)
                else:
                    acknowledge(connection, number, note)
        except UsageFault as fault:
            return show_alert(request, number, str(fault), note)
        back = "alerts" if form.text("back") == "list" else f"alerts/{number}"
        return RedirectResponse(f"{site.root}/{back}", 303)


def _add_rules(router: APIRouter, site: Site, pages: Pages) -> None:
    def show(request: Request, error: str = "") -> Response:
        def look(connection: Connection, at: datetime) -> dict[str, Any]:
            found = rules(connection)
            currencies = {one.currency for one in directory(connection).facilities.values()}
            return {
                "tab": "rules",
                "rules": [
                    (kind, kind_title(kind), rule, kind in TIMED) for kind, rule in found.items()
                ],
                "currencies": sorted(currencies | set(found[AlertKind.LARGE_BREAK].amounts)),
                "roles": ROLES,
                "error": error,
            }

        return pages.show(request, "alert_rules.html", look, 422 if error else 200)

    @router.get("/alerts/rules")
    def page(request: Request) -> Response:
        return show(request)

    @router.post("/alerts/rules")
    def change(request: Request, person: Viewer, form: Filled) -> Response:
        """One kind's rule, by those who work or administer."""
        if not (person.may("work") or person.may("administer")):
            raise Problem(403, "forbidden", "none of your roles may do this; it takes 'work'")
        try:
            kind, rule = _asked_rule(form)
            with writing(request, person) as connection:
                set_rule(connection, kind, rule)
        except UsageFault as fault:
            return show(request, str(fault))
        return RedirectResponse(f"{site.root}/alerts/rules", 303)


def _add_mails(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    def show(request: Request, error: str = "", typed: str | None = None) -> Response:
        person = person_of(request)

        def look(connection: Connection, at: datetime) -> dict[str, Any]:
            found = settings_of(connection, person.id) if person else None
            return {
                "tab": "mails",
                "kinds": [(kind, kind_title(kind)) for kind in AlertKind],
                "mailed": found.kinds if found else frozenset(AlertKind),
                "digest": found.digest if found else False,
                "address": typed if typed is not None else found.address if found else "",
                "is_mailed": found is not None,
                "domains": context.mail_domains,
                "error": error,
            }

        return pages.show(request, "alert_mails.html", look, 422 if error else 200)

    @router.get("/alerts/mails")
    def page(request: Request) -> Response:
        return show(request)

    @router.post("/alerts/mails")
    def change(request: Request, person: Viewer, form: Filled) -> Response:
        """What the person who is signed in is mailed."""
        address = form.text("address").strip()
        chosen = frozenset(one for one in AlertKind if one in form.texts("kinds"))
        settings = MailSettings(address, chosen, form.text("digest") == "yes")
        wanted = None if form.text("act") == "stop" else settings
        try:
            with writing(request, person) as connection:
                set_settings(connection, person, wanted, context.mail_domains)
        except UsageFault as fault:
            return show(request, str(fault), address)
        return RedirectResponse(f"{site.root}/alerts/mails", 303)


def _asked_rule(form: Form) -> tuple[AlertKind, Rule]:
    kind = next((one for one in AlertKind if one == form.text("kind")), None)
    role = next((one for one in ROLES if one == form.text("escalate_to")), None)
    if kind is None or role is None:
        raise UsageFault("there is no such rule")
    amounts = {one: form.text(f"amount-{one}").strip() for one in form.texts("currency")}
    return kind, Rule(
        enabled=bool(form.text("enabled")),
        minutes=_whole(form.text("minutes") or "0"),
        amounts={one: amount for one, amount in amounts.items() if amount},
        escalate_minutes=_whole(form.text("escalate_minutes") or "0"),
        escalate_to=role,
    )


def _line(alert: Alert, at: datetime) -> AlertLine:
    is_quiet = (
        alert.ended_at is None
        and alert.snoozed_until is not None
        and datetime.fromisoformat(alert.snoozed_until) > at
    )
    tone = "bad" if alert.critical else "warn"
    if alert.ended_at is not None:
        tone, state = "good", _("Ended")
    elif is_quiet:
        tone, state = "pending", _("Snoozed")
    elif alert.acknowledged_at is not None:
        tone, state = "pending", _("Acknowledged")
    elif alert.escalated_at is not None:
        state = _("Escalated")
    else:
        state = _("Waiting")
    figures = {name: grouped(str(value)) for name, value in alert.details.items()}
    text = sentence(alert.kind, figures)
    quiet_until = alert.snoozed_until if is_quiet else None
    return AlertLine(alert, kind_title(alert.kind), text, tone, state, quiet_until)


def _whole(text: str) -> int:
    minutes = number_of(text, most_digits=7)
    if minutes is None:
        raise UsageFault("minutes: give a whole number")
    return minutes
