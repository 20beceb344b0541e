"""What banks post is what the read model says: on a real chain, in both databases."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from app.chain.rpc import Rpc
from app.db.engine import create, upgrade
from app.domain.matching.pairs import PAIR_TYPES
from app.indexer.rebuild import digest, rebuild
from app.readmodel import tables
from app.readmodel.accounts.balances import Balance, balances
from app.readmodel.accounts.movements import movements
from app.readmodel.accounts.stated_parts import stated_differences
from app.readmodel.chain import newest_incidents
from app.readmodel.directory import directory
from app.readmodel.facilities.agreed import agreed_facility
from app.readmodel.pairs import queries
from app.readmodel.pairs.queries import Filter
from app.readmodel.pairs.shapes import Pair
from ganache.launcher import ChainHandle, ChainProcess, start
from tests.integration.posted import TODAY, Event, World, new_world

DRAWDOWN, PRINCIPAL, INTEREST, FEE, TOP_UP, WITHDRAWAL, REVERSAL = 1, 2, 3, 5, 6, 9, 12
HUARUI, WUXI, NANFENG = 1, 2, 3


def view(engine: Engine) -> dict[str, Balance]:
    with engine.connect() as connection:
        return {balance.partner: balance for balance in balances(connection)}


def lines(engine: Engine, **where: Any) -> list[Pair]:
    """Oldest first."""
    with engine.connect() as connection:
        return queries.pairs(connection, Filter(**where), limit=1000).items[::-1]


def counts(balance: Balance) -> dict[str, int]:
    return {name: count for name, count in balance.counts.items() if count}


def no_incidents(engine: Engine) -> bool:
    with engine.connect() as connection:
        return newest_incidents(connection) == []


def test_a_fresh_consortium_has_its_accounts_at_zero(world: World, database: Engine) -> None:
    progress = world.indexer("webank", database).advance()
    assert progress.legs == 0
    assert progress.to_block == progress.head
    found = view(database)
    assert list(found) == ["huarui", "wuxi", "nanfeng"]
    for balance in found.values():
        assert balance.proof == 0
        assert balance.contract == balance.books
        assert balance.low_balance == 100_000
        assert sum(balance.counts.values()) == 0
    with database.connect() as connection:
        facility = directory(connection).facility("WLD-2016-A")
        assert facility is not None
        assert (facility.state, facility.lead, facility.currency) == ("active", "webank", "CNY")
        assert all(partner.accepted for partner in facility.partners)


def test_a_shared_leg_is_split_and_parts_of_zero_make_no_pair(
    world: World, database: Engine
) -> None:
    world.post("webank", Event(DRAWDOWN, "D", 10_001), Event(FEE, "F", 30), Event(INTEREST, "I", 9))
    world.indexer("webank", database).advance()
    found = {(pair.partner, pair.kind): pair.lead for pair in lines(database)}
    amounts = {key: half.amount for key, half in found.items() if half}
    assert amounts == {
        ("huarui", "drawdown"): 4533,
        ("wuxi", "drawdown"): 2467,
        ("nanfeng", "drawdown"): 999,
        ("huarui", "fee"): 13,
        ("nanfeng", "fee"): 2,
        ("huarui", "interest"): 4,
        ("wuxi", "interest"): 2,
    }
    assert all(balance.proof == 0 for balance in view(database).values())


@pytest.mark.parametrize("first", ["webank", "huarui"])
def test_every_end_of_a_pair_whichever_half_comes_first(
    world: World, database: Engine, first: str
) -> None:
    halves = {
        "webank": [
            Event(TOP_UP, "EXACT", 100, partner=HUARUI),
            Event(TOP_UP, "CENT", 100, partner=HUARUI),
            Event(TOP_UP, "DAY", 100, partner=HUARUI, value_day=TODAY - 1),
            Event(TOP_UP, "AMOUNT", 100, partner=HUARUI),
            Event(TOP_UP, "DATE", 100, partner=HUARUI, value_day=TODAY - 2),
            Event(TOP_UP, "BOTH", 100, partner=HUARUI, value_day=TODAY - 2),
            Event(WITHDRAWAL, "LEAD", 7, partner=HUARUI),
        ],
        "huarui": [
            Event(TOP_UP, "EXACT", 100),
            Event(TOP_UP, "CENT", 101),
            Event(TOP_UP, "DAY", 100),
            Event(TOP_UP, "AMOUNT", 98),
            Event(TOP_UP, "DATE", 100),
            Event(TOP_UP, "BOTH", 102),
            Event(WITHDRAWAL, "PARTNER", 9),
        ],
    }
    second = "huarui" if first == "webank" else "webank"
    indexer = world.indexer("webank", database)
    world.post(first, *halves[first])
    indexer.advance()
    assert {pair.type for pair in lines(database)} == {
        "missing_at_partner" if first == "webank" else "missing_at_lead"
    }
    world.post(second, *halves[second])
    indexer.advance()
    assert {pair.event_ref: pair.type for pair in lines(database)} == {
        "EXACT": "matched",
        "CENT": "within_tolerance",
        "DAY": "within_tolerance",
        "AMOUNT": "amount",
        "DATE": "date",
        "BOTH": "amount_and_date",
        "LEAD": "missing_at_partner",
        "PARTNER": "missing_at_lead",
    }
    balance = view(database)["huarui"]
    assert balance.books.lead_book == 600 - 7
    assert balance.books.partner_book == 601 - 9
    assert balance.books.agreed == 300
    assert balance.books.accepted_difference == 1
    assert balance.contract == balance.books
    assert balance.proof == 0
    assert balance.open_legs == 2 + 2 * 3
    assert balance.breaks == 5
    assert no_incidents(database)


def test_duplicates_are_counted_beside_the_pair_and_in_no_balance(
    world: World, database: Engine
) -> None:
    world.post("webank", Event(FEE, "F", 10_000), Event(FEE, "F", 20_000))
    world.post("webank", Event(FEE, "F", 100, duplicate=True), Event(DRAWDOWN, "D", 500))
    world.post("huarui", Event(FEE, "F", 4533), Event(FEE, "F", 1))
    indexer = world.indexer("webank", database)
    indexer.advance()
    found = view(database)
    assert counts(found["huarui"]) == {
        "matched": 1,
        "missing_at_partner": 1,
        "duplicate_at_lead": 2,
        "duplicate_at_partner": 1,
    }
    # wuxi has no share in fees, so no part of the duplicates either.
    assert counts(found["wuxi"]) == {"missing_at_partner": 1}
    assert counts(found["nanfeng"]) == {"missing_at_partner": 2, "duplicate_at_lead": 2}
    assert found["huarui"].books.lead_book == 4533 - 226
    duplicates = lines(database, types=["duplicate_at_lead"], partner="huarui")
    assert [(pair.event_ref, pair.lead and pair.lead.amount) for pair in duplicates] == [
        ("F", 9066),
        ("F", 45),
    ]
    assert all(pair.partner_half is None and not pair.overdue for pair in duplicates)
    assert no_incidents(database)


def test_a_reversal_is_a_pair_of_its_own_and_its_target_is_only_marked(
    world: World, database: Engine
) -> None:
    world.post("webank", Event(DRAWDOWN, "D", 10_001), Event(WITHDRAWAL, "W", 50, partner=WUXI))
    world.post("wuxi", Event(DRAWDOWN, "D", 2467), Event(WITHDRAWAL, "W", 50))
    indexer = world.indexer("webank", database)
    indexer.advance()
    world.post(
        "webank",
        Event(REVERSAL, "RD", 10_001, target=(DRAWDOWN, "D")),
        Event(REVERSAL, "RW", 50, partner=WUXI, target=(WITHDRAWAL, "W")),
        Event(REVERSAL, "RD", 10_001, target=(DRAWDOWN, "D")),
    )
    world.post("wuxi", Event(REVERSAL, "RD", 2467, target=(DRAWDOWN, "D")))
    indexer.advance()
    found = view(database)
    assert counts(found["wuxi"]) == {"matched": 3, "missing_at_partner": 1, "duplicate_at_lead": 1}
    assert found["wuxi"].books.lead_book == 0
    assert found["wuxi"].books.partner_book == -50
    assert counts(found["nanfeng"]) == {"missing_at_partner": 2, "duplicate_at_lead": 1}
    marked = {
        pair.event_ref: (
            pair.lead and pair.lead.reversed,
            pair.partner_half and pair.partner_half.reversed,
        )
        for pair in lines(database, partner="wuxi")
        if pair.target is None
    }
    assert marked == {"D": (True, True), "W": (True, False)}
    targets = {pair.event_ref: pair.target for pair in lines(database, kind="reversal")}
    assert targets == {"RD": "drawdown/D", "RW": "withdrawal/W"}
    assert all(balance.proof == 0 for balance in found.values())
    assert no_incidents(database)


def test_halves_that_reverse_different_targets_are_two_one_sided_pairs(
    world: World, database: Engine
) -> None:
    for bank in ("webank", "huarui"):
        partner = HUARUI if bank == "webank" else 0
        world.post(
            bank, Event(TOP_UP, "A", 5, partner=partner), Event(TOP_UP, "B", 5, partner=partner)
        )
    world.post("webank", Event(REVERSAL, "R", 5, partner=HUARUI, target=(TOP_UP, "A")))
    world.post("huarui", Event(REVERSAL, "R", 5, target=(TOP_UP, "B")))
    world.indexer("webank", database).advance()
    assert counts(view(database)["huarui"]) == {
        "matched": 2,
        "missing_at_partner": 1,
        "missing_at_lead": 1,
    }


def differences(database: Engine, world: World, days: int = 0) -> Mapping[int, int] | None:
    """From the shares, on the day that the legs carry or so many later."""
    day = date.fromordinal(TODAY + days)
    with database.connect() as connection:
        facility = directory(connection).facility(world.facility_id)
        assert facility is not None
        return stated_differences(connection, facility, day, day)


@pytest.mark.parametrize("bank", ["webank", "huarui"])
def test_where_the_lead_splits_its_parts_are_taken_as_stated(
    shared_anvil: ChainProcess, tmp_path: Path, database: Engine, bank: str
) -> None:
    """100.00 at 33.33 %, repaid in three: split by the contract, cents would be left for ever."""
    first_day = date(2016, 2, 1).toordinal()
    world = new_world(
        shared_anvil.url,
        tmp_path,
        partners=("huarui", "wuxi"),
        shares=((3333, 0, 0), (2467, 0, 0)),
        split="lead",
        first_day=first_day,
    )
    try:
        repaid = [Event(PRINCIPAL, f"P{place}", 1111, partner=HUARUI) for place in range(3)]
        world.post(
            "webank",
            Event(DRAWDOWN, "D", 3333, partner=HUARUI),
            Event(DRAWDOWN, "D", 5, partner=WUXI),
            *repaid,
            Event(DRAWDOWN, "WHOLE", 10_000),
            Event(PRINCIPAL, "P0", 1112, partner=HUARUI),
            Event(REVERSAL, "R", 5, target=(DRAWDOWN, "D")),
            Event(REVERSAL, "R", 5, partner=WUXI, target=(DRAWDOWN, "D")),
        )
        world.post(
            "huarui",
            Event(DRAWDOWN, "D", 3333),
            *(Event(PRINCIPAL, one.event_ref, 1111) for one in repaid),
        )
        world.indexer(bank, database).advance()
        found = view(database)
        assert counts(found["huarui"]) == {"matched": 4, "duplicate_at_lead": 1}
        books = found["huarui"].books
        assert (books.lead_book, books.partner_book, books.agreed) == (0, 0, 0)
        with database.connect() as connection:
            rejected = queries.rejections(connection).items[::-1]
            agreed = agreed_facility(connection, world.facility_id)
        assert ("WHOLE", "partner_not_allowed") in [(x.event_ref, x.reason) for x in rejected]
        assert agreed is not None
        assert (agreed.terms.split, agreed.terms.first_day) == ("lead", first_day)
        if bank == "webank":
            assert [(x.event_ref, x.reason) for x in rejected if x.reason != "duplicate"] == [
                ("WHOLE", "partner_not_allowed"),
                ("R", "partner_not_allowed"),
            ]
            assert counts(found["wuxi"]) == {"missing_at_partner": 2}
            # 33.38 by 3333 and 2467: 19.18 and 14.19. Of the two, one was taken back again.
            assert differences(database, world) == {1: -(3333 - 1918), 2: 0}
            assert differences(database, world, days=1) == {1: 0, 2: 0}
            assert found["wuxi"].books.lead_book == 0
            assert {
                pair.partner for pair in lines(database, references=[world.reference("D")])
            } == {"huarui", "wuxi"}
        else:  # it does not see the other partner's parts
            assert differences(database, world) is None
        assert all(balance.proof == 0 for balance in found.values())
        assert no_incidents(database)
    finally:
        world.rpc.close()


def test_where_the_lead_splits_days_tolerance_and_reversals_are_as_ever(
    shared_anvil: ChainProcess, tmp_path: Path, database: Engine
) -> None:
    """Two days: stated parts, one within tolerance, one reversed the day after; each day's
    difference from the shares stands on its own."""
    world = new_world(
        shared_anvil.url,
        tmp_path,
        partners=("huarui", "wuxi"),
        shares=((3333, 0, 0), (2467, 0, 0)),
        tolerance=2,
        split="lead",
    )
    undone = (DRAWDOWN, "D2")

    def later(
        kind: int,
        event_ref: str,
        amount: int,
        partner: int = 0,
        target: tuple[int, str] | None = None,
    ) -> Event:
        """An event of the next day."""
        return Event(kind, event_ref, amount, partner, TODAY + 1, TODAY + 1, target=target)

    try:
        world.post(
            "webank",
            Event(DRAWDOWN, "D1", 3334, partner=HUARUI),
            Event(DRAWDOWN, "D1", 2466, partner=WUXI),
            Event(DRAWDOWN, "D2", 700, partner=HUARUI),
            Event(DRAWDOWN, "D2", 300, partner=WUXI),
            later(PRINCIPAL, "P1", 1113, partner=HUARUI),
            later(PRINCIPAL, "P1", 822, partner=WUXI),
            later(REVERSAL, "R2", 700, partner=HUARUI, target=undone),
            later(REVERSAL, "R2", 300, partner=WUXI, target=undone),
        )
        world.post(
            "huarui",
            Event(DRAWDOWN, "D1", 3333),  # within tolerance: the lead's is the agreed one
            Event(DRAWDOWN, "D2", 700),
            later(PRINCIPAL, "P1", 1110),  # beyond it
            later(REVERSAL, "R2", 700, target=undone),
        )
        world.indexer("webank", database).advance()
        found = view(database)
        assert counts(found["huarui"]) == {"matched": 2, "within_tolerance": 1, "amount": 1}
        assert counts(found["wuxi"]) == {"missing_at_partner": 4}
        books = found["huarui"].books
        assert (books.lead_book, books.partner_book) == (-3334 + 1113, -3333 + 1110)
        assert books.agreed == -3334
        assert all(balance.proof == 0 for balance in found.values())
        # 58.00 by 3333 and 2467: 33.33 and 24.67. 10.00: 5.74 and 4.25. 19.35: 11.11 and 8.23.
        first = {1: -(3334 - 3333) - (700 - 574), 2: -(2466 - 2467) - (300 - 425)}
        second = {1: (1113 - 1111) + (700 - 574), 2: (822 - 823) + (300 - 425)}
        assert differences(database, world) == first
        assert differences(database, world, days=1) == second
        assert no_incidents(database)
    finally:
        world.rpc.close()


def test_rejected_legs_are_kept_with_their_reason(world: World, database: Engine) -> None:
    world.post(
        "webank",
        Event(11 + 20, "KIND", 5),
        Event(DRAWDOWN, "BIG", 10**15 + 1),
        Event(TOP_UP, "WHO", 5, partner=9),
        Event(TOP_UP, "NOBODY", 5),
        Event(DRAWDOWN, "LATE", 5, value_day=TODAY + 40),
        Event(INTEREST, "NONE", 1),
        Event(REVERSAL, "R", 5, target=(DRAWDOWN, "ABSENT")),
        Event(DRAWDOWN, "GOOD", 10_000),
    )
    world.post("huarui", Event(TOP_UP, "OTHER", 5, partner=WUXI))
    world.indexer("webank", database).advance()
    with database.connect() as connection:
        found = queries.rejections(connection).items[::-1]
        legs = queries.legs(connection).items
    assert [(one.event_ref, one.reason, one.partner) for one in found] == [
        ("KIND", "unknown_kind", None),
        ("BIG", "amount_too_large", None),
        ("WHO", "unknown_partner", "unknown (9)"),
        ("NOBODY", "partner_not_allowed", None),
        ("LATE", "date_too_far", None),
        ("NONE", "no_parts", None),
        ("R", "target_missing", None),
        ("OTHER", "partner_not_allowed", "huarui"),
    ]
    assert found[0].kind == "unknown (31)"
    assert {one.bank for one in found} == {"webank", "huarui"}
    # None is forgotten: every leg is shown, with the transaction that carried it.
    assert len(legs) == 8 + 3
    assert all(leg.transaction.startswith("0x") and leg.block_number for leg in legs)
    assert no_incidents(database)


def test_a_partner_sees_its_own_account_and_counts_what_the_others_post(
    world: World, tmp_path: Path, database: Engine
) -> None:
    world.post(
        "webank",
        Event(DRAWDOWN, "D", 10_000),
        Event(TOP_UP, "T", 5, partner=WUXI),
        Event(TOP_UP, "U", 6, partner=HUARUI),
        Event(DRAWDOWN, "D", 10_000),
    )
    world.post("wuxi", Event(DRAWDOWN, "D", 2467), Event(TOP_UP, "T", 5))
    world.post("huarui", Event(DRAWDOWN, "D", 4533), Event(TOP_UP, "U", 6))
    progress = world.indexer("wuxi", database).advance()
    assert progress.legs == 8
    found = view(database)
    assert list(found) == ["wuxi"]
    assert counts(found["wuxi"]) == {"matched": 2, "duplicate_at_lead": 1}
    assert found["wuxi"].proof == 0
    assert {pair.partner for pair in lines(database)} == {"wuxi"}
    with database.connect() as connection:
        rows = connection.execute(select(tables.postings)).all()
        assert sorted((row.member, row.legs) for row in rows) == [(1, 4), (2, 2), (3, 2)]
        assert {row.member: row.details for row in rows}[world.numbers["huarui"]] == "sealed"
    assert no_incidents(database)


def test_an_auditor_sees_all_and_a_bank_outside_the_facility_nothing(
    world: World, tmp_path: Path
) -> None:
    world.post("webank", Event(DRAWDOWN, "D", 10_000))
    found = {}
    for bank in ("webank", "auditor", "outsider"):
        engine = create(f"sqlite:///{tmp_path / bank}.db")
        upgrade(engine)
        world.indexer(bank, engine).advance()
        found[bank] = [
            (pair.partner, pair.event_ref, pair.lead and pair.lead.amount) for pair in lines(engine)
        ]
        engine.dispose()
    assert found["auditor"] == found["webank"]
    assert found["webank"][0] == ("huarui", "D", 4533)
    assert found["outsider"] == []


def test_names_are_unknown_where_the_details_lie_or_do_not_open(
    world: World, database: Engine
) -> None:
    honest = [Event(TOP_UP, "TRUE", 5, partner=HUARUI), Event(TOP_UP, "SAID", 5, partner=HUARUI)]
    lying = [honest[0], Event(TOP_UP, "OTHER", 5, partner=HUARUI)]
    world.post("webank", *honest, sealed=world.seal(lying))
    world.post("webank", Event(TOP_UP, "NOISE", 5, partner=HUARUI), sealed=b"\1\2garbage")
    world.post("webank", Event(TOP_UP, "NOTHING", 5, partner=HUARUI), sealed=b"")
    # The other half may know better, and fills in what the first left out.
    world.post("huarui", Event(TOP_UP, "NOISE", 5))
    world.indexer("webank", database).advance()
    found = {pair.reference: pair.event_ref for pair in lines(database)}
    assert found == {
        world.reference("TRUE").hex(): "TRUE",
        world.reference("SAID").hex(): None,
        world.reference("NOISE").hex(): "NOISE",
        world.reference("NOTHING").hex(): None,
    }
    with database.connect() as connection:
        states = connection.execute(
            select(tables.postings.c.details).order_by(
                tables.postings.c.member, tables.postings.c.sequence
            )
        ).scalars()
        assert list(states) == ["partial", "sealed", "sealed", "opened"]


def test_amounts_beyond_64_bits_add_up(world: World, database: Engine) -> None:
    most = 10**15
    for at in range(0, 9_500, 475):
        world.post(
            "webank",
            *(Event(TOP_UP, f"T{at + one}", most, partner=HUARUI) for one in range(475)),
            sealed=b"",
        )
    world.indexer("webank", database).advance()
    balance = view(database)["huarui"]
    assert balance.books.lead_book == 9_500 * most > 2**63
    assert balance.contract == balance.books
    assert balance.proof == 0
    with database.connect() as connection:
        facility = directory(connection).facilities[world.facility]
        today = date.fromordinal(TODAY)
        moved = movements(connection, facility, today, today)[0]
    assert moved.lead_book.closing == 9_500 * most


def test_movements_between_business_dates(world: World, database: Engine) -> None:
    days = [TODAY - 3, TODAY - 2, TODAY - 1, TODAY]
    for bank, partner in (("webank", HUARUI), ("huarui", 0)):
        world.post(
            bank,
            *(
                Event(TOP_UP, f"T{day}", 100 + place, partner=partner, business_day=day)
                for place, day in enumerate(days)
            ),
            Event(WITHDRAWAL, "W", 30, partner=partner, business_day=days[1]),
            Event(
                REVERSAL,
                "R",
                100,
                partner=partner,
                business_day=days[2],
                target=(TOP_UP, f"T{days[0]}"),
            ),
        )
    # A late half: the agreed amount falls on the lead half's business date.
    world.post("webank", Event(TOP_UP, "LATE", 7, partner=HUARUI, business_day=days[0]))
    world.post("huarui", Event(TOP_UP, "LATE", 7, business_day=days[2]))
    world.indexer("webank", database).advance()
    with database.connect() as connection:
        facility = directory(connection).facilities[world.facility]
        moved = movements(
            connection, facility, date.fromordinal(days[1]), date.fromordinal(days[2])
        )[0]
        later = movements(
            connection, facility, date.fromordinal(days[3]), date.fromordinal(days[3])
        )[0]
    assert moved.lead_book.opening == 107
    assert moved.lead_book.movements == {"top_up": 203, "withdrawal": -30, "reversal": -100}
    assert moved.partner_book.opening == 100
    assert moved.partner_book.movements == {"top_up": 210, "withdrawal": -30, "reversal": -100}
    assert moved.agreed.opening == 107
    assert moved.agreed.closing == moved.lead_book.closing == 180
    assert later.agreed.opening == moved.agreed.closing
    assert moved.counts["matched"] == 4
    assert sum(moved.counts.values()) == 4


def test_pages_filters_and_the_legs_behind_them(world: World, database: Engine) -> None:
    world.post(
        "webank",
        *(Event(TOP_UP, f"T{one}", one + 1, partner=1 + one % 3) for one in range(30)),
        Event(DRAWDOWN, "D", 10_000, value_day=TODAY - 5),
    )
    world.post("huarui", *(Event(TOP_UP, f"T{one}", one + 1) for one in range(0, 30, 3)))
    world.post("huarui", Event(TOP_UP, "T0", 1))
    world.indexer("webank", database).advance()
    with database.connect() as connection:
        seen: list[Pair] = []
        before: int | None = None
        while True:
            page = queries.pairs(connection, limit=7, before=before)
            assert len(page.items) <= 7
            seen += page.items
            before = page.following
            if before is None:
                break
        assert [pair.number for pair in seen] == list(range(34, 0, -1))
        assert queries.pair(connection, 34) == seen[0]
        assert queries.pair(connection, 999) is None

        def count(**where: Any) -> int:
            return len(queries.pairs(connection, Filter(**where), limit=100).items)

        assert count(partner="huarui") == 12
        assert count(partner="nobody") == 0
        assert count(facility="WLD-2016-A") == 34
        assert count(facility="nothing") == 0
        assert count(kind="drawdown") == 3
        assert count(kind="nonsense") == 0
        assert count(references=[world.reference("T0")]) == 2
        assert count(types=["matched"]) == 10
        assert count(types=["missing_at_lead"]) == 0
        assert count(types=["missing_at_partner"]) == 23
        assert count(types=["duplicate_at_partner"]) == 1
        assert count(types=list(PAIR_TYPES)) == 34
        assert count(overdue=True) == 0
        assert count(overdue=False) == 34
        day = date.fromordinal(TODAY)
        assert count(value_from=day) == 31
        assert count(value_to=day - timedelta(days=1)) == 3
        assert count(business_from=day, business_to=day) == 34
        assert count(business_from=day + timedelta(days=1)) == 0
        assert len(queries.matches(connection).items) == 10
        assert len(queries.breaks(connection).items) == 24
        only = queries.breaks(connection, Filter(types=["matched"]))
        assert only.items == []
        legs = queries.legs(connection, limit=1000).items
        assert len(legs) == 33 + 10 + 1
        assert {leg.bank for leg in legs} == {"webank", "huarui"}
        assert {leg.status for leg in legs} == {"matched", "open", "rejected"}


def test_one_sided_legs_are_overdue_by_the_blocks_own_time(
    tmp_path: Path, database: Engine
) -> None:
    with start("anvil", state_dir=tmp_path / "chain", keep_state=False) as chain:
        world = new_world(chain.process.url, tmp_path)
        world.post("webank", Event(DRAWDOWN, "D", 10_000))
        world.post("huarui", Event(DRAWDOWN, "D", 4533))
        indexer = world.indexer("webank", database)
        indexer.advance()
        assert [pair.overdue for pair in lines(database)] == [False] * 3
        due = lines(database)[1].due_at
        assert due is not None
        for seconds, overdue in ((0, 0), (1, 2)):
            at = int(due.timestamp()) + seconds
            world.rpc.call("evm_setNextBlockTimestamp", [at])
            world.rpc.call("evm_mine", [])
            indexer.advance()
            assert sum(balance.overdue for balance in view(database).values()) == overdue
            assert len(lines(database, overdue=True)) == overdue
        # A late half still matches.
        world.post("wuxi", Event(DRAWDOWN, "D", 2467))
        indexer.advance()
        assert counts(view(database)["wuxi"]) == {"matched": 1}
        assert view(database)["wuxi"].overdue == 0


def test_a_rebuild_gives_the_same_digest_as_following_live(
    world: World, tmp_path: Path, postgres_url: str
) -> None:
    urls = [
        f"sqlite:///{tmp_path / 'live.db'}",
        f"sqlite:///{tmp_path / 'late.db'}",
        postgres_url,
        f"{postgres_url}?options=-csearch_path%3Dchannel_1",
    ]
    engines = [create(url) for url in urls]
    for engine in engines:
        upgrade(engine)
    live = world.indexer("webank", engines[0])
    live.advance()
    batches: list[tuple[str, list[Event]]] = [
        ("webank", [Event(DRAWDOWN, f"D{one}", 1_000 + one) for one in range(40)]),
        (
            "huarui",
            [Event(DRAWDOWN, f"D{one}", (1_000 + one) * 4533 // 10_000) for one in range(20)],
        ),
        (
            "webank",
            [Event(DRAWDOWN, "D1", 9), Event(REVERSAL, "R", 1_002, target=(DRAWDOWN, "D2"))],
        ),
        ("wuxi", [Event(DRAWDOWN, "D1", 1), Event(TOP_UP, "T", 10**15)]),
    ]
    for bank, events in batches:
        world.post(bank, *events)
        live.advance()
    head = live.position()
    late = world.indexer("webank", engines[1])
    late.advance(max_blocks=3)
    while late.advance(max_blocks=2).to_block < head:
        pass
    for engine in engines[2:]:
        world.indexer("webank", engine).advance()
    first = digest(engines[0])
    assert [digest(engine) for engine in engines[1:]] == [first] * 3

    told: list[tuple[int, int]] = []
    for engine in engines:
        rebuild(world.indexer("webank", engine), lambda done, total: told.append((done, total)))
        assert digest(engine) == first
        assert told[-1] == (head, head)

    world.post("webank", Event(DRAWDOWN, "MORE", 1_000))
    live = world.indexer("webank", engines[0])
    live.advance()
    assert digest(engines[0]) != first
    for engine in engines:
        engine.dispose()


def test_a_new_indexer_goes_on_where_the_last_one_stopped(world: World, database: Engine) -> None:
    world.post("webank", Event(DRAWDOWN, "D", 10_000))
    world.indexer("webank", database).advance()
    world.post("huarui", Event(DRAWDOWN, "D", 4533))
    progress = world.indexer("webank", database).advance()
    assert progress.legs == 1
    assert counts(view(database)["huarui"]) == {"matched": 1}
    assert no_incidents(database)


def test_blocks_without_events_change_nothing_and_a_view_made_anew_does(
    world: World, database: Engine
) -> None:
    indexer = world.indexer("webank", database)
    indexer.advance()
    before = indexer.changes
    world.rpc.call("evm_mine", [])
    assert indexer.advance().to_block == indexer.position()
    assert indexer.changes == before
    world.post("webank", Event(TOP_UP, "T", 5, partner=1))
    indexer.advance()
    assert indexer.changes == before + 1
    indexer.forget()
    assert indexer.changes == before + 2


@pytest.mark.parametrize("most_waiting", [1, 50_000])
def test_halves_find_those_of_earlier_ranges_whether_or_not_they_are_kept_in_memory(
    world: World, database: Engine, monkeypatch: pytest.MonkeyPatch, most_waiting: int
) -> None:
    for module in ("state", "pairs_table"):
        monkeypatch.setattr(f"app.indexer.{module}.MOST_WAITING", most_waiting)
    names = ["A", "B", "C", "D"]
    first = world.indexer("webank", database)
    for name in names[:3]:
        world.post("webank", Event(TOP_UP, name, 5, partner=1))
        first.advance()
    world.post("huarui", Event(TOP_UP, "A", 5))
    first.advance()
    second = world.indexer("webank", database)
    world.post("huarui", Event(TOP_UP, "B", 5), Event(TOP_UP, "D", 5))
    second.advance()
    world.post("webank", Event(TOP_UP, "D", 5, partner=1))
    world.post("huarui", Event(TOP_UP, "C", 7))
    second.advance()
    assert {pair.event_ref: pair.type for pair in lines(database)} == {
        "A": "matched",
        "B": "matched",
        "C": "amount",
        "D": "matched",
    }
    followed = digest(database)
    rebuild(second)
    assert digest(database) == followed


def test_rpc_is_asked_by_range_not_by_leg(world: World, database: Engine) -> None:
    class Counting(Rpc):
        requests = 0

        def batch(self, requests_: list[tuple[str, list[Any]]]) -> list[Any]:
            self.requests += 1
            return super().batch(requests_)

    for batch in range(3):
        world.post(
            "webank", *(Event(TOP_UP, f"T{batch}-{one}", 5, partner=1) for one in range(300))
        )
    rpc = Counting(world.rpc.url)
    world.indexer("webank", database, rpc).advance()
    assert rpc.requests < 20


def test_each_engine_is_read_alike(chain: ChainHandle, tmp_path: Path) -> None:
    world = new_world(chain.process.url, tmp_path, engine=chain.process.engine)
    engine = create(f"sqlite:///{tmp_path / 'live.db'}")
    upgrade(engine)
    live = world.indexer("webank", engine)
    batches: list[tuple[str, list[Event]]] = [
        ("webank", [Event(DRAWDOWN, "D", 10_000), Event(TOP_UP, "T", 5, partner=WUXI)]),
        ("huarui", [Event(DRAWDOWN, "D", 4533), Event(DRAWDOWN, "D", 1)]),
        ("wuxi", [Event(DRAWDOWN, "D", 2466), Event(TOP_UP, "T", 9)]),
        ("webank", [Event(REVERSAL, "R", 10_000, target=(DRAWDOWN, "D")), Event(FEE, "F", 0)]),
    ]
    for bank, events in batches:
        world.post(bank, *events)
        assert live.advance().legs == len(events)
    found = view(engine)
    assert counts(found["huarui"]) == {
        "matched": 1,
        "missing_at_partner": 1,
        "duplicate_at_partner": 1,
    }
    assert counts(found["wuxi"]) == {"within_tolerance": 1, "amount": 1, "missing_at_partner": 1}
    assert {balance.proof for balance in found.values()} == {0}
    assert no_incidents(engine)
    before = digest(engine)
    rebuild(world.indexer("webank", engine))
    assert digest(engine) == before
    engine.dispose()
