"""The pairs of the read model's table, as the indexer reads and writes them."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy import Connection, or_, select
from sqlalchemy.exc import IntegrityError

from app.db.bulk import insert_rows
from app.domain.errors import DatabaseBusy
from app.domain.matching.pairs import Half, pair_key, split_key
from app.domain.resolutions import Action, Side
from app.indexer.errors import KnownPair
from app.indexer.state import MOST_WAITING, Account, State, StoredPair, Touched
from app.readmodel import tables as t
from app.readmodel.archive.source import holds_pairs, rows_by_ref
from app.readmodel.archive.tables import archived_pairs
from app.readmodel.pairs.tables import OPEN

_KEY = ("facility", "partner", "kind", "ref", "target_kind", "target_ref")
_KEY_TYPES = "facility bigint, partner int, kind int, ref bytea, target_kind int, target_ref bytea"
_HALF = ("amount", "value_day", "business_day", "sequence", "index", "posted_at", "reversed")
_PAIR = (
    "number",
    *_KEY,
    *("event_ref", "target_event_ref"),
    *(f"lead_{name}" for name in _HALF),
    *(f"partner_{name}" for name in _HALF),
    *("shares_version", "rules_version", "status", "first_posted_at", "due_at"),
    *("agreed_business_day", "lead_book_day", "partner_book_day"),
    *("action", "resolved_side", "resolved_at", "stated_shares"),
)
"""The columns of `pairs` in the order of `pair_row` and `_pair`."""
_CHANGEABLE = _PAIR[len(_KEY) + 1 :]
_NO_HALF = (None,) * len(Half._fields)

PairRow = tuple[Any, ...]
"""A row of `pairs`, see `pair_row`."""


def pair_row(pair: StoredPair) -> PairRow:
    """All columns of a pair's row, in the table's order."""
    return (
        pair.number,
        pair.facility,
        pair.account,
        pair.kind,
        pair.reference,
        pair.target_kind,
        pair.target_reference,
        pair.event_ref,
        pair.target_event_ref,
        *(pair.lead or _NO_HALF),
        pair.lead_reversed,
        *(pair.partner or _NO_HALF),
        pair.partner_reversed,
        pair.shares_version,
        pair.rules_version,
        pair.status,
        pair.first_posted_at,
        pair.due_at,
        pair.agreed_business_day,
        pair.lead_book_day,
        pair.partner_book_day,
        pair.action and pair.action.value,
        pair.resolved_side and pair.resolved_side.value,
        pair.resolved_at,
        pair.stated_shares,
    )


def _pair(row: Sequence[Any]) -> StoredPair:
    (
        number, facility, account, kind, reference, target_kind, target_reference,
        event_ref, target_event_ref,
        lead_amount, lead_value, lead_business, lead_sequence, lead_index, lead_at, lead_reversed,
        partner_amount, partner_value, partner_business, partner_sequence, partner_index,
        partner_at, partner_reversed,
        shares_version, rules_version, status, first_posted_at, due_at,
        agreed_day, lead_book_day, partner_book_day, action, resolved_side, resolved_at,
        stated_shares,
    ) = row  # fmt: skip
    lead, partner = None, None
    if lead_amount is not None:
        lead = Half(lead_amount, lead_value, lead_business, lead_sequence, lead_index, lead_at)
    if partner_amount is not None:
        partner = Half(
            partner_amount,
            partner_value,
            partner_business,
            partner_sequence,
            partner_index,
            partner_at,
        )
    return StoredPair(
        kind,
        target_kind,
        lead,
        partner,
        bool(lead_reversed),
        bool(partner_reversed),
        status,
        Action(action) if action else None,
        Side(resolved_side) if resolved_side else None,
        number,
        facility,
        account,
        reference,
        target_reference,
        event_ref,
        target_event_ref,
        shares_version,
        rules_version,
        first_posted_at,
        due_at,
        agreed_day,
        lead_book_day,
        partner_book_day,
        resolved_at,
        stated_shares,
    )


Keys = Mapping[tuple[int, int], set[bytes]]
"""Of pairs, by facility and partner."""


def not_at_hand(
    connection: Connection, state: State, touched: Mapping[tuple[int, int], Touched]
) -> Keys:
    """The touched pairs that may be in the table or an archive, and are not in their accounts."""
    if state.knows_waiting is None:
        _load_waiting(connection, state)
    # Where all that wait are at hand, another half's pair is new: `add_pairs` notices one that is
    # in the table nevertheless, but not one in an archive.
    halves_too = not state.knows_waiting or holds_pairs(connection)
    missing: dict[tuple[int, int], set[bytes]] = {}
    for account, its in touched.items():
        if halves_too:
            its.wanted |= its.halves(account[1])
        at_hand = state.accounts.get(account)
        if keys := its.wanted - at_hand.pairs.keys() if at_hand else its.wanted:
            missing[account] = keys
    return missing


def _load_waiting(connection: Connection, state: State) -> None:
    """Put the pairs that wait for their other half into their accounts, unless they are too
    many."""
    c = t.pairs.c
    one_sided = or_(c.lead_amount.is_(None), c.partner_amount.is_(None))
    found = connection.execute(
        select(*(c[name] for name in _PAIR)).where(OPEN, one_sided).limit(MOST_WAITING + 1)
    ).all()
    state.knows_waiting = len(found) <= MOST_WAITING
    if state.knows_waiting:
        for pair in map(_pair, found):
            state.accounts[pair.facility, pair.account].pairs[_key(pair)] = pair


def _key(pair: StoredPair) -> bytes:
    return pair_key(pair.kind, pair.reference, pair.target_kind, pair.target_reference)


def load_pairs(
    connection: Connection, accounts: Mapping[tuple[int, int], Account], wanted: Keys
) -> None:
    """Put pairs into their accounts, as far as there are any."""
    keys = [(*account, *split_key(key)) for account, its_keys in wanted.items() for key in its_keys]
    if connection.dialect.name == "postgresql":
        # A temporary table stays for the connection's life: created for each block, thousands a
        # day would bloat the catalogue. By its statistics (there are none) the planner would read
        # all pairs, not look up the wanted ones.
        prepare: tuple[str, ...] = (
            f"CREATE TEMPORARY TABLE IF NOT EXISTS wanted_pairs ({_KEY_TYPES})"
            " ON COMMIT DELETE ROWS",
            "SET LOCAL enable_hashjoin = off",
            "SET LOCAL enable_mergejoin = off",
            "SET LOCAL jit = off",
        )
        join = "wanted_pairs JOIN pairs ON"
    else:
        prepare = (
            f"CREATE TEMPORARY TABLE IF NOT EXISTS wanted_pairs ({', '.join(_KEY)})",
            "DELETE FROM wanted_pairs",
        )
        # SQLite takes a CROSS JOIN in the order in which it is written.
        join = "wanted_pairs CROSS JOIN pairs WHERE"
    for statement in prepare:
        connection.exec_driver_sql(statement)
    insert_rows(connection, "wanted_pairs", _KEY, keys)
    columns = ", ".join(f"pairs.{name}" for name in _PAIR)
    matching = " AND ".join(f"pairs.{name} = wanted_pairs.{name}" for name in _KEY)
    found = connection.exec_driver_sql(f"SELECT {columns} FROM {join} {matching}")
    rows: list[tuple[Sequence[Any], bool]] = [(row, False) for row in found.all()]
    if holds_pairs(connection):
        there = {tuple(row[1 : len(_KEY) + 1]) for row, _ in rows}
        missing = {key[3] for key in keys if key not in there}
        rows += [(row, True) for row in rows_by_ref(connection, missing)]
    for row, is_archived in rows:
        pair = _pair(row)
        key = _key(pair)
        if key in wanted.get((pair.facility, pair.account), ()):
            pair.archived = is_archived
            accounts[pair.facility, pair.account].pairs[key] = pair
    connection.commit()


def add_pairs(connection: Connection, rows: Sequence[PairRow]) -> None:
    """Raises KnownPair where one of them is there already."""
    try:
        insert_rows(connection, "pairs", _PAIR, rows)
    except (IntegrityError, psycopg.errors.UniqueViolation) as error:
        raise KnownPair from error


def take_back(connection: Connection, rows: Sequence[PairRow]) -> None:
    """Make pairs rows of the table again that lie in an archive."""
    k = archived_pairs.c
    for number, _, _, _, ref, *_ in rows:
        connection.execute(
            sqlalchemy.delete(archived_pairs).where(k.ref == ref, k.number == number)
        )
    insert_rows(connection, "pairs", _PAIR, rows)


def change_pairs(connection: Connection, rows: Sequence[PairRow]) -> None:
    """Write what has become of pairs that were there."""
    if not rows:
        return
    skipped = len(_KEY) + 1
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "CREATE TEMPORARY TABLE IF NOT EXISTS changed_pairs (LIKE pairs) ON COMMIT DELETE ROWS"
        )
        insert_rows(connection, "changed_pairs", _PAIR, rows)
        changes = ", ".join(f"{name} = changed_pairs.{name}" for name in _CHANGEABLE)
        done = connection.exec_driver_sql(
            f"UPDATE pairs SET {changes} FROM changed_pairs"
            " WHERE pairs.number = changed_pairs.number"
        )
    else:
        changes = ", ".join(f"{name} = ?" for name in _CHANGEABLE)
        done = connection.exec_driver_sql(
            f"UPDATE pairs SET {changes} WHERE number = ?",
            [(*row[skipped:], row[0]) for row in rows],
        )
    if done.rowcount != len(rows):
        raise DatabaseBusy(
            "pairs moved into an archive while the blocks that change them were read",
            remedy="The same blocks are read again",
        )
