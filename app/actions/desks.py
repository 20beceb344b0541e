"""A bank's desks: its keys put to work on holds and closed days, beside its own read model."""

from collections.abc import Sequence

from eth_account.signers.local import LocalAccount
from sqlalchemy import Engine, select

from app.actions.day_closing import WaitingDay, WaitingReopening
from app.actions.holding import PartnerHold
from app.actions.signer import Signer
from app.chain.failover import Way
from app.contracts.proposals import reason_hash
from app.contracts.transactions import Call
from app.contracts.wrappers import DayClose, ReserveLedger
from app.domain.day_close import Statement
from app.domain.errors import UsageFault
from app.domain.facility import Facility
from app.outbox.calls import call_in_turn
from app.readmodel import reserves
from app.readmodel.directory import directory
from app.readmodel.reserves import DayRecord
from app.readmodel.tables import accounts, cursor


class OperatorDesk:
    """Implements `HoldDesk`. `operator` is the key that signs, from the next call on."""

    def __init__(
        self, engine: Engine, rpc: Way, operator: LocalAccount, ledger: str, member: int
    ) -> None:
        self._engine = engine
        self._rpc = rpc
        self.operator = operator
        self._ledger = ReserveLedger(rpc, ledger)
        self._member = member

    def place(self, holds: Sequence[PartnerHold], expires_at: int) -> list[str]:
        return self._call(
            [
                self._ledger.hold(one.facility, one.partner, one.ref, one.amount, expires_at)
                for one in holds
            ]
        )

    def release(self, holds: Sequence[PartnerHold]) -> list[str]:
        return self._call(
            [self._ledger.release(one.facility, one.partner, one.ref) for one in holds]
        )

    def expired(self) -> list[PartnerHold]:
        with self._engine.connect() as connection:
            now = connection.execute(select(cursor.c.block_time)).scalar() or 0
            led = [
                one.number
                for one in directory(connection).facilities.values()
                if one.lead_member == self._member
            ]
            return [
                PartnerHold(row.facility, row.partner, bytes(row.ref), row.amount)
                for number in led
                for row in reserves.active_holds(connection, number, expired_at=now)
            ]

    def _call(self, calls: Sequence[Call]) -> list[str]:
        receipts = self._rpc.run(
            lambda: call_in_turn(self._engine, self._rpc, self.operator, calls)
        )
        return [str(receipt["transactionHash"]) for receipt in receipts]


class AccountDays:
    """One reserve account's days in this bank's read model. Implements `DayView`."""

    def __init__(self, engine: Engine, facility: Facility, number: int, partner: int, us: str):
        self._engine = engine
        self._facility = facility
        self.number = number
        self.partner = partner
        self.partner_name = facility.partners[partner - 1].name
        self._us = us

    @property
    def decimals(self) -> int:
        return self._facility.decimals

    @property
    def currency(self) -> str:
        return self._facility.currency

    def statement(self, day: int) -> Statement:
        with self._engine.connect() as connection:
            last = reserves.last_closed(connection, self._facility.id, self.partner_name)
            if last is not None and day <= last.statement.day:
                raise UsageFault(
                    f"the account is closed through {last.day}",
                    remedy="Close a later day, or reopen the last one with the other bank",
                )
            known = directory(connection).facilities[self.number]
            return reserves.own_statement(connection, known, self.partner, last, day)

    def waiting(self) -> WaitingDay | None:
        record = self._one("proposed")
        if record is None:
            return None
        with self._engine.connect() as connection:
            last_block = connection.execute(
                select(accounts.c.last_block).where(
                    accounts.c.facility == self.number, accounts.c.partner == self.partner
                )
            ).scalar_one()
        return WaitingDay(
            record.statement,
            record.statement_hash,
            record.proposed_by == self._us,
            last_block < record.proposed_block,
        )

    def reopening(self) -> WaitingReopening:
        with self._engine.connect() as connection:
            last = reserves.last_closed(connection, self._facility.id, self.partner_name)
        if last is None:
            return WaitingReopening(0, None, False, None)
        return WaitingReopening(
            last.statement.day, last.reopen_by, last.reopen_by == self._us, last.reopen_reason_hash
        )

    def _one(self, state: str) -> DayRecord | None:
        with self._engine.connect() as connection:
            found = reserves.day_records(
                connection, self._facility.id, self.partner_name, state, limit=1
            )
        return found[0] if found else None


class ApproverDesk:
    """Implements `DayDesk` for one reserve account."""

    def __init__(
        self, rpc: Way, approver: Signer, day_close: str, number: int, partner: int
    ) -> None:
        self._rpc = rpc
        self._approver = approver
        self._day_close = DayClose(rpc, day_close)
        self._account = (number, partner)

    def propose(self, statement: Statement) -> str:
        return self._call(self._day_close.propose(statement))

    def confirm(self, statement: Statement, statement_hash: bytes) -> str:
        return self._call(self._day_close.confirm(*self._account, statement.day, statement_hash))

    def dispute(self, statement: Statement, statement_hash: bytes, reason: str) -> str:
        return self._call(
            self._day_close.dispute(
                *self._account, statement.day, statement_hash, reason_hash(reason)
            )
        )

    def withdraw(self, statement: Statement) -> str:
        return self._call(self._day_close.withdraw(*self._account, statement.day))

    def propose_reopen(self, day: int, reason: str) -> str:
        return self._call(self._day_close.propose_reopen(*self._account, day, reason_hash(reason)))

    def confirm_reopen(self, day: int, reason_hash: bytes) -> str:
        return self._call(self._day_close.confirm_reopen(*self._account, day, reason_hash))

    def withdraw_reopen(self, day: int) -> str:
        return self._call(self._day_close.withdraw_reopen(*self._account, day))

    def _call(self, call: Call) -> str:
        return self._rpc.run(lambda: self._approver.send(call)).transaction
