"""The feed folder: files put into `inbox/FACILITY/` are taken in and moved aside.

A file whose name begins with a dot or ends in `.part` is still being written; so is one that has
changed within the last second, or while it was read. A file that was taken in goes to
`inbox/done/FACILITY/`, one that cannot be read at all to `inbox/failed/FACILITY/` with a
`.reason.txt` beside it. A crash between the two leaves the file where it was; taken in again, its
rows are duplicates.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from app.domain.errors import FeedFault, TallyError

_QUIET_S = 1.0
_DONE, _FAILED = "done", "failed"

_log = structlog.get_logger()

Submit = Callable[[str, Path], str]
"""Takes in a feed file of a facility (its id) and returns a line that says what became of it."""

_Version = tuple[int, int, int]
"""A file's inode, size and time of change: another one for every writing."""


class FeedFolder:
    """One bank's inbox."""

    def __init__(self, inbox: Path, submit: Submit) -> None:
        self._inbox = inbox
        self._submit = submit
        self._taken: dict[Path, _Version] = {}
        self._said: dict[Path, str] = {}

    def scan(self) -> int:
        """Take in every whole file there is; returns how many."""
        taken = 0
        for facility, path in self._waiting():
            try:
                taken += self._take(facility, path)
            except OSError as fault:
                # It was taken away meanwhile, or cannot be moved aside: others go on.
                self._say_once(path, "feed stays", facility, str(fault))
        return taken

    def _take(self, facility: str, path: Path) -> bool:
        version = _version(path)
        if self._taken.get(path) != version:
            try:
                summary = self._submit(facility, path)
            except FeedFault as fault:
                self._refuse(facility, path, str(fault))
                return False
            except TallyError as fault:
                # Not the file's fault (the database is locked, the facility not yet agreed):
                # it stays where it is and is tried again at the next scan.
                self._say_once(path, "feed waits", facility, str(fault))
                return False
            _log.info("feed taken in", file=path.name, facility=facility, rows=summary)
            if _version(path) != version:  # somebody still writes: the rest of it comes next time
                return True
            self._taken[path] = version
        self._move(path, _DONE, facility)
        return True

    def _waiting(self) -> Iterator[tuple[str, Path]]:
        for folder in sorted(self._inbox.iterdir()) if self._inbox.is_dir() else ():
            if not folder.is_dir() or folder.name in (_DONE, _FAILED):
                continue
            for path in sorted(folder.iterdir()):
                if path.name.startswith(".") or path.suffix == ".part" or not path.is_file():
                    continue
                if not 0 <= time.time() - path.stat().st_mtime < _QUIET_S:
                    yield folder.name, path

    def _refuse(self, facility: str, path: Path, why: str) -> None:
        target = self._move(path, _FAILED, facility)
        target.with_name(target.name + ".reason.txt").write_text(why + "\n")
        _log.warning("feed refused", file=path.name, facility=facility, why=why)

    def _move(self, path: Path, where: str, facility: str) -> Path:
        folder = self._inbox / where / facility
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / path.name
        number = 1
        while target.exists():
            number += 1
            target = folder / f"{path.stem}~{number}{path.suffix}"
        path.rename(target)
        self._taken.pop(path, None)
        self._said.pop(path, None)
        return target

    def _say_once(self, path: Path, what: str, facility: str, why: str) -> None:
        if self._said.get(path) != why:
            self._said[path] = why
            _log.warning(what, file=path.name, facility=facility, why=why)


def _version(path: Path) -> _Version:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
