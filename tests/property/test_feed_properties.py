"""Feeds: the same rows by CSV, JSON lines and REST are the same, however the bytes arrive."""

import io
import random
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.events import Quarantined
from app.intake import lines
from app.intake.cells import COLUMNS
from app.intake.csv_rows import records
from app.intake.reader import Feed
from app.intake.validation import Validator
from tests.feeds import FACILITY, csv_bytes, json_bytes, row

texts = st.text('abR1/ .-",\n\t\0é漢\U0001f4b8\u00a0\u2028\ufeff{}', max_size=20)
cells = st.fixed_dictionaries(
    {},
    optional={
        "event_id": texts,
        "event_ref": texts,
        "kind": st.sampled_from(["drawdown", "fee", "top_up", "reversal", "x"]),
        "amount": st.sampled_from(["1", "0.01", "0", "1.005", "x", "1000000000000000"]),
        "value_date": st.dates().map(str) | texts,
        "booked_at": st.datetimes().map(lambda at: at.isoformat() + "Z") | texts,
        "partner": st.sampled_from(["", "alfa", "beta", "nobody"]),
        "reverses": st.sampled_from(["", "fee/R1", "top_up/a/b", "reversal/x", "/"]),
        "shares_on": st.sampled_from(["", "2026-01-01", "x"]),
        "memo": texts,
    },
)
feeds = st.lists(cells.map(lambda changes: row(**{"event_id": "E1"} | changes)), max_size=5)


def judged(data: bytes, sender: str) -> list[Any]:
    return list(Feed(io.BytesIO(data), "feed").rows(Validator(FACILITY, sender)))


@given(feeds, st.sampled_from(["lead", "alfa"]))
def test_csv_json_lines_and_objects_are_judged_alike(
    rows: list[dict[str, object]], sender: str
) -> None:
    validator = Validator(FACILITY, sender)
    want = [validator.check_object(0, cells) for cells in rows]
    from_csv = judged(csv_bytes(rows), sender)
    from_json = judged(json_bytes(rows), sender) if rows else []
    for reading in (from_csv, from_json):
        assert len(reading) == len(rows)
        for one in reading:
            one.row, one.raw = 0, None  # as it came is each format's own
        assert reading == want


@given(st.data())
@settings(max_examples=200)
def test_any_bytes_are_judged_without_a_crash_and_alike_in_any_pieces(data: st.DataObject) -> None:
    rows = csv_bytes([row(), row("E2", memo='a "b"\nc')])
    noise = st.binary(max_size=40) | st.sampled_from(
        [b'"', b"\n", b'"\n"', b',"', b"\r\n", b"\xff"]
    )
    mixed = bytearray(rows)
    for piece in data.draw(st.lists(noise, max_size=4)):
        at = data.draw(st.integers(rows.index(b"\n") + 1, len(mixed)))
        mixed[at:at] = piece
    whole = judged(bytes(mixed), "lead")
    assert all(isinstance(one, Quarantined) or one.event_id for one in whole)
    numbers = [one.row for one in whole]
    assert numbers == sorted(set(numbers))

    size = data.draw(st.integers(1, 50))

    class Dripping:
        def __init__(self) -> None:
            self.stream = io.BytesIO(bytes(mixed))

        def read(self, _size: int, /) -> bytes:
            return self.stream.read(size)

        def seek(self, offset: int, whence: int = 0, /) -> int:
            return self.stream.seek(offset, whence)

    assert list(Feed(Dripping(), "feed").rows(Validator(FACILITY, "lead"))) == whole


@pytest.mark.parametrize("seed", range(20))
def test_long_rows_end_where_short_ones_do(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records are cut at the same places whether they are kept or skipped for their length."""
    chance = random.Random(seed)
    pieces = [b'"', b'""', b",", b"\n", b"\r\n", b"a", b"bcd", b',"', b'"\n', b" "]
    body = b"".join(chance.choice(pieces) for _ in range(400))
    body = re.sub(rb"(?m)^[, \r]+$", b"a,", body)  # a long blank line is too long, no blank line
    header = b",".join(map(str.encode, COLUMNS)) + b"\n"
    kept = judged(header + body, "lead")
    monkeypatch.setattr("app.intake.csv_rows.MAX_ROW", 3)
    monkeypatch.setattr(lines, "_MAX_LINE_BYTES", 5)
    monkeypatch.setattr(lines, "_BLOCK_BYTES", 4)
    skipped = [record.line for record in records(lines.Lines(io.BytesIO(body)))]
    assert [line + 1 for line in skipped] == [one.row for one in kept]
