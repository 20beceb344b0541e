"""Taking in rows on a real database: idempotency, identity, reversals, sums; nothing vanishes."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select

from app.db.engine import create, upgrade
from app.domain.currencies import currency_decimals
from app.domain.errors import DatabaseBusy, EventConflict, FeedFault
from app.domain.events import Quarantined, Row
from app.domain.money import MAX_AMOUNT, format_amount
from app.intake import accept
from app.intake.accept import Intake
from app.intake.check import check_feed
from app.intake.results import FeedResult, Receipt, Verdict
from app.intake.store import EventStore
from app.intake.tables import events, feeds, quarantine
from app.intake.validation import Validator
from tests.feeds import FACILITY, HEADER, LINE, csv_bytes, row
from tests.integration.vaults import VAULT

TODAY = datetime(2026, 3, 15, 23, 59, 59, tzinfo=UTC)
Cells = dict[str, object]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = create(database_url, vault=VAULT)
    upgrade(opened)
    yield opened
    opened.dispose()


@dataclass
class FeedBank:
    """One bank's intake and what its database says."""

    engine: Engine
    sender: str = "lead"

    @property
    def intake(self) -> Intake:
        return Intake(
            EventStore(self.engine), Validator(FACILITY, self.sender), clock=lambda: TODAY
        )

    def submit(self, *rows: Cells) -> tuple[FeedResult, list[Verdict]]:
        """By file; `rows` are judged as line 1, 2, ..."""
        verdicts: list[Verdict] = []
        validator = Validator(FACILITY, self.sender)
        judged = [validator.check_object(n, cells) for n, cells in enumerate(rows, start=1)]
        result = self.intake.submit(judged, "feed.csv", "file", verdicts=verdicts.extend)
        return result, verdicts

    def fields(self, *rows: Cells) -> list[str]:
        """`accepted`, `duplicate`, or the field at fault, for each row."""
        result, verdicts = self.submit(*rows)
        outcomes = Counter(verdict.status for verdict in verdicts)
        verdicts.sort(key=lambda verdict: verdict.row)  # reversals that waited come last
        assert [verdict.row for verdict in verdicts] == list(range(1, len(rows) + 1))
        assert (result.rows_in, result.accepted, result.duplicate, result.quarantined) == (
            len(rows),
            outcomes["accepted"],
            outcomes["duplicate"],
            outcomes["quarantined"],
        )
        return [verdict.field or verdict.status for verdict in verdicts]

    def events(self) -> list[tuple[str, bool, int, bool]]:
        """event_id, duplicate leg, parts, reversed."""
        query = select(
            events.c.event_id, events.c.duplicate_leg, events.c.parts, events.c.reversed
        ).order_by(events.c.id)
        with self.engine.connect() as connection:
            return [tuple(found) for found in connection.execute(query)]


@pytest.fixture
def bank(engine: Engine) -> FeedBank:
    return FeedBank(engine)


