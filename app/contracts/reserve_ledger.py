"""ReserveLedger: the three balances of every reserve account, and the holds on them."""

from web3.contract.contract import ContractFunction

from app.contracts.deployed_contract import DeployedContract


class ReserveLedger(DeployedContract):
    name = "ReserveLedger"

    def available(self, facility: int, partner: int) -> int:
        """The smaller book less the active holds."""
        return int(self._read(self.contract.functions.available(facility, partner)))

    def movements(self, facility: int, partner: int, first: int, last: int) -> tuple[int, ...]:
        """What moved the lead's book, the partner's and the agreed amount on these days."""
        call = self.contract.functions.movements(facility, partner, first, last)
        return tuple(self._read(call))

    def hold(
        self, facility: int, partner: int, ref: bytes, amount: int, expires_at: int
    ) -> ContractFunction:
        number = int.from_bytes(ref)
        return self.contract.functions.hold(facility, partner, number, amount, expires_at)

    def release(self, facility: int, partner: int, ref: bytes) -> ContractFunction:
        return self.contract.functions.release(facility, partner, int.from_bytes(ref))
