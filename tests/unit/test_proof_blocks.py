"""Which blocks of a chain that validators seal prove a bundle, and which do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from eth_keys.datatypes import PrivateKey

from app.proof.check import check
from app.proof.file import Block, Bundle, pack, unpack
from app.proof.statement import Terms, prove
from app.verify.bundle_chain import BundleChain
from app.verify.errors import Unverified
from app.verify.headers import decode_header, encode_header, read_header
from app.verify.seals import IBFT, QBFT, QBFT_EPOCH_BLOCKS, Sealed
from tests.made_chain import DAY, LEAD, PARTNER, MadeChain
from tests.recorded_edge import edge_parts
from tests.sealing import Block as Header
from tests.sealing import Vote, address, after, first_block, keys
from tests.tampering import both_refuse, both_verify

FOUR = keys(1, 2, 3, 4)
FIFTH, STRANGER = keys(5, 6)
ADD, DROP = (address(FIFTH), True), (address(FIFTH), False)


@dataclass(frozen=True)
class Edge:
    """The recorded chain: its terms as a bundle of chosen blocks, and every block."""

    terms: Terms
    blocks: Sequence[Block]

    def chosen(self) -> list[Block]:
        """Block 0, those with transactions, those with votes, the last."""
        return [
            one
            for place, one in enumerate(self.blocks)
            if place in (0, len(self.blocks) - 1) or one.receipts or has_vote(one)
        ]


@pytest.fixture(scope="module")
def edge() -> Edge:
    terms, blocks = edge_parts()
    return Edge(replace(terms, every=False), blocks)


def sealed(block: Block) -> Sealed:
    return IBFT.read(decode_header(block.header))


def has_vote(block: Block) -> bool:
    return sealed(block).vote is not None


def refused(edge: Edge, blocks: Sequence[Block]) -> str:
    with pytest.raises(Unverified) as told:
        prove(edge.terms, blocks)
    return str(told.value)


def test_recorded_blocks_of_edge_prove_a_bundle(edge: Edge) -> None:
    proved = prove(edge.terms, edge.chosen())
    assert (proved.postings, proved.signatures, len(proved.validators)) == (2, 2, 4)
    assert proved.changes == 2
    assert proved.headers < 60
    assert {line[1] for line in proved.facts["lines"]} == {"matched"}
    check(pack(Bundle(proved.statement, edge.chosen())), frozenset(proved.validators))


def test_with_every_block_nothing_is_left_out(edge: Edge) -> None:
    every = replace(edge, terms=replace(edge.terms, every=True))
    blocks = list(edge.blocks)
    assert prove(every.terms, blocks).headers == 320
    assert "is missing before block" in refused(every, [*blocks[:9], *blocks[10:]])
    last = [place for place, one in enumerate(blocks) if one.receipts][-1]
    blocks[last] = Block(blocks[last].header)
    assert "only its header is here" in refused(every, blocks)


def test_without_the_votes_the_fifth_validator_is_a_stranger(edge: Edge) -> None:
    blocks = [one for one in edge.chosen() if one.receipts is not None or not has_vote(one)]
    five = [one for one in edge.blocks if len(sealed(one).listed) == 5]
    [sealed_by_it] = [Block(five[len(five) // 2].header)]
    number = decode_header(sealed_by_it.header).number
    at = next(
        place for place, one in enumerate(blocks) if decode_header(one.header).number > number
    )
    told = refused(edge, [*blocks[:at], sealed_by_it, *blocks[at:]])
    assert "no validator of it" in told or "none of its validators" in told


def test_who_was_a_validator_before_seals_nothing_more() -> None:
    blocks = voted(ADD)
    five = [*FOUR, FIFTH]
    for voter in FOUR[:3]:
        blocks.append(after(blocks[-1], five, proposer=voter, vote=DROP))
    assert followed([*blocks, after(blocks[-1], FOUR, FOUR[1:])]).changes == 2
    with pytest.raises(Unverified, match="which is no validator of it"):
        followed([*blocks, after(blocks[-1], FOUR, [*FOUR[:2], FIFTH])])


@pytest.mark.parametrize("kept", [0, 1, 2, 3])
def test_no_vote_of_a_majority_may_be_missing(kept: int) -> None:
    blocks = voted(ADD)
    votes, sealed_by_five = blocks[:3], blocks[-1]
    chosen = [*votes[:kept], sealed_by_five]
    if kept == 3:
        assert len(followed(chosen).set.validators) == 5
        return
    with pytest.raises(Unverified, match="without the votes for that"):
        followed(chosen)


def test_open_votes_end_with_an_epoch_that_is_not_in_the_bundle() -> None:
    votes = voted(ADD)[:2]
    start = {"number": hex(QBFT_EPOCH_BLOCKS + 5), "hash": "0x" + "11" * 32}
    third = after(start, FOUR, proposer=FOUR[2], vote=ADD)
    chain = followed([*votes, third])
    assert {voter for _, voter in chain.set.votes} == {address(FOUR[2])}
    chain.take(read_header(after(third, FOUR)))


def test_a_majority_just_before_an_epoch_still_counts() -> None:
    votes = voted(ADD)[:3]
    five = [*FOUR, FIFTH]
    later = after({"number": hex(QBFT_EPOCH_BLOCKS + 5), "hash": "0x" + "11" * 32}, five)
    assert followed([*votes, later]).changes == 1


def test_seals_of_strangers_and_of_too_few() -> None:
    start = {"number": "0x20", "hash": "0x" + "11" * 32}
    for signers, why in (
        ([*FOUR[:2], STRANGER], "no validator of it"),
        (FOUR[:2], "3 are needed"),
        ([*FOUR[:2], FOUR[0]], "two seals of validator"),
    ):
        with pytest.raises(Unverified, match=why):
            followed([after(start, FOUR, signers)])


@pytest.mark.parametrize("by_chance", [False, True])
def test_what_the_bench_measures_verifies(by_chance: bool) -> None:
    made = MadeChain(named_by_chance=by_chance)
    made.found()
    for bank in (LEAD, PARTNER):
        made.post(bank, 0, 40)
    proved = prove(made.terms(), made.blocks)
    assert len(proved.facts["lines"]) == 40
    assert proved.facts["accounts"][0]["pairs"]["matched"] == 40
    check(pack(Bundle(proved.statement, made.blocks)))


def test_a_days_statement_must_follow_from_the_events_before_it() -> None:
    """What moved a book and was left out shows in the ledger's totals that the contract took."""
    made = MadeChain()
    made.found()
    for bank in (LEAD, PARTNER):
        made.post(bank, 0, 1)
    made.state_day(100_000)
    assert prove(made.terms(), made.blocks).stated == {1: "2026-03-02"}
    fewer = MadeChain()
    fewer.found()
    for bank in (LEAD, PARTNER):
        fewer.post(bank, 0, 1)
    fewer.state_day(100_000, open_legs=2)
    with pytest.raises(Unverified, match=r"openLegs of partner 1 .* was 2, and 0 follows"):
        prove(fewer.terms(), fewer.blocks)
    made.state_day(100_001)
    with pytest.raises(Unverified, match=r"closingLead of partner 1 .* something is missing"):
        prove(made.terms(), made.blocks)


