"""From events to rows: legs split, joined into pairs, summed per account.

A range is projected as a set: first all its legs are read and the pairs that they touch noted, then
those pairs are loaded in one go, then everything is folded in memory in chain order. Nothing here
waits for the chain or writes to the database. One leg costs a few microseconds: no objects per leg,
no query per leg.
"""

from dataclasses import dataclass, field
from struct import Struct
from typing import Any

from app.contracts.posting import next_digest
from app.domain.kinds import Kind, effect
from app.domain.legs import DECLARED_DUPLICATE, REVERSAL
from app.indexer.changes import Projection
from app.indexer.decode import DUPLICATE, REASONS, STATUSES, Judgement, Posting
from app.indexer.details import SEALED, Names, open_names
from app.indexer.errors import Incomplete
from app.indexer.handlers import HANDLERS
from app.indexer.scan import Header, Range
from app.indexer.state import COMPONENTS, Account, FacilityState, RulesVersion, SharesVersion
from app.readmodel import tables as t

# A word read as its first eight bytes, the next four, and the reference.
_WORDS = Struct(">QI20s")
_DAY = 0xFFFFFF

_EFFECT = {int(kind): kind.effect for kind in Kind if kind < Kind.REVERSAL}
_REVERSED_EFFECT = {int(kind): effect(Kind.REVERSAL, kind) for kind in Kind if kind < Kind.REVERSAL}
_BYTES = [bytes([value]) for value in range(256)]

_COLUMNS = [column.name for column in t.pairs.columns]
_EVENT_REF = _COLUMNS.index("event_ref")
_TARGET_EVENT_REF = _COLUMNS.index("target_event_ref")
_LEAD = _COLUMNS.index("lead_amount")
_PARTNER = _COLUMNS.index("partner_amount")
_HALF_COLUMNS = 6  # amount, value day, business day, sequence, index, posted at
_REVERSED = 6  # after a half's amount
_ABSENT = (None, None, None, None, None, None, False)
_SHARES_VERSION = _COLUMNS.index("shares_version")
_RULES_VERSION = _COLUMNS.index("rules_version")
_STATUS = _COLUMNS.index("status")
_AGREED = ("matched", "within_tolerance")
_AGREED_DAY = _COLUMNS.index("agreed_business_day")
_LEAD_BOOK_DAY = _COLUMNS.index("lead_book_day")
_PARTNER_BOOK_DAY = _COLUMNS.index("partner_book_day")
_ACTION = _COLUMNS.index("action")
_RESOLVED_SIDE = _COLUMNS.index("resolved_side")
_UNRESOLVED = (None, None, None)


@dataclass(slots=True)
class _Batch:
    """One posting on its way: its surroundings, and its legs as parts per account.

    A part is (account, key, kind, value day, amount, business day, word index, place in the
    posting, shares version, reference, target); a rejected leg has no account, its reason for a key
    and its shares day for a shares version.
    """

    posting: Posting
    facility: FacilityState
    by_lead: bool
    partner: int
    header: Header
    names: Names
    row: int
    """Its place among the postings of the range."""
    parts: list[tuple[Any, ...]] = field(default_factory=list)
    legs: int = 0


def project(projection: Projection, found: Range) -> None:
    """Take a range's events. Raises Incomplete when they cannot be all there."""
    postings = _Postings(projection)
    for event in found.events:
        if isinstance(event, Posting):
            header = found.headers[event.block_number]
            postings.take(event, header, found.sealed.get(event.tx_hash, b""))
        else:
            HANDLERS[event.name](projection, event)
    projection.changes.blocks += [
        (header.number, header.hash, header.timestamp)
        for _, header in sorted(found.headers.items())
    ]


