"""An archive's days and postings, held against what the contracts say."""

from collections.abc import Iterable, Iterator
from typing import Any

from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.contracts.events import events_of
from app.contracts.reserve_ledger import ReserveLedger
from app.domain.day_close import Sums
from app.readmodel.values import to_date


class Contracts:
    """What the contracts of a channel say; `facility` is its number."""

    def __init__(self, rpc: Rpc, manifest: Manifest, facility: int) -> None:
        self._rpc = rpc
        self._ledger = ReserveLedger(rpc, manifest.addresses["ReserveLedger"])
        self._facility = facility

    def day(self, partner: int, day: int) -> Sums:
        """What moved an account's three books on a day (ordinal)."""
        return Sums(*self._ledger.movements(self._facility, partner, day, day))

    def differing_days(self, own: dict[tuple[int, int], Sums]) -> Iterator[str]:
        """The days (by partner number and ordinal) whose sums are others in the contract."""
        for (partner, day), sums in sorted(own.items()):
            theirs = self.day(partner, day)
            if sums != theirs:
                yield f"partner {partner}, {to_date(day)}: {sums} here, {theirs} in the contract"

    def differing_postings(self, postings: Iterable[dict[str, Any]]) -> Iterator[str]:
        """The postings of a manifest that the chain does not hold with this running digest."""
        for one in postings:
            receipt = self._rpc.call("eth_getTransactionReceipt", [one["transaction"]])
            posted = [
                event.arguments
                for event in (events_of(receipt) if receipt else ())
                if event.name == "Posted" and event.fault is None
            ]
            if not any(
                (found["facility"], found["member"], found["sequence"])
                == (self._facility, one["member"], one["sequence"])
                and bytes(found["digest"]).hex() == one["digest"]
                for found in posted
            ):
                yield (
                    f"posting {one['sequence']} of {one['bank']} with digest {one['digest']} is "
                    f"not in transaction {one['transaction']}"
                )
