"""Runs `tally` on networks of this test run, and looks at what they leave running."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import psutil

from app import processes
from app.config import load_config
from deploy.consortium import ConsortiumFolder
from deploy.network.health import NetworkHealth, look
from deploy.network.layout import Network
from tests.e2e.running import ROOT, Outcome

CLI_S = 280
HEADER = (
    *("event_id", "facility", "event_ref", "kind", "amount"),
    *("currency", "value_date", "booked_at"),
)


def tally(
    *arguments: str | Path, out: Path = Path(), env: Mapping[str, str] | None = None
) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-m", "app", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **(env or {})},
        timeout=CLI_S,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
    return Outcome(done.returncode, done.stdout, done.stderr, out)


class Consortium(Protocol):
    """One whose chain runs on this machine."""

    @property
    def folder(self) -> ConsortiumFolder: ...


def reconcile(
    network: Consortium, facility: Path, lead: Path, partners: Mapping[str, Path], out: Path
) -> Outcome:
    feeds: list[str | Path] = ["--lead", lead]
    for name, feed in partners.items():
        feeds += ["--partner", f"{name}={feed}"]
    where: list[str | Path] = ["--network", network.folder.root, "--out", out, "--json"]
    return tally("reconcile", "--facility", facility, *feeds, *where, out=out)


@contextmanager
def nodes(folder: ConsortiumFolder, banks: Iterable[str]) -> Iterator[None]:
    """These banks' nodes at work."""
    running = []
    try:
        for bank in banks:
            config = folder.config(bank)
            assert load_config(config).validator, "its node knows its chain node"
            command = [sys.executable, "-m", "app", "node", "--config", str(config)]
            running.append(processes.start(command, config.with_name("node.log")))
        yield
    finally:
        processes.stop(running, within_s=30)


def status(network: Network) -> dict[str, Any]:
    outcome = tally("network", "status", "--dir", network.folder.root, "--json")
    assert outcome.code == 0, outcome.stderr
    return outcome.report()


def validator_processes(root: Path) -> list[int]:
    """Every process that names a file of this folder, found without the code under test."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(part.startswith(f"{root}/") for part in process.info["cmdline"] or [])
        and "polygon-edge" in process.info["cmdline"][0]
    ]


def await_health(
    network: Network, wanted: Callable[[NetworkHealth], bool], within_s: float
) -> NetworkHealth:
    """Wait until the validators look as `wanted`."""
    deadline = time.monotonic() + within_s
    while not wanted(health := look(network)):
        assert time.monotonic() < deadline, health
        time.sleep(0.2)
    return health


def write_feed(path: Path, facility: str, rows: Iterable[tuple[str, str, str]]) -> Path:
    """A canonical feed of rows (kind, reference, amount), all of one day."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for kind, ref, amount in rows:
            writer.writerow(
                [f"E-{facility}-{kind}-{ref}", facility, ref, kind, amount, "CZK", "2024-01-05",
                 "2024-01-05T10:00:00Z"]
            )  # fmt: skip
    return path


def manifest(network: Network) -> dict[str, Any]:
    found = json.loads(network.folder.manifest.read_text())
    assert isinstance(found, dict)
    return found
