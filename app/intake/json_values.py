"""JSON as feeds need it: numbers as they were written, and repeated keys seen."""

import json
import re
from typing import Any, NoReturn

MAX_DEPTH = 500

_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)


class JsonNumber(str):
    """A JSON number, digit for digit."""

    __slots__ = ()


class RepeatedKeys(dict[str, Any]):
    """An object in which keys stand more than once; the last value of each was kept."""

    keys_repeated: tuple[str, ...] = ()


def decode(text: str) -> Any:
    """Parse JSON. Raises ValueError for what is none, NaN and Infinity included, and for values
    nested more than MAX_DEPTH deep."""
    _check_depth(text)
    return _DECODER.decode(text)


def _check_depth(text: str) -> None:
    """The parser's own guard is the recursion limit, which libraries of ours raise so far that
    deep nesting would overflow the stack and end the process."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _BRACKETS.finditer(text):
        match token.group()[0]:
            case "[" | "{":
                depth += 1
            case "]" | "}":
                depth -= 1
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} deep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    keys = [key for key, _ in pairs]
    repeated = RepeatedKeys(value)
    repeated.keys_repeated = tuple(key for key in value if keys.count(key) > 1)
    return repeated


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=JsonNumber,
    parse_float=JsonNumber,
    parse_constant=_refuse,
)
