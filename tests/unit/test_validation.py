"""The rules of the columns, one by one, and their order."""

from dataclasses import replace
from datetime import date

import pytest

from app.domain.facility import Facility
from app.domain.facility_file import parse_facility
from app.domain.kinds import BY_FEED_NAME, Kind
from app.intake.cells import COLUMNS
from app.intake.validation import MAX_TEXT, Validator
from tests.feeds import FACILITY, event, fault, read_one, row

SHARED = [kind.feed_name for kind in Kind if kind.shared]
ONE_PARTNER = [kind.feed_name for kind in Kind if kind.one_partner]

BAD_NAMES = ["", "x" * 65, "a\tb", "a\nb", "a\u00a0b", "a\u200db", "\ufeffa", "a\u0085", "\u3000"]
MANGLED = ["6.22848E+15", "1.0E+1", "12.5E+300"]
NOT_MANGLED = [
    "6.22848E15",
    "6E+15",
    "6.22848e+15",
    "6.22848E-15",
    "-6.2E+15",
    "6.2E+15 ",
    "\u0666.2E+15",
]
BAD_DATES = [
    "2026-02-29",
    "2026-13-01",
    "2026-00-01",
    "2026-04-31",
    "20260301",
    "2026-3-1",
    "2026-W09-7",
    "2026-060",
    "0000-01-01",
    "10000-01-01",
    "+2026-03-01",
    "-026-03-01",
    " 2026-03-01",
    "2026-03-01\n",
    "2026/03/01",
    "01.03.2026",
    "2026-03-01T00:00:00Z",
    "\u0662026-03-01",
    "yesterday",
    "0001-01-01",
    "1899-12-30",
    "1900-01-01",
    "1970-01-01",
    "1979-12-31",
]
BAD_INSTANTS = [
    "",
    "2026-03-01",
    "2026-03-01T10:00:00",
    "2026-03-01 10:00:00Z",
    "2026-03-01T10:00Z",
    "2026-03-01T24:00:00Z",
    "2026-03-01T10:60:00Z",
    "2026-03-01T23:59:60Z",
    "2026-02-29T10:00:00Z",
    "2026-03-01T10:00:00.Z",
    "2026-03-01T10:00:00,5Z",
    "2026-03-01T10:00:00z",
    "2026-03-01t10:00:00Z",
    "2026-03-01T10:00:00 Z",
    "2026-03-01T10:00:00Z ",
    "2026-03-01T10:00:00+08",
    "2026-03-01T10:00:00+0800",
    "2026-03-01T10:00:00+8:00",
    "2026-03-01T10:00:00+24:00",
    "2026-03-01T10:00:00+08:60",
    "2026-03-01T10:00:00+08:00:00",
    "2026-03-01T10:00:00\u221208:00",
    "2026-03-01T10:00:00[Asia/Shanghai]",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+00:01",
    "0001-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00Z",
    "1899-12-30T00:00:00+08:00",
    "1970-01-01T00:00:00Z",
    "1979-12-31T15:59:59.999Z",
    "1980-01-01T00:59:59+09:00",  # still the last day of 1979 in Shanghai
]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("event_id", bad) for bad in [*BAD_NAMES, *MANGLED]),
        *(("event_ref", bad) for bad in [*BAD_NAMES, *MANGLED]),
        *(("facility", bad) for bad in ("", "F-2", "f-1", "F-1 ", "F\u20101")),
        *(("kind", bad) for bad in ("", "loan", "Drawdown", "drawdown ", "correction", "1")),
        *(("amount", bad) for bad in ("", "0", "0.00", "-1", "1e3", "NaN", "1.001", "9" * 5000)),
        *(("currency", bad) for bad in ("", "EUR", "cny", "156", "CNY ")),
        *(("value_date", bad) for bad in ("", *BAD_DATES)),
        *(("booked_at", bad) for bad in BAD_INSTANTS),
        *(("partner", bad) for bad in ("alfa", "gamma", "lead", " ")),
        *(("reverses", bad) for bad in ("drawdown/R1", "x")),
        *(("shares_on", bad) for bad in BAD_DATES),
        *((column, "x" * (MAX_TEXT + 1)) for column in ("loan_ref", "borrower_ref", "memo")),
    ],
)
def test_a_value_that_breaks_its_columns_rule_is_quarantined(column: str, value: str) -> None:
    judged = fault(read_one(row() | {column: value}))
    assert judged.field == column
    assert judged.value == value[:4096] + (
        f"… ({len(value)} characters)" if len(value) > 4096 else ""
    )
    assert judged.reason
    assert judged.event_id == ("" if column == "event_id" else "E1")


