"""Commands that nobody sits before say what to do, and ask nobody."""

import warnings
from pathlib import Path

import typer
from typer.testing import CliRunner

from app.cli.feed import feed
from app.cli.shared.confirmation import confirm_always
from app.cli.sign_in import sign_in
from app.domain.errors import UsageFault
from tests.feeds import facility_text


def test_what_must_be_confirmed_names_the_option() -> None:
    cli = typer.Typer()

    @cli.command()
    def propose(yes: bool = False) -> None:
        confirm_always(yes, "Propose it?")

    refused = CliRunner().invoke(cli, []).exception
    assert isinstance(refused, UsageFault) and "--yes" in refused.remedy
    assert CliRunner().invoke(cli, ["--yes"]).exit_code == 0
    assert CliRunner().invoke(cli, [], input="y\n").exit_code == 0
    assert CliRunner().invoke(cli, [], input="n\n").exit_code == 1


def test_signing_in_needs_a_terminal_and_warns_of_nothing() -> None:
    cli = typer.Typer()
    cli.command()(sign_in)
    for more in ([], ["--code"]):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            asked = CliRunner().invoke(cli, ["li.ying", "--node", "http://127.0.0.1:1", *more])
        assert isinstance(asked.exception, UsageFault) and "terminal" in asked.exception.remedy


def test_a_feed_that_was_looked_at_as_the_leads_says_so(tmp_path: Path) -> None:
    """A partner's own feed lacks what only the lead's rows name."""
    terms, rows = tmp_path / "facility.toml", tmp_path / "feed.csv"
    terms.write_text(facility_text("WLD-2016-A", "webank", "huarui"))
    rows.write_text("event_id,facility,event_ref,kind,amount,currency,value_date,booked_at\n1\n")
    told = CliRunner().invoke(feed, ["check", str(rows), "--facility", str(terms)])
    assert told.exit_code == 1
    assert "as a feed of webank, the lead; --as for huarui" in told.stderr
    as_partner = ["check", str(rows), "--facility", str(terms), "--as", "huarui"]
    assert "the lead" not in CliRunner().invoke(feed, as_partner).stderr
