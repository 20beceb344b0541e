"""The statements of closed days as they stood after a block."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from app.readmodel.days.shapes import DayRecord


def statements_at(records: Sequence[DayRecord], moment: datetime) -> list[DayRecord]:
    """Those of `records` (of one account and all its days) that were proposed by the block time
    `moment`, as they stood then, in the order of the chain. A reopening that was only asked for is
    not told: when it was is not kept."""
    found = []
    for one in sorted(records, key=lambda one: one.number):
        if one.proposed_at > moment:
            continue
        if one.answered_at is not None and one.answered_at > moment:
            one = replace(
                one, state="proposed", answered_by=None, answered_at=None, reason_hash=None
            )
        if one.reopened_at is None or one.reopened_at > moment:
            one = replace(
                one,
                state="closed" if one.state == "reopened" else one.state,
                reopen_by=None,
                reopen_reason_hash=None,
                reopened_at=None,
            )
        if one.state == "replaced" and one.answered_at is None:
            later = any(
                one.number < other.number and other.proposed_at <= moment for other in records
            )
            one = replace(one, state="replaced" if later else "proposed")
        found.append(one)
    return found
