"""PostgreSQL clusters of test runs: what a killed one left is removed, what one uses is not."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from tests.integration.nodes import ROOT
from tests.postgres import Cluster, remove_left_over

_RUN = """
import sys
from tests.postgres import Cluster
with Cluster() as cluster:
    print(cluster.url("postgres"), flush=True)
    sys.stdin.read()
"""


def test_a_killed_runs_cluster_is_removed_and_one_in_use_is_not(
    postgres_cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert postgres_cluster.port, "there is a PostgreSQL here"
    # Other runs on this machine look elsewhere; PostgreSQL's user must come in.
    with tempfile.TemporaryDirectory(prefix="clusters-") as own:
        Path(own).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", own)
        with subprocess.Popen(
            [sys.executable, "-c", _RUN],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": own},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as run:
            assert run.stdout is not None
            url = run.stdout.readline().strip()
            (folder,) = Path(own).iterdir()
            remove_left_over()
            with psycopg.connect(url):
                pass
            run.kill()
        with psycopg.connect(url):
            pass
        remove_left_over()
        assert not folder.exists()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
