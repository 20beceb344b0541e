"""Do the tests bite? `python -m tests.contracts.mutants.run [WORD ...]`.

Each mutant of `mutants.toml` (those whose name or file holds one of the words) is put into a copy
of the contracts' sources, and what depends on the changed file is compiled, with hardly any
optimizer: that takes a third of the time. The tests deploy the contracts' artifacts, where the
mutant's code takes the place of the faultless one. Ends with 1 when a mutant survives or cannot be
built.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from app.domain.consortium import CONTRACTS as PROXIED
from deploy.compile import (
    CONTRACTS,
    SETTINGS,
    CompileError,
    compile_sources,
    imports,
    own_sources,
)
from deploy.forge import forge

ROOT = CONTRACTS.parent
TESTS = ROOT / "tests" / "contracts"
LIST = Path(__file__).with_name("mutants.toml")
_JOBS = int(os.environ.get("MUTANT_JOBS") or min(os.cpu_count() or 1, 4))
# The same fuzzing for every mutant and every run, and not as long as in `make test`. Gas is no
# proof: any change changes it.
_FORGE = {
    "FOUNDRY_FUZZ_SEED": "0x7a11",
    "FOUNDRY_INVARIANT_RUNS": "8",
    "FOUNDRY_INVARIANT_DEPTH": "64",
}
_NOT_A_PROOF = "PostGas"
# As little as the compiler's stack allows.
_OPTIMIZER = {
    "enabled": False,
    "details": {"yul": True, "yulDetails": {"stackAllocation": True, "optimizerSteps": "u"}},
}
_DEPLOYED = [*PROXIED, "Founding"]
_COMPILER = SETTINGS | {"optimizer": _OPTIMIZER}


@dataclass(frozen=True)
class Mutant:
    """A text of one file of the contracts, what replaces it, and the tests that ought to see it."""

    name: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]

    def applied(self, text: str) -> str:
        """The file's text with the fault in it. Raises ValueError when `find` is not there once."""
        if text.count(self.find) != 1:
            raise ValueError(f"{self.name}: `{self.find}` stands {text.count(self.find)} times")
        return text.replace(self.find, self.replace)


@dataclass(frozen=True)
class Verdict:
    """`killer` is the test that failed; empty when none did. `fault`: it could not be tried."""

    mutant: Mutant
    killer: str
    fault: str = ""


def mutants() -> list[Mutant]:
    """The mutants of the list, in its order."""
    entries = tomllib.loads(LIST.read_text())["mutant"]
    return [Mutant(**entry | {"tests": tuple(entry["tests"])}) for entry in entries]


def run(chosen: list[Mutant]) -> Iterator[Verdict]:
    """Try mutants, some at a time; verdicts in the order of the list.

    Raises CompileError or FaultlessFails when the contracts without a fault cannot be tried.
    """
    with tempfile.TemporaryDirectory(prefix="tally-mutants-") as folder:
        sources = own_sources()
        _require(forge("build"))
        faultless = _bytecodes(sources, _DEPLOYED)
        copies: SimpleQueue[_Copy] = SimpleQueue()
        for number in range(_JOBS):
            copies.put(_Copy(Path(folder) / str(number), sources, faultless))

        def verdict(mutant: Mutant) -> Verdict:
            copy = copies.get()
            try:
                return copy.judge(mutant)
            finally:
                copies.put(copy)

        copy = copies.get()
        copy.require_faultless({test for mutant in chosen for test in mutant.tests})
        copies.put(copy)
        with ThreadPoolExecutor(_JOBS) as pool:
            yield from pool.map(verdict, chosen)


class FaultlessFails(Exception):
    """The tests fail without a mutant, or cannot be run; the text is what forge said."""


