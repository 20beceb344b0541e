"""DayClose: the day's statements, proposed by one side and confirmed by the other."""

from eth_utils.crypto import keccak
from web3.contract.contract import ContractFunction

from app.contracts.deployed_contract import DeployedContract
from app.domain.day_close import Statement


class DayClose(DeployedContract):
    name = "DayClose"

    def propose(self, statement: Statement) -> ContractFunction:
        return self.contract.functions.propose(_statement(statement), list(statement.open.names))

    def statement_hash(self, statement: Statement) -> bytes:
        """keccak256(abi.encode(statement, names)): what the other bank confirms."""
        arguments = [_statement(statement), list(statement.open.names)]
        return bytes(keccak(hexstr=self.contract.encode_abi("propose", arguments)[10:]))

    def confirm(
        self, facility: int, partner: int, day: int, statement_hash: bytes
    ) -> ContractFunction:
        return self.contract.functions.confirm(facility, partner, day, statement_hash)

    def dispute(
        self, facility: int, partner: int, day: int, statement_hash: bytes, reason_hash: bytes
    ) -> ContractFunction:
        return self.contract.functions.dispute(facility, partner, day, statement_hash, reason_hash)

    def withdraw(self, facility: int, partner: int, day: int) -> ContractFunction:
        return self.contract.functions.withdraw(facility, partner, day)

    def give_reason(self, reason_hash: bytes, sealed_reason: bytes) -> ContractFunction:
        return self.contract.functions.giveReason(reason_hash, sealed_reason)

    def grant_details(
        self, facility: int, reader: int, from_day: int, to_day: int, sealed_keys: bytes
    ) -> ContractFunction:
        return self.contract.functions.grantDetails(facility, reader, from_day, to_day, sealed_keys)

    def revoke_grant(self, grant: int) -> ContractFunction:
        return self.contract.functions.revokeGrant(grant)

    def anchor_audit_head(self, rows: int, head: bytes) -> ContractFunction:
        return self.contract.functions.anchorAuditHead(rows, head)

    def audit_anchor_of(self, member: int) -> tuple[int, bytes]:
        """The last head of a member's audit trail: its rows (0: none is anchored), and hash."""
        rows, _, head = self.contract.functions.auditAnchorOf(member).call()
        return rows, head

    def propose_reopen(
        self, facility: int, partner: int, day: int, reason_hash: bytes
    ) -> ContractFunction:
        return self.contract.functions.proposeReopen(facility, partner, day, reason_hash)

    def confirm_reopen(
        self, facility: int, partner: int, day: int, reason_hash: bytes
    ) -> ContractFunction:
        return self.contract.functions.confirmReopen(facility, partner, day, reason_hash)

    def withdraw_reopen(self, facility: int, partner: int, day: int) -> ContractFunction:
        return self.contract.functions.withdrawReopen(facility, partner, day)


def _statement(one: Statement) -> dict[str, int]:
    """As the ABI's struct."""
    return {
        "facility": one.facility,
        "partner": one.partner,
        "day": one.day,
        **{
            f"{row}{book.capitalize()}": getattr(getattr(one, row), book)
            for row in ("opening", "movement", "closing")
            for book in ("lead", "partner", "agreed")
        },
        "openLead": one.open.lead,
        "openPartner": one.open.partner,
        "acceptedDifference": one.open.accepted_difference,
        "openLegs": one.open.legs,
    }
