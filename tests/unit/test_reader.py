"""Reading feeds: what is wrong with a file, with a row, and which physical line it is."""

import gzip
import io
import os
import sys
import zipfile
from pathlib import Path

import pytest

from app.domain.errors import FeedFault, UsageFault
from app.intake import encoding
from app.intake.lines import MAX_ROW
from app.intake.reader import Feed, check_header, open_feed
from app.intake.validation import Validator
from tests.feeds import FACILITY, HEADER, LINE, csv_bytes, event, fault, json_bytes, read, row


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "0 bytes"),
        (b"\xef\xbb\xbf", "no header"),
        (b"\n\r\n  \n", "no header"),
        (HEADER.replace(b"amount,", b""), "column amount is missing"),
        (HEADER.replace(b"amount,", b"Amount,"), "column amount is missing"),
        (HEADER.replace(b"amount,", b" amount,"), "column amount is missing"),
        (HEADER.replace(b"memo", b"kind"), "column 'kind' is doubled"),
        (HEADER.replace(b"memo", b"x,x"), "column 'x' is doubled"),
        (HEADER.replace(b"memo\n", b",,\n").replace(b"amount,", b""), "column amount is missing"),
        (b"," * 1_000 + HEADER, "has 1009 columns, at most 1000"),
        (b'"' + HEADER, "never closes"),
        (b"x" * (MAX_ROW + 1), "header is longer"),
    ],
)
def test_a_file_that_is_unusable_as_a_whole_is_refused(
    data: bytes, complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "feed.csv"
    path.write_bytes(data)
    with pytest.raises(FeedFault, match=complaint) as caught:
        check_header(path)
    assert caught.value.where == str(path)
    assert caught.value.remedy
    with pytest.raises(FeedFault, match=complaint), open_feed(path, FACILITY, "lead"):
        pass


ROWS = HEADER + LINE % (b"E1", b"") + b"\n"


def zipped(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "<x/>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (ROWS.decode().encode("utf-16"), "UTF-16"),
        (ROWS.decode().encode("utf-16-le"), "UTF-16"),
        (ROWS.decode().encode("utf-16-be"), "UTF-16"),
        (json_bytes([row()]).decode().encode("utf-16"), "UTF-16"),
        (json_bytes([row()]).decode().encode("utf-16-le"), "UTF-16"),
        (ROWS.decode().encode("utf-32"), "UTF-32"),
        (ROWS.replace(b",", b";"), "separated by semicolons"),
        (
            b'\xef\xbb\xbf"' + ROWS.replace(b",", b'";"').replace(b"\n", b'"\n"'),
            "separated by semicolons",
        ),
        (ROWS.replace(b",", b"\t"), "separated by tabs"),
        (ROWS.replace(b",", b"|"), "separated by vertical bars"),
        (b"sep=,\r\n" + ROWS, "sep="),
        (b'\xef\xbb\xbf"sep=;"\n' + ROWS.replace(b",", b";"), "sep="),
        (b"Report of 2026-03-01\n\nBank;lead\n" + ROWS, "2 lines stand before the header"),
        (b"Report\n" + ROWS.replace(b",", b";"), "a line stands before the header"),
        (gzip.compress(ROWS), "gzip"),
        (zipped("xl/workbook.xml"), "Excel workbook"),
        (zipped("feed.csv"), "ZIP archive"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "XLS"),
        (b"%PDF-1.7\n", "PDF"),
        (b"-----BEGIN PGP MESSAGE-----\n\nhQEM\n", "PGP"),
        (b"[" + json_bytes([row()]) + b"]", "JSON array"),
        (b" \n[\n", "JSON array"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b'<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:x">', "ISO 20022"),
        (b"\x00\x01\x02\xff", "binary"),
        (ROWS.replace(b"event_id", b"Event ID"), "'Event ID' is not event_id"),
        (ROWS.removeprefix(HEADER), "first line is no header"),
    ],
)
def test_a_file_that_is_something_else_is_named(data: bytes, named: str, tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    path.write_bytes(data)
    with pytest.raises(FeedFault, match=named) as caught:
        check_header(path)
    assert caught.value.remedy


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, named in (
        (tmp_path / "none.csv", "No such file"),
        (tmp_path, "a directory"),
        (pipe, "a pipe"),
        (Path("/dev/zero"), "a device"),
    ):
        with pytest.raises(FeedFault, match=f"cannot be read.*{named}"):
            check_header(path)


def test_a_file_that_breaks_off_is_refused_where_it_does() -> None:
    class Torn(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            part = super().read(size)
            if part:
                return part
            raise OSError(5, "Input/output error")

    feed = Feed(Torn(HEADER + LINE % (b"E1", b"") + b"\n"), "feed")
    with pytest.raises(OSError, match="Input/output"):
        list(feed.rows(Validator(FACILITY, "lead")))


def test_a_sender_that_is_no_party_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    path.write_bytes(HEADER)
    with pytest.raises(UsageFault, match="'gamma' is no party"), open_feed(path, FACILITY, "gamma"):
        pass


@pytest.mark.parametrize("data", [HEADER, HEADER.strip(), HEADER.strip() + b"\r\n\r\n \t\n"])
def test_a_header_alone_is_a_feed_without_rows(data: bytes) -> None:
    assert read(data) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"E1,F-1", "has 2 cells, the header has 9"),
        (LINE % (b"E1", b",x"), "has 10 cells"),
        (b"x", "has 1 cells"),
        (b'""', "has 1 cells"),
        (b'"E1,F-1', "never closes"),
        (LINE % (b"E1", b'"two\nlines"') + b",", "has 10 cells"),
    ],
)
def test_a_row_that_does_not_fit_the_header_is_quarantined_whole(line: bytes, reason: str) -> None:
    good = LINE % (b"E0", b"")
    first, bad = read(HEADER + good + b"\n" + line)
    assert event(first).row == 2
    assert (fault(bad).row, fault(bad).field) == (3, "row")
    assert reason in fault(bad).reason
    assert fault(bad).value.startswith(line[:2].decode())


