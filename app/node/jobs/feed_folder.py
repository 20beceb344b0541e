"""The feed folder: files put into `inbox/FACILITY/` are taken in and moved aside.

A file is taken when it is complete (`app.intake.completeness`), or when it was renamed from a name
under which it was being written. It is moved to a private place first, and a copy of it, which
nobody else can write to, is taken in: if the file changes while it is copied, nothing of it is.
A file that was taken in goes to `inbox/done/FACILITY/`, one that cannot be read at all or that has
changed to `inbox/failed/FACILITY/` with a `.reason.txt` beside it. A crash leaves a file in the
private place; taken in again from there, its rows are duplicates.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from app.domain.errors import FeedFault, TallyError
from app.intake.completeness import done_marks, is_unfinished_name, why_incomplete
from app.intake.file_kind import special_kind
from app.intake.inbox import why_unusable

_DONE, _FAILED, _TAKING = "done", "failed", ".taking"
_LONGEST_NAME = 180
"""Most bytes of a name to which something is added."""

_CHANGED = "it changed while it was taken in; nothing of it was booked"
_CHANGED_LATER = "it changed after it was taken in: what was added is not booked"

_log = structlog.get_logger()

Submit = Callable[[str, Path], str]
"""Takes in a feed file of a facility (its id) and returns a line that says what became of it."""

_Version = tuple[int, int, int, int]
"""A file's inode, size and times of change: another one for every writing."""


