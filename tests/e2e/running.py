"""Runs the real `tally reconcile` and holds what it says to what was expected."""

from __future__ import annotations

import contextvars
import csv
import gc
import io
import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from app.cli.shared import console
from tests.reference import oracle

ROOT = Path(__file__).resolve().parents[2]
TALLY = ROOT / ".venv" / "bin" / "tally"

LINE_HEADER = [
    "partner", "kind", "event_ref", "type", "lead_amount", "partner_amount", "difference",
    "lead_value_date", "partner_value_date", "first_posted_at",
]  # fmt: skip
QUARANTINE_HEADER = ["file", "row", "field", "value", "reason"]


@dataclass
class Outcome:
    code: int
    stdout: str
    stderr: str
    out: Path

    def report(self) -> dict[str, Any]:
        """The one object on standard output; anything else there fails."""
        found = json.loads(self.stdout)
        assert isinstance(found, dict)
        return found

    def lines(self, name: str, header: list[str]) -> list[list[str]]:
        with (self.out / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert rows[0] == header
        assert all(len(row) == len(header) for row in rows)
        return rows[1:]

    def without_times(self) -> tuple[list[list[str]], list[list[str]], bytes]:
        """The files' contents in their order, less `first_posted_at`."""
        matched, breaks = (
            [row[:-1] for row in self.lines(name, LINE_HEADER)]
            for name in ("matched.csv", "breaks.csv")
        )
        return matched, breaks, (self.out / "quarantine.csv").read_bytes()


def tally(
    arguments: Iterable[str | Path],
    out: Path,
    *,
    timeout: float = 120,
    preexec: Callable[[], None] | None = None,
) -> Outcome:
    done = subprocess.run(
        [TALLY, *map(str, arguments)],
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
        timeout=timeout,
        preexec_fn=preexec,
        check=False,
    )
    return Outcome(
        done.returncode,
        done.stdout.decode("utf-8"),
        done.stderr.decode("utf-8", errors="replace"),
        out,
    )


def tally_in_process(arguments: Iterable[str | Path], out: Path = Path()) -> Outcome:
    """`tally` without an interpreter of its own, which takes as long to load as a small feed."""
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    umask, threshold = os.umask(0o077), gc.get_threshold()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["tally", *map(str, arguments)])
            patch.setenv("COLUMNS", "200")
            patch.setenv("NO_COLOR", "1")
            patch.setattr(console.stderr, "width", 200)
            with (
                redirect_stdout(stdout),
                redirect_stderr(stderr),
                pytest.raises(SystemExit) as ended,
            ):
                contextvars.copy_context().run(main)
    finally:
        os.umask(umask)
        gc.set_threshold(*threshold)
    for stream in (stdout, stderr):
        stream.seek(0)
    assert isinstance(ended.value.code, int)
    return Outcome(ended.value.code, stdout.read(), stderr.read(), out)


def reconcile(
    facility: Path,
    lead: Path,
    partners: Mapping[str, Path],
    out: Path,
    *,
    extra: tuple[str, ...] = ("--json",),
    timeout: float = 120,
    preexec: Callable[[], None] | None = None,
) -> Outcome:
    arguments = [*reconcile_arguments(facility, lead, partners, out), *extra]
    return tally(arguments, out, timeout=timeout, preexec=preexec)


def reconcile_in_process(
    facility: Path,
    lead: Path,
    partners: Mapping[str, Path],
    out: Path,
    *,
    extra: tuple[str, ...] = ("--json",),
) -> Outcome:
    """The same where a process of its own is not what is tried."""
    return tally_in_process([*reconcile_arguments(facility, lead, partners, out), *extra], out)


def reconcile_arguments(
    facility: Path, lead: Path, partners: Mapping[str, Path], out: Path
) -> list[str | Path]:
    feeds = [text for name, feed in partners.items() for text in ("--partner", f"{name}={feed}")]
    return ["reconcile", "--lead", lead, "--facility", facility, *feeds, "--out", out]


def guarded(text: str) -> str:
    """A text of a feed as it stands in a file that spreadsheets read."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def difference(found: Iterable[Any], expected: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    """What is missing and what is too much, ten of each, so that a failure can be read."""
    left, right = Counter(expected), Counter(found)
    return list((left - right).elements())[:10], list((right - left).elements())[:10]


def assert_says(outcome: Outcome, expected: oracle.Expected) -> None:
    """Sums, books, files and the exit code are what the oracle computed."""
    assert outcome.code in (0, 1), outcome.stderr[-3000:]
    assert "Traceback" not in outcome.stderr
    report = outcome.report()

    quarantine = [
        (Path(file).name, int(row), field)
        for file, row, field, _, reason in outcome.lines("quarantine.csv", QUARANTINE_HEADER)
        if reason
    ]
    assert difference(quarantine, expected.quarantine) == ([], []), "quarantine: missing, invented"
    for name, lines in (("breaks.csv", expected.breaks), ("matched.csv", expected.matched)):
        rows = outcome.lines(name, LINE_HEADER)
        found = [tuple(row[:-1]) for row in rows]
        wanted = [(partner, kind, guarded(ref), *rest) for partner, kind, ref, *rest in lines]
        assert difference(found, wanted) == ([], []), f"{name}: missing, invented"
        for row in rows:
            assert datetime.fromisoformat(row[-1]).tzinfo is not None

    assert report["rows"] == expected.rows
    for partner, pairs in expected.pairs.items():
        assert report["pairs"][partner] == pairs
    assert set(report["pairs"]) == set(expected.pairs)
    assert report["reserves"] == expected.reserves
    assert outcome.code == expected.exit_code


def assert_clean_failure(outcome: Outcome, code: int) -> None:
    """It ended with `code`, told why on standard error alone, and left no results behind."""
    assert outcome.code == code, outcome.stderr[-3000:]
    assert outcome.stdout == ""
    assert outcome.stderr.strip()
    assert "Traceback" not in outcome.stderr
    for name in ("matched.csv", "breaks.csv", "quarantine.csv"):
        assert not (outcome.out / name).is_file()


def today() -> object:
    return datetime.now(UTC).date()
