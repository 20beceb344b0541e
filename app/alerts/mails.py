"""Which changes of alerts are mailed to whom, and when: queued here, sent by the node.

An end is mailed once it has lasted; where its cause is soon back, neither is mailed.
A person gets at most so many mails an hour; what is beyond waits for the next full hour and then
comes in one mail.
"""

import json
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from app.alerts.kinds import AlertKind, Rule
from app.alerts.store import FLAPS_WITHIN, Alert, Notification, one_alert
from app.alerts.tables import WAITING, alert_log, alert_mail_settings, alert_mails
from app.audit.actor import current_actor
from app.audit.trail import Entry, append
from app.db.clock import stamp
from app.domain.errors import UsageFault
from app.locale import DEFAULT
from app.people.person import Person, roles_of
from app.people.tables import people

MOST_MAILS_AN_HOUR = 10
"""To one person."""
_GIVEN_UP_AFTER = timedelta(days=3)
_LONGEST_WAIT = timedelta(hours=1)
_MOST_A_MAIL = 200
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})")


@dataclass(frozen=True, slots=True)
class MailSettings:
    """What a person wants to be mailed. `digest`: once an hour together, not at once."""

    address: str
    kinds: frozenset[AlertKind]
    digest: bool = False


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that is due: its changes, oldest first, by their names. At a repeat it has the same id
    and the same changes. `language`: BCP 47."""

    message_id: str
    address: str
    language: str
    changes: Sequence[tuple[str, Alert]]


def settings_of(connection: Connection, person_id: str) -> MailSettings | None:
    """None of a person who is not mailed."""
    row = connection.execute(
        select(alert_mail_settings).where(alert_mail_settings.c.person == person_id)
    ).one_or_none()
    return None if row is None else _settings(row.address, row.kinds, row.digest)


def set_settings(
    connection: Connection,
    person: Person,
    settings: MailSettings | None,
    domains: Collection[str],
) -> None:
    """What a person is mailed from now on; None: nothing. Raises UsageFault for an address outside
    the domains that the bank allows."""
    if settings is not None:
        found = _ADDRESS.fullmatch(settings.address)
        if found is None or len(settings.address) > 254:
            raise UsageFault("this is no mail address", remedy="Write it as name@bank.example")
        if found[1].lower() not in {one.lower() for one in domains}:
            raise UsageFault(
                f"mails go to addresses of {', '.join(sorted(domains))} alone",
                remedy="An administrator names further domains in bank.toml ([mail] domains)",
            )
    before = settings_of(connection, person.id)
    table = alert_mail_settings
    connection.execute(delete(table).where(table.c.person == person.id))
    if settings is not None:
        connection.execute(
            insert(table).values(
                person=person.id,
                address=settings.address,
                kinds=json.dumps(sorted(settings.kinds)),
                digest=settings.digest,
            )
        )
    details = {
        "before": before.address if before else None,
        "after": settings.address if settings else None,
    }
    append(connection, Entry(current_actor.get(), "alert.mail", person.name, details=details))


def queue_mails(
    connection: Connection,
    notifications: Sequence[Notification],
    rules: Mapping[AlertKind, Rule],
    now: datetime,
) -> None:
    """Let the mails about these changes wait, in the transaction of the changes."""
    back = [one.alert.number for one in notifications if one.change == "back"]
    others = [one for one in notifications if one.change != "back"]
    if back:
        ends = select(alert_log.c.id).where(alert_log.c.change == "ended")
        connection.execute(
            update(alert_mails)
            .where(WAITING, alert_mails.c.change.in_(ends.where(alert_log.c.alert.in_(back))))
            .values(state="dropped")
        )
    if not others:
        return
    rows = connection.execute(
        select(alert_mail_settings)
        .join(people, people.c.id == alert_mail_settings.c.person)
        .where(people.c.disabled_at.is_(None))
    ).all()
    roles = roles_of(connection, [row.person for row in rows])
    queued = [
        {
            "person": row.person,
            "change": one.log_id,
            "state": "waiting",
            "due_at": stamp(_due(one.change, now, digest=row.digest)),
            "attempts": 0,
        }
        for row in rows
        for one in others
        if (escalated := one.change == "escalated")
        or one.alert.kind in _settings(row.address, row.kinds, row.digest).kinds
        if not escalated or rules[one.alert.kind].escalate_to in roles[row.person]
    ]
    if queued:
        connection.execute(insert(alert_mails), queued)


def is_any_due(connection: Connection, now: datetime) -> bool:
    """Whether `due_mails` has anything to do: a look for which no other writer waits."""
    return connection.execute(_due_by(now).limit(1)).first() is not None


def due_mails(connection: Connection, now: datetime) -> list[Mail]:
    """The mails that are to be sent now, each with an id that it keeps. `connection` is a
    writer's."""
    m = alert_mails.c
    mailed = (
        select(alert_mail_settings.c.person)
        .join(people, people.c.id == alert_mail_settings.c.person)
        .where(people.c.disabled_at.is_(None))
    )
    connection.execute(
        update(alert_mails).where(WAITING, m.person.not_in(mailed)).values(state="dropped")
    )
    rows = connection.execute(_due_by(now).order_by(m.id).limit(_MOST_A_MAIL)).all()
    fresh: dict[str, list[int]] = {}
    for row in rows:
        if row.message_id is None:
            fresh.setdefault(row.person, []).append(row.id)
    for person, ids in fresh.items():
        # Too many within this hour: the others wait, and come together.
        too_many = _sent_since(connection, person, now - timedelta(hours=1)) >= MOST_MAILS_AN_HOUR
        values = (
            {"due_at": stamp(_next_hour(now))}
            if too_many
            else {"message_id": f"<{secrets.token_hex(16)}@tallystick.invalid>"}
        )
        connection.execute(update(alert_mails).where(m.id.in_(ids)).values(**values))
    return _mails(connection, now)


