"""What every page and every read of the REST interface costs with a long history beside a short
one, served as in production, and what the live stream costs while many look on."""

import re
import time
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil
from sqlalchemy import Engine, text

from app.cli.shared.console import stderr
from tests.bench.databases import short_and_long
from tests.bench.history import SHORT, History
from tests.bench.viewers import viewers
from tests.e2e.test_every_page import PAGES
from tests.integration.faces import Face, face
from tests.integration.test_query_plans import REQUESTS

BREAKS = 10_000
MOST_MS = 100
MOST_TIMES = 1.5
_RUNS = 20
_P95 = _RUNS * 95 // 100 - 1
_NOISE_MS = 3
"""What two runs of the same may differ by, so that times of a small figure say nothing."""
_PARAMETERS = {
    "facility": "WLD-2016-A",
    "partner": "huarui",
    "number": "1",
    "reason_hash": "0x" + "00" * 32,
    "id": "0" * 16,
}


def pages(folder: Path, pairs: int) -> dict[str, Any]:
    """By database and path: ms of CPU of the node, its client and the database (median), ms of the
    node's and the client's CPU and of time (95th percentile), each at 10,000 pairs and at so many,
    with 10,000 breaks besides; and what the live stream takes."""
    found: dict[str, Any] = {"beside": SHORT, "pairs": pairs, "breaks": BREAKS}
    with short_and_long(folder) as urls:
        for kind, (short_url, long_url) in urls.items():
            stderr.print(f"pages at {pairs:,} pairs in {kind}", style="dim")
            short = History(short_url, SHORT + BREAKS, BREAKS)
            long = History(long_url, pairs, BREAKS)
            before, after = measure(short.engine), measure(long.engine)
            found[kind] = {
                path: {name: [before[path][name], after[path][name]] for name in after[path]}
                for path in after
            }
            found[f"{kind}_slow"] = slow(found[kind])
            found[f"{kind}_stream"] = viewers(long)
            for one in (short, long):
                one.engine.dispose()
    return found


def slow(measured: dict[str, dict[str, list[float]]]) -> list[str]:
    """The paths that take more than 100 ms of the node's CPU, or more than 1.5 times what they take
    with a short history."""
    return [
        path
        for path, of in measured.items()
        if of["cpu_p95_ms"][1] > MOST_MS
        or of["cpu_ms"][1] > MOST_TIMES * of["cpu_ms"][0] + _NOISE_MS
    ]


def measure(engine: Engine) -> dict[str, dict[str, float]]:
    """What each page and read costs over this database, by path."""
    found = {}
    with (
        face(engine) as node,
        node.signed_in("officer") as officer,
        node.signed_in("administrator") as administrator,
        node.client("admin") as program,
    ):
        for path in paths(node):
            readers = (program, officer, administrator)
            client = next((one for one in readers if _reads(one, path)), program)
            answer = client.get(path)
            assert answer.status_code in (200, 404, 503), f"{path}: {answer.status_code}"
            cpu, wall = [], []
            before = _database_seconds(engine)
            for _ in range(_RUNS):
                at, used = time.perf_counter(), time.process_time()
                client.get(path)
                cpu.append((time.process_time() - used) * 1000)
                wall.append((time.perf_counter() - at) * 1000)
            database = (_database_seconds(engine) - before) * 1000 / _RUNS
            found[path] = {
                "cpu_ms": round(median(cpu) + database, 1),
                "cpu_p95_ms": round(sorted(cpu)[_P95] + database, 1),
                "p95_ms": round(sorted(wall)[_P95], 1),
                "kb": round(len(answer.content) / 1000),
            }
    return found


def _reads(client: httpx.Client, path: str) -> bool:
    return client.get(path).status_code not in (303, 401, 403)


def paths(node: Face) -> list[str]:
    """Every page, every read that the interface describes, and the harder filters."""
    described = node.client(None).get("/openapi.json").json()["paths"]
    reads = [
        path
        for path, methods in described.items()
        if "get" in methods
        and "text/event-stream" not in str(methods["get"]["responses"])  # it never ends
        and not any(
            one["required"] and one["in"] == "query" for one in methods["get"].get("parameters", ())
        )
    ]
    wanted = [
        *(path for of in PAGES.values() for path in of),
        *(path.replace("wuxi", "huarui") for path in REQUESTS),
        *(re.sub(r"\{(\w+)\}", lambda one: _PARAMETERS.get(one[1], "1"), path) for path in reads),
    ]
    return list(dict.fromkeys(wanted))


def _database_seconds(engine: Engine) -> float:
    """CPU seconds of the database's own processes for this engine: none of SQLite."""
    if engine.dialect.name == "sqlite":
        return 0.0
    with engine.connect() as connection:
        pids = connection.execute(
            text("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        ).scalars()
        times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(one.user + one.system for one in times)
