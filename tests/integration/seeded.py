"""A read model as the indexer would have written it, for the tests of the faces.

The rows are made here, in one place and by simple rules, and written to a real database; that the
indexer writes such rows is shown by its own tests.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, insert

from app.db.engine import upgrade
from app.db.schema import full_metadata
from app.domain.identifiers import reference
from app.domain.kinds import Kind
from app.indexer.changes import CURVE_STEP_S
from app.readmodel import tables

REFERENCE_KEY = b"k" * 32
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BREAKS = ("amount", "date", "amount_and_date", "missing_at_partner", "missing_at_lead")
DEADLINE_S = 24 * 3600

_SHARES = {1: 4533, 2: 2467, 3: 999}

_Rows = dict[tuple[Table, tuple[str, ...]], list[dict[str, Any]]]
"""Rows that are yet to be written, by table and columns."""


@dataclass
class Account:
    lead_book: int = 0
    partner_book: int = 0
    agreed: int = 0
    open_lead: int = 0
    open_partner: int = 0
    accepted_difference: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    totals: dict[tuple[int, int], list[int | None]] = field(default_factory=dict)
    """By day and kind: the lead's book, the partner's, what was agreed."""
    day_counts: dict[tuple[int, str], int] = field(default_factory=dict)

    def count(self, status: str, day: int) -> None:
        self.counts[status] = self.counts.get(status, 0) + 1
        self.day_counts[day, status] = self.day_counts.get((day, status), 0) + 1

    def move(self, book: int, day: int, kind: int, effect: int) -> None:
        total = self.totals.setdefault((day, kind), [None, None, None])
        total[book] = (total[book] or 0) + effect


class Seed:
    """A facility with its lead and partners, to which legs are added block by block."""

    def __init__(
        self,
        engine: Engine,
        *,
        partners: tuple[str, ...] = ("huarui", "wuxi", "nanfeng"),
        facility: str = "WLD-2016-A",
        currency: str = "CNY",
        decimals: int = 2,
        low_balance: int = 5_000_000_00,
    ) -> None:
        self.engine = engine
        self.partners = partners
        self.facility = facility
        self.block = 100
        self.now = int(START.timestamp())
        self.number = 0
        self._rows: _Rows | None = None
        self.sequences = {1: 0, **{index + 2: 0 for index in range(len(partners))}}
        self.accounts = {index + 1: Account() for index in range(len(partners))}
        upgrade(engine)
        with engine.begin() as connection:
            for table in reversed(full_metadata().sorted_tables):
                connection.execute(delete(table))
            self._found(connection, currency, decimals, low_balance)
            self._close_block(connection)

    def _found(self, connection: Connection, currency: str, decimals: int, low: int) -> None:
        names = ("webank", *self.partners, "auditor")
        roles = ("lead", *("partner" for _ in self.partners), "auditor")
        for number, (name, role) in enumerate(zip(names, roles, strict=True), start=1):
            connection.execute(
                insert(tables.members).values(
                    number=number,
                    name=name,
                    role=role,
                    operator=bytes([number]) * 20,
                    approver=bytes([number + 50]) * 20,
                    sealing_key=bytes([number]) * 32,
                    recovery=bytes([number + 100]) * 20,
                    state="active",
                    stopped_until=0,
                )
            )
        connection.execute(
            insert(tables.facilities).values(
                number=1,
                id=self.facility,
                lead=1,
                currency=currency,
                decimals=decimals,
                time_zone="Asia/Shanghai",
                least_lead_bps=0,
                largest_partner_bps=0,
                split="contract",
                first_day=722815,
                state="active",
                proposed_block=3,
                activated_block=5,
            )
        )
        for partner in self.accounts:
            connection.execute(
                insert(tables.facility_partners).values(
                    facility=1, partner=partner, member=partner + 1, low_balance=low, accepted=True
                )
            )
            share = _SHARES[partner]
            connection.execute(
                insert(tables.share_versions).values(
                    facility=1,
                    version=1,
                    partner=partner,
                    effective_from=0,
                    principal_bps=share,
                    interest_bps=share,
                    fee_bps=share,
                )
            )
        connection.execute(
            insert(tables.rule_versions).values(
                facility=1,
                version=1,
                effective_from=0,
                amount_tolerance=1,
                date_window_days=0,
                match_deadline_seconds=DEADLINE_S,
                cut_off_seconds=23 * 3600 + 59 * 60 + 59,
            )
        )

    def pair(
        self,
        connection: Connection,
        partner: int,
        kind: Kind,
        event_ref: str,
        amount: int,
        status: str,
        *,
        day: date,
        ref_known: bool = True,
        first_posted_at: int | None = None,
    ) -> int:
        """Add a pair that ended as `status` (of one side: `missing_at_partner`, `…_lead`)."""
        self.number += 1
        posted = self.now if first_posted_at is None else first_posted_at
        value = day.toordinal()
        other_amount = amount + (317 if "amount" in status else 0)
        other_value = value + (1 if status in ("date", "amount_and_date") else 0)
        if status == "within_tolerance":
            other_amount = amount + 1
        row: dict[str, Any] = {
            "number": self.number,
            "facility": 1,
            "partner": partner,
            "kind": int(kind),
            "ref": reference(REFERENCE_KEY, event_ref),
            "target_kind": 0,
            "target_ref": b"",
            "event_ref": event_ref if ref_known else None,
            "lead_reversed": False,
            "partner_reversed": False,
            "shares_version": 1 if kind.shared else None,
            "rules_version": 1,
            "status": "open" if status.startswith("missing") else status,
            "first_posted_at": posted,
            "due_at": posted + DEADLINE_S,
        }
        if status != "missing_at_lead":
            row |= self._half(connection, "lead", 1, amount, value, value, posted)
        if status != "missing_at_partner":
            row |= self._half(
                connection, "partner", partner + 1, other_amount, other_value, value, posted + 2
            )
        agreed = status in ("matched", "within_tolerance")
        row["agreed_business_day"] = value if agreed else None
        self._add(connection, tables.pairs, row)
        self._book(partner, kind.effect, row, status, agreed)
        return self.number

    def _posting(self, connection: Connection, member: int, posted: int) -> int:
        """A posting with one leg in it; its sequence."""
        self.sequences[member] += 1
        sequence = self.sequences[member]
        posting = {
            "facility": 1,
            "member": member,
            "sequence": sequence,
            "tx_hash": (member << 64 | sequence).to_bytes(32),
            "block_number": self.block + 1,
            "block_time": posted,
            "legs": 1,
            "rejected": 0,
            "digest": sequence.to_bytes(32),
            "details": "opened",
        }
        self._add(connection, tables.postings, posting)
        return sequence

    def _add(self, connection: Connection, table: Table, row: dict[str, Any]) -> None:
        """Write a row; while a book is filled, together with its like."""
        if self._rows is None:
            connection.execute(insert(table), row)
        else:
            self._rows.setdefault((table, tuple(row)), []).append(row)

    def _half(
        self,
        connection: Connection,
        side: str,
        member: int,
        amount: int,
        value: int,
        business: int,
        posted: int,
    ) -> dict[str, Any]:
        return {
            f"{side}_amount": amount,
            f"{side}_value_day": value,
            f"{side}_business_day": business,
            f"{side}_sequence": self._posting(connection, member, posted),
            f"{side}_index": 1,
            f"{side}_posted_at": posted,
        }

    def _book(
        self, partner: int, effect: int, row: dict[str, Any], status: str, agreed: bool
    ) -> None:
        account = self.accounts[partner]
        lead = effect * row.get("lead_amount", 0)
        half = effect * row.get("partner_amount", 0)
        account.lead_book += lead
        account.partner_book += half
        if agreed:
            account.agreed += lead
            account.accepted_difference += half - lead
        else:
            account.open_lead += lead
            account.open_partner += half
        day = row.get("lead_business_day") or row["partner_business_day"]
        account.count(status, day)
        if "lead_amount" in row:
            account.move(0, day, row["kind"], lead)
        if "partner_amount" in row:
            account.move(1, day, row["kind"], half)
        if agreed:
            account.move(2, day, row["kind"], lead)

    def duplicate(
        self,
        connection: Connection,
        partner: int,
        side: str,
        event_ref: str,
        amount: int,
        day: date,
    ) -> int:
        """Add a leg that the contract rejected as a duplicate."""
        self.number += 1
        member = 1 if side == "lead" else partner + 1
        connection.execute(
            insert(tables.rejections).values(
                number=self.number,
                facility=1,
                partner=partner,
                member=member,
                sequence=self._posting(connection, member, self.now),
                index=1,
                reason="duplicate",
                side=side,
                kind=int(Kind.PRINCIPAL),
                ref=reference(REFERENCE_KEY, event_ref),
                event_ref=event_ref,
                target_kind=0,
                target_ref=b"",
                amount=amount,
                value_day=day.toordinal(),
                business_day=day.toordinal(),
                posted_at=self.now,
            )
        )
        self.accounts[partner].count(f"duplicate_at_{side}", day.toordinal())
        return self.number

    def close_block(self, connection: Connection, *, seconds: int = 1) -> int:
        """Write the accounts and move the cursor on by one block."""
        self.block += 1
        self.now += seconds
        self._close_block(connection)
        return self.block

    def _close_block(self, connection: Connection) -> None:
        for table in (tables.accounts, tables.day_totals, tables.day_counts):
            connection.execute(delete(table))
        totals: list[dict[str, Any]] = []
        counted: list[dict[str, Any]] = []
        for partner, account in self.accounts.items():
            books = {
                name: getattr(account, name)
                for name in (
                    "lead_book",
                    "partner_book",
                    "agreed",
                    "open_lead",
                    "open_partner",
                    "accepted_difference",
                )
            }
            counts = {
                name: account.counts.get(name, 0)
                for name in (
                    "matched",
                    "within_tolerance",
                    *BREAKS,
                    "duplicate_at_lead",
                    "duplicate_at_partner",
                )
            }
            open_legs = (
                counts["missing_at_partner"]
                + counts["missing_at_lead"]
                + 2 * (counts["amount"] + counts["date"] + counts["amount_and_date"])
            )
            connection.execute(
                insert(tables.accounts).values(
                    facility=1,
                    partner=partner,
                    last_block=self.block,
                    contract_block=self.block,
                    contract_open_legs=open_legs,
                    contract_closed_through=0,
                    **books,
                    **{f"contract_{name}": value for name, value in books.items()},
                    **counts,
                )
            )
            step = self.now - self.now % CURVE_STEP_S
            at = tables.balance_points.c.at
            of_account = tables.balance_points.c.partner == partner
            connection.execute(delete(tables.balance_points).where(of_account, at == step))
            connection.execute(
                insert(tables.balance_points).values(
                    facility=1,
                    partner=partner,
                    at=step,
                    lead_book=account.lead_book,
                    partner_book=account.partner_book,
                    agreed=account.agreed,
                )
            )
            totals += [
                {
                    "facility": 1,
                    "partner": partner,
                    "day": day,
                    "kind": kind,
                    "lead_book": lead_book,
                    "partner_book": partner_book,
                    "agreed": agreed,
                }
                for (day, kind), (lead_book, partner_book, agreed) in account.totals.items()
            ]
            counted += [
                {"facility": 1, "partner": partner, "day": day, "type": type_, "count": count}
                for (day, type_), count in account.day_counts.items()
            ]
        for table, rows in ((tables.day_totals, totals), (tables.day_counts, counted)):
            if rows:
                connection.execute(insert(table), rows)
        connection.execute(delete(tables.cursor))
        connection.execute(
            insert(tables.cursor).values(
                id=1,
                chain_id=31337,
                member=1,
                block_number=self.block,
                block_hash=self.block.to_bytes(32),
                block_time=self.now,
            )
        )

    def fill(self, events: int, seed: int = 7) -> None:
        """Add a realistic book: a top-up for every partner, then `events` loans and repayments."""
        chance = random.Random(seed)
        kinds = (Kind.DRAWDOWN, Kind.PRINCIPAL, Kind.INTEREST, Kind.FEE, Kind.PENALTY)
        day = START.date()
        rows: _Rows = {}
        self._rows = rows
        with self.engine.begin() as connection:
            for partner, share in _SHARES.items():
                if partner in self.accounts:
                    amount = share * 4_200_000 if partner != 3 else share * 300_000
                    self.pair(
                        connection,
                        partner,
                        Kind.TOP_UP,
                        f"FUND-{partner}",
                        amount,
                        "matched",
                        day=day,
                    )
            for event in range(events):
                kind = chance.choices(kinds, (30, 34, 30, 4, 2))[0]
                whole = chance.randint(10_000, 60_000_00 if kind is Kind.DRAWDOWN else 9_000_00)
                moment = self.now - chance.randint(0, 40 * 3600)
                for partner in self.accounts:
                    status = chance.choices(
                        ("matched", "within_tolerance", *BREAKS), (960, 8, 6, 5, 2, 13, 6)
                    )[0]
                    self.pair(
                        connection,
                        partner,
                        kind,
                        f"L{4000 + event // 3}-{kind.feed_name[:3].upper()}-{event:05d}",
                        max(1, whole * _SHARES[partner] // 10_000),
                        status,
                        day=day + timedelta(days=event % 3),
                        ref_known=event % 41 != 7,
                        first_posted_at=moment,
                    )
                if event % 97 == 5:
                    self.duplicate(
                        connection,
                        1,
                        chance.choice(("lead", "partner")),
                        f"DUP-{event}",
                        whole,
                        day,
                    )
            for (table, _), added in rows.items():
                connection.execute(insert(table), added)
            self._rows = None
            self.close_block(connection)
