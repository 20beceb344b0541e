"""The head of the bank's audit trail, anchored on the chain: a trail written anew is seen."""

from dataclasses import dataclass

import structlog
from sqlalchemy import select

from app.actions.act import act
from app.actions.sender import Done, Signer
from app.actions.view import View
from app.audit.tables import audit_trail
from app.contracts.day_close import DayClose
from app.readmodel.chain import cursor
from app.readmodel.consortium.tables import members
from app.readmodel.disclosures.queries import own_anchors

_ACT = "audit.anchor"
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AnchorHead:
    """That the trail has so many rows, and the last one's hash."""

    rows: int
    head: bytes

    @property
    def subject(self) -> str:
        return f"{self.rows}:{self.head.hex()}"


def head_to_anchor(view: View, operator: str) -> AnchorHead | None:
    """What is due by the chain's clock: once a day (UTC), where there are rows since the last one
    besides its own. None also where `operator` (an address) is not this member's key."""
    with view.engine.connect() as connection:
        found = connection.execute(
            select(cursor.c.block_time, members.c.operator).join(
                members, members.c.number == cursor.c.member
            )
        ).one_or_none()
        if found is None or bytes(found.operator) != bytes.fromhex(operator[2:]):
            return None
        anchored = own_anchors(connection)
        rows = 0
        if anchored:
            rows = anchored[-1].rows
            if found.block_time // 86_400 <= int(anchored[-1].anchored_at.timestamp()) // 86_400:
                return None
        newer = connection.execute(
            select(audit_trail.c.number, audit_trail.c.hash, audit_trail.c.act)
            .where(audit_trail.c.number > rows)
            .order_by(audit_trail.c.number.desc())
            .limit(2)
        ).all()
    if all(row.act == _ACT for row in newer):
        return None
    return AnchorHead(newer[0].number, newer[0].hash)


@act(_ACT)
def anchor(asked: AnchorHead, view: View, contract: DayClose, signer: Signer) -> Done:
    """Signed by the operator key, in turn with the postings."""
    return signer.send(contract.anchor_audit_head(asked.rows, asked.head))


def anchor_due(view: View, contract: DayClose, signer: Signer) -> None:
    """Anchor the head where it is due by the chain's clock."""
    due = head_to_anchor(view, signer.address)
    if due is not None:
        anchor(due, view, contract, signer)
        _log.info("head of the audit trail anchored", rows=due.rows)
