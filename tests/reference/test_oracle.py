"""The oracle against examples computed by hand, and against the faults put into Berka's feeds."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.reference import berka, random_feeds
from tests.reference.oracle import Expected, InputError, reconcile

TODAY = date(2020, 6, 15)

FACILITY = """
id = "F"
lead = "L"
currency = "EUR"
time_zone = "Europe/Prague"
cut_off = "17:00:00"
[rules]
amount_tolerance = "0.02"
date_window_days = 2
match_deadline_hours = 24
[[partners]]
name = "A"
share_bps = { principal = 3333, interest = 10000, fee = 0 }
[[partners]]
name = "B"
share_bps = { principal = 1, interest = 0, fee = 2500 }
"""

COLUMNS = [
    "event_id", "facility", "event_ref", "kind", "amount", "currency", "value_date", "booked_at",
    "partner", "reverses", "shares_on", "loan_ref", "borrower_ref", "memo",
]  # fmt: skip


def row(event_id: str, kind: str, ref: str, amount: str, **cells: Any) -> dict[str, Any]:
    return {
        "event_id": event_id, "facility": "F", "event_ref": ref, "kind": kind, "amount": amount,
        "currency": "EUR", "value_date": "2020-01-10", "booked_at": "2020-01-10T10:00:00Z", **cells,
    }  # fmt: skip


def csv_feed(rows: list[dict[str, Any]]) -> bytes:
    lines = [",".join(COLUMNS)]
    for cells in rows:
        lines.append(
            ",".join('"' + cells.get(name, "").replace('"', '""') + '"' for name in COLUMNS)
        )
    return ("\n".join(lines) + "\n").encode()


Feed = bytes | list[dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path) -> Any:
    def run(lead: Feed, a: Feed | None = None, b: Feed | None = None) -> Expected:
        paths = {}
        for name, feed in (("L", lead), ("A", a), ("B", b)):
            if feed is not None:
                paths[name] = tmp_path / f"{name}.feed"
                paths[name].write_bytes(feed if isinstance(feed, bytes) else csv_feed(feed))
        (tmp_path / "facility.toml").write_text(FACILITY)
        return reconcile(tmp_path / "facility.toml", paths.pop("L"), paths, today=TODAY)

    return run


def ends(expected: Expected, partner: str) -> dict[str, int]:
    return {key: count for key, count in expected.pairs[partner].items() if count}


def faults(expected: Expected) -> list[tuple[int, str]]:
    return [(line, field) for _, line, field in expected.quarantine]


def test_a_split_rounds_each_part_down_and_drops_parts_of_zero(run: Any) -> None:
    # 99.99: A 33.33 x 99.99 % = 33.326... -> 33.32; B 0.009999 -> 0.00, no leg.
    expected = run([row("1", "principal", "P", "99.99")], [row("1", "principal", "P", "33.32")], [])
    assert ends(expected, "A") == {"matched": 1}
    assert ends(expected, "B") == {}
    assert expected.reserves["A"] == {
        "currency": "EUR", "lead_book": "33.32", "partner_book": "33.32", "agreed": "33.32",
        "proof": "0.00",
    }  # fmt: skip
    assert expected.reserves["B"]["lead_book"] == "0.00"
    assert expected.exit_code == 0
    assert expected.matched == [
        ("A", "principal", "P", "matched", "33.32", "33.32", "0.00", "2020-01-10", "2020-01-10")
    ]


def test_effects_and_components_of_the_kinds(run: Any) -> None:
    expected = run(
        [
            row("1", "drawdown", "D", "1000.00"),  # A -333.30, B -0.10
            row("2", "interest", "I", "10.00"),  # A +10.00
            row("3", "penalty", "I", "1.00"),  # A +1.00: another kind is another identity
            row("4", "fee", "I", "8.00"),  # B +2.00
            row("5", "top_up", "T", "500", partner="A"),
            row("6", "withdrawal", "T", "100", partner="A"),
            row("7", "service_fee", "T", "1", partner="B"),
            row("8", "reserve_interest", "T", "2.5", partner="B"),
            row("9", "other_in", "T", "4", partner="B"),
            row("10", "other_out", "T", "3", partner="B"),
            row("11", "reversal", "R", "500.00", partner="A", reverses="top_up/T"),
        ]
    )
    # A: -333.30 + 10 + 1 + 500 - 100 - 500; B: -0.10 + 2 - 1 + 2.5 + 4 - 3
    assert expected.reserves["A"]["lead_book"] == "-422.30"
    assert expected.reserves["B"]["lead_book"] == "4.40"
    assert expected.reserves["A"]["partner_book"] == expected.reserves["A"]["agreed"] == "0.00"
    assert ends(expected, "A") == {"missing_at_partner": 6}
    assert ends(expected, "B") == {"missing_at_partner": 6}
    assert expected.rows["A"] == {"in": 0, "accepted": 0, "duplicate": 0, "quarantined": 0}


@pytest.mark.parametrize(
    ("amount", "day", "end"),
    [
        ("10.00", "2020-01-10", "matched"),
        ("10.02", "2020-01-10", "within_tolerance"),
        ("9.98", "2020-01-12", "within_tolerance"),
        ("10.00", "2020-01-08", "within_tolerance"),
        ("10.03", "2020-01-12", "amount"),
        ("9.97", "2020-01-10", "amount"),
        ("10.02", "2020-01-13", "date"),
        ("10.00", "2020-01-07", "date"),
        ("9.97", "2020-01-13", "amount_and_date"),
    ],
)
def test_a_pair_ends_by_tolerance_and_window(run: Any, amount: str, day: str, end: str) -> None:
    expected = run(
        [row("1", "interest", "I", "10")], [row("1", "interest", "I", amount, value_date=day)]
    )
    assert ends(expected, "A") == {end: 1}
    good = end in ("matched", "within_tolerance")
    assert expected.reserves["A"]["agreed"] == ("10.00" if good else "0.00")
    assert expected.exit_code == (0 if good else 1)


def test_the_difference_is_partner_less_lead_and_one_sided_lines_have_none(run: Any) -> None:
    expected = run(
        [row("1", "drawdown", "D", "1000")],
        [row("1", "drawdown", "D", "333.00"), row("2", "drawdown", "X", "7")],
    )
    assert expected.breaks == [
        ("A", "drawdown", "D", "amount", "333.30", "333.00", "-0.30", "2020-01-10", "2020-01-10"),
        ("A", "drawdown", "X", "missing_at_lead", "", "7.00", "", "", "2020-01-10"),
        ("B", "drawdown", "D", "missing_at_partner", "0.10", "", "", "2020-01-10", ""),
    ]


def test_duplicate_rows_are_harmless_and_a_changed_one_is_quarantined(run: Any) -> None:
    first = row("1", "interest", "I", "10.00", memo="m")
    same = {**first, "amount": "010.0", "booked_at": "2020-01-10T11:00:00.000+01:00"}
    expected = run([first, same, {**first, "memo": ""}], [row("1", "interest", "I", "10.00")])
    assert expected.rows["L"] == {"in": 3, "accepted": 1, "duplicate": 1, "quarantined": 1}
    assert faults(expected) == [(4, "event_id")]
    assert ends(expected, "A") == {"matched": 1}


def test_only_accepted_rows_claim_an_id_or_an_identity(run: Any) -> None:
    bad = row("1", "interest", "I", "10.000")
    expected = run([bad, {**bad, "amount": "10.00"}], [bad, bad])
    assert expected.rows["L"] == {"in": 2, "accepted": 1, "duplicate": 0, "quarantined": 1}
    assert expected.rows["A"] == {"in": 2, "accepted": 0, "duplicate": 0, "quarantined": 2}


def test_a_leads_duplicate_leg_counts_where_its_own_part_is_not_zero(run: Any) -> None:
    expected = run(
        [
            row("1", "drawdown", "D", "1000.00"),
            row("2", "drawdown", "D", "1.00"),  # A 0.33, B 0
            row("3", "drawdown", "D", "0.01"),  # no parts at all
            row("4", "drawdown", "Z", "0.01"),  # claims its identity though it has no parts
            row("5", "drawdown", "Z", "1000.00"),
        ],
        [row("1", "drawdown", "D", "333.30"), row("2", "drawdown", "Z", "333.30")],
    )
    assert expected.rows["L"]["accepted"] == 5
    assert ends(expected, "A") == {"matched": 1, "missing_at_lead": 1, "duplicate_at_lead": 2}
    assert ends(expected, "B") == {"missing_at_partner": 1, "duplicate_at_lead": 1}
    assert expected.reserves["A"]["lead_book"] == "-333.30"
    assert ("A", "drawdown", "D", "duplicate_at_lead", "0.33", "", "", "2020-01-10", "") in (
        expected.breaks
    )


def test_a_partners_duplicate_leg_is_beside_the_pairs_status(run: Any) -> None:
    expected = run(
        [row("1", "interest", "I", "10")],
        [row("1", "interest", "I", "10"), row("2", "interest", "I", "5", value_date="2020-02-02")],
    )
    assert ends(expected, "A") == {"matched": 1, "duplicate_at_partner": 1}
    assert expected.breaks == [
        ("A", "interest", "I", "duplicate_at_partner", "", "5.00", "", "", "2020-02-02")
    ]
    assert expected.reserves["A"]["partner_book"] == "10.00"
    assert expected.exit_code == 1


def test_two_partners_top_ups_of_one_reference_are_two_identities(run: Any) -> None:
    lead = [row("1", "top_up", "T", "1", partner="A"), row("2", "top_up", "T", "2", partner="B")]
    reversal = row("3", "reversal", "R", "2", partner="B", reverses="top_up/T")
    expected = run([*lead, reversal])
    assert ends(expected, "A") == {"missing_at_partner": 1}
    assert ends(expected, "B") == {"missing_at_partner": 2}
    assert expected.reserves["A"]["lead_book"] == "1.00"
    assert expected.reserves["B"]["lead_book"] == "0.00"


def test_a_reversal_undoes_the_recorded_parts_as_a_pair_of_its_own(run: Any) -> None:
    lead = [row("1", "drawdown", "D", "1000"), row("2", "drawdown", "Z", "0.01")]
    expected = run(
        [
            *lead,
            row("3", "reversal", "R", "1000", reverses="drawdown/D"),
            row("4", "reversal", "RZ", "0.01", reverses="drawdown/Z"),
            row("5", "reversal", "R", "1000.00", reverses="drawdown/D"),  # duplicate leg
        ],
        [
            row("1", "drawdown", "D", "333.30"),
            row("2", "drawdown", "E", "5"),
            row("3", "reversal", "R", "333.30", reverses="drawdown/D", partner="A"),
            row("4", "reversal", "R", "5", reverses="drawdown/E"),
        ],
        [row("1", "drawdown", "D", "0.10"), row("2", "drawdown", "Y", "0.10"),
         row("3", "reversal", "R", "0.10", reverses="drawdown/Y")],
    )  # fmt: skip
    assert not expected.quarantine
    assert ends(expected, "A") == {"matched": 2, "missing_at_lead": 2, "duplicate_at_lead": 1}
    # Other targets: two one-sided legs.
    assert ends(expected, "B") == {
        "matched": 1, "missing_at_partner": 1, "missing_at_lead": 2, "duplicate_at_lead": 1,
    }  # fmt: skip
    assert expected.reserves["A"] == {
        "currency": "EUR", "lead_book": "0.00", "partner_book": "0.00", "agreed": "0.00",
        "proof": "0.00",
    }  # fmt: skip
    assert expected.reserves["B"]["agreed"] == "-0.10"


def test_faults_of_a_reversal(run: Any) -> None:
    expected = run(
        [
            row("1", "reversal", "R", "10", reverses="interest/I"),  # waits: repeats 6
            row("2", "interest", "I", "10"),
            row("3", "top_up", "T", "1", partner="A"),
            row("4", "reversal", "R", "10.01", reverses="interest/I"),  # 5: other amount
            row("5", "reversal", "R", "10", reverses="interest/I", partner="A"),  # 6
            row("6", "reversal", "R", "10", reverses="interest/I"),
            row("7", "reversal", "R2", "10", reverses="interest/I"),  # 8: reversed already
            row("8", "reversal", "R3", "10", reverses="reversal/R"),  # 9: is a reversal
            row("9", "reversal", "R", "10.01", reverses="interest/I"),  # 10: repeated, other amount
            row("10", "reversal", "R4", "1", reverses="top_up/T"),  # 11: partner is missing
            row("11", "reversal", "R4", "1", reverses="top_up/T", partner="B"),  # 12: not B's
            row("12", "reversal", "R4", "1", reverses="top_up/T", partner="C"),  # 13
            row("13", "reversal", "R4", "1", reverses="top_up/T", partner="A"),
            row("14", "reversal", "R5", "1"),  # 15
            row("15", "interest", "I2", "1", reverses="interest/I"),  # 16
            row("6", "reversal", "R", "10", reverses="interest/I"),  # a duplicate row
        ]
    )
    assert faults(expected) == [
        (5, "reverses"), (6, "partner"), (8, "reverses"), (9, "reverses"),
        (10, "reverses"), (11, "partner"), (12, "reverses"), (13, "partner"), (15, "reverses"),
        (16, "reverses"),
    ]  # fmt: skip
    assert expected.rows["L"] == {"in": 16, "accepted": 5, "duplicate": 1, "quarantined": 10}
    assert ends(expected, "A") == {"missing_at_partner": 4, "duplicate_at_lead": 1}


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        ({"event_id": ""}, "event_id"),
        ({"event_id": "x" * 65}, "event_id"),
        ({"event_id": "\u0159" * 64}, None),
        ({"event_id": "a\tb"}, "event_id"),
        ({"facility": "f"}, "facility"),
        ({"event_ref": " "}, None),
        ({"event_ref": "a\u200bb"}, "event_ref"),
        ({"kind": "Interest"}, "kind"),
        ({"kind": "correction"}, "kind"),
        ({"amount": "10000000000000.00"}, None),
        ({"amount": "10000000000000.01"}, "amount"),
        ({"amount": "0" * 5000 + "1"}, None),
        ({"amount": "9" * 5000}, "amount"),
        ({"amount": "0.00"}, "amount"),
        ({"amount": "1.000"}, "amount"),
        ({"amount": "1\n"}, "amount"),
        ({"amount": "\u0661"}, "amount"),
        ({"currency": "eur"}, "currency"),
        ({"value_date": "2020-02-30"}, "value_date"),
        ({"value_date": "20200110"}, "value_date"),
        ({"value_date": "1980-01-01"}, None),
        ({"value_date": "1979-12-31"}, "value_date"),
        ({"shares_on": "1979-12-31"}, "shares_on"),
        ({"event_ref": "6.22848E+15"}, "event_ref"),
        ({"booked_at": "2020-01-10T10:00:00"}, "booked_at"),
        ({"booked_at": "2020-01-10T10:00:60Z"}, "booked_at"),
        ({"booked_at": "2020-01-10T10:00:00.123456789-23:59"}, None),
        ({"booked_at": "0001-01-01T00:00:00+01:00"}, "booked_at"),
        ({"booked_at": "9999-12-31T23:59:59Z"}, "chain"),
        ({"partner": "A"}, "partner"),
        ({"kind": "top_up"}, "partner"),
        ({"kind": "top_up", "partner": "L"}, "partner"),
        ({"reverses": "interest/I"}, "reverses"),
        ({"shares_on": "2020-1-1"}, "shares_on"),
        ({"loan_ref": "x" * 16_384, "borrower_ref": "\U0001f4b8" * 16_384}, None),
        ({"memo": "x" * 16_385}, "memo"),
        ({"memo": "\0"}, "memo"),
        ({"amount": "x", "kind": "x", "memo": "\0"}, "kind"),
        # Thirty days after 2020-06-15 is 2020-07-15; at 17:00:00 in Prague it is 15:00:00 UTC.
        ({"value_date": "2020-07-15", "shares_on": "2020-07-15"}, None),
        ({"value_date": "2020-07-16"}, "chain"),
        ({"shares_on": "2020-07-16"}, "chain"),
        ({"booked_at": "2020-07-15T15:00:00.999Z"}, None),
        ({"booked_at": "2020-07-15T15:00:01Z"}, "chain"),
        ({"booked_at": "2020-07-15T15:00:01Z", "reverses": "x"}, "reverses"),
    ],
)  # fmt: skip
def test_a_columns_fault(run: Any, cells: dict[str, str], field: str | None) -> None:
    expected = run([{**row("1", "interest", "I", "10"), **cells}])
    assert faults(expected) == ([] if field is None else [(2, field)])


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        ({"partner": "A"}, None),
        ({"partner": "B"}, "partner"),
        ({"partner": "L"}, "partner"),
        ({"kind": "top_up"}, None),
        ({"kind": "top_up", "partner": "A"}, None),
        ({"shares_on": "2020-01-10"}, "shares_on"),
    ],
)
def test_a_columns_fault_in_a_partners_feed(
    run: Any, cells: dict[str, str], field: str | None
) -> None:
    expected = run([], [{**row("1", "interest", "I", "10"), **cells}])
    assert faults(expected) == ([] if field is None else [(2, field)])


def test_rows_are_counted_by_physical_lines_and_blank_lines_are_not_rows(run: Any) -> None:
    header = b"\xef\xbb\xbfmemo,extra," + ",".join(COLUMNS[:8]).encode()
    good = b",F,%s,interest,1,EUR,2020-01-10,2020-01-10T10:00:00Z"
    lines = [
        header,
        b'"two\r\nlines, and\r\n\r\na ""quote""",,1' + good % b"I1",
        b"  ",
        b"",
        b'5" pipe,,2' + good % b"I2",
        b'"multi\r\nline",,' + good % b"I3",  # no id, line 9
        b"short",  # line 11
        b"caf\xe9,,4" + good % b"I4",
        b",,5\xff" + good % b"I5",
        b",,6" + good % b"I6",
        b'"open,,7' + good % b"I7",
        b",,8" + good % b"I8",
    ]
    expected = run(b"\r\n".join(lines))
    assert faults(expected) == [
        (9, "event_id"),
        (11, "row"),
        (12, "memo"),
        (13, "event_id"),
        (15, "row"),
    ]
    assert expected.rows["L"] == {"in": 8, "accepted": 3, "duplicate": 0, "quarantined": 5}


