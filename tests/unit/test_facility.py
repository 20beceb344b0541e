"""The facility file: what is wrong in it is said by key, and good ones are read to the letter."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from app.domain.business_date import BusinessCalendar
from app.domain.errors import FacilityFault
from app.domain.facility import Bounds, CutOffVersion, Facility, Shares, SharesVersion
from app.domain.facility_file import parse_facility
from app.domain.kinds import Component, Kind
from app.intake.facility_file import load_facility

GOOD = """
id        = "WLD-2016-A"
lead      = "webank"
currency  = "CNY"
time_zone = "Asia/Shanghai"
cut_off   = "18:00:00"

[rules]
amount_tolerance     = "0.01"
date_window_days     = 1
match_deadline_hours = 24

[[partners]]
name        = "huarui"
share_bps   = { principal = 8000, interest = 7999, fee = 0 }
low_balance = "100000.00"

[[partners]]
name        = "luoyang"
share_bps   = { principal = 2000, interest = 1, fee = 10000 }
"""


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('id        = "WLD-2016-A"', "", "id is missing"),
        ('id        = "WLD-2016-A"', 'id = ""', "must be 1 to 64 of A-Z a-z 0-9"),
        ('id        = "WLD-2016-A"', f'id = "{"x" * 65}"', "must be 1 to 64 of A-Z a-z 0-9"),
        ('id        = "WLD-2016-A"', 'id = "a\\nb"', "must be 1 to 64 of A-Z a-z 0-9"),
        ('id        = "WLD-2016-A"', 'id = ".a"', "id '.a' must be .* not begin with a point"),
        ('id        = "WLD-2016-A"', 'id = "a/b"', "must be 1 to 64 of A-Z a-z 0-9"),
        ('id        = "WLD-2016-A"', 'id = "é"', "must be 1 to 64 of A-Z a-z 0-9"),
        ('id        = "WLD-2016-A"', 'id = "a\\n"', "must be 1 to 64 of A-Z a-z 0-9"),
        ('id        = "WLD-2016-A"', "id = 7", "id must be a text"),
        ('id        = "WLD-2016-A"', 'id = "a"\ncolour = 1', "colour is an unknown key"),
        ('"CNY"', '"CNX"', "currency 'CNX' is not a currency"),
        ('"CNY"', '"CNH"', "currency 'CNH' is not a currency of ISO 4217, its code is CNY"),
        ('"CNY"', '"RMB"', "its code is CNY"),
        ('"CNY"', '"cny"', "currency 'cny' is not a currency"),
        ('"CNY"', '"XAU"', "XAU has no minor unit"),
        ('"Asia/Shanghai"', '"Asia/Atlantis"', "time_zone 'Asia/Atlantis' is no time zone"),
        ('"Asia/Shanghai"', '"../../etc/passwd"', "is no time zone"),
        ('"Asia/Shanghai"', '"/etc/localtime"', "is no time zone"),
        ('"Asia/Shanghai"', '"Asia"', "is no time zone"),
        ('"Asia/Shanghai"', '""', "is no time zone"),
        ('"18:00:00"', '"24:00:00"', "cut_off '24:00:00' is no time of day"),
        ('"18:00:00"', '"9:00:00"', "is no time of day"),
        ('"18:00:00"', '"18:00"', "is no time of day"),
        ('"18:00:00"', "18:00:00", "cut_off must be a text"),
        ("[rules]", 'split = "both"\n[rules]', "split 'both' says nobody who splits"),
        ("[rules]", "split = true\n[rules]", "split True says nobody"),
        (
            "[rules]",
            'first_day = "1979-12-31"\n[rules]',
            "first_day 1979-12-31 is before 1980-01-01",
        ),
        ("[rules]", 'first_day = "2016-02-30"\n[rules]', "first_day '2016-02-30' is no date"),
        ("[rules]", 'first_day = "20160130"\n[rules]', "is no date"),
        ("[rules]", "first_day = 2016-01-30\n[rules]", "first_day must be a text"),
        ('"0.01"', '"0.001"', "rules.amount_tolerance '0.001' has 3 decimals"),
        ('"0.01"', "0.01", "rules.amount_tolerance must be a text"),
        ('"0.01"', '"-1"', "must not be negative"),
        ("date_window_days     = 1", "date_window_days = -1", "no whole number"),
        ("date_window_days     = 1", "date_window_days = true", "no whole number"),
        ("date_window_days     = 1", "", "rules.date_window_days is missing"),
        ("match_deadline_hours = 24", "match_deadline_hours = 1.5", "no whole number"),
        ("match_deadline_hours = 24", "match_deadline_h = 24", "match_deadline_h is an unknown"),
        ("[rules]", "[rule]", "rule is an unknown key"),
        ("principal = 8000", "principal = 8001", "principal shares add up to 10001"),
        ("fee = 10000", "fee = 10001", "no whole number from 0 to 10000"),
        ("fee = 10000", "fee = -1", "no whole number"),
        ("fee = 10000", "fee = 1.0", "no whole number"),
        ("fee = 10000", 'fee = "1"', "no whole number"),
        (", fee = 10000", "", r"share_bps.fee is missing"),
        ("fee = 10000", "fee = 1, tax = 1", "tax is an unknown key"),
        ('"luoyang"', '"huarui"', "'huarui' is named twice"),
        ('"luoyang"', '"webank"', "'webank' is the lead"),
        ('"luoyang"', '"lu\\u0000"', r"partners\[2\].name must be 1 to 64 printable"),
        ('"100000.00"', '"1.005"', r"partners\[1\] \(huarui\).low_balance"),
        ("[rules]", "[bounds]\nleast = 1\n[rules]", "bounds.least is an unknown key"),
        ("[rules]", "[bounds]\nleast_lead_share_bps = -1\n[rules]", "no whole number"),
        (
            "[rules]",
            "[bounds]\nlargest_partner_share_bps = 10001\n[rules]",
            "bounds.largest_partner_share_bps 10001 is no whole number from 0 to 10000",
        ),
        (
            "[rules]",
            "[bounds]\nlargest_partner_share_bps = 9999\n[rules]",
            "is 9999, and the fee share of luoyang is 10000",
        ),
        (
            "[rules]",
            "[bounds]\nleast_lead_share_bps = 1\n[rules]",
            "is 1, and the principal shares leave the lead 0",
        ),
        ('id        = "WLD-2016-A"', 'id = "a"\nbounds = 1', "bounds must be a table"),
        ("[[partners]]", "[[partner]]", "partner is an unknown key"),
        ('lead      = "webank"', "lead = [", "not TOML"),
    ],
)
def test_a_bad_file_is_refused_by_key(old: str, new: str, complaint: str) -> None:
    assert old in GOOD
    with pytest.raises(FacilityFault, match=complaint) as caught:
        parse_facility(GOOD.replace(old, new), where="f.toml")
    assert caught.value.where == "f.toml"
    assert caught.value.remedy


def test_faults_are_told_together() -> None:
    bad = GOOD.replace('"CNY"', '"CNX"').replace("date_window_days     = 1", "window = 1")
    with pytest.raises(FacilityFault) as caught:
        parse_facility(bad)
    for what in ("currency 'CNX' is", "rules.date_window_days is missing", "rules.window is an"):
        assert what in caught.value.what
    assert "Add it" in caught.value.remedy and "ISO 4217" in caught.value.remedy


@pytest.mark.parametrize("partners", ['"huarui"', "5", "{}", '["huarui"]'])
def test_partners_that_are_no_tables(partners: str) -> None:
    with pytest.raises(FacilityFault, match=r"there is no partner|partners\[1\] must be a table"):
        parse_facility(f"partners = {partners}\n" + GOOD.split("[[partners]]")[0])


def test_a_facility_needs_a_partner() -> None:
    with pytest.raises(FacilityFault, match="there is no partner"):
        parse_facility("partners = []\n" + GOOD.split("[[partners]]")[0])


def test_more_partners_than_the_chain_can_number_are_refused() -> None:
    partner = '[[partners]]\nname = "p{}"\nshare_bps = {{ principal=0, interest=0, fee=0 }}\n'
    head = GOOD.split("[[partners]]")[0]
    most = parse_facility(head + "".join(map(partner.format, range(254))))
    assert most.partners[-1].number == 254
    with pytest.raises(FacilityFault, match="255 partners"):
        parse_facility(head + "".join(map(partner.format, range(255))))


@pytest.mark.parametrize(
    ("octets", "complaint"), [(b"id = '\xe9'", "byte 6 is not UTF-8"), (b"", "id is missing")]
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, octets: bytes, complaint: str) -> None:
    path = tmp_path / "f.toml"
    path.write_bytes(octets)
    with pytest.raises(FacilityFault, match=complaint):
        load_facility(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FacilityFault, match="cannot be read"):
        load_facility(tmp_path / "none.toml")
    with pytest.raises(FacilityFault, match="cannot be read"):
        load_facility(tmp_path)


@pytest.fixture(scope="module")
def facility(tmp_path_factory: pytest.TempPathFactory) -> Facility:
    path = tmp_path_factory.mktemp("facility") / "f.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    return load_facility(path)


def test_a_good_file_is_read_to_the_letter(facility: Facility) -> None:
    assert facility.banks == ("webank", "huarui", "luoyang")
    assert facility.decimals == 2
    assert facility.rules.amount_tolerance == 1
    huarui = facility.partner("huarui")
    assert huarui is not None
    assert (huarui.number, huarui.low_balance) == (1, 10_000_000)
    assert facility.partner("webank") is None
    assert facility.shares_of(2, Component.INTEREST, 1) == 1


def test_who_splits_and_the_first_day_are_optional(facility: Facility) -> None:
    assert (facility.split, facility.first_day) == ("contract", date(1980, 1, 1).toordinal())
    text = GOOD.replace("[rules]", 'split = "lead"\nfirst_day = "2016-01-31"\n[rules]')
    given = parse_facility(text)
    assert (given.split, given.first_day) == ("lead", date(2016, 1, 31).toordinal())


@pytest.mark.parametrize(
    ("code", "decimals"), [("BGN", 2), ("HRK", 2), ("DEM", 2), ("ITL", 0), ("KWD", 3), ("CLF", 4)]
)
def test_currencies_of_today_and_of_then(code: str, decimals: int) -> None:
    text = GOOD.replace('"CNY"', f'"{code}"').replace('"0.01"', '"1"')
    assert parse_facility(text.replace('"100000.00"', '"1"')).decimals == decimals


@pytest.mark.parametrize("id_", ["A", "a-._9", "_", "x" * 64])
def test_ids_that_a_file_may_have(id_: str) -> None:
    assert parse_facility(GOOD.replace("WLD-2016-A", id_)).id == id_


def test_bounds_are_optional_each(facility: Facility) -> None:
    assert facility.bounds == Bounds(0, 0)
    one = parse_facility(GOOD + "[bounds]\nlargest_partner_share_bps = 10000\n")
    assert one.bounds == Bounds(0, 10_000)
    halves = GOOD.replace("8000", "4000").replace("7999", "0").replace("10000 }", "9000 }")
    both = "[bounds]\nleast_lead_share_bps = 1000\nlargest_partner_share_bps = 9000\n"
    assert parse_facility(halves + both).bounds == Bounds(1_000, 9_000)


def test_later_versions_apply_from_their_first_day_on(facility: Facility) -> None:
    changed = replace(
        facility,
        later_shares=(
            SharesVersion(100, (Shares(1, 2, 3), Shares(4, 5, 6))),
            SharesVersion(200, (Shares(7, 8, 9), Shares(0, 0, 0))),
        ),
        later_cut_offs=(CutOffVersion(date(2026, 3, 2).toordinal(), time(12)),),
    )
    shares = [changed.shares_of(1, Component.INTEREST, day) for day in (99, 100, 199, 200)]
    assert shares == [7_999, 2, 2, 8]
    assert changed.parts(Kind.FEE, 10_000, 150) == (3, 6)
    assert changed.parts(Kind.FEE, 10_000, 300) == (9, 0)
    for day, late in ((1, False), (2, True), (3, True)):
        booked_at = datetime.fromisoformat(f"2026-03-0{day}T13:00:00+08:00")
        assert changed.business_day(booked_at) == date(2026, 3, day + late).toordinal()


def test_parts_are_rounded_down_and_the_lead_keeps_the_rest(facility: Facility) -> None:
    assert facility.parts(Kind.INTEREST, 10_000, 1) == (7_999, 1)
    assert facility.parts(Kind.INTEREST, 9_999, 1) == (7_998, 0)
    assert facility.parts(Kind.FEE, 7, 1) == (0, 7)
    with pytest.raises(ValueError, match="top_up is not split"):
        facility.parts(Kind.TOP_UP, 1, 1)


@pytest.mark.parametrize(
    ("booked_at", "day"),
    [
        ("2026-03-01T18:00:00+08:00", date(2026, 3, 1)),
        ("2026-03-01T18:00:00.999999+08:00", date(2026, 3, 1)),
        ("2026-03-01T18:00:01+08:00", date(2026, 3, 2)),
        ("2026-03-01T10:00:01Z", date(2026, 3, 2)),
        ("2026-02-28T15:59:59Z", date(2026, 3, 1)),  # 23:59:59 in Shanghai, after the cut-off
        ("2026-02-28T16:00:00Z", date(2026, 3, 1)),
        ("2026-12-31T23:00:00+08:00", date(2027, 1, 1)),
    ],
)
def test_the_business_date_turns_strictly_after_the_cut_off(
    facility: Facility, booked_at: str, day: date
) -> None:
    assert facility.business_day(datetime.fromisoformat(booked_at)) == day.toordinal()


NEW_YORK = BusinessCalendar("America/New_York", time(1, 30))


@pytest.mark.parametrize(
    ("booked_at", "day"),
    [
        ("2026-11-01T01:15:00-04:00", date(2026, 11, 1)),
        ("2026-11-01T01:30:00.9-04:00", date(2026, 11, 1)),
        ("2026-11-01T01:45:00-04:00", date(2026, 11, 2)),
        ("2026-11-01T01:15:00-05:00", date(2026, 11, 2)),  # 30 minutes later
        ("2026-11-01T01:45:00-05:00", date(2026, 11, 2)),
        ("2026-03-08T01:30:00-05:00", date(2026, 3, 8)),
        ("2026-03-08T02:30:00-05:00", date(2026, 3, 9)),  # which is 03:30:00-04:00
    ],
)
def test_the_earlier_of_two_cut_offs_ends_the_day(booked_at: str, day: date) -> None:
    assert NEW_YORK.business_day(datetime.fromisoformat(booked_at)) == day.toordinal()


@pytest.mark.parametrize(
    ("zone", "cut_off", "day", "instant"),
    [
        ("America/New_York", time(2, 30), date(2026, 3, 8), "2026-03-08T07:00:00Z"),
        ("America/Sao_Paulo", time(0, 0), date(2018, 11, 4), "2018-11-04T03:00:00Z"),  # no midnight
        ("America/Sao_Paulo", time(23, 30), date(2018, 2, 17), "2018-02-18T01:30:00Z"),  # twice
        ("Pacific/Apia", time(12, 0), date(2011, 12, 30), "2011-12-30T10:00:00Z"),  # no such day
        ("Australia/Lord_Howe", time(2, 15), date(2026, 10, 4), "2026-10-03T15:30:00Z"),  # 30 min
    ],
)
def test_a_cut_off_that_does_not_occur_is_the_first_instant_after_the_gap(
    zone: str, cut_off: time, day: date, instant: str
) -> None:
    found = BusinessCalendar(zone, cut_off).cut_off_instant(day.toordinal())
    assert datetime.fromtimestamp(found, UTC) == datetime.fromisoformat(instant)


def test_the_calendar_ends_without_a_crash(facility: Facility) -> None:
    last = datetime(9999, 12, 31, 15, 59, 59, tzinfo=UTC)
    assert facility.business_day(last) == date.max.toordinal() + 1
    with pytest.raises(OverflowError):
        facility.business_day(datetime(9999, 12, 31, 16, tzinfo=UTC))
