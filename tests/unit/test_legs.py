"""The posting stream and its calldata: packed by hand, held against eth-abi."""

from __future__ import annotations

import hmac

import pytest
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from app.contracts.posting import SELECTOR, encode_post, next_digest, sealed_of
from app.domain.identifiers import REFERENCE_BYTES, reference
from app.domain.legs import REVERSAL, Leg, pack, unpack

DAYS = st.integers(1, 2**24 - 1)
REFERENCES = st.binary(min_size=REFERENCE_BYTES, max_size=REFERENCE_BYTES)
PLAIN = st.builds(
    Leg,
    kind=st.integers(1, 127).filter(lambda kind: kind != REVERSAL),
    partner=st.integers(0, 255),
    amount=st.integers(0, 2**56 - 1),
    value_day=DAYS,
    business_day=DAYS,
    shares_day=st.integers(0, 2**24 - 1),
    reference=REFERENCES,
    duplicate=st.booleans(),
    target_kind=st.just(0),
    target_reference=st.just(b""),
)
REVERSALS = st.builds(
    Leg,
    kind=st.just(REVERSAL),
    partner=st.integers(0, 255),
    amount=st.integers(0, 2**56 - 1),
    value_day=DAYS,
    business_day=DAYS,
    shares_day=st.integers(0, 2**24 - 1),
    reference=REFERENCES,
    duplicate=st.booleans(),
    target_kind=st.integers(0, 255),
    target_reference=REFERENCES,
)
LEGS = st.lists(PLAIN | REVERSALS, max_size=40)
STREAMS = st.lists(st.binary(min_size=32, max_size=32), max_size=20)


@given(LEGS)
def test_legs_come_back_as_they_were_packed(legs: list[Leg]) -> None:
    stream, indexes = pack(legs)
    expected = [leg._replace(word=index) for leg, index in zip(legs, indexes, strict=True)]
    assert list(unpack(stream)) == expected
    assert len(stream) % 32 == 0


@given(LEGS)
def test_a_stream_that_is_cut_is_no_stream(legs: list[Leg]) -> None:
    stream, _ = pack([*legs, Leg(REVERSAL, 0, 1, 1, 1, 0, bytes(20), target_kind=1)])
    for cut in (1, 32):
        with pytest.raises(ValueError, match="ends"):
            list(unpack(stream[:-cut]))


@given(LEGS)
def test_a_group_word_stands_before_every_change_of_days_and_nowhere_else(legs: list[Leg]) -> None:
    stream, indexes = pack(legs)
    groups = {place for place in range(0, len(stream), 32) if stream[place] == 0}
    targets = {32 * (at + 1) for at, leg in zip(indexes, legs, strict=True) if leg.kind == REVERSAL}
    changes = [
        32 * (at - 1)
        for place, (at, leg) in enumerate(zip(indexes, legs, strict=True))
        if place == 0
        or (leg.business_day, leg.shares_day)
        != (legs[place - 1].business_day, legs[place - 1].shares_day)
    ]
    assert groups - targets == set(changes)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), STREAMS, st.binary(max_size=200))
def test_calldata_is_what_eth_abi_makes(
    facility: int, sequence: int, words: list[bytes], sealed: bytes
) -> None:
    types = ["uint32", "uint64", "bytes32[]", "bytes"]
    calldata = encode_post(facility, sequence, b"".join(words), sealed)
    assert calldata[:4] == SELECTOR == keccak(text="post(uint32,uint64,bytes32[],bytes)")[:4]
    assert calldata[4:] == encode(types, [facility, sequence, words, sealed])
    assert decode(types, calldata[4:]) == (facility, sequence, tuple(words), sealed)
    assert sealed_of(calldata) == sealed


@given(st.binary(max_size=300))
def test_no_calldata_makes_the_search_for_sealed_details_fail(rubbish: bytes) -> None:
    assert isinstance(sealed_of(rubbish), bytes)
    assert isinstance(sealed_of(SELECTOR + rubbish), bytes)


@given(st.binary(min_size=32, max_size=32), STREAMS)
def test_the_digest_is_the_contracts(previous: bytes, words: list[bytes]) -> None:
    """keccak256(abi.encode(previous, keccak256(the words))), the top 192 bits kept."""
    stream = b"".join(words)
    whole = keccak(encode(["bytes32", "bytes32"], [previous, keccak(stream)]))
    assert next_digest(previous, stream) == whole[:24] + bytes(8)


@given(st.text(min_size=1, max_size=64), st.binary(min_size=32, max_size=32))
def test_references_depend_on_the_key_and_on_the_name(event_ref: str, key: bytes) -> None:
    found = reference(key, event_ref)
    assert len(found) == REFERENCE_BYTES
    assert found == hmac.digest(key, event_ref.encode(), "sha256")[:REFERENCE_BYTES]
    assert found != reference(bytes([key[0] ^ 1]) + key[1:], event_ref)
    assert found != reference(key, event_ref + "x")


@given(st.text(max_size=200), st.binary(max_size=200))
def test_a_reference_is_the_beginning_of_an_hmac(event_ref: str, key: bytes) -> None:
    whole = hmac.digest(key, event_ref.encode(), "sha256")
    assert reference(key, event_ref) == whole[:REFERENCE_BYTES]
