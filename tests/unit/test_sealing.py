"""Sealed details: what others sealed is anything at all, and never an error of ours."""

from __future__ import annotations

import tracemalloc
import zlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.secret import SecretBox

from app.keys.sealing import (
    MAX_PLAIN_BYTES,
    open_details,
    open_reference_key,
    seal_details,
    seal_reference_key,
)

KEYS = [PrivateKey.generate() for _ in range(3)]
READERS = {number: bytes(key.public_key) for number, key in enumerate(KEYS, start=1)}
SECRETS = [bytes(key) for key in KEYS]
NO_KEYS = (bytes(32), b"\1" + bytes(31), b"short", b"")

ROWS = st.lists(
    st.tuples(st.text(max_size=20), st.none() | st.text(max_size=20), st.integers(-9, 9)).map(list),
    max_size=20,
)


def sealed_by_hand(plain: bytes) -> bytes:
    """What a member may seal who does not keep to the format."""
    key = b"k" * 32
    wrapped = (1).to_bytes(2) + SealedBox(PublicKey(READERS[1])).encrypt(key)
    return bytes([1, 1]) + wrapped + SecretBox(key).encrypt(plain)


@given(ROWS)
def test_every_reader_opens_what_was_sealed(rows: list[list[str | None]]) -> None:
    sealed = seal_details(rows, READERS)
    assert sealed is not None
    for member, secret in enumerate(SECRETS, start=1):
        assert open_details(sealed, member, [secret]) == rows


def test_nobody_else_opens_it() -> None:
    sealed = seal_details([["a"]], {1: READERS[1]})
    assert sealed is not None
    assert open_details(sealed, 2, SECRETS[1:2]) is None
    assert open_details(sealed, 1, SECRETS[1:2]) is None  # another's number, one's own key
    assert b'"a"' not in sealed


def test_two_seals_of_the_same_details_differ() -> None:
    assert seal_details([["a"]], READERS) != seal_details([["a"]], READERS)


@given(st.binary(max_size=400))
def test_rubbish_opens_to_nothing(rubbish: bytes) -> None:
    assert open_details(rubbish, 1, SECRETS[:1]) is None
    assert open_details(b"\1\1\0\1" + rubbish, 1, SECRETS[:1]) is None
    assert open_reference_key(rubbish, SECRETS[:1]) is None


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_flipped_byte_is_noticed(place: int, flip: int) -> None:
    sealed = seal_details([["a", "b"]], READERS)
    assert sealed is not None
    broken = bytearray(sealed)
    broken[place % len(sealed)] ^= flip
    opened = open_details(bytes(broken), 1, SECRETS[:1])
    assert opened is None or opened == [["a", "b"]]


@pytest.mark.parametrize(
    "plain",
    [
        b"no zlib",
        zlib.compress(b"no json"),
        zlib.compress(b"{}"),
        zlib.compress(b"null"),
        zlib.compress(b'["a"]'),
        zlib.compress(b'[["a"]'),
        zlib.compress(b"[" * 100_000),
        zlib.compress(b"\xff\xfe"),
        zlib.compress(orjson.dumps([["a"]]))[:-6],
    ],
)
def test_what_is_not_well_formed_inside_opens_to_nothing(plain: bytes) -> None:
    assert open_details(sealed_by_hand(plain), 1, SECRETS[:1]) is None


def test_a_zip_bomb_is_not_unpacked() -> None:
    bomb = sealed_by_hand(zlib.compress(b"[" + b" " * (32 * 1024 * 1024) + b"]", 9))
    assert len(bomb) < 256 * 1024
    tracemalloc.start()
    assert open_details(bomb, 1, SECRETS[:1]) is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * MAX_PLAIN_BYTES


