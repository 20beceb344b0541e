"""What every page and every read of the REST interface costs with a long history beside a short
one, served as in production."""

import time
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.history import SHORT, History
from tests.integration.faces import face
from tests.integration.test_query_plans import REQUESTS

_RUNS = 20
_PATHS = [
    path.replace("wuxi", "huarui")
    for path in (
        *REQUESTS,
        "/legs",
        "/days",
        "/feeds",
        "/consortium",
        "/wall",
        "/breaks/1",
        "/legs/1",
    )
]


def pages(folder: Path, pairs: int) -> dict[str, Any]:
    """By path: CPU ms (server and client, the median) and wall ms (the 95th percentile), each at
    10,000 pairs and at so many."""
    found: dict[str, dict[str, list[float]]] = {}
    for count in (SHORT, pairs):
        history = History(f"sqlite:///{folder / f'{count}.sqlite'}", count)
        with (
            face(history.engine, development=True) as node,
            node.client(None) as anybody,
            node.client("read") as reader,
        ):
            for path in _PATHS:
                client = reader if path.startswith("/v1") else anybody
                client.get(path)
                cpu, wall = [], []
                for _ in range(_RUNS):
                    at, used = time.perf_counter(), time.process_time()
                    client.get(path)
                    cpu.append((time.process_time() - used) * 1000)
                    wall.append((time.perf_counter() - at) * 1000)
                of = found.setdefault(path, {"cpu_ms": [], "p95_ms": []})
                of["cpu_ms"].append(round(median(cpu), 1))
                of["p95_ms"].append(round(sorted(wall)[_RUNS * 95 // 100 - 1], 1))
        history.engine.dispose()
    return {"beside": SHORT, "pairs": pairs, "paths": found}
