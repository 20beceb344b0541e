"""What the indexer must know of everything before the cursor, to read the blocks after it."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, func, select

from app.domain.kinds import Component, Kind
from app.indexer.errors import OtherView
from app.readmodel import tables
from app.readmodel import tables as t
from app.readmodel.consortium.tables import consortium_log, proposals

ALL_SEEING_ROLES = ("lead", "auditor", "regulator")
"""Members of these roles project every account of the channel; a partner only its own."""

SUMS = ("lead_book", "partner_book", "agreed", "open_lead", "open_partner", "accepted_difference")
COUNTS = (
    "matched",
    "within_tolerance",
    "amount",
    "date",
    "amount_and_date",
    "missing_at_partner",
    "missing_at_lead",
    "duplicate_at_lead",
    "duplicate_at_partner",
)
CONTRACT = (
    "contract_block",
    *(f"contract_{name}" for name in SUMS),
    "contract_open_legs",
    "contract_closed_through",
)


@dataclass(frozen=True, slots=True)
class View:
    """Whose view is projected: the node's own member, its role, and its secret sealing keys."""

    member: int
    role: str
    sealing_keys: Iterable[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SharesVersion:
    """`parts`: by component, (partner, basis points) of each partner that this view projects."""

    version: int
    effective_from: int
    parts: tuple[tuple[tuple[int, int], ...], ...]


@dataclass(frozen=True, slots=True)
class RulesVersion:
    """Rules as in docs/wire-format.md, `Rules`."""

    version: int
    effective_from: int
    amount_tolerance: int
    date_window_days: int
    match_deadline_seconds: int


class Account:
    """One reserve account's running sums, and its pairs that the range at hand touches."""

    __slots__ = (
        "active_holds",
        "closed_through",
        "contract",
        "counts",
        "facility",
        "held",
        "last_block",
        "pairs",
        "partner",
        "sums",
    )

    def __init__(self, facility: int, partner: int) -> None:
        self.facility = facility
        self.partner = partner
        self.sums: dict[str, int] = dict.fromkeys(SUMS, 0)
        self.counts: dict[str, int] = dict.fromkeys(COUNTS, 0)
        self.last_block = 0
        # The last closed day; 0 = none. What active holds set aside, and how many they are.
        self.closed_through = 0
        self.held = self.active_holds = 0
        self.contract: dict[str, int | None] = dict.fromkeys(CONTRACT, None)
        # Key (kind byte, reference, and for a reversal its target's kind byte and reference) to
        # the pair's row, in the order of the table's columns.
        self.pairs: dict[bytes, list[Any]] = {}

    def open_day(self, day: int) -> int:
        """The day that a movement of `day` is recorded on: itself, or the one after the closed
        ones."""
        return max(day, self.closed_through + 1)

    def row(self) -> dict[str, int | None]:
        """The account as a row of the table."""
        return {
            "facility": self.facility,
            "partner": self.partner,
            **self.sums,
            **self.counts,
            "last_block": self.last_block,
            **self.contract,
        }


class FacilityState:
    """A facility's parties and versions, as far as this view needs them."""

    def __init__(
        self, number: int, lead: int, partners: dict[int, int], reference_key: bytes | None
    ) -> None:
        self.number = number
        self.lead = lead
        self.partners = partners
        """Member to partner number."""
        self.reference_key = reference_key
        self.state = "proposed"
        """As the table's."""
        self.changes = 0
        """How many were ever proposed."""
        self.pauses = 0
        """How many there ever were."""
        self.paused_by: set[int] = set()
        """Members whose pause holds."""
        self.visible: frozenset[int] = frozenset()
        self.shares: list[SharesVersion] = []
        self.rules: list[RulesVersion] = []

    def see(self, view: View) -> None:
        """Settle which partners' accounts this view projects."""
        if view.role in ALL_SEEING_ROLES:
            self.visible = frozenset(self.partners.values())
        elif view.member in self.partners:
            self.visible = frozenset((self.partners[view.member],))

    def shares_on(self, day: int) -> SharesVersion:
        """The shares in force on a day."""
        return _in_force(self.shares, day)

    def rules_on(self, day: int) -> RulesVersion:
        """The rules in force on a day."""
        return _in_force(self.rules, day)

    def add_shares(
        self, version: int, effective_from: int, bps: list[tuple[int, int, int, int]]
    ) -> None:
        """Add a version of all partners' shares: (partner, principal, interest, fee)."""
        self.shares.append(
            SharesVersion(
                version,
                effective_from,
                tuple(
                    tuple(
                        (entry[0], entry[1 + component])
                        for entry in bps
                        if entry[0] in self.visible and entry[1 + component]
                    )
                    for component in Component
                ),
            )
        )


_Version = TypeVar("_Version", SharesVersion, RulesVersion)


def _in_force(versions: list[_Version], day: int) -> _Version:
    if len(versions) == 1:
        return versions[0]
    return versions[bisect_right(versions, day, key=lambda one: one.effective_from) - 1]


class Proposed(NamedTuple):
    """A resolution that waits for the other bank."""

    number: int
    facility: int
    partner: int
    key: bytes
    """Of its pair in `Account.pairs`."""
    action: str
    side: str | None
    business_day: int


@dataclass(slots=True)
class State:
    """All of it; `block_number` and `block_hash` are the cursor's (None: nothing read yet)."""

    view: View
    chain_id: int
    block_number: int | None = None
    block_hash: bytes | None = None
    block_time: int = 0
    members: int = 0
    """How many were admitted."""
    proposals: int = 0
    """How many were made to the consortium."""
    consortium_lines: int = 0
    """How many lines the consortium's log has."""
    facilities: dict[int, FacilityState] = field(default_factory=dict)
    heads: dict[tuple[int, int], tuple[int, bytes]] = field(default_factory=dict)
    """(facility, member) to the sequence and running digest of its last posting."""
    accounts: dict[tuple[int, int], Account] = field(default_factory=dict)
    next_number: int = 1
    alerts: int = 0
    """How many this view has."""
    day_closes: int = 0
    """How many proposals to close a day this view has."""
    resolutions: dict[bytes, "Proposed"] = field(default_factory=dict)
    """Resolutions that wait, by their pair's key on the chain."""
    next_resolution: int = 1


COMPONENTS = {int(kind): int(kind.component) for kind in Kind if kind.component is not None}
"""Shared kinds to the component whose shares split them."""


def load(
    connection: Connection,
    view: View,
    chain_id: int,
    open_key: Callable[[bytes], bytes | None],
) -> State:
    """Read the state from the read model. `open_key`: sealed reference key to the key, or None."""
    state = State(view, chain_id)
    cursor = connection.execute(select(t.cursor)).one_or_none()
    if cursor is None:
        return state
    if (cursor.chain_id, cursor.member) != (chain_id, view.member):
        raise OtherView(
            f"the read model is that of member {cursor.member} on chain {cursor.chain_id}, not of "
            f"member {view.member} on chain {chain_id}",
            remedy="Name this node's own database, or make the view anew with tally rebuild",
        )
    state.block_number, state.block_hash = cursor.block_number, bytes(cursor.block_hash)
    state.block_time = cursor.block_time
    state.members = connection.execute(select(func.count()).select_from(t.members)).scalar_one()
    state.proposals = connection.execute(select(func.count()).select_from(proposals)).scalar_one()
    state.consortium_lines = connection.execute(
        select(func.count()).select_from(consortium_log)
    ).scalar_one()
    partners: dict[int, dict[int, int]] = {}
    for row in connection.execute(select(t.facility_partners)):
        partners.setdefault(row.facility, {})[row.member] = row.partner
    for row in connection.execute(select(t.facilities)):
        sealed = row.sealed_reference_key
        facility = FacilityState(
            row.number,
            row.lead,
            partners.get(row.number, {}),
            None if sealed is None else open_key(bytes(sealed)),
        )
        facility.see(view)
        facility.state = row.state
        state.facilities[row.number] = facility
    _load_versions(connection, state)
    for row in connection.execute(select(t.facility_changes.c.facility)):
        state.facilities[row.facility].changes += 1
    for row in connection.execute(select(t.facility_pauses)):
        facility = state.facilities[row.facility]
        facility.pauses += 1
        if row.resumed_time is None:
            facility.paused_by.add(row.member)
    newest = (
        select(
            t.postings.c.facility,
            t.postings.c.member,
            func.max(t.postings.c.sequence).label("sequence"),
        )
        .group_by(t.postings.c.facility, t.postings.c.member)
        .subquery()
    )
    for row in connection.execute(
        select(t.postings).join(
            newest,
            (t.postings.c.facility == newest.c.facility)
            & (t.postings.c.member == newest.c.member)
            & (t.postings.c.sequence == newest.c.sequence),
        )
    ):
        state.heads[row.facility, row.member] = (row.sequence, bytes(row.digest))
    for stored in connection.execute(select(t.accounts)).mappings():
        account = Account(stored["facility"], stored["partner"])
        account.sums = {name: stored[name] for name in SUMS}
        account.counts = {name: stored[name] for name in COUNTS}
        account.last_block = stored["last_block"]
        account.contract = {name: stored[name] for name in CONTRACT}
        state.accounts[account.facility, account.partner] = account
    _load_reserves(connection, state)
    last = [
        connection.execute(select(func.max(table.c.number))).scalar() or 0
        for table in (t.pairs, t.rejections)
    ]
    state.next_number = max(last) + 1
    _load_resolutions(connection, state)
    return state


def _load_reserves(connection: Connection, state: State) -> None:
    """What stands around the accounts."""
    c, d = tables.holds.c, tables.day_closes.c
    for row in connection.execute(
        select(c.facility, c.partner, func.sum(c.amount).label("held"), func.count().label("holds"))
        .where(c.state == "active")
        .group_by(c.facility, c.partner)
    ):
        account = state.accounts[row.facility, row.partner]
        account.held, account.active_holds = int(row.held), int(row.holds)
    for row in connection.execute(
        select(d.facility, d.partner, func.max(d.day).label("day"))
        .where(d.state == "closed")
        .group_by(d.facility, d.partner)
    ):
        state.accounts[row.facility, row.partner].closed_through = row.day
    state.alerts, state.day_closes = (
        connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in (tables.alerts, tables.day_closes)
    )


def _load_resolutions(connection: Connection, state: State) -> None:
    c = t.resolutions.c
    newest = connection.execute(select(func.max(c.number))).scalar() or 0
    state.next_resolution = newest + 1
    for row in connection.execute(select(t.resolutions).where(c.status == "proposed")):
        key = bytes((row.kind,)) + bytes(row.ref)
        if row.target_kind:
            key += bytes((row.target_kind,)) + bytes(row.target_ref)
        state.resolutions[bytes(row.pair_key)] = Proposed(
            row.number, row.facility, row.partner, key, row.action, row.side, row.business_day
        )


def _load_versions(connection: Connection, state: State) -> None:
    shares: dict[tuple[int, int, int], list[tuple[int, int, int, int]]] = {}
    s, r = t.share_versions.c, t.rule_versions.c
    for row in connection.execute(
        select(t.share_versions).order_by(s.facility, s.version, s.partner)
    ):
        shares.setdefault((row.facility, row.version, row.effective_from), []).append(
            (row.partner, row.principal_bps, row.interest_bps, row.fee_bps)
        )
    for (facility, version, effective_from), bps in shares.items():
        state.facilities[facility].add_shares(version, effective_from, bps)
    for row in connection.execute(select(t.rule_versions).order_by(r.facility, r.version)):
        state.facilities[row.facility].rules.append(
            RulesVersion(
                row.version,
                row.effective_from,
                row.amount_tolerance,
                row.date_window_days,
                row.match_deadline_seconds,
            )
        )
