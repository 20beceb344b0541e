"""Whether a file that lies in a folder is complete: time alone is no evidence of it.

It is complete by its own word (it was renamed, a `.done` file is beside it, or a trailer counts its
rows), or when no process has it open for writing, its size stood still and it ends with a line end.
"""

import fcntl
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from app.intake.file_kind import HEAD_BYTES, is_no_feed
from app.intake.trailer import rows_of_trailer, tail_of

DONE_SUFFIX = ".done"
QUIET_S = 1.0
"""A file that was changed within this time is left for later."""

_UNFINISHED_SUFFIXES = (
    DONE_SUFFIX,
    ".part",
    ".partial",
    ".filepart",
    ".tmp",
    ".temp",
    ".crdownload",
    ".download",
    ".uploading",
    ".writing",
    ".inprogress",
    ".in_progress",
    ".incomplete",
    ".unconfirmed",
    ".opdownload",
    ".upload",
    ".transfer",
    ".xfer",
    ".aria2",
    ".!ut",
    ".swp",
    ".swx",
    ".lock",
    ".lck",
)
_NUMBERED = re.compile(r"\.(?:tmp|temp|part|partial|filepart)[._-]?[0-9a-f]*$")
"""An unfinished name with a number: `feed.csv.tmp.4711`, `feed.csv.part2`."""

_F_SETSIG = 10
_ACCESS_MODES = 0o3


def is_unfinished_name(name: str) -> bool:
    """Whether a file of that name is hidden, still being written, or the mark of another file."""
    lowered = name.lower()
    return (
        lowered.startswith((".", "~", "#"))
        or lowered.endswith((*_UNFINISHED_SUFFIXES, "~"))
        or _NUMBERED.search(lowered) is not None
    )


def done_marks(path: Path) -> Iterator[Path]:
    """The files whose presence says that this one is complete."""
    yield path.with_name(path.name + DONE_SUFFIX)
    if path.suffix:
        yield path.with_name(path.stem + DONE_SUFFIX)


def why_incomplete(path: Path, *, renamed: bool) -> str:
    """Why a regular file cannot be taken yet; empty where it is complete.

    `renamed` says that it had a name before under which files are being written.
    """
    if any(os.path.lexists(mark) for mark in done_marks(path)):
        return ""
    with path.open("rb") as stream:
        tail = tail_of(stream)
        if rows_of_trailer(tail) is not None:
            return ""
        changed_s = time.time() - os.fstat(stream.fileno()).st_mtime
        if 0 <= changed_s < QUIET_S and not renamed:
            return "it has just been changed"
        if _is_open_for_writing(stream.fileno()):
            return "a process has it open for writing"
        if renamed or tail.endswith(b"\n"):
            return ""
        stream.seek(0)
        if is_no_feed(stream.read(HEAD_BYTES)):
            return ""  # which is then refused by name
    return (
        "it does not end with a line end, so that its last row may be cut: end it with one, or put "
        f"{path.name}{DONE_SUFFIX} beside it"
    )


def _is_open_for_writing(descriptor: int) -> bool:
    """Whether any process could still write to the file."""
    set_lease = getattr(fcntl, "F_SETLEASE", None)
    if set_lease is not None:
        try:
            # Whoever opens it for writing in the instant of the lease makes the kernel signal us:
            # by a signal that is ignored, as SIGIO would end this process.
            fcntl.fcntl(descriptor, _F_SETSIG, signal.SIGURG)
            fcntl.fcntl(descriptor, set_lease, fcntl.F_RDLCK)
            fcntl.fcntl(descriptor, set_lease, fcntl.F_UNLCK)
        except BlockingIOError:
            return True
        except OSError:
            pass  # another user's file, or a file system without leases
        else:
            return False
    return _is_open_in_proc(descriptor)


def _is_open_in_proc(descriptor: int) -> bool:
    """The same for the processes that this one may look into."""
    wanted = os.fstat(descriptor)
    for folder in Path("/proc").glob("[0-9]*/fd"):
        for name in _names(folder):
            try:
                found = (folder / name).stat()
                if (found.st_dev, found.st_ino) != (wanted.st_dev, wanted.st_ino):
                    continue
                flags = (folder.parent / "fdinfo" / name).read_text().split("flags:")[1].split()[0]
            except (OSError, IndexError):
                continue
            if int(flags, 8) & _ACCESS_MODES != os.O_RDONLY:
                return True
    return False


def _names(folder: Path) -> list[str]:
    try:
        return [one.name for one in folder.iterdir()]
    except OSError:
        return []
