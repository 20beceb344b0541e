"""The node's scheduler: what recurs, each job on its own thread, never two of a kind at once.

Posting and reading the chain say themselves when they are due again, and can be woken; all else
runs at fixed intervals.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from structlog.contextvars import bound_contextvars

from app.domain.errors import TallyError

_AT_MOST_EVERY_S = 0.1
"""What is woken, or failed, runs again no sooner; what asks for it does."""

_log = structlog.get_logger()
_T = TypeVar("_T")


@dataclass(slots=True)
class Runs:
    """How often a job has run, how often that failed, and the seconds that it took in all."""

    runs: int = 0
    failures: int = 0
    seconds: float = 0.0


class Scheduler:
    """Runs the jobs until `stop`. A job that fails is logged once and tried again at its time."""

    def __init__(
        self,
        submit: Callable[[], float],
        index: Callable[[], float],
        others: Mapping[str, tuple[float, Callable[[], object]]],
        channel: str = "",
    ) -> None:
        """Each job raises TallyError for what may pass by itself. `submit` and `index` return after
        how many seconds they are due again; `others` by name, with the seconds after which each
        is. What the jobs log names the `channel`, where there are several."""
        # That a job which takes longer than its interval is skipped is as it should be.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = BackgroundScheduler(timezone="UTC")
        self._named = {"channel": channel} if channel else {}
        self._troubles: dict[str, str] = {}
        self._running: set[str] = set()
        self._loops = {"submit": submit, "index": index}
        self._woken = {name: threading.Event() for name in self._loops}
        self._ending = threading.Event()
        self._idle = threading.Condition()
        self.runs: dict[str, Runs] = {name: Runs() for name in self._loops}
        """By the job's name."""
        for name, (every_s, job) in others.items():
            self.runs[name] = Runs()
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
        for name, job in self._loops.items():
            threading.Thread(target=self._repeat, args=(name, job), name=name, daemon=True).start()

    def wake(self, name: Literal["submit", "index"]) -> None:
        """There is something for it to do now. Safe from any thread."""
        self._woken[name].set()

    def stop(self, within_s: float) -> bool:
        """Start no more jobs and let running ones end; False where one did not in that time."""
        self._scheduler.shutdown(wait=False)
        for woken in self._woken.values():
            woken.set()
        with self._idle:
            self._ending.set()
            return self._idle.wait_for(lambda: not self._running, within_s)

    def _repeat(self, name: str, job: Callable[[], float]) -> None:
        woken = self._woken[name]
        while not self._ending.is_set():
            began = time.monotonic()
            woken.clear()
            due_after_s = self._guarded(name, job)
            least_s = (
                _AT_MOST_EVERY_S if due_after_s is None else min(due_after_s, _AT_MOST_EVERY_S)
            )
            woken.wait(max(0.0, began + (due_after_s or 0.0) - time.monotonic()))
            self._ending.wait(max(0.0, began + least_s - time.monotonic()))

    def _guarded(self, name: str, job: Callable[[], _T]) -> _T | None:
        """What the job returned; None where it failed."""
        with self._idle:
            if self._ending.is_set():
                return None
            self._running.add(name)
        began = time.monotonic()
        try:
            with bound_contextvars(**self._named):
                return self._run(name, job)
        finally:
            self.runs[name].runs += 1
            self.runs[name].seconds += time.monotonic() - began
            with self._idle:
                self._running.discard(name)
                self._idle.notify_all()

    def _run(self, name: str, job: Callable[[], _T]) -> _T | None:
        try:
            done = job()
        except TallyError as fault:
            self._note(name, str(fault))
        except Exception as fault:  # a job must never end the scheduler
            trouble = f"{type(fault).__name__}: {fault}"
            if self._troubles.get(name) != trouble:
                _log.exception("job failed", job=name)
            self._note(name, trouble)
        else:
            if self._troubles.pop(name, None) is not None:
                _log.info("job works again", job=name)
            return done
        return None

    def _note(self, name: str, trouble: str) -> None:
        self.runs[name].failures += 1
        if self._troubles.get(name) != trouble:
            _log.warning("job waits", job=name, why=trouble)
        self._troubles[name] = trouble
