"""Do the tests bite? `python -m tests.contracts.mutants.run [WORD ...]`.

Each mutant of `mutants.toml` (those whose name or file holds one of the words) is put into a copy
of the contracts, which is compiled and tested there. Only what depends on the changed file is
compiled again. Ends with 1 when a mutant survives or cannot be built.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from deploy.compile import CONTRACTS
from deploy.forge import forge

ROOT = CONTRACTS.parent
TESTS = ROOT / "tests" / "contracts"
LIST = Path(__file__).with_name("mutants.toml")
_JOBS = int(os.environ.get("MUTANT_JOBS") or min(os.cpu_count() or 1, 4))
# The same fuzzing for every mutant and every run. Gas is no proof: any change changes it.
_SETTINGS = {"FOUNDRY_FUZZ_SEED": "0x7a11"}
_NOT_A_PROOF = "Gas"


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
    """Try mutants, some at a time; verdicts in the order of the list."""
    with tempfile.TemporaryDirectory(prefix="tally-mutants-") as folder:
        copies: SimpleQueue[_Copy] = SimpleQueue()
        for number in range(_JOBS):
            copies.put(_Copy(Path(folder) / str(number)))

        def verdict(mutant: Mutant) -> Verdict:
            copy = copies.get()
            try:
                return copy.judge(mutant)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(_JOBS) as pool:
            yield from pool.map(verdict, chosen)


class _Copy:
    """A copy of the contracts and their tests, with forge's cache of the faultless ones."""

    def __init__(self, root: Path) -> None:
        self._contracts = root / "contracts"
        made = shutil.ignore_patterns("out", "cache", "artifacts", "node_modules", "__pycache__")
        shutil.copytree(CONTRACTS, self._contracts, ignore=made)
        shutil.copytree(TESTS, root / "tests" / "contracts", ignore=made)
        (self._contracts / "node_modules").symlink_to((CONTRACTS / "node_modules").resolve())
        self._built = False

    def judge(self, mutant: Mutant) -> Verdict:
        """Build with the fault, run the tests that ought to see it, then all."""
        if not self._built:
            built = self._forge("build")
            if built.returncode:
                return Verdict(mutant, "", built.stderr or built.stdout)
            self._built = True
        named = "{" + ",".join(f"**/{test}.t.sol" for test in (*mutant.tests, "-")) + "}"
        every = ["--no-match-path", f"**/{_NOT_A_PROOF}.t.sol"]
        with self._fault(mutant):
            for which in (["--match-path", named], every):
                answer = self._forge("test", "--fail-fast", *which)
                if answer.returncode == 0:
                    continue
                failed = [line for line in answer.stdout.splitlines() if line.startswith("[FAIL")]
                if not failed:
                    return Verdict(mutant, "", (answer.stderr or answer.stdout)[-2_000:])
                return Verdict(mutant, failed[0])
        return Verdict(mutant, "")

    @contextmanager
    def _fault(self, mutant: Mutant) -> Iterator[None]:
        """The copy with the fault in it; afterwards as it was, forge's cache and output too."""
        place = self._contracts / mutant.file
        kept = self._contracts.parent / "kept"
        for made in ("out", "cache"):
            shutil.copytree(self._contracts / made, kept / made)
        sound = place.read_text()
        place.write_text(mutant.applied(sound))
        try:
            yield
        finally:
            place.write_text(sound)
            for made in ("out", "cache"):
                shutil.rmtree(self._contracts / made)
                (kept / made).rename(self._contracts / made)
            kept.rmdir()

    def _forge(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return forge(*arguments, contracts=self._contracts, settings=_SETTINGS)


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
