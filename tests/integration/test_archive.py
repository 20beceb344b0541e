"""Closed days leave the tables for an archive, and nobody who reads or writes sees a difference."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import and_, func, select
from typer.testing import CliRunner

from app.actions.grants import GrantDetails, own_batch_keys
from app.archive import move, run
from app.archive.choose import Choice
from app.cli.archive import archive
from app.domain.errors import StorageFault
from app.indexer.rebuild import digest, rebuild
from app.intake.tables import events
from app.outbox.archived import archived_calldata, take_back_calldata
from app.outbox.tables import batches
from app.readmodel.accounts.movement_lines import movement_lines
from app.readmodel.accounts.movements_as_of import movements_as_of, open_items_as_of
from app.readmodel.accounts.principal import drawn_principal
from app.readmodel.archive import files
from app.readmodel.archive.tables import archived_pairs, archives
from app.readmodel.days.queries import carried_forward, day_records
from app.readmodel.directory import directory
from app.readmodel.pairs import queries
from app.readmodel.pairs.tables import pairs
from app.readmodel.tables import incidents
from app.reports.certificate import pair_certificate
from app.reports.run_files import write_pairs
from tests.every_pair import every_pair
from tests.integration.archiving import (
    FIRST,
    MATCHED,
    OPEN,
    PARTNER,
    TODAY,
    Closed,
    close_days,
)
from tests.integration.posting import FACILITY, LEAD, PARTNERS, Net


@pytest.fixture
def closed(net: Net, database_url: str, tmp_path: Path) -> Closed:
    return close_days(net, database_url, tmp_path)


def shown(closed: Closed, folder: Path) -> dict[str, Any]:
    """What readers are shown of pairs, by every way that there is."""
    engine = closed.lead.engine
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    write_pairs(engine, FACILITY, folder)
    long_ago = TODAY - timedelta(days=100)
    with engine.connect() as connection:
        names = directory(connection)
        facility = names.facility(FACILITY)
        assert facility is not None
        at = closed.count(select(func.max(pairs.c.first_posted_at)))
        number = facility.number
        first = queries.pairs(connection, limit=10)
        second = queries.pairs(connection, limit=10, before=first.following)
        return {
            "digest": digest(engine),
            "matched.csv": (folder / "matched.csv").read_bytes(),
            "breaks.csv": (folder / "breaks.csv").read_bytes(),
            "stream": list(every_pair(connection)),
            "pages": (first, second),
            "one": queries.pair(connection, 3),
            "legs": queries.legs(connection, limit=1000),
            "amount": queries.legs(connection, queries.Filter(amounts={number: 100_00})),
            "text": queries.legs(connection, queries.Filter(text="up1")),
            "matches": queries.matches(connection, limit=1000),
            "lines": list(movement_lines(connection, facility, 1, long_ago, TODAY)),
            "lines then": list(movement_lines(connection, facility, 1, long_ago, TODAY, at - 1)),
            "then": movements_as_of(connection, facility, facility.partners, long_ago, TODAY, at),
            "open then": open_items_as_of(connection, number, at - 1),
            "drawn": drawn_principal(connection, facility, TODAY, None),
            "carried": [carried_forward(connection, one) for one in day_records(connection)],
            "certificates": [
                pair_certificate(connection, one) for one in first.items if one.type == "matched"
            ],
            "granted": own_batch_keys(
                closed.lead.view, GrantDetails(FACILITY, PARTNER, long_ago, TODAY)
            ),
        }


def only_closed_days_are_chosen(closed: Closed) -> None:
    later = TODAY + timedelta(days=3)
    found = run.plan(closed.lead.engine, FACILITY, later)
    assert sum(month.pairs for month in found.months) == MATCHED
    assert all("closed through" in why for why in found.held_back) and found.held_back
    early = TODAY + timedelta(days=FIRST + 2)
    (month,) = run.plan(closed.lead.engine, FACILITY, early).months
    assert month.pairs in (4, 6), "a day's rows more before the bank's midnight"


def a_changed_file_is_named(closed: Closed, tmp_path: Path) -> None:
    path = next((tmp_path / "archive").rglob(files.PAIRS))
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    assert any(str(path) in fault for fault in closed.faults())
    with closed.lead.engine.connect() as connection, pytest.raises(StorageFault) as fault:
        list(every_pair(connection))
    assert fault.value.where == str(path)
    path.unlink()
    assert any(str(path) in fault for fault in closed.faults())
    path.write_bytes(whole)
    # A folder that was moved as a whole is found again.
    (tmp_path / "archive").rename(tmp_path / "elsewhere")
    assert closed.faults()
    run.find_moved(closed.lead.engine, tmp_path / "elsewhere")
    assert closed.faults() == []


def test_everything_is_shown_as_before_wherever_a_run_was_cut_short(
    closed: Closed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_closed_days_are_chosen(closed)
    before = shown(closed, tmp_path / "out")
    rows = closed.in_table()
    assert before["matched.csv"].count(b"\n") == 1 + MATCHED
    reference = closed.net.rows(
        closed.lead, select(pairs.c.ref, pairs.c.number).where(pairs.c.status == "matched").limit(1)
    )[0]

    def cut_short(where: Any, name: str, after: int = 0) -> None:
        """Die in a function, at its call after so many."""
        calls = iter(range(1_000))
        whole: Callable[..., Any] = getattr(where, name)

        def dying(*arguments: Any, **named: Any) -> Any:
            if next(calls) == after:
                raise KeyboardInterrupt
            return whole(*arguments, **named)

        with monkeypatch.context() as patch:
            patch.setattr(where, name, dying)
            with pytest.raises(KeyboardInterrupt):
                closed.archive()
        assert shown(closed, tmp_path / "out") == before
        assert closed.faults() == []

    monkeypatch.setattr(move, "_ROWS_A_TRANSACTION", 7)
    for where, name in ((run, "write_folder"), (run, "put_in_place"), (run, "move")):
        cut_short(where, name)
    assert closed.in_table() == rows
    cut_short(move, "_pairs", 2)
    assert rows - 14 == closed.in_table()
    cut_short(move, "_batches")
    cut_short(move, "_events")

    done = closed.archive()
    assert len(closed.net.rows(closed.lead, select(archives.c.id))) >= 2
    assert all(folder.is_dir() for folder in (one.folder for one in done))
    assert closed.in_table() == OPEN
    assert closed.count(select(func.count()).select_from(archived_pairs)) == rows - OPEN
    assert closed.archive() == [], "there is nothing left"
    assert shown(closed, tmp_path / "out") == before
    assert closed.faults() == []
    with closed.lead.engine.connect() as connection:
        of_ref = queries.Filter(references=[reference.ref])
        (found,) = queries.pairs(connection, of_ref).items
        assert found.number == reference.number
        assert len(queries.legs(connection, of_ref).items) == 2
    a_changed_file_is_named(closed, tmp_path)


def test_what_was_archived_is_taken_once(
    closed: Closed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead, net = closed.lead, closed.net
    sizes = {
        "details": select(func.count()).where(events.c.details.is_not(None)),
        "calldata": select(func.count()).where(batches.c.calldata != b""),
    }
    kept = {row.id: row.calldata for row in net.rows(lead, select(batches))}
    closed.archive()
    assert closed.count(sizes["calldata"]) == 1 < len(kept)
    assert closed.count(sizes["details"]) == 1, "of the break, which is worked on"
    with lead.engine.begin() as connection:
        gone = [row.id for row in net.rows(lead, select(batches)) if not row.calldata]
        assert gone
        found = dict(archived_calldata(connection, 1, gone))
        assert found == {one: kept[one] for one in gone}
        take_back_calldata(connection, 1, kept)
    assert {row.id: row.calldata for row in net.rows(lead, select(batches))} == kept

    # The same event is a duplicate; the same leg under another id is refused by the contract.
    same = net.rows(lead, select(events).where(events.c.event_id == "Stop_up1"))[0]
    path = net.root / "again.csv"
    path.write_text(
        "event_id,facility,event_ref,kind,amount,currency,value_date,booked_at,partner\n"
        f"Stop_up1,{FACILITY},Stop_up1,top_up,100.00,CNY,"
        f"{date.fromordinal(same.value_day)},{same.booked_at},{PARTNER}\n"
        f"other,{FACILITY},Stop_up1,top_up,100.00,CNY,"
        f"{date.fromordinal(same.value_day)},{same.booked_at},{PARTNER}\n"
    )
    taken = lead.intakes.take_in(FACILITY, path, lambda _: None, lambda _: None)
    assert (taken.duplicate, taken.accepted) == (1, 1)
    net.drain(lead)
    net.catch_up(lead)
    assert net.account(lead).counts["duplicate_at_lead"] == 1

    # A reversal brings its pair back into the table.
    assert closed.count(select(func.count()).where(pairs.c.lead_reversed)) == 0
    for name, partner in ((LEAD, PARTNER), (PARTNER, "")):
        undone = f"undone,undone,reversal,top_up/Stop_up2,{partner}"
        assert closed.post(name, undone).accepted == 1
    (pair,) = net.rows(lead, select(pairs).where(pairs.c.lead_reversed))
    assert (pair.event_ref, pair.partner_reversed) == ("Stop_up2", True)
    # One of its pairs is in the table, the other in the archive.
    assert closed.post(LEAD, "no-loan,no-loan,reversal,drawdown/both,").accepted == 1
    both = net.rows(lead, select(pairs).where(pairs.c.event_ref == "both"))
    assert [row.lead_reversed for row in both] == [True, True]
    assert not net.rows(lead, select(incidents))
    assert net.account(lead, PARTNERS[1]).proof == 0
    assert net.account(lead).proof == 0
    assert closed.faults() == []

    # The chain alone says the same.
    now = digest(lead.engine)
    there = shown(closed, tmp_path / "out")
    rebuild(lead.follower.indexer)
    assert digest(lead.engine) == now
    assert closed.count(select(func.count()).select_from(archived_pairs)) == 0
    assert shown(closed, tmp_path / "out") == there
    assert closed.faults() == []
    config = ("--config", str(net.folder.config(LEAD)))
    chosen = ("--facility", FACILITY, "--before", closed.before.isoformat())
    planned = CliRunner().invoke(archive, [*config, *chosen, "--dry-run"])
    assert planned.exit_code == 0 and " pairs\n" in planned.stdout, planned
    assert closed.count(select(func.count()).select_from(archived_pairs)) == 0
    # What is archived later of days that were archived before, as a pair that was matched late.
    eligible = Choice.eligible
    with monkeypatch.context() as patch:
        patch.setattr(Choice, "eligible", lambda one: and_(eligible(one), pairs.c.number % 2 == 0))
        closed.archive()
    done = CliRunner().invoke(archive, [*config, *chosen])
    assert done.exit_code == 0, done.output
    assert closed.count(select(func.count()).select_from(archived_pairs)) > 0
    assert shown(closed, tmp_path / "out") == there
    checked = CliRunner().invoke(archive, ["verify", *config])
    assert checked.exit_code == 0 and "WRONG" not in checked.stdout, checked.output
