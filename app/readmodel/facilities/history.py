"""A facility's versions, changes and pauses, from the read model."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Literal

from sqlalchemy import Connection, Row, select

from app.domain.facility import Shares
from app.readmodel import tables as t
from app.readmodel.chain import clock
from app.readmodel.directory import Directory
from app.readmodel.values import optional_time, to_time, to_time_of_day

ChangeState = Literal["open", "in_force", "withdrawn", "expired"]


@dataclass(frozen=True, slots=True)
class SharesRow:
    """A version of the shares, by partner in their order. `effective_from`: 0 = from the beginning
    of time."""

    version: int
    effective_from: int
    shares: tuple[Shares, ...]


@dataclass(frozen=True, slots=True)
class RulesRow:
    """A version of the rules; `amount_tolerance` in minor units."""

    version: int
    effective_from: int
    amount_tolerance: int
    date_window_days: int
    match_deadline_seconds: int
    cut_off: time


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change that a party proposed. `state`: open, in_force, withdrawn or expired (by the
    chain's clock then); `accepted_by` and `waits_for` are banks' names.

    `shares` and `rules` are what is proposed (their version 0), `hash` what an acceptance signs.
    """

    number: int
    kind: Literal["shares", "rules", "close"]
    proposer: str
    proposed_at: datetime
    expires_at: datetime
    reason_hash: bytes
    hash: bytes
    shares: SharesRow | None
    rules: RulesRow | None
    state: ChangeState
    decided_at: datetime | None
    version: int | None
    accepted_by: tuple[str, ...]
    waits_for: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PauseRow:
    """When a party stopped the posting; `resumed_by` is empty while it lasts."""

    member: str
    reason_hash: bytes
    paused_at: datetime
    resumed_at: datetime | None
    resumed_by: str


@dataclass(frozen=True, slots=True)
class FacilityHistory:
    """All that was ever agreed, proposed or stopped; each list in the order of the chain."""

    shares: tuple[SharesRow, ...]
    rules: tuple[RulesRow, ...]
    changes: tuple[ChangeRow, ...]
    pauses: tuple[PauseRow, ...]


def facility_history(
    connection: Connection, names: Directory, facility: int, until: int | None = None
) -> FacilityHistory:
    """The history of the facility of that number, up to the block time `until` (None: all)."""
    now = clock(connection) if until is None else until
    changes = _changes(connection, names, facility, now)
    later = {
        (row.kind, row.version)
        for row in connection.execute(
            select(t.facility_changes).where(
                t.facility_changes.c.facility == facility, t.facility_changes.c.decided_time > now
            )
        )
    }
    return FacilityHistory(
        shares=tuple(
            one
            for one in shares_versions(connection, facility)
            if ("shares", one.version) not in later
        ),
        rules=tuple(
            one
            for one in rules_versions(connection, facility)
            if ("rules", one.version) not in later
        ),
        changes=changes,
        pauses=tuple(
            _pause(names, row, now)
            for row in connection.execute(
                select(t.facility_pauses)
                .where(
                    t.facility_pauses.c.facility == facility,
                    t.facility_pauses.c.paused_time <= now,
                )
                .order_by(t.facility_pauses.c.number)
            )
        ),
    )


def _pause(names: Directory, row: Row[Any], now: int) -> PauseRow:
    resumed = row.resumed_time is not None and row.resumed_time <= now
    return PauseRow(
        member=names.member_name(row.member),
        reason_hash=bytes(row.reason_hash),
        paused_at=to_time(row.paused_time),
        resumed_at=to_time(row.resumed_time) if resumed else None,
        resumed_by=names.member_name(row.resumed_by) if resumed else "",
    )


def shares_versions(connection: Connection, facility: int) -> tuple[SharesRow, ...]:
    """Every version of the shares, the first one first."""
    c = t.share_versions.c
    versions: dict[tuple[int, int], list[Shares]] = {}
    for row in connection.execute(
        select(t.share_versions).where(c.facility == facility).order_by(c.version, c.partner)
    ):
        versions.setdefault((row.version, row.effective_from), []).append(
            Shares(row.principal_bps, row.interest_bps, row.fee_bps)
        )
    return tuple(
        SharesRow(version, day, tuple(shares)) for (version, day), shares in versions.items()
    )


def rules_versions(connection: Connection, facility: int) -> tuple[RulesRow, ...]:
    """Every version of the rules, the first one first."""
    c = t.rule_versions.c
    return tuple(
        _rules(row.version, row._asdict())
        for row in connection.execute(
            select(t.rule_versions).where(c.facility == facility).order_by(c.version)
        )
    )


def _changes(
    connection: Connection, names: Directory, facility: int, now: int
) -> tuple[ChangeRow, ...]:
    accepted: dict[int, list[int]] = {}
    for row in connection.execute(
        select(t.facility_acceptances)
        .where(
            t.facility_acceptances.c.facility == facility,
            t.facility_acceptances.c.accepted_time <= now,
        )
        .order_by(t.facility_acceptances.c.accepted_time, t.facility_acceptances.c.member)
    ):
        accepted.setdefault(row.change, []).append(row.member)
    terms = names.facilities[facility]
    parties = (terms.lead_member, *(partner.member for partner in terms.partners))

    found = []
    for row in connection.execute(
        select(t.facility_changes)
        .where(t.facility_changes.c.facility == facility, t.facility_changes.c.proposed_time <= now)
        .order_by(t.facility_changes.c.change)
    ):
        by = accepted.get(row.change, [])
        decided = row.decided_time is not None and row.decided_time <= now
        standing: ChangeState = row.state if decided else "open"
        if standing == "open" and now > row.expires_at:
            standing = "expired"
        content = json.loads(row.content)
        kind = None if "unreadable" in content else row.kind
        missing = [one for one in parties if one not in by] if standing == "open" else []
        found.append(
            ChangeRow(
                number=row.change,
                kind=row.kind,
                proposer=names.member_name(row.proposer),
                proposed_at=to_time(row.proposed_time),
                expires_at=to_time(row.expires_at),
                reason_hash=bytes(row.reason_hash),
                hash=bytes(row.hash),
                shares=_proposed_shares(content) if kind == "shares" else None,
                rules=_rules(0, content) if kind == "rules" else None,
                state=standing,
                decided_at=optional_time(row.decided_time) if decided else None,
                version=row.version if decided else None,
                accepted_by=tuple(names.member_name(one) for one in by),
                waits_for=tuple(names.member_name(one) for one in missing),
            )
        )
    return tuple(found)


def _proposed_shares(content: dict[str, Any]) -> SharesRow:
    return SharesRow(0, content["effective_from"], tuple(Shares(*one) for one in content["shares"]))


def _rules(version: int, content: Mapping[str, Any]) -> RulesRow:
    """Of a row of the versions, or of what is proposed (`contracts.facility_changes`)."""
    return RulesRow(
        version=version,
        effective_from=content["effective_from"],
        amount_tolerance=content["amount_tolerance"],
        date_window_days=content["date_window_days"],
        match_deadline_seconds=content["match_deadline_seconds"],
        cut_off=to_time_of_day(content["cut_off_seconds"]),
    )
