"""The rules of alerts, and what a person is mailed."""

from pydantic import Field

from app.alerts.kinds import TIMED, AlertKind, Rule
from app.alerts.texts import kind_title
from app.people.roles import Role
from app.presentation.common import Amount, Model

_YEAR_MINUTES = 365 * 24 * 60


class AlertRuleIn(Model):
    """When alerts of a kind are raised, and to whom they go."""

    enabled: bool = True
    minutes: int = Field(
        0, ge=0, le=_YEAR_MINUTES, description="How long the cause must have lasted."
    )
    amounts: dict[str, Amount] = Field(
        default_factory=dict,
        max_length=200,
        description="Of `large_break`: from which difference on, by currency.",
    )
    escalate_minutes: int = Field(0, ge=0, le=_YEAR_MINUTES, description="0: never.")
    escalate_to: Role = "approver"


class AlertRuleOut(AlertRuleIn):
    kind: AlertKind
    title: str
    timed: bool = Field(description="Whether `minutes` means something for this kind.")


class AlertRulesOut(Model):
    items: list[AlertRuleOut]


class AlertMailsIn(Model):
    """What a person wants to be mailed."""

    address: str = Field(max_length=254, examples=["wang.fang@bank.example"])
    kinds: list[AlertKind] = Field(max_length=len(AlertKind))
    digest: bool = Field(False, description="Once an hour together, not at once.")


class AlertMailsOut(Model):
    """`mails`: null where this person is not mailed. `domains`: where addresses may be."""

    mails: AlertMailsIn | None
    domains: list[str]


def alert_rule_out(kind: AlertKind, rule: Rule) -> AlertRuleOut:
    return AlertRuleOut.of(rule, kind=kind, title=kind_title(kind), timed=kind in TIMED)