def test_a_resolved_leg_is_not_open_in_a_days_statement() -> None:
    made = MadeChain()
    made.found()
    made.post(LEAD, 0, 2)
    made.post(PARTNER, 0, 1)
    made.void(1)
    made.state_day(100_000)
    assert prove(made.terms(), made.blocks).stated == {1: "2026-03-02"}


@pytest.mark.parametrize("left_out", ["a resolution", "a closed day", "a change of the rules"])
def test_an_act_that_was_left_out_shows_in_the_number_of_the_next(left_out: str) -> None:
    """Where blocks are chosen, nothing else would: each that is there is sealed."""
    made = MadeChain()
    made.found()
    made.post(LEAD, 0, 3)
    acts = {}
    for name, act in {
        "a resolution": lambda: made.void(1),
        "a closed day": made.close_day,
        "a change of the rules": made.change_rules,
        "the last": made.change_rules,
    }.items():
        act()
        acts[name] = len(made.blocks) - 1
    proved = prove(made.terms(), made.blocks)
    assert proved.facts["acts"] == 4
    both_verify(pack(Bundle(proved.statement, made.blocks)))
    without = [block for place, block in enumerate(made.blocks) if place != acts[left_out]]
    number = list(acts).index(left_out)
    for why in both_refuse(pack(Bundle(proved.statement, without))):
        assert f"act {number + 2} of the facility follows act {number}" in why
    # The last of all leaves no gap; the statement's own count then says how far it goes.
    to_the_last = prove(made.terms(), made.blocks[: acts["the last"]])
    assert to_the_last.facts["acts"] == 3


def test_a_period_that_ends_before_it_begins() -> None:
    made = MadeChain()
    made.found()
    terms = replace(made.terms(), last=DAY - timedelta(days=1))
    for why in both_refuse(pack(Bundle(prove(terms, made.blocks).statement, made.blocks))):
        assert "ends before it begins" in why


def test_fields_that_no_hash_of_ibft_covers(edge: Edge) -> None:
    blocks = list(edge.blocks)
    file = pack(Bundle(prove(edge.terms, blocks).statement, blocks))
    for place in (0, 5):
        header = decode_header(blocks[place].header)
        more = replace(blocks[place], header=encode_header(replace(header, later=(b"\1",))))
        changed = [*blocks[:place], more, *blocks[place + 1 :]]
        for why in both_refuse(pack(replace(unpack(file), blocks=changed))):
            assert "fields" in why


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw + b"\0",
        lambda raw: raw[:-1],
        lambda raw: b"",
        lambda raw: b"\xc0",
        lambda raw: raw[:1] + b"\xc2\x80\x80" + raw[4:],
        lambda raw: b"\xb8\x01\x05",
    ],
)
def test_what_is_no_header(change: Callable[[bytes], bytes]) -> None:
    raw = encode_header(read_header(first_block(FOUR)))
    assert encode_header(decode_header(raw)) == raw
    with pytest.raises(Unverified):
        decode_header(change(raw))


def followed(headers: Sequence[Header]) -> BundleChain:
    """The validators' state after these headers, which follow four validators' first block."""
    genesis = first_block(FOUR)
    chain = BundleChain(QBFT, bytes.fromhex(genesis["hash"][2:]), every=False)
    for one in (genesis, *headers):
        chain.take(read_header(one))
    return chain


def voted(vote: Vote) -> list[Header]:
    """Three of four vote, and five seal the block after that."""
    blocks = [first_block(FOUR)]
    voters: list[PrivateKey] = FOUR[:3]
    for voter in voters:
        blocks.append(after(blocks[-1], FOUR, proposer=voter, vote=vote))
    blocks.append(after(blocks[-1], [*FOUR, FIFTH]))
    return blocks[1:]
