"""The bank's rules: the defaults, and what its administrators and officers have changed of them."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select

from app.alerts.kinds import DEFAULTS, AlertKind, Rule
from app.alerts.tables import alert_rules
from app.audit.actor import current_actor
from app.audit.trail import Entry, append
from app.domain.errors import UsageFault
from app.people.roles import ROLES

_MOST_MINUTES = 365 * 24 * 60
_CURRENCY = re.compile(r"[A-Z]{3}")
_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,4})?")


def rules(connection: Connection) -> Mapping[AlertKind, Rule]:
    """The rule of every kind."""
    changed = {
        row.kind: Rule(
            row.enabled,
            row.minutes,
            json.loads(row.amounts),
            row.escalate_minutes,
            row.escalate_to,
        )
        for row in connection.execute(select(alert_rules))
    }
    return {kind: changed.get(kind.value, default) for kind, default in DEFAULTS.items()}


def set_rule(connection: Connection, kind: AlertKind, rule: Rule) -> None:
    """Change a kind's rule, with its row in the audit trail. Raises UsageFault."""
    for minutes in (rule.minutes, rule.escalate_minutes):
        if not 0 <= minutes <= _MOST_MINUTES:
            raise UsageFault(f"minutes: from 0 to {_MOST_MINUTES:,} (a year)")
    if rule.escalate_to not in ROLES:
        raise UsageFault("there is no such role", remedy=f"Give one of {', '.join(ROLES)}")
    if rule.amounts and kind is not AlertKind.LARGE_BREAK:
        raise UsageFault(f"an alert of the kind {kind} has no amounts")
    for currency, amount in rule.amounts.items():
        if not _CURRENCY.fullmatch(currency) or not _AMOUNT.fullmatch(amount):
            raise UsageFault(
                f"{currency[:8]} {amount[:20]}: this is no amount of a currency",
                remedy="Write it as 1000000.00, without separators",
            )
    before = rules(connection)[kind]
    values = asdict(rule) | {"amounts": json.dumps(dict(rule.amounts), sort_keys=True)}
    connection.execute(delete(alert_rules).where(alert_rules.c.kind == kind.value))
    connection.execute(insert(alert_rules).values(kind=kind.value, **values))
    details = {"before": asdict(before), "after": asdict(rule)}
    append(connection, Entry(current_actor.get(), "alert.rule", kind.value, details=details))


def reset_rule(connection: Connection, kind: AlertKind) -> None:
    """Return to a kind's default rule, with its row in the audit trail."""
    before = rules(connection)[kind]
    done = connection.execute(delete(alert_rules).where(alert_rules.c.kind == kind.value))
    if done.rowcount:
        details = {"before": asdict(before), "after": asdict(DEFAULTS[kind])}
        append(connection, Entry(current_actor.get(), "alert.rule", kind.value, details=details))
