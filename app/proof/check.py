"""Checking a proof bundle: everything in it is worked out anew, and must come to what it states."""

from typing import Any

import orjson

from app.indexer.collector import collector_paused
from app.proof.derive import LINE_NAMES
from app.proof.file import MOST_MIB, unpack
from app.proof.statement import Proved, prove, read_terms
from app.verify.errors import Unverified


def check(file: bytes, trusted: frozenset[bytes] | None = None, most_mib: int = MOST_MIB) -> Proved:
    """Check a bundle's file. `trusted`: the addresses that the first validators must be; None: the
    bundle's genesis is taken as it is. `most_mib`: its content is no larger.

    Raises NoBundle, or Unverified, which says where the bundle is not the chain's, and why.
    """
    with collector_paused():
        bundle = unpack(file, most_mib)
        proved = prove(read_terms(bundle.statement), bundle.blocks, trusted)
    if proved.statement != bundle.statement:
        raise Unverified(
            _difference(orjson.loads(bundle.statement), orjson.loads(proved.statement))
        )
    return proved


def _difference(stated: Any, found: Any) -> str:
    """Where the statement is not what the blocks come to, in words."""
    place: list[str] = []
    while True:
        if isinstance(stated, dict) and isinstance(found, dict):
            keys = sorted({*stated, *found}, key=lambda key: (key == "lines", key))
            missing = object()
            for key in keys:
                if stated.get(key, missing) != found.get(key, missing):
                    break
            else:
                return "the statement is not in its canonical form"
            if key not in stated or key not in found:
                which = "states none" if key in found else "should not state one"
                return f"{_words(place)} {key}: the bundle {which}"
            place.append(key)
            stated, found = stated[key], found[key]
        elif isinstance(stated, list) and isinstance(found, list):
            at = next(
                (
                    at
                    for at, (one, other) in enumerate(zip(stated, found, strict=False))
                    if one != other
                ),
                None,
            )
            is_line = place[-1:] == ["lines"]
            if len(stated) != len(found) and (at is None or is_line):
                where = f", the first that differs is number {at + 1}" if at is not None else ""
                return (
                    f"{_words(place)}: the bundle states {len(stated):,}, and {len(found):,} "
                    f"follow from the chain{where}"
                )
            if at is None:
                return "the statement is not in its canonical form"
            in_line = len(place) >= 2 and place[-2] == "lines"
            place.append(LINE_NAMES[at] if in_line and at < len(LINE_NAMES) else f"number {at + 1}")
            stated, found = stated[at], found[at]
        else:
            return (
                f"{_words(place)}: the bundle states {orjson.dumps(stated).decode()}, and "
                f"{orjson.dumps(found).decode()} follows from the chain"
            )


def _words(place: list[str]) -> str:
    return ", ".join(place) if place else "the statement"
