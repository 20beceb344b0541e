"""FacilityRegistry: facilities, their terms, and the changes of these."""

from collections.abc import Sequence
from typing import Any

from eth_utils.crypto import keccak
from web3.contract.contract import ContractFunction

from app.contracts.deployed_contract import DeployedContract
from app.domain.facility import Split

SPLITS: tuple[Split, ...] = ("contract", "lead")
"""Who splits the lead's legs of shared kinds, by the numbers on the chain."""


class FacilityRegistry(DeployedContract):
    name = "FacilityRegistry"

    def facility_number(self, facility_id: str) -> int:
        """The number of a facility; 0 when there is none of that id."""
        return int(self._read(self.contract.functions.facilityNumber(facility_id)))

    def state(self, facility: int) -> int:
        """0 none, 1 proposed, 2 active, 3 paused, 4 closed."""
        return int(self._read(self.contract.functions.state(facility)))

    def terms(self, facility: int) -> Any:
        """The proposed terms as the ABI's struct, to be handed on as they are."""
        return self._read(self.contract.functions.terms(facility))

    def propose(self, terms: dict[str, Any]) -> ContractFunction:
        return self.contract.functions.propose(terms)

    def accept(self, facility: int, terms_hash: bytes) -> ContractFunction:
        return self.contract.functions.accept(facility, terms_hash)

    def withdraw(self, facility: int) -> ContractFunction:
        return self.contract.functions.withdraw(facility)

    def decline(self, facility: int, reason_hash: bytes) -> ContractFunction:
        return self.contract.functions.decline(facility, reason_hash)

    def propose_shares(
        self,
        facility: int,
        effective_from: int,
        shares: Sequence[tuple[int, int, int]],
        reason_hash: bytes,
    ) -> ContractFunction:
        """`shares`: each partner's principal, interest and fee in basis points, in their order."""
        return self.contract.functions.proposeShares(
            facility, effective_from, list(shares), reason_hash
        )

    def propose_rules(
        self, facility: int, rules: tuple[int, int, int, int, int], reason_hash: bytes
    ) -> ContractFunction:
        """`rules`: first day, tolerance, window in days, deadline in seconds, cut-off in seconds
        since midnight."""
        return self.contract.functions.proposeRules(facility, rules, reason_hash)

    def propose_close(self, facility: int, reason_hash: bytes) -> ContractFunction:
        return self.contract.functions.proposeClose(facility, reason_hash)

    def accept_change(self, facility: int, change: int, change_hash: bytes) -> ContractFunction:
        return self.contract.functions.acceptChange(facility, change, change_hash)

    def enact_change(self, facility: int, change: int, change_hash: bytes) -> ContractFunction:
        return self.contract.functions.enactChange(facility, change, change_hash)

    def withdraw_change(self, facility: int, change: int) -> ContractFunction:
        return self.contract.functions.withdrawChange(facility, change)

    def pause(self, facility: int, reason_hash: bytes) -> ContractFunction:
        return self.contract.functions.pause(facility, reason_hash)

    def resume(self, facility: int, pauser: int) -> ContractFunction:
        return self.contract.functions.resume(facility, pauser)

    def terms_hash(self, terms: Any) -> bytes:
        """keccak256(abi.encode(terms)), which a partner signs by accepting."""
        encoded = self.contract.encode_abi("propose", [terms])
        return bytes(keccak(hexstr=encoded[10:]))