def test_rows_after_a_bad_one_go_on_under_their_own_lines() -> None:
    lines = [
        LINE % (b"E1", b'"a\nb\n\nc"'),  # lines 2 to 5
        b"bad",  # 6
        b"",  # 7
        LINE % (b"E2", b""),  # 8
        b"  \t",  # 9
        LINE % (b"E3", b'"x""y"'),  # 10
    ]
    rows = read(HEADER + b"\n".join(lines))
    assert [judged.row for judged in rows] == [2, 6, 8, 10]
    assert [judged.event_id for judged in rows] == ["E1", "", "E2", "E3"]
    assert event(rows[0]).details == b'{"memo":"a\\nb\\n\\nc"}'
    assert event(rows[3]).details == b'{"memo":"x\\"y"}'


@pytest.mark.parametrize(
    ("cell", "memo"),
    [
        (b'a"b', r"a\"b"),
        (b'a"b"c', r"a\"b\"c"),
        (b'""', None),
        (b'"a"b', "ab"),  # what follows a closing quote belongs to the cell
        (b'"a" "b"', r"a \"b\""),
        (b"a\rb", r"a\rb"),
        (b'"a\r\nb"', r"a\r\nb"),
        (b'"a,b"', "a,b"),
        (b" a ", " a "),
        (b'"\xc3\xa9"', "é"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_cells_are_taken_to_the_letter(cell: bytes, memo: str | None, end: bytes) -> None:
    (judged,) = read(HEADER + LINE % (b"E1", cell) + end)
    want = None if memo is None else f'{{"memo":"{memo}"}}'.encode()
    assert event(judged).details == want


def test_a_byte_order_mark_and_any_order_of_columns() -> None:
    columns = [*reversed(list(row())), "branch"]
    cells = row(branch="x")
    plain = csv_bytes([cells], columns)
    for data in (plain, b"\xef\xbb\xbf" + plain, b"\n" + plain.replace(b"\n", b"\r\n")):
        feed = Feed(io.BytesIO(data), "feed")
        (judged,) = feed.rows(Validator(FACILITY, "lead"))
        assert event(judged).event_id == "E1"
        assert feed.warnings == ["feed: the unknown column 'branch' is ignored"]


def test_a_byte_order_mark_further_down_is_content() -> None:
    (judged,) = read(HEADER + LINE % (b"\xef\xbb\xbfE1", b""))
    assert fault(judged).field == "event_id"


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        (LINE % (b"E\xe9", b""), "event_id", r"E\xe9"),
        (LINE % (b"E1", b"caf\xe9"), "memo", r"caf\xe9"),
        (LINE % (b"E1", b"half \xed\xa0\x80"), "memo", r"half \xed\xa0\x80"),
        (LINE % (b"E1", b'"\xff\nx"'), "memo", "\\xff\nx"),
        (LINE % (b"E1", b"a\0b"), "memo", r"a\x00b"),
        (LINE % (b"E\0", b""), "event_id", r"E\x00"),
        (b"\xe9", "row", r"\xe9"),
    ],
)
def test_bytes_that_are_no_text_quarantine_their_row_and_no_row_of_ascii(
    line: bytes, field: str, value: str
) -> None:
    bad, good = read(HEADER + line + b"\n" + LINE % (b"E2", b"ok"))
    assert (fault(bad).field, fault(bad).value) == (field, value)
    assert event(good).event_id == "E2"


def test_undecodable_bytes_in_an_unknown_column_quarantine_the_row_after_all_columns() -> None:
    header = HEADER.strip() + b",branch\n"
    bad, worse, good = read(
        header
        + LINE % (b"E1", b"m")
        + b",\xe9\n"
        + (LINE % (b"E2", b"m")).replace(b"CNY", b"EUR")
        + b",\xe9\n"
        + LINE % (b"E3", b"m")
        + b",e\n"
    )
    assert (fault(bad).field, fault(bad).event_id) == ("row", "E1")
    assert fault(worse).field == "currency"
    assert event(good).event_id == "E3"


def test_in_a_file_that_is_not_utf8_no_row_is_taken_that_is_not_ascii() -> None:
    """Bytes of another encoding may happen to be valid, also ahead of those that are not."""
    gbk = ["\u7cfb", "\u901a\u7968", "ok", "\u653e\u6b3e"]  # the first two are valid UTF-8 in GBK
    lines = [LINE % (b"E%d" % n, memo.encode("gbk")) for n, memo in enumerate(gbk)]
    assert all(memo.encode("gbk").decode() for memo in gbk[:3])
    feed = Feed(io.BytesIO(HEADER + b"\n".join(lines)), "feed")
    valid, also_valid, ascii_, bad = feed.rows(Validator(FACILITY, "lead"))
    assert event(ascii_).event_id == "E2"
    for judged in (valid, also_valid, bad):
        assert fault(judged).field == "memo"
        assert "it looks like GB18030" in fault(judged).reason
    assert [warning for warning in feed.warnings if "GB18030" in warning]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\n\xef\xbb\xbf"[:1]])
def test_the_same_holds_for_json_lines(mark: bytes) -> None:
    data = (
        mark
        + b"\n".join(
            [
                json_bytes([row("E1", memo="\u7cfb")]).strip(),  # escaped: pure ASCII
                json_bytes([row("E2")]).strip()[:-1] + b',"x":"\xcf\xb5"}',
                json_bytes([row("E3")]).strip()[:-1] + b',"memo":"\xe9"}',
            ]
        )
    )
    first, valid, bad = read(data)
    assert event(first).event_id == "E1"
    assert [fault(valid).field, fault(bad).field] == ["row", "row"]


@pytest.mark.parametrize(
    ("text", "name", "named"),
    [
        ("\u7cfb", "gb18030", "GB18030"),
        ("\u9084\u6b3e \u653e\u6b3e \u5229\u606f", "big5", "Big5"),
        ("caf\u00e9 cr\u00e9dit M\u00fcller Stra\u00dfe d\u00e9j\u00e0 vu", "latin-1", "Latin-1"),
        (
            "\u041f\u043e\u0433\u0430\u0448\u0435\u043d\u0438\u0435",
            "cp1251",
            "Cyrillic",
        ),
    ],
)
def test_it_is_said_what_a_file_looks_like(text: str, name: str, named: str) -> None:
    memos = [text.encode(name), b"\xb7\xc5\xbf\xee" if name == "gb18030" else b""]
    lines = [LINE % (b"E%d" % n, memo) for n, memo in enumerate(memos)]
    assert named in fault(read(HEADER + b"\n".join(lines))[0]).reason


def test_a_long_word_of_another_encoding_is_looked_at_once() -> None:
    """It took hours where the search for words that are not ASCII began anew at each letter."""
    assert encoding._looks_like(b"x" * (1 << 20) + b"\xe9") == "Latin-1 (Windows-1252)"


def test_a_file_cut_within_a_character_is_not_utf8() -> None:
    rows = read(HEADER + LINE % (b"E1", "\u7cfb".encode()) + b"\n" + LINE % (b"E2", b"\xe7\xb3"))
    assert [fault(judged).field for judged in rows] == ["memo", "memo"]


# --- Columns without a name --------------------------------------------------------------------


def test_empty_columns_without_a_name_at_the_end_are_ignored_with_a_warning() -> None:
    lines = [
        HEADER.strip() + b",, ,",
        LINE % (b"E1", b"") + b",,,",
        LINE % (b"E2", b"") + b",,x,",
        LINE % (b"E3", b""),
        b"," * 11,
        b",,",
        LINE % (b"E4", b"") + b",,,",
    ]
    feed = Feed(io.BytesIO(b"\r\n".join(lines)), "feed")
    first, filled, short, last = feed.rows(Validator(FACILITY, "lead"))
    assert [event(first).event_id, event(last).event_id] == ["E1", "E4"]
    assert (fault(filled).field, fault(filled).reason) == (
        "row",
        "has a value in a column without a name",
    )
    assert "has 9 cells, the header has 12" in fault(short).reason
    assert feed.warnings == ["feed: the 3 columns without a name at the end are ignored"]


# --- JSON lines --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"{", "row"),
        (b"nonsense", "row"),
        (b"[]", "row"),
        (b'"E1"', "row"),
        (b"null", "row"),
        (b"{} {}", "row"),
        (b'{"event_id":"E1",}', "row"),
        (b"{'event_id':'E1'}", "row"),
        (b'{"x":"\xe9"}', "row"),
        (b'{"x":NaN}', "row"),
        (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "row"),
        (b"{}", "event_id"),
        (json_bytes([row(amount=100)]).strip(), "amount"),
        (json_bytes([row(amount=1e3)]).strip(), "amount"),
        (json_bytes([row(amount=True)]).strip(), "amount"),
        (json_bytes([row(amount=None)]).strip(), "amount"),
        (json_bytes([row() | {"event_id": 7}]).strip(), "event_id"),
        (json_bytes([row(memo=0)]).strip(), "memo"),
        (json_bytes([row(memo={"a": [1]})]).strip(), "memo"),
        (json_bytes([row(partner=False)]).strip(), "partner"),
        (json_bytes([row(shares_on=[])]).strip(), "shares_on"),
        (json_bytes([row(memo="\ud800")]).strip(), "memo"),
        (json_bytes([row(memo="a\0")]).strip(), "memo"),
        (b'{"amount":"100.00",' + json_bytes([row()]).strip()[1:], "amount"),
        (b'{"memo":null,"memo":null,' + json_bytes([row()]).strip()[1:], "memo"),
        (b'{"memo":1,"kind":"fee",' + json_bytes([row()]).strip()[1:], "kind"),
        (b'{"x":1,"x":2,' + json_bytes([row()]).strip()[1:], "row"),
        (b'{"x":1,"x":2,' + json_bytes([row(currency="EUR")]).strip()[1:], "currency"),
    ],
)
def test_a_bad_json_line_is_quarantined_alone(line: bytes, field: str) -> None:
    data = json_bytes([row("E0")]) + b"\n" + line + b"\r\n" + json_bytes([row("E2")])
    first, bad, last = read(data)
    assert (event(first).row, event(last).row) == (1, 4)
    assert (fault(bad).row, fault(bad).field) == (3, field), fault(bad)


