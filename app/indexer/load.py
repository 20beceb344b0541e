"""The state read back from the read model, when a process goes on where an earlier one ended."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Row, func, select

from app.domain.matching.books import Books
from app.domain.matching.judgement import RulesVersion
from app.domain.matching.pairs import PAIR_TYPES, pair_key
from app.domain.resolutions import Action, Side
from app.indexer.errors import OtherView
from app.indexer.state import (
    Account,
    ContractAccount,
    FacilityState,
    ProposedResolution,
    State,
    View,
)
from app.readmodel import tables as t
from app.readmodel.archive.source import last_number
from app.readmodel.consortium.tables import consortium_log, proposals
from app.readmodel.tables import alerts, day_closes, holds
from app.verify.validators import ValidatorSet

BOOKS = tuple(one.name for one in fields(Books))
"""Columns of the table `accounts`; the contract's own are named `contract_` and then so."""


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
            remedy="Name this node's own database, or rebuild the view with `tally rebuild`",
        )
    state.block_number, state.block_hash = cursor.block_number, bytes(cursor.block_hash)
    state.block_time = cursor.block_time
    if cursor.validators is not None:
        state.validators = ValidatorSet.from_text(cursor.validators)
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
    for row in connection.execute(select(t.accounts)):
        state.accounts[row.facility, row.partner] = _account(row)
    _load_reserves(connection, state)
    state.next_number = last_number(connection) + 1
    _load_resolutions(connection, state)
    return state


def _account(row: Row[Any]) -> Account:
    contract = None
    if row.contract_block is not None:
        books = Books(*(getattr(row, f"contract_{name}") for name in BOOKS))
        contract = ContractAccount(
            row.contract_block, books, row.contract_open_legs, row.contract_closed_through
        )
    return Account(
        row.facility,
        row.partner,
        Books(*(getattr(row, name) for name in BOOKS)),
        {name: getattr(row, name) for name in PAIR_TYPES},
        row.last_block,
        contract=contract,
    )


def _load_reserves(connection: Connection, state: State) -> None:
    """What stands around the accounts."""
    c, d = holds.c, day_closes.c
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
        for table in (alerts, day_closes)
    )


def _load_resolutions(connection: Connection, state: State) -> None:
    c = t.resolutions.c
    newest = connection.execute(select(func.max(c.number))).scalar() or 0
    state.next_resolution = newest + 1
    for row in connection.execute(select(t.resolutions).where(c.status == "proposed")):
        state.resolutions[bytes(row.pair_key)] = ProposedResolution(
            row.number,
            row.facility,
            row.partner,
            pair_key(row.kind, bytes(row.ref), row.target_kind, bytes(row.target_ref)),
            Action(row.action),
            Side(row.side) if row.side else None,
            row.business_day,
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
