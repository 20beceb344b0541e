"""The fold is pure: postings in, pairs and sums out, held against the tests' model.

What the model rejects and how it judges is what the contract's events would say. The model itself
is held against the contracts in tests/property/test_ledger_machine.py.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.legs import Leg, pack, unpack
from app.domain.matching.judgement import RulesVersion
from app.domain.matching.pairs import pair_key
from app.domain.resolutions import Side
from app.indexer.changes import Changes
from app.indexer.errors import Incomplete
from app.indexer.fold import Batch, fold, touch
from app.indexer.names import Names
from app.indexer.postings import STATUSES, Judgement, Posting
from app.indexer.state import Account, FacilityState, State, Touched, View
from tests.reference import ledger as model

DAY = 736_000
SHARES = [4_533, 2_467]
RULES = RulesVersion(1, 0, amount_tolerance=1, date_window_days=1, match_deadline_seconds=3_600)
FACILITY, LEAD_MEMBER = 7, 1
NUMBERS = {status: number for number, status in STATUSES.items()}

POSTED = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([1, 2, 5, 6, 9, 12, 12, 13]),
        "partner": st.sampled_from([1, 2, 3]),
        "amount": st.sampled_from([300, 301, 3, 135, 136, 74]),
        "value_day": st.sampled_from([DAY, DAY, DAY, DAY + 1, DAY + 3]),
        "ref": st.sampled_from([1, 2]),
        "target": st.tuples(st.sampled_from([1, 2, 6, 9]), st.sampled_from([1, 2])),
        "duplicate": st.sampled_from([True, *[False] * 15]),
    }
)
BATCHES = st.lists(
    st.tuples(st.integers(0, 2), st.lists(POSTED, min_size=1, max_size=6)), max_size=8
)


class World:
    """A facility of two partners, and the model that says what is rejected."""

    def __init__(self, view: View = View(LEAD_MEMBER, "lead", ())) -> None:
        facility = FacilityState(FACILITY, LEAD_MEMBER, {2: 1, 3: 2}, None)
        self.state = State(view, 1)
        facility.see(self.state.view)
        facility.add_shares(1, 0, [(n, bps, bps, bps) for n, bps in enumerate(SHARES, 1)])
        facility.rules.append(RULES)
        self.facility = self.state.facilities[FACILITY] = facility
        for partner in facility.visible:
            self.state.accounts[FACILITY, partner] = Account(FACILITY, partner)
        self.model = model.Ledger(model.Shares(1, 0, SHARES), RULES)
        self.sequences = [0, 0, 0]
        self.block = 0
        self.rejected: Counter[int] = Counter()
        self.changes = Changes(1)

    def post(self, party: int, drawn: list[dict[str, Any]]) -> None:
        legs = [self._posted(party, one) for one in drawn]
        stream, words = pack([self._leg(leg) for leg in legs])
        rejected: dict[int, int] = {}
        skipped: dict[tuple[int, int], int] = {}
        judged: dict[tuple[int, int], Judgement] = {}
        for leg, word in zip(legs, words, strict=True):
            before = {key for key, pair in self.model.pairs.items() if pair.lead and pair.partner}
            if reason := self.model.post(party, leg, DAY + 2):
                rejected[word] = reason
                continue
            skipped |= {(word, one): why for one, why in self.model.skipped.items()}
            for key, pair in self.model.pairs.items():
                if pair.lead and pair.partner and key not in before and pair.status in NUMBERS:
                    judged[word, key[0]] = Judgement(pair.status, pair.rules_version)
        self.rejected.update(rejected.values())
        self.fold(party, stream, rejected, skipped, judged)

    def fold(
        self,
        party: int,
        stream: bytes,
        rejected: dict[int, int] | None = None,
        skipped: dict[tuple[int, int], int] | None = None,
        judged: dict[tuple[int, int], Judgement] | None = None,
    ) -> None:
        self.sequences[party] += 1
        self.block += 1
        posting = Posting(
            FACILITY, party + 1, self.sequences[party], bytes(32), stream, self.block,
            "0x" + "ab" * 32, rejected or {}, skipped or {}, judged or {},
        )  # fmt: skip
        names = Names(None, None)
        batch = Batch(
            posting, self.facility, party, list(unpack(stream)), names, 1_000 + self.block
        )
        touched = {partner: Touched() for partner in self.facility.visible}
        touch(batch, touched)
        before = {number: set(account.pairs) for (_, number), account in self.accounts.items()}
        fold(self.state, batch, self.changes)
        for (_, number), account in self.accounts.items():
            keys = touched[number].halves(number)
            assert set(account.pairs) - before[number] <= keys, "all pairs were asked for"

    @property
    def accounts(self) -> dict[tuple[int, int], Account]:
        return self.state.accounts

    def assert_equal(self) -> None:
        """LEDGER_1, LEDGER_2, LEDGER_4, RECON_2: pairs and books are the model's."""
        assert self.changes.incidents == []
        for number in self.model.partners:
            account = self.accounts[FACILITY, number]
            books = account.books
            assert self.model.account(number)[:6] == (
                books.lead_book,
                books.partner_book,
                books.agreed,
                books.open_lead,
                books.open_partner,
                books.accepted_difference,
            )
            assert books.lead_book == books.agreed + books.open_lead
            found = {
                key: (pair.lead and pair.lead[:3], pair.partner and pair.partner[:3], pair.status,
                      pair.lead_reversed, pair.partner_reversed, pair.rules_version)
                for key, pair in account.pairs.items()
            }  # fmt: skip
            expected = {
                _key(identity): (pair.lead and pair.lead[:3], pair.partner and pair.partner[:3],
                                 pair.status, pair.lead_reversed, pair.partner_reversed,
                                 pair.rules_version)
                for identity, pair in self.model.pairs.items() if identity[0] == number
            }  # fmt: skip
            assert found == expected
            counted = Counter(
                pair.status
                if pair.status != "open"
                else "missing_at_partner"
                if pair.lead
                else "missing_at_lead"
                for pair in account.pairs.values()
            )
            counts = {name: n for name, n in account.counts.items() if "duplicate" not in name}
            assert counts == {name: counted[name] for name in counts}
        self._assert_days()
        words = {(one.member, one.sequence, one.word) for one in self.changes.rejections}
        assert len(words) == sum(self.rejected.values()), "no rejected leg is forgotten"

    def _assert_days(self) -> None:
        """What was kept by day is what the pairs come to, pair by pair."""
        moved: dict[tuple[int, int, int, int], list[int | None]] = {}
        counts: Counter[tuple[int, int, int, str]] = Counter()
        for (facility, partner), account in self.accounts.items():
            for pair in account.pairs.values():
                lead, half = pair.effects
                agreed = lead if pair.agreed_business_day is not None else None
                for book, day, effect in (
                    (0, pair.lead_book_day or (pair.lead and pair.lead.business_day), lead),
                    (
                        1,
                        pair.partner_book_day or (pair.partner and pair.partner.business_day),
                        half,
                    ),
                    (2, pair.agreed_business_day, agreed),
                ):
                    if day is not None and effect is not None:
                        sums = moved.setdefault((facility, partner, day, pair.kind), [None] * 3)
                        sums[book] = (sums[book] or 0) + effect
                first = pair.lead or pair.partner
                assert first is not None
                missing = "missing_at_partner" if pair.lead else "missing_at_lead"
                type_ = missing if pair.status == "open" else pair.status
                counts[facility, partner, first.business_day, type_] += 1
        kept = self.changes.day_totals
        assert moved == {
            key: [one.lead_book, one.partner_book, one.agreed] for key, one in kept.items()
        }
        assert counts == {
            key: count
            for key, count in self.changes.day_counts.items()
            if count and "duplicate" not in key[3]
        }

    def _posted(self, party: int, drawn: dict[str, Any]) -> model.Posted:
        is_reversal = drawn["kind"] == model.REVERSAL
        target = drawn["target"] if is_reversal else (0, 0)
        is_shared = (target[0] if is_reversal else drawn["kind"]) in model.SHARED
        amount = drawn["amount"]
        partner = party or (0 if is_shared else drawn["partner"])
        reversed_ = self.model.pairs.get((partner, *target, 0, 0))
        if reversed_ and (half := reversed_.half(Side.PARTNER if party else Side.LEAD)):
            amount = half.amount
        return model.Posted(
            drawn["kind"], partner, amount, drawn["value_day"], DAY, drawn["ref"], 0, target,
            drawn["duplicate"],
        )  # fmt: skip

    def _leg(self, leg: model.Posted) -> Leg:
        return Leg(
            leg.kind, leg.partner, leg.amount, leg.value_day, leg.business_day, leg.shares_day,
            leg.ref.to_bytes(20), leg.duplicate, leg.target[0],
            leg.target[1].to_bytes(20) if leg.kind == model.REVERSAL else b"",
        )  # fmt: skip


