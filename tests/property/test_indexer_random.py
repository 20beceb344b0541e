"""Whatever banks post, good and bad, in any order: the read model says what the contracts say.

The contracts are the second implementation here: each pair, each account and each day's total of
the read model is held against theirs. Names of laws are those of the design.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address
from sqlalchemy import Engine, func, select

from app.db.engine import create, upgrade
from app.domain.kinds import Kind, effect
from app.indexer import state
from app.indexer.rebuild import digest
from app.readmodel import tables
from app.readmodel.accounts.balances import balances
from app.readmodel.accounts.curves import BusinessDay, intraday
from app.readmodel.accounts.movements import movements
from app.readmodel.chain import newest_incidents
from app.readmodel.directory import directory
from app.readmodel.pairs import queries
from deploy.compile import load_artifact
from ganache.launcher import start
from tests.behind import rebuild_behind
from tests.every_pair import every_pair
from tests.integration.posted import TODAY, Event, World, new_world
from tests.integration.proofs import bundle
from tests.tampering import both_verify

NAMES = [f"REF-{number}" for number in range(8)]
STATUSES = ["open", "matched", "within_tolerance", "amount", "date", "amount_and_date"]
TODAY_DATE = date.fromordinal(TODAY)
DAYS = (TODAY - 2, TODAY - 1, TODAY)


PARTS = {"huarui": 4533, "wuxi": 2467, "nanfeng": 999}
"""Each partner's part of 10,000."""


def random_event(chance: random.Random, bank: str) -> Event:
    lead = bank == "webank"
    kind = chance.choice([1, 2, 3, 5, 6, 9, 12, 12, 12])
    target = None
    shared = kind <= 5
    if kind == 12:
        target_kind = chance.choice([1, 2, 3, 5, 6, 9, 9, 12])
        target = (target_kind, chance.choice(NAMES))
        shared = target_kind <= 5
    elif chance.random() < 0.03:
        kind = chance.choice([13, 14, 99])
    partner = 0
    if lead and not shared:
        partner = chance.randint(1, 3)
    if chance.random() < 0.04:
        partner = chance.randint(0, 4)
    amount = 10_000
    if not lead and shared:
        amount = PARTS[bank]
    if chance.random() < 0.2:
        amount = chance.choice([1, 2, 100, 10_001, amount + 1, amount - 2, 10**15])
    if chance.random() < 0.03:
        amount = chance.choice([0, 10**15 + 1, 2**56 - 1])
    return Event(
        kind=kind,
        event_ref=chance.choice(NAMES),
        amount=amount,
        partner=partner,
        value_day=TODAY
        + chance.choice([0, 0, 0, 0, -1, -3, 1, 31 if chance.random() < 0.2 else 0]),
        business_day=chance.choice(DAYS),
        shares_day=chance.choice([0, 0, TODAY - 300]),
        target=target,
        duplicate=chance.random() < 0.05,
    )


@pytest.fixture(scope="module", params=[1, 2, 3])
def posted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, Engine]]:
    """A world after random postings, and the lead's database that followed them live."""
    folder = tmp_path_factory.mktemp("random")
    chance = random.Random(request.param)
    with start("anvil", state_dir=folder / "chain", keep_state=False) as chain:
        world = new_world(chain.process.url, folder)
        engine = create(f"sqlite:///{folder / 'live.db'}")
        upgrade(engine)
        indexer = world.indexer("webank", engine)
        for _ in range(24):
            bank = chance.choice(["webank", "webank", *world.partners])
            events = [random_event(chance, bank) for _ in range(chance.randint(1, 25))]
            world.post(bank, *events)
            if chance.random() < 0.7:
                indexer.advance()
        indexer.advance()
        yield world, engine
        engine.dispose()


def test_nothing_happened_that_should_not(posted: tuple[World, Engine]) -> None:
    _, engine = posted
    with engine.connect() as connection:
        assert newest_incidents(connection) == []
        statuses = set(connection.execute(select(tables.pairs.c.status)).scalars())
        reasons = set(connection.execute(select(tables.rejections.c.reason)).scalars())
    # The random postings reach what they are meant to reach.
    assert {"open", "matched"} < statuses
    assert {"duplicate", "target_missing", "target_reversed"} <= reasons


