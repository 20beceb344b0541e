"""A member's standing, and what banks have asked of late: what they look at before they stop it."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from app.readmodel.chain import clock
from app.readmodel.consortium.queries import list_members
from app.readmodel.consortium.shapes import ConsortiumMember
from app.readmodel.consortium.tables import consortium_log
from app.readmodel.reasons.queries import reason
from app.readmodel.values import to_time

_WITHIN_S = 24 * 3_600
_ASKED = {"EmergencyRaised": "stop", "EmergencyLiftRaised": "lift"}


@dataclass(frozen=True, slots=True)
class EmergencyRequest:
    """A bank asked for a stop or for its early end. `reason`: None where this node cannot read it,
    or none was given."""

    what: str
    by: str
    at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class Emergency:
    """A member, and what was asked about it within 24 hours, oldest first."""

    member: ConsortiumMember
    requests: tuple[EmergencyRequest, ...]


def emergency_about(connection: Connection, number: int) -> Emergency:
    """What is known of a member that is there."""
    members = {one.number: one for one in list_members(connection)}
    log = consortium_log.c
    rows = connection.execute(
        select(log.what, log.by_member, log.at, log.details)
        .where(log.member == number, log.what.in_(_ASKED))
        .where(log.at > clock(connection) - _WITHIN_S)
        .order_by(log.number)
    )
    return Emergency(
        members[number],
        tuple(
            EmergencyRequest(
                _ASKED[row.what],
                members[row.by_member].name,
                to_time(row.at),
                _reason(connection, json.loads(row.details)),
            )
            for row in rows.all()
        ),
    )


def _reason(connection: Connection, details: dict[str, str]) -> str | None:
    found = reason(connection, bytes.fromhex(details.get("reason_hash", "")))
    return None if found is None else found.text