def _key(identity: model.Identity) -> bytes:
    _, kind, ref, target_kind, target = identity
    named = target.to_bytes(20) if kind == model.REVERSAL else b""
    return pair_key(kind, ref.to_bytes(20), target_kind, named)


@given(BATCHES)
def test_pairs_and_books_are_the_models(batches: list[tuple[int, list[dict[str, Any]]]]) -> None:
    world = World()
    for party, drawn in batches:
        world.post(party, drawn)
    world.assert_equal()


@given(st.permutations(range(3)), st.lists(POSTED, min_size=1, max_size=5))
def test_recon_1_the_order_of_the_banks_does_not_matter(
    order: list[int], drawn: list[dict[str, Any]]
) -> None:
    """Each bank posts its half of the same plain events; whoever is first, they end the same."""
    events = [{**one, "kind": one["kind"] if one["kind"] < 10 else 6} for one in drawn]
    ends = []
    for parties in (range(3), order):
        world = World()
        for party in parties:
            mine = events if party == 0 else [one for one in events if one["partner"] == party]
            if mine:
                world.post(party, mine)
        world.assert_equal()
        ends.append(
            {
                (number, key): (pair.status, pair.lead and pair.lead[:3], pair.rules_version)
                for (_, number), account in world.accounts.items()
                for key, pair in account.pairs.items()
            }
        )
    assert ends[0] == ends[1]


