"""Attempts to sign in or to enrol: their turns, and the answer to too many."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi.responses import HTMLResponse

from app.people.sign_in import TooManyAttempts

CROWDED = "Too many attempts have failed from your address. Try again in some minutes."
_MOST_WAITING = 6
"""Attempts of one address that wait for their turn; one more is refused."""


class Turns:
    """One attempt of an address at a time: those that wait cannot be evaded side by side."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: dict[str, int] = defaultdict(int)

    @asynccontextmanager
    async def of(self, address: str) -> AsyncIterator[None]:
        """Raises TooManyAttempts where too many wait already."""
        if self._waiting[address] >= _MOST_WAITING:
            raise TooManyAttempts
        self._waiting[address] += 1
        try:
            async with self._locks[address]:
                yield
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address], self._locks[address]


def crowded(page: HTMLResponse) -> HTMLResponse:
    """The page that says so, with the time to wait."""
    page.headers["Retry-After"] = str(TooManyAttempts.retry_after)
    return page