class _Copy:
    """A copy of the contracts and their tests, with forge's output of the faultless ones."""

    def __init__(
        self, root: Path, sources: Mapping[str, str], faultless: Mapping[str, str]
    ) -> None:
        self._contracts = root / "contracts"
        self._sources = sources
        self._faultless = faultless
        made = shutil.ignore_patterns(
            "artifacts", "node_modules", "__pycache__", "*-halmos", "*-sources"
        )
        shutil.copytree(CONTRACTS, self._contracts, ignore=made)
        shutil.copytree(TESTS, root / "tests" / "contracts", ignore=made)
        (self._contracts / "artifacts").mkdir()
        (self._contracts / "node_modules").symlink_to((CONTRACTS / "node_modules").resolve())
        # forge's cache names the tests by where they lie; what it does not know it compiles again
        cache = self._contracts / "cache" / "solidity-files-cache.json"
        cache.write_text(cache.read_text().replace(f'"{ROOT}/', f'"{root.resolve()}/'))
        _require(self._forge("build"))

    def require_faultless(self, tests: set[str]) -> None:
        """Raises FaultlessFails unless these tests pass with the same compiler and no mutant."""
        _require(self._test(self._faultless, _only(tests)))

    def judge(self, mutant: Mutant) -> Verdict:
        """Build with the fault, run the tests that ought to see it, then all."""
        sources = {**self._sources, mutant.file: mutant.applied(self._sources[mutant.file])}
        concerned = [name for name in _DEPLOYED if mutant.file in _needed(name, self._sources)]
        try:
            code = {**self._faultless, **_bytecodes(sources, concerned)}
        except CompileError as error:
            return Verdict(mutant, "", str(error))
        every = ["--no-match-path", f"**/{_NOT_A_PROOF}.t.sol"]
        for which in (_only(set(mutant.tests)), every):
            answer = self._test(code, which)
            if answer.returncode == 0:
                continue
            failed = [line for line in answer.stdout.splitlines() if line.startswith("[FAIL")]
            if not failed:
                return Verdict(mutant, "", (answer.stderr or answer.stdout)[-2_000:])
            return Verdict(mutant, failed[0])
        return Verdict(mutant, "")

    def _test(self, code: Mapping[str, str], which: list[str]) -> subprocess.CompletedProcess[str]:
        for name, bytecode in code.items():
            artifact = self._contracts / "artifacts" / f"{name}.json"
            artifact.write_text(json.dumps({"bytecode": bytecode}))
        answer = self._forge("test", "--fail-fast", *which)
        if "Compiling" in answer.stdout:
            raise FaultlessFails("forge compiled again, and tested what it made")
        return answer

    def _forge(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return forge(*arguments, contracts=self._contracts, settings=_FORGE)


def _require(answer: subprocess.CompletedProcess[str]) -> None:
    if answer.returncode:
        raise FaultlessFails((answer.stdout + answer.stderr)[-4_000:])


def _only(tests: set[str]) -> list[str]:
    return [
        "--match-path",
        "{" + ",".join(f"**/{test}.t.sol" for test in (*sorted(tests), "-")) + "}",
    ]


def _bytecodes(sources: Mapping[str, str], names: list[str]) -> dict[str, str]:
    """What is deployed for contracts, as hexadecimal text by name."""
    made = compile_sources(sources, [f"{name}.sol" for name in names], _COMPILER)
    return {name: "0x" + made[name]["evm"]["bytecode"]["object"] for name in names}


def _needed(name: str, sources: Mapping[str, str]) -> set[str]:
    """Our sources that a contract is made of."""
    found: set[str] = set()
    waiting = [f"{name}.sol"]
    while waiting:
        importer = waiting.pop()
        if importer not in found and importer in sources:
            found.add(importer)
            waiting += imports(importer, sources[importer])
    return found


def main() -> int:
    """Try the mutants that the arguments name, all without; print a line each."""
    words = sys.argv[1:]
    chosen = [
        mutant
        for mutant in mutants()
        if not words or any(word in f"{mutant.name} {mutant.file}" for word in words)
    ]
    alive = 0
    for verdict in run(chosen):
        alive += not verdict.killer
        told = verdict.killer or verdict.fault or "SURVIVED"
        print(f"{verdict.mutant.name} ({verdict.mutant.file}): {told}", flush=True)
    print(f"{len(chosen) - alive} of {len(chosen)} mutants killed")
    return 1 if alive else 0


if __name__ == "__main__":
    raise SystemExit(main())
