"""Sealed details are believed only where they hash to what was posted."""

from __future__ import annotations

from typing import Any

import pytest
from nacl.public import PrivateKey

from app.domain.identifiers import reference
from app.indexer.names import Names
from app.keys.sealing import open_details, seal_details

KEY = b"k" * 32
OURS = PrivateKey(b"o" * 32)
OTHER = PrivateKey(b"x" * 32)
MEMBER = 3


def open_names(sealed: bytes, member: int, secrets: list[bytes], key: bytes | None) -> Names:
    return Names(open_details(sealed, member, secrets), key)


def seal(rows: Any, reader: PrivateKey = OURS, member: int = MEMBER) -> bytes:
    sealed = seal_details(rows, {member: bytes(reader.public_key)})
    assert sealed is not None
    return sealed


@pytest.mark.parametrize(
    "sealed",
    [
        b"",
        b"\1",
        b"\1\xff",
        b"\2" + seal([["A", None]])[1:],
        seal([["A", None]])[:-1],
        seal([["A", None]])[:-9] + b"123456789",
        seal([["A", None]], member=4),
        seal([["A", None]], reader=OTHER),
        seal({"A": 1}),
        seal(["A"]),
        seal("A"),
    ],
)
def test_what_cannot_be_opened_is_unknown_and_harms_nothing(sealed: bytes) -> None:
    names = open_names(sealed, MEMBER, [bytes(OURS)], KEY)
    assert names.of(0, reference(KEY, "A"), b"") == (None, None)
    assert names.state == "sealed"


def test_without_the_reference_key_nothing_can_be_believed() -> None:
    names = open_names(seal([["A", None]]), MEMBER, [bytes(OURS)], None)
    assert names.of(0, reference(KEY, "A"), b"") == (None, None)
    assert names.state == "sealed"


@pytest.mark.parametrize(
    "row",
    [[], ["B", None], [None, None], [7, None], [["A"], None], ["A" * 65, None], ["", None]],
)
def test_a_name_that_does_not_hash_to_its_leg_is_not_believed(row: list[Any]) -> None:
    names = open_names(seal([row]), MEMBER, [bytes(OURS)], KEY)
    assert names.of(0, reference(KEY, "A"), b"") == (None, None)
    assert names.state == "partial"


@pytest.mark.parametrize("name", ["A\0", "A\n", "\x7f", "a" * 65])
def test_a_name_that_no_feed_can_carry_is_not_believed(name: str) -> None:
    names = open_names(seal([[name, None]]), MEMBER, [bytes(OURS)], KEY)
    assert names.of(0, reference(KEY, name), b"") == (None, None)


def test_fewer_rows_than_legs_leave_the_rest_unknown() -> None:
    names = open_names(seal([["A", None]]), MEMBER, [bytes(OURS)], KEY)
    assert names.of(0, reference(KEY, "A"), b"") == ("A", None)
    assert names.of(1, reference(KEY, "B"), b"") == (None, None)
    assert names.state == "partial"


def test_a_reversals_target_is_judged_by_itself() -> None:
    names = open_names(seal([["R", "wrong"], ["R", "T"], ["R"]]), MEMBER, [bytes(OURS)], KEY)
    own, target = reference(KEY, "R"), reference(KEY, "T")
    assert names.of(1, own, target) == ("R", "T")
    assert names.state == "opened"
    assert names.of(0, own, target) == ("R", None)
    assert names.of(2, own, target) == ("R", None)
    assert names.state == "partial"


def test_names_that_were_verified_before_need_only_be_the_same() -> None:
    names = open_names(seal([["R", "T"], ["A", None], ["A"]]), MEMBER, [bytes(OURS)], KEY)
    assert names.are(0, "R", "T")
    assert names.are(1, "A", None)
    assert not names.are(0, "R", None)
    assert not names.are(0, None, None)
    assert not names.are(1, "B", None)
    assert not names.are(2, "A", None)
    assert not names.are(3, "A", None)
