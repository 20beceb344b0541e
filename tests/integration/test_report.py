"""The auditors' report: refused when it would be wrong, equal to the contract, in both formats."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from sqlalchemy import Engine, delete, update

from app.db.engine import create
from app.domain.errors import UsageFault
from app.domain.kinds import Kind
from app.domain.matching.pairs import PAIR_TYPES
from app.readmodel import tables
from app.readmodel.pairs.shapes import BREAK_TYPES
from app.reports.csv_report import write_csv
from app.reports.reconciliation import ReconciliationReport, ReportRefused, open_report
from app.reports.run_files import write_pairs, write_quarantine
from app.reports.xlsx_report import write_xlsx
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT

FIRST = START.date()
LAST = FIRST + timedelta(days=2)
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
EVIL = '=HYPERLINK("http://evil","x")'


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = create(database_url, vault=VAULT)
    yield opened
    opened.dispose()


@pytest.fixture
def seed(engine: Engine) -> Seed:
    """A realistic book over three business dates, and a feed with a formula in its reference."""
    seed = Seed(engine)
    seed.fill(150)
    with engine.begin() as connection:
        seed.pair(connection, 1, Kind.FEE, EVIL, 500, "amount", day=FIRST)
        seed.pair(connection, 2, Kind.TOP_UP, "HUGE", 10**15, "missing_at_lead", day=LAST)
        seed.close_block(connection)
    return seed


def csv_of(report: ReconciliationReport) -> pd.DataFrame:
    text = io.StringIO(newline="")
    write_csv(report, text)
    return pd.read_csv(io.StringIO(text.getvalue()), dtype=str, keep_default_na=False)


def of_section(frame: pd.DataFrame, section: str, partner: str) -> pd.DataFrame:
    return frame[(frame["section"] == section) & (frame["partner"] == partner)]


class TestRefused:
    def open(self, engine: Engine, facility: str = "WLD-2016-A", days: int = 2) -> None:
        with open_report(engine, facility, FIRST, FIRST + timedelta(days=days), NOW):
            pass

    def test_dates_the_wrong_way_round(self, engine: Engine, seed: Seed) -> None:
        with pytest.raises(UsageFault, match="before it begins"):
            self.open(engine, days=-1)

    def test_a_facility_that_is_not_there(self, engine: Engine, seed: Seed) -> None:
        with pytest.raises(UsageFault, match="WLD-2016-A"):
            self.open(engine, facility="NOPE")

    def test_before_the_first_block(self, engine: Engine, seed: Seed) -> None:
        with engine.begin() as connection:
            connection.execute(delete(tables.cursor))
        with pytest.raises(ReportRefused, match="not read a block"):
            self.open(engine)

    def test_before_the_contracts_books_were_read(self, engine: Engine, seed: Seed) -> None:
        with engine.begin() as connection:
            connection.execute(update(tables.accounts).values(last_block=seed.block + 1))
        with pytest.raises(ReportRefused, match="caught up"):
            self.open(engine)

    def test_when_the_contract_has_other_books_and_by_how_much(
        self, engine: Engine, seed: Seed
    ) -> None:
        with engine.begin() as connection:
            connection.execute(
                update(tables.accounts)
                .where(tables.accounts.c.partner == 2)
                .values(contract_agreed=seed.accounts[2].agreed - 7)
            )
        with pytest.raises(ReportRefused, match=r"WLD-2016-A, wuxi: .*agreed 0\.07 CNY"):
            self.open(engine)


class TestTotals:
    def test_every_book_closes_and_equals_the_contracts(self, engine: Engine, seed: Seed) -> None:
        with open_report(engine, "WLD-2016-A", FIRST, LAST, NOW) as report:
            assert [account.partner for account in report.accounts] == list(seed.partners)
            for number, account in enumerate(report.accounts, start=1):
                books = seed.accounts[number]
                assert account.opening.lead == account.opening.partner == 0
                assert account.closing.lead == books.lead_book
                assert account.closing.partner == books.partner_book
                assert account.closing.agreed == books.agreed
                assert account.contract == account.closing
                assert dict(account.counts) == {
                    name: books.counts.get(name, 0) for name in PAIR_TYPES
                }

    def test_days_add_up_to_the_period(self, engine: Engine, seed: Seed) -> None:
        with open_report(engine, "WLD-2016-A", FIRST, LAST, NOW) as whole:
            expected = list(whole.accounts)
        before = None
        counts: dict[tuple[str, str], int] = {}
        for offset in range(3):
            day = FIRST + timedelta(days=offset)
            with open_report(engine, "WLD-2016-A", day, day, NOW) as report:
                if before is not None:
                    assert [one.opening for one in report.accounts] == before
                before = [one.closing for one in report.accounts]
                for account in report.accounts:
                    moved = sum(account.movements.values(), account.opening)
                    assert moved == account.closing
                    assert account.closing + account.after == account.contract
                    for name, count in account.counts.items():
                        counts[account.partner, name] = (
                            counts.get((account.partner, name), 0) + count
                        )
        assert before == [one.closing for one in expected]
        assert counts == {
            (one.partner, name): count for one in expected for name, count in one.counts.items()
        }

    def test_every_break_is_a_line(self, engine: Engine, seed: Seed) -> None:
        for last in (FIRST, LAST):
            with open_report(engine, "WLD-2016-A", FIRST, last, NOW) as report:
                lines = list(report.breaks())
                expected = sum(
                    account.counts[name] for account in report.accounts for name in BREAK_TYPES
                )
            assert len(lines) == len({line.number for line in lines}) == expected > 0

    def test_a_period_without_movements(self, engine: Engine, seed: Seed) -> None:
        day = FIRST - timedelta(days=30)
        with open_report(engine, "WLD-2016-A", day, day, NOW) as report:
            frame = csv_of(report)
        assert set(of_section(frame, "closing", "huarui")["lead_book"]) == {"0.00"}
        assert not len(frame[frame["section"].isin(["movement", "break"])])


class TestCsv:
    def test_pandas_reads_every_section(self, engine: Engine, seed: Seed) -> None:
        with open_report(engine, "WLD-2016-A", FIRST, LAST, NOW) as report:
            frame, accounts = csv_of(report), report.accounts
        heading = frame[frame["section"] == "report"].set_index("item")["value"]
        assert heading["block"] == str(seed.block)
        assert heading["block_hash"] == "0x" + seed.block.to_bytes(32).hex()
        assert heading["from"] == "2026-03-02"
        for account in accounts:
            moved = of_section(frame, "movement", account.partner)["agreed"].map(Decimal).sum()
            [closing] = of_section(frame, "closing", account.partner)["agreed"]
            assert Decimal(closing) == moved
            counts = of_section(frame, "count", account.partner).set_index("type")["count"]
            breaks = of_section(frame, "break", account.partner)
            for name in BREAK_TYPES:
                assert int(counts[name]) == (breaks["type"] == name).sum()

    def test_no_text_of_a_feed_becomes_a_formula(self, engine: Engine, seed: Seed) -> None:
        with open_report(engine, "WLD-2016-A", FIRST, LAST, NOW) as report:
            frame = csv_of(report)
        assert f"'{EVIL}" in set(frame["event_ref"])
        texts = frame[["event_ref", "target", "partner", "value"]].to_numpy().ravel()
        assert not [text for text in texts if text.startswith(("=", "+", "-", "@"))]


class TestWorkbook:
    @pytest.fixture
    def workbook(self, engine: Engine, seed: Seed, tmp_path: Path) -> openpyxl.Workbook:
        with open_report(engine, "WLD-2016-A", FIRST, LAST, NOW) as report:
            write_xlsx(report, tmp_path / "report.xlsx")
        return openpyxl.load_workbook(tmp_path / "report.xlsx")

    def test_its_sheets_hold_the_reports_figures(
        self, workbook: openpyxl.Workbook, seed: Seed
    ) -> None:
        assert workbook.sheetnames == ["Summary", "Movements", "Breaks", "Proof"]
        rows = list(workbook["Movements"].iter_rows(min_row=2, values_only=True))
        for number, partner in enumerate(seed.partners, start=1):
            books = seed.accounts[number]
            if partner == "wuxi":  # holds an amount beyond what a spreadsheet keeps
                continue
            [closing] = [row for row in rows if row[:2] == (partner, "closing")]
            assert [round(float(value) * 100) for value in closing[2:]] == [
                books.lead_book,
                books.partner_book,
                books.agreed,
            ]

    def test_amounts_beyond_15_digits_are_numbers_with_a_note(
        self, workbook: openpyxl.Workbook
    ) -> None:
        [huge] = [row for row in workbook["Breaks"].iter_rows() if row[3].value == "HUGE"]
        assert huge[6].value == 10**13
        assert huge[6].data_type == "n"  # what SUM adds up
        assert huge[6].comment is not None
        assert huge[6].comment.text == "Exactly 10000000000000.00"

    def test_it_is_fit_to_be_read(self, workbook: openpyxl.Workbook) -> None:
        for name in ("Movements", "Breaks"):
            sheet = workbook[name]
            assert sheet.freeze_panes == "A2"
            assert sheet.auto_filter.ref
        assert workbook["Movements"]["C2"].number_format.startswith("#,##0.00")
        assert workbook["Breaks"].column_dimensions["D"].width > 20

    def test_no_text_of_a_feed_becomes_a_formula(self, workbook: openpyxl.Workbook) -> None:
        cells = [cell for row in workbook["Breaks"].iter_rows() for cell in row]
        assert not [cell for cell in cells if cell.data_type == "f"]
        assert EVIL in [cell.value for cell in cells]

    def test_the_proof_is_0(self, workbook: openpyxl.Workbook, seed: Seed) -> None:
        rows = list(workbook["Proof"].iter_rows(values_only=True))
        differences = [row[1:4] for row in rows if str(row[0]).startswith("Difference")]
        assert differences == [(0, 0, 0)] * len(seed.partners)
        assert [row[1] for row in rows if str(row[0]).startswith("Proof")] == [0, 0, 0]


def test_a_report_stands_still_while_the_chain_goes_on(engine: Engine, seed: Seed) -> None:
    with open_report(engine, "WLD-2016-A", date.min, date.max, NOW) as report:
        expected = sum(one.counts[name] for one in report.accounts for name in BREAK_TYPES)
        with engine.begin() as connection:
            seed.pair(connection, 1, Kind.FEE, "LATE", 5, "missing_at_lead", day=FIRST)
            seed.close_block(connection)
        assert len(list(report.breaks())) == expected


def test_no_cell_of_a_runs_files_is_a_formula(seed: Seed, tmp_path: Path) -> None:
    evil = [f"{start}1+1" for start in ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")]
    with seed.engine.begin() as connection:
        for ref, status in zip(evil, ("matched", "amount") * len(evil), strict=False):
            seed.pair(connection, 1, Kind.FEE, ref, 500, status, day=FIRST)
        seed.close_block(connection)
    write_pairs(seed.engine, seed.facility, 2, tmp_path)
    write_quarantine([("=lead.csv", 2, "amount", one, "why") for one in evil], tmp_path)
    guarded = 0
    for name, texts in (
        ("matched.csv", ("partner", "event_ref")),
        ("breaks.csv", ("partner", "event_ref")),
        ("quarantine.csv", ("file", "value", "reason")),
    ):
        with (tmp_path / name).open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                for column in texts:
                    assert not row[column].startswith(tuple("=+-@\t\r＝＋－＠")), (name, row)
                    guarded += row[column].startswith("'")
    assert guarded == 3 * len(evil) + 1  # and the one that every report of this file has
