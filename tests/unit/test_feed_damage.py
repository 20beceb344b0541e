"""Feeds as they come: what spreadsheets, exports and transfers do to files and values.

Of each kind several siblings: nothing is taken with another value than was sent, and each is told
in words that say what it is.
"""

import io

import pytest

from app.domain.errors import FeedFault
from app.domain.events import ParsedEvent, Quarantined
from app.intake.completeness import is_unfinished_name
from app.intake.damaged_names import damage
from app.intake.reader import Feed
from app.intake.validation import Validator
from tests.feeds import FACILITY, HEADER, LINE, csv_bytes, event, fault, read, read_one, row


def warnings(data: bytes) -> list[str]:
    feed = Feed(io.BytesIO(data), "feed.csv")
    list(feed.rows(Validator(FACILITY, "lead")))
    return feed.warnings


ROWS = csv_bytes([row(), row("E2"), row("E3")])


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (ROWS.replace(b"\r", b"").replace(b"\n", b"\r"), "CR alone"),
        (ROWS.decode().encode("utf-32-le"), "UTF-32"),
        (ROWS.decode().encode("utf-32-be"), "UTF-32"),
        (("放款报表\n" + ROWS.decode()).encode("utf-16-be"), "UTF-16"),
        (ROWS.decode().encode("cp037"), "EBCDIC"),
        (ROWS.decode().encode("cp500").replace(b"\x25", b"\x15"), "EBCDIC"),
        (b"+/v8-" + ROWS, "UTF-7"),
        (b"\x84\x31\x95\x33" + ROWS, "GB18030"),
        (b"\0" * 500, "binary"),
        (b"\0" + ROWS, "binary"),
        (ROWS.replace(b",", b"^"), "carets"),
        (ROWS.replace(b",", b"~"), "tildes"),
        (ROWS.replace(b",", b"\x1f"), "unit separators"),
        (ROWS.replace(b",", "，".encode()), "full-width commas"),
        (b"".join(b'"' + line + b'"\n' for line in ROWS.splitlines()), "one pair of quotes"),
        (ROWS.replace(b"partner,", b"partner,,,"), "no name"),
        (ROWS.replace(b"amount", "ａｍｏｕｎｔ".encode()), "'ａｍｏｕｎｔ' is not amount"),
        (ROWS.replace(b"amount", "аmount".encode()), "is not amount"),
        (ROWS.replace(b"amount", "amount\u200b".encode()), "is not amount"),
        (ROWS.replace(b"booked_at", b"booked_at;;;"), "is not booked_at"),
        (b"\xef\xbb\xbf\xef\xbb\xbf" + ROWS, "is not event_id"),
        (b"PAR1" + bytes(50), "Parquet"),
        (b"\x04\x22\x4d\x18" + bytes(50), "lz4"),
        (b"feed.csv" + bytes(249) + b"ustar  \0", "TAR"),
        (b"PK\x03\x04" + bytes(26) + b"application/vnd.oasis.opendocument.spreadsheet", "ODS"),
        (b"PK\x03\x04" + bytes(26) + b"word/document.xml", "DOCX"),
        (b"SQLite format 3\0", "SQLite"),
        (b"\x89PNG\r\n", "PNG"),
        (b"{\\rtf1\\ansi x}", "RTF"),
        (b"{1:F01BANKDEFFAXXX0000000000}{2:O940}{4:\n:20:START\n-}", "SWIFT message"),
        (b":20:START\r\n:25:1234\r\n:28C:1/1\r\n", "MT940"),
        (b"01,SENDER,RECV,260301,1000,1,80,1,2/\n", "BAI2"),
        (b"MIME-Version: 1.0\nContent-Type: application/pkcs7-mime\n", "mail"),
        (b"age-encryption.org/v1\n", "encrypted with age"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"<table><tr><td>event_id</td></tr></table>", "sheet that Excel reads"),
    ],
)
def test_a_file_is_named_for_what_it_is(data: bytes, named: str) -> None:
    with pytest.raises(FeedFault, match=named) as caught:
        Feed(io.BytesIO(data), "feed.csv")
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("memo", "encoding", "named"),
    [
        ("Crédit – “Müller” 5 €", "cp1252", "Windows-1252"),
        ("Příliš žluťoučký kůň", "cp1250", "Windows-1250"),
        ("返済 貸出金 テスト", "shift_jis", "Shift_JIS"),
        ("ローンのご返済 テスト", "euc_jp", "EUC-JP"),
        ("還款 放款", "big5", "Big5"),
        ("대출 상환", "euc_kr", "EUC-KR"),
        ("Погашение основного долга по договору", "koi8_r", "KOI8-R"),
        ("Погашение кредита", "cp866", "866"),
    ],
)
def test_another_encoding_is_said_and_nothing_of_it_is_taken(
    memo: str, encoding: str, named: str
) -> None:
    data = csv_bytes([row(memo=memo), row("E2")]).decode().encode(encoding)
    first, second = read(data)
    assert named in fault(first).reason
    assert event(second).event_id == "E2"


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (csv_bytes([row(memo="返済")]).decode().encode("iso2022_jp"), "ISO-2022"),
        (csv_bytes([row(memo="放款")]).decode().encode("hz"), "HZ"),
        (csv_bytes([row(memo="放款".encode().decode("latin-1"))]), "read as Latin-1"),
        (csv_bytes([row(event_ref="é".encode().decode("cp1252"))]), "read as Latin-1"),
    ],
)
def test_what_is_utf8_by_its_bytes_alone_is_taken_with_a_warning(data: bytes, named: str) -> None:
    assert any(named in warning for warning in warnings(data))


