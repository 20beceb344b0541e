"""The facilities that a bank posts to, and what the outbox must know of each."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import ColumnElement, Engine

from app.keys.sealing import open_reference_key
from app.readmodel.facilities.agreed import AgreedFacility, facilities_of
from app.readmodel.facilities.sight import ever_in_force, in_force

_LOOK_UP_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class PostingFacility:
    """`own_partner` is 0 for the lead."""

    id: str
    number: int
    partners: int
    own_partner: int
    reference_key: bytes


class PostingFacilities:
    """Those that one bank posts to, by its own view of the chain; they come and go.

    `keys` is the folder that holds the sealing keys: messages name it.
    """

    def __init__(
        self, engine: Engine, bank: str, keys: Path, sealing_keys: Iterable[bytes]
    ) -> None:
        self._engine = engine
        self.bank = bank
        self._keys = keys
        self._sealing_keys = sealing_keys
        self._looked_up_at = float("-inf")
        self.known: list[PostingFacility] = []
        """As last looked up."""
        self.unreadable: dict[str, str] = {}
        """Facility to why its reference key does not open."""
        self.paused: dict[str, str] = {}
        """Facility to who has paused it."""

    def current(self) -> list[PostingFacility]:
        """Those that take this bank's legs now, looked up again every second at most."""
        now = time.monotonic()
        if now - self._looked_up_at > _LOOK_UP_EVERY_S:
            parties = self._parties(in_force())
            self.paused = {
                one.terms.id: f"{one.terms.id} is paused by {', '.join(one.paused_by)}; posting "
                "goes on when each of them has resumed (`tally facility resume`), or after 7 days "
                "any party for them (`--of`)"
                for one in parties
                if one.state == "paused"
            }
            opened = [self.open(one) for one in parties if one.active]
            self.known = [one for one in opened if one is not None]
            self._looked_up_at = now
        return self.known

    def parties(self) -> list[AgreedFacility]:
        """The facilities that this bank is a party to and may have posted in."""
        return self._parties(ever_in_force())

    def _parties(self, among: ColumnElement[bool]) -> list[AgreedFacility]:
        with self._engine.connect() as connection:
            return facilities_of(connection, self.bank, among)

    def open(self, agreed: AgreedFacility) -> PostingFacility | None:
        """A facility with its reference key; None, and an entry in `unreadable`, when that does
        not open: the others go on."""
        terms = agreed.terms
        sealed = agreed.sealed_reference_key
        key = open_reference_key(sealed, self._sealing_keys) if sealed else None
        if key is None:
            self.unreadable[terms.id] = (
                f"the reference key of {terms.id} does not open with this bank's sealing key; "
                f"restore {self._keys / 'sealing.json'} from the backup"
            )
            return None
        self.unreadable.pop(terms.id, None)
        partner = terms.partner(self.bank)
        return PostingFacility(
            id=terms.id,
            number=agreed.number,
            partners=len(terms.partners),
            own_partner=partner.number if partner else 0,
            reference_key=key,
        )
