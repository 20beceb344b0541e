"""`make bench`: matched pairs a second, end to end, against two baselines of the same run.

(a) raw: the very transactions of the end-to-end run, sent straight to a fresh chain founded with
    the same keys, by a client that does nothing else.
(b) plain: a web3.py loop that signs locally, sends one transaction per leg and waits for each
    receipt, on an automining anvil; a pair is two legs.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from statistics import median

from rich.table import Table

from app.cli.console import stderr, stdout
from tests.bench.measure import EndToEnd, end_to_end, plain_loop, raw_engine

_OUT = Path(".bench/latest.json")


def main() -> None:
    """Measure, print a table, and write the same figures to .bench/latest.json."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
        runs: list[tuple[EndToEnd, float]] = []
        for number in range(options.runs):
            stderr.print(f"run {number + 1} of {options.runs}: end to end, then raw", style="dim")
            place = Path(folder) / str(number)
            whole = end_to_end(place, options.pairs)
            runs.append((whole, raw_engine(place, whole)))
        stderr.print("plain web3.py loop", style="dim")
        plain = plain_loop(Path(folder) / "plain", options.plain_legs)
    pairs = median(whole.pairs_per_second for whole, _ in runs)
    raw = median(raw for _, raw in runs)
    figures = {
        "pairs": options.pairs,
        "runs": options.runs,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "pairs_per_second": round(pairs),
        "raw_pairs_per_second": round(raw),
        "plain_pairs_per_second": round(plain, 1),
        "of_raw": round(median(whole.pairs_per_second / raw for whole, raw in runs), 3),
        "times_plain": round(pairs / plain, 1),
        "gas_per_pair": runs[0][0].gas_per_pair,
    }
    _OUT.parent.mkdir(exist_ok=True)
    _OUT.write_text(json.dumps(figures, indent=2) + "\n")
    _print(figures)


def _print(figures: dict[str, object]) -> None:
    table = Table(box=None, header_style="dim")
    table.add_column("matched pairs a second, anvil")
    table.add_column("", justify="right")
    table.add_column("end to end is", justify="right")
    table.add_row("end to end, both banks, indexed on both", f"{figures['pairs_per_second']:,}", "")
    table.add_row(
        "(a) the same batches straight to the engine",
        f"{figures['raw_pairs_per_second']:,}",
        f"{figures['of_raw']:.1%} of it",
    )
    table.add_row(
        "(b) plain web3.py loop, one leg at a time",
        f"{figures['plain_pairs_per_second']:,}",
        f"{figures['times_plain']:,.0f} times it",
    )
    table.add_row("gas a matched pair, sealed details included", f"{figures['gas_per_pair']:,}", "")
    stdout.print(table)
    stdout.print(f"written to {_OUT}", style="dim")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--pairs", type=int, default=60_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--plain-legs", type=int, default=200)
    return parser.parse_args(sys.argv[1:])


if __name__ == "__main__":
    main()
