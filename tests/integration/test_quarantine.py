"""Quarantined rows are seen, mended, read again in another encoding and replayed; nothing is booked
twice, and nothing that was accepted is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from app.db.engine import create, upgrade
from app.db.reseal import reseal
from app.db.vault import Vault
from app.domain.errors import UsageFault
from app.domain.events import Quarantined
from app.intake import accept, json_values
from app.intake.accept import Intake
from app.intake.quarantine.dismiss import dismiss, restore
from app.intake.quarantine.mend import mend, reread
from app.intake.quarantine.queries import (
    DISMISSED,
    RowInFull,
    Selection,
    quarantined,
    row_in_full,
)
from app.intake.quarantine.replay import Replayed, replay
from app.intake.reader import open_feed
from app.intake.results import FeedResult
from app.intake.store import EventStore
from app.intake.tables import events, feeds, quarantine, quarantine_steps
from app.intake.validation import Validator
from tests.feeds import FACILITY, HEADER, LINE, csv_bytes, json_bytes, row
from tests.integration.vaults import VAULT

TODAY = datetime(2026, 3, 15, 12, tzinfo=UTC)
BY = "key 0f3a5c7e9b1d (treasury)"


@dataclass
class Bank:
    engine: Engine
    folder: Path

    def intake(self, _facility: str = "F-1") -> Intake:
        return Intake(EventStore(self.engine), Validator(FACILITY, "lead"), clock=lambda: TODAY)

    def submit(self, octets: bytes) -> FeedResult:
        path = self.folder / "feed"
        path.write_bytes(octets)
        with open_feed(path, FACILITY, "lead") as rows:
            return self.intake().submit(rows, path.name, "file", header=rows.header)

    def waiting(self, **where: Any) -> list[Any]:
        """Oldest first."""
        with self.engine.connect() as connection:
            return quarantined(connection, Selection(**where), 1_000, None).items[::-1]

    def show(self, number: int) -> RowInFull:
        with self.engine.connect() as connection:
            return row_in_full(connection, number)

    def mend(self, number: int, **values: str | None) -> RowInFull:
        return mend(self.engine, self.intake, number, values, BY)

    def replay(self, **where: Any) -> tuple[int, int, int]:
        done = replay(self.engine, self.intake, Selection(**where), BY)
        return done.accepted, done.duplicate, done.faulty

    def events(self) -> list[str]:
        with self.engine.connect() as connection:
            query = select(events.c.event_id).order_by(events.c.id)
            return list(connection.execute(query).scalars())

    def sums(self) -> list[tuple[int, ...]]:
        """Of each feed: rows in, accepted, duplicate, quarantined, replayed."""
        names = ("rows_in", "accepted", "duplicate", "quarantined", "replayed")
        with self.engine.connect() as connection:
            query = select(*(feeds.c[name] for name in names)).order_by(feeds.c.id)
            return [tuple(found) for found in connection.execute(query)]


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    engine = create(f"sqlite:///{tmp_path / 'bank.sqlite'}", vault=VAULT)
    upgrade(engine)
    yield Bank(engine, tmp_path)
    engine.dispose()


def test_a_row_is_mended_and_replayed_on_either_database(database_url: str, tmp_path: Path) -> None:
    engine = create(database_url, vault=VAULT)
    upgrade(engine)
    bank = Bank(engine, tmp_path)
    bank.submit(csv_bytes([row(), row("E2", amount="12,50", memo="还款"), row("E3")]))
    (line,) = bank.waiting()
    assert (line.row, line.field, line.value, line.status) == (3, "amount", "12,50", "faulty")
    assert bank.sums() == [(3, 2, 0, 1, 0)]

    found = bank.mend(line.number, amount="12.50")
    assert (found.row.status, found.row.reason) == ("ready", "")
    assert found.text == csv_bytes([row("E2", amount="12,50", memo="还款")]).decode().split("\n")[1]
    assert found.columns["amount"] == "12.50"
    assert found.columns["memo"] == "还款"
    assert bank.events() == ["E1", "E3"]

    assert bank.replay(numbers=[line.number]) == (1, 0, 0)
    assert bank.events() == ["E1", "E3", "E2"]
    assert bank.sums() == [(3, 3, 0, 0, 1)]
    assert bank.waiting() == []
    mended, replayed = bank.show(line.number).steps
    assert (mended.step, mended.by, mended.status) == ("mended", BY, "ready")
    assert {name: (one.was, one.now) for name, one in mended.changes.items()} == {
        "amount": ("12,50", "12.50")
    }
    assert (replayed.step, replayed.status, replayed.changes) == ("replayed", "accepted", {})
    with pytest.raises(UsageFault, match="does not wait"):
        bank.replay(numbers=[line.number])
    with pytest.raises(UsageFault, match="does not wait"):
        bank.mend(line.number, amount="13.00")
    engine.dispose()


def test_a_mended_row_goes_through_the_same_validation(bank: Bank) -> None:
    bank.submit(csv_bytes([row(amount="x", kind="nonsense")]))
    (line,) = bank.waiting()
    for values, field in (
        ({"amount": "1.00"}, "kind"),
        ({"kind": "drawdown", "amount": "1.001"}, "amount"),
        ({"amount": "1.00", "partner": "nobody"}, "partner"),
        ({"partner": None, "facility": "F-2"}, "facility"),
        ({"facility": "F-1", "memo": "\ud800"}, "memo"),
        ({"memo": None, "event_ref": "R\u200b"}, "event_ref"),
    ):
        found = bank.mend(line.number, **values)
        assert (found.row.status, found.row.field) == ("faulty", field)
        assert bank.replay(numbers=[line.number]) == (0, 0, 1)
    assert bank.mend(line.number, event_ref="R1").row.status == "ready"
    assert bank.events() == []
    assert len(bank.show(line.number).steps) == 13


@pytest.mark.parametrize("values", [{}, {"colour": "red"}, {"row": "1"}])
def test_what_is_no_column_is_refused(bank: Bank, values: dict[str, str]) -> None:
    bank.submit(csv_bytes([row(amount="x")]))
    with pytest.raises(UsageFault, match="column"):
        bank.mend(1, **values)


def test_numbers_that_nobody_has_are_refused(bank: Bank) -> None:
    with pytest.raises(UsageFault, match="number 7"):
        bank.mend(7, amount="1.00")
    with pytest.raises(UsageFault, match="row 7"):
        bank.replay(numbers=[7])
    with pytest.raises(UsageFault, match="no feed"):
        reread(bank.engine, bank.intake, 7, "gb18030", BY)
    with pytest.raises(UsageFault, match="no encoding"):
        reread(bank.engine, bank.intake, 7, "utf-7", BY)


def test_a_file_is_read_again_in_its_own_encoding(bank: Bank) -> None:
    rows = [
        row(),
        row("E2", memo="系统还款"),
        row("E3", memo="系"),
        row("E4", memo="x", amount="-"),
    ]
    octets = csv_bytes(rows).decode().encode("gb18030")
    result = bank.submit(octets)
    assert (result.accepted, result.quarantined) == (1, 3)
    # Whose bytes happen to be UTF-8, too: without its encoding it is not taken.
    assert bank.replay(feed_id=result.feed_id) == (0, 0, 3)
    assert bank.events() == ["E1"]

    done = reread(bank.engine, bank.intake, result.feed_id, "gb18030", BY)
    assert (done.ready, done.faulty, done.following) == (2, 0, None)
    line = next(one for one in bank.waiting() if one.row == 3)
    shown = bank.show(line.number)
    assert shown.columns["memo"] == "系统还款"
    (_, read_again) = shown.steps
    assert (read_again.step, read_again.encoding) == ("reread", "gb18030")
    assert read_again.changes["memo"].now == "系统还款"

    assert bank.replay(feed_id=result.feed_id) == (2, 0, 1)
    assert bank.events() == ["E1", "E2", "E3"]
    # The same file, saved as UTF-8: its rows are duplicates, with their right text.
    again = bank.submit(csv_bytes(rows))
    assert (again.accepted, again.duplicate, again.quarantined) == (0, 3, 1)


def test_a_wrong_encoding_is_seen_before_anything_is_booked(bank: Bank) -> None:
    result = bank.submit(csv_bytes([row(memo="café")]).decode().encode("cp1252"))
    reread(bank.engine, bank.intake, result.feed_id, "shift_jis", BY)
    assert bank.events() == []
    done = reread(bank.engine, bank.intake, result.feed_id, "cp1252", BY)
    assert (done.ready, done.faulty) == (1, 0)
    assert bank.show(1).columns["memo"] == "café"
    assert bank.show(1).text is not None
    with bank.engine.connect() as connection:  # as it came, whatever it was read as
        (raw,) = connection.execute(select(quarantine.c.raw)).scalars()
    assert b"caf\xe9" in VAULT.open(raw)


def test_bytes_that_the_encoding_does_not_have_stay_faulty(bank: Bank) -> None:
    result = bank.submit(HEADER + LINE % (b"E1", b"\xff\xff") + b"\n")
    done = reread(bank.engine, bank.intake, result.feed_id, "gb18030", BY)
    assert (done.ready, done.faulty) == (0, 1)
    assert "is not gb18030 throughout" in bank.waiting()[0].reason
    assert bank.replay(feed_id=result.feed_id) == (0, 0, 1)


def test_what_was_mended_stays_when_the_file_is_read_again(bank: Bank) -> None:
    result = bank.submit(csv_bytes([row(amount="x", memo="还款")]).decode().encode("gb18030"))
    assert bank.mend(1, amount="1.00").row.status == "faulty"
    reread(bank.engine, bank.intake, result.feed_id, "gb18030", BY)
    found = bank.show(1)
    assert (found.row.status, found.columns["amount"], found.columns["memo"]) == (
        "ready",
        "1.00",
        "还款",
    )


@pytest.mark.parametrize(
    "line",
    [b"E1,F-1,R1,drawdown,1,234.00,CNY,2026-03-01,2026-03-01T10:00:00+08:00,m", b"#rows=7", b"{"],
)
def test_a_row_whose_cells_belong_to_no_columns_is_made_of_what_is_mended(
    bank: Bank, line: bytes
) -> None:
    bank.submit(HEADER + line + b"\n" + LINE % (b"E2", b"m") + b"\n")
    found = bank.show(1)
    assert (found.row.field, found.columns, found.text) == ("row", {}, line.decode())
    assert bank.mend(1, amount="1234.00").row.field == "event_id"
    values = {name: str(value) for name, value in row("E1", amount="1234.00").items()}
    assert bank.mend(1, **values).row.status == "ready"
    assert bank.replay(numbers=[1]) == (1, 0, 0)


def test_a_row_that_is_not_whole_is_not_kept(bank: Bank) -> None:
    bank.submit(HEADER + LINE % (b"E1", b'"never closed') + b"\nE2,swallowed\n")
    assert bank.show(1).text is None
    for act in (lambda: bank.mend(1, memo="m"), lambda: bank.replay(numbers=[1])):
        with pytest.raises(UsageFault, match="not kept"):
            act()
    assert bank.replay(facility="F-1") == (0, 0, 0)


def test_reversals_wait_for_targets_that_are_replayed_with_them(bank: Bank) -> None:
    bank.submit(
        csv_bytes(
            [
                row("E2", kind="reversal", reverses="drawdown/R1"),
                row("E1", currency="EUR"),
                row("E3", kind="reversal", reverses="drawdown/R9"),
            ]
        )
    )
    by_row = {one.row: one for one in bank.waiting()}
    bank.mend(by_row[3].number, currency="CNY")
    assert bank.replay(facility="F-1") == (2, 0, 1)
    assert bank.events() == ["E1", "E2"]
    (left,) = bank.waiting()
    assert left.field == "reverses"


def test_all_of_one_reason_are_replayed_and_nothing_else(bank: Bank) -> None:
    too_far = {"value_date": "2026-06-01"}
    bank.submit(csv_bytes([row(amount="x"), row("E2", **too_far), row("E3", **too_far)]))
    reason = next(one.reason for one in bank.waiting() if one.field == "chain")
    assert bank.replay(field="chain", reason=reason) == (0, 0, 2)
    later = Bank(bank.engine, bank.folder)
    later.intake = lambda _facility="F-1": Intake(  # type: ignore[method-assign]
        EventStore(bank.engine),
        Validator(FACILITY, "lead"),
        clock=lambda: datetime(2026, 6, 1, tzinfo=UTC),
    )
    assert later.replay(field="chain", reason=reason) == (2, 0, 0)
    assert bank.events() == ["E2", "E3"]
    assert [one.field for one in bank.waiting()] == ["amount"]


def test_a_row_is_dismissed_with_who_and_why_and_that_is_undone(bank: Bank) -> None:
    bank.submit(csv_bytes([row(amount="x"), row("E2", amount="y"), row("E3")]))
    assert dismiss(bank.engine, Selection(numbers=[1]), "a test row", BY).rows == 1
    assert [one.number for one in bank.waiting()] == [2]
    (gone,) = bank.waiting(statuses=DISMISSED)
    assert (gone.status, gone.field) == ("dismissed", "amount")
    (step,) = bank.show(1).steps
    assert (step.step, step.by, step.why) == ("dismissed", BY, "a test row")
    # It is neither mended nor taken in, and its feed's sums still hold.
    assert bank.replay(facility="F-1") == (0, 0, 1)
    with pytest.raises(UsageFault, match="does not wait"):
        bank.mend(1, amount="1.00")
    with pytest.raises(UsageFault, match="does not wait"):
        bank.replay(numbers=[1])
    assert bank.sums() == [(3, 1, 0, 2, 0)]

    assert restore(bank.engine, Selection(numbers=[1]), "it is real", BY).rows == 1
    assert bank.show(1).row.status == "faulty"
    assert bank.mend(1, amount="1.00").row.status == "ready"
    # What was ready is ready again.
    dismiss(bank.engine, Selection(numbers=[1]), "no", BY)
    restore(bank.engine, Selection(numbers=[1]), "yes", BY)
    assert bank.replay(numbers=[1]) == (1, 0, 0)
    assert [one.step for one in bank.show(1).steps] == [
        "dismissed",
        "restored",
        "mended",
        "dismissed",
        "restored",
        "replayed",
    ]


def test_all_of_one_reason_are_dismissed_page_by_page_and_what_is_not_kept_too(bank: Bank) -> None:
    bank.submit(csv_bytes([row(f"E{n}", amount="x") for n in range(5)]) + b'"never closed\n')
    reason = bank.waiting(field="amount")[0].reason
    where = Selection(field="amount", reason=reason)
    first = dismiss(bank.engine, where, "twice exported", BY, most=3)
    assert (first.rows, first.following) == (3, 3)
    assert dismiss(bank.engine, where, "twice exported", BY, after=3).rows == 2
    (unclosed,) = bank.waiting()
    assert bank.show(unclosed.number).text is None
    assert dismiss(bank.engine, Selection(feed_id=1), "sent again", BY).rows == 1
    assert bank.waiting() == []
    assert restore(bank.engine, Selection(feed_id=1), "all of it", BY).rows == 6


@pytest.mark.parametrize("why", ["", "  ", "x" * 501, "a\0b"])
def test_nothing_is_dismissed_without_a_reason(bank: Bank, why: str) -> None:
    bank.submit(csv_bytes([row(amount="x")]))
    with pytest.raises(UsageFault, match="reason"):
        dismiss(bank.engine, Selection(numbers=[1]), why, BY)
    with pytest.raises(UsageFault, match="was not dismissed"):
        restore(bank.engine, Selection(numbers=[1]), "a reason", BY)


def test_two_copies_of_a_row_are_booked_once(bank: Bank) -> None:
    bank.submit(csv_bytes([row(currency="EUR")]))
    bank.submit(csv_bytes([row(currency="EUR")]))
    for line in bank.waiting():
        bank.mend(line.number, currency="CNY")
    assert bank.replay(facility="F-1") == (1, 1, 0)
    assert bank.sums() == [(1, 1, 0, 0, 1), (1, 0, 1, 0, 1)]
    # One that was mended and accepted, sent again mended by the sender's system.
    assert bank.submit(csv_bytes([row()])).duplicate == 1
    # Another content under its event_id is not taken in its place.
    bank.submit(csv_bytes([row(amount="99.00")]))
    (conflict,) = bank.waiting()
    assert bank.replay(numbers=[conflict.number]) == (0, 0, 1)
    assert bank.show(conflict.number).row.field == "event_id"
    assert bank.mend(conflict.number, event_id="E9", event_ref="R9").row.status == "ready"


def test_a_page_of_a_replay_says_where_to_go_on(bank: Bank) -> None:
    bank.submit(csv_bytes([row(f"E{n}", amount="x") for n in range(1, 8)]))
    done: list[Replayed] = []
    after: int | None = 0
    while after is not None:
        where = Selection(field="amount")
        done.append(replay(bank.engine, bank.intake, where, BY, after=after, most=3))
        after = done[-1].following
    assert [one.faulty for one in done] == [3, 3, 1]


def test_pushed_rows_are_kept_as_they_were_written(bank: Bank) -> None:
    pushed = json_values.decode(
        '{"event_id": "E1", "amount": 12.50, "amount": "1", "x": [1, {"y": null}], "n": 1e400}'
    )
    assert isinstance(bank.intake().push(pushed), Quarantined)
    bank.intake().submit_objects([row("E2", amount=None), "text", 7], "bulk")
    assert bank.show(1).text == (
        '{"event_id":"E1","amount":12.50,"amount":"1","x":[1,{"y":null}],"n":1e400}'
    )
    assert [bank.show(number).text for number in (3, 4)] == ['"text"', "7"]
    assert bank.mend(2, amount="5").row.status == "ready"
    assert bank.replay(facility="F-1") == (1, 0, 3)
    assert bank.waiting()[0].field == "facility"


def test_long_rows_are_not_kept_by_thousands_at_a_time() -> None:
    rows = (Quarantined(n, "row", "", "", raw="x" * 2**20) for n in range(20))
    assert [len(chunk) for chunk in accept._chunks(rows)] == [8, 8, 4]


def test_json_lines_are_mended_as_any_row(bank: Bank) -> None:
    bank.submit(json_bytes([row(amount=100), row("E2")]) + b"[1]\n{\n")
    assert [one.field for one in bank.waiting()] == ["amount", "row", "row"]
    assert bank.mend(1, amount="100").row.status == "ready"
    assert bank.replay(facility="F-1") == (1, 0, 2)


def test_nothing_of_a_customer_lies_in_the_clear_or_in_the_log(bank: Bank) -> None:
    secret = "borrower-4711"
    with structlog.testing.capture_logs() as lines:
        bank.submit(csv_bytes([row(borrower_ref=secret, amount=secret)]))
        bank.mend(1, amount="1.00", memo=secret)
        dismiss(bank.engine, Selection(numbers=[1]), secret, BY)
        restore(bank.engine, Selection(numbers=[1]), secret, BY)
        bank.replay(numbers=[1])
    assert [line["step"] for line in lines if line["event"] == "quarantine"] == [
        "mended",
        "dismissed",
        "restored",
        "replayed",
    ]
    assert secret not in json.dumps(lines)
    # Its file alone would do, were the write-ahead log empty.
    for file in bank.folder.glob("bank.sqlite*"):
        assert secret.encode() not in file.read_bytes()

    fresh = Vault([bytes([1]) * 32])
    reseal(bank.engine, Vault([bytes([1]) * 32, bytes(32)]), {}, lambda done, total: None)
    with bank.engine.connect() as connection:
        sealed = [
            *connection.execute(select(feeds.c.header)).scalars(),
            *connection.execute(select(events.c.details)).scalars(),
            *connection.execute(select(quarantine_steps.c.changes)).scalars(),
            *connection.execute(select(quarantine_steps.c.why)).scalars(),
            *connection.execute(
                select(quarantine.c.value, quarantine.c.raw, quarantine.c.mended)
            ).one(),
        ]
    assert len([fresh.open(one) for one in sealed if one is not None]) == 8


CELLS = st.text(st.sampled_from('aé系，"\n,{}[]#=0\\\u200b\ufeff\x00'), max_size=5)


@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6),
    st.sampled_from(["utf-8", "gb18030", "cp1252"]),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_a_row_that_nobody_mended_is_judged_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    cells: list[tuple[str, str]],
    encoding: str,
    as_json: bool,
) -> None:
    """Whatever came: a replay neither loses nor takes what was not taken."""
    folder = tmp_path_factory.mktemp("bank")
    engine = create(f"sqlite:///{folder / 'bank.sqlite'}", vault=VAULT)
    upgrade(engine)
    bank = Bank(engine, folder)
    rows = [row(f"E{n}", amount=amount or "1", memo=memo) for n, (amount, memo) in enumerate(cells)]
    octets = (json_bytes if as_json else csv_bytes)(rows).decode().encode(encoding, "replace")
    with structlog.testing.capture_logs():
        result = bank.submit(octets)
        before = [(one.row, one.field) for one in bank.waiting()]
        assert bank.replay(facility="F-1") == (0, 0, result.quarantined)
    assert [(one.row, one.field) for one in bank.waiting()] == before
    assert bank.sums()[0][:4] == (
        result.rows_in,
        result.accepted,
        result.duplicate,
        result.quarantined,
    )
    engine.dispose()
