"""Proof bundles of real chains: they verify, and whatever is changed in them does not."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import rlp
import zstandard
from typer import Typer
from typer.testing import CliRunner, Result

from app.chain.rpc import Rpc
from app.cli.verify import verify
from app.proof.check import check
from app.proof.file import MAGIC, Block, Bundle, NoBundle, pack, unpack
from app.proof.make import Made
from app.verify.errors import Unverified
from app.verify.headers import decode_header, encode_header, header_hash
from deploy.consortium import ConsortiumFolder
from ganache.launcher import start
from tests import sealing
from tests.integration.posted import World
from tests.integration.proofs import bundle, history
from tests.sealed_chain import VALIDATORS, SealedChain, SealedRpc


@pytest.fixture(scope="module", params=["anvil", "besu"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The bundle of a chain that nobody seals, and of one sealed as Besu's validators seal."""
    folder = tmp_path_factory.mktemp(request.param)
    with start("anvil", state_dir=folder / "chain", keep_state=False) as chain:
        url = chain.process.url
        sealed = SealedChain(url)
        rpc = Rpc(url) if request.param == "anvil" else SealedRpc(url, sealed)
        world = World(rpc, ConsortiumFolder(folder / "consortium"), engine=request.param)
        history(world)
        try:
            return bundle(world, folder)
        finally:
            rpc.close()
            sealed.close()


def run(path: Path, *arguments: str) -> Result:
    cli = Typer(pretty_exceptions_enable=False)
    cli.command()(verify)
    return CliRunner().invoke(cli, [str(path), *arguments])


def test_it_verifies(made: Made, tmp_path: Path) -> None:
    proved = check(made.file)
    assert proved.statement == made.proved.statement
    (tmp_path / "bundle").write_bytes(made.file)
    told = run(tmp_path / "bundle")
    assert told.exit_code == 0, told.output
    assert "15 lines of WLD-2016-A" in told.output
    machine = json.loads(run(tmp_path / "bundle", "--json").stdout)
    assert machine["result"] == "verified"
    assert {line["event_ref"] for line in machine["lines"]} == {"sealed"}
    line = machine["lines"][0]
    whole = unpack(made.file)
    assert any(bytes.fromhex(line["reference"]) in one for one in _receipts(whole.blocks))


def test_every_changed_byte_is_seen(made: Made) -> None:
    random.seed(1)
    places = {*range(60), len(made.file) - 1, *random.sample(range(len(made.file)), 300)}
    for place in places:
        changed = bytearray(made.file)
        changed[place] ^= 1 << random.randrange(8)
        with pytest.raises(Unverified):
            check(bytes(changed))
    for shorter in (48, 100, len(made.file) - 1):
        with pytest.raises(Unverified):
            check(made.file[:shorter])
    with pytest.raises(Unverified):
        check(made.file + b"\0")


