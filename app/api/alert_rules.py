"""The bank's rules for alerts, and what the person who asks is mailed."""

from typing import Annotated

from fastapi import APIRouter, Request
from sqlalchemy import Connection

from app.alerts.kinds import AlertKind, Rule
from app.alerts.mails import MailSettings, set_settings, settings_of
from app.alerts.rules import reset_rule, rules, set_rule
from app.api.bodies import body, takes
from app.api.etags import BY_BODY, RECORDED, TaggedByBody
from app.api.reading import reading
from app.api.security import READ, SET_RULES, VIEW
from app.http.acting import writing
from app.http.state import context_of
from app.people.person import Person
from app.presentation.alert_rules import (
    AlertMailsIn,
    AlertMailsOut,
    AlertRuleIn,
    AlertRuleOut,
    AlertRulesOut,
    alert_rule_out,
)

_MOST_BYTES = 16 * 1024

router = APIRouter(prefix="/v1", tags=["alerts"], route_class=TaggedByBody)

RuleSetter = Annotated[Person, SET_RULES]
Reader = Annotated[Person, VIEW]


@router.get("/alert-rules", dependencies=[READ, RECORDED], summary="The rule of each kind of alert")
def list_rules(request: Request) -> AlertRulesOut:
    """The bank's own, or the default where it has set none."""
    with reading(request) as connection:
        found = rules(connection)
    return AlertRulesOut(items=[alert_rule_out(kind, rule) for kind, rule in found.items()])


@router.put("/alert-rules/{kind}", summary="Set the rule of a kind", **takes(AlertRuleIn))
def put_rule(
    request: Request,
    person: RuleSetter,
    kind: AlertKind,
    asked: Annotated[AlertRuleIn, body(AlertRuleIn, _MOST_BYTES)],
) -> AlertRuleOut:
    """For the whole bank, from now on."""
    with writing(request, person) as connection:
        set_rule(connection, kind, Rule(**asked.model_dump()))
        return alert_rule_out(kind, rules(connection)[kind])


@router.delete("/alert-rules/{kind}", summary="Return to the default rule of a kind")
def delete_rule(request: Request, person: RuleSetter, kind: AlertKind) -> AlertRuleOut:
    """Which is what the answer shows."""
    with writing(request, person) as connection:
        reset_rule(connection, kind)
        return alert_rule_out(kind, rules(connection)[kind])


@router.get("/alert-mails", dependencies=[BY_BODY], summary="What this person is mailed")
def show_mails(request: Request, person: Reader) -> AlertMailsOut:
    """Of the person who is signed in."""
    with reading(request) as connection:
        return _mails(request, connection, person)


@router.put("/alert-mails", summary="Set what this person is mailed", **takes(AlertMailsIn))
def put_mails(
    request: Request,
    person: Reader,
    asked: Annotated[AlertMailsIn, body(AlertMailsIn, _MOST_BYTES)],
) -> AlertMailsOut:
    """To an address of the domains that the bank allows."""
    settings = MailSettings(asked.address.strip(), frozenset(asked.kinds), asked.digest)
    return _set_mails(request, person, settings)


@router.delete("/alert-mails", summary="Mail this person nothing more")
def delete_mails(request: Request, person: Reader) -> AlertMailsOut:
    """Alerts stay on the page."""
    return _set_mails(request, person, None)


def _set_mails(request: Request, person: Person, settings: MailSettings | None) -> AlertMailsOut:
    with writing(request, person) as connection:
        set_settings(connection, person, settings, context_of(request).mail_domains)
        return _mails(request, connection, person)


def _mails(request: Request, connection: Connection, person: Person) -> AlertMailsOut:
    found = settings_of(connection, person.id)
    return AlertMailsOut(
        mails=None if found is None else AlertMailsIn.of(found, kinds=sorted(found.kinds)),
        domains=list(context_of(request).mail_domains),
    )
