"""The bank's rules for alerts, and what the person who asks is mailed."""

from typing import Annotated

from fastapi import APIRouter, Request
from sqlalchemy import Connection

from app.alerts.kinds import AlertKind, Rule
from app.alerts.mails import MailSettings, set_settings, settings_of
from app.alerts.rules import reset_rule, rules, set_rule
from app.api.bodies import described, json_body
from app.api.etags import BY_BODY, RECORDED, TaggedByBody
from app.api.reading import reading
from app.api.responses import WITH_BODY
from app.api.security import READ, SET_RULES, VIEW
from app.http.acting import writing
from app.http.context import Context
from app.people.person import Person
from app.presentation.alert_rules import (
    AlertMailsIn,
    AlertMailsOut,
    AlertRuleIn,
    AlertRuleOut,
    AlertRulesOut,
    alert_mails_in,
    alert_rule_out,
)

_MAX_BYTES = 16 * 1024

router = APIRouter(prefix="/v1", tags=["alerts"], route_class=TaggedByBody)

RuleSetter = Annotated[Person, SET_RULES]
Reader = Annotated[Person, VIEW]


@router.get("/alert-rules", dependencies=[READ, RECORDED], summary="The rule of each kind of alert")
def list_rules(request: Request) -> AlertRulesOut:
    """The bank's own, or the default where it has set none."""
    with reading(request) as connection:
        found = rules(connection)
    return AlertRulesOut(items=[alert_rule_out(kind, rule) for kind, rule in found.items()])


@router.put(
    "/alert-rules/{kind}",
    summary="Set the rule of a kind",
    responses=WITH_BODY,
    openapi_extra=described(AlertRuleIn),
)
async def put_rule(request: Request, person: RuleSetter, kind: AlertKind) -> AlertRuleOut:
    """For the whole bank, from now on."""
    asked = await json_body(request, AlertRuleIn, _MAX_BYTES)

    def work(connection: Connection) -> AlertRuleOut:
        set_rule(connection, kind, Rule(**asked.model_dump()))
        return alert_rule_out(kind, rules(connection)[kind])

    return await writing(request, person, work)


@router.delete("/alert-rules/{kind}", summary="Return to the default rule of a kind")
async def delete_rule(request: Request, person: RuleSetter, kind: AlertKind) -> AlertRuleOut:
    """Which is what the answer shows."""

    def work(connection: Connection) -> AlertRuleOut:
        reset_rule(connection, kind)
        return alert_rule_out(kind, rules(connection)[kind])

    return await writing(request, person, work)


@router.get("/alert-mails", dependencies=[BY_BODY], summary="What this person is mailed")
def show_mails(request: Request, person: Reader) -> AlertMailsOut:
    """Of the person who is signed in."""
    with reading(request) as connection:
        return _mails(request, connection, person)


@router.put(
    "/alert-mails",
    summary="Set what this person is mailed",
    responses=WITH_BODY,
    openapi_extra=described(AlertMailsIn),
)
async def put_mails(request: Request, person: Reader) -> AlertMailsOut:
    """To an address of the domains that the bank allows."""
    asked = await json_body(request, AlertMailsIn, _MAX_BYTES)
    settings = MailSettings(asked.address.strip(), frozenset(asked.kinds), asked.digest)
    return await _set_mails(request, person, settings)


@router.delete("/alert-mails", summary="Mail this person nothing more")
async def delete_mails(request: Request, person: Reader) -> AlertMailsOut:
    """Alerts stay on the page."""
    return await _set_mails(request, person, None)


async def _set_mails(
    request: Request, person: Person, settings: MailSettings | None
) -> AlertMailsOut:
    context: Context = request.app.state.context

    def work(connection: Connection) -> AlertMailsOut:
        set_settings(connection, person, settings, context.mail_domains)
        return _mails(request, connection, person)

    return await writing(request, person, work)


def _mails(request: Request, connection: Connection, person: Person) -> AlertMailsOut:
    context: Context = request.app.state.context
    found = settings_of(connection, person.id)
    return AlertMailsOut(
        mails=None if found is None else alert_mails_in(found), domains=list(context.mail_domains)
    )