def test_whatever_is_changed_inside_is_refused_in_words(made: Made) -> None:
    """Under right checksums, at any place: never an error of the program's own. What no hash of
    the chain is over may differ, and proves the same."""
    random.seed(2)
    content = zstandard.ZstdDecompressor().decompress(made.file[48:])
    for _ in range(150):
        changed = bytearray(content)
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
        try:
            proved = check(packed(bytes(changed)))
        except Unverified:
            continue
        assert proved.statement == made.proved.statement
    for length in (0, 1, 5, len(content) // 2, len(content) - 1):
        with pytest.raises(Unverified):
            check(packed(content[:length]))
    for nested in (b"\xc0", b"\xc2\xc0\xc0", b"\xf8\xff" * 100_000, b"\xc1" * 100_000):
        with pytest.raises(Unverified):
            check(packed(nested))


def packed(content: bytes) -> bytes:
    """A file with these contents, under a right SHA-256."""
    frame = zstandard.ZstdCompressor().compress(content)
    return b"".join((MAGIC, hashlib.sha256(MAGIC + frame).digest(), frame))


def _receipts(blocks: Sequence[Block]) -> list[bytes]:
    return [one for block in blocks for one in block.receipts or ()]


@pytest.mark.parametrize("content", [b"", b"TALLYSTICKPROOF1", b"PK\3\4" + bytes(100), b"{}"])
def test_what_is_no_bundle(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(NoBundle):
        check(content)
    (tmp_path / "file").write_bytes(content)
    assert run(tmp_path / "file").exit_code == 2


Facts = dict[str, Any]


def refused(made: Made, change: Callable[[Facts, list[Block]], None]) -> str:
    """Why a bundle with other contents, under a right SHA-256, does not verify."""
    whole = unpack(made.file)
    facts, blocks = orjson.loads(whole.statement), list(whole.blocks)
    change(facts, blocks)
    statement = orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)
    with pytest.raises(Unverified) as told:
        check(pack(Bundle(statement, blocks)))
    return str(told.value)


def _drop_line(facts: Facts, _: list[Block]) -> None:
    del facts["lines"][3]


def _swap_lines(facts: Facts, _: list[Block]) -> None:
    lines = facts["lines"]
    lines[2], lines[5] = lines[5], lines[2]


def _wrong_with_its_totals(facts: Facts, _: list[Block]) -> None:
    line, account = facts["lines"][5], facts["accounts"][0]
    for column in (10, 11, 12):
        line[column] = str(int(line[column]) + 10)
    for place in range(3):
        account["closing"][place] = str(int(account["closing"][place]) + 10)
        account["movements"][1][place + 1] = str(int(account["movements"][1][place + 1]) + 10)


def _other(*keys: str | int, value: Any) -> Callable[[Facts, list[Block]], None]:
    def change(facts: Facts, _: list[Block]) -> None:
        item: Any = facts
        for key in keys[:-1]:
            item = item[key]
        item[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_drop_line, "lines: the bundle states 14, and 15 follow from the chain, the first that "),
        (_swap_lines, 'lines, number 3, type: the bundle states "matched"'),
        (_wrong_with_its_totals, 'closing, number 1: the bundle states "1001170", and "1001160"'),
        (_other("accounts", 0, "opening", 0, value="1"), "opening, number 1"),
        (_other("accounts", 1, "pairs", "matched", value=3), "pairs, matched"),
        (_other("banks", 0, "before", "sequence", value=2), "banks, number 1, before, sequence"),
        (_other("facility", "currency", value="USD"), 'currency: the bundle states "USD"'),
        (_other("facility", "number", value=2), "no event in the bundle proposes facility 2"),
        (_other("from", value="2020-01-01"), "accounts, number 1"),
        (_other("last", "time", value=1), "last, time: the bundle states 1"),
        (_other("last", "number", value=1), "last, number: the bundle states 1"),
        (_other("chain_id", value=1), "no transaction of this chain: it is of chain 31337"),
        (_other("genesis", value="0x" + "11" * 32), "block"),
        (_other("contracts", "Reconciliation", value="0x" + "22" * 20), ""),
        (_other("more", value=1), "more: the bundle should not state one"),
        (_other("blocks", value="some"), "does not say how its blocks are proved"),
        (_other("lines", value=None), "lines: the bundle states null"),
    ],
)  # fmt: skip
def test_what_is_stated_must_follow_from_the_blocks(
    made: Made, change: Callable[[Facts, list[Block]], None], why: str
) -> None:
    assert why in refused(made, change)


def test_a_statement_in_another_form_is_not_taken(made: Made) -> None:
    whole = unpack(made.file)
    spaced = json.dumps(json.loads(whole.statement)).encode()
    with pytest.raises(Unverified, match="not in its canonical form"):
        check(pack(Bundle(spaced, whole.blocks)))
    with pytest.raises(Unverified, match="cannot be read"):
        check(pack(Bundle(b"[" * 100_000, whole.blocks)))
    with pytest.raises(Unverified, match="holds no block"):
        check(pack(Bundle(whole.statement, [])))


def _whole(blocks: list[Block], number: int = -1) -> int:
    """The place of one of the blocks that are there whole."""
    return [place for place, one in enumerate(blocks) if one.receipts is not None][number]


def _receipts_of_another(_: Facts, blocks: list[Block]) -> None:
    at, other = _whole(blocks), _whole(blocks, -2)
    blocks[at] = replace(blocks[at], receipts=blocks[other].receipts)


def _other_log(_: Facts, blocks: list[Block]) -> None:
    at = _whole(blocks)
    receipts = list(blocks[at].receipts or ())
    receipts[0] = receipts[0].replace((77).to_bytes(7), (78).to_bytes(7))
    assert receipts != blocks[at].receipts
    blocks[at] = replace(blocks[at], receipts=receipts)


def _other_transaction(_: Facts, blocks: list[Block]) -> None:
    at = _whole(blocks)
    transactions = list(blocks[at].transactions or ())
    transactions[0] = transactions[0][:-1] + bytes([transactions[0][-1] ^ 1])
    blocks[at] = replace(blocks[at], transactions=transactions)


def _without_the_last_transaction(_: Facts, blocks: list[Block]) -> None:
    at = _whole(blocks)
    blocks[at] = replace(blocks[at], transactions=[], receipts=[])


def _posting_dropped(_: Facts, blocks: list[Block]) -> None:
    del blocks[_whole(blocks, -4)]


def _swapped(_: Facts, blocks: list[Block]) -> None:
    blocks[-1], blocks[-2] = blocks[-2], blocks[-1]


def _twice(_: Facts, blocks: list[Block]) -> None:
    blocks.append(blocks[-1])


def _header_only(_: Facts, blocks: list[Block]) -> None:
    at = _whole(blocks, -4)
    blocks[at] = Block(blocks[at].header)


