"""`make bench`: what is measured, a section each, every figure beside what it is compared with.

anvil    matched pairs a second end to end, with blocks of 1 s, against (a) raw: the very
         transactions of the run, sent straight to a fresh chain founded with the same keys, by a
         client that does nothing else
instant  the same on an anvil that makes a block for every transaction, against (a) and (b) plain: a
         web3.py loop that signs locally, sends one transaction per leg and waits for each receipt;
         a pair is two legs
edge     the same on four Polygon Edge validators with blocks of 1 s, against (a); and the time from
         acceptance until both banks' nodes show a pair as matched, at a tenth of that load,
         beside what the engine alone takes for a transaction that does nothing
besu     as edge, on four Besu validators as they are rendered; only where it is named, and there is
         a `besu` on the PATH
rebuild  legs a second of `tally rebuild`, on SQLite and on PostgreSQL
history  what requests, ticks, statements and closings cost and read at a million pairs beside
         10,000, on SQLite and on PostgreSQL; lines a second of matched.csv beside pandas' writer
reports  CPU seconds and memory for a report of a million lines as CSV, Parquet and XLSX, against
         pandas' own `to_csv` and `to_parquet` and XlsxWriter's constant-memory mode
pages    what every page and REST read costs at a million pairs beside 10,000, with as many breaks,
         on SQLite and on PostgreSQL: CPU ms, the 95th percentile of the time; and 50 live streams
proofs   lines of a proof bundle verified a CPU second, against 50,000; bytes a line, against 80
"""

import argparse
import gc
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

from rich.table import Table

from app.cli.shared.console import stderr, stdout
from app.logs import configure_logs
from deploy.network.engine import EngineMissing
from tests.bench import sections
from tests.bench.pages import pages
from tests.bench.proofs import proofs
from tests.bench.reports import reports
from tests.bench.sections import Figures

_OUT = Path(".bench/latest.json")
_SECTIONS = ("anvil", "instant", "edge", "rebuild", "history", "pages", "reports", "proofs")
_NAMED_ONLY = ("besu",)


def main() -> None:
    """Measure, print a table per section, and write the same figures to .bench/latest.json."""
    options = _options()
    configure_logs()
    gc.set_threshold(50_000)  # as `tally` and the nodes have it
    figures: Figures = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 1),
    }
    pairs, runs = options.pairs, options.runs
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
        places = {name: Path(folder) / name for name in options.sections or _SECTIONS}
        for place in places.values():
            place.mkdir()
        if "anvil" in places:
            found = sections.anvil(places["anvil"], pairs, runs)
            figures["anvil"] = found
            _print_speed("anvil, blocks of 1 s", found)
        if "instant" in places:
            found = sections.instant(places["instant"], pairs, runs, options.plain_legs)
            figures["instant"] = found
            _print_speed("anvil, instant blocks", found)
        if "edge" in places:
            try:
                found = sections.edge(places["edge"], pairs, runs)
                figures["edge"] = found
                _print_speed("four Polygon Edge validators", found)
            except EngineMissing as missing:
                stderr.print(f"edge is left out: {missing}")
        if "besu" in places:
            found = sections.besu(places["besu"], pairs, runs)
            figures["besu"] = found
            _print_speed("four Besu validators", found)
        if "rebuild" in places:
            found = sections.rebuild(places["rebuild"], pairs, runs)
            figures["rebuild"] = found
            _print_rebuild(found)
        if "history" in places:
            found = sections.history(places["history"], options.history_pairs)
            figures["history"] = found
            _print_history(found)
        if "pages" in places:
            found = pages(places["pages"], options.history_pairs)
            figures["pages"] = found
            _print_pages(found)
        if "reports" in places:
            found = reports(places["reports"], options.lines)
            figures["reports"] = found
            _print_reports(found)
        if "proofs" in places:
            found = proofs(options.proof_lines, runs)
            figures["proofs"] = found
            _print_proofs(found)
    figures["load_after"] = round(os.getloadavg()[0], 1)
    _OUT.parent.mkdir(exist_ok=True)
    _OUT.write_text(json.dumps(figures, indent=2) + "\n")
    stdout.print(f"written to {_OUT}", style="dim")


