"""`tally demo`: the sample is reconciled by five processes, and nothing outlives it."""

import re
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.e2e.running import TALLY

LIMIT_S = 280


def demo(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(TALLY), "demo", "--once", "--dir", str(folder)],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def running_from(folder: Path) -> list[str]:
    """Command lines of processes that work in the demonstration's folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(folder) in line:
            found.append(line)
    return found


@pytest.mark.timeout(2 * LIMIT_S)
def test_the_demo_reconciles_its_sample_and_goes_on_with_what_it_had(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    first = demo(folder)
    assert first.returncode == 0, first.stdout + first.stderr
    counts = re.search(r"matched +([\d,]+) +([\d,]+) +([\d,]+)", first.stdout)
    assert counts is not None, first.stdout
    assert all(int(count.replace(",", "")) > 2_000 for count in counts.groups())
    assert len(re.findall(r" CNY +0\.00 ", first.stdout)) == 3, "the proof of each partner is 0"
    assert len(re.findall(r"http://127\.0\.0\.1:\d+", first.stdout)) == 5
    assert running_from(folder) == []

    again = demo(folder)
    assert again.returncode == 0, again.stdout + again.stderr
    assert counts.group(0) in again.stdout, "it goes on with what it had"
    assert running_from(folder) == []