def test_both_verifiers_come_to_the_same_lines_and_totals(
    posted: tuple[World, Engine], tmp_path: Path
) -> None:
    world, _ = posted
    for first, last in ((date.min, date.max), (TODAY_DATE, TODAY_DATE)):
        (tmp_path / str(first)).mkdir()
        both_verify(bundle(world, tmp_path / str(first), first, last).file)


def test_ledger_2_balances_are_the_contracts_and_the_proof_is_0(
    posted: tuple[World, Engine],
) -> None:
    _, engine = posted
    with engine.connect() as connection:
        found = balances(connection)
    assert len(found) == 3
    for balance in found:
        assert balance.contract == balance.books
        assert balance.proof == 0


def test_ledger_1_books_are_agreed_and_open_legs_summed_row_by_row(
    posted: tuple[World, Engine],
) -> None:
    _, engine = posted
    with engine.connect() as connection:
        for balance in balances(connection):
            partner = [b.partner for b in balances(connection)].index(balance.partner) + 1
            sums = dict.fromkeys(
                ("lead", "partner", "agreed", "open_lead", "open_partner", "diff"), 0
            )
            for row in connection.execute(
                select(tables.pairs).where(tables.pairs.c.partner == partner)
            ):
                sign = effect(Kind(row.kind), Kind(row.target_kind) if row.target_kind else None)
                lead, half = sign * (row.lead_amount or 0), sign * (row.partner_amount or 0)
                sums["lead"] += lead
                sums["partner"] += half
                if row.status in ("matched", "within_tolerance"):
                    sums["agreed"] += lead
                    sums["diff"] += half - lead
                else:
                    sums["open_lead"] += lead
                    sums["open_partner"] += half
            books = balance.books
            assert list(sums.values()) == [
                books.lead_book,
                books.partner_book,
                books.agreed,
                books.open_lead,
                books.open_partner,
                books.accepted_difference,
            ]
            assert books.lead_book == books.agreed + books.open_lead
            assert books.partner_book == (
                books.agreed + books.open_partner + books.accepted_difference
            )


def test_every_pair_is_the_contracts(posted: tuple[World, Engine]) -> None:
    world, engine = posted
    names = {world.reference(name): name for name in NAMES}
    seen = set()
    with engine.connect() as connection:
        for row in connection.execute(select(tables.pairs)):
            target = (row.target_kind, names[row.target_ref]) if row.target_kind else None
            seen.add((row.partner, row.kind, names[row.ref]))
            assert row.event_ref == names[row.ref]
            assert row.target_event_ref == (target[1] if target else None)
            there = world.pair(row.partner, Event(row.kind, names[row.ref], 0, target=target))
            assert {
                "leadAmount": row.lead_amount or 0,
                "partnerAmount": row.partner_amount or 0,
                "leadValueDay": row.lead_value_day or 0,
                "partnerValueDay": row.partner_value_day or 0,
                "leadBusinessDay": row.lead_business_day or 0,
                "firstSeen": row.first_posted_at,
                "rulesVersion": row.rules_version,
                "sharesVersion": row.shares_version or 0,
                "leadReversed": row.lead_reversed,
                "partnerReversed": row.partner_reversed,
                "status": STATUSES.index(row.status),
                # Nobody resolves or holds anything here.
                "action": 0,
                "resolvedAtPartner": False,
                "held": False,
            } == there
    for partner in (1, 2, 3):
        for kind in (1, 2, 3, 5, 6, 9):
            for name in NAMES:
                there = world.pair(partner, Event(kind, name, 0))
                is_there = bool(there["leadAmount"] or there["partnerAmount"])
                assert is_there == ((partner, kind, name) in seen)


def test_movements_are_the_contracts_day_totals(posted: tuple[World, Engine]) -> None:
    world, engine = posted
    ledger = world.rpc.web3.eth.contract(
        address=to_checksum_address(world.manifest.addresses["ReserveLedger"]),
        abi=load_artifact("ReserveLedger")["abi"],
    )
    with engine.connect() as connection:
        facility = directory(connection).facilities[world.facility]
        closings = [(0, 0, 0)] * 3
        for day in DAYS:
            at = date.fromordinal(day)
            for place, account in enumerate(movements(connection, facility, at, at)):
                books = (account.lead_book, account.partner_book, account.agreed)
                assert tuple(book.opening for book in books) == closings[place]
                closings[place] = (books[0].closing, books[1].closing, books[2].closing)
                for kind in Kind:
                    there = ledger.functions.dayTotal(
                        world.facility, place + 1, day, int(kind)
                    ).call()
                    here = [book.movements.get(kind.feed_name, 0) for book in books]
                    assert here == list(there), (account.partner, day, kind)
        for closing, balance in zip(closings, balances(connection), strict=True):
            books_now = balance.books
            assert closing == (books_now.lead_book, books_now.partner_book, books_now.agreed)


