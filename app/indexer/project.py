"""A range's events, each to what it changes: postings to the fold, the others to their handlers."""

from collections.abc import Iterable, Mapping

from app.contracts.events import ContractEvent
from app.contracts.posting import next_digest
from app.domain.legs import unpack
from app.indexer.changes import SealedPosting
from app.indexer.decode import Event
from app.indexer.errors import Incomplete
from app.indexer.fold import Batch, fold, touch
from app.indexer.handlers import HANDLERS
from app.indexer.names import Names
from app.indexer.postings import Posting
from app.indexer.projection import Projection
from app.indexer.state import OBSERVERS
from app.keys.sealing import open_details

UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What becomes of data that is not what it should be."""


def project(projection: Projection, events: Iterable[Event], sealed: Mapping[str, bytes]) -> None:
    """Take events in the order of the chain. `sealed`: a transaction's hash to the sealed details
    of its posting. Raises Incomplete when the events cannot be all there."""
    for event in events:
        if isinstance(event, Posting):
            _read_posting(projection, event, sealed.get(event.tx_hash, b""))
        else:
            _handle(projection, event)


def _handle(projection: Projection, event: ContractEvent) -> None:
    """A rare event changes what its handler says; nothing that others wrote stops the view."""
    if event.fault is not None:
        # No contract of ours encodes so: the answer is suspect first.
        projection.changes.incidents.append(projection.incident(event, event.fault))
        return
    written = len(projection.statements)
    try:
        HANDLERS[event.name](projection, event)
    except UNREADABLE as fault:
        del projection.statements[written:]
        projection.changes.unreadable.append(projection.incident(event, fault))


def _read_posting(projection: Projection, posting: Posting, sealed: bytes) -> None:
    """A posting that goes on where its sender's last one ended."""
    state = projection.state
    facility = state.facilities.get(posting.facility)
    if facility is None:
        raise Incomplete("no event has proposed its facility", where=posting.place)
    partner = 0 if posting.member == facility.lead else facility.partners.get(posting.member)
    if partner is None:
        raise Incomplete("its sender is no party of the facility", where=posting.place)
    sequence, digest = state.heads.get((posting.facility, posting.member), (0, bytes(32)))
    if posting.sequence != sequence + 1:
        raise Incomplete(
            f"it came after posting {sequence}: what is between them is missing",
            where=posting.place,
        )
    if next_digest(digest, posting.legs) != posting.digest:
        raise Incomplete("its legs do not give its digest", where=posting.place)
    state.heads[posting.facility, posting.member] = (posting.sequence, posting.digest)

    try:
        legs = list(unpack(posting.legs))
    except ValueError as fault:
        raise Incomplete(str(fault), where=posting.place) from None
    is_seen = bool(facility.visible) and (not partner or partner in facility.visible)
    rows = (
        open_details(sealed, state.view.member, state.view.sealing_keys)
        if is_seen and facility.reference_key is not None
        else None
    )
    if is_seen and rows is None and sealed and state.view.role in OBSERVERS:
        projection.changes.sealed.append(
            SealedPosting(posting.facility, posting.member, posting.sequence, posting.legs, sealed)
        )
    names = Names(rows, facility.reference_key)
    batch = Batch(posting, facility, partner, legs, names, projection.time(posting.block_number))
    if not is_seen:
        # Another partner's: counted, and left alone.
        projection.changes.postings.append(batch.row)
        return
    touch(batch, {one: projection.touched[facility.number, one] for one in facility.visible})
    projection.later(lambda: fold(state, batch, projection.changes))
