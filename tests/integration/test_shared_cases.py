"""The inputs of `../shared/cases` that failed once: what each bank's intake makes of them.

Each folder's `expected.txt` has the right result in words; where INTERFACES says otherwise, it
rules. What the two halves come to is tried by `tests/e2e/test_shared_cases.py`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from app.db.engine import create, upgrade
from app.domain.errors import FacilityFault
from app.domain.facility import Facility
from app.domain.kinds import Kind, effect
from app.intake.accept import Intake
from app.intake.facility_file import load_facility
from app.intake.reader import open_feed
from app.intake.results import FeedResult, Verdict
from app.intake.store import EventStore
from app.intake.tables import events
from app.intake.validation import Validator
from tests.feeds import facility_text
from tests.integration.vaults import VAULT

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def case(name: str) -> Path:
    """A case's folder; the test is skipped where the cases are not beside the project."""
    folder = CASES / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    return folder


@dataclass
class Bank:
    """A bank's intake, and what its database then says."""

    engine: Engine
    facility: Facility
    sender: str

    def submit(self, feed: Path) -> tuple[FeedResult, dict[str, Verdict], list[str]]:
        """The sums, the quarantined rows by event_id, and the warnings."""
        verdicts: list[Verdict] = []
        intake = Intake(
            EventStore(self.engine), Validator(self.facility, self.sender), clock=lambda: NOW
        )
        with open_feed(feed, self.facility, self.sender) as rows:
            result = intake.submit(rows, feed.name, "file", verdicts=verdicts.extend)
        quarantined = {one.event_id: one for one in verdicts if one.status == "quarantined"}
        return result, quarantined, rows.warnings

    def business_dates(self) -> dict[str, date]:
        with self.engine.connect() as connection:
            rows = connection.execute(select(events.c.event_ref, events.c.business_day)).all()
        return {ref: date.fromordinal(day) for ref, day in rows}

    def book(self, partner: int = 1) -> int:
        """The sum of the effects of this bank's legs for a partner, in minor units."""
        total = 0
        with self.engine.connect() as connection:
            rows = connection.execute(select(events).where(~events.c.duplicate_leg)).all()
        parts: dict[tuple[Kind, str], int] = {}
        for row in sorted(rows, key=lambda row: row.target_kind or 0):
            kind = Kind(row.kind)
            if row.target_kind:
                target = Kind(row.target_kind)
                part = parts[target, row.target_ref]
                total += effect(kind, target) * part
                continue
            if row.partner:
                part = row.amount if row.partner == partner else 0
            else:
                day = row.shares_day or row.value_day
                part = self.facility.parts(kind, row.amount, day)[partner - 1]
            parts[kind, row.event_ref] = part
            total += effect(kind) * part
        return total


OpenBank = Callable[[Facility, str], Bank]


@pytest.fixture
def bank(tmp_path: Path) -> OpenBank:
    def open_bank(facility: Facility, sender: str) -> Bank:
        engine = create(f"sqlite:///{tmp_path / sender}.sqlite", vault=VAULT)
        upgrade(engine)
        return Bank(engine, facility, sender)

    return open_bank


def test_01_ids_that_a_spreadsheet_made_numbers_are_quarantined(bank: OpenBank) -> None:
    folder = case("01-excel-scientific-ids")
    facility = load_facility(folder / "fac.toml")
    for sender, feed in (("beihai", "lead.csv"), ("nanning", "nanning.csv")):
        result, quarantined, _ = bank(facility, sender).submit(folder / feed)
        assert (result.rows_in, result.accepted, result.quarantined) == (3, 0, 3)
        assert {one.field for one in quarantined.values()} == {"event_id"}
        assert all("spreadsheet" in one.reason for one in quarantined.values())


def test_04_the_empty_dates_of_other_systems_are_quarantined(bank: OpenBank) -> None:
    folder = case("04-null-dates")
    result, quarantined, _ = bank(load_facility(folder / "fac.toml"), "beihai").submit(
        folder / "lead.csv"
    )
    assert (result.accepted, result.quarantined) == (0, 4)
    assert {one.field for one in quarantined.values()} == {"value_date"}


def test_11_empty_columns_and_rows_of_commas_are_no_rows(bank: OpenBank) -> None:
    folder = case("11-excel-trailing-empties")
    result, _, warnings = bank(load_facility(folder / "fac.toml"), "beihai").submit(
        folder / "lead.csv"
    )
    assert (result.rows_in, result.accepted, result.quarantined) == (3, 3, 0)
    assert "3 columns without a name" in warnings[0]


def test_13_invisible_characters_are_quarantined_and_the_rest_is_its_own(bank: OpenBank) -> None:
    folder = case("13-lookalike-references")
    facility = load_facility(folder / "fac.toml")
    result, _, _ = bank(facility, "beihai").submit(folder / "lead.csv")
    assert result.accepted == 8
    result, quarantined, _ = bank(facility, "nanning").submit(folder / "nanning.csv")
    assert {key: one.field for key, one in quarantined.items()} == {
        "NN-2": "event_ref",
        "NN-4": "event_ref",
        "NN-5": "event_ref",
        "NN-7": "event_ref",
    }
    assert result.accepted == 4