@pytest.mark.parametrize(
    "many", [b"[]", b"{}", b"[0,0]", b'[""]', b'["[]"]', b'[",","\\""]', b'["\\"\\"]"]']
)
def test_few_bytes_are_not_unpacked_to_a_million_values(many: bytes) -> None:
    plain = b"[" + b",".join([many] * (MAX_PLAIN_BYTES // (len(many) + 1) - 1)) + b"]"
    bomb = sealed_by_hand(zlib.compress(plain, 9))
    tracemalloc.start()
    assert open_details(bomb, 1, SECRETS[:1]) is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * MAX_PLAIN_BYTES


def test_what_costs_its_poster_little_costs_its_readers_little() -> None:
    """Four kilobytes on the chain, and their readers would unpack four megabytes."""
    plain = b'[["' + b"," * 9_000 + b"\\n" * 2_000_000 + b'"]]'
    bomb = sealed_by_hand(zlib.compress(plain, 9))
    assert len(plain) < MAX_PLAIN_BYTES
    tracemalloc.start()
    assert open_details(bomb, 1, SECRETS[:1]) is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MAX_PLAIN_BYTES // 8


@pytest.mark.parametrize("memo", ["x" * 1_000, "x" * 8_000, "汉" * 2_000, ""])
def test_the_same_text_in_every_leg_opens(memo: str) -> None:
    """However well it can be compressed."""
    rows = [["R" * 64, None, "E" * 64, "2026-03-02T10:00:00Z", None, None, memo]] * 500
    sealed = seal_details(rows, READERS)
    assert sealed is not None
    assert open_details(sealed, 1, SECRETS[:1]) == rows


@pytest.mark.parametrize("length", range(96 * 1024, 96 * 1024 + 66))
def test_just_as_much_as_is_opened(length: int) -> None:
    rows = [["x" * length]]
    sealed = seal_details(rows, READERS)
    assert sealed is not None and open_details(sealed, 1, SECRETS[:1]) == rows


def test_no_more_is_opened_than_is_asked_for() -> None:
    sealed = seal_details([["a" * 1_000]], READERS)
    assert sealed is not None
    assert open_details(sealed, 1, SECRETS[:1], most_bytes=900) is None
    assert open_details(sealed, 1, SECRETS[:1], most_bytes=1_100) is not None


def test_the_largest_batch_opens_whatever_its_texts_hold() -> None:
    names = ["R" * 64, None, "E" * 64, "2026-03-02T10:00:00Z"]
    rows = [[*names, '[{,"' * 300, "\\" * 300, '",[' * 300] for _ in range(500)]
    sealed = seal_details(rows, READERS)
    assert sealed is not None and open_details(sealed, 1, SECRETS[:1]) == rows


def test_what_nobody_would_open_is_not_sealed() -> None:
    row = ["x" * (MAX_PLAIN_BYTES // 2)]
    assert seal_details([row], READERS) is not None
    assert seal_details([row, row], READERS) is None


@pytest.mark.parametrize("rubbish", NO_KEYS)
def test_a_reader_whose_key_is_none_does_not_stop_the_others(rubbish: bytes) -> None:
    sealed = seal_details([["a"]], {**READERS, 9: rubbish})
    assert sealed is not None
    assert open_details(sealed, 1, SECRETS[:1]) == [["a"]]
    assert open_details(sealed, 9, SECRETS[:1]) is None


def test_more_readers_than_can_be_counted() -> None:
    many = dict.fromkeys(range(1, 400), READERS[1])
    sealed = seal_details([["a"]], many)
    assert sealed is not None
    assert open_details(sealed, 1, SECRETS[:1]) == [["a"]]


@given(st.binary(max_size=64))
def test_reference_keys(key: bytes) -> None:
    box = seal_reference_key(key, READERS[1])
    assert box is not None
    assert open_reference_key(box, SECRETS[:1]) == key
    assert open_reference_key(box, SECRETS[1:2]) is None


@pytest.mark.parametrize("rubbish", NO_KEYS)
def test_reference_keys_are_sealed_to_keys_only(rubbish: bytes) -> None:
    assert seal_reference_key(b"k" * 32, rubbish) is None