@pytest.mark.parametrize("name", NOT_MANGLED)
def test_what_no_spreadsheet_writes_is_a_name_like_any_other(name: str) -> None:
    judged = event(read_one(row(name, event_ref=name)))
    assert (judged.event_id, judged.event_ref) == (name, name)


def test_no_date_is_before_the_facilitys_first_day() -> None:
    late = replace(FACILITY, first_day=date(2026, 2, 1).toordinal())
    judge = Validator(late, "lead").check_object
    for column, good, bad in (
        ("value_date", "2026-02-01", "2026-01-31"),
        ("booked_at", "2026-02-01T00:00:00+08:00", "2026-01-31T15:59:59Z"),
        ("shares_on", "2026-02-01", "2026-01-31"),
    ):
        assert event(judge(1, row(**{column: good})))
        refused = fault(judge(1, row(**{column: bad})))
        assert refused.field == column
        assert "2026-02-01, the first day of facility F-1" in refused.reason


# --- The lead's own split ----------------------------------------------------------------------

LEAD_SPLITS = replace(FACILITY, split="lead")


@pytest.mark.parametrize("kind", [*SHARED, *ONE_PARTNER])
def test_where_the_lead_splits_each_row_names_its_partner_and_states_its_part(kind: str) -> None:
    judge = Validator(LEAD_SPLITS, "lead").check_object
    refused = fault(judge(1, row(kind=kind)))
    assert (refused.field, "needed" in refused.reason) == ("partner", True)
    assert fault(judge(1, row(kind=kind, partner="gamma"))).field == "partner"
    judged = event(judge(1, row(kind=kind, partner="beta", amount="0.01")))
    assert (judged.partner, judged.amount, judged.parts) == (2, 1, 1)


def test_where_the_lead_splits_a_reversal_names_the_partner_too() -> None:
    judge = Validator(LEAD_SPLITS, "lead").check_object
    for reverses in ("fee/R9", "top_up/R9", "nothing"):
        assert fault(judge(1, row(kind="reversal", reverses=reverses))).field == "partner"
    judged = event(judge(1, row(kind="reversal", reverses="fee/R9", partner="alfa")))
    target = event(judge(2, row(kind="fee", event_ref="R9", partner="alfa")))
    assert judged.target_identity == target.identity


def test_where_the_lead_splits_the_partners_parts_of_one_event_are_two_identities() -> None:
    judge = Validator(LEAD_SPLITS, "lead").check_object
    parts = [event(judge(1, row(partner=name))) for name in ("alfa", "beta")]
    assert parts[0].identity != parts[1].identity
    day = date(2026, 1, 1).toordinal()
    assert event(judge(1, row(partner="alfa", shares_on="2026-01-01"))).shares_day == day


def test_where_the_lead_splits_a_partners_feed_is_as_ever() -> None:
    judge = Validator(LEAD_SPLITS, "alfa").check_object
    assert event(judge(1, row())).partner == event(judge(1, row(partner="alfa"))).partner == 1


@pytest.mark.parametrize("first", range(len(COLUMNS)))
def test_the_first_fault_in_the_order_of_the_columns_is_the_one(first: int) -> None:
    bad = {
        "event_id": "",
        "facility": "",
        "event_ref": "",
        "kind": "",
        "amount": "",
        "currency": "",
        "value_date": "",
        "booked_at": "",
        "partner": "nobody",
        "reverses": "nothing",
        "shares_on": "never",
        "loan_ref": "x" * (MAX_TEXT + 1),
        "borrower_ref": "x" * (MAX_TEXT + 1),
        "memo": "x" * (MAX_TEXT + 1),
    }
    broken = {column: bad[column] for column in COLUMNS[first:]}
    assert fault(read_one(row() | broken)).field == COLUMNS[first]


