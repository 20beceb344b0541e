"""The feed folder: files put into `inbox/FACILITY/` are taken in and moved aside.

A file whose name begins with a dot or ends in `.part` is still being written. A file that was
taken in goes to `inbox/done/FACILITY/`, one that cannot be read at all to `inbox/failed/FACILITY/`
with a `.reason.txt` beside it. A crash between the two leaves the file where it was; taken in
again, its rows are duplicates.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from app.domain.errors import FeedFault, TallyError

_log = structlog.get_logger()

Submit = Callable[[str, Path], str]
"""Takes in a feed file of a facility (its id) and returns a line that says what became of it."""


class FeedFolder:
    """One bank's inbox."""

    def __init__(self, inbox: Path, submit: Submit) -> None:
        self._inbox = inbox
        self._submit = submit

    def scan(self) -> int:
        """Take in every whole file there is; returns how many."""
        taken = 0
        for facility, path in self._waiting():
            try:
                summary = self._submit(facility, path)
            except FeedFault as fault:
                reason = path.with_name(path.name + ".reason.txt")
                reason.write_text(f"{fault}\n")
                self._move(reason, "failed", facility)
                self._move(path, "failed", facility)
                _log.warning("feed refused", file=path.name, facility=facility, why=str(fault))
            except TallyError as fault:
                # Not the file's fault (the database is locked, the facility not yet agreed):
                # it stays where it is and is tried again at the next scan.
                _log.warning("feed waits", file=path.name, facility=facility, why=str(fault))
            else:
                self._move(path, "done", facility)
                _log.info("feed taken in", file=path.name, facility=facility, rows=summary)
                taken += 1
        return taken

    def _waiting(self) -> Iterator[tuple[str, Path]]:
        for folder in sorted(self._inbox.iterdir()) if self._inbox.is_dir() else ():
            if not folder.is_dir() or folder.name in ("done", "failed"):
                continue
            for path in sorted(folder.iterdir()):
                if path.is_file() and not path.name.startswith(".") and path.suffix != ".part":
                    yield folder.name, path

    def _move(self, path: Path, where: str, facility: str) -> None:
        folder = self._inbox / where / facility
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / path.name
        number = 1
        while target.exists():
            number += 1
            target = folder / f"{path.stem}~{number}{path.suffix}"
        path.rename(target)
