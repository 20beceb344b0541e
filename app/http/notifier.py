"""Tells everyone in this process who waits that there is something new to show."""

import asyncio
import threading


class Notifier:
    """News of the read model: announced by the node's threads, awaited by its pages.

    `version` grows with every announcement; who has shown one version waits for the next.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._block: int | None = None
        self._version = 0
        self._closed = False
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def publish(self, block: int) -> None:
        """Announce the block that the read model now stands at. Safe from any thread.

        The same block again is no news; a lower one (blocks were lost) is.
        """
        with self._lock:
            if block != self._block:
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

    @property
    def version(self) -> int:
        return self._version

    async def wait(self, after_version: int, timeout_s: float) -> None:
        """Return as soon as there is news after that version, on `close`, or after the time."""
        mine = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            if self._closed or self._version != after_version:
                return
            self._waiting.add(mine)
        try:
            async with asyncio.timeout(timeout_s):
                await mine[1].wait()
        except TimeoutError:
            pass
        finally:
            with self._lock:
                self._waiting.discard(mine)

    def _wake(self) -> None:
        self._version += 1
        for loop, event in self._waiting:
            # A loop that has ended in the meantime has nobody left to wake.
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)
        self._waiting.clear()
