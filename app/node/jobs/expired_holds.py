"""Expired holds: the lead's node releases them, so that what they held is available again."""

import structlog

from app.actions.holds import ReleaseHolds, expired, release
from app.actions.sender import Signer
from app.actions.view import View
from app.contracts.reserve_ledger import ReserveLedger

_log = structlog.get_logger()


def release_expired(view: View, ledger: ReserveLedger, signer: Signer) -> None:
    """Release what has expired by the chain's clock, of the facilities that this bank leads."""
    found = expired(view)
    if found:
        release(ReleaseHolds(found), view, ledger, signer)
        _log.info("expired holds released", holds=len(found))
