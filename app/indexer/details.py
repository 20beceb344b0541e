"""Sealed details: opened where they are for us, and believed only where they hash to their leg."""

import hmac
from collections.abc import Iterable, Sequence
from typing import Any

from app.domain.identifiers import REFERENCE_BYTES
from app.keys.sealing import open_details

_MOST_CHARACTERS = 64

OPENED, PARTIAL, SEALED = "opened", "partial", "sealed"
"""All names were read; some do not hash to their leg; nothing could be opened."""


class Names:
    """The names of one posting's references, as its sender sealed them."""

    def __init__(self, rows: Sequence[Sequence[Any]] | None, reference_key: bytes | None) -> None:
        self._rows = rows if reference_key is not None else None
        self._key = reference_key or b""
        self.state = SEALED if self._rows is None else OPENED

    def says(self, place: int, event_ref: str | None, target_event_ref: str | None) -> bool:
        """Whether the leg at `place` has just these names, known to be right already."""
        rows = self._rows
        if event_ref is None or rows is None or place >= len(rows):
            return False
        row = rows[place]
        return len(row) > 1 and row[0] == event_ref and row[1] == target_event_ref

    def of(self, place: int, reference: bytes, target: bytes) -> tuple[str | None, str | None]:
        """event_ref and target_event_ref of the leg at `place` (0 = the posting's first leg)."""
        rows = self._rows
        if rows is None:
            return None, None
        row = rows[place] if place < len(rows) else ()
        name = self._believed(row[0] if row else None, reference)
        if not target:
            return name, None
        return name, self._believed(row[1] if len(row) > 1 else None, target)

    def _believed(self, text: Any, reference: bytes) -> str | None:
        # Only what a feed may carry: other text (NUL, say) could not even be stored everywhere.
        if (
            isinstance(text, str)
            and 0 < len(text) <= _MOST_CHARACTERS
            and text.isprintable()
            and hmac.digest(self._key, text.encode(), "sha256")[:REFERENCE_BYTES] == reference
        ):
            return text
        self.state = PARTIAL
        return None


def open_names(
    sealed: bytes, member: int, sealing_keys: Iterable[bytes], reference_key: bytes | None
) -> Names:
    """Open a posting's details; with nothing to open them by, all its names are unknown."""
    if reference_key is None:
        return Names(None, None)
    return Names(open_details(sealed, member, sealing_keys), reference_key)
