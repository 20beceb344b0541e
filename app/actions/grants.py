"""Opening details of a bank's own batches to an observer, and taking that back."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from app.actions.act import act
from app.actions.sender import Done, Signer
from app.actions.view import View
from app.contracts.day_close import DayClose
from app.contracts.posting import sealed_of, stream_of
from app.domain.errors import UsageFault
from app.domain.legs import unpack
from app.keys.sealing import MAX_GRANTED_BATCHES, batch_key, seal_batch_keys
from app.outbox.archived import archived_calldata
from app.outbox.lifecycle import FINAL
from app.outbox.tables import batches
from app.readmodel.consortium.tables import members


@dataclass(frozen=True, slots=True)
class GrantDetails:
    """Open the details of this bank's own batches with legs of these business dates (both
    included) to an auditor or regulator, by name or number."""

    facility: str
    reader: str
    first: date
    last: date

    @property
    def subject(self) -> str:
        return f"{self.facility} {self.first} to {self.last}, {self.reader}"


@dataclass(frozen=True, slots=True)
class RevokeGrant:
    """Take a grant back, by its number."""

    number: int

    @property
    def subject(self) -> str:
        return f"grant {self.number}"


@act("grants.grant")
def grant(asked: GrantDetails, view: View, contract: DayClose, signer: Signer) -> Done:
    """Each batch's own key, sealed to the reader alone: no key of this bank's is handed over. A
    batch is opened whole; the reader's node shows the legs of the period."""
    if asked.last < asked.first:
        raise UsageFault(
            f"the period would end on {asked.last}, before it begins on {asked.first}",
            remedy="Give the first date and the last in their order; both are included",
        )
    facility = view.facility(asked.facility)
    reader = view.member(asked.reader)
    with view.engine.connect() as connection:
        public = connection.execute(
            select(members.c.sealing_key).where(members.c.number == reader)
        ).scalar_one()
    keys = own_batch_keys(view, asked)
    if not keys:
        raise UsageFault(
            f"{view.bank} has posted no legs of {asked.facility} with business dates from "
            f"{asked.first} to {asked.last}",
            remedy="Each bank opens its own batches; ask the others for theirs",
        )
    if len(keys) > MAX_GRANTED_BATCHES:
        raise UsageFault(
            f"{len(keys):,} batches have legs of this period, and {MAX_GRANTED_BATCHES:,} keys fit "
            "into one grant",
            remedy="Grant a shorter period, and the rest by another grant",
        )
    sealed = seal_batch_keys(keys, public)
    if sealed is None:
        raise UsageFault(
            f"the sealing key that {asked.reader} has registered is no key",
            remedy=f"Ask {asked.reader} to rotate its sealing key",
        )
    first, last = asked.first.toordinal(), asked.last.toordinal()
    return signer.send(contract.grant_details(facility.number, reader, first, last, sealed))


@act("grants.revoke")
def revoke(asked: RevokeGrant, view: View, contract: DayClose, signer: Signer) -> Done:
    """Nodes use the grant no more. What was read meanwhile cannot be made unread."""
    return signer.send(contract.revoke_grant(asked.number))


def own_batch_keys(view: View, asked: GrantDetails) -> dict[int, bytes]:
    """The keys of this bank's batches with a leg of the period, by sequence."""
    own = view.member(view.bank)
    secrets = list(view.sealing_keys())
    first, last = asked.first.toordinal(), asked.last.toordinal()
    found: dict[int, bytes] = {}

    def take(sequence: int, calldata: bytes) -> None:
        if any(first <= leg.business_day <= last for leg in unpack(stream_of(calldata))):
            key = batch_key(sealed_of(calldata), own, secrets)
            if key is not None:
                found[sequence] = key

    archived: dict[int, int] = {}
    with view.engine.connect() as connection:
        for row in connection.execute(
            select(batches.c.id, batches.c.sequence, batches.c.calldata)
            .where(batches.c.facility == asked.facility, batches.c.state == FINAL)
            .order_by(batches.c.sequence),
            execution_options={"yield_per": 100},
        ):
            if row.calldata:
                take(row.sequence, row.calldata)
            else:
                archived[row.id] = row.sequence
        number = view.facility(asked.facility).number
        for id_, calldata in archived_calldata(connection, number, archived):
            take(archived[id_], calldata)
    return found
