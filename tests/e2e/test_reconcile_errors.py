"""How `tally reconcile` ends: 0, 1, 2 and 3, and what it may say where."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.running import (
    Outcome,
    assert_clean_failure,
    assert_says,
    reconcile,
    reconcile_in_process,
    tally_in_process,
)
from tests.reference import berka, oracle

FACILITY = """
id = "F-1"
lead = "north"
currency = "EUR"
time_zone = "Europe/Prague"
cut_off = "17:00:00"

[rules]
amount_tolerance = "0.01"
date_window_days = 0
match_deadline_hours = 24

[[partners]]
name = "south"
share_bps = { principal = 5000, interest = 5000, fee = 5000 }
low_balance = "100.00"

[[partners]]
name = "west"
share_bps = { principal = 4000, interest = 4000, fee = 0 }
low_balance = "0.00"
"""

HEADER = "event_id,facility,event_ref,kind,amount,currency,value_date,booked_at,partner,memo\n"


def line(event_id: str, amount: str, ref: str = "E-1", kind: str = "fee", partner: str = "") -> str:
    return f"{event_id},F-1,{ref},{kind},{amount},EUR,2020-02-03,2020-02-03T10:00:00Z,{partner},\n"


@dataclass
class Files:
    folder: Path
    facility: Path
    lead: Path
    south: Path

    def reconcile(self, *extra: str) -> Outcome:
        return reconcile(
            self.facility, self.lead, {"south": self.south}, self.folder / "out",
            extra=("--json", *extra),
        )  # fmt: skip

    def reconcile_in_process(self, *extra: str) -> Outcome:
        return reconcile_in_process(
            self.facility, self.lead, {"south": self.south}, self.folder / "out",
            extra=("--json", *extra),
        )  # fmt: skip

    def refused(self, *extra: str) -> str:
        """What is said of input that ends with 2, before anything is started."""
        outcome = self.reconcile_in_process(*extra)
        assert_clean_failure(outcome, 2)
        return outcome.stderr

    def expected(self) -> oracle.Expected:
        return oracle.reconcile(self.facility, self.lead, {"south": self.south})


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(
        tmp_path, tmp_path / "facility.toml", tmp_path / "north.csv", tmp_path / "south.csv"
    )
    made.facility.write_text(FACILITY)
    made.lead.write_text(HEADER + line("1", "10.00"))
    made.south.write_text(HEADER + line("1", "5.00"))
    return made


# 0 and 1


def test_all_matched_ends_with_0_and_duplicate_rows_are_harmless(files: Files) -> None:
    files.lead.write_text(HEADER + line("1", "10.00") + line("1", "10") + line("2", "10.00", "E-2"))
    files.south.write_text(HEADER + line("1", "5.00") + line("2", "5.01", "E-2") * 2)
    outcome = files.reconcile()
    assert_says(outcome, files.expected())
    assert outcome.code == 0
    assert outcome.report()["pairs"]["south"]["within_tolerance"] == 1


def test_feeds_without_rows_end_with_0(files: Files) -> None:
    files.lead.write_text(HEADER)
    files.south.write_text(HEADER)
    outcome = files.reconcile_in_process()
    assert_says(outcome, files.expected())
    assert outcome.code == 0
    assert outcome.report()["chain"]["gas_per_pair"] is None
    assert outcome.report()["chain"]["transactions"] == 0


@pytest.mark.parametrize(
    ("lead", "south"),
    [
        pytest.param("", line("9", "1.00", "E-9"), id="a leg that the lead has not"),
        pytest.param(line("9", "1.00", "E-9"), "", id="a leg that the partner has not"),
        pytest.param(line("9", "8.00"), "", id="a duplicate leg"),
        pytest.param(line("9", "1.001", "E-9"), "", id="a quarantined row"),
    ],
)
def test_anything_to_look_at_ends_with_1(files: Files, lead: str, south: str) -> None:
    files.lead.write_text(files.lead.read_text() + lead)
    files.south.write_text(files.south.read_text() + south)
    outcome = files.reconcile_in_process()
    assert_says(outcome, files.expected())
    assert outcome.code == 1


def test_an_unknown_column_is_a_warning_on_standard_error(files: Files) -> None:
    files.lead.write_text(
        "".join(f"{n},{text}" for n, text in zip(
            ["branch_of_bank", "x"], (HEADER + line("1", "10.00")).splitlines(True), strict=True
        ))
    )  # fmt: skip
    outcome = files.reconcile_in_process()
    assert_says(outcome, files.expected())
    assert outcome.code == 0
    assert "branch_of_bank" in outcome.stderr


# 2: feeds

BAD_FEEDS: dict[str, bytes | None] = {
    "not there": None,
    "no bytes": b"",
    "only a byte-order mark": b"\xef\xbb\xbf",
    "only blank lines": b"\n\r\n  \n",
    "a column is missing": HEADER.replace("value_date,", "").encode(),
    "a column is doubled": HEADER.replace("memo", "amount").encode(),
    "another case": HEADER.replace("amount", "Amount").encode(),
    "semicolons": HEADER.replace(",", ";").encode(),
    "no header": line("1", "5.00").encode(),
    "not text": bytes(range(256)) * 20,
}


@pytest.mark.parametrize("name", BAD_FEEDS)
def test_a_feed_that_cannot_be_one(files: Files, name: str) -> None:
    data = BAD_FEEDS[name]
    if data is None:
        files.south.unlink()
    else:
        files.south.write_bytes(data)
    assert "south.csv" in files.refused()


def test_the_leads_feed_is_judged_alike(files: Files) -> None:
    files.lead.write_bytes(b"")
    outcome = files.reconcile()
    assert_clean_failure(outcome, 2)
    assert "north.csv" in outcome.stderr


def test_a_folder_is_no_feed(files: Files) -> None:
    files.south.unlink()
    files.south.mkdir()
    assert "south.csv" in files.refused()


# 2: the facility


def change(old: str, new: str) -> str:
    assert old in FACILITY
    return FACILITY.replace(old, new, 1)


BAD_FACILITIES: dict[str, str] = {
    "not TOML": "id = \n",
    "empty": "",
    "no id": change('id = "F-1"\n', ""),
    "empty id": change('"F-1"', '""'),
    "no lead": change('lead = "north"\n', ""),
    "unknown currency": change("EUR", "XYZ"),
    "small currency": change("EUR", "eur"),
    "unknown time zone": change("Europe/Prague", "Europe/Atlantis"),
    "a time zone that is a path": change("Europe/Prague", "../../etc/passwd"),
    "no such cut-off": change("17:00:00", "25:00:00"),
    "no rules": FACILITY[: FACILITY.index("[rules]")] + FACILITY[FACILITY.index("[[partners]]") :],
    "a tolerance below 0": change('"0.01"', '"-0.01"'),
    "a tolerance with too many decimals": change('"0.01"', '"0.001"'),
    "a tolerance that is no number": change('"0.01"', '"NaN"'),
    "a window below 0": change("date_window_days = 0", "date_window_days = -1"),
    "a window that is no number": change("date_window_days = 0", 'date_window_days = "x"'),
    "a deadline below 0": change("hours = 24", "hours = -24"),
    "no partners": FACILITY[: FACILITY.index("[[partners]]")],
    "a partner twice": change('"west"', '"south"'),
    "the lead as a partner": change('"west"', '"north"'),
    "a partner without a name": change('name = "west"\n', ""),
    "principal above 10000": change("principal = 5000", "principal = 6001"),
    "fee above 10000 alone": change("fee = 5000", "fee = 10001"),
    "a share below 0": change("fee = 5000", "fee = -1"),
    "a share that is no whole number": change("fee = 5000", "fee = 0.5"),
    "a share that is text": change("fee = 5000", 'fee = "5000"'),
    "a low balance that is no amount": change('"100.00"', '"much"'),
}


@pytest.mark.parametrize("name", BAD_FACILITIES)
def test_a_bad_facility_file(files: Files, name: str) -> None:
    files.facility.write_text(BAD_FACILITIES[name])
    assert "facility.toml" in files.refused()


def test_a_facility_file_that_is_not_utf_8(files: Files) -> None:
    files.facility.write_bytes(FACILITY.replace("F-1", "F\xe9").encode("latin-1"))
    files.refused()


def test_a_facility_file_that_is_not_there(files: Files) -> None:
    files.facility.unlink()
    assert "facility.toml" in files.refused()


def test_shares_of_exactly_10000_are_good(files: Files) -> None:
    files.facility.write_text(change("principal = 5000", "principal = 6000"))
    assert_says(files.reconcile_in_process(), files.expected())


# 2: the command line


def test_a_bank_that_is_not_in_the_facility(files: Files) -> None:
    assert "east" in files.refused("--partner", f"east={files.south}")


def test_the_lead_is_not_a_partner(files: Files) -> None:
    assert "north" in files.refused("--partner", f"north={files.south}")


def test_a_bank_given_twice(files: Files) -> None:
    other = files.folder / "again.csv"
    other.write_bytes(files.south.read_bytes())
    assert "south" in files.refused("--partner", f"south={other}")


@pytest.mark.parametrize("partner", ["south", "=south.csv", "south=", ""])
def test_a_partner_that_is_not_name_and_feed(files: Files, partner: str) -> None:
    outcome = tally_in_process(
        ["reconcile", "--lead", files.lead, "--facility", files.facility, "--json",
         "--out", files.folder / "out", "--partner", partner],
        files.folder / "out",
    )  # fmt: skip
    assert_clean_failure(outcome, 2)


@pytest.mark.parametrize("left_out", ["--lead", "--facility"])
def test_what_is_needed_and_not_given(files: Files, left_out: str) -> None:
    arguments: list[str | Path] = ["reconcile", "--json", "--partner", f"south={files.south}"]
    for option, path in (("--lead", files.lead), ("--facility", files.facility)):
        if option != left_out:
            arguments += [option, path]
    outcome = tally_in_process(arguments, files.folder / "out")
    assert_clean_failure(outcome, 2)
    assert left_out in outcome.stderr


def test_an_option_that_does_not_exist(files: Files) -> None:
    assert "--quickly" in files.refused("--quickly")


def test_a_network_that_is_not_there(files: Files) -> None:
    outcome = files.reconcile("--network", str(files.folder / "nowhere"))
    assert_clean_failure(outcome, 2)
    assert "nowhere" in outcome.stderr


# 3


@pytest.mark.skipif(not berka.loans_file().exists(), reason="needs Berka's loans")
def test_a_full_disk_ends_with_3(tmp_path: Path) -> None:
    """No file may grow beyond 256 KiB: the databases of 1,500 events do not fit."""
    made = berka.generate(tmp_path / "feeds", seed=7, loans=40)
    limit = 256 * 1024
    outcome = reconcile(
        made.facility,
        made.lead,
        made.partners,
        tmp_path / "out",
        preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert outcome.code == 3, outcome.stderr[-3000:]
    assert outcome.stdout == ""
    assert outcome.stderr.strip()
    assert "Traceback" not in outcome.stderr
