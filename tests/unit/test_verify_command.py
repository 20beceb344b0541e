"""What both verifiers say of any file that they are given, and how they end."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from app.cli.verify import verify
from app.domain.errors import UsageFault
from app.proof.file import MAGIC, Bundle, pack, unpack
from app.proof.statement import prove
from deploy.independent_verifier import verify_bundle as independent
from tests.made_chain import LEAD, PARTNER, MadeChain
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
