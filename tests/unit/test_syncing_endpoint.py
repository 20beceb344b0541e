"""When `tally doctor` says that a chain endpoint still lacks blocks."""

import pytest

from app.doctor.network import _is_syncing


@pytest.mark.parametrize(
    ("answer", "is_syncing"),
    [
        (False, False),
        (True, True),
        ({"currentBlock": "0x84", "highestBlock": "0x85"}, False),  # Edge, a block from a peer
        ({"currentBlock": "0x84", "highestBlock": "0x84"}, False),
        ({"currentBlock": "0x84", "highestBlock": "0x284"}, True),
        ({}, True),
        ({"currentBlock": 1, "highestBlock": None}, True),
        ({"currentBlock": "x", "highestBlock": "0x1"}, True),
    ],
)
def test_a_block_at_a_time_is_no_syncing(answer: object, is_syncing: bool) -> None:
    assert _is_syncing(answer) == is_syncing