def test_14_a_formula_is_no_amount_and_a_reference_like_any_other(bank: OpenBank) -> None:
    folder = case("14-csv-injection")
    result, quarantined, _ = bank(load_facility(folder / "fac.toml"), "beihai").submit(
        folder / "lead.csv"
    )
    assert (result.accepted, list(quarantined)) == (10, ["BH-99"])
    assert quarantined["BH-99"].field == "amount"


@pytest.mark.parametrize("currency", ["bgn", "hrk"])
def test_18_withdrawn_currencies_are_still_read(currency: str) -> None:
    facility = load_facility(case("18-withdrawn-currency") / f"{currency}.toml")
    assert (facility.currency, facility.decimals) == (currency.upper(), 2)


def test_18_a_name_of_the_market_is_refused_with_the_code() -> None:
    with pytest.raises(FacilityFault, match="its code is CNY"):
        load_facility(case("18-withdrawn-currency") / "cnh.toml")


def test_19_a_feed_sorted_newest_first_says_the_same(bank: OpenBank) -> None:
    folder = case("19-newest-first-reversal")
    facility = load_facility(folder / "fac.toml")
    books = []
    for sender, feed in (("beihai", "lead.csv"), ("nanning", "nanning.csv")):
        there = bank(facility, sender)
        result, _, _ = there.submit(folder / feed)
        assert (result.accepted, result.quarantined) == (3, 0)
        books.append(there.book())
    assert books == [-800_00, -800_00]


def test_20_a_partial_reversal_is_quarantined_at_both_banks_alike(bank: OpenBank) -> None:
    folder = case("20-partial-reversal")
    facility = load_facility(folder / "fac.toml")
    books = []
    for sender, feed, event_id, rest in (
        ("beihai", "lead.csv", "BH-3", "500.00 and a new principal of 300.00"),
        ("nanning", "nanning.csv", "NN-3", "400.00 and a new principal of 240.00"),
    ):
        there = bank(facility, sender)
        result, quarantined, _ = there.submit(folder / feed)
        assert (result.accepted, list(quarantined)) == (2, [event_id])
        assert quarantined[event_id].field == "reverses"
        assert rest in quarantined[event_id].reason
        books.append(there.book())
    assert books == [-400_00, -400_00]


def test_21_a_lead_that_splits_itself_leaves_no_cents(bank: OpenBank, tmp_path: Path) -> None:
    """INTERFACES: the lead's core states the parts, its rows name the partner."""
    folder = case("21-residual-cents")
    facility = replace(load_facility(folder / "fac21.toml"), split="lead")
    result, quarantined, _ = bank(facility, "beihai").submit(folder / "lead.csv")
    assert (result.accepted, {one.field for one in quarantined.values()}) == (0, {"partner"})

    stated = {"DD-1": "33.33", "RP-1": "11.11", "RP-2": "11.11", "RP-3": "11.11"}
    with (folder / "lead.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    feed = tmp_path / "lead.csv"
    with feed.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerow(row | {"partner": "nanning", "amount": stated[row["event_ref"]]})
    lead, partner = bank(facility, "beihai"), bank(facility, "nanning")
    assert lead.submit(feed)[0].accepted == 4
    assert partner.submit(folder / "nanning.csv")[0].accepted == 4
    assert [lead.book(), partner.book()] == [0, 0]


def test_22_business_dates_do_not_go_backwards(bank: OpenBank) -> None:
    folder = case("22-dst-cut-off")
    there = bank(load_facility(folder / "facny.toml"), "beihai")
    assert there.submit(folder / "lead.csv")[0].accepted == 5
    assert there.business_dates() == {
        "A": date(2026, 11, 1),
        "B": date(2026, 11, 2),
        "C": date(2026, 11, 2),
        "D": date(2026, 11, 2),
        "E": date(2026, 3, 9),
    }


def test_30_nothing_garbled_is_taken_and_the_mended_file_is_taken_whole(
    bank: OpenBank, tmp_path: Path
) -> None:
    folder = case("30-gbk-then-fixed")
    terms = tmp_path / "facility.toml"
    terms.write_text(facility_text("BG-2026-1", "beihai", "nanning"))
    there = bank(load_facility(terms), "beihai")
    result, quarantined, warnings = there.submit(folder / "gbk.csv")
    assert (result.rows_in, result.accepted, result.quarantined) == (4, 0, 4)
    assert all("GB18030" in one.reason for one in quarantined.values())
    assert any("GB18030" in warning for warning in warnings)
    result, _, _ = there.submit(folder / "utf8.csv")
    assert (result.rows_in, result.accepted) == (4, 4)
    with there.engine.connect() as connection:
        details = connection.execute(select(events.c.details).order_by(events.c.id)).scalars()
        memos = [VAULT.open(one).decode() for one in details]
    assert memos == [f'{{"memo":"{memo}"}}' for memo in ("放款", "通票", "系", "还款")]
