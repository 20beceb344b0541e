"""The head of the audit trail: the node anchors it on the chain once a day."""

import structlog

from app.actions.audit_head import anchor, head_to_anchor
from app.actions.sender import Signer
from app.actions.view import View
from app.contracts.day_close import DayClose

_log = structlog.get_logger()


def anchor_due(view: View, contract: DayClose, signer: Signer) -> None:
    """Anchor the head where it is due by the chain's clock."""
    due = head_to_anchor(view, signer.address)
    if due is not None:
        anchor(due, view, contract, signer)
        _log.info("head of the audit trail anchored", rows=due.rows)
