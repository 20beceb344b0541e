"""`make contracts-report`: what the contracts weigh, cost and leave untested.

Prints tables and writes `.bench/contracts.json`. Ends with 1 when a mutant survives.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.table import Table

from app.cli.shared.console import stderr, stdout
from app.domain.consortium import CONTRACTS
from deploy.compile import compile_contracts, load_artifact
from deploy.forge import forge
from tests.contracts import gas
from tests.contracts.mutants import run as mutants

_OUT = Path(".bench/contracts.json")
_MOST_BYTES = 24_576
# Few runs suffice to reach what can be reached, and each is slow where every line is counted.
_FEW_RUNS = {
    "FOUNDRY_FUZZ_SEED": "0x7a11",
    "FOUNDRY_FUZZ_RUNS": "16",
    "FOUNDRY_INVARIANT_RUNS": "4",
    "FOUNDRY_INVARIANT_DEPTH": "64",
}


def main() -> int:
    """Measure, print, write."""
    compile_contracts()
    figures: dict[str, object] = {"sizes": _sizes()}
    stderr.print("gas: batches on anvil", style="dim")
    costs = {name: gas.measure(load) for name, load in gas.LOADS.items()}
    _print_gas(costs)
    figures |= {name: costs[name].pair for name in ("gas_per_pair", "gas_per_pair_10_partners")}
    stderr.print("coverage: forge, without the optimizer", style="dim")
    figures |= _coverage()
    stderr.print("mutants: each is built and tested", style="dim")
    verdicts = list(mutants.run(mutants.mutants()))
    alive = _print_mutants(verdicts)
    figures |= {"mutants": len(verdicts), "mutants_killed": len(verdicts) - alive}
    _OUT.parent.mkdir(exist_ok=True)
    _OUT.write_text(json.dumps(figures, indent=2) + "\n")
    stdout.print(f"written to {_OUT}", style="dim")
    return 1 if alive else 0


def _sizes() -> dict[str, int]:
    sizes = {
        name: len(load_artifact(name)["deployedBytecode"]) // 2 - 1
        for name in (*CONTRACTS, "Founding")
    }
    table = _table("contract", "bytes", "of 24,576")
    for name, size in sizes.items():
        table.add_row(name, f"{size:,}", f"{size / _MOST_BYTES:.0%}")
    stdout.print(table)
    return sizes


def _print_gas(costs: dict[str, gas.Cost]) -> None:
    table = _table("gas a matched pair, both halves", "all", "new slot", "update", "bytes", "rest")
    for name, cost in costs.items():
        table.add_row(
            name.removeprefix("gas_per_pair").replace("_", " ").strip() or "one partner, one day",
            f"{cost.pair:,}",
            f"{gas.NEW_SLOT:,}",
            f"{gas.UPDATE:,}",
            f"{cost.calldata:,}",
            f"{cost.pair - cost.floor():,}",
        )
    stdout.print(table)


def _coverage() -> dict[str, float]:
    """Lines and branches of `contracts/`, percent; our own files, without the packages'."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "lcov.info"
        arguments = ["--ir-minimum", "--report", "lcov", "--report-file", str(report)]
        arguments += ["--no-match-path", "**/PostGas.t.sol"]
        answer = forge("coverage", *arguments, settings=_FEW_RUNS | {"FOUNDRY_PROFILE": "sources"})
        if answer.returncode:
            raise SystemExit(f"forge coverage failed:\n{answer.stdout[-3_000:]}{answer.stderr}")
        found = coverage(report.read_text())
    table = _table("coverage, percent", "lines", "branches")
    for name, counts in sorted(found.items()):
        table.add_row(name, _percent(counts, "L"), _percent(counts, "BR"))
    total = sum(found.values(), Counter[str]())
    table.add_row("all", _percent(total, "L"), _percent(total, "BR"))
    stdout.print(table)
    return {
        "line_coverage": round(100 * total["LH"] / total["LF"], 2),
        "branch_coverage": round(100 * total["BRH"] / total["BRF"], 2),
    }


def coverage(lcov: str) -> dict[str, Counter[str]]:
    """The counts of our own contracts by file: LF and LH lines found and hit, BRF and BRH branches.

    Each line and each branch counts once, hit if it was hit anywhere: what tests compile for
    themselves too stands in the report twice.
    """
    hits: dict[str, dict[tuple[str, str], int]] = {}
    name = ""
    for line in lcov.splitlines():
        field, _, value = line.partition(":")
        if field == "SF":
            name = value
        if field in ("DA", "BRDA") and not name.startswith(("node_modules", "..", "/")):
            place, _, count = value.rpartition(",") if field == "BRDA" else value.partition(",")
            known = hits.setdefault(name, {})
            times = 0 if count == "-" else int(count)
            known[field, place] = max(known.get((field, place), 0), times)
    found: dict[str, Counter[str]] = {}
    for name, places in hits.items():
        counts = found.setdefault(name, Counter())
        for (field, _), times in places.items():
            what = "L" if field == "DA" else "BR"
            counts[f"{what}F"] += 1
            counts[f"{what}H"] += times > 0
    return found


def _percent(counts: Counter[str], of: str) -> str:
    return f"{100 * counts[of + 'H'] / counts[of + 'F']:.1f}" if counts[of + "F"] else ""


def _print_mutants(verdicts: list[mutants.Verdict]) -> int:
    alive = [verdict for verdict in verdicts if not verdict.killer]
    table = _table("mutant", "file", "killed by")
    for verdict in verdicts:
        killer = verdict.killer.rpartition("] ")[2].partition("(")[0]
        told = killer or ("cannot be tried" if verdict.fault else "NOBODY")
        table.add_row(verdict.mutant.name, verdict.mutant.file, told)
    stdout.print(table)
    stdout.print(f"{len(verdicts) - len(alive)} of {len(verdicts)} mutants killed")
    return len(alive)


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="dim")
    for place, column in enumerate(columns):
        is_number = place > 0 and columns[0] != "mutant"
        table.add_column(column, justify="right" if is_number else "left")
    return table


if __name__ == "__main__":
    sys.exit(main())
