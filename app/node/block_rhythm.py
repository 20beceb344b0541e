"""When to ask for the newest block: about when the next one is due, by when the last ones came.

A node at rest asks so two or three times a block instead of ten times a second. One that waits for
a block asks more often, and most often while one is due. What an endpoint makes it believe delays a
look by a second at most.
"""

from collections import deque

SOON_S = 0.1
_DUE_S = 0.03
"""Between two looks of a node that waits for a block, while one is due."""
_IRREGULAR_S = 0.2
_LONGEST_S = 1.0
_EARLY = 0.9
"""Of the time between two blocks: the first look for the next one."""
_BLOCKS = 8
_LATE_S = 30.0
_LATE_GAPS = 8
"""A block is late after as many times the longest time between the last ones."""
_LEAST_TIMED_S = 0.5
"""Blocks that come faster may come for transactions alone."""


class BlockRhythm:
    """Learns from the looks that were taken. Pure: times are those of any clock that only goes
    on."""

    def __init__(self, now_s: float) -> None:
        self.moved_at_s = now_s
        """When the newest block was last another one than before."""
        self._head: int | None = None
        self._gaps_s: deque[float] = deque(maxlen=_BLOCKS)
        self._is_timed = False
        """Whether blocks have come at even times, so that they come without transactions too."""

    def note(self, head: int, now_s: float) -> None:
        """The newest block at a look."""
        if head == self._head:
            return
        if self._head is not None and head > self._head:
            self._gaps_s.append((now_s - self.moved_at_s) / (head - self._head))
            if self._is_regular() and min(self._gaps_s) >= _LEAST_TIMED_S:
                self._is_timed = True
        self._head, self.moved_at_s = head, now_s

    def is_late(self, now_s: float) -> bool:
        """Whether the chain stands still: it has made blocks by time, and none has come for much
        longer than between the last ones."""
        if not self._is_timed:
            return False
        return now_s - self.moved_at_s > max(_LATE_S, max(self._gaps_s) * _LATE_GAPS)

    def wait_s(self, now_s: float, *, is_waiting: bool = False) -> float:
        """How long until the next look; `is_waiting`: batches are on their way."""
        if is_waiting:
            return self._until_due_s(now_s, _DUE_S, SOON_S, irregular_s=SOON_S)
        return self._until_due_s(now_s, SOON_S, _LONGEST_S, irregular_s=_IRREGULAR_S)

    def quiet_s(self, now_s: float) -> float:
        """How long no block comes, if none comes sooner after another than the last ones did."""
        since_s = now_s - self.moved_at_s
        return max(0.0, _EARLY * min(self._gaps_s, default=0.0) - since_s)

    def _until_due_s(
        self, now_s: float, least_s: float, most_s: float, *, irregular_s: float
    ) -> float:
        if not self._is_regular():
            return irregular_s
        since_s, shortest_s = now_s - self.moved_at_s, min(self._gaps_s)
        if since_s > 2 * max(self._gaps_s):
            return irregular_s
        return min(max(_EARLY * shortest_s - since_s, least_s), most_s)

    def _is_regular(self) -> bool:
        return len(self._gaps_s) == _BLOCKS and max(self._gaps_s) <= 2 * min(self._gaps_s)
