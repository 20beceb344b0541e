"""From rows of the tables to pairs, legs and rejections."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from app.readmodel.directory import Directory
from app.readmodel.pairs.shapes import Half, Leg, Pair, Resolution
from app.readmodel.values import kind_name, optional_time, target_name, to_date, to_time


class Rows:
    """Reads rows by the names and the chain's clock of one query."""

    def __init__(self, names: Directory, now: int, proposed: Mapping[int, Resolution]) -> None:
        """`proposed`: the resolutions that wait for the other bank, by the number of their pair."""
        self._names = names
        self._now = now
        self._proposed = proposed

    def pair(self, row: Row[Any]) -> Pair:
        return Pair(
            **self._event(row),
            target_of=(row.target_kind, bytes(row.target_ref)) if row.target_kind else None,
            type=_type(row),
            lead=_lead_half(row),
            partner_half=_partner_half(row),
            first_posted_at=to_time(row.first_posted_at),
            due_at=to_time(row.due_at),
            overdue=row.status == "open" and row.action is None and row.due_at < self._now,
            rules_version=row.rules_version,
            shares_version=row.shares_version,
            agreed_business_date=(
                None if row.agreed_business_day is None else to_date(row.agreed_business_day)
            ),
            action=row.action,
            resolved_at=optional_time(row.resolved_at),
            proposal=self._proposed.get(row.number),
        )

    def duplicate(self, row: Row[Any]) -> Pair:
        half = _rejected_half(row)
        return Pair(
            **self._event(row),
            target_of=(row.target_kind, bytes(row.target_ref)) if row.target_kind else None,
            type=f"duplicate_at_{row.side}",
            lead=half if row.side == "lead" else None,
            partner_half=half if row.side == "partner" else None,
            first_posted_at=half.posted_at,
            due_at=None,
            overdue=False,
            rules_version=None,
            shares_version=None,
            agreed_business_date=None,
            action=None,
            resolved_at=None,
            proposal=None,
        )

    def rejection(self, row: Row[Any]) -> Leg:
        return self._leg(row, row.side, _rejected_half(row), "rejected", row.reason)

    def legs_of_pair(self, row: Row[Any]) -> list[Leg]:
        halves = (("lead", _lead_half(row)), ("partner", _partner_half(row)))
        return [self._leg(row, side, half, row.status) for side, half in halves if half]

    def _leg(
        self, row: Row[Any], side: str, half: Half, status: str, reason: str | None = None
    ) -> Leg:
        return Leg(
            **self._event(row),
            bank=self._names.bank(row.facility, row.partner, side),
            side=side,
            half=half,
            status=status,
            reason=reason,
            transaction="",
            block_number=0,
        )

    def _event(self, row: Row[Any]) -> dict[str, Any]:
        """What a pair and a leg have in common."""
        return {
            "number": row.number,
            "facility": self._names.facility_id(row.facility),
            "partner": self._names.partner_name(row.facility, row.partner) if row.partner else None,
            "kind": kind_name(row.kind),
            "reference": row.ref.hex(),
            "event_ref": row.event_ref,
            "is_granted": bool(row.is_granted),
            "target": target_name(row.target_kind, row.target_ref, row.target_event_ref),
        }


def _type(row: Row[Any]) -> str:
    if row.status != "open":
        return str(row.status)
    return "missing_at_partner" if row.partner_amount is None else "missing_at_lead"


def _lead_half(row: Row[Any]) -> Half | None:
    if row.lead_amount is None:
        return None
    return Half(
        row.lead_amount,
        to_date(row.lead_value_day),
        to_date(row.lead_business_day),
        row.lead_sequence,
        row.lead_index,
        to_time(row.lead_posted_at),
        row.lead_reversed,
    )


def _partner_half(row: Row[Any]) -> Half | None:
    if row.partner_amount is None:
        return None
    return Half(
        row.partner_amount,
        to_date(row.partner_value_day),
        to_date(row.partner_business_day),
        row.partner_sequence,
        row.partner_index,
        to_time(row.partner_posted_at),
        row.partner_reversed,
    )


def _rejected_half(row: Row[Any]) -> Half:
    return Half(
        row.amount,
        to_date(row.value_day),
        to_date(row.business_day),
        row.sequence,
        row._mapping["index"],
        to_time(row.posted_at),
        reversed=False,
    )