@pytest.fixture(params=[1, 2000], ids="chunks of {}".format)
def chunks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Rows a transaction: what counts within one must count across them, too."""
    monkeypatch.setattr(accept, "CHUNK_ROWS", request.param)
    size: int = request.param
    return size


def reversal(event_id: str, reverses: str, **cells: object) -> Cells:
    return row(event_id, kind="reversal", reverses=reverses, **cells)


# --- Idempotency -------------------------------------------------------------------------------


@pytest.mark.usefixtures("chunks")
def test_the_same_row_again_is_a_duplicate_row_and_another_content_is_quarantined(
    bank: FeedBank,
) -> None:
    assert bank.fields(
        row(),
        row(),
        row(amount="100", booked_at="2026-03-01T02:00:00Z"),
        row(amount="100.01"),
        row(memo="more"),
        row(kind="nonsense"),  # a column's own fault comes before the id's
        row(),
    ) == ["accepted", "duplicate", "duplicate", "event_id", "event_id", "kind", "duplicate"]
    assert bank.events() == [("E1", False, 2, False)]


@pytest.mark.usefixtures("chunks")
def test_only_accepted_rows_claim_an_id(bank: FeedBank) -> None:
    assert bank.fields(
        row(amount="0"),
        reversal("E1", "drawdown/R9"),
        row(value_date="2026-04-15"),
        row(),
        row(amount="0"),
    ) == ["amount", "event_id", "chain", "accepted", "amount"]  # the reversal was judged last


def test_a_file_sent_again_is_all_duplicates_whatever_changed_since(bank: FeedBank) -> None:
    rows = [row(), row("E2", event_ref="R1"), reversal("E3", "drawdown/R1")]
    assert bank.fields(*rows) == ["accepted"] * 3
    before = bank.events()
    # Its target is reversed by now, but nothing further is asked about a known row.
    assert bank.fields(*rows) == ["duplicate"] * 3
    assert bank.events() == before


def test_ids_are_told_apart_to_the_letter(bank: FeedBank) -> None:
    ids = ["E1", "e1", "E1 ", " E1", "É1", "E\u03011", "1", "01"]
    assert bank.fields(*(row(event_id, event_ref=event_id) for event_id in ids)) == [
        "accepted"
    ] * len(ids)
    assert [event_id for event_id, *_ in bank.events()] == ids
    assert all(not duplicate_leg for _, duplicate_leg, *_ in bank.events())


def test_two_payments_alike_but_for_their_ids_are_two(bank: FeedBank) -> None:
    assert bank.fields(row("E1", kind="principal"), row("E2", kind="principal")) == ["accepted"] * 2
    assert [duplicate_leg for _, duplicate_leg, *_ in bank.events()] == [False, False]


def test_ids_that_begin_anew_every_day_are_told_apart_by_their_content(bank: FeedBank) -> None:
    assert bank.fields(row("1", event_ref="A1"), row("2", event_ref="A2")) == ["accepted"] * 2
    tomorrow = [row(id_, event_ref=f"B{id_}", value_date="2026-03-02") for id_ in ("1", "2", "3")]
    assert bank.fields(*tomorrow) == ["event_id", "event_id", "accepted"]


# --- Identity ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("chunks")
@pytest.mark.parametrize(
    ("currency", "smallest", "largest", "too_fine"),
    [
        ("JPY", "1", "1000000000000000", "1.0"),
        ("KWD", "0.001", "1000000000000.000", "0.0001"),
        ("CLF", "0.0001", "100000000000.0000", "0.00001"),
        ("CNY", "0.01", "10000000000000.00", "0.001"),
    ],
)
def test_amounts_are_kept_to_the_last_unit_of_their_currency(
    engine: Engine, currency: str, smallest: str, largest: str, too_fine: str
) -> None:
    terms = replace(FACILITY, currency=currency, decimals=currency_decimals(currency))
    validator = Validator(terms, "lead")
    rows = [
        row(f"E{n}", amount=text, currency=currency, kind="top_up", partner="alfa")
        for n, text in enumerate((smallest, largest, too_fine))
    ]
    judged = [validator.check_object(n, cells) for n, cells in enumerate(rows, start=1)]
    intake = Intake(EventStore(engine), validator, clock=lambda: TODAY)
    result = intake.submit(judged, "feed.csv", "file")
    assert (result.accepted, result.quarantined) == (2, 1)
    with engine.connect() as connection:
        kept = connection.execute(select(events.c.amount).order_by(events.c.id)).scalars().all()
    assert kept == [1, MAX_AMOUNT]
    assert [format_amount(one, terms.decimals) for one in kept] == [smallest, largest]


def test_of_one_identity_the_first_stands_and_later_ones_are_duplicate_legs(bank: FeedBank) -> None:
    result, _ = bank.submit(
        row(),
        row("E2", event_ref="R1", amount="0.03"),
        row("E3", event_ref="R1", amount="0.01"),
        row("E4", event_ref="R1", kind="principal"),
        row("E2", event_ref="R1", amount="0.03"),
    )
    assert (result.accepted, result.duplicate, result.duplicate_legs) == (4, 1, 2)
    assert bank.events() == [
        ("E1", False, 2, False),
        ("E2", True, 1, False),  # the parts of its own amount
        ("E3", True, 0, False),
        ("E4", False, 2, False),
    ]


def test_an_event_without_parts_claims_its_identity(bank: FeedBank) -> None:
    assert bank.fields(row(amount="0.01"), row("E2", event_ref="R1")) == ["accepted"] * 2
    assert bank.events() == [("E1", False, 0, False), ("E2", True, 2, False)]


def test_one_partner_events_of_two_partners_are_two_identities(bank: FeedBank) -> None:
    bank.submit(
        row(kind="top_up", partner="alfa"),
        row("E2", event_ref="R1", kind="top_up", partner="beta"),
        row("E3", event_ref="R1", kind="top_up", partner="alfa"),
    )
    assert [duplicate_leg for _, duplicate_leg, *_ in bank.events()] == [False, False, True]


def test_a_duplicate_leg_stays_one_when_the_first_came_in_an_earlier_feed(bank: FeedBank) -> None:
    bank.submit(row())
    bank.submit(row("E2", event_ref="R1"))
    assert [duplicate_leg for _, duplicate_leg, *_ in bank.events()] == [False, True]


# --- Reversals ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("chunks")
def test_a_reversal_undoes_the_recorded_parts_once(bank: FeedBank) -> None:
    assert bank.fields(
        row(amount="0.03"),
        reversal("E2", "drawdown/R1", amount="0.03"),
        reversal("E3", "drawdown/R1", event_ref="R2", amount="0.03"),  # once more: duplicate leg
        reversal("E4", "drawdown/R1", event_ref="R4", amount="0.03"),  # another reference
        row("E5", event_ref="R1"),  # the identity stays used
    ) == ["accepted", "accepted", "accepted", "reverses", "accepted"]
    assert bank.events() == [
        ("E1", False, 1, True),
        ("E2", False, 1, False),
        ("E3", True, 1, False),
        ("E5", True, 2, False),
    ]


@pytest.mark.usefixtures("chunks")
@pytest.mark.parametrize(
    "bad",
    [
        reversal("E9", "drawdown/R9"),
        reversal("E9", "principal/R1"),
        reversal("E9", "drawdown/R1", amount="99.99"),
        reversal("E9", "top_up/R3", partner="beta"),
        reversal("E9", "reversal/R5"),
    ],
)
def test_a_reversal_of_what_is_not_there_is_quarantined(bank: FeedBank, bad: Cells) -> None:
    assert bank.fields(
        row(),
        row("E3", kind="top_up", partner="alfa"),
        row("E4"),
        reversal("E5", "drawdown/R4"),
        bad,
        row("E2"),
    ) == ["accepted", "accepted", "accepted", "accepted", "reverses", "accepted"]


def test_the_same_reversal_once_more_must_still_agree_with_its_target(bank: FeedBank) -> None:
    assert bank.fields(
        row(),
        reversal("E2", "drawdown/R1"),
        reversal("E3", "drawdown/R1", event_ref="R2", amount="1"),
        row("E4", kind="top_up", partner="alfa"),
        reversal("E5", "top_up/R4", partner="alfa"),
        reversal("E6", "top_up/R4", partner="beta", event_ref="R5"),
    ) == ["accepted", "accepted", "reverses", "accepted", "accepted", "reverses"]


def test_a_reversal_never_names_a_duplicate_leg(bank: FeedBank) -> None:
    # The reference finds the first; the amount of the duplicate is not the target's.
    assert bank.fields(
        row(),
        row("E2", event_ref="R1", amount="50.00"),
        reversal("E3", "drawdown/R1", amount="50.00"),
        reversal("E4", "drawdown/R1"),
    ) == ["accepted", "accepted", "reverses", "accepted"]


def test_one_reference_may_reverse_two_targets(bank: FeedBank) -> None:
    assert (
        bank.fields(
            row(),
            row("E2"),
            reversal("E3", "drawdown/R1"),
            reversal("E4", "drawdown/R2", event_ref="R3"),
        )
        == ["accepted"] * 4
    )
    assert not any(duplicate_leg for _, duplicate_leg, *_ in bank.events())


def test_a_quarantined_reversal_is_good_when_its_target_has_come(bank: FeedBank) -> None:
    early = reversal("E2", "drawdown/R1")
    assert bank.fields(early) == ["reverses"]
    assert bank.fields(row()) == ["accepted"]
    assert bank.fields(early) == ["accepted"]


@pytest.mark.usefixtures("chunks")
def test_a_reversal_finds_its_target_further_down_in_its_file(bank: FeedBank) -> None:
    newest_first = [reversal("E3", "principal/R2"), row("E2", kind="principal"), row()]
    assert bank.fields(*newest_first) == ["accepted"] * 3
    assert bank.events() == [
        ("E2", False, 2, True),
        ("E1", False, 2, False),
        ("E3", False, 2, False),
    ]
    assert bank.fields(*newest_first) == ["duplicate"] * 3


@pytest.mark.usefixtures("chunks")
def test_reversals_that_wait_are_judged_at_the_end_in_file_order(bank: FeedBank) -> None:
    assert bank.fields(
        reversal("E2", "drawdown/R1"),
        reversal("E2", "drawdown/R1"),  # the same row again
        reversal("E2", "drawdown/R1", memo="x"),  # the same id, another content
        reversal("E3", "drawdown/R1", event_ref="R3"),  # another reference on a reversed target
        reversal("E4", "drawdown/R1", amount="99.00", event_ref="R2"),
        reversal("E5", "drawdown/R9"),
        reversal("E6", "drawdown/R1", event_ref="R2", value_date="2026-04-15"),
        row(),
        reversal("E7", "drawdown/R1", event_ref="R2"),  # does not have to wait: it stands
        row("E8", event_ref="R1"),
    ) == [
        "accepted",
        "duplicate",
        "event_id",
        "reverses",
        "reverses",
        "reverses",
        "chain",
        "accepted",
        "accepted",
        "accepted",
    ]
    assert bank.events() == [
        ("E1", False, 2, True),
        ("E7", False, 2, False),
        ("E8", True, 2, False),
        ("E2", True, 2, False),
    ]


def test_a_reversal_that_waits_yields_to_one_that_does_not(bank: FeedBank) -> None:
    assert bank.fields(
        reversal("E2", "drawdown/R1"), row(), reversal("E3", "drawdown/R1", event_ref="R3")
    ) == ["reverses", "accepted", "accepted"]


def test_a_file_that_is_another_when_it_is_read_again_is_refused(bank: FeedBank) -> None:
    validator = Validator(FACILITY, "lead")
    rows = iter([validator.check_object(1, reversal("E2", "drawdown/R1"))])
    with pytest.raises(FeedFault, match="changed while it was read"):
        bank.intake.submit(rows, "feed.csv", "file")


@pytest.mark.parametrize(
    ("amount", "instead"),
    [
        (
            "200.00",
            "is 200.00 and names an event of 500.00: a reversal undoes its target wholly. Send one "
            "of 500.00 and a new principal of 300.00 with its own event_ref",
        ),
        (
            "500.01",
            "is 500.01 and names an event of 500.00: a reversal undoes its target wholly. Send one "
            "of 500.00",
        ),
    ],
)
def test_a_partial_reversal_is_told_what_to_send_instead(
    bank: FeedBank, amount: str, instead: str
) -> None:
    bank.submit(row(kind="principal", amount="500.00"))
    _, (verdict,) = bank.submit(reversal("E2", "principal/R1", amount=amount))
    assert (verdict.field, verdict.reason) == ("reverses", instead)


def test_a_partner_reverses_its_own_part(engine: Engine) -> None:
    bank = FeedBank(engine, "alfa")
    assert bank.fields(
        row(amount="45.33"),
        reversal("E2", "drawdown/R1", amount="45.33", partner="alfa"),
        row("E3", amount="45.33", shares_on="2026-03-01"),
    ) == ["accepted", "accepted", "shares_on"]
    assert bank.events() == [("E1", False, 1, True), ("E2", False, 1, False)]


# --- Dates ahead -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "verdict"),
    [
        ({"value_date": "2026-04-14"}, "accepted"),
        ({"value_date": "2026-04-15"}, "chain"),
        ({"booked_at": "2026-04-14T23:59:59+08:00"}, "accepted"),
        ({"booked_at": "2026-04-14T16:00:00Z"}, "chain"),
        ({"shares_on": "2026-04-14"}, "accepted"),
        ({"shares_on": "2026-04-15"}, "chain"),
        ({"value_date": "9999-12-31"}, "chain"),
        ({"booked_at": "9999-12-31T23:59:59-23:59"}, "chain"),
        ({"value_date": "1980-01-01", "booked_at": "1980-01-01T00:00:00+08:00"}, "accepted"),
        ({"value_date": "2026-04-15", "kind": "reversal", "reverses": "fee/X"}, "reverses"),
    ],
)
def test_a_date_more_than_30_days_ahead_is_quarantined_last_of_all(
    bank: FeedBank, cells: dict[str, str], verdict: str
) -> None:
    assert bank.fields(row(**cells)) == [verdict]


def test_a_date_too_far_ahead_marks_nothing_as_reversed(bank: FeedBank) -> None:
    assert bank.fields(
        row(),
        reversal("E2", "drawdown/R1", value_date="2026-04-15"),
        reversal("E3", "drawdown/R1"),
    ) == ["accepted", "chain", "accepted"]


# --- What is kept ------------------------------------------------------------------------------


def test_an_event_is_kept_as_the_outbox_needs_it(bank: FeedBank) -> None:
    bank.submit(
        row(),
        reversal(
            "E2",
            "drawdown/R1",
            value_date="2026-03-02",
            booked_at="2026-03-02T20:00:00.50Z",
            shares_on="2026-01-01",
            memo="Řež \U0001f4b8\n",
            loan_ref="L1",
        ),
        row("E3", shares_on="2026-01-01", kind="fee"),
    )
    with bank.engine.connect() as connection:
        first, second, third = connection.execute(select(events).order_by(events.c.id)).all()
    assert first.id < second.id < third.id
    assert (first.row, first.facility, first.batch_id, first.leg_index) == (1, "F-1", None, None)
    assert (first.kind, first.partner, first.event_ref, first.amount) == (1, 0, "R1", 10_000)
    assert (first.target_kind, first.target_ref, first.details) == (None, None, None)
    assert (second.kind, second.target_kind, second.target_ref) == (12, 1, "R1")
    assert second.value_day == date(2026, 3, 2).toordinal()
    assert second.business_day == date(2026, 3, 3).toordinal()
    assert (second.booked_at, second.shares_day) == ("2026-03-02T20:00:00.5Z", 0)
    assert VAULT.open(second.details) == '{"loan_ref":"L1","memo":"Řež \U0001f4b8\\n"}'.encode()
    assert (third.shares_day, third.parts) == (date(2026, 1, 1).toordinal(), 1)
    assert first.accepted_at == "2026-03-15T23:59:59.000+00:00"


@pytest.mark.usefixtures("chunks")
def test_the_feed_and_its_quarantined_rows_are_kept_too(bank: FeedBank) -> None:
    result, _ = bank.submit(row(), row(), row("E2", memo="a\0b"), row("E3", amount="1e5"))
    with bank.engine.connect() as connection:
        feed = connection.execute(select(feeds)).one()
        aside = connection.execute(
            select(quarantine.c.row, quarantine.c.field, quarantine.c.value)
            .where(quarantine.c.feed_id == result.feed_id)
            .order_by(quarantine.c.id)
        ).all()
    assert (feed.name, feed.source, feed.facility) == ("feed.csv", "file", "F-1")
    assert (feed.rows_in, feed.accepted, feed.duplicate, feed.quarantined) == (4, 1, 1, 2)
    assert feed.finished_at is not None
    assert [(row, field, VAULT.open(value)) for row, field, value in aside] == [
        (3, "memo", b"a\\x00b"),
        (4, "amount", b"1e5"),
    ]


def test_a_feed_cut_short_keeps_its_whole_chunks_and_goes_on_where_it_was(
    bank: FeedBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accept, "CHUNK_ROWS", 10)
    validator = Validator(FACILITY, "lead")
    rows = [validator.check_object(n, row(f"E{n}")) for n in range(1, 31)]

    def torn() -> Iterator[Row]:
        yield from rows[:25]
        raise OSError("the disk was pulled out")

    seen: list[int] = []
    with pytest.raises(OSError, match="pulled out"):
        bank.intake.submit(torn(), "feed.csv", "file", progress=seen.append)
    assert seen == [10, 10]
    with bank.engine.connect() as connection:
        feed = connection.execute(select(feeds)).one()
    assert (feed.rows_in, feed.accepted, feed.finished_at) == (20, 20, None)
    result = bank.intake.submit(rows, "feed.csv", "file")
    assert (result.accepted, result.duplicate) == (10, 20)
    assert len(bank.events()) == 30


def test_a_locked_database_refuses_the_feed_and_loses_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bank.sqlite'}"
    engine = create(url, busy_timeout_ms=50, vault=VAULT)
    upgrade(engine)
    bank = FeedBank(engine)
    with create(url, vault=VAULT).begin(), pytest.raises(DatabaseBusy):
        bank.submit(row())
    assert bank.fields(row()) == ["accepted"]
    engine.dispose()


def test_identities_are_looked_up_by_their_index(tmp_path: Path) -> None:
    engine = create(f"sqlite:///{tmp_path / 'bank.sqlite'}", vault=VAULT)
    upgrade(engine)
    seen: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, sql, *_rest: seen.append(sql))
    with EventStore(engine).writing() as transaction:
        transaction.standing([b"x"])
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {seen[-1]}", (b"x",)).all()
    engine.dispose()
    assert "uq_events_identity" in str(plan)


# --- REST --------------------------------------------------------------------------------------


def test_a_bulk_has_a_verdict_for_each_row_and_bad_ones_sink_nothing(bank: FeedBank) -> None:
    result, verdicts = bank.intake.submit_objects(
        [row(), "nonsense", row(amount=100), row("E2", currency="EUR"), row(), row(amount="5")],
        "bulk 1",
    )
    assert [(v.row, v.event_id, v.status, v.field) for v in verdicts] == [
        (1, "E1", "accepted", ""),
        (2, "", "quarantined", "row"),
        (3, "E1", "quarantined", "amount"),
        (4, "E2", "quarantined", "currency"),
        (5, "E1", "duplicate", ""),
        (6, "E1", "quarantined", "event_id"),
    ]
    assert all(v.reason for v in verdicts if v.status == "quarantined")
    assert (result.rows_in, result.accepted, result.quarantined) == (6, 1, 4)


def test_a_bulk_may_hold_a_reversal_before_its_target(bank: FeedBank) -> None:
    result, verdicts = bank.intake.submit_objects(
        [reversal("E3", "drawdown/R2"), row("E2"), reversal("E4", "drawdown/R9")], "bulk 1"
    )
    assert [(v.row, v.status) for v in verdicts] == [
        (1, "accepted"),
        (2, "accepted"),
        (3, "quarantined"),
    ]
    assert (result.rows_in, result.accepted, result.quarantined) == (3, 2, 1)


def test_a_pushed_event_gets_the_first_answer_again(bank: FeedBank) -> None:
    first = bank.intake.push(row())
    assert first == Receipt("E1", "2026-03-15T23:59:59.000+00:00", duplicate_leg=False)
    later = Intake(
        EventStore(bank.engine),
        Validator(FACILITY, "lead"),
        clock=lambda: datetime(2026, 3, 16, tzinfo=UTC),
    )
    assert later.push(row(amount="100.0")) == first
    assert len(bank.events()) == 1


def test_a_pushed_event_with_other_content_is_a_conflict(bank: FeedBank) -> None:
    bank.intake.push(row())
    with pytest.raises(EventConflict, match="'E1' was accepted with other content"):
        bank.intake.push(row(amount="1.00"))


def test_a_bad_pushed_event_is_quarantined_and_said(bank: FeedBank) -> None:
    refused = bank.intake.push(row(kind="loan"))
    assert isinstance(refused, Quarantined)
    assert (refused.field, refused.value, refused.event_id) == ("kind", "loan", "E1")


def test_pushed_events_of_a_day_have_one_feed_with_sums(bank: FeedBank) -> None:
    bank.intake.push(row())
    bank.intake.push(row())
    bank.intake.push(row("E2", amount=""))
    with pytest.raises(EventConflict):
        bank.intake.push(row(memo="x"))
    with bank.engine.connect() as connection:
        feed = connection.execute(select(feeds)).one()
        rows = connection.execute(select(quarantine.c.row, quarantine.c.field)).all()
    assert (feed.rows_in, feed.accepted, feed.duplicate, feed.quarantined) == (4, 1, 1, 2)
    assert [tuple(found) for found in rows] == [(3, "amount"), (4, "event_id")]


# --- Several processes -------------------------------------------------------------------------

_PUSHER = """
import sys
sys.path.insert(0, {root!r})
from tests.integration.vaults import VAULT
from app.db.engine import create
from app.intake.store import EventStore
from app.intake.validation import Validator
from app.logs import configure_logs
from app.intake.accept import Intake
from tests.feeds import FACILITY, row

