"""Feeds of any size are read in little memory, however they are made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_MEASURE = """
import sys, tempfile
sys.path.insert(0, {root!r})
from app.intake.reader import Feed
from app.intake.validation import Validator
from tests.feeds import FACILITY, HEADER, LINE

def large(start, unit, end):
    # A file of 200 MB that begins and ends so.
    stream = tempfile.TemporaryFile()
    stream.write(start)
    many = unit * (65536 // len(unit))
    for _ in range((200 << 20) // len(many) + 1):
        stream.write(many)
    stream.write(end)
    stream.seek(0)
    return stream

line = LINE % (b"E1", b"memo") + b"\\n"
feeds = {{
    "one line": (HEADER + LINE % (b"E1", b""), b"x", b"\\n" + line),
    "open quote": (HEADER + LINE % (b"E1", b'"'), line, b""),
    "json": (b'{{"memo":"', b"x", b'"}}\\n'),
    "rows": (HEADER, line, b""),
}}
validator = Validator(FACILITY, "lead")
kinds = [0, 0]
for judged in Feed(large(*feeds[sys.argv[1]]), "feed").rows(validator):
    kinds[type(judged).__name__ == "Quarantined"] += 1
# Not ru_maxrss: that one begins with what the parent process held.
highest = next(one for one in open("/proc/self/status") if one.startswith("VmHWM"))
print(*kinds, int(highest.split()[1]) // 1024)
"""


@pytest.mark.parametrize(
    ("name", "events", "quarantined"),
    [
        ("one line", 1, 1),
        ("open quote", 0, 1),
        ("json", 0, 1),
        pytest.param("rows", None, 0, marks=pytest.mark.slow),
    ],
)
def test_200_megabytes_are_read_in_little_memory(
    name: str, events: int | None, quarantined: int
) -> None:
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE.format(root=root), name],
        capture_output=True,
        check=True,
        text=True,
    )
    seen_events, seen_quarantined, megabytes = map(int, done.stdout.split())
    assert seen_events == events if events is not None else seen_events > 2_000_000
    assert seen_quarantined == quarantined
    assert megabytes < 150
