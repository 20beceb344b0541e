"""Attempts to sign in or to enrol: their turns, and the answer to too many."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi.responses import HTMLResponse

from app.locale import N_
from app.people.sign_in import TooManyAttempts

CROWDED = N_("Too many attempts have failed from your address. Try again in some minutes.")
_MOST_WAITING = 6
"""Attempts of one key that wait for their turn; one more is refused."""


class Turns:
    """One attempt of a key at a time: those that wait cannot be evaded side by side."""

    def __init__(self) -> None:
        self._locks: dict[bytes, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: dict[bytes, int] = defaultdict(int)

    @asynccontextmanager
    async def of(self, key: bytes) -> AsyncIterator[None]:
        """`key`: of an address, say. Raises TooManyAttempts where too many wait already."""
        if self._waiting[key] >= _MOST_WAITING:
            raise TooManyAttempts
        self._waiting[key] += 1
        try:
            async with self._locks[key]:
                yield
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key], self._locks[key]


def crowded(page: HTMLResponse) -> HTMLResponse:
    """The page that says so, with the time to wait."""
    page.headers["Retry-After"] = str(TooManyAttempts.retry_after)
    return page
