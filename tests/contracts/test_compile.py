"""The compiler's driver: what it notices, and that both drivers compile alike."""

import json
import subprocess
import tomllib

import pytest

from deploy import compile as driver
from deploy.forge import forge


def test_forge_and_python_compile_with_the_same_settings() -> None:
    profiles = tomllib.loads((driver.CONTRACTS / "foundry.toml").read_text())["profile"]
    profile = profiles["default"] | profiles["sources"]
    settings = driver.SETTINGS
    assert profile["evm_version"] == settings["evmVersion"]
    assert profile["via_ir"] == settings["viaIR"]
    assert profile["optimizer"] == settings["optimizer"]["enabled"]
    assert profile["optimizer_runs"] == settings["optimizer"]["runs"]
    assert profile["bytecode_hash"] == settings["metadata"]["bytecodeHash"]
    assert profile["cbor_metadata"] == settings["metadata"]["appendCBOR"]


def test_a_changed_source_makes_the_artifacts_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    driver.compile_contracts()
    assert not driver.is_stale()
    assert not driver.compile_contracts(), "a second call has nothing to do"
    sources = driver.own_sources()
    sources["Reconciliation.sol"] += "\n// changed\n"
    monkeypatch.setattr(driver, "own_sources", lambda: sources)
    assert driver.is_stale()


def test_an_artifact_holds_what_its_readers_need() -> None:
    driver.compile_contracts()
    artifact = driver.load_artifact("Reconciliation")
    assert {entry["name"] for entry in artifact["abi"]} >= {"post", "Posted", "PostingMalformed"}
    size = len(artifact["deployedBytecode"]) // 2 - 1
    assert 0 < size <= 24_576
    assert artifact["bytecode"].startswith("0x")
    assert artifact["storageLayout"]["storage"]
    assert artifact["sourceHash"] == driver.source_hash()


def test_a_missing_artifact_says_what_to_do() -> None:
    with pytest.raises(driver.CompileError, match=r"Nothing\.json is missing: run"):
        driver.load_artifact("Nothing")


def test_the_compilers_answer_is_whole() -> None:
    """A pipe holds 64 KiB; an answer beyond that once came back cut off."""
    unit = "contract C { string s = '" + "x" * 100_000 + "'; }"
    request = {
        "language": "Solidity",
        "sources": {"C.sol": {"content": unit}},
        "settings": {"outputSelection": {"*": {"*": ["evm.bytecode.object"], "": ["ast"]}}},
    }
    answer = subprocess.run(
        [driver.SOLC, "--standard-json"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert len(answer.stdout) > 200_000
    assert "contracts" in json.loads(answer.stdout)


def test_forge_tells_how_it_ended() -> None:
    assert forge("config", "--json").returncode == 0
    assert forge("no-such-verb").returncode != 0


def test_the_compiler_refuses_what_it_does_not_do() -> None:
    answer = subprocess.run(
        [driver.SOLC, "--bin"], capture_output=True, text=True, check=False, timeout=60
    )
    assert answer.returncode == 2
    assert "only --version and --standard-json" in answer.stderr
