"""A facility's history in the shape of the REST face (and of `tally facility --json`)."""

from datetime import date

from sqlalchemy import Connection

from app.domain.facility import Facility
from app.domain.money import format_amount
from app.presentation.models import (
    ChangeOut,
    FacilityHistoryOut,
    PauseOut,
    RulesVersionOut,
    SharesVersionOut,
)
from app.presentation.shapes import as_of, facility_out, shares_out
from app.readmodel.directory import directory
from app.readmodel.facilities import AgreedFacility
from app.readmodel.facility_history import ChangeRow, RulesRow, SharesRow, facility_history


def history_out(connection: Connection, agreed: AgreedFacility) -> FacilityHistoryOut:
    """A facility with all that was ever agreed, proposed or stopped."""
    history = facility_history(connection, directory(connection), agreed.number)
    terms = agreed.terms
    return FacilityHistoryOut(
        **facility_out(agreed).model_dump(),
        share_versions=[_shares(terms, one) for one in history.shares],
        rule_versions=[_rules(terms, one) for one in history.rules],
        changes=[_change(terms, one) for one in history.changes],
        pauses=[
            PauseOut(
                member=one.member,
                reason_hash="0x" + one.reason_hash.hex(),
                paused_at=one.paused_at,
                resumed_at=one.resumed_at,
                resumed_by=one.resumed_by or None,
            )
            for one in history.pauses
        ],
        as_of=as_of(connection),
    )


def _day(day: int) -> date | None:
    return date.fromordinal(day) if day else None


def _shares(terms: Facility, row: SharesRow) -> SharesVersionOut:
    return SharesVersionOut(
        version=row.version or None,
        effective_from=_day(row.effective_from),
        share_bps={
            partner.name: shares_out(shares)
            for partner, shares in zip(terms.partners, row.shares, strict=True)
        },
    )


def _rules(terms: Facility, row: RulesRow) -> RulesVersionOut:
    return RulesVersionOut(
        version=row.version or None,
        effective_from=_day(row.effective_from),
        amount_tolerance=format_amount(row.amount_tolerance, terms.decimals),
        date_window_days=row.date_window_days,
        match_deadline_hours=row.match_deadline_seconds / 3600,
        cut_off=row.cut_off.isoformat(),
    )


def _change(terms: Facility, row: ChangeRow) -> ChangeOut:
    return ChangeOut(
        number=row.number,
        kind=row.kind,
        state=row.state,
        proposer=row.proposer,
        proposed_at=row.proposed_at,
        expires_at=row.expires_at,
        accepted_by=list(row.accepted_by),
        waits_for=list(row.waits_for),
        decided_at=row.decided_at,
        version=row.version,
        shares=None if row.shares is None else _shares(terms, row.shares),
        rules=None if row.rules is None else _rules(terms, row.rules),
        reason_hash="0x" + row.reason_hash.hex(),
        hash="0x" + row.hash.hex(),
    )
