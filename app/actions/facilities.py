"""A bank's say in its facilities: what its approver key proposes, accepts, withdraws and stops."""

from collections.abc import Mapping, Sequence

from app.actions.facility_terms import Party, new_terms
from app.actions.signer import Done, Signer
from app.contracts.facility_registry import FacilityRegistry
from app.contracts.proposals import reason_hash
from app.domain.facility import Facility


class FacilityDesk:
    """Sends to FacilityRegistry with the approver's key. Facilities and members are the chain's
    numbers, days ordinals, `reason` a text of which the chain keeps the hash.

    Each call raises ContractReverted, before anything is sent, when the registry refuses.
    """

    def __init__(self, approver: Signer, registry: FacilityRegistry) -> None:
        self._send = approver.send
        self._registry = registry

    def propose_terms(
        self, facility: Facility, parties: Mapping[str, Party], readers: list[Party]
    ) -> Done:
        """Propose a facility as its lead. See `new_terms`."""
        return self._send(self._registry.propose(new_terms(facility, parties, readers)))

    def accept_terms(self, facility: int) -> Done:
        """Accept a proposed facility as a partner, as its terms stand on the chain: compare them
        with what was agreed before."""
        terms_hash = self._registry.terms_hash(self._registry.terms(facility))
        return self._send(self._registry.accept(facility, terms_hash))

    def withdraw_terms(self, facility: int) -> Done:
        """Take back a facility that is only proposed, as its lead."""
        return self._send(self._registry.withdraw(facility))

    def decline_terms(self, facility: int, reason: str) -> Done:
        """Decline a facility that is only proposed, as a partner."""
        return self._send(self._registry.decline(facility, reason_hash(reason)))

    def propose_shares(
        self, facility: int, first_day: int, shares: Sequence[tuple[int, int, int]], reason: str
    ) -> Done:
        """`shares`: each partner's principal, interest and fee in basis points, in their order."""
        return self._send(
            self._registry.propose_shares(facility, first_day, shares, reason_hash(reason))
        )

    def propose_rules(
        self, facility: int, rules: tuple[int, int, int, int, int], reason: str
    ) -> Done:
        """`rules`: first day, tolerance, window in days, deadline in seconds, cut-off in seconds
        since midnight."""
        return self._send(self._registry.propose_rules(facility, rules, reason_hash(reason)))

    def propose_close(self, facility: int, reason: str) -> Done:
        return self._send(self._registry.propose_close(facility, reason_hash(reason)))

    def accept(self, facility: int, change: int, change_hash: bytes) -> Done:
        """Accept a change that was read and has this hash."""
        return self._send(self._registry.accept_change(facility, change, change_hash))

    def enact(self, facility: int, change: int) -> Done:
        """Bring into force what only waited for a party that is gone."""
        return self._send(self._registry.enact_change(facility, change))

    def withdraw(self, facility: int, change: int) -> Done:
        """Take back the bank's own change."""
        return self._send(self._registry.withdraw_change(facility, change))

    def pause(self, facility: int, reason: str) -> Done:
        """Stop the posting for a facility."""
        return self._send(self._registry.pause(facility, reason_hash(reason)))

    def resume(self, facility: int, pauser: int) -> Done:
        """Lift a member's pause: the bank's own, or that of one that is no active bank."""
        return self._send(self._registry.resume(facility, pauser))
