"""The names of references, as a posting's sender sealed them; shown only where they hash to their
leg's reference."""

from collections.abc import Sequence
from typing import Any, TypeGuard

from app.domain.identifiers import reference

_MOST_CHARACTERS = 64

OPENED, PARTIAL, SEALED = "opened", "partial", "sealed"
"""All names were read; some do not hash to their leg; nothing could be opened."""


def is_name(text: Any) -> TypeGuard[str]:
    """Whether this is text that a feed may carry as a reference: other text (NUL, say) could not
    even be stored everywhere."""
    return isinstance(text, str) and 0 < len(text) <= _MOST_CHARACTERS and text.isprintable()


class Names:
    """The names of one posting: a row for each leg, which may hold anything."""

    def __init__(self, rows: Sequence[Sequence[Any]] | None, reference_key: bytes | None) -> None:
        """`rows` None: they could not be opened. `reference_key` None: nothing can be verified."""
        self._rows = rows if reference_key is not None else None
        self._key = reference_key or b""
        self.state = SEALED if self._rows is None else OPENED
        self._last: tuple[int, tuple[str | None, str | None]] = (-1, (None, None))

    def are(self, place: int, event_ref: str | None, target_event_ref: str | None) -> bool:
        """Whether the leg at `place` has just these names, known to be right already."""
        rows = self._rows
        if event_ref is None or rows is None or place >= len(rows):
            return False
        row = rows[place]
        return len(row) > 1 and row[0] == event_ref and row[1] == target_event_ref

    def of(self, place: int, expected: bytes, target: bytes) -> tuple[str | None, str | None]:
        """event_ref and target_event_ref of the leg at `place` (0 = the posting's first leg)."""
        rows = self._rows
        if rows is None:
            return None, None
        if self._last[0] != place:
            row = rows[place] if place < len(rows) else ()
            name = self._verified(row[0] if row else None, expected)
            of_target = self._verified(row[1] if len(row) > 1 else None, target) if target else None
            self._last = place, (name, of_target)
        return self._last[1]

    def _verified(self, text: Any, expected: bytes) -> str | None:
        if is_name(text) and reference(self._key, text) == expected:
            return text
        self.state = PARTIAL
        return None
