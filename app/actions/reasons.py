"""Reasons on their way to those who may read them."""

from collections.abc import Mapping

from app.actions.view import View
from app.domain.reasons import Reason
from app.keys.sealing import seal_details
from app.readmodel.facilities.readers import facility_readers, readers


def sealed_reason(reason: Reason, may_read: Mapping[int, bytes]) -> bytes:
    """Text and salt, sealed for these members (number to sealing key): with both, the hash that is
    on the chain can be checked."""
    sealed = seal_details([[reason.text, reason.salt.hex()]], may_read)
    assert sealed is not None, "a reason is short"
    return sealed


def readers_of_facility(
    view: View, facility: int, *, partner: int | None = None
) -> dict[int, bytes]:
    """Who may read why something was done about a facility, or about one partner's account."""
    with view.engine.connect() as connection:
        return facility_readers(connection, facility, partner=partner)


def readers_of_consortium(view: View) -> dict[int, bytes]:
    """Who may read why something was asked of the consortium: its active members."""
    with view.engine.connect() as connection:
        return readers(connection, banks=view.names().members, observers=None)
