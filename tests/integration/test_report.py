"""The auditors' report: refused when it would be wrong, equal to the contract, in both formats."""

import csv
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
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
from app.locale import in_language
from app.readmodel import tables
from app.readmodel.facilities.agreed import agreed_facilities
from app.readmodel.facilities.tables import facilities
from app.readmodel.pairs.shapes import BREAK_TYPES
from app.reports.catalogue import FORMATS, REPORTS
from app.reports.model import NOT_OPENED, Cell, LinesTotal, Report, Row, RowTotal, plain
from app.reports.reconciliation import AccountReport, account_reports, reconciliation
from app.reports.reserve_statement import reserve_statement
from app.reports.run_files import write_pairs, write_quarantine
from app.reports.source import ReportRefused, Request, Source, open_source
from app.reports.write_csv import write_csv_lines
from app.reports.write_xlsx import write_xlsx
from app.verify.validators import ValidatorSet
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT

FIRST = START.date()
LAST = FIRST + timedelta(days=2)
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


@contextmanager
def opened(
    engine: Engine, first: date = FIRST, last: date = LAST, facility: str = "WLD-2016-A"
) -> Iterator[Source]:
    with open_source(engine, Request(facility=facility, first=first, last=last)) as source:
        yield source


def rows_of(report: Report, name: str) -> list[Row]:
    [section] = [one for one in report.sections if one.name == name]
    return list(section.rows())


def csv_of(report: Report) -> pd.DataFrame:
    text = io.StringIO(newline="")
    write_csv_lines(report, text)
    return pd.read_csv(io.StringIO(text.getvalue()), dtype=str, keep_default_na=False)


def of_section(frame: pd.DataFrame, section: str, partner: str) -> pd.DataFrame:
    return frame[(frame["section"] == section) & (frame["partner"] == partner)]


@pytest.mark.any_database
class TestRefused:
    def open(self, engine: Engine, facility: str = "WLD-2016-A", days: int = 2) -> None:
        with opened(engine, FIRST, FIRST + timedelta(days=days), facility) as source:
            reconciliation(source)

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
        with opened(engine) as source:
            accounts = account_reports(source)
        assert [account.partner for account in accounts] == list(seed.partners)
        for number, account in enumerate(accounts, start=1):
            books = seed.accounts[number]
            assert account.opening.lead == account.opening.partner == 0
            assert account.closing.lead == books.lead_book
            assert account.closing.partner == books.partner_book
            assert account.closing.agreed == books.agreed
            assert account.contract == account.closing
            assert dict(account.counts) == {name: books.counts.get(name, 0) for name in PAIR_TYPES}

    def test_days_add_up_to_the_period(self, engine: Engine, seed: Seed) -> None:
        with opened(engine) as source:
            expected = account_reports(source)
        before = None
        counts: dict[tuple[str, str], int] = {}
        for offset in range(3):
            day = FIRST + timedelta(days=offset)
            with opened(engine, day, day) as source:
                accounts = account_reports(source)
            if before is not None:
                assert [one.opening for one in accounts] == before
            before = [one.closing for one in accounts]
            for account in accounts:
                moved = sum(account.movements.values(), account.opening)
                assert moved == account.closing
                assert account.closing + account.after == account.contract
                for name, count in account.counts.items():
                    counts[account.partner, name] = counts.get((account.partner, name), 0) + count
        assert before == [one.closing for one in expected]
        assert counts == {
            (one.partner, name): count for one in expected for name, count in one.counts.items()
        }

    def test_every_break_is_a_line(self, engine: Engine, seed: Seed) -> None:
        for last in (FIRST, LAST):
            with opened(engine, FIRST, last) as source:
                accounts = account_reports(source)
                report = reconciliation(source)
                lines = rows_of(report, "breaks")
                aged = [row[2:7] for row in rows_of(report, "breaks_by_age")]
            expected = sum(account.counts[name] for account in accounts for name in BREAK_TYPES)
            assert len(lines) == len({tuple(line) for line in lines}) == expected > 0
            assert sum(int(str(count)) for counts in aged for count in counts) == expected

    def test_every_total_is_the_sum_of_its_lines(self, engine: Engine, seed: Seed) -> None:
        for first, last in ((FIRST, LAST), (FIRST + timedelta(days=1), LAST)):
            with opened(engine, first, last) as source:
                report = reconciliation(source)
                checked = totals_that_are_not_their_lines(report)
            assert checked == []

    def test_a_period_without_movements(self, engine: Engine, seed: Seed) -> None:
        day = FIRST - timedelta(days=30)
        with opened(engine, day, day) as source:
            frame = csv_of(reconciliation(source))
        assert set(of_section(frame, "summary", "huarui")["closing"]) == {"0.00"}
        assert not len(frame[frame["section"].isin(["movements", "breaks", "lines"])])

    def test_one_partners_account_alone(self, engine: Engine, seed: Seed) -> None:
        request = Request(facility="WLD-2016-A", first=FIRST, last=LAST, partner="wuxi")
        with open_source(engine, request) as source:
            frame = csv_of(reconciliation(source))
        assert set(frame["partner"]) == {"", "wuxi"}
        with (
            pytest.raises(UsageFault, match="huarui, wuxi, nanfeng"),
            open_source(engine, replace(request, partner="nobody")),
        ):
            pass


