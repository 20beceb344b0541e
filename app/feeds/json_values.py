"""JSON as feeds need it: numbers as they were written, and repeated keys seen."""

import json
from typing import Any, NoReturn


class JsonNumber(str):
    """A JSON number, digit for digit."""

    __slots__ = ()


class RepeatedKeys(dict[str, Any]):
    """An object in which keys stand more than once; the last value of each was kept."""

    keys_repeated: tuple[str, ...] = ()


def decode(text: str) -> Any:
    """Parse JSON. Raises ValueError for what is none, NaN and Infinity included."""
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


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