class _Postings:
    """Postings read into legs, and joined into pairs once those are loaded."""

    def __init__(self, projection: Projection) -> None:
        self._projection = projection
        self._state = projection.state
        self._changes = projection.changes

    # --- Reading legs --------------------------------------------------------------------------

    def take(self, posting: Posting, header: Header, sealed: bytes) -> None:
        state = self._state
        facility = state.facilities.get(posting.facility)
        if facility is None:
            raise Incomplete("no event has proposed its facility", where=posting.place)
        by_lead = posting.member == facility.lead
        partner = 0 if by_lead else facility.partners.get(posting.member, -1)
        if partner < 0:
            raise Incomplete("its sender is no party of the facility", where=posting.place)
        sequence, digest = state.heads.get((posting.facility, posting.member), (0, bytes(32)))
        if posting.sequence != sequence + 1:
            raise Incomplete(
                f"it came after posting {sequence}: what is between them is missing",
                where=posting.place,
            )
        if next_digest(digest, posting.legs) != posting.digest:
            raise Incomplete("its legs do not give its digest", where=posting.place)
        state.heads[posting.facility, posting.member] = (posting.sequence, posting.digest)

        if facility.visible and (by_lead or partner in facility.visible):
            names = open_names(
                sealed, state.view.member, state.view.sealing_keys, facility.reference_key
            )
            row = len(self._changes.postings)
            batch = _Batch(posting, facility, by_lead, partner, header, names, row)
            try:
                self._read_legs(batch)
            except (KeyError, StopIteration):
                # The contract takes no such leg without a word on it.
                raise Incomplete(
                    "it holds a leg that should have been rejected", where=posting.place
                ) from None
            self._projection.later(lambda: self._join(batch))
            legs = batch.legs
        else:
            # Another partner's: counted, and left alone.
            names = Names(None, None)
            legs = _count(posting.legs)
        self._changes.legs += legs
        self._changes.postings.append(
            (
                posting.facility,
                posting.member,
                posting.sequence,
                bytes.fromhex(posting.tx_hash[2:]),
                posting.block_number,
                header.timestamp,
                legs,
                len(posting.rejected),
                posting.digest,
                SEALED,
            )
        )

    def _read_legs(self, batch: _Batch) -> None:
        facility, posting = batch.facility, batch.posting
        number, visible, rejected = facility.number, facility.visible, posting.rejected
        accounts = {one: self._state.accounts[number, one] for one in visible}
        all_wanted = self._projection.wanted
        wanted = {one: all_wanted.setdefault((number, one), set()) for one in visible}
        parts = batch.parts
        split_on: dict[int, SharesVersion] = {}
        business_day = shares_day = 0
        index = place = -1
        words = _WORDS.iter_unpack(posting.legs)
        for high, low, reference in words:
            index += 1
            kind = high >> 56
            if kind == 0:
                business_day = (high >> 24) & _DAY
                shares_day = high & _DAY
                continue
            place += 1
            value_day = (high >> 24) & _DAY
            amount = ((high & _DAY) << 32) | low
            partner = (high >> 48) & 0xFF
            leg_index = index
            bare_kind = kind & ~DECLARED_DUPLICATE
            if bare_kind == REVERSAL:
                target_high, _, target_reference = next(words)
                index += 1
                target = _BYTES[target_high >> 56] + target_reference
                key = _BYTES[REVERSAL] + reference + target
            else:
                target = b""
                key = _BYTES[bare_kind] + reference
            if rejected and leg_index in rejected:
                parts.append(
                    (
                        None,
                        rejected[leg_index],
                        bare_kind,
                        value_day,
                        amount,
                        business_day,
                        leg_index,
                        place,
                        shares_day or value_day,
                        reference,
                        target,
                        partner,
                    )
                )
                if target:
                    for keys in wanted.values():
                        keys.add(target)
                continue
            if partner:
                if kind > REVERSAL:
                    raise KeyError(kind)
                account = accounts.get(partner)
                if account is None:
                    continue  # the lead's one-partner leg for another partner than this view's
                wanted[partner].add(key)
                if target:
                    wanted[partner].add(target)
                parts.append(
                    (
                        account,
                        key,
                        kind,
                        value_day,
                        amount,
                        business_day,
                        leg_index,
                        place,
                        None,
                        reference,
                        target,
                    )
                )
            elif kind == REVERSAL:
                # Whoever had a part of the target has the same part of its reversal.
                for one, account in accounts.items():
                    wanted[one].add(key)
                    wanted[one].add(target)
                    parts.append(
                        (
                            account,
                            key,
                            kind,
                            value_day,
                            0,
                            business_day,
                            leg_index,
                            place,
                            None,
                            reference,
                            target,
                        )
                    )
            else:
                day = shares_day or value_day
                shares = split_on.get(day)
                if shares is None:
                    shares = split_on[day] = facility.shares_on(day)
                for one, bps in shares.parts[COMPONENTS[kind]]:
                    part = amount * bps // 10_000
                    if part:
                        wanted[one].add(key)
                        parts.append(
                            (
                                accounts[one],
                                key,
                                kind,
                                value_day,
                                part,
                                business_day,
                                leg_index,
                                place,
                                shares.version,
                                reference,
                                target,
                            )
                        )
        batch.legs = place + 1

    # --- Folding -------------------------------------------------------------------------------

    def _join(self, batch: _Batch) -> None:
        """Join a posting's legs into pairs, which are in their accounts by now."""
        self._fold(batch)
        row = self._changes.postings[batch.row]
        self._changes.postings[batch.row] = (*row[:-1], batch.names.state)

    def _fold(self, batch: _Batch) -> None:
        posting, facility, by_lead = batch.posting, batch.facility, batch.by_lead
        number = facility.number
        sequence, judged = posting.sequence, posting.judged
        block, time = batch.header.number, batch.header.timestamp
        names_of, says = batch.names.of, batch.names.says
        own, other = (_LEAD, _PARTNER) if by_lead else (_PARTNER, _LEAD)
        own_reversed = own + _REVERSED
        own_book_day = _LEAD_BOOK_DAY if by_lead else _PARTNER_BOOK_DAY
        own_book, own_open, other_open, missing, found_missing = (
            ("lead_book", "open_lead", "open_partner", "missing_at_partner", "missing_at_lead")
            if by_lead
            else (
                "partner_book",
                "open_partner",
                "open_lead",
                "missing_at_lead",
                "missing_at_partner",
            )
        )
        changes = self._changes
        new_pairs, changed_pairs = changes.new_pairs, changes.changed_pairs
        first_new = self._state.next_number if not new_pairs else new_pairs[0][0]
        rules_on: dict[int, RulesVersion] = {}
        named_place, event_ref, target_event_ref = -1, None, None

        for part in batch.parts:
            if part[0] is None:
                self._reject(batch, part)
                continue
            (
                account,
                key,
                kind,
                value_day,
                amount,
                business_day,
                index,
                place,
                shares_version,
                reference,
                target,
            ) = part
            pairs = account.pairs
            if target:
                reversed_row = pairs.get(target)
                held = _reversible(reversed_row, own, other)
                if not held or reversed_row is None:
                    if amount:
                        self._incident(batch, "target_missing", index, account.partner)
                    continue
                if not amount or reversed_row[_ACTION] is not None:
                    amount = held
                reversed_row[own_reversed] = True
                if reversed_row[0] < first_new:
                    changed_pairs[reversed_row[0]] = reversed_row
                effected = _REVERSED_EFFECT[target[0]] * amount
            else:
                effected = _EFFECT[kind] * amount
            sums, counts = account.sums, account.counts
            row = pairs.get(key)
            if row is None:
                rules = rules_on.get(value_day)
                if rules is None:
                    rules = rules_on[value_day] = facility.rules_on(value_day)
                if place != named_place:
                    named_place = place
                    event_ref, target_event_ref = names_of(place, reference, target[1:])
                half = (amount, value_day, business_day, sequence, index, time, False)
                row = [
                    self._state.next_number,
                    number,
                    account.partner,
                    kind,
                    reference,
                    target[0] if target else 0,
                    target[1:],
                    event_ref,
                    target_event_ref,
                    *(half if by_lead else _ABSENT),
                    *(_ABSENT if by_lead else half),
                    shares_version,
                    rules.version,
                    "open",
                    time,
                    time + rules.match_deadline_seconds,
                    None,
                    None,
                    None,
                    *_UNRESOLVED,
                ]
                self._state.next_number += 1
                pairs[key] = row
                new_pairs.append(row)
                counts[missing] += 1
                sums[own_open] += effected
            else:
                if row[own] is not None:
                    self._incident(batch, "leg_counted_twice", index, account.partner)
                    continue
                row[own : own + _HALF_COLUMNS] = (
                    amount,
                    value_day,
                    business_day,
                    sequence,
                    index,
                    time,
                )
                if not says(place, row[_EVENT_REF], row[_TARGET_EVENT_REF]):
                    event_ref, target_event_ref = names_of(place, reference, target[1:])
                    row[_EVENT_REF] = row[_EVENT_REF] or event_ref
                    row[_TARGET_EVENT_REF] = row[_TARGET_EVENT_REF] or target_event_ref
                    named_place = place
                if by_lead:
                    row[_SHARES_VERSION] = shares_version
                    row[_RULES_VERSION] = facility.rules_on(value_day).version
                if row[0] < first_new:
                    changed_pairs[row[0]] = row
                equal = row[other] == amount and row[other + 1] == value_day
                judgement = judged.get((index, account.partner)) if judged else None
                if equal and judgement is None:
                    status = "matched"
                else:
                    status = self._judged(batch, row, judgement, index)
                row[_STATUS] = status
                if status in _AGREED:
                    changes.matched.append(row)
                counts[found_missing] -= 1
                counts[status] += 1
                if status == "matched":
                    sums["agreed"] += effected
                    sums[other_open] -= effected
                    row[_AGREED_DAY] = account.open_day(row[_LEAD + 2])
                else:
                    self._settle(account, row, status, effected, own_open, other_open, other)
            if business_day <= account.closed_through:
                row[own_book_day] = account.open_day(business_day)
            sums[own_book] += effected
            account.last_block = block
            changes.accounts[number, account.partner] = account

    def _settle(
        self,
        account: Account,
        row: list[Any],
        status: str,
        effected: int,
        own_open: str,
        other_open: str,
        other: int,
    ) -> None:
        """Book a second half that is not equal to the first."""
        sign = 1 if effected > 0 else -1
        if status == "within_tolerance":
            account.sums[other_open] -= sign * row[other]
            account.sums["agreed"] += sign * row[_LEAD]
            account.sums["accepted_difference"] += sign * (row[_PARTNER] - row[_LEAD])
            row[_AGREED_DAY] = account.open_day(row[_LEAD + 2])
        else:
            account.sums[own_open] += effected

    def _judged(
        self, batch: _Batch, row: list[Any], judgement: Judgement | None, index: int
    ) -> str:
        """The status of two halves that are not, or are not said to be, an exact match.

        The contract's word stands where there is one; a word that does not follow from the halves
        and the rules is an incident.
        """
        rules = batch.facility.rules_on(row[_LEAD + 1])
        due = _judge(row, rules)
        partner = row[2]
        if judgement is None:
            self._incident(batch, "unequal_halves", index, partner)
            return due
        if judgement.status != due or judgement.rules_version != rules.version:
            self._incident(batch, "judgement_differs", index, partner)
        if judgement.status not in STATUSES.values():
            return due
        row[_RULES_VERSION] = judgement.rules_version
        return judgement.status

    def _reject(self, batch: _Batch, part: tuple[Any, ...]) -> None:
        (
            _,
            reason,
            kind,
            value_day,
            amount,
            business_day,
            index,
            place,
            shares_day,
            reference,
            target,
            partner,
        ) = part
        facility = batch.facility
        event_ref, target_event_ref = batch.names.of(place, reference, target[1:])
        # What a partner posts is its own, whatever number it wrote there.
        by_partner: list[tuple[int, int]] = [(partner if batch.by_lead else batch.partner, amount)]
        if reason == DUPLICATE and batch.by_lead and not partner:
            if target:
                rows = {
                    one: self._state.accounts[facility.number, one].pairs.get(target)
                    for one in facility.visible
                }
                by_partner = sorted(
                    (one, row[_LEAD]) for one, row in rows.items() if row and row[_LEAD]
                )
            else:
                by_partner = [
                    (one, amount * bps // 10_000)
                    for one, bps in facility.shares_on(shares_day).parts[COMPONENTS.get(kind, 0)]
                    if amount * bps // 10_000
                ]
            by_partner = by_partner or [(0, amount)]
        for one, its_amount in by_partner:
            if one and one <= len(facility.partners) and one not in facility.visible:
                continue
            self._changes.rejections.append(
                (
                    self._state.next_number,
                    facility.number,
                    one,
                    batch.posting.member,
                    batch.posting.sequence,
                    index,
                    REASONS.get(reason, f"unknown ({reason})"),
                    "lead" if batch.by_lead else "partner",
                    kind,
                    reference,
                    event_ref,
                    target[0] if target else 0,
                    target[1:],
                    target_event_ref,
                    its_amount,
                    value_day,
                    business_day,
                    batch.header.timestamp,
                )
            )
            self._state.next_number += 1
            account = self._state.accounts.get((facility.number, one))
            if reason == DUPLICATE and account is not None:
                side = "duplicate_at_lead" if batch.by_lead else "duplicate_at_partner"
                account.counts[side] += 1
                self._changes.accounts[facility.number, one] = account

    def _incident(self, batch: _Batch, what: str, index: int, partner: int) -> None:
        place = f"{batch.posting.place}, word {index}, partner {partner}"
        self._changes.incidents.append((what, place, batch.posting.block_number))


def _reversible(row: list[Any] | None, own: int, other: int) -> int:
    """What a reversal of a pair's half takes back: its amount, with what a resolution did to it; 0
    where there is nothing."""
    if row is None:
        return 0
    if row[_ACTION] == "void":
        return 0
    # An adjusted half has become the other one; an absent half that was made is like the other.
    if row[_ACTION] is not None and row[_RESOLVED_SIDE] == ("lead" if own == _LEAD else "partner"):
        return int(row[other])
    return int(row[own] or 0)


def _judge(row: list[Any], rules: RulesVersion) -> str:
    """How two halves compare: a pure function of both and the rules on the lead's value date."""
    amounts = abs(row[_LEAD] - row[_PARTNER])
    days = abs(row[_LEAD + 1] - row[_PARTNER + 1])
    if not amounts and not days:
        return "matched"
    if days <= rules.date_window_days:
        return "within_tolerance" if amounts <= rules.amount_tolerance else "amount"
    return "date" if amounts <= rules.amount_tolerance else "amount_and_date"


def _count(legs: bytes) -> int:
    """How many legs a stream holds."""
    count = 0
    words = _WORDS.iter_unpack(legs)
    for high, _, _ in words:
        kind = high >> 56
        if kind:
            count += 1
            if kind & ~DECLARED_DUPLICATE == REVERSAL:
                next(words)
    return count
