"""A secret of a bank's that rotates: the one in use, the one to follow, and those before it."""

import threading
from collections.abc import Iterator
from pathlib import Path

from app.keys.errors import KeyUnusable
from app.keys.keystore import load_secret, public_half, retired, standing


class KeyVersions:
    """The secrets of one purpose in a key folder, to be tried in turn: the one in use first.

    What was sealed under an old key stays so. A file that has come since is found when the others
    do not open something, so that a node need not be told of a rotation, nor started again.
    """

    def __init__(self, folder: Path, name: str, *, development: bool) -> None:
        """Raises KeyUnusable where the key in use does not open."""
        self._folder = folder
        self._name = name
        self._development = development
        self._lock = threading.Lock()
        self._opened: dict[str, bytes] = {}
        self._seen: tuple[int, int] | None = None
        self._public = ""
        self.current()

    def current(self) -> bytes:
        """The secret in use. Raises KeyUnusable."""
        path = self._folder / f"{self._name}.json"
        with self._lock:
            try:
                found = path.stat()
            except OSError:  # gone for a moment, or for good: what is in memory goes on serving
                if self._public:
                    return self._opened[self._public]
                return load_secret(path, development=self._development)
            if (seen := (found.st_ino, found.st_mtime_ns)) != self._seen:
                self._open(path)
                self._public, self._seen = public_half(path), seen
            return self._opened[self._public]

    def __iter__(self) -> Iterator[bytes]:
        current = self.current()
        yield current
        with self._lock:
            known = [one for one in self._opened.values() if one != current]
        yield from known
        for path in standing(self._folder, self._name) + retired(self._folder, self._name):
            with self._lock:
                try:
                    if public_half(path) in self._opened:
                        continue
                    secret = self._open(path)
                except KeyUnusable:
                    if path.exists():
                        raise
                    continue  # it has just taken its place as the one in use
            yield secret
        if (newest := self.current()) != current:
            yield newest

    def _open(self, path: Path) -> bytes:
        public = public_half(path)
        if public not in self._opened:
            self._opened[public] = load_secret(path, development=self._development)
        return self._opened[public]