def test_json_lines(run: Any) -> None:
    def line(n: int, **cells: Any) -> bytes:
        return json.dumps({**row(f"{n}", "interest", f"I{n}", "1.00"), **cells}).encode()

    lines = [
        b"\xef\xbb\xbf ",
        line(2, partner=None, memo="", unknown={"amount": [1]}),
        b"",
        line(4, amount=1),
        line(5)[:-1] + b',"amount":"1.00"}',
        line(6)[:-1] + b',"unknown":NaN}',
        line(7)[:-1],
        b"[" + line(8) + b"]",
        line(9, memo="caf\u00e9").replace(b"\\u00e9", b"\xe9"),
        line(10, memo="\ud800"),
        line(11, kind=["interest"]),
        line(12, event_id=12),
        line(13)[:-1] + b',"unknown":' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        line(15, booked_at=None) + b"\r",
        line(2, amount="1"),
    ]
    expected = run(b"\n".join(lines))
    assert faults(expected) == [
        (4, "amount"), (5, "amount"), (6, "row"), (7, "row"), (8, "row"), (9, "row"), (10, "memo"),
        (11, "kind"), (12, "event_id"), (14, "row"), (15, "booked_at"),
    ]  # fmt: skip
    assert expected.rows["L"] == {"in": 14, "accepted": 2, "duplicate": 1, "quarantined": 11}