@pytest.mark.parametrize("memo", ["放款", "café", "Größe", "~{x}", "Ã", "naïve café"])
def test_good_texts_bring_no_warning(memo: str) -> None:
    assert warnings(csv_bytes([row(memo=memo)])) == []


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (LINE % (b"E1", b"") + b",,,", "more commas than the header"),
        ((LINE % (b"E1", b"")).replace(b",", b";"), "separated by semicolons"),
        ((LINE % (b"E1", b"")).replace(b",", b"\t"), "separated by tabs"),
        (b'"' + LINE % (b"E1", b"") + b'"', "one pair of quotes"),
        (LINE % (b"E1", b"") + b"\r" + LINE % (b"E2", b"") + b"\r", "CR alone"),
        (LINE % (b"E1", b'"a \\", b\\" c"'), "written twice"),
        (LINE % (b"E1", b' "a, b"'), "a blank stands before a quote"),
        (b"\0" * 4096, "not written to its end"),
        (b"\x1a", "end mark of DOS"),
    ],
)
def test_a_row_with_other_cells_is_told_what_it_looks_like(line: bytes, hint: str) -> None:
    (judged,) = read(HEADER + line + b"\n")
    assert fault(judged).field == "row"
    assert hint in fault(judged).reason


def test_a_row_of_empty_cells_in_quotes_is_a_row_and_not_lost() -> None:
    (judged,) = read(HEADER + b",".join([b'""'] * len(HEADER.split(b","))) + b"\n")
    assert (fault(judged).field, fault(judged).reason) == ("event_id", "is missing")


AMOUNT_HINTS = {
    "thousand separators": [
        "1,000.00",
        "1'000.00",
        "1’000.00",
        "1 000",
        "1\u00a0000.00",
        "1.000,00",
    ],
    "point separates thousands": ["12.345"],
    "decimals after a point": ["1000,00", "0,5"],
    "no sign": [
        "-1",
        "+1",
        "100.00-",
        "(100.00)",
        "−1.00",
        "–1",
        "－1",
        "100.00 CR",
        "-0",
        "-0.00",
    ],
    "another script": ["١٠٠", "１００．００", "۱۰۰", "१००", "²"],
    "shortened": ["1e3", "1E+3", "1.0E+03", "1,5E+06"],
    "error of a spreadsheet": ["#N/A", "#VALUE!", "########"],
    "blanks around": [" 1", "1 ", "\t1", "1\u00a0"],
}
DATE_HINTS = {
    "no such day": ["2026-02-30", "2026-04-31", "1900-01-00", "2026-13-01"],
    "day number": ["46082", "46082.5"],
    "Unix clock": ["1772323200", "1772323200000"],
    "MySQL": ["0000-00-00", "0000-00-00 00:00:00"],
    "before 1980": ["1753-01-01", "1601-01-01", "1858-11-17", "1840-12-31", "1904-01-01"],
    "error of a spreadsheet": ["########", "#N/A"],
}


