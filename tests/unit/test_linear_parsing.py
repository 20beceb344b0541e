"""What a hostile file costs grows with its size and no faster: operations are counted.

Counted are the interpreter's instructions, and for each call of a built-in method the length of
what it is called on (a `list.count` is one instruction, but looks at the whole list).
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from app.domain.errors import FeedFault
from app.intake.lines import MAX_ROW
from app.intake.reader import Feed
from app.intake.validation import Validator
from tests.feeds import FACILITY, HEADER, LINE, json_bytes, row

GOOD = json_bytes([row()]).strip()


AT_ONCE = {"append", "add", "get", "pop", "keys", "startswith", "endswith", "removeprefix"}
"""Methods that take as long whatever the length."""


def with_json(text: bytes) -> bytes:
    """A JSON line with something more in it."""
    return GOOD[:-1] + b"," + text + b"}\n"


SHAPES: dict[str, Callable[[int], bytes]] = {
    "brackets": lambda n: with_json(b'"x":' + b"[" * n),
    "objects": lambda n: with_json(b'"x":' + b'{"a":' * n),
    "quotes": lambda n: with_json(b'"x":[' + b'["' * n),
    "escapes": lambda n: with_json(b'"x":[' + b'[\\"' * n),
    "backslashes": lambda n: with_json(b'"x":"[' + b"\\" * n),
    "keys": lambda n: with_json(b",".join(b'"k%d":1' % at for at in range(n))),
    "repeated keys": lambda n: with_json(b",".join(b'"k%d":1' % (at // 2) for at in range(n))),
    "one key again": lambda n: with_json(b",".join([b'"memo":"x"'] * n)),
    "digits": lambda n: with_json(b'"x":' + b"9" * n),
    "columns": lambda n: HEADER.strip() + b"".join(b",c%d" % at for at in range(n)) + b"\n",
    "repeated columns": lambda n: (
        HEADER.strip() + b"".join(b",c%d" % (at // 2) for at in range(n)) + b"\n"
    ),
    "one column again": lambda n: HEADER.strip() + b",memo" * n + b"\n",
    "cells": lambda n: HEADER + b"," * n + b"x\n",
    "quoted cells": lambda n: HEADER + b'"",' * n + b"\n",
    "quotes within": lambda n: HEADER + b'"' * n + b"\n",
    "an open quote": lambda n: HEADER + b'"' + b"line\n" * n,
    "open quotes": lambda n: HEADER + b'a,"\n' * n,
    "amount": lambda n: HEADER + (LINE % (b"E1", b"")).replace(b"100.00", b"9" * n),
    "fraction": lambda n: (
        HEADER + (LINE % (b"E1", b"")).replace(b":00+", b":00.1" + b"0" * n + b"+")
    ),
    "lines before the header": lambda n: b"a;b\n" * n + HEADER,
    "separators": lambda n: b";" * n + b"\n",
    "no text": lambda n: (
        HEADER + b"".join(LINE % (b"E%d" % at, b"\xe9") + b"\n" for at in range(n))
    ),
    "blank lines": lambda n: HEADER + b"\n" * n,
}


def operations(data: bytes) -> int:
    """What it takes to read a feed to its end, or to its fault."""
    count = 0

    def instruction(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return instruction

    def call(_frame: FrameType, event: str, function: Any) -> None:
        nonlocal count
        if event == "c_call" and function.__name__ not in AT_ONCE:
            on = getattr(function, "__self__", None)
            if isinstance(on, (str, bytes, bytearray, list, tuple, dict, set, frozenset)):
                count += len(on)

    validator = Validator(FACILITY, "lead")
    sys.settrace(instruction)
    sys.setprofile(call)
    try:
        with suppress(FeedFault):
            for _ in Feed(io.BytesIO(data), "feed").rows(validator):
                pass
    finally:
        sys.setprofile(None)
        sys.settrace(None)
    return count


@pytest.mark.parametrize("name", SHAPES)
def test_twice_the_size_costs_no_more_than_twice(name: str) -> None:
    operations(SHAPES[name](10))  # what is done only once is done
    small, large = (operations(SHAPES[name](n)) for n in (1_500, 3_000))
    assert large < 2.3 * small + 2_000


@pytest.mark.parametrize(
    "unit", [b"[", b'{"a":', b'["', b'[\\"', b'"\\"', b"\\", b'"', b"]", b'{"a":1},', b'"k":1,']
)
def test_a_row_as_long_as_a_row_may_be_is_read_to_its_end(unit: bytes) -> None:
    """It never ended where the parser went back to each quote again."""
    line = b'{"x":[' + unit * ((MAX_ROW - 6) // len(unit))
    rows = list(Feed(io.BytesIO(line + b"\n" + GOOD), "feed").rows(Validator(FACILITY, "lead")))
    assert len(rows) == 2
