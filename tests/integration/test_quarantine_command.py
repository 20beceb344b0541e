"""`tally quarantine`, on a bank's database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from app.cli.quarantine import quarantine
from app.db.engine import create
from app.db.vault import Vault
from app.domain.errors import UsageFault
from app.intake.facilities import Intakes
from app.keys.keystore import STORAGE, create_keys
from app.keys.versions import KeyVersions
from app.logs import configure_logs
from tests.integration.seeded import Seed

HEADER = "event_id,facility,event_ref,kind,amount,currency,value_date,booked_at,memo\n"
LINE = "{},WLD-2016-A,R-{},principal,{},CNY,2026-03-02,2026-03-02T09:15:00+08:00,{}\n"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A bank's folder, which is the current one, with three quarantined rows of a GBK file."""
    configure_logs()
    monkeypatch.chdir(tmp_path)
    Path("bank.toml").write_text(
        'name = "webank"\nkeys = "keys"\ndatabase_url = "sqlite:///node.db"\n'
        'manifest = "network.json"\nrpc = "http://127.0.0.1:1"\ninbox = "inbox"\n'
        "development = true\n"
    )
    create_keys(tmp_path / "keys", development=True)
    vault = Vault(KeyVersions(tmp_path / "keys", STORAGE, development=True))
    engine = create(f"sqlite:///{tmp_path / 'node.db'}", vault=vault)
    Seed(engine)
    lines = [("E-1", "1", "1,00", "x"), ("E-2", "2", "2.00", "还款"), ("E-3", "3", "0", "[b]")]
    Path("feed.csv").write_bytes(
        (HEADER + "".join(LINE.format(*line) for line in lines))
        .replace("1,00", "-1")
        .encode("gb18030")
    )
    intakes = Intakes(engine, "webank", is_behind=lambda: False)
    intakes.take_in("WLD-2016-A", Path("feed.csv"), lambda rows: None, lambda text: None)
    yield engine
    engine.dispose()


def run(*arguments: str, exits: int = 0) -> Result:
    result = CliRunner().invoke(quarantine, arguments)
    assert result.exit_code == exits, result.output
    return result


def items(*arguments: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run("list", "--json", *arguments).stdout)["items"]
    return found


@pytest.mark.usefixtures("engine")
def test_rows_are_mended_read_again_and_replayed() -> None:
    assert [one["field"] for one in items()] == ["amount", "memo", "amount"]
    assert "feed.csv" in run("list").stdout
    third, second, first = (str(one["number"]) for one in items())
    feed = str(items()[0]["feed_id"])

    assert "ready" in run("mend", first, "amount=1.00").stdout
    run("mend", third, "amount=x", exits=1)
    Path("values.json").write_text('{"amount": "3.00", "memo": null}')
    shown = json.loads(run("mend", third, "--values", "values.json", "--json").stdout)
    assert "memo" not in shown["columns"]
    assert shown["steps"][-1]["by"].endswith("(command line)")

    assert "1 rows ready, 0 faulty" in run("reread", feed, "--encoding", "gb18030").stdout
    assert "还款" in run("show", second).stdout
    assert "3 accepted, 0 duplicate, 0 faulty" in run("replay", "--feed", feed).stdout
    assert items() == []
    assert [one["status"] for one in items("--replayed")] == ["accepted"] * 3
    assert "no row" in run("list").output


@pytest.mark.usefixtures("engine")
def test_rows_are_dismissed_and_restored() -> None:
    third, second, first = (str(one["number"]) for one in items())
    said = run("dismiss", first, second, "--why", "rows of a test").stdout
    assert "2 rows dismissed" in said
    assert [str(one["number"]) for one in items()] == [third]
    assert [str(one["number"]) for one in items("--dismissed")] == [second, first]
    shown = run("show", first).stdout
    assert "dismissed by" in shown
    assert "rows of a test" in shown
    assert "1 rows wait again" in run("restore", first, "--why", "it is real").stdout
    assert "2 rows dismissed" in run("dismiss", "--field", "amount", "--why", "no").stdout
    assert items() == []


@pytest.mark.usefixtures("engine")
def test_those_that_stay_faulty_are_an_exit_code() -> None:
    assert (
        "0 accepted, 0 duplicate, 3 faulty"
        in run("replay", "--facility", "WLD-2016-A", exits=1).stdout
    )
    run("reread", "1", "--encoding", "big5")


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    "arguments",
    [
        ("replay",),
        ("replay", "99"),
        ("show", "99"),
        ("mend", "1"),
        ("mend", "1", "amount"),
        ("mend", "1", "colour=red"),
        ("mend", "1", "--values", "nowhere.json"),
        ("mend", "1", "--values", "bank.toml"),
        ("reread", "99", "--encoding", "big5"),
        ("dismiss", "--why", "all"),
        ("dismiss", "99", "--why", "x"),
        ("dismiss", "1", "--why", " "),
        ("restore", "1", "--why", "it was not dismissed"),
    ],
)
def test_what_is_asked_wrongly_is_refused(arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(quarantine, arguments)
    assert isinstance(result.exception, UsageFault), result.output