def test_ledger_5_a_rejected_leg_and_another_partners_leg_change_no_balance() -> None:
    world = World()
    leg = Leg(6, 1, 500, DAY, DAY, 0, bytes(20))
    stream, (word,) = pack([leg])
    world.fold(0, stream, {word: 1})
    world.fold(0, pack([leg._replace(partner=9)])[0])
    books = world.accounts[FACILITY, 1].books
    assert (books.lead_book, books.open_lead) == (0, 0)
    assert [one.reason for one in world.changes.rejections] == ["duplicate"]
    assert world.accounts[FACILITY, 1].counts["duplicate_at_lead"] == 1


def test_a_skipped_part_is_kept_with_its_reason_and_the_rest_counts() -> None:
    world = World()
    stream, (word,) = pack([Leg(1, 0, 300, DAY, DAY, 0, bytes(20))])
    world.fold(0, stream, skipped={(word, 1): 13})
    (part,) = world.changes.rejections
    assert (part.partner, part.reason) == (1, "part_resolved")
    assert part.amount == 300 * SHARES[0] // 10_000
    assert world.accounts[FACILITY, 1].pairs == {}
    assert world.accounts[FACILITY, 2].books.lead_book == -(300 * SHARES[1] // 10_000)


def test_a_skipped_part_of_a_reversal_marks_nothing_and_the_rest_counts() -> None:
    world = World()
    world.fold(0, pack([Leg(1, 0, 300, DAY, DAY, 0, bytes(20))])[0])
    reversal = Leg(12, 0, 300, DAY, DAY, 0, bytes(20), target_kind=1, target_reference=bytes(20))
    stream, (word,) = pack([reversal])
    world.fold(0, stream, skipped={(word, 1): 14})
    (part,) = world.changes.rejections
    assert (part.partner, part.reason) == (1, "part_target_voided")
    assert part.amount == 300 * SHARES[0] // 10_000
    (pair,) = world.accounts[FACILITY, 1].pairs.values()
    assert not pair.lead_reversed
    assert world.accounts[FACILITY, 2].books.lead_book == 0
    assert world.changes.incidents == []


@pytest.mark.parametrize(
    "leg",
    [
        Leg(13, 1, 5, DAY, DAY, 0, bytes(20)),
        Leg(6, 0, 5, DAY, DAY, 0, bytes(20)),
        Leg(6, 1, 5, DAY, DAY, 0, bytes(20), duplicate=True),
        Leg(12, 1, 5, DAY, DAY, 0, bytes(20), target_kind=13),
    ],
    ids=["a correction", "nobody's", "a declared duplicate", "a reversal of a correction"],
)
def test_a_leg_that_should_have_been_rejected_means_that_an_event_is_missing(leg: Leg) -> None:
    with pytest.raises(Incomplete, match="should have been rejected"):
        World().fold(0, pack([leg])[0])


def test_a_leg_that_counts_twice_is_an_incident_and_counts_once() -> None:
    world = World()
    stream, _ = pack([Leg(6, 1, 500, DAY, DAY, 0, bytes(20))])
    world.fold(0, stream)
    world.fold(0, stream)
    assert [one.what for one in world.changes.incidents] == ["leg_counted_twice"]
    assert world.accounts[FACILITY, 1].books.lead_book == 500


@pytest.mark.parametrize(
    ("amount", "judgement", "incident", "status"),
    [
        (500, None, None, "matched"),
        (501, Judgement("within_tolerance", 1), None, "within_tolerance"),
        (501, None, "unequal_halves", "within_tolerance"),
        (501, Judgement("amount", 1), "judgement_differs", "amount"),
        (501, Judgement("within_tolerance", 2), "judgement_differs", "within_tolerance"),
        (501, Judgement(None, 1), "judgement_differs", "within_tolerance"),
        (500, Judgement("date", 1), "judgement_differs", "date"),
    ],
)
def test_the_contracts_word_stands_and_is_checked(
    amount: int, judgement: Judgement | None, incident: str | None, status: str
) -> None:
    world = World()
    leg = Leg(6, 1, 500, DAY, DAY, 0, bytes(20))
    world.fold(0, pack([leg])[0])
    stream, (word,) = pack([leg._replace(amount=amount)])
    world.fold(1, stream, judged={(word, 1): judgement} if judgement else {})
    (pair,) = world.accounts[FACILITY, 1].pairs.values()
    assert pair.status == status
    assert [one.what for one in world.changes.incidents] == ([incident] if incident else [])


def test_a_reversal_without_its_target_is_an_incident() -> None:
    world = World()
    leg = Leg(12, 1, 5, DAY, DAY, 0, bytes(20), target_kind=6, target_reference=bytes(20))
    world.fold(1, pack([leg])[0])
    assert [one.what for one in world.changes.incidents] == ["target_missing"]
    assert world.accounts[FACILITY, 1].pairs == {}


def test_a_movement_of_a_closed_day_falls_on_the_next_open_one() -> None:
    world = World()
    account = world.accounts[FACILITY, 1]
    account.closed_through = DAY + 1
    leg = Leg(6, 1, 500, DAY, DAY, 0, bytes(20))
    for party in (0, 1):
        world.fold(party, pack([leg])[0])
    (pair,) = account.pairs.values()
    assert (pair.lead_book_day, pair.partner_book_day, pair.agreed_business_day) == (DAY + 2,) * 3


def test_a_partner_sees_its_own_parts_alone() -> None:
    world = World(View(3, "partner", ()))
    world.fold(0, pack([Leg(1, 0, 300, DAY, DAY, 0, bytes(20))])[0])
    (pair,) = world.accounts[FACILITY, 2].pairs.values()
    assert pair.lead is not None and pair.lead.amount == 300 * SHARES[1] // 10_000
