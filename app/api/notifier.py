"""Tells everyone in this process that waits that the read model has moved on."""

import asyncio
import threading


class Notifier:
    """The newest projected block: published by the indexer's thread, awaited by the page.

    A rewind is news as well, so waiting is for another block, not for a higher one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._block = 0
        self._closed = False
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def publish(self, block: int) -> None:
        """Announce the block that the read model now stands at. Safe from any thread."""
        with self._lock:
            if self._closed or block == self._block:
                return
            self._block = block
            self._wake()

    def close(self) -> None:
        """End all waiting, now and later: the node is stopping. Safe from any thread."""
        with self._lock:
            self._closed = True
            self._wake()

    @property
    def closed(self) -> bool:
        return self._closed

    async def wait(self, after_block: int) -> int:
        """Return the newest block as soon as it is another than `after_block`, or on `close`."""
        mine = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            if self._closed or self._block != after_block:
                return self._block
            self._waiting.add(mine)
        try:
            await mine[1].wait()
        finally:
            with self._lock:
                self._waiting.discard(mine)
        return self._block

    def _wake(self) -> None:
        for loop, event in self._waiting:
            # A loop that has ended in the meantime has nobody left to wake.
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)
        self._waiting.clear()