def test_deep_json_is_refused_whatever_the_recursion_limit() -> None:
    """Libraries that the node loads raise the limit so far that the parser's guard is gone."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        rows = [
            b'{"x":'
            + opening * depth
            + b"1"
            + closing * depth
            + b","
            + json_bytes([row(event_id)]).strip()[1:]
            for event_id, opening, closing, depth in (
                ("E1", b"[", b"]", 499),
                ("E2", b"[", b"]", 500),
                ("E3", b'{"a":', b"}", 400_000 // 6),
                ("E4", b'["[[]}",', b"]", 499),
                ("E5", b"[", b"", 400_000),
                ("E6", b'["\\"', b"", 10_000),
            )
        ]
        rows.append(b'{"x":[' + b"{}," * 5_000 + b"{}]," + json_bytes([row("E7")]).strip()[1:])
        judged = read(b"\n".join(rows))
    finally:
        sys.setrecursionlimit(limit)
    fields = [getattr(one, "field", "accepted") for one in judged]
    assert fields == ["accepted", "row", "row", "accepted", "row", "row", "accepted"]
    assert "nested more than 500 deep" in fault(judged[1]).reason


def test_a_json_number_is_shown_as_it_was_written() -> None:
    line = json_bytes([row(amount=1)]).replace(b'"amount": 1', b'"amount": 100.10')
    (bad,) = read(line)
    assert (fault(bad).value, fault(bad).reason) == ("100.10", "is no text: write it in quotes")


def test_json_lines_warn_of_unknown_keys_once_and_take_null_as_absent() -> None:
    cells = row(memo=None, partner=None, branch=9**99)
    feed = Feed(io.BytesIO(b"\xef\xbb\xbf \r\n" + json_bytes([cells, row("E2", branch=1)])), "f")
    first, second = feed.rows(Validator(FACILITY, "lead"))
    assert (event(first).row, event(first).details, event(second).row) == (2, None, 3)
    assert feed.warnings == ["f: the unknown column 'branch' is ignored"]


# --- Size --------------------------------------------------------------------------------------


def test_a_row_may_be_as_long_as_the_limit_and_no_longer() -> None:
    bare = len(LINE % (b"E1", b""))
    fits, over = read(
        HEADER
        + LINE % (b"E1", b"x" * (MAX_ROW - bare))
        + b"\n"
        + LINE % (b"E1", b"x" * (MAX_ROW - bare + 1))
    )
    assert (fault(fits).field, fault(over).field) == ("memo", "row")
    wide = "ř" * (MAX_ROW - bare)  # characters count, not bytes
    (judged,) = read(HEADER + LINE % (b"E1", wide.encode()))
    assert fault(judged).field == "memo"
    assert len(fault(judged).value) < 5_000


def test_rows_inside_of_an_endless_quote_are_not_rows() -> None:
    forged = LINE % (b"FORGED", b"") + b"\n"
    data = HEADER + LINE % (b"E1", b'"' + forged * 20_000 + b'"') + b"\n" + LINE % (b"E2", b"")
    assert len(data) > MAX_ROW
    bad, good = read(data)
    assert (fault(bad).row, fault(bad).field) == (2, "row")
    assert (event(good).event_id, event(good).row) == ("E2", 20_003)


# --- Trailers ----------------------------------------------------------------------------------

JSON_ROWS = json_bytes([row("E1"), row("E2")])
CSV_ROWS = HEADER + LINE % (b"E1", b'"two\n#rows=9\nlines"') + b"\n\n" + LINE % (b"E2", b"") + b"\n"


@pytest.mark.parametrize("rows", [CSV_ROWS, JSON_ROWS, b"\xef\xbb\xbf" + CSV_ROWS])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n \n"])
def test_a_trailer_that_counts_the_rows_is_no_row(rows: bytes, end: bytes) -> None:
    judged = read(rows + b"#rows=2" + end)
    assert [event(one).event_id for one in judged] == ["E1", "E2"]


@pytest.mark.parametrize("rows", [CSV_ROWS, JSON_ROWS])
@pytest.mark.parametrize("count", [b"0", b"1", b"3"])
def test_a_file_whose_trailer_counts_other_rows_is_refused(rows: bytes, count: bytes) -> None:
    with pytest.raises(FeedFault, match=f"the trailer counts {int(count)} rows, the file has 2"):
        Feed(io.BytesIO(rows + b"#rows=" + count + b"\n"), "feed")


def test_what_looks_like_a_trailer_further_up_is_a_row() -> None:
    first, bad, last = read(HEADER + LINE % (b"E1", b"") + b"\n#rows=1\n" + LINE % (b"E2", b""))
    assert (event(first).event_id, fault(bad).field, event(last).event_id) == ("E1", "row", "E2")
