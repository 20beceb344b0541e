"""The sections of `make bench`: each measures one thing in one run and tells its figures."""

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from app.cli.shared.console import stderr
from app.config import load_config
from app.domain.facility import Facility
from app.indexer.rebuild import digest
from app.indexer.writer_process import writer_process
from app.keys.keystore import load_account
from app.node.bank import open_bank
from app.processes import free_port
from tests.bench.databases import short_and_long
from tests.bench.environments import Anvil, Besu, Edge, Environment
from tests.bench.feeds import LEAD, PARTNER, write_feeds
from tests.bench.history import SHORT, History, written_beside_pandas
from tests.bench.measure import EndToEnd, end_to_end, plain_loop, raw_engine, raw_latency
from tests.killing import configure, killing
from tests.load import Watch, percentile, steady
from tests.postgres import Cluster, PostgresMissing

Figures = dict[str, Any]

_LATENCY_S = 60
_JVM_WARM_S = 120
"""A Besu compiles what it runs during its first minutes."""
_SETTLED_S = 120.0


def anvil(folder: Path, pairs: int, runs: int) -> Figures:
    """End to end against the raw engine, in turn, with blocks of 1 s."""
    facility, feeds = write_feeds(folder, pairs)
    return _alternating(
        Anvil(folder / "network", facility, block_time_s=1), facility, feeds, pairs, runs
    )


def instant(folder: Path, pairs: int, runs: int, plain_legs: int) -> Figures:
    """The same with a block for every transaction, and against the plain loop."""
    facility, feeds = write_feeds(folder, pairs)
    environment = Anvil(folder / "network", facility)
    figures = _alternating(environment, facility, feeds, pairs, runs)
    stderr.print("plain web3.py loop", style="dim")
    with environment.fresh() as (consortium, _):
        plain = plain_loop(consortium, plain_legs)
    return {
        **figures,
        "plain_pairs_per_second": round(plain, 1),
        "times_plain": round(figures["pairs_per_second"] / plain, 1),
    }


def edge(folder: Path, pairs: int, runs: int) -> Figures:
    """On Polygon Edge; raises EngineMissing."""
    facility, feeds = write_feeds(folder, pairs)
    return _four_validators(
        Edge(folder / "network", facility), folder, facility, feeds, pairs, runs, warm_s=0
    )


def besu(folder: Path, pairs: int, runs: int) -> Figures:
    """On Besu as it is rendered, the `besu` on the PATH."""
    facility, feeds = write_feeds(folder, pairs)
    return _four_validators(
        Besu(folder, facility), folder, facility, feeds, pairs, runs, warm_s=_JVM_WARM_S
    )


def _four_validators(
    environment: Environment,
    folder: Path,
    facility: Facility,
    feeds: dict[str, Path],
    pairs: int,
    runs: int,
    *,
    warm_s: int,
) -> Figures:
    """End to end against the raw engine, in turn; then how long events of a tenth of that load take
    until both banks' nodes show them, but for those of the first `warm_s`; then, on that network,
    how long a transaction takes straight to the engine."""
    figures = _alternating(environment, facility, feeds, pairs, runs)
    events_per_s = max(2, round(figures["pairs_per_second"] * 2 / 10))
    stderr.print(f"{warm_s} and {_LATENCY_S} s of {events_per_s} events a second", style="dim")
    with environment.fresh() as (consortium, rpcs):
        with ExitStack() as stack:
            for bank in (LEAD, PARTNER):
                configure(consortium.folder, bank, port=free_port())
            both = stack.enter_context(
                killing(
                    consortium.folder, LEAD, PARTNER, facility.id,
                    rpc_url=rpcs[0].url, scratch=folder, fed=steady(events_per_s), hurried=False,
                )
            )  # fmt: skip
            watch = stack.enter_context(Watch(both.nodes))
            both.feed()
            time.sleep(warm_s)
            warmed_at = time.time()
            time.sleep(_LATENCY_S)
            both.assert_exactly_once(_SETTLED_S)
            latency = watch.latency(both, since=warmed_at)
        stderr.print(f"{_LATENCY_S} s of transactions straight to the engine", style="dim")
        keys = consortium.folder.keys(LEAD)
        account = load_account(keys, "approver", development=True)  # Besu takes only members'
        raw = raw_latency(rpcs, consortium.manifest().chain_id, account, _LATENCY_S)
    return {
        **figures,
        **{f"raw_latency_p{part}_s": round(percentile(raw, part), 2) for part in (50, 95, 99)},
        "latency_events_per_second": events_per_s,
        "latency_pairs": latency.pairs,
        "latency_p50_s": round(latency.p50_s, 2),
        "latency_p95_s": round(latency.p95_s, 2),
        "latency_p99_s": round(latency.p99_s, 2),
    }