class FeedFolder:
    """One bank's inbox."""

    def __init__(self, inbox: Path, submit: Submit) -> None:
        self._inbox = inbox
        self._submit = submit
        self._accepted: dict[Path, _Version] = {}
        """Files that were taken in and could not be moved aside yet."""
        self._unfinished: set[tuple[int, int]] = set()
        """Files that were seen under a name for files being written, by device and inode."""
        self._said: dict[tuple[str, str], str] = {}
        """What was last said of a file, by facility and name."""
        self.trouble = ""
        """Why no file at all is taken in, as last seen; empty where files are."""

    def scan(self) -> int:
        """Take in every complete file there is; returns how many."""
        trouble = why_unusable(self._inbox)
        if trouble != self.trouble:
            if trouble:
                _log.error("inbox unusable", why=trouble)
            else:
                _log.info("inbox usable again")
            self.trouble = trouble
        taken = 0
        for facility, path in [*self._left_over(), *self._waiting()]:
            try:
                taken += self._take_in(facility, path)
            except FileNotFoundError:
                self._forget(facility, path)  # it was taken away meanwhile
            except Exception as fault:  # whatever is wrong with one file, the others go on
                self._say_once(path, "feed stays", facility, f"{type(fault).__name__}: {fault}")
        return taken

    def _waiting(self) -> Iterator[tuple[str, Path]]:
        """The files in the folders of facilities that are to be taken now."""
        unfinished: set[tuple[int, int]] = set()
        for folder in _entries(self._inbox):
            if folder.name in (_DONE, _FAILED, _TAKING):
                continue
            if not folder.is_dir():
                if not is_unfinished_name(folder.name):
                    why = "it lies beside the facilities' folders: put it into inbox/FACILITY/"
                    self._say_once(folder, "feed stays", "", why)
                continue
            if not folder.name.isascii():
                self._say_once(folder, "folder ignored", folder.name, "no facility has such an id")
                continue
            try:
                paths = sorted(folder.iterdir())
            except OSError as fault:
                self._say_once(folder, "folder ignored", folder.name, str(fault))
                continue
            for path in paths:
                try:
                    if is_unfinished_name(path.name):
                        status = path.lstat()
                        unfinished.add((status.st_dev, status.st_ino))
                    elif self._is_to_be_taken(folder.name, path):
                        yield folder.name, path
                except OSError as fault:
                    self._say_once(path, "feed stays", folder.name, str(fault))
        self._unfinished = unfinished

    def _is_to_be_taken(self, facility: str, path: Path) -> bool:
        status = path.lstat()
        kind = special_kind(status.st_mode)
        if kind:
            why = f"it is {kind}: put the feed itself here, a regular file"
            if kind == "a directory":
                self._say_once(path, "feed refused", facility, why)
            else:
                self._refuse(facility, path, why)
            return False
        renamed = (status.st_dev, status.st_ino) in self._unfinished
        why = why_incomplete(path, renamed=renamed)
        if why:
            self._say_once(path, "feed waits", facility, why)
        return not why

    def _left_over(self) -> Iterator[tuple[str, Path]]:
        """Files that an earlier scan, or another process, has moved to the private place."""
        for folder in _entries(self._inbox / _TAKING):
            for path in _entries(folder):
                if not path.is_dir():
                    yield folder.name, path

    def _take_in(self, facility: str, path: Path) -> bool:
        private = self._inbox / _TAKING / facility
        if path.parent != private:
            private.mkdir(parents=True, exist_ok=True)
            (self._inbox / _TAKING).chmod(0o700)
            original = path.rename(_free_name(private / path.name))
        else:
            original = path
        version = _version(original)
        if self._accepted.get(original) != version:
            copy = private / ".copy" / _shown(original.name)[:_LONGEST_NAME]
            copy.parent.mkdir(exist_ok=True)
            try:
                if not _copy_unchanged(original, copy):
                    self._refuse(facility, original, _CHANGED)
                    return False
                summary = self._submit(facility, copy)
            except FeedFault as fault:
                fault.where = fault.where.replace(str(copy), copy.name)  # the copy goes
                self._refuse(facility, original, str(fault))
                return False
            except TallyError as fault:
                # Not the file's fault (the database is locked, the facility not yet agreed):
                # it goes back to where it was and is tried again at the next scan.
                back = self._inbox / facility / original.name
                if not os.path.lexists(back):
                    original.rename(back)
                self._say_once(path, "feed waits", facility, str(fault))
                return False
            finally:
                copy.unlink(missing_ok=True)
            _log.info("feed taken in", file=_shown(path.name), facility=facility, rows=summary)
            if _version(original)[:3] != version[:3]:
                self._refuse(facility, original, _CHANGED_LATER)
                return True
            self._accepted[original] = version
        self._move(original, _DONE, facility)
        return True

    def _refuse(self, facility: str, path: Path, why: str) -> None:
        target = self._move(path, _FAILED, facility)
        name = os.fsdecode(os.fsencode(target.name)[:_LONGEST_NAME]) + ".reason.txt"
        target.with_name(name).write_text(why + "\n", encoding="utf-8", errors="backslashreplace")
        _log.warning("feed refused", file=_shown(path.name), facility=facility, why=_shown(why))

    def _move(self, path: Path, where: str, facility: str) -> Path:
        folder = self._inbox / where / facility
        folder.mkdir(parents=True, exist_ok=True)
        target = path.rename(_free_name(folder / path.name))
        for mark in done_marks(self._inbox / facility / path.name):
            mark.unlink(missing_ok=True)
        self._forget(facility, path)
        return target

    def _forget(self, facility: str, path: Path) -> None:
        self._accepted.pop(path, None)
        self._said.pop((facility, path.name), None)

    def _say_once(self, path: Path, what: str, facility: str, why: str) -> None:
        if self._said.get((facility, path.name)) != why:
            self._said[facility, path.name] = why
            _log.warning(what, file=_shown(path.name), facility=_shown(facility), why=_shown(why))


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, by name; nothing where there is none or it cannot be read."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _free_name(target: Path) -> Path:
    """The path, or one like it that nothing has yet."""
    number = 1
    free = target
    while os.path.lexists(free):
        number += 1
        stem = os.fsdecode(os.fsencode(target.stem)[:_LONGEST_NAME])
        free = target.with_name(f"{stem}~{number}{target.suffix}")
    return free


def _copy_unchanged(original: Path, copy: Path) -> bool:
    """Copy a file; whether it is still what it was when the copy was begun."""
    before = _version(original)
    with original.open("rb") as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
        copied = target.tell()
    return _version(original) == before and copied == before[1]


def _version(path: Path) -> _Version:
    status = path.lstat()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _shown(text: str) -> str:
    """A text that may hold bytes which are not UTF-8, as any log can show it."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
