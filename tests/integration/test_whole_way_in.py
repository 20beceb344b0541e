"""The whole way in, from bytes in a folder to a bank's book: no row vanishes, whatever the order,
encoding, line end and quoting, and wherever the writer stalls."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from app.db.engine import create, upgrade
from app.domain.kinds import Kind, effect
from app.intake.accept import Intake
from app.intake.cells import COLUMNS
from app.intake.reader import open_feed
from app.intake.results import FeedResult
from app.intake.store import EventStore
from app.intake.tables import events, quarantine
from app.intake.validation import Validator
from app.node.jobs.feed_folder import FeedFolder
from tests.feeds import FACILITY, row
from tests.integration.vaults import VAULT

AMOUNTS = ["1.00", "2.50", "300", "0", "1.005"]
MEMOS = ["", "plain", "café", "还款", 'a "quoted", one', "two\nlines"]

truths = st.lists(
    st.fixed_dictionaries(
        {
            "event_id": st.integers(1, 12).map("E{}".format),
            "event_ref": st.integers(1, 4).map("R{}".format),
            "kind": st.sampled_from(["drawdown", "principal", "reversal"]),
            "amount": st.sampled_from(AMOUNTS),
            "memo": st.sampled_from(MEMOS),
            "reverses": st.sampled_from(["drawdown/R1", "principal/R1", "principal/R2"]),
        }
    ),
    min_size=1,
    max_size=12,
)


def cells(truth: dict[str, str]) -> dict[str, Any]:
    if truth["kind"] != "reversal":
        truth = truth | {"reverses": ""}
    return row(**truth)


def csv_bytes(rows: list[dict[str, Any]], encoding: str, end: str, quoting: int) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(encoding, "replace")


def json_bytes(rows: list[dict[str, Any]], encoding: str, end: str) -> bytes:
    lines = (json.dumps(one, ensure_ascii=False) + end for one in rows)
    return "".join(lines).encode(encoding, "replace")


@contextmanager
def bank() -> Iterator[tuple[Path, FeedFolder, Engine, list[FeedResult]]]:
    """A partner's inbox, its folder job, its database and what became of its feeds."""
    results: list[FeedResult] = []
    with tempfile.TemporaryDirectory() as place:
        engine = create(f"sqlite:///{place}/bank.sqlite", vault=VAULT)
        upgrade(engine)

        def submit(_facility: str, path: Path) -> str:
            with open_feed(path, FACILITY, "alfa") as rows:
                intake = Intake(EventStore(engine), Validator(FACILITY, "alfa"))
                results.append(intake.submit(rows, path.name, "folder"))
            return ""

        inbox = Path(place) / "inbox" / "F-1"
        inbox.mkdir(parents=True)
        try:
            yield inbox, FeedFolder(inbox.parent, submit), engine, results
        finally:
            engine.dispose()


def settled(path: Path) -> None:
    past = time.time() - 60
    os.utime(path, (past, past))


def book(engine: Engine) -> int:
    """The sum of what stands, as a partner's book has it."""
    with engine.connect() as connection:
        return sum(
            effect(Kind(one.kind), Kind(one.target_kind) if one.target_kind else None) * one.amount
            for one in connection.execute(select(events).where(~events.c.duplicate_leg))
        )


def assert_all_rows_accounted_for(engine: Engine, result: FeedResult, rows: int) -> None:
    assert result.rows_in == rows
    assert result.rows_in == result.accepted + result.duplicate + result.quarantined
    with engine.connect() as connection:
        counts = [
            connection.execute(
                select(func.count()).select_from(table).where(table.c.feed_id == result.feed_id)
            ).scalar_one()
            for table in (events, quarantine)
        ]
    assert counts == [result.accepted, result.quarantined]


@given(
    truths,
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "latin-1"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, None]),
    st.data(),
)
@settings(max_examples=25, deadline=None)
def test_no_row_vanishes_wherever_the_writer_stalls(
    wanted: list[dict[str, str]], encoding: str, end: str, quoting: int | None, data: st.DataObject
) -> None:
    rows = [cells(one) for one in data.draw(st.permutations(wanted))]
    octets = (
        json_bytes(rows, encoding, end)
        if quoting is None
        else csv_bytes(rows, encoding, end, quoting)
    )
    # A stall at a line's end cannot be told from a file's end, unless the writer holds it open.
    stalls = data.draw(st.lists(st.integers(0, len(octets) - 1), max_size=3).map(sorted))
    with structlog.testing.capture_logs(), bank() as (inbox, folder, engine, results):
        feed = inbox / "feed"
        with feed.open("wb") as writer:
            written = 0
            for at in stalls:
                writer.write(octets[written:at])
                writer.flush()
                written = at
                settled(feed)
                assert folder.scan() == 0
            writer.write(octets[written:])
        settled(feed)
        assert folder.scan() == 1
        (result,) = results
        assert_all_rows_accounted_for(engine, result, len(rows))
        assert not [path for path in inbox.iterdir() if path.is_file()]
        before = book(engine)

        # The same again, in another order: nothing is taken twice.
        feed.write_bytes(octets)
        settled(feed)
        assert folder.scan() == 1
        assert_all_rows_accounted_for(engine, results[1], len(rows))
        assert (results[1].accepted, book(engine)) == (0, before)


@given(truths.map(lambda some: [cells(one) for one in some]), st.data())
@settings(max_examples=15, deadline=None)
def test_the_book_is_the_sum_of_what_was_accepted_in_any_format(
    rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    books = Counter[int]()
    for octets in (
        csv_bytes(rows, "utf-8", "\n", csv.QUOTE_MINIMAL),
        csv_bytes(rows, "utf-8-sig", "\r\n", csv.QUOTE_ALL),
        json_bytes(rows, "utf-8", "\r\n"),
    ):
        with structlog.testing.capture_logs(), bank() as (inbox, folder, engine, results):
            # The writer closes the file wherever it stalls, and says when it has done.
            stall = data.draw(st.integers(0, len(octets)))
            feed = inbox / "feed.part"
            feed.write_bytes(octets[:stall])
            settled(feed)
            assert folder.scan() == 0
            with feed.open("ab") as writer:
                writer.write(octets[stall:])
            feed.rename(inbox / "feed")
            assert folder.scan() == 1
            assert_all_rows_accounted_for(engine, results[0], len(rows))
            books[book(engine)] += 1
    assert list(books.values()) == [3]


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_row_cut_within_its_amount_is_never_booked(cut: int) -> None:
    octets = csv_bytes([row(amount="1000000.00")], "utf-8", "\n", csv.QUOTE_MINIMAL)
    with structlog.testing.capture_logs(), bank() as (inbox, folder, engine, results):
        feed = inbox / "feed"
        feed.write_bytes(octets[:-cut])
        settled(feed)
        assert folder.scan() == 0
        assert (results, book(engine)) == ([], 0)