@pytest.mark.parametrize("kind", sorted(BY_FEED_NAME))
@pytest.mark.parametrize("partner", ["", "alfa", "beta", "gamma", "lead"])
@pytest.mark.parametrize("target", [None, "", "x", "fee/R9", "top_up/R9", "reversal/R9", "fee/"])
def test_who_may_stand_in_the_leads_feed(kind: str, partner: str, target: str | None) -> None:
    judged = read_one(row(kind=kind, partner=partner, reverses=target or ""))
    ruling = kind
    if kind == "reversal":
        named = (target or "").split("/")[0]
        ruling = named if target in ("fee/R9", "top_up/R9") else "?"
    want = None
    if (
        partner not in ("", "alfa", "beta")
        or (ruling in SHARED and partner)
        or (ruling in ONE_PARTNER and not partner)
    ):
        want = "partner"
    elif (kind == "reversal" and ruling == "?") or (kind != "reversal" and target):
        want = "reverses"
    if want:
        assert fault(judged).field == want
    else:
        assert event(judged).partner == ("", "alfa", "beta").index(partner)


@pytest.mark.parametrize("kind", [*SHARED, *ONE_PARTNER])
@pytest.mark.parametrize(("partner", "good"), [("", True), ("alfa", True), ("beta", False)])
def test_a_partners_feed_names_itself_or_nobody(kind: str, partner: str, good: bool) -> None:
    judged = read_one(row(kind=kind, partner=partner), "alfa")
    if good:
        assert (event(judged).partner, event(judged).parts) == (1, 1)
    else:
        assert fault(judged).field == "partner"


def test_shares_on_is_the_leads_alone_and_counts_where_something_is_split() -> None:
    assert fault(read_one(row(shares_on="2026-01-01"), "alfa")).field == "shares_on"
    day = date(2026, 1, 1).toordinal()
    assert event(read_one(row(shares_on="2026-01-01"))).shares_day == day
    assert event(read_one(row(shares_on="2026-03-01"))).shares_day == 0  # the value date itself
    top_up = row(kind="top_up", partner="alfa", shares_on="2026-01-01")
    assert event(read_one(top_up)).shares_day == 0


@pytest.mark.parametrize(
    ("booked_at", "utc", "business_date"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", date(2026, 3, 1)),
        ("2026-03-01T10:00:00-00:00", "2026-03-01T10:00:00Z", date(2026, 3, 1)),
        ("2026-03-01T23:59:59.999+08:00", "2026-03-01T15:59:59.999Z", date(2026, 3, 1)),
        ("2026-03-01T16:00:00Z", "2026-03-01T16:00:00Z", date(2026, 3, 2)),
        ("2026-03-01T10:00:00.5000Z", "2026-03-01T10:00:00.5Z", date(2026, 3, 1)),
        ("2026-03-01T10:00:00.000Z", "2026-03-01T10:00:00Z", date(2026, 3, 1)),
        (
            "2026-03-01T10:00:00.1234567890123456789Z",
            "2026-03-01T10:00:00.1234567890123456789Z",
            date(2026, 3, 1),
        ),
        ("2026-03-01T00:00:00+23:59", "2026-02-28T00:01:00Z", date(2026, 2, 28)),
        ("1979-12-31T16:00:00Z", "1979-12-31T16:00:00Z", date(1980, 1, 1)),
    ],
)
def test_an_instant_is_kept_in_utc_and_gives_the_business_date(
    booked_at: str, utc: str, business_date: date
) -> None:
    judged = event(read_one(row(booked_at=booked_at)))
    assert (judged.booked_at, judged.business_day) == (utc, business_date.toordinal())


@pytest.mark.parametrize(
    "booked_at", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59", "9999-12-31T15:59:59.9Z"]
)
def test_an_instant_at_the_end_of_the_calendar_is_beyond_any_day(booked_at: str) -> None:
    judged = event(read_one(row(booked_at=booked_at)))
    assert judged.latest_day >= date.max.toordinal()


@pytest.mark.parametrize(
    "same",
    [
        {"amount": "100"},
        {"amount": "0100.0"},
        {"booked_at": "2026-03-01T02:00:00Z"},
        {"booked_at": "2026-03-01T02:00:00.000Z"},
        {"branch": "ignored"},
    ],
)
def test_what_says_the_same_has_the_same_content(same: dict[str, str]) -> None:
    judge = Validator(FACILITY, "lead").check_object
    assert (
        event(judge(1, row())).content == event(judge(2, row("E2", event_ref="R1", **same))).content
    )


