"""Headers are the chain's where its validators sealed them; what is not, is refused in words."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_keys.datatypes import PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from app.verify.chain import Trusted, first_trusted, verify_chain
from app.verify.errors import Unverified
from app.verify.headers import Header, read_header
from app.verify.receipts import verified_logs
from app.verify.seals import IBFT, QBFT, QBFT_EPOCH_BLOCKS, Scheme
from app.verify.transactions import verified_transactions
from app.verify.validators import ValidatorSet
from tests import sealing
from tests.sealing import Block, address, after, first_block, keys

FOUR = keys(1, 2, 3, 4)
FIFTH, STRANGER = keys(5, 6)


@pytest.fixture(scope="module")
def edge() -> list[Any]:
    """Blocks of four Polygon Edge validators, with their receipts: a founding, postings, a fifth
    validator voted in and out."""
    path = Path(__file__).parent / "recorded" / "edge.json.gz"
    found: list[Any] = json.loads(gzip.decompress(path.read_bytes()))
    return found


def edge_start(edge: list[Any]) -> Trusted:
    genesis = edge[0]["block"]
    return first_trusted(IBFT, read_header(genesis), bytes.fromhex(genesis["hash"][2:]))


@pytest.fixture(scope="module")
def edge_trusted(edge: list[Any]) -> list[Trusted]:
    """Each of the blocks as the next one's trusted start."""
    found = [edge_start(edge)]
    for one in edge[1:]:
        found.append(verify_chain(IBFT, found[-1], [read_header(one["block"])])[1])
    return found


def qbft(blocks: Sequence[Block], validators: Sequence[PrivateKey] = FOUR) -> Trusted:
    """Verify blocks that follow the first one of these validators."""
    genesis = first_block(validators)
    start = first_trusted(QBFT, read_header(genesis), bytes.fromhex(genesis["hash"][2:]))
    return verify_chain(QBFT, start, map(read_header, blocks))[1]


def chain(*steps: Callable[[Block], Block], validators: Sequence[PrivateKey] = FOUR) -> list[Block]:
    blocks = [first_block(validators)]
    for step in steps:
        blocks.append(step(blocks[-1]))
    return blocks[1:]


def test_recorded_blocks_of_edge_verify_and_their_validators_are_followed(edge: list[Any]) -> None:
    headers = [read_header(one["block"]) for one in edge]
    trusted = edge_start(edge)
    whole = verify_chain(IBFT, trusted, headers[1:])
    sizes = []
    for one, header in zip(edge[1:], headers[1:], strict=True):
        (sealed,), trusted = verify_chain(IBFT, trusted, [header])
        assert "0x" + sealed.hash.hex() == one["block"]["hash"]
        sizes.append(len(trusted.set.validators))
    assert trusted == whole[1], "however they are cut into batches"
    assert {4, 5} == set(sizes) and sizes[-1] == 4
    five = sizes.index(5)
    assert len(verify_chain(IBFT, edge_start(edge), headers[1 : five + 2])[0][-1].listed) == 4
    assert not trusted.set.votes


def test_recorded_transactions_and_receipts_are_the_headers(edge: list[Any]) -> None:
    logs = 0
    for one in edge:
        block = one["block"]
        header = read_header(block)
        found = verified_transactions(header, block["transactions"])
        shown = [(tx["hash"], tx["to"], tx["input"]) for tx in block["transactions"]]
        assert [
            tuple("0x" + part.hex() for part in (tx.hash, tx.to, tx.input)) for tx in found
        ] == [(hash_, (to or "0x").lower(), input_) for hash_, to, input_ in shown]
        logs += sum(map(len, verified_logs(header, one["receipts"])))
        assert not any(header.bloom), "Edge leaves it empty"
    assert logs > 20


@pytest.mark.parametrize("signers", [FOUR[:3], FOUR[1:], FOUR])
def test_a_quorum_of_seals_is_enough(signers: list[PrivateKey]) -> None:
    trusted = qbft(chain(lambda parent: after(parent, FOUR, signers, round_=3)))
    assert trusted.number == 1 and trusted.set == ValidatorSet(frozenset(map(address, FOUR)))