@pytest.mark.parametrize(
    ("change", "whys"),
    [
        (_receipts_of_another, ["its receipts are not those of the block"]),
        (_other_log, ["its receipts are not those of the block"]),
        (_other_transaction, ["its transactions are not those of the block"]),
        (_without_the_last_transaction, ["its transactions are not those of the block"]),
        (_posting_dropped, ["is missing before block", "what is between them is missing"]),
        (_swapped, ["is missing before block", "operator key of that time"]),
        (_twice, ["stands after block"]),
        (_header_only, ["only its header is here", "what is between them is missing"]),
    ],
)
def test_blocks_must_be_the_chains(
    made: Made, change: Callable[[Facts, list[Block]], None], whys: list[str]
) -> None:
    told = refused(made, change)
    assert any(why in told for why in whys), told


def _header(block: Block, **changes: Any) -> Block:
    return replace(block, header=encode_header(replace(decode_header(block.header), **changes)))


def test_a_header_of_another_chain(made: Made) -> None:
    def change(_: Facts, blocks: list[Block]) -> None:
        blocks[-2] = _header(blocks[-2], state_root=bytes(32))

    told = refused(made, change)
    assert "does not follow block" in told or "which is no validator of it" in told


class TestSealed:
    @pytest.fixture
    def sealed(self, made: Made) -> Made:
        if not made.proved.validators:
            pytest.skip("nobody seals this chain")
        return made

    def resealed(self, made: Made, seals: Callable[[list[bytes], bytes], list[bytes]]) -> str:
        """Why it does not verify with other seals in the last block."""

        def change(_: Facts, blocks: list[Block]) -> None:
            header = decode_header(blocks[-1].header)
            vanity, listed, vote, round_, before = rlp.decode(header.extra)
            signed = header_hash(header, rlp.encode([vanity, listed, vote, round_, []]))
            extra = rlp.encode([vanity, listed, vote, round_, seals(list(before), signed)])
            blocks[-1] = _header(blocks[-1], extra=extra)

        return refused(made, change)

    def test_a_forged_seal(self, sealed: Made) -> None:
        told = self.resealed(sealed, lambda seals, _: [bytes(65), *seals[1:]])
        assert "a seal that is no signature" in told
        [stranger] = sealing.keys(9)
        told = self.resealed(
            sealed, lambda seals, signed: [stranger.sign_msg_hash(signed).to_bytes(), *seals[1:]]
        )
        assert "which is no validator of it" in told

    def test_a_seal_twice(self, sealed: Made) -> None:
        told = self.resealed(sealed, lambda seals, _: [seals[0], *seals[:2]])
        assert "has two seals of validator" in told

    def test_too_few_seals(self, sealed: Made) -> None:
        told = self.resealed(sealed, lambda seals, _: seals[:2])
        assert "has seals of 2 of its 4 validators; 3 are needed" in told

    def test_a_header_listing_other_validators(self, sealed: Made) -> None:
        def change(_: Facts, blocks: list[Block]) -> None:
            header = decode_header(blocks[-1].header)
            vanity, listed, vote, round_, seals = rlp.decode(header.extra)
            extra = rlp.encode([vanity, listed[:3], vote, round_, seals])
            blocks[-1] = _header(blocks[-1], extra=extra)

        assert "lists other validators" in refused(sealed, change)

    def test_another_first_block(self, sealed: Made) -> None:
        def change(_: Facts, blocks: list[Block]) -> None:
            blocks[0] = _header(blocks[0], timestamp=1)

        assert "the first block is not this network's" in refused(sealed, change)

    def test_a_chain_of_the_forgers_own_validators(self, sealed: Made, tmp_path: Path) -> None:
        """Everything in it is consistent; who trusts the true validators is not deceived."""
        path, trusted = tmp_path / "bundle", tmp_path / "validators.json"
        path.write_bytes(sealed.file)
        trusted.write_text(json.dumps(["0x" + sealing.address(one).hex() for one in VALIDATORS]))
        told = run(path, "--trust", str(trusted))
        assert told.exit_code == 0, told.output
        assert "that you trust" in told.output
        others = ["0x" + sealing.address(one).hex() for one in sealing.keys(5, 6, 7, 8)]
        trusted.write_text(json.dumps(others))
        told = run(path, "--trust", str(trusted))
        assert told.exit_code == 1
        assert "others than those that are trusted" in told.output

    def test_a_key_that_was_replaced_signs_nothing_more(self, sealed: Made) -> None:
        """Without the block in which the lead's key was replaced its next posting is a stranger's;
        with the postings alone no bank has a key."""

        def change(_: Facts, blocks: list[Block]) -> None:
            del blocks[_whole(blocks, -2)]

        told = refused(sealed, change)
        assert "which is not member 1's operator key of that time" in told


def test_validators_that_are_trusted_vouch_for_no_development_chain(
    made: Made, tmp_path: Path
) -> None:
    if made.proved.validators:
        pytest.skip("this chain is sealed")
    path, trusted = tmp_path / "bundle", tmp_path / "validators.json"
    path.write_bytes(made.file)
    trusted.write_text(json.dumps(["0x" + "11" * 20]))
    assert run(path, "--trust", str(trusted)).exit_code == 1
