"""Turns of the writers of one SQLite file within this process: first come, first served.

SQLite has no queue: a writer that waits looks again now and then, so that one that writes again and
again keeps the others out until they give up.
"""

import threading
from collections import deque
from pathlib import Path
from weakref import WeakValueDictionary

_LOCK = threading.Lock()
_BY_FILE: "WeakValueDictionary[Path, Turns]" = WeakValueDictionary()


class Turns:
    """The turns of one file. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Event] = deque()

    def take(self, within_s: float) -> bool:
        """Wait for a turn; False when none came in that time."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            called = threading.Event()
            self._waiting.append(called)
        if called.wait(within_s):
            return True
        with self._lock:
            if called.is_set():  # just now
                return True
            self._waiting.remove(called)
        return False

    def give(self) -> None:
        """End a turn: the next one is whose who has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False


def turns_of(file: Path) -> Turns:
    """The same for every engine on that file."""
    with _LOCK:
        return _BY_FILE.setdefault(file.absolute(), Turns())
