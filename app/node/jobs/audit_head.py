"""The head of the audit trail: the node anchors it on the chain once a day."""

from collections.abc import Callable

import structlog

from app.actions.audit_head import anchor, head_to_anchor
from app.actions.sender import Signer
from app.actions.view import View
from app.contracts.day_close import DayClose

_log = structlog.get_logger()


class AuditHead:
    """Watches the bank's audit trail. `operator` gives the key in use."""

    def __init__(self, view: View, contract: DayClose, operator: Callable[[], Signer]) -> None:
        self._view = view
        self._contract = contract
        self._operator = operator

    def look(self) -> None:
        """Anchor the head where it is due by the chain's clock."""
        signer = self._operator()
        due = head_to_anchor(self._view, signer.address)
        if due is not None:
            anchor(due, self._view, self._contract, signer)
            _log.info("head of the audit trail anchored", rows=due.rows)
