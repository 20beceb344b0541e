"""How an account moved within a day, and day by day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from app.db.engine import create
from app.domain.kinds import Kind
from app.readmodel.accounts.curves import (
    BusinessDay,
    business_day_at,
    closing_balances,
    daily,
    intraday,
    moved_on,
)
from app.readmodel.directory import directory
from app.readmodel.facilities.agreed import known_facility
from tests.integration.seeded import START, Seed

DAY = START.date()


@pytest.fixture
def seed(tmp_path: Path) -> Seed:
    return Seed(create(f"sqlite:///{tmp_path / 'bank.sqlite'}"), partners=("huarui",))


def add(seed: Seed, connection: Connection, kind: Kind, amount: int, days: int = 0) -> None:
    day = DAY + timedelta(days=days)
    seed.pair(connection, 1, kind, f"R-{seed.number}", amount, "matched", day=day)


def day_from(begins: int) -> BusinessDay:
    return BusinessDay(DAY, begins, begins + 86_400)


def test_a_curve_starts_with_what_the_books_were(seed: Seed) -> None:
    with seed.engine.begin() as connection:
        add(seed, connection, Kind.TOP_UP, 1_000)
        seed.close_block(connection, seconds=600)
        since = seed.now + 400
        add(seed, connection, Kind.DRAWDOWN, 300)
        seed.close_block(connection, seconds=900)
        add(seed, connection, Kind.DRAWDOWN, 50)
        seed.close_block(connection, seconds=1)
        points = intraday(connection, 1, day_from(since))[1]
        later = intraday(connection, 1, day_from(seed.now + 9_999), partner=1)[1]
    step = seed.now - seed.now % 300
    assert [(one.at, one.balance) for one in points] == [(since, 1_000), (step, 650)]
    assert [one.balance for one in later] == [650]


def test_a_curve_before_the_first_movement_is_at_zero(seed: Seed) -> None:
    since = seed.now - 9_000
    with seed.engine.begin() as connection:
        add(seed, connection, Kind.TOP_UP, 1_000)
        seed.close_block(connection, seconds=600)
        assert intraday(connection, 1, day_from(since))[1][0] == (since, 0, 0, 0)


def test_a_curve_begins_with_what_earlier_days_come_to_that_were_posted_today(seed: Seed) -> None:
    """A bank that joins posts weeks at once: its first day does not begin with an empty account."""
    since = seed.now - 9_000
    with seed.engine.begin() as connection:
        add(seed, connection, Kind.TOP_UP, 1_000, days=-20)
        add(seed, connection, Kind.DRAWDOWN, 100, days=-1)
        add(seed, connection, Kind.DRAWDOWN, 300)
        add(seed, connection, Kind.TOP_UP, 40, days=2)
        seed.close_block(connection, seconds=600)
        points = intraday(connection, 1, day_from(since))[1]
    assert points[0] == (since, 900, 900, 900)
    assert points[-1].balance == 640


def test_a_day_runs_from_cut_off_to_cut_off(seed: Seed) -> None:
    with seed.engine.connect() as connection:
        terms = known_facility(connection, "WLD-2016-A").terms
    day = business_day_at(terms.calendar, datetime(2026, 3, 2, 16, 30, tzinfo=UTC))
    assert day.date.isoformat() == "2026-03-03"  # in Shanghai
    assert day.ends - day.begins == 86_400


def test_days_end_where_the_books_are(seed: Seed) -> None:
    with seed.engine.begin() as connection:
        for days, kind, amount in (
            (0, Kind.TOP_UP, 1_000),
            (1, Kind.DRAWDOWN, 300),
            (3, Kind.PRINCIPAL, 40),
        ):
            add(seed, connection, kind, amount, days)
        seed.close_block(connection)
        facility = directory(connection).facilities[1]
        moved = daily(connection, facility, 1, DAY)
        assert moved is not None
        today = moved_on(connection, 1, DAY + timedelta(days=1))
    asked = [DAY + timedelta(days=number) for number in range(-1, 3)]
    assert [lead for lead, _ in closing_balances(moved, asked).values()] == [0, 1_000, 700, 700]
    assert {kind: one.agreed for kind, one in today[1].items()} == {Kind.DRAWDOWN: -300}