def test_an_accounts_curve_ends_where_its_books_are(posted: tuple[World, Engine]) -> None:
    world, engine = posted
    with engine.connect() as connection:
        whole = BusinessDay(date.fromordinal(1), 0, 1)
        curves = intraday(connection, world.facility, whole)
        ends = [points[-1][1:] for _, points in sorted(curves.items())]
        assert ends == [
            (one.books.lead_book, one.books.partner_book, one.books.agreed)
            for one in balances(connection)
        ]


def test_recon_2_no_posted_leg_is_forgotten(posted: tuple[World, Engine]) -> None:
    _, engine = posted
    p, r = tables.pairs.c, tables.rejections.c
    with engine.connect() as connection:
        legs, rejected = connection.execute(
            select(func.sum(tables.postings.c.legs), func.sum(tables.postings.c.rejected))
        ).one()
        placed = {tuple(row) for row in connection.execute(select(r.member, r.sequence, r.index))}
        assert len(placed) == rejected
        placed |= {
            (1, sequence, index)
            for sequence, index in connection.execute(
                select(p.lead_sequence, p.lead_index).where(p.lead_amount.is_not(None))
            )
        }
        placed |= {
            (partner + 1, sequence, index)
            for partner, sequence, index in connection.execute(
                select(p.partner, p.partner_sequence, p.partner_index).where(
                    p.partner_amount.is_not(None)
                )
            )
        }
        assert len(placed) == legs


def test_counts_are_those_of_the_lines(posted: tuple[World, Engine]) -> None:
    _, engine = posted
    with engine.connect() as connection:
        for balance in balances(connection):
            counted = dict.fromkeys(balance.counts, 0)
            for pair in every_pair(connection, queries.Filter(partner=balance.partner)):
                counted[pair.type] += 1
            assert counted == balance.counts


def test_the_view_does_not_depend_on_how_the_chain_was_read(
    posted: tuple[World, Engine], tmp_path: Path, postgres_url: str
) -> None:
    world, engine = posted
    expected = digest(engine)
    for name, step in (("once", None), ("steps", 3), ("postgres", 7)):
        url = postgres_url if name == "postgres" else f"sqlite:///{tmp_path / name}.db"
        other = create(url)
        upgrade(other)
        indexer = world.indexer("webank", other)
        progress = indexer.advance(max_blocks=step)
        while progress.to_block < progress.head:
            progress = indexer.advance(max_blocks=step)
        assert digest(other) == expected, name
        other.dispose()


@pytest.mark.parametrize("waiting", [state.MOST_WAITING, 5])
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_nor_on_how_far_what_is_written_is_behind(
    posted: tuple[World, Engine],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    database: str,
    waiting: int,
) -> None:
    world, live = posted
    url = f"sqlite:///{tmp_path / 'behind'}.db"
    if database == "postgresql":
        url = request.getfixturevalue("postgres_url")
    monkeypatch.setattr(state, "MOST_WAITING", waiting)
    engine = create(url)
    upgrade(engine)
    rebuild_behind(world.indexer("webank", engine), seed=waiting)
    assert digest(engine) == digest(live)
    engine.dispose()


def test_a_partners_view_is_the_leads_of_its_own_account(
    posted: tuple[World, Engine], tmp_path: Path
) -> None:
    world, engine = posted
    for number, name in enumerate(world.partners, 1):
        other = create(f"sqlite:///{tmp_path / name}.db")
        upgrade(other)
        world.indexer(name, other).advance()
        views = []
        for one in (engine, other):
            with one.connect() as connection:
                pairs = connection.execute(
                    select(*[c for c in tables.pairs.c if c.name != "number"])
                    .where(tables.pairs.c.partner == number)
                    .order_by(tables.pairs.c.number)
                ).all()
                account = [b for b in balances(connection) if b.partner == name]
            views.append((pairs, account))
        assert views[0] == views[1]
        with other.connect() as connection:
            assert newest_incidents(connection) == []
            assert len(balances(connection)) == 1
        other.dispose()