@pytest.mark.any_database
class TestCsv:
    def test_pandas_reads_every_section(self, engine: Engine, seed: Seed) -> None:
        with opened(engine) as source:
            accounts: Sequence[AccountReport] = account_reports(source)
            frame = csv_of(reconciliation(source))
        heading = frame[frame["section"] == "report"].set_index("item")["value"]
        assert heading["block"] == str(seed.block)
        assert heading["block_hash"] == "0x" + seed.block.to_bytes(32).hex()
        assert heading["from"] == "2026-03-02"
        for account in accounts:
            moved = of_section(frame, "movements", account.partner)["agreed"].map(Decimal).sum()
            summary = of_section(frame, "summary", account.partner).set_index("book")
            assert Decimal(str(summary["closing"]["agreed"])) == moved
            counts = of_section(frame, "pairs", account.partner).set_index("type")["count"]
            breaks = of_section(frame, "breaks", account.partner)
            for name in BREAK_TYPES:
                assert int(counts[name]) == (breaks["type"] == name).sum()

    def test_no_text_of_a_feed_becomes_a_formula(self, engine: Engine, seed: Seed) -> None:
        with opened(engine) as source:
            frame = csv_of(reconciliation(source))
        assert f"'{EVIL}" in set(frame["event_ref"])
        texts = frame[["event_ref", "target", "partner", "value"]].to_numpy().ravel()
        assert not [text for text in texts if text.startswith(("=", "+", "-", "@"))]


def number(cell: Cell) -> int:
    value = plain(cell)
    assert value is None or isinstance(value, int)
    return value or 0


def totals_that_are_not_their_lines(report: Report) -> list[tuple[str, Row]]:
    """Rows with a total that its lines, or the row's own cells, do not come to."""
    found = []
    names = {one.name: [column.name for column in one.columns] for one in report.sections}
    lines = {
        one.name: [dict(zip(names[one.name], row, strict=True)) for row in one.rows()]
        for one in report.sections
        if not one.totals
    }
    for section in report.sections:
        for row in section.rows():
            own = dict(zip(names[section.name], row, strict=True))
            for cell in row:
                if isinstance(cell, LinesTotal):
                    added = sum(
                        number(line[cell.column])
                        for line in lines[cell.section]
                        if all(line[name] == text for name, text in cell.where)
                    )
                elif isinstance(cell, RowTotal):
                    added = sum(number(own[name]) for name in cell.columns)
                else:
                    continue
                if added != cell.value:
                    found.append((section.name, row))
    return found


