"""How the consortium decides."""

import pytest

from app.contracts.proposals import Newcomer, admit, read_payload, register_validator, upgrade
from app.domain.votes import needed, tally

ADDRESS = "0x" + "00" * 19 + "01"


@pytest.mark.parametrize(
    ("banks", "votes"),
    [(2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (8, 6), (9, 7), (254, 170)],
)
def test_more_than_two_thirds_and_at_least_two(banks: int, votes: int) -> None:
    assert needed(banks, banks) == votes
    assert votes * 3 > 2 * banks
    assert votes == 2 or (votes - 1) * 3 <= 2 * banks


@pytest.mark.parametrize("banks", range(4, 257))
def test_who_can_evict_a_bank_could_decide_everything_before(banks: int) -> None:
    assert needed(banks, banks - 1) == needed(banks, banks) <= banks - 1


def test_of_few_banks_all_the_others_decide_about_one() -> None:
    assert needed(3, 2) == 2
    assert needed(2, 1) == 2, "of two banks neither evicts the other"


def test_only_votes_of_the_electorate_count_and_stopped_ones_wait() -> None:
    found = tally({1, 2, 3, 4}, None, stopped={3}, in_favour={1, 3, 9}, against={2})
    assert (found.yes, found.no, found.electorate, found.needed) == (1, 1, 4, 3)
    found = tally({1, 2, 3, 4, 5}, 5, stopped=set(), in_favour={1, 2, 3, 5}, against=set())
    assert (found.yes, found.no, found.electorate, found.needed) == (3, 0, 4, 4)


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
