"""What both verifiers say of any file that they are given, and how they end."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from eth_utils.crypto import keccak
from typer import Typer
from typer.testing import CliRunner, Result

from app.cli.verify import verify
from app.domain.errors import UsageFault
from app.proof.file import MAGIC, Bundle, pack, unpack
from app.proof.statement import prove
from app.verify.headers import decode_header, encode_header, header_hash
from deploy.independent_verifier import verify_bundle as independent
from tests.made_chain import DAY, LEAD, PARTNER, MadeChain
from tests.tampering import both_verify


def made(name: str = "bank") -> bytes:
    chain = MadeChain(bank_name=name)
    chain.found()
    for bank in (LEAD, PARTNER):
        chain.post(bank, 0, 2)
    return pack(Bundle(prove(chain.terms(), chain.blocks).statement, chain.blocks))


def run(*arguments: str) -> Result:
    cli = Typer(pretty_exceptions_enable=False)
    cli.command()(verify)
    return CliRunner().invoke(cli, [*arguments])


def codes(path: str, *arguments: str) -> list[int]:
    """Of both; that `--json` says one object whatever happens. A UsageFault ends with 2 in main."""
    found = []
    for options in ((), ("--json",)):
        result = run(path, *arguments, *options)
        assert result.exception is None or isinstance(result.exception, SystemExit | UsageFault)
        is_usage = isinstance(result.exception, UsageFault)
        found.append(2 if is_usage else result.exit_code)
        if options:
            assert "result" in json.loads(result.stdout)
    assert found[0] == found[1]
    return [found[0], independent.main([path, *arguments])]


def test_files_that_are_none_or_too_large(tmp_path: Path) -> None:
    empty, large, folder = tmp_path / "empty", tmp_path / "large", tmp_path / "folder"
    empty.write_bytes(b"")
    folder.mkdir()
    large.write_bytes(MAGIC + bytes(40))
    os.truncate(large, 1 << 40)
    for path in (empty, folder, tmp_path / "missing", Path("/dev/zero"), Path("/dev/null")):
        assert codes(str(path)) == [2, 2], path
    assert codes(str(large)) == [1, 1]


def test_a_small_file_is_unpacked_to_no_more_than_was_asked_for(tmp_path: Path) -> None:
    """Three megabytes of zeros in the place of the statement are some hundred bytes in the file."""
    bomb = tmp_path / "bomb"
    bomb.write_bytes(pack(Bundle(bytes(3 << 20), [])))
    assert bomb.stat().st_size < 1_000
    assert codes(str(bomb), "--most-mib", "2") == [1, 1]
    assert "larger than 2 MiB" in run(str(bomb), "--most-mib", "2").stderr
    bundle = tmp_path / "bundle"
    bundle.write_bytes(made())
    assert codes(str(bundle), "--most-mib", "2") == [0, 0]


@pytest.mark.parametrize(
    "listed",
    [b"", b"null", b"[]", b"[1]", b'["0x11"]', b'{"0x": 1}', b"\xff\xfe", b'"0x"'],
)
def test_lists_of_trusted_validators_that_are_none(tmp_path: Path, listed: bytes) -> None:
    bundle, trust = tmp_path / "bundle", tmp_path / "trust"
    bundle.write_bytes(made())
    trust.write_bytes(listed)
    assert codes(str(bundle), "--trust", str(trust)) == [2, 2]
    assert codes(str(bundle), "--trust", str(tmp_path)) == [2, 2]
    trust.write_text(json.dumps(["0x" + "11" * 20]))
    assert codes(str(bundle), "--trust", str(trust)) == [1, 1]


def test_a_name_that_would_write_over_what_is_not_proved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both make it printable in the same way, in the statement and on the terminal."""
    file = made("\x1b[2J\rbank\n- Proved: all\u202e")
    both_verify(file)
    (tmp_path / "bundle").write_bytes(file)
    told = run(str(tmp_path / "bundle")).stdout
    assert independent.main([str(tmp_path / "bundle")]) == 0
    for output in (told, capsys.readouterr().out):
        assert "\N{REPLACEMENT CHARACTER}bank" in output
        assert not {"\x1b", "\r", "\u202e"} & set(output)
        assert "\n- Proved: all" not in output


def test_a_statement_that_is_shown_is_made_printable(tmp_path: Path) -> None:
    old = unpack(made())
    changed = old.statement.replace(b'"CNY"', '"\x9b2J\u202e"'.encode())
    (tmp_path / "bundle").write_bytes(pack(replace(old, statement=changed)))
    result = run(str(tmp_path / "bundle"))
    assert result.exit_code == 1
    assert "currency: the bundle states" in result.stderr
    assert not {"\x9b", "\u202e"} & set(result.stderr)