@pytest.mark.parametrize(
    "lead",
    [
        b"",
        b"\xef\xbb\xbf",
        b"\n\n",
        b"event_id,facility\n",
        ",".join([*COLUMNS, "memo"]).encode(),
        ",".join(COLUMNS).replace("kind", "Kind").encode(),
        ",".join(COLUMNS).replace("kind", " kind").encode(),
        ";".join(COLUMNS).encode(),
    ],
)
def test_files_that_cannot_be_feeds(run: Any, lead: bytes) -> None:
    with pytest.raises(InputError):
        run(lead)


def test_a_header_alone_is_a_feed_without_rows(run: Any) -> None:
    expected = run(",".join(COLUMNS[:8]).encode())
    assert expected.rows["L"]["in"] == 0
    assert expected.exit_code == 0


# Berka: what the oracle finds is what was put in.


def check_against_ledger(made: berka.Berka) -> None:
    found = reconcile(made.facility, made.lead, made.partners)
    ledger = made.ledger
    assert found.quarantine == ledger.quarantine
    assert Counter(found.breaks) == Counter(ledger.breaks)
    assert Counter(found.matched) == Counter(ledger.matched)
    assert found.rows == {bank: dict(rows) for bank, rows in ledger.rows.items()}
    assert found.pairs == {partner: dict(pairs) for partner, pairs in ledger.pairs.items()}
    assert found.reserves == ledger.reserves