@pytest.mark.any_database
class TestWorkbook:
    @pytest.fixture
    def workbook(self, engine: Engine, seed: Seed, tmp_path: Path) -> openpyxl.Workbook:
        with opened(engine) as source:
            write_xlsx(reconciliation(source), tmp_path / "report.xlsx")
        return openpyxl.load_workbook(tmp_path / "report.xlsx")

    def test_its_sheets_hold_the_reports_figures(
        self, workbook: openpyxl.Workbook, engine: Engine, seed: Seed, tmp_path: Path
    ) -> None:
        assert workbook.sheetnames == [
            "Summary",
            "Proof",
            "Movements",
            "Pairs",
            "Breaks by age",
            "Resolved",
            "Breaks",
            "Lines",
        ]
        values = openpyxl.load_workbook(tmp_path / "report.xlsx", data_only=True)
        rows = list(values["Summary"].iter_rows(values_only=True))
        for number, partner in enumerate(seed.partners, start=1):
            books = seed.accounts[number]
            if partner == "wuxi":  # holds an amount beyond what a spreadsheet keeps
                continue
            closing = [row[4] for row in rows if row[0] == partner]
            assert [round(float(value) * 100) for value in closing] == [
                books.lead_book,
                books.partner_book,
                books.agreed,
            ]

    def test_totals_are_formulas_over_the_lines(self, workbook: openpyxl.Workbook) -> None:
        [row] = [
            row
            for row in workbook["Summary"].iter_rows()
            if (row[0].value, row[1].value) == ("huarui", "agreed")
        ]
        last = workbook["Lines"].max_row
        number = row[0].row
        assert row[3].value == (
            f"=SUMIFS('Lines'!$L$2:$L${last - 1},'Lines'!$A$2:$A${last - 1},\"=huarui\")"
        )
        assert row[4].value == f"=C{number}+D{number}"
        assert workbook["Lines"].cell(last, 12).value == f"=SUBTOTAL(109,L2:L{last - 1})"

    def test_amounts_beyond_15_digits_are_numbers_with_a_note(
        self, workbook: openpyxl.Workbook
    ) -> None:
        [huge] = [row for row in workbook["Breaks"].iter_rows() if row[3].value == "HUGE"]
        assert huge[7].value == 10**13
        assert huge[7].data_type == "n"  # what SUM adds up
        assert huge[7].comment is not None
        assert huge[7].comment.text == "Exactly 10000000000000.00"

    def test_it_is_fit_to_be_read(self, workbook: openpyxl.Workbook) -> None:
        for name in ("Movements", "Breaks"):
            sheet = workbook[name]
            assert sheet.freeze_panes == "A2"
            assert sheet.auto_filter.ref
        assert workbook["Movements"]["C2"].number_format.startswith("#,##0.00")
        assert workbook["Breaks"].column_dimensions["D"].width > 20

    def test_dates_and_times_are_typed(self, workbook: openpyxl.Workbook, seed: Seed) -> None:
        rows = workbook["Breaks"].iter_rows(min_row=2, values_only=True)
        [row] = [row for row in rows if row[3] == EVIL]
        assert row[11] == datetime.combine(FIRST, datetime.min.time())
        posted = datetime.fromtimestamp(seed.now - 1, UTC).replace(tzinfo=None)
        assert row[13] == posted

    def test_no_text_of_a_feed_becomes_a_formula(self, workbook: openpyxl.Workbook) -> None:
        cells = [cell for row in workbook["Breaks"].iter_rows() for cell in row]
        assert not [cell for cell in cells if cell.data_type == "f"]
        assert EVIL in [cell.value for cell in cells]

    def test_the_proof_is_0(self, workbook: openpyxl.Workbook, seed: Seed) -> None:
        proof = [row[5] for row in workbook["Proof"].iter_rows(min_row=2, values_only=True)]
        assert proof == [0, 0, 0]
        rows = workbook["Summary"].iter_rows(values_only=True)
        assert [row[7] for row in rows if row[0] in seed.partners] == [0] * 9


