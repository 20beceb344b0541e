"""Reports that a node writes by itself: when a business date has ended, whole, private, once."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from app.config import ReportSchedule
from app.domain.errors import ConfigFault, UsageFault
from app.node.jobs.scheduled_reports import ScheduledReports
from app.readmodel import tables
from app.readmodel.chain import position
from app.reports.source import ReportRefused
from tests.integration.seeded import Seed


@pytest.fixture(scope="module")
def engine(seed: Seed) -> Engine:
    seed.fill(20)
    return seed.engine


def schedule(folder: Path, **changes: object) -> ReportSchedule:
    return ReportSchedule.model_validate(
        {
            "folder": folder,
            "names": ("reconciliation", "limits"),
            "formats": ("csv", "json"),
            **changes,
        },
        context=folder / "bank.toml",
    )


def test_each_ended_date_once_whole_and_private(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    job = ScheduledReports(engine, schedule(folder))
    job.look()
    with engine.connect() as connection:
        read = position(connection)
    assert read is not None
    names = {path.name for path in folder.iterdir()}
    assert len(names) == 7 * 2 * 2
    running = (read.block_time - timedelta(hours=1)).date()
    days = {name.rpartition("_")[2].partition(".")[0] for name in names}
    assert max(days) <= running.isoformat()
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    written = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    gone = min(written)
    gone.unlink()
    job.look()
    assert gone.exists()
    assert {path: path.stat().st_mtime_ns for path in written if path != gone} == {
        path: at for path, at in written.items() if path != gone
    }


def test_a_date_is_due_so_long_after_its_cut_off(engine: Engine, tmp_path: Path) -> None:
    newest = []
    for hours in (0, 48):
        folder = tmp_path / str(hours)
        ScheduledReports(
            engine, schedule(folder, names="limits", formats="json", hours_after_cut_off=hours)
        ).look()
        newest.append(max(path.name for path in folder.iterdir()))
    assert newest[0] > newest[1]


def test_one_that_is_refused_does_not_stop_the_others(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        before = connection.execute(tables.accounts.select()).first()
        assert before is not None
        connection.execute(update(tables.accounts).values(last_block=before.last_block + 1))
    try:
        job = ScheduledReports(
            engine, schedule(tmp_path / "r", names=("reconciliation", "membership"))
        )
        with pytest.raises(ReportRefused, match="caught up"):
            job.look()
    finally:
        with engine.begin() as connection:
            connection.execute(update(tables.accounts).values(last_block=before.last_block))
    names = {path.name.partition("_")[0] for path in (tmp_path / "r").iterdir()}
    assert names == {"membership"}


def test_faults_are_said(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(ConfigFault, match=r"reports\.names: 'nonsense'"):
        ScheduledReports(engine, schedule(tmp_path, names="nonsense"))
    with pytest.raises(ConfigFault, match=r"reports\.formats: 'doc'"):
        ScheduledReports(engine, schedule(tmp_path, formats="doc"))
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageFault, match="cannot be written"):
        ScheduledReports(engine, schedule(tmp_path / "file")).look()
    ScheduledReports(engine, None).look()