def rebuild(folder: Path, pairs: int, runs: int) -> Figures:
    """Legs a second of `tally rebuild` on each kind of database; the digests must be equal."""
    facility, feeds = write_feeds(folder, pairs)
    figures: Figures = {"legs": 2 * pairs, "runs": runs}
    digests = set()
    with Anvil(folder / "network", facility).fresh() as (consortium, _), ExitStack() as stack:
        end_to_end(consortium, facility, feeds, pairs)
        configs = {"sqlite": consortium.folder.config(LEAD)}
        with _postgres(configs["sqlite"], stack) as other:
            configs |= other
            for kind, config in configs.items():
                stderr.print(f"rebuild on {kind}", style="dim")
                # As the command is: a process that has opened nothing when it makes its writer.
                with ProcessPoolExecutor(1, get_context("forkserver")) as command:
                    took, found = command.submit(_rebuilt, config, runs).result()
                figures[f"{kind}_legs_per_second"] = round(2 * pairs / median(took))
                digests.add(found)
    assert len(digests) == 1, digests
    return figures


def _rebuilt(config: Path, runs: int) -> tuple[list[float], str]:
    """Seconds of each rebuild, and the digest."""
    took = []
    with writer_process() as writer, closing(open_bank(load_config(config))) as bank:
        bank.follower.index()
        for _ in range(runs):
            started = time.perf_counter()
            bank.follower.rebuild(lambda done, total: None, writer)
            took.append(time.perf_counter() - started)
        return took, digest(bank.engine)


def history(folder: Path, pairs: int) -> Figures:
    """What requests, ticks, statements and closings cost with `pairs` pairs, as times of what they
    cost with SHORT, on each kind of database."""
    figures: Figures = {"pairs": pairs, "beside": SHORT}
    with short_and_long(folder) as urls:
        for kind, (short_url, long_url) in urls.items():
            stderr.print(f"a history of {pairs:,} pairs in {kind}", style="dim")
            short, long = History(short_url, SHORT), History(long_url, pairs)
            before, after = short.measure(), long.measure()
            figures[kind] = {
                name: {
                    "cpu_ms": [before[name][0], after[name][0]],
                    "read": [before[name][1], after[name][1]],
                }
                for name in before
            }
            if kind == "sqlite":
                figures |= written_beside_pandas(long, folder)
            for one in (short, long):
                one.engine.dispose()
    return figures


@contextmanager
def _postgres(config: Path, stack: ExitStack) -> Iterator[dict[str, Path]]:
    """The same bank with an empty database on PostgreSQL; nothing where that is not installed."""
    try:
        cluster = stack.enter_context(Cluster())
    except PostgresMissing as missing:
        stderr.print(str(missing))
        yield {}
        return
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench")
    lines = [
        f'database_url = "{cluster.url("bench")}"' if line.startswith("database_url") else line
        for line in config.read_text().splitlines()
    ]
    other = config.with_name("postgres.toml")
    other.write_text("\n".join(lines) + "\n")
    yield {"postgresql": other}


def _alternating(
    environment: Environment, facility: Any, feeds: dict[str, Path], pairs: int, runs: int
) -> Figures:
    """End to end and raw in turn, because what a machine gives changes within minutes."""
    measured: list[tuple[EndToEnd, float]] = []
    for number in range(runs):
        stderr.print(f"run {number + 1} of {runs}: end to end, then raw", style="dim")
        with environment.fresh() as (consortium, _):
            whole = end_to_end(consortium, facility, feeds, pairs)
        with environment.fresh() as (_, rpcs):
            measured.append((whole, raw_engine(rpcs, whole)))
    return {
        "pairs": pairs,
        "runs": runs,
        "pairs_per_second": round(median(whole.pairs_per_second for whole, _ in measured)),
        "raw_pairs_per_second": round(median(raw for _, raw in measured)),
        "of_raw": round(median(whole.pairs_per_second / raw for whole, raw in measured), 3),
        "of_raw_runs": [round(whole.pairs_per_second / raw, 3) for whole, raw in measured],
        "gas_per_pair": measured[0][0].gas_per_pair,
    }
