"""Expired holds: the lead's node releases them, so that what they held is available again."""

import structlog

from app.actions.holding import HoldDesk, release_expired

_log = structlog.get_logger()


class ExpiredHolds:
    """Watches the holds of the facilities that this bank leads."""

    def __init__(self, desk: HoldDesk) -> None:
        self._desk = desk

    def look(self) -> None:
        """Release what has expired by the chain's clock."""
        released = release_expired(self._desk)
        if released:
            _log.info("expired holds released", holds=released)
