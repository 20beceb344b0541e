"""Compile the contracts: `python -m deploy.compile`.

py-solc-x drives the npm compiler through `contracts/bin/solc`. Each contract's artifact lies in
`contracts/artifacts/NAME.json`: `abi`, `bytecode`, `deployedBytecode`, `storageLayout` and
`sourceHash`, the hash of everything that it was compiled from. What a running node needs of them,
the ABIs of the five contracts, lies in `app/contracts/abi/NAME.json`. A second call with nothing
changed does nothing.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import solcx
from filelock import FileLock

from app.contracts import abi
from app.domain.consortium import CONTRACTS as DEPLOYED

CONTRACTS = Path(__file__).resolve().parent.parent / "contracts"
ARTIFACTS = CONTRACTS / "artifacts"
SOLC = CONTRACTS / "bin" / "solc"
_STAMP = ARTIFACTS / ".source-hash"
_MODULES = CONTRACTS / "node_modules"

# The same settings stand in contracts/foundry.toml; tests/contracts/test_compile.py compares them.
SETTINGS: dict[str, Any] = {
    "evmVersion": "paris",
    "viaIR": True,
    "optimizer": {"enabled": True, "runs": 3_000},
    "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
}
_OUTPUTS = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "storageLayout"]
_IMPORT = re.compile(r'^\s*(?:import|\}\s*from)\b[^;"]*"([^"]+)"\s*;', re.MULTILINE)


class CompileError(Exception):
    """The contracts could not be compiled, or were not yet; the text says what to do."""


def own_sources() -> dict[str, str]:
    """Our Solidity files by their path under `contracts/`."""
    return {
        path.relative_to(CONTRACTS).as_posix(): path.read_text()
        for folder in (".", "interfaces", "libraries", "storage", "types")
        for path in sorted((CONTRACTS / folder).glob("*.sol"))
    }


def source_hash() -> str:
    """The hash of all that decides the artifacts: sources, pinned packages and settings."""
    lock = (CONTRACTS / "package-lock.json").read_text()
    parts = json.dumps([own_sources(), lock, SETTINGS, _OUTPUTS], sort_keys=True)
    return sha256(parts.encode()).hexdigest()


def is_stale() -> bool:
    """Whether the artifacts are missing or were made from other sources than today's."""
    abis = all((abi.FOLDER / f"{name}.json").exists() for name in DEPLOYED)
    return not abis or not _STAMP.exists() or _STAMP.read_text() != source_hash()


def compile_contracts() -> bool:
    """Make the artifacts anew if they are stale; return whether they were.

    Safe to call from several processes at once. Raises CompileError with the compiler's messages.
    """
    if not is_stale():
        return False
    if not _MODULES.exists():
        raise CompileError(f"{_MODULES} is missing: run `npm ci` in {CONTRACTS}, or `make setup`")
    ARTIFACTS.mkdir(exist_ok=True)
    with FileLock(ARTIFACTS / ".lock"):
        if is_stale():
            own = own_sources()
            _write(compile_sources(own, own, SETTINGS), source_hash())
    load_artifact.cache_clear()
    abi.load_abi.cache_clear()
    return True


@cache
def load_artifact(name: str) -> dict[str, Any]:
    """The artifact of a contract by its name. Raises CompileError when there is none."""
    path = ARTIFACTS / f"{name}.json"
    if not path.exists():
        raise CompileError(f"{path} is missing: run `python -m deploy.compile`, or `make setup`")
    artifact: dict[str, Any] = json.loads(path.read_text())
    return artifact


def compile_sources(
    own: Mapping[str, str], wanted: Iterable[str], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The contracts of the wanted ones among our sources, by name; what has no ABI is left out.

    Raises CompileError with the compiler's messages.
    """
    wanted = list(wanted)
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in _with_imports(own).items()},
        "settings": {**settings, "outputSelection": {name: {"*": _OUTPUTS} for name in wanted}},
    }
    try:
        answer = solcx.compile_standard(request, solc_binary=SOLC)
    except solcx.exceptions.SolcError as error:
        raise CompileError(f"the contracts do not compile:\n{error.message}") from error
    except OSError as error:
        raise CompileError(f"{SOLC} does not run (is Node 20 installed?): {error}") from error
    return {
        contract: output
        for name in wanted
        for contract, output in answer.get("contracts", {}).get(name, {}).items()
        if output["abi"]
    }


def imports(importer: str, text: str) -> list[str]:
    """What a source imports itself, by path under `contracts/` or name of a package's file."""
    found = []
    for target in _IMPORT.findall(text):
        if target.startswith("."):
            joined = (_MODULES / importer).parent / target
            found.append(joined.resolve().relative_to(_MODULES.resolve()).as_posix())
        else:
            found.append(target)
    return found


def _with_imports(own: Mapping[str, str]) -> dict[str, str]:
    """Our sources and those of the packages that they import, directly or not."""
    sources = dict(own)
    waiting = list(own)
    while waiting:
        importer = waiting.pop()
        for name in imports(importer, sources[importer]):
            if name not in sources:
                sources[name] = (_MODULES / name).read_text()
                waiting.append(name)
    return sources


def _write(contracts: dict[str, Any], made_from: str) -> None:
    for old in ARTIFACTS.glob("*.json"):
        if old.stem not in contracts:
            old.unlink()
    for name, output in contracts.items():
        artifact = {
            "contractName": name,
            "abi": output["abi"],
            "bytecode": "0x" + output["evm"]["bytecode"]["object"],
            "deployedBytecode": "0x" + output["evm"]["deployedBytecode"]["object"],
            "storageLayout": output["storageLayout"],
            "sourceHash": made_from,
        }
        _replace(ARTIFACTS / f"{name}.json", json.dumps(artifact, indent=1) + "\n")
    for name in DEPLOYED:
        _replace(abi.FOLDER / f"{name}.json", json.dumps(contracts[name]["abi"], indent=1) + "\n")
    # Last, so that a run that was cut off leaves stale artifacts and not wrong ones.
    _replace(_STAMP, made_from)


def _replace(path: Path, text: str) -> None:
    fresh = path.with_suffix(path.suffix + ".new")
    fresh.write_text(text)
    fresh.replace(path)


def main() -> int:
    try:
        made = compile_contracts()
    except CompileError as error:
        print(f"compile: {error}", file=sys.stderr)
        return 1
    names = ", ".join(path.stem for path in sorted(ARTIFACTS.glob("*.json")))
    print(f"contracts compiled: {names}" if made else "contracts are up to date")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