NOBODY, STATED = "anybody can make such a file", "Stated by blocks that nobody sealed:"


def unsealed(time: int | None = None) -> bytes:
    """What anybody can make: the genesis and contracts of a network whose blocks are sealed, and
    postings of its banks under keys that the file itself names."""
    chain = MadeChain()
    chain.found()
    for bank in (LEAD, PARTNER):
        chain.post(bank, 0, 2)
    parent = keccak(b"the true first block")
    blocks = []
    for number, one in enumerate(chain.blocks[1:], start=1):
        header = replace(
            decode_header(one.header), parent=parent, number=number, extra=b"not sealed"
        )
        if time is not None and number == len(chain.blocks) - 1:
            header = replace(header, timestamp=time)
        blocks.append(replace(one, header=encode_header(header)))
        parent = header_hash(header)
    genesis = "0x" + keccak(b"the true first block").hex()
    terms = replace(chain.terms(), seals="none", every=True, genesis=genesis)
    return pack(Bundle(prove(terms, blocks).statement, blocks))


def said_by_both(path: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """What both print of a file in which nothing is wrong."""
    told = run(str(path), *arguments)
    assert told.exit_code == 0, told.output
    assert independent.main([str(path), *arguments]) == 0
    return [told.stdout, capsys.readouterr().out]


def test_a_forgery_that_names_a_true_network_is_not_said_to_verify(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "forged.proof"
    path.write_bytes(unsealed())
    both_verify(path.read_bytes())
    for told in said_by_both(path, capsys):
        verdict, title, *_ = told.splitlines()
        assert NOBODY in verdict
        assert title == STATED
        assert "verifies" not in told
        assert "Compare" not in told and "compare" not in told
        assert "not of that network, whatever it names" in told
    assert json.loads(run(str(path), "--json").stdout)["vouched_by"] == "nobody"


def test_what_vouches_for_a_sealed_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, trust = tmp_path / "sealed.proof", tmp_path / "trust.json"
    path.write_bytes(made())
    listed = json.loads(run(str(path), "--json").stdout)
    assert listed["vouched_by"] == "own_validators"
    for told in said_by_both(path, capsys):
        assert "verifies, if its chain is yours: compare what is assumed." in told.splitlines()[0]
        assert "with the network's manifest" in told
    trust.write_text(json.dumps(listed["validators"]))
    for told in said_by_both(path, capsys, "--trust", str(trust)):
        assert told.splitlines()[0].endswith("sealed.proof verifies.")
    trusted = json.loads(run(str(path), "--trust", str(trust), "--json").stdout)
    assert trusted["vouched_by"] == "trusted_validators"


def test_as_of_when_and_what_of_the_period_had_not_come(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bundle of a whole month may be as of its second day."""
    chain = MadeChain()
    chain.found()
    chain.post(LEAD, 0, 2)
    terms = replace(chain.terms(), last=DAY + timedelta(days=29))
    path = tmp_path / "early.proof"
    path.write_bytes(pack(Bundle(prove(terms, chain.blocks).statement, chain.blocks)))
    for told in said_by_both(path, capsys):
        _, _, not_proved = told.partition("Not proved:")
        assert " of 2026-02-25 06:13:24 UTC" in told
        assert "2026-02-25" in not_proved and "2026-03-31" in not_proved


def test_a_time_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "late.proof"
    path.write_bytes(unsealed(time=(1 << 64) - 1))
    for told in said_by_both(path, capsys):
        assert "no time that there is" in told


def test_a_files_own_name_is_no_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x\x1b[2J\n\u202e.proof"
    path.write_bytes(made())
    for told in said_by_both(path, capsys):
        assert not {"\x1b", "\u202e"} & set(told)
        assert "verifies" in told.splitlines()[0]


def test_two_names_that_look_alike_have_their_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "alike.proof"
    path.write_bytes(made())
    for told in said_by_both(path, capsys):
        assert "(member 1)" in told and "(member 2)" in told


def test_what_the_contract_rejected_is_in_no_line_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = MadeChain()
    chain.found()
    chain.post(LEAD, 0, 3, rejected={1: 4, 2: 1})
    path = tmp_path / "rejected.proof"
    proved = prove(chain.terms(), chain.blocks)
    assert len(proved.facts["lines"]) == 1
    path.write_bytes(pack(Bundle(proved.statement, chain.blocks)))
    for told in said_by_both(path, capsys):
        assert "right to reject 1 legs or parts of legs" in told