@pytest.mark.parametrize(
    ("column", "value", "hint"),
    [
        *(("amount", text, hint) for hint, texts in AMOUNT_HINTS.items() for text in texts),
        *(("value_date", text, hint) for hint, texts in DATE_HINTS.items() for text in texts),
        ("booked_at", "2016-12-31T23:59:60Z", "leap second"),
        ("booked_at", "46082.41", "day number"),
        ("booked_at", "2026-03-01", "it has no time"),
        ("booked_at", "2026-03-01T10:00:00", "its offset from UTC is missing"),
        ("booked_at", "2026-03-01T10:00:00.5", "its offset from UTC is missing"),
        ("booked_at", "2026-02-29T10:00:00Z", "no such day"),
        ("booked_at", "0000-00-00 00:00:00", "MySQL"),
        ("event_id", "E" * 65, "printable characters: it has 65"),
        ("event_id", "\ufeffE1", "byte-order mark: files were joined"),
        ("event_ref", "R\u200b1", "zero width space"),
        ("event_ref", "R1\t", "tab"),
        ("event_ref", "R1\0", "NUL"),
    ],
)
def test_a_faulty_value_is_told_what_it_looks_like(column: str, value: str, hint: str) -> None:
    judged = fault(read_one(row(**{column: value})))
    assert judged.field == column
    assert hint in judged.reason


DAMAGED = {
    "shortened": ["6,22848E+15", "6.2e+15", "6E+15", "6.2E15", "6.2E-05", "-6.2E+15", "６.２E+15"],
    "set to 0": ["622848000000000000", "12345678901234500"],
    "text before": ["12345.0", "1.00"],
    "error": ["#N/A", "#REF!", "#NAME?", "####"],
    "date": ["12-Mar", "Mar-12", "1-Jan-2026"],
    "truth": ["TRUE", "false"],
    "absent": ["NULL", "null", "(null)", "None", "nan", "N/A", "-", "?", "\\N"],
    "lost characters": ["???-12", "\ufffd-1", "R\ufffd"],
    "mark of a spreadsheet": ['="0001"', "'0001"],
    "blank": ["R1 ", " R1"],
}


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for kind, names in DAMAGED.items() for name in names]
)
def test_a_name_that_may_be_damaged_is_taken_and_said(name: str, kind: str) -> None:
    assert kind in damage(name)
    data = csv_bytes([row(event_id=name), row("E2", event_ref=name), row("E3")])
    assert all(isinstance(judged, ParsedEvent) for judged in read(data))
    said = warnings(data)
    assert len([one for one in said if kind in one]) == 2
    assert all("taken as it is" in one for one in said if kind in one)


@pytest.mark.parametrize(
    "name",
    [
        "RP-1", "BH-2026-0001", "E1", "000123", "622848123456789012", "1234567890123450",
        "2026-03-01", "DD/1", "é-1", "还款-1", "a", "MAY-1", "JAN-2026-1", "1.2.3", "A B",
        "NULLIFY-1", "1E", "E5", "12E5X",
    ],
)  # fmt: skip
def test_names_of_good_systems_bring_no_warning(name: str) -> None:
    assert damage(name) == ""


def test_a_kind_of_damage_is_said_once_a_file() -> None:
    said = warnings(csv_bytes([row(f"E{n}", event_ref="NULL") for n in range(50)]))
    assert len(said) == 1
    assert "row 2: event_ref 'NULL'" in said[0]


def test_the_empty_date_of_dos_is_said() -> None:
    assert "empty date of DOS" in warnings(csv_bytes([row(value_date="1980-01-01")]))[0]


def test_a_column_that_is_spelled_otherwise_is_ignored_and_said() -> None:
    data = csv_bytes([row()]).replace(b"partner", b"Partner").replace(b"shares_on", b"sharesOn")
    said = warnings(data.replace(b"memo", b"memo\x0b"))
    assert [one.rpartition(" ")[2] for one in said] == ["partner?", "shares_on?", "memo?"]


def test_json_that_is_not_one_object_a_line_is_told_so() -> None:
    text = '{"event_id": "E1"}{"event_id": "E2"}\n{"event_id": "E3"},\n{\'event_id\': "E4"}\n'
    rows = read(text.encode())
    assert all(isinstance(judged, Quarantined) for judged in rows)
    assert all("one object a line" in fault(judged).reason for judged in rows)


@pytest.mark.parametrize(
    "name",
    [
        "feed.csv.TMP", "feed.csv.tmp.4711", "feed.csv.part2", "feed.tmp-1a2b", "#feed.csv#",
        "feed.csv.incomplete", "feed.csv.inprogress", "feed.csv.swx", "feed.csv.lck",
        "feed.csv.upload", "Unconfirmed 1.crdownload", ".feed.csv.Xy12", "~$feed.csv", "feed.csv~",
    ],
)  # fmt: skip
def test_names_under_which_files_are_written_are_left_alone(name: str) -> None:
    assert is_unfinished_name(name)


@pytest.mark.parametrize(
    "name", ["feed.csv", "feed", "part.csv", "tmp.csv", "temperature.csv", "feed.2026.csv", "a.b#"]
)
def test_other_names_are_taken(name: str) -> None:
    assert not is_unfinished_name(name)
