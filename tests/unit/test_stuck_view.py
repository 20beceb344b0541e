"""A view that does not follow is seen: in the health, and once in the log."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from app.http.context import NodeHealth
from app.http.health import chain_status
from app.node.jobs.scheduler import Scheduler
from app.readmodel.chain import Position


def test_a_job_that_fails_again_and_again_is_logged_once_and_counted() -> None:
    def fail() -> float:
        raise KeyError("what nobody thought of")

    scheduler = Scheduler(fail, fail, {})
    with capture_logs() as logged:
        for _ in range(3):
            scheduler._guarded("index", fail)
        scheduler._guarded("index", lambda: None)
    events = [line["event"] for line in logged]
    assert events == ["job failed", "job waits", "job works again"]
    assert (scheduler.runs["index"].runs, scheduler.runs["index"].failures) == (4, 3)


@pytest.mark.parametrize(
    ("head", "fault", "status"),
    [(7, "", "live"), (7, "KeyError", "live"), (8, "KeyError", "behind"), (13, "", "behind")],
)
def test_the_head_moves_and_the_view_does_not(head: int, fault: str, status: str) -> None:
    cursor = Position(7, "0x07", datetime.now(UTC))
    assert chain_status(cursor, NodeHealth(head, index_fault=fault)) == status
