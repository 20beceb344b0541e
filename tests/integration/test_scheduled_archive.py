"""Closed days that a node archives by itself: when they are due, after a kill, and what is said."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.domain.errors import StorageFault
from app.indexer.rebuild import digest, rebuild
from app.node.jobs.scheduled_archive import ScheduledArchive
from app.readmodel.archive.tables import archived_pairs, archives
from app.readmodel.pairs.tables import pairs
from tests.integration.archiving import (
    FIRST,
    OPEN,
    TODAY,
    Closed,
    archiving_until,
    await_kill,
    close_days,
)
from tests.integration.posting import FACILITY, Net


def job_of(closed: Closed, after_days: int | None, root: Path | None = None) -> ScheduledArchive:
    bank = closed.lead
    folder = root or bank.config.archive
    return ScheduledArchive(
        bank.engine, closed.net.rpc, closed.net.manifest, bank.member, folder, after_days
    )


def test_whole_months_leave_by_themselves_also_after_a_kill_and_a_rebuild(
    net: Net, database_url: str, tmp_path: Path
) -> None:
    closed = close_days(net, database_url, tmp_path)
    whole = digest(closed.lead.engine)
    rows = closed.in_table()
    job_of(closed, None).look()
    job_of(closed, -FIRST + 40).look()
    assert closed.in_table() == rows, "nothing is due"

    # A run that a kill cut short while pairs moved, whose pairs a rebuild then took back.
    await_kill(archiving_until(closed, "pairs move"))
    assert 0 < closed.in_table() < rows
    rebuild(closed.lead.follower.indexer)
    assert closed.in_table() == rows

    job = job_of(closed, 1)
    job.look()
    first_kept = (TODAY - timedelta(days=1)).replace(day=1)
    later = pairs.c.agreed_business_day >= first_kept.toordinal()
    assert closed.in_table() == closed.count(select(func.count()).where(later)) + OPEN
    assert closed.count(select(func.count()).select_from(archived_pairs)) > 0
    assert {row.state for row in net.rows(closed.lead, select(archives))} == {"whole"}
    assert job.not_archived() == []
    assert digest(closed.lead.engine) == whole
    assert closed.faults() == []

    # It is done for this month: what is closed late waits for the next one.
    made = closed.count(select(func.count()).select_from(archives))
    rebuild(closed.lead.follower.indexer)
    job.look()
    assert closed.count(select(func.count()).select_from(archives)) == made


def test_what_fails_is_said_until_it_works(net: Net, database_url: str, tmp_path: Path) -> None:
    closed = close_days(net, database_url, tmp_path)
    root = tmp_path / "archive"
    root.write_text("")
    job = job_of(closed, 1)
    for _ in range(2):
        with pytest.raises(StorageFault, match="folder cannot be used"):
            job.look()
    (failed,) = job.not_archived()
    assert failed.facility == FACILITY and str(root) in failed.why
    root.unlink()
    job.look()
    assert job.not_archived() == []
    assert closed.faults() == []
