"""JSON as feeds need it: numbers as they were written, and repeated keys seen."""

import json
import re
from collections import Counter
from typing import Any, NoReturn

MAX_DEPTH = 500
MAX_KEYS = 1_000
"""Most keys of one object."""

_MARKS = re.compile(r'\\.|["\[\]{}]', re.DOTALL)
"""What tells how deep a value is nested: one character or two at a time, so that no text takes
longer than its length."""


class JsonNumber(str):
    """A JSON number, digit for digit."""

    __slots__ = ()


class RepeatedKeys(dict[str, Any]):
    """An object in which keys stand more than once; the last value of each was kept."""

    keys_repeated: tuple[str, ...] = ()
    pairs: tuple[tuple[str, Any], ...] = ()
    """All of it, in its order."""


def encode(value: Any) -> str:
    """Any JSON value as ASCII text that `decode` makes the same value of."""
    if isinstance(value, JsonNumber):
        return str(value)
    parts: list[str] = []
    if isinstance(value, dict):
        pairs = value.pairs if isinstance(value, RepeatedKeys) else value.items()
        for key, one in pairs:
            parts.append(f"{json.dumps(key)}:{encode(one)}")
        return "{" + ",".join(parts) + "}"
    if isinstance(value, list):
        for one in value:
            parts.append(encode(one))
        return "[" + ",".join(parts) + "]"
    return json.dumps(value)


def decode(text: str) -> Any:
    """Parse JSON. Raises ValueError for what is none, NaN and Infinity included, and for values
    nested more than MAX_DEPTH deep or with objects of more than MAX_KEYS keys."""
    _check_depth(text)
    return _DECODER.decode(text)


def _check_depth(text: str) -> None:
    """The parser's own guard is the recursion limit, which libraries of ours raise so far that
    deep nesting would overflow the stack and end the process."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    in_string = False
    for found in _MARKS.finditer(text):
        mark = found.group()
        if mark == '"':
            in_string = not in_string
        elif in_string:
            continue
        elif mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
        elif mark in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:
        raise ValueError(f"an object has {len(pairs)} keys, at most {MAX_KEYS} are possible")
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    counts = Counter(key for key, _ in pairs)
    repeated = RepeatedKeys(value)
    repeated.keys_repeated = tuple(key for key, count in counts.items() if count > 1)
    repeated.pairs = tuple(pairs)
    return repeated


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=JsonNumber,
    parse_float=JsonNumber,
    parse_constant=_refuse,
)
