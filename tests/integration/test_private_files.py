"""What the commands write is its owner's: databases, keys, logs, reports."""

import os
import stat
import subprocess
import sys
from pathlib import Path

from app import processes
from tests.e2e.running import ROOT


def tally(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments, "--config", str(folder / "bank.toml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        umask=0o022,
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_databases_and_api_keys(tmp_path: Path) -> None:
    (tmp_path / "bank.toml").write_text(
        'name = "webank"\nkeys = "keys"\ndatabase_url = "sqlite:///node.db"\n'
        'manifest = "network.json"\nrpc = "http://127.0.0.1:1"\ninbox = "inbox"\n'
    )
    create = ("keys", "create", "core-banking", "--role", "feeds", "--out")
    made = tally(tmp_path, *create, str(tmp_path / "feeds.key"))
    assert made.returncode == 0 and made.stdout == ""
    assert (tmp_path / "feeds.key").read_text().startswith("tk_")
    assert mode(tmp_path / "feeds.key") == 0o600
    assert {mode(file) for file in tmp_path.glob("node.db*")} == {0o600}

    again = tally(tmp_path, *create, str(tmp_path / "feeds.key"))
    assert again.returncode == 2 and "File exists" in again.stderr
    assert tally(tmp_path, "keys", "list").stdout.count("core-banking") == 1


def test_logs_of_started_programs(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        process = processes.start([sys.executable, "-c", "print('said')"], tmp_path / "log")
        process.wait(10)
    finally:
        os.umask(before)
    assert processes.tail(tmp_path / "log") == "said"
    assert mode(tmp_path / "log") == 0o600