def test_a_report_says_who_vouches_for_its_blocks(engine: Engine, seed: Seed) -> None:
    """Of a chain that nobody seals it looked the same as of one that validators vouch for."""
    words = []
    for validators in (None, ValidatorSet(frozenset({bytes(20)})).to_text()):
        with engine.begin() as connection:
            connection.execute(update(tables.cursor).values(validators=validators))
        with opened(engine) as source:
            words.append(dict(reconciliation(source).parameters)["vouched_by"])
    assert words[0].startswith("nobody:") and words[1].startswith("seals of")


@pytest.mark.any_database
def test_a_report_of_a_period_that_is_not_over_says_so(
    engine: Engine, seed: Seed, tmp_path: Path
) -> None:
    """In its title and its parameters, in every format, so that nobody files it as final."""
    with engine.connect() as connection:
        [terms] = agreed_facilities(connection, facilities.c.number == 1)
    today = terms.terms.calendar.business_day(datetime.fromtimestamp(seed.now, UTC))
    for last, is_over in ((today - 1, True), (today, False), (date.max.toordinal(), False)):
        with opened(engine, date.min, date.fromordinal(last)) as source:
            for make in REPORTS.values():
                made = make(source)
                assert ("provisional" in dict(made.parameters)) is not is_over
                assert ("(provisional)" in made.title) is not is_over
            for format_ in FORMATS.values():
                format_.write(reserve_statement(source), tmp_path / "report")
                octets = (tmp_path / "report").read_bytes()
                if format_.name in ("csv", "json"):
                    assert (b"was not over at this block" in octets) is not is_over
    with opened(engine, date.min, date.fromordinal(today)) as source, in_language("zh-Hans"):
        assert "暂定" in reconciliation(source).title


def test_a_report_stands_still_while_the_chain_goes_on(engine: Engine, seed: Seed) -> None:
    with opened(engine, date.min, date.max) as source:
        counts = [one.counts for one in account_reports(source)]
        expected = sum(one[name] for one in counts for name in BREAK_TYPES)
        with engine.begin() as connection:
            seed.pair(connection, 1, Kind.FEE, "LATE", 5, "missing_at_lead", day=FIRST)
            seed.close_block(connection)
        assert len(rows_of(reconciliation(source), "breaks")) == expected


@pytest.mark.any_database
@pytest.mark.parametrize("name", FORMATS)
def test_the_same_report_is_the_same_bytes(
    engine: Engine, seed: Seed, tmp_path: Path, name: str
) -> None:
    written = []
    for number in range(2):
        with opened(engine) as source:
            FORMATS[name].write(reconciliation(source), tmp_path / str(number))
        written.append((tmp_path / str(number)).read_bytes())
        os.utime(tmp_path / str(number), (0, 0))
    assert written[0] == written[1]


@pytest.mark.any_database
def test_what_is_not_opened_is_marked(engine: Engine, seed: Seed) -> None:
    """A node that may not open the details: no name is blank, and the references stand there."""
    with engine.begin() as connection:
        connection.execute(update(tables.pairs).values(event_ref=None))
        connection.execute(update(tables.rejections).values(event_ref=None))
    with opened(engine) as source:
        frame = csv_of(reconciliation(source))
    rows = frame[frame["section"].isin(["lines", "breaks"])]
    assert len(rows)
    assert set(rows["event_ref"]) == {NOT_OPENED}
    assert all(rows["reference"])


@pytest.mark.any_database
def test_no_cell_of_a_runs_files_is_a_formula(seed: Seed, tmp_path: Path) -> None:
    evil = [f"{start}1+1" for start in ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")]
    with seed.engine.begin() as connection:
        for ref, status in zip(evil, ("matched", "amount") * len(evil), strict=False):
            seed.pair(connection, 1, Kind.FEE, ref, 500, status, day=FIRST)
        seed.close_block(connection)
    write_pairs(seed.engine, seed.facility, tmp_path)
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