def mark_sent(connection: Connection, mail: Mail, now: datetime) -> None:
    """The server has taken it."""
    connection.execute(
        update(alert_mails)
        .where(alert_mails.c.message_id == mail.message_id)
        .values(state="sent", sent_at=stamp(now), fault=None)
    )


def mark_failed(connection: Connection, mail: Mail, fault: str, now: datetime) -> None:
    """It is tried again later, and dropped after days."""
    m = alert_mails.c
    attempts, since = connection.execute(
        select(func.max(m.attempts), func.min(alert_log.c.at))
        .join(alert_log, alert_log.c.id == m.change)
        .where(m.message_id == mail.message_id)
    ).one()
    wait = min(timedelta(minutes=2 ** min(attempts, 6)), _LONGEST_WAIT)
    given_up = now - datetime.fromisoformat(since) > _GIVEN_UP_AFTER
    connection.execute(
        update(alert_mails)
        .where(m.message_id == mail.message_id)
        .values(
            state="dropped" if given_up else "waiting",
            attempts=attempts + 1,
            due_at=stamp(now + wait),
            fault=fault[:500],
        )
    )


def _due_by(now: datetime) -> Select[tuple[int, str, str | None]]:
    """The changes whose mails are due: id, person, and the mail's id where it has one."""
    m = alert_mails.c
    return select(m.id, m.person, m.message_id).where(WAITING, m.due_at <= stamp(now))


def _mails(connection: Connection, now: datetime) -> list[Mail]:
    m = alert_mails.c
    rows = connection.execute(
        select(
            m.message_id,
            alert_mail_settings.c.address,
            people.c.language,
            alert_log.c.change,
            alert_log.c.alert,
        )
        .join(alert_log, alert_log.c.id == m.change)
        .join(people, people.c.id == m.person)
        .join(alert_mail_settings, alert_mail_settings.c.person == m.person)
        .where(WAITING, m.message_id.is_not(None), m.due_at <= stamp(now))
        .order_by(m.id)
    )
    found: dict[str, Mail] = {}
    changes_of: dict[str, list[tuple[str, Alert]]] = {}
    for row in rows:
        changes = changes_of.setdefault(row.message_id, [])
        changes.append((row.change, one_alert(connection, row.alert)))
        language = row.language or DEFAULT
        found[row.message_id] = Mail(row.message_id, row.address, language, changes)
    return list(found.values())


def _sent_since(connection: Connection, person: str, since: datetime) -> int:
    m = alert_mails.c
    query = select(func.count(func.distinct(m.message_id))).where(
        m.person == person, m.sent_at >= stamp(since)
    )
    return int(connection.execute(query).scalar_one())


def _settings(address: str, kinds: str, digest: bool) -> MailSettings:
    known = {kind.value for kind in AlertKind}
    return MailSettings(
        address, frozenset(AlertKind(one) for one in json.loads(kinds) if one in known), digest
    )


def _due(change: str, now: datetime, *, digest: bool) -> datetime:
    """When a change is mailed: an end once it has lasted, an escalation always at once."""
    if change == "ended":
        now += FLAPS_WITHIN
    return _next_hour(now) if digest and change != "escalated" else now


def _next_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
