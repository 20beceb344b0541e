"""Two verifiers without a line in common judge the same bundles: of recorded Polygon Edge
validators, of blocks sealed as Besu's validators seal them, and of a chain that nobody seals."""

from __future__ import annotations

import ast
import json
import random
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.chain.rpc import Rpc
from app.proof.file import Block, Bundle, pack, unpack
from app.verify.headers import encode_header, read_header
from deploy.consortium import ConsortiumFolder
from deploy.independent_verifier import verify_bundle as independent
from ganache.launcher import start
from tests import sealing
from tests.integration.posted import World
from tests.integration.proofs import bundle, history
from tests.recorded_edge import edge_bundle
from tests.sealed_chain import VALIDATORS, SealedChain, SealedRpc
from tests.tampering import (
    HEAD_BYTES,
    both_find_no_bundle,
    both_refuse,
    both_verify,
    content_of,
    facts_of,
    repacked,
    tampered,
)

FILE = Path(independent.__file__)
PACKAGES = {"eth_abi", "eth_keys", "eth_utils", "rlp", "zstandard"}
CHAINS = ("edge", "besu", "anvil")


@pytest.fixture(scope="module")
def edge() -> bytes:
    return edge_bundle()


@pytest.fixture(scope="module")
def bundles(edge: bytes, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One of each chain. Besu's and anvil's hold everything that moves a book."""
    found = {"edge": edge}
    for engine in CHAINS[1:]:
        folder = tmp_path_factory.mktemp(engine)
        with (
            start("anvil", state_dir=folder / "chain", keep_state=False) as chain,
            ExitStack() as stack,
        ):
            sealed = SealedChain(chain.process.url)
            stack.callback(sealed.close)
            is_sealed = engine == "besu"
            rpc = SealedRpc(chain.process.url, sealed) if is_sealed else Rpc(chain.process.url)
            stack.callback(rpc.close)
            world = World(rpc, ConsortiumFolder(folder / "consortium"), engine=engine)
            history(world)
            found[engine] = bundle(world, folder).file
    return found


def test_it_imports_nothing_of_the_application() -> None:
    found = set()
    for node in ast.walk(ast.parse(FILE.read_text())):
        if isinstance(node, ast.Import):
            found |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add(str(node.module).partition(".")[0])
    assert found - set(sys.stdlib_module_names) == PACKAGES


@pytest.mark.parametrize("chain", CHAINS)
def test_both_verify(bundles: dict[str, bytes], chain: str) -> None:
    both_verify(bundles[chain])


def test_both_follow_the_validators(edge: bytes) -> None:
    found = independent.verify(edge, None)
    assert found.chain.changes == 2, "a fifth validator came and went"
    both_verify(edge, frozenset(found.chain.first))


@pytest.mark.parametrize("contract", ["ReserveLedger", "DayClose"])
def test_a_contract_of_which_no_event_is_needed(edge: bytes, contract: str) -> None:
    """With another DayClose a bank could leave closed days out; the founding names the true one."""
    old = unpack(edge)
    facts = json.loads(old.statement)
    for other in (facts["contracts"]["Reconciliation"], "0x" + "11" * 20):
        facts["contracts"][contract] = other
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        for why in both_refuse(pack(Bundle(text.encode(), old.blocks))):
            assert "names other contracts" in why


def test_trust_proves_nothing_where_nobody_seals(bundles: dict[str, bytes]) -> None:
    for why in both_refuse(bundles["anvil"], frozenset({b"\1" * 20})):
        assert "no seals" in why


def test_other_validators_than_those_that_are_trusted(edge: bytes) -> None:
    first = independent.verify(edge, None).chain.first
    for trusted in ({b"\1" * 20}, first - {min(first)}, first | {b"\1" * 20}):
        for why in both_refuse(edge, frozenset(trusted)):
            assert "trust" in why


@pytest.mark.parametrize(
    ("chain", "other"), [("edge", "besu"), ("besu", "anvil"), ("anvil", "besu")]
)
def test_whatever_is_changed_is_seen_and_said_where(
    bundles: dict[str, bytes], chain: str, other: str
) -> None:
    names = []
    for one in tampered(bundles[chain], bundles[other]):
        names.append(one.name)
        for why in both_refuse(one.file):
            assert any(word in why for word in one.words), (one.name, why)
    assert len(names) == len(set(names)) > 25


def test_any_byte_of_the_file(edge: bytes) -> None:
    random.seed(5)
    for place in (*range(HEAD_BYTES), *random.sample(range(len(edge)), 50)):
        changed = bytearray(edge)
        changed[place] ^= 1 << random.randrange(8)
        both_refuse(bytes(changed))
    for shorter in (HEAD_BYTES, len(edge) - 1):
        both_refuse(edge[:shorter])
    both_refuse(edge + b"\0")


@pytest.mark.parametrize("chain", CHAINS)
def test_any_byte_of_what_is_in_it(bundles: dict[str, bytes], chain: str) -> None:
    """With the checksum that the changed content needs."""
    content = content_of(bundles[chain])
    addresses = content.index(b'"contracts":{')
    stated = range(addresses, content.index(b"}", addresses))
    random.seed(6)
    for place in (*random.sample(range(len(content)), 15), *random.sample(stated, 10)):
        changed = bytearray(content)
        changed[place] ^= 1 << random.randrange(8)
        both_refuse(repacked(bytes(changed)))


def test_an_old_validator_set(bundles: dict[str, bytes]) -> None:
    """Three of four vote the first one out; what it still seals is refused, the others' taken."""
    file = bundles["besu"]
    out, *others = VALIDATORS
    facts = facts_of(file)
    block: sealing.Block = {"number": hex(facts["last"]["number"]), "hash": facts["last"]["hash"]}
    appended = []
    for voter in others:
        vote = (sealing.address(out), False)
        block = sealing.after(block, VALIDATORS, proposer=voter, vote=vote)
        appended.append(block)

    def extended(last: sealing.Block, votes: int = len(others)) -> bytes:
        old = unpack(file)
        headers = [Block(encode_header(read_header(one))) for one in (*appended[:votes], last)]
        blocks = [*old.blocks, *headers]
        number, hash_ = int(last["number"], 16), last["hash"]
        stated = facts | {
            "last": {"hash": hash_, "number": number, "time": int(last["timestamp"], 16)}
        }
        text = json.dumps(stated, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return pack(Bundle(text.encode(), blocks))

    good = sealing.after(block, others, proposer=others[0])
    both_verify(extended(good))
    assert independent.verify(extended(good), None).chain.changes == 1
    early = sealing.after(appended[0], others, proposer=others[0])
    for why in both_refuse(extended(early, 1)):
        assert f"block {int(early['number'], 16)} lists other validators" in why
    for wrong, word in (
        (sealing.after(block, others, [out, *others[1:]], proposer=others[0]), "no validator"),
        (sealing.after(block, others, proposer=out), "proposed"),
    ):
        for why in both_refuse(extended(wrong)):
            assert word in why
            assert f"block {int(wrong['number'], 16)}" in why


@pytest.mark.parametrize("content", [b"", b"TALLYSTICKPROOF1", b"PK\3\4" + bytes(100), b"{}"])
def test_what_is_no_bundle(content: bytes) -> None:
    assert both_find_no_bundle(content)


def test_one_line_by_hand_comes_out_as_the_page_for_auditors_says(
    edge: bytes, tmp_path: Path
) -> None:
    page = (FILE.parents[2] / "docs" / "auditors.md").read_text(encoding="utf-8")
    _, python, after = page.partition("```python\n")
    code, _, shown = after.partition("```\n```\n")
    (tmp_path / "march.proof").write_bytes(edge)
    (tmp_path / "deploy").symlink_to(FILE.parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert python
    assert done.stdout == shown.partition("```")[0]


def test_it_runs_alone(edge: bytes, tmp_path: Path) -> None:
    """As an auditor starts it: one file, from anywhere."""
    (tmp_path / "good").write_bytes(edge)
    (tmp_path / "bad").write_bytes(edge[:-1])
    (tmp_path / "none").write_bytes(b"")
    listed = ["0x" + one.hex() for one in independent.verify(edge, None).chain.first]
    (tmp_path / "trust").write_text(json.dumps(listed))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(FILE), *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    good = run("good", "--trust", "trust")
    assert good.returncode == 0, good.stderr
    assert "60 lines of REC-1" in good.stdout
    assert run("bad").returncode == 1
    assert "SHA-256" in run("bad").stderr
    assert run("none").returncode == 2
    assert run("good", "--trust", "none").returncode == 2
    (tmp_path / "deep").write_text("[" * 200_000)
    assert run("good", "--trust", "deep").returncode == 2
    assert facts_of(edge)["facility"]["id"] == "REC-1"
