"""Expired holds: the lead's node releases them, so that what they held is available again."""

from collections.abc import Callable

import structlog

from app.actions.holds import ReleaseHolds, expired, release
from app.actions.sender import Signer
from app.actions.view import View
from app.contracts.reserve_ledger import ReserveLedger

_log = structlog.get_logger()


class ExpiredHolds:
    """Watches the holds of the facilities that this bank leads. `operator` gives the key in use."""

    def __init__(self, view: View, ledger: ReserveLedger, operator: Callable[[], Signer]) -> None:
        self._view = view
        self._ledger = ledger
        self._operator = operator

    def look(self) -> None:
        """Release what has expired by the chain's clock."""
        found = expired(self._view)
        if found:
            release(ReleaseHolds(found), self._view, self._ledger, self._operator())
            _log.info("expired holds released", holds=len(found))