needs_loans = pytest.mark.skipif(
    not berka.loans_file().exists(),
    reason=f"{berka.loans_file()} is not there (TALLYSTICK_SHARED names its folder)",
)


# `make test` holds oracle and ledger against each other through what `tally reconcile` says of the
# same loans (tests/e2e/test_reconcile_berka.py).
@pytest.mark.slow
@needs_loans
@pytest.mark.parametrize("variant", ["plain", "tolerance"])
def test_berka_whole(tmp_path: Path, variant: str) -> None:
    made = berka.generate(tmp_path, variant=variant)
    for partner, pairs in made.ledger.pairs.items():
        empty = {key for key, count in pairs.items() if not count}
        assert empty <= {"within_tolerance"}, partner
        assert pairs["matched"] > (20_000 if variant == "plain" else 10_000), partner
    assert (made.ledger.pairs["ostrava"]["within_tolerance"] > 5_000) == (variant == "tolerance")
    check_against_ledger(made)


@needs_loans
@pytest.mark.parametrize("variant", ["plain", "tolerance"])
@pytest.mark.parametrize("seed", range(2, 7))
def test_berka_small(tmp_path: Path, seed: int, variant: str) -> None:
    check_against_ledger(berka.generate(tmp_path, seed=seed, loans=30, variant=variant))


