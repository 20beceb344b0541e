"""Alerts: balances that passed their threshold or zero."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from app.readmodel import tables as t
from app.readmodel.directory import directory, of_account
from app.readmodel.values import to_time


@dataclass(frozen=True, slots=True)
class Alert:
    """A balance that passed a mark. `what`: low, restored, shortfall, shortfall_ended."""

    number: int
    facility: str
    partner: str
    what: str
    balance: int
    low_balance: int | None
    at: datetime
    transaction: str


def alerts(
    connection: Connection,
    facility: str | None = None,
    partner: str | None = None,
    limit: int = 1000,
) -> list[Alert]:
    """The newest first."""
    names = directory(connection)
    rows = connection.execute(
        select(t.alerts)
        .where(*of_account(names, t.alerts, facility, partner))
        .order_by(t.alerts.c.number.desc())
        .limit(limit)
    )
    return [
        Alert(
            number=row.number,
            facility=names.facility_id(row.facility),
            partner=names.partner_name(row.facility, row.partner),
            what=row.what,
            balance=row.balance,
            low_balance=row.low_balance,
            at=to_time(row.at),
            transaction="0x" + row.tx_hash.hex(),
        )
        for row in rows
    ]
