"""The node's clockwork: what recurs, each job on its own thread, never two of a kind at once."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from app.domain.errors import TallyError

SUBMIT_EVERY_S = 0.2
INDEX_EVERY_S = 0.2
FEED_FOLDER_EVERY_S = 2.0
AGEING_EVERY_S = 30.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Jobs:
    """What a node does again and again. Each raises TallyError for what may pass by itself."""

    submit: Callable[[], object]
    index: Callable[[], object]
    feed_folder: Callable[[], object]
    ageing: Callable[[], object]


class Scheduler:
    """Runs the jobs until `stop`. A job that fails is logged once and tried again at its time."""

    def __init__(self, jobs: Jobs) -> None:
        # That a job which takes longer than its interval is skipped is as it should be.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = BackgroundScheduler(timezone="UTC")
        self._troubles: dict[str, str] = {}
        for name, job, every_s in (
            ("submit", jobs.submit, SUBMIT_EVERY_S),
            ("index", jobs.index, INDEX_EVERY_S),
            ("feed_folder", jobs.feed_folder, FEED_FOLDER_EVERY_S),
            ("ageing", jobs.ageing, AGEING_EVERY_S),
        ):
            self._scheduler.add_job(
                self._guarded,
                "interval",
                args=(name, job),
                seconds=every_s,
                id=name,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Let running jobs end, start no more."""
        self._scheduler.shutdown(wait=True)

    def _guarded(self, name: str, job: Callable[[], object]) -> None:
        try:
            job()
        except TallyError as fault:
            self._note(name, str(fault))
        except Exception as fault:  # a job must never end the clockwork
            _log.exception("job failed", job=name)
            self._note(name, f"{type(fault).__name__}; see the log")
        else:
            if self._troubles.pop(name, None) is not None:
                _log.info("job works again", job=name)

    def _note(self, name: str, trouble: str) -> None:
        if self._troubles.get(name) != trouble:
            _log.warning("job waits", job=name, why=trouble)
        self._troubles[name] = trouble