@needs_loans
def test_berka_derives_every_loan_and_every_repayment() -> None:
    generator = berka.Generator(seed=1, loans=None, variant="plain")
    generator.build()
    refs = {(pair.kind, pair.event_ref) for pair in generator.pairs}
    assert sum(kind == "drawdown" and ref.startswith("D-") for kind, ref in refs) == 682
    assert sum(kind == "principal" and ref.startswith("P-") for kind, ref in refs) == 24_888


@needs_loans
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    one = berka.generate(tmp_path / "one", seed=5, loans=10)
    two = berka.generate(tmp_path / "two", seed=5, loans=10)
    for left, right in zip(
        [one.facility, one.lead, *one.partners.values()],
        [two.facility, two.lead, *two.partners.values()],
        strict=True,
    ):
        assert left.read_bytes() == right.read_bytes()


# Random feeds: the laws that hold whatever is in them.


@pytest.mark.parametrize("seed", range(20))
def test_sums_of_random_feeds(tmp_path: Path, seed: int) -> None:
    case = random_feeds.generate(tmp_path, seed)
    found = reconcile(case.facility, case.lead, case.partners)
    for rows in found.rows.values():
        assert rows["in"] == rows["accepted"] + rows["duplicate"] + rows["quarantined"]
    assert sum(rows["quarantined"] for rows in found.rows.values()) == len(found.quarantine)
    assert sum(map(sum, (p.values() for p in found.pairs.values()))) == len(
        found.matched + found.breaks
    )