def test_qbft_validators_are_voted_in_and_out() -> None:
    five = [*FOUR, FIFTH]
    add = (address(FIFTH), True)
    drop = (address(FOUR[0]), False)
    without = five[1:]
    trusted = qbft(
        chain(
            lambda parent: after(parent, FOUR, proposer=FOUR[0], vote=add),
            lambda parent: after(parent, FOUR, proposer=FOUR[1], vote=add),
            lambda parent: after(parent, FOUR, proposer=FOUR[2], vote=add),
            lambda parent: after(parent, five, five[1:], proposer=FIFTH, vote=drop),
            lambda parent: after(parent, five, proposer=FOUR[1], vote=drop),
            lambda parent: after(parent, five, proposer=FOUR[2], vote=drop),
            lambda parent: after(parent, without),
        )
    )
    assert trusted.set == ValidatorSet(frozenset(map(address, without)))


LIES: dict[str, tuple[list[Callable[[Block], Block]], str]] = {
    "too few seals": (
        [lambda parent: after(parent, FOUR, FOUR[:2])],
        "block 1 has seals of 2 of its 4 validators; 3 are needed",
    ),
    "no seals": (
        [lambda parent: after(parent, FOUR, [])],
        "block 1 has seals of 0 of its 4 validators; 3 are needed",
    ),
    "one validator's seal three times": (
        [lambda parent: after(parent, FOUR, [FOUR[0]] * 3)],
        f"block 1 has two seals of validator 0x{address(FOUR[0]).hex()}",
    ),
    "a stranger's seal": (
        [lambda parent: after(parent, FOUR, [*FOUR[:3], STRANGER])],
        f"block 1 has a seal of 0x{address(STRANGER).hex()}, which is no validator of it",
    ),
    "another set, of the liar's own keys": (
        [lambda parent: after(parent, keys(11, 12, 13, 14))],
        "block 1 lists other validators than the block before it, without the votes for that",
    ),
    "a set that two of four voted for": (
        [
            lambda parent: after(parent, FOUR, proposer=FOUR[0], vote=(address(FIFTH), True)),
            lambda parent: after(parent, FOUR, proposer=FOUR[1], vote=(address(FIFTH), True)),
            lambda parent: after(parent, FOUR, proposer=FOUR[1], vote=(address(FIFTH), True)),
            lambda parent: after(parent, [*FOUR, FIFTH]),
        ],
        "block 4 lists other validators than the block before it, without the votes for that",
    ),
    "a vote taken back": (
        [
            lambda parent: after(parent, FOUR, proposer=FOUR[0], vote=(address(FIFTH), True)),
            lambda parent: after(parent, FOUR, proposer=FOUR[1], vote=(address(FIFTH), True)),
            lambda parent: after(parent, FOUR, proposer=FOUR[1], vote=(address(FIFTH), False)),
            lambda parent: after(parent, FOUR, proposer=FOUR[2], vote=(address(FIFTH), True)),
            lambda parent: after(parent, [*FOUR, FIFTH]),
        ],
        "block 5 lists other validators than the block before it, without the votes for that",
    ),
    "votes of one who is no validator": (
        [
            lambda parent: after(parent, FOUR, proposer=STRANGER, vote=(address(FIFTH), True)),
            lambda parent: after(parent, FOUR),
        ],
        "block 1 was proposed by none of its validators",
    ),
    "votes in blocks that the set before did not seal": (
        [
            *(
                lambda parent, voter=voter: after(
                    parent, FOUR, FOUR[:2], proposer=voter, vote=(address(FIFTH), True)
                )
                for voter in FOUR[:3]
            ),
            lambda parent: after(parent, [*FOUR, FIFTH], [*FOUR[:3], FIFTH]),
        ],
        "block 3 has seals of 2 of its 4 validators; 3 are needed",
    ),
    "a block left out": (
        [
            lambda parent: after(after(parent, FOUR), FOUR),
        ],
        "block 2 stands where block 1 belongs",
    ),
    "an older block again": (
        [
            lambda parent: after(parent, FOUR),
            lambda parent: after(first_block(FOUR), FOUR),
        ],
        "block 1 stands where block 2 belongs",
    ),
    "a block of another chain of the same validators": (
        [
            lambda parent: after(sealing.seal({**parent, "timestamp": "0x1"}, FOUR, []), FOUR),
        ],
        "block 1 does not follow block 0",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_the_validators_did_not_seal_is_refused(lie: str) -> None:
    steps, words = LIES[lie]
    with pytest.raises(Unverified, match=words):
        qbft(chain(*steps))


def test_the_first_block_is_the_manifests() -> None:
    genesis = first_block(FOUR)
    with pytest.raises(Unverified, match="the first block is not this network's"):
        first_trusted(QBFT, read_header(genesis), bytes(32))


@pytest.mark.parametrize("size", range(1, 12))
def test_a_quorum_is_what_the_engines_ask_for(size: int) -> None:
    # Util.fastDivCeiling(2 n, 3) in Besu; OptimalQuorumSize in Polygon Edge.
    assert QBFT.quorum(size) == -(-2 * size // 3)
    assert IBFT.quorum(size) == (size if size < 4 else -(-2 * size // 3))


def test_open_votes_lapse_at_an_epoch() -> None:
    open_vote = ValidatorSet(
        frozenset(map(address, FOUR)),
        frozenset({(address(FIFTH), address(FOUR[0])), (address(FIFTH), address(FOUR[1]))}),
    )
    parent = after({"number": hex(QBFT_EPOCH_BLOCKS - 2), "hash": "0x" + "11" * 32}, FOUR)
    start = Trusted(QBFT_EPOCH_BLOCKS - 1, bytes.fromhex(parent["hash"][2:]), open_vote)
    last = after(parent, FOUR, proposer=FOUR[2], vote=(address(FIFTH), True))
    trusted = verify_chain(QBFT, start, [read_header(last)])[1]
    assert trusted.set.votes == {(address(FIFTH), address(FOUR[2]))}


def flipped(octets: bytes, place: int, bit: int) -> bytes:
    place %= len(octets)
    return octets[:place] + bytes((octets[place] ^ 1 << bit,)) + octets[place + 1 :]


def mutated(header: Header, name: str, place: int, bit: int) -> Header:
    value = getattr(header, name)
    if isinstance(value, int):
        other: Any = value ^ 1 << (place * 8 + bit) % 63
    else:
        other = flipped(value, place, bit)
    return replace(header, **{name: other})


FIELDS = [name for name in Header.__slots__ if name != "later"]


@given(
    number=st.integers(1, 10_000),
    name=st.sampled_from([*FIELDS, *["extra"] * len(FIELDS)]),
    place=st.integers(0, 2_000),
    bit=st.integers(0, 7),
)
@settings(max_examples=400)
def test_every_flipped_bit_of_a_recorded_header_is_refused(
    edge: list[Any], edge_trusted: list[Trusted], number: int, name: str, place: int, bit: int
) -> None:
    number = 1 + number % (len(edge) - 1)
    lie = mutated(read_header(edge[number]["block"]), name, place, bit)
    with pytest.raises(Unverified):
        verify_chain(IBFT, edge_trusted[number - 1], [lie])


@given(
    name=st.sampled_from([*FIELDS, *["extra"] * len(FIELDS)]),
    place=st.integers(0, 2_000),
    bit=st.integers(0, 7),
)
@settings(max_examples=100)
def test_every_flipped_bit_of_a_qbft_header_is_refused(name: str, place: int, bit: int) -> None:
    vote = (address(FIFTH), True)
    header = read_header(after(first_block(FOUR), FOUR, FOUR[:3], vote=vote, round_=2))
    genesis = first_block(FOUR)
    start = first_trusted(QBFT, read_header(genesis), bytes.fromhex(genesis["hash"][2:]))
    assert verify_chain(QBFT, start, [header])[1].set.votes
    with pytest.raises(Unverified):
        verify_chain(QBFT, start, [mutated(header, name, place, bit)])


def flipped_text(text: str, place: int, bit: int) -> str:
    """One bit of a hexadecimal text's last bytes."""
    octets = flipped(bytes.fromhex(text[2:].zfill(len(text[2:]) + len(text) % 2)), place, bit)
    return "0x" + octets.hex()


Body = list[dict[str, Any]]


def tampered(found: Body, nested: bool, data: st.DataObject) -> Body:
    """The body of a block with one thing changed, left out, repeated or in another place."""
    found = json.loads(json.dumps(found))
    place = data.draw(st.integers(0, len(found) - 1))
    how = data.draw(st.sampled_from(["flip", "drop", "repeat", "swap"]))
    if nested and found[place]["logs"] and data.draw(st.booleans()):
        found_there, place = found[place]["logs"], 0
    else:
        found_there = found
    if how == "drop":
        del found_there[place]
    elif how == "repeat":
        found_there.insert(place, found_there[place])
    elif how == "swap" and found_there[0] != found_there[-1]:
        found_there[0], found_there[-1] = found_there[-1], found_there[0]
    else:
        one = found_there[place]
        names: tuple[str, ...] = ("cumulativeGasUsed",)
        if "data" in one:
            names = ("data", "address")
        if "input" in one:
            names = ("nonce", "gasPrice", "gas", "to", "value", "input", "v", "r", "s")
        name = data.draw(st.sampled_from([name for name in names if len(one[name] or "") > 2]))
        where, bit = data.draw(st.integers(0, 2_000)), data.draw(st.integers(0, 7))
        one[name] = flipped_text(one[name], where, bit)
    return found


@given(data=st.data())
@settings(max_examples=150)
def test_bodies_with_anything_changed_are_refused(edge: list[Any], data: st.DataObject) -> None:
    full = [one for one in edge if one["receipts"]]
    one = data.draw(st.sampled_from(full))
    header = read_header(one["block"])
    if data.draw(st.booleans()):
        with pytest.raises(Unverified, match=f"block {header.number}: the receipts are not"):
            verified_logs(header, tampered(one["receipts"], True, data))
    else:
        with pytest.raises(Unverified, match=f"block {header.number}: the transactions are not"):
            verified_transactions(header, tampered(one["block"]["transactions"], False, data))


DEEP = b"\xf9\xff\xff" * 20_000
HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "no list": b"\x80",
    "a list of deep lists": DEEP,
    "a short vanity": bytes(31),
    "lists where bytes belong": bytes(32) + b"\xc5\xc0\xc0\xc0\xc0\xc0",
    "four items": bytes(32) + b"\xc4\xc0\x80\xc0\xc0",
    "a validator of 19 bytes": bytes(32) + b"\xd8\xd4\x93" + bytes(19) + b"\x80\xc0\xc0\x80",
    "bytes after the list": bytes(32) + b"\xc5\xc0\x80\xc0\xc0\x80\0",
}


@pytest.mark.parametrize("scheme", [IBFT, QBFT], ids=["ibft", "qbft"])
@pytest.mark.parametrize("extra", HOSTILE)
def test_hostile_extra_data_is_refused_in_words(
    edge: list[Any], scheme: Scheme, extra: str
) -> None:
    header = replace(read_header(edge[1]["block"]), extra=HOSTILE[extra])
    with pytest.raises(Unverified, match="block 1"):
        scheme.read(header)


@pytest.mark.parametrize("field", ["parentHash", "logsBloom", "number", "extraData", "nonce"])
@pytest.mark.parametrize("value", [None, 7, "", "0x", "0xzz", "-0x1", "0x" + "ff" * 40, ["0x0"]])
def test_what_is_no_header_is_refused_in_words(edge: list[Any], field: str, value: Any) -> None:
    if (field, value) in (("extraData", ""), ("extraData", "0x"), ("extraData", "0x" + "ff" * 40)):
        return  # bytes of any length
    with pytest.raises(Unverified, match="no block's header"):
        read_header({**edge[1]["block"], field: value})
