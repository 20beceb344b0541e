"""RLP as it is read from files and endpoints, beside the library's reading of the same bytes."""

from __future__ import annotations

import random
from typing import Any

import pytest
import rlp

from app.verify.rlp_bytes import decode, encode
from deploy.independent_verifier import verify_bundle as independent
from tests.tampering import both_refuse, repacked


def made(depth: int = 0) -> Any:
    if depth < 4 and random.random() < 0.6:
        return [made(depth + 1) for _ in range(random.choice([0, 1, 2, 20]))]
    return random.randbytes(random.choice([0, 1, 1, 2, 55, 56, 57, 255, 256]))


def test_it_reads_what_the_library_reads_and_nothing_else() -> None:
    random.seed(7)
    for _ in range(300):
        item = made()
        encoded = encode(item)
        assert decode(encoded) == independent.decode(encoded) == item
        for _ in range(4):
            changed = bytearray(encoded)
            changed[random.randrange(min(len(changed), 12))] = random.randrange(256)
            cut = bytes(changed[: random.choice([len(changed), random.randrange(len(changed))])])
            try:
                expected = rlp.decode(cut)
            except rlp.exceptions.RLPException:
                with pytest.raises(ValueError, match=r"."):
                    decode(cut)
                with pytest.raises(ValueError, match=r"."):
                    independent.decode(cut)
            else:
                assert decode(cut) == independent.decode(cut) == expected


def test_lists_in_lists_without_end() -> None:
    nested: list[Any] = []
    for _ in range(8):
        nested = [nested]
    with pytest.raises(ValueError, match="in each other"):
        decode(encode(nested))
    with pytest.raises(ValueError, match="in each other"):
        independent.decode(encode(nested))
    assert decode(encode(nested[0])) == independent.decode(encode(nested[0])) == nested[0]


@pytest.mark.parametrize("items", [b"\xc0" * 2_000_000, b"\xc1\x80" * 2_000_000])
def test_a_small_file_of_a_million_blocks_that_are_none(items: bytes) -> None:
    """The library's decoder takes hours for it."""
    length = len(items).to_bytes(3)
    content = b"\x82{}" + b"\xfa" + length + items
    content = b"\xfa" + len(content).to_bytes(3) + content
    for why in both_refuse(repacked(content)):
        assert "block" in why
