"""How the consortium decides."""

import pytest

from app.contracts.proposals import Newcomer, admit, read_payload, register_validator, upgrade
from app.domain.votes import needed, tally

ADDRESS = "0x" + "00" * 19 + "01"


@pytest.mark.parametrize(
    ("electorate", "votes"),
    [(0, 2), (1, 2), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (8, 6), (9, 7), (254, 170)],
)
def test_more_than_two_thirds_and_at_least_two(electorate: int, votes: int) -> None:
    assert needed(electorate) == votes
    assert votes * 3 > 2 * electorate
    assert votes == 2 or (votes - 1) * 3 <= 2 * electorate


def test_only_votes_of_the_electorate_count_and_stopped_ones_wait() -> None:
    found = tally({1, 2, 3, 4}, stopped={3}, in_favour={1, 3, 9}, against={2})
    assert (found.yes, found.no, found.electorate, found.needed) == (1, 1, 4, 3)


def test_texts_of_others_are_fit_to_be_shown() -> None:
    newcomer = Newcomer("bad\x1b[31m", "auditor", bytes(31) + b"\1")
    assert "\x1b" not in read_payload("admit", admit(newcomer).payload)["name"]
    asked = register_validator(1, ADDRESS, "enode\n")
    assert "\n" not in read_payload(asked.kind, asked.payload)["enode"]


def test_a_payload_is_read_as_it_was_written() -> None:
    asked = upgrade(ADDRESS, ADDRESS, b"\1\2")
    assert (asked.kind, asked.number) == ("upgrade", 9)
    assert read_payload(asked.kind, asked.payload) == {
        "proxy": ADDRESS,
        "implementation": ADDRESS,
        "call": "0102",
    }