configure_logs()
intake = Intake(EventStore(create(sys.argv[1], vault=VAULT)), Validator(FACILITY, "lead"))
for number in range(int(sys.argv[2])):
    print(intake.push(row(f"E{{number}}")).event_id, flush=True)
"""


def _start(url: str, count: int) -> "subprocess.Popen[str]":
    program = _PUSHER.format(root=str(Path(__file__).parents[2]))
    return subprocess.Popen(
        [sys.executable, "-c", program, url, str(count)], stdout=subprocess.PIPE, text=True
    )


def test_two_processes_that_push_the_same_events_make_each_of_them_once(
    bank: FeedBank, database_url: str
) -> None:
    pushers = [_start(database_url, 40) for _ in range(2)]
    for pusher in pushers:
        out, _ = pusher.communicate(timeout=60)
        assert pusher.returncode == 0
        assert out.split() == [f"E{number}" for number in range(40)]
    assert [event_id for event_id, *_ in bank.events()] == [f"E{number}" for number in range(40)]
    with bank.engine.connect() as connection:
        sums = connection.execute(select(feeds.c.rows_in, feeds.c.accepted, feeds.c.duplicate))
        assert [sum(column) for column in zip(*sums.all(), strict=True)] == [80, 40, 40]


def test_40_equal_pushes_at_once_are_one_event_with_one_answer(bank: FeedBank) -> None:
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: bank.intake.push(row()), range(40)))
    assert all(isinstance(answer, Receipt) for answer in answers)
    assert len(set(answers)) == 1
    assert sum(not answer.again for answer in answers if isinstance(answer, Receipt)) == 1
    assert len(bank.events()) == 1


def test_what_was_answered_survives_the_death_of_the_process(
    bank: FeedBank, database_url: str
) -> None:
    pusher = _start(database_url, 10_000)
    assert pusher.stdout is not None
    answered = [pusher.stdout.readline().strip() for _ in range(25)]
    pusher.send_signal(signal.SIGKILL)
    # Not communicate(): it forgets what readline has buffered.
    answered += pusher.stdout.read().split("\n")[:-1]
    pusher.wait(timeout=60)
    pusher.stdout.close()
    kept = [event_id for event_id, *_ in bank.events()]
    assert kept[: len(answered)] == answered
    assert len(kept) <= len(answered) + 1


# --- Trying a file out -------------------------------------------------------------------------


def test_a_file_is_checked_without_a_database_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    rows = [row(), row(), row("E2", event_ref="R1"), row("E3", amount=""), reversal("E4", "fee/R1")]
    path.write_bytes(
        csv_bytes([cells | {"branch": "x"} for cells in rows], [*row("E"), "branch", "reverses"])
    )
    aside: list[Verdict] = []
    check = check_feed(path, FACILITY, "lead", quarantined=aside.append, clock=lambda: TODAY)
    result = check.result
    assert (result.rows_in, result.accepted, result.duplicate, result.quarantined) == (5, 2, 1, 2)
    assert result.duplicate_legs == 1
    assert [(v.row, v.field) for v in aside] == [(5, "amount"), (6, "reverses")]
    assert check.warnings == [f"{path}: the unknown column 'branch' is ignored"]


def test_a_file_whose_name_is_not_utf8_is_checked_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xb7\xc5.csv")
    path.write_bytes(csv_bytes([row()]))
    check = check_feed(path, FACILITY, "lead", quarantined=print, clock=lambda: TODAY)
    assert check.result.accepted == 1


_CHECKER = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from app.intake.check import check_feed
from app.logs import configure_logs
from tests.feeds import FACILITY

configure_logs()
check = check_feed(Path(sys.argv[1]), FACILITY, "lead", quarantined=print)
# Not ru_maxrss: that one begins with what the parent process held.
highest = next(one for one in open("/proc/self/status") if one.startswith("VmHWM"))
print(check.result.accepted, int(highest.split()[1]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_file_of_200_megabytes_goes_through_the_intake_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    memo = "m" * 120
    rows = 0
    with path.open("wb") as out:
        out.write(HEADER)
        while out.tell() < 200 << 20:
            out.writelines(
                LINE.replace(b"R1", b"R%d" % number) % (b"E%d" % number, memo.encode()) + b"\n"
                for number in range(rows, rows + 10_000)
            )
            rows += 10_000
    program = _CHECKER.format(root=str(Path(__file__).parents[2]))
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, check=True, text=True
    )
    accepted, megabytes = map(int, done.stdout.split())
    assert accepted == rows
    assert megabytes < 300
