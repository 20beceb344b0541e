"""Closed days that a node archives by itself: whole months, once all their dates ended long enough
ago. It is `tally archive` of each facility, and goes on with a run that was cut short."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import Engine

from app.alerts.judge import NotArchived
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.domain.errors import TallyError
from app.node.jobs.chain_clock import business_days

_log = structlog.get_logger()


class ScheduledArchive:
    """Archives what is due by the chain's clock. `after_days` None: nothing is."""

    def __init__(
        self,
        engine: Engine,
        rpc: Rpc,
        manifest: Manifest,
        own: int,
        root: Path,
        after_days: int | None,
    ) -> None:
        """`own`: this bank's member number, `root`: the folder of its archives."""
        self._engine = engine
        self._rpc = rpc
        self._manifest = manifest
        self._own = own
        self._root = root
        self._after_days = after_days
        self._done: dict[str, date] = {}
        """Each facility's date before which its days were archived. Once a month and start: what
        is closed late would make a folder of its own for each day."""
        self._failed: dict[str, NotArchived] = {}

    def not_archived(self) -> list[NotArchived]:
        """The facilities whose last run failed, and since when none has worked."""
        return list(self._failed.values())

    def look(self) -> None:
        """Archive what is due. Raises the last fault, when the other facilities are done."""
        if self._after_days is None:
            return
        trouble: Exception | None = None
        for facility, before in self._due(self._after_days):
            try:
                self._archive(facility, before)
            except Exception as fault:  # whatever it is, the others go on and an operator sees it
                trouble = fault
                self._note(facility, fault)
            else:
                self._done[facility] = before
                self._failed.pop(facility, None)
        if trouble is not None:
            raise trouble

    def _due(self, after_days: int) -> Iterator[tuple[str, date]]:
        """Each facility, and the first of the month of the first business date that stays."""
        for one, stays in business_days(self._engine, timedelta(days=after_days)):
            if one.state in ("proposed", "withdrawn"):
                continue
            before = date.fromordinal(stays).replace(day=1)
            if before > self._done.get(one.terms.id, date.min):
                yield one.terms.id, before

    def _archive(self, facility: str, before: date) -> None:
        # Here: it brings Parquet, which takes 0.6 s to load, and most nodes never come here.
        from app.archive.run import Archived, archive

        def say(done: Archived) -> None:
            _log.info("archived", month=done.month, pairs=done.pairs, folder=str(done.folder))

        archive(
            self._engine,
            self._rpc,
            self._manifest,
            self._own,
            self._root,
            facility,
            before,
            say,
        )

    def _note(self, facility: str, fault: Exception) -> None:
        # Its type alone where it may quote what others wrote.
        why = str(fault) if isinstance(fault, TallyError) else type(fault).__name__
        known = self._failed.get(facility)
        since = known.since if known else datetime.now(UTC)
        self._failed[facility] = NotArchived(facility, why, since)