def _print_speed(engine: str, figures: Figures) -> None:
    table = Table(box=None, header_style="dim")
    table.add_column(f"matched pairs a second, {engine}")
    table.add_column("", justify="right")
    table.add_column("end to end is", justify="right")
    table.add_row("end to end, both banks, indexed on both", f"{figures['pairs_per_second']:,}", "")
    table.add_row(
        "(a) the same batches straight to the engine",
        f"{figures['raw_pairs_per_second']:,}",
        f"{figures['of_raw']:.1%} of it",
    )
    if "times_plain" in figures:
        table.add_row(
            "(b) plain web3.py loop, one leg at a time",
            f"{figures['plain_pairs_per_second']:,}",
            f"{figures['times_plain']:,.0f} times it",
        )
    table.add_row("gas a matched pair, sealed details included", f"{figures['gas_per_pair']:,}", "")
    if "latency_p99_s" in figures:
        rate = figures["latency_events_per_second"]
        for part in ("p50", "p95", "p99"):
            table.add_row(
                f"accepted to matched at both banks, {part}, {rate} events/s",
                f"{figures[f'latency_{part}_s']:.2f} s",
                "",
            )
            table.add_row(
                f"one transaction straight to the engine until both have its block, {part}",
                f"{figures[f'raw_latency_{part}_s']:.2f} s",
                "",
            )
    stdout.print(table)


def _print_rebuild(figures: Figures) -> None:
    table = Table(box=None, header_style="dim")
    table.add_column(f"legs a second, tally rebuild of {figures['legs']:,} legs")
    table.add_column("", justify="right")
    for kind in ("sqlite", "postgresql"):
        if f"{kind}_legs_per_second" in figures:
            table.add_row(kind, f"{figures[f'{kind}_legs_per_second']:,}")
    stdout.print(table)


def _print_history(figures: Figures) -> None:
    for kind in ("sqlite", "postgresql"):
        if kind not in figures:
            continue
        table = Table(box=None, header_style="dim")
        table.add_column(f"{kind}, {figures['beside']:,} and {figures['pairs']:,} pairs")
        for name in ("CPU ms", "", "times", "read", "", "times"):
            table.add_column(name, justify="right")
        for name, of in figures[kind].items():
            cells = []
            for short, long in (of["cpu_ms"], of["read"]):
                cells += [f"{short:,}", f"{long:,}", f"{long / short:.2f}" if short else ""]
            table.add_row(name, *cells)
        stdout.print(table)
    ours, theirs = figures["csv_lines_per_cpu_s"], figures["pandas_lines_per_cpu_s"]
    stdout.print(f"matched.csv: {ours:,} lines a CPU second, pandas' to_csv {theirs:,}")


def _print_pages(figures: Figures) -> None:
    for kind in ("sqlite", "postgresql"):
        if kind not in figures:
            continue
        table = Table(box=None, header_style="dim")
        table.add_column(f"{kind}, {figures['beside']:,} and {figures['pairs']:,} pairs")
        for name in ("CPU ms", "", "CPU p95 ms", "", "p95 ms", "", "kB", ""):
            table.add_column(name, justify="right")
        for path, of in figures[kind].items():
            names = ("cpu_ms", "cpu_p95_ms", "p95_ms", "kb")
            table.add_row(path, *(f"{value}" for name in names for value in of[name]))
        stdout.print(table)
        stdout.print(f"too slow: {', '.join(figures[f'{kind}_slow']) or 'none'}")
        stdout.print(f"50 streams: {figures[f'{kind}_stream']['of_a_core']:.1%} of a core")


def _print_reports(figures: Figures) -> None:
    table = Table(box=None, header_style="dim")
    table.add_column(f"{figures['lines']:,} lines of a report")
    for name in ("CPU seconds", "of the other", "MB"):
        table.add_column(name, justify="right")
    for name in ("csv", "parquet", "xlsx"):
        ours, theirs = (figures[f"{name}_{one}_seconds"] for one in ("ours", "theirs"))
        memory = figures[f"{name}_ours_megabytes"]
        table.add_row(name, f"{ours}", f"{ours / theirs:.0%}", f"{memory:,}")
    stdout.print(table)


def _print_proofs(figures: Figures) -> None:
    table = Table(box=None, header_style="dim")
    table.add_column(f"a proof bundle of {figures['lines']:,} lines, batches of 500")
    for name in ("lines a CPU second", "bytes a line"):
        table.add_column(name, justify="right")
    for name, words in (("counted", "names that count up"), ("random", "names of random digits")):
        speed, size = figures[f"{name}_lines_per_cpu_s"], figures[f"{name}_bytes_per_line"]
        table.add_row(words, f"{speed:,}", f"{size}")
    stdout.print(table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument(
        "sections", nargs="*", metavar="section", help=", ".join((*_SECTIONS, *_NAMED_ONLY))
    )
    parser.add_argument("--pairs", type=int, default=60_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--history-pairs", type=int, default=1_000_000)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--proof-lines", type=int, default=100_000)
    parser.add_argument("--plain-legs", type=int, default=200)
    options = parser.parse_args(sys.argv[1:])
    if strange := set(options.sections) - {*_SECTIONS, *_NAMED_ONLY}:
        parser.error(f"no such section: {', '.join(sorted(strange))}")
    if "besu" in options.sections and shutil.which("besu") is None:
        parser.error("there is no besu on the PATH")
    return options


if __name__ == "__main__":
    main()
