"""`tally balances`, `tally breaks` and `tally report` on a bank's database."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.text import Text
from sqlalchemy import update
from typer import Typer
from typer.testing import CliRunner, Result

from app.cli.balances import balances
from app.cli.breaks import breaks
from app.cli.report import report
from app.cli.shared.reading import rows_in_words, table
from app.db.engine import create
from app.domain.errors import ConfigFault, TallyError, UsageFault
from app.domain.kinds import Kind
from app.readmodel import tables
from app.reports.catalogue import REPORTS
from app.reports.source import ReportRefused
from tests.integration.quarantining import quarantine_amount
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT

PERIOD = ("--from", "2026-03-02", "--to", "2026-03-04")


@pytest.fixture
def seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Seed]:
    """A bank's folder, which is the current one, with its bank.toml and database."""
    monkeypatch.chdir(tmp_path)
    Path("bank.toml").write_text(
        'name = "webank"\nkeys = "keys"\ndatabase_url = "sqlite:///node.db"\n'
        'manifest = "network.json"\nrpc = "http://127.0.0.1:1"\ninbox = "inbox"\n'
    )
    engine = create(f"sqlite:///{tmp_path / 'node.db'}", vault=VAULT)
    seed = Seed(engine)
    seed.fill(60)
    with engine.begin() as connection:
        seed.pair(connection, 1, Kind.FEE, "[bold]X", 500, "amount", day=START.date())
        seed.close_block(connection)
    yield seed
    engine.dispose()


def run(*arguments: str, fails: type[TallyError] | None = None) -> Result:
    cli = Typer(pretty_exceptions_enable=False)
    cli.command()(balances)
    cli.add_typer(report, name="report")
    cli.add_typer(breaks, name="breaks")
    result = CliRunner().invoke(cli, arguments)
    if fails is None:
        assert result.exit_code == 0, result.output
    else:
        assert isinstance(result.exception, fails), result.output
    return result


class TestBalances:
    def test_bad_input(self, seed: Seed) -> None:
        run("balances", "--facility", "NOPE", fails=UsageFault)
        run("balances", "--config", "nowhere.toml", fails=ConfigFault)

    def test_a_table_for_people(self, seed: Seed) -> None:
        output = run("balances").output
        assert all(partner in output for partner in seed.partners)
        assert "proof" in output
        assert f"as of block {seed.block}" in output

    def test_json_for_programs(self, seed: Seed) -> None:
        body = json.loads(run("balances", "--json", "--partner", "wuxi").stdout)
        [account] = body["items"]
        assert account["partner"] == "wuxi"
        assert account["proof"] == "0.00"
        assert body["as_of"]["block"] == seed.block


class TestWords:
    """Where a table does not fit the terminal, no cell is cut."""

    def test_each_cell_with_the_name_of_its_column(self) -> None:
        made = table("number", "event", numbers=("lead", "partner"))
        made.add_row("1", "L-" + "7" * 20, "10.00", Text("-"))
        made.add_row("2", "[bold]", "", "12.00")
        first, second = (one.plain for one in rows_in_words(made, 40))
        assert first == f"number 1  event L-{'7' * 20}\n  lead 10.00  partner -"
        assert second == "number 2  event [bold]  partner 12.00"

    def test_lines_are_no_longer_than_the_terminal(self) -> None:
        made = table(*(f"column {number}" for number in range(12)))
        made.add_row(*("x" * number for number in range(12)))
        [row] = rows_in_words(made, 30)
        assert all(len(line) <= 30 for line in row.plain.splitlines())


class TestBreaks:
    def test_a_partner_that_nobody_knows(self, seed: Seed) -> None:
        run("breaks", "--partner", "nobody", fails=UsageFault)
        run("balances", "--partner", "nobody", fails=UsageFault)

    def test_a_table_with_what_feeds_wrote_as_they_wrote_it(self, seed: Seed) -> None:
        assert "[bold]X" in run("breaks", "--text", "[BOLD]").output

    def test_filters_and_limit(self, seed: Seed) -> None:
        everything = json.loads(run("breaks", "--json", "--limit", "1000").stdout)["items"]
        amounts = [one for one in everything if one["type"] == "amount"]
        found = json.loads(run("breaks", "--json", "--type", "amount").stdout)["items"]
        assert found == amounts
        assert "there are more" in run("breaks", "--limit", "1").output

    def test_a_type_that_is_none(self, seed: Seed) -> None:
        result = CliRunner().invoke(breaks, ["--type", "matched"])
        assert result.exit_code == 2
        assert "missing_at_lead" in result.output


class TestReport:
    @pytest.mark.parametrize("name", REPORTS)
    def test_none_needs_the_storage_key(self, seed: Seed, name: str) -> None:
        """Also where rows wait in the quarantine: what is encrypted of them is in no report."""
        with seed.engine.begin() as connection:
            quarantine_amount(connection, "march.csv", b"1e3")
        written = run(
            "report", name, "--facility", "WLD-2016-A", *PERIOD, "--format", "csv", "--out", "-"
        ).stdout
        assert ("march.csv" in written) == (name == "exceptions")

    def test_bad_input(self, seed: Seed) -> None:
        run("report", "--facility", "NOPE", *PERIOD, fails=UsageFault)
        run("report", "--facility", "WLD-2016-A", *PERIOD, "--out", "-", fails=UsageFault)
        run("report", "--facility", "WLD-2016-A", *PERIOD, "--out", "no/x.csv", fails=UsageFault)
        for wrong in ("2026-02-30", "yesterday"):
            arguments = ["--facility", "WLD-2016-A", "--from", wrong, "--to", "2026-03-02"]
            assert CliRunner().invoke(report, arguments).exit_code == 2

    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_it_is_written_whole_or_not_at_all(self, seed: Seed, kind: str) -> None:
        arguments = ("report", "--facility", "WLD-2016-A", *PERIOD, "--format", kind)
        name = f"reconciliation_WLD-2016-A_2026-03-02_2026-03-04.{kind}"
        assert name in run(*arguments).output
        whole = Path(name).read_bytes()
        assert whole.startswith(b"\xef\xbb\xbfsection," if kind == "csv" else b"PK")
        with seed.engine.begin() as connection:
            connection.execute(update(tables.accounts).values(contract_lead_book=1))
        run(*arguments, fails=ReportRefused)
        assert Path(name).read_bytes() == whole
        assert sorted(path.name for path in Path().glob("*WLD*")) == [name]

    def test_csv_on_standard_output(self, seed: Seed) -> None:
        output = run(
            "report", "--facility", "WLD-2016-A", *PERIOD, "--format", "csv", "--out", "-"
        ).stdout_bytes.decode("utf-8-sig")
        assert output.startswith("section,")
        assert "\r\n" not in output