@pytest.mark.parametrize(
    "other",
    [
        {"event_ref": "R2"},
        {"kind": "principal"},
        {"amount": "100.01"},
        {"value_date": "2026-03-02"},
        {"booked_at": "2026-03-01T10:00:00.000000001+08:00"},
        {"shares_on": "2026-03-01"},
        {"loan_ref": "x"},
        {"borrower_ref": "x"},
        {"memo": "x"},
        {"memo": " "},
    ],
)
def test_what_says_another_thing_has_another_content(other: dict[str, str]) -> None:
    judge = Validator(FACILITY, "lead").check_object
    assert event(judge(1, row())).content != event(judge(1, row(**other))).content


def test_texts_that_change_places_have_another_content() -> None:
    judge = Validator(FACILITY, "lead").check_object
    contents = {
        event(judge(1, row(loan_ref=loan, borrower_ref=borrower, memo=memo))).content
        for loan, borrower, memo in (("a", "", ""), ("", "a", ""), ("", "", "a"), ('a","', "", ""))
    }
    assert len(contents) == 4


def test_an_identity_is_kind_reference_partner_and_target() -> None:
    judge = Validator(FACILITY, "lead").check_object
    rows = [
        row(),
        row(kind="principal"),
        row(event_ref="R2"),
        row(kind="top_up", partner="alfa"),
        row(kind="top_up", partner="beta"),
        row(kind="reversal", reverses="drawdown/R1"),
        row(kind="reversal", reverses="principal/R1"),
        row(kind="reversal", reverses="drawdown/R2"),
        row(kind="reversal", reverses="top_up/R1", partner="alfa"),
        row(kind="reversal", reverses="top_up/R1", partner="beta"),
    ]
    identities = [event(judge(1, cells)).identity for cells in rows]
    assert len(set(identities)) == len(rows)
    again = event(judge(1, row("E2", event_ref="R1", amount="5", value_date="2020-01-01")))
    assert again.identity == identities[0]
    for reversal, target in ((5, 0), (6, 1), (7, 2), (8, 3), (9, 4)):
        assert event(judge(1, rows[reversal])).target_identity == identities[target]


def test_a_target_is_split_at_the_first_slash() -> None:
    judged = event(read_one(row(kind="reversal", reverses="fee/a/b")))
    assert (judged.target_kind, judged.target_ref) == (Kind.FEE, "a/b")


@pytest.mark.parametrize(
    ("kind", "amount", "parts"),
    [
        ("drawdown", "0.01", 0),
        ("drawdown", "0.02", 0),
        ("drawdown", "0.03", 1),
        ("drawdown", "0.04", 1),
        ("drawdown", "0.05", 2),
        ("interest", "99.99", 1),
        ("interest", "100.00", 2),
        ("fee", "0.01", 1),
    ],
)
def test_parts_that_are_not_zero_are_counted(kind: str, amount: str, parts: int) -> None:
    judged = event(read_one(row(kind=kind, amount=amount)))
    assert judged.parts == parts
    split = FACILITY.parts(Kind(judged.kind), judged.amount, judged.value_day)
    assert sum(part > 0 for part in split) == parts


@pytest.fixture(scope="module")
def midday() -> Facility:
    return parse_facility("""
id = "F-1"
lead = "lead"
currency = "CNY"
time_zone = "Pacific/Kiritimati"
cut_off = "12:00:00"
[rules]
amount_tolerance = "0.00"
date_window_days = 0
match_deadline_hours = 24
[[partners]]
name = "alfa"
share_bps = { principal = 1, interest = 1, fee = 1 }
""")


def test_the_business_date_is_the_facilitys(midday: Facility) -> None:
    judge = Validator(midday, "lead").check_object
    for booked_at, day in (
        ("2026-03-01T22:00:00Z", date(2026, 3, 2)),  # 12:00:00 on the 2nd there
        ("2026-03-01T22:00:00.9Z", date(2026, 3, 2)),
        ("2026-03-01T22:00:01Z", date(2026, 3, 3)),
    ):
        judged = event(judge(1, row(booked_at=booked_at)))
        assert judged.business_day == day.toordinal()
