"""What Prometheus reads of a node. Names end in their units; labels are few and bounded.

What the database knows (rows, batches, accounts) is read from it at each scrape, so that it is true
after a restart and counts what the commands did. What only this process knows (calls, job runs,
times to match) counts from its start, as Prometheus expects.
"""

from collections.abc import Iterable, Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.domain.errors import StorageFault
from app.http.context import Context
from app.http.health import health_of
from app.intake.tables import feeds
from app.outbox.lifecycle import FINAL, OPEN, STOPPED
from app.outbox.pending import batches_by_state
from app.presentation.health import HealthOut
from app.readmodel.accounts.balances import balances
from app.readmodel.pairs.shapes import BREAK_TYPES


class Families(Collector):
    """Metrics that were collected, on their way to Prometheus."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def process_families() -> Iterable[Metric]:
    """Memory, processor time and open files of this process."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry.collect()


def channel_families(context: Context) -> Iterator[Metric]:
    """All metrics of a channel, read now, without those of the process."""
    yield from context.match_times.collect()
    build = GaugeMetricFamily(
        "tally_build_info", "Which version runs, for whom.", labels=["version", "bank", "role"]
    )
    build.add_metric([version("tallystick"), context.bank, context.role], 1)
    yield build
    yield from _health(health_of(context))
    yield from _activity(context)
    try:
        with context.engine.connect() as connection:
            yield from _stored(connection)
    except (StorageFault, PoolTimeout):
        pass  # tally_problem{name="database"} says so


def _health(health: HealthOut) -> Iterator[Metric]:
    yield _gauge(
        "tally_ready", "1 while the node can do its work, as /ready says.", not health.problems
    )
    for name, help_, found in (
        ("tally_problem", "1 for each thing that keeps the node from its work.", health.problems),
        ("tally_warning", "1 for each thing that a person should look at.", health.warnings),
    ):
        family = GaugeMetricFamily(name, help_, labels=["name"])
        for trouble in sorted({one.name for one in found}):
            family.add_metric([trouble], 1)
        yield family
    chain = health.chain
    for name, help_, value in (
        ("tally_chain_head_block", "Newest final block at the chain endpoint.", chain.head),
        ("tally_readmodel_block", "Last block that the read model holds.", chain.block),
        ("tally_readmodel_lag_blocks", "Blocks between the two.", chain.lag_blocks),
        ("tally_readmodel_lag_seconds", "Age of the last block read; 0 at the head.",
         chain.lag_seconds),
        ("tally_disk_free_bytes", "Room on the disk of the database (else of the inbox).",
         health.database.free_disk_bytes),
    ):  # fmt: skip
        if value is not None:
            yield _gauge(name, help_, value)
    yield _gauge("tally_lease_held", "1 while this process posts.", health.lease == "held")
    outbox = health.outbox
    if outbox is not None:
        yield _gauge(
            "tally_outbox_waiting_events", "Accepted, in no batch yet.", outbox.waiting_events
        )
        yield _gauge(
            "tally_outbox_oldest_age_seconds",
            "Age of the oldest accepted event that is not final on the chain.",
            outbox.oldest_seconds,
        )
        yield _gauge(
            "tally_dead_letter_events", "Could not be posted; wait for a person.",
            outbox.dead_letters,
        )  # fmt: skip


def _activity(context: Context) -> Iterator[Metric]:
    activity = context.activity()
    endpoints = dict.fromkeys(one.endpoint for one in activity.endpoints)
    for name, what, help_ in (
        ("tally_rpc_requests", "requests", "HTTP requests to the chain endpoint."),
        ("tally_rpc_failures", "failures", "Of these, how many got no usable answer."),
        ("tally_rpc_errors", "errors", "Answers that were JSON-RPC errors."),
        ("tally_rpc_seconds", "seconds", "Time spent waiting for it."),
    ):
        family = CounterMetricFamily(name, help_, labels=["endpoint"])
        for endpoint in endpoints:
            counts = [getattr(one, what) for one in activity.endpoints if one.endpoint == endpoint]
            family.add_metric([endpoint], sum(counts))
        yield family
    for name, what, help_ in (
        ("tally_job_runs", "runs", "Runs of a recurring job."),
        ("tally_job_failures", "failures", "Runs that failed, and are tried again."),
        ("tally_job_seconds", "seconds", "Time spent in a job."),
    ):
        family = CounterMetricFamily(name, help_, labels=["job"])
        for job in activity.jobs:
            family.add_metric([job.name], getattr(job, what))
        yield family


def _stored(connection: Connection) -> Iterator[Metric]:
    rows = CounterMetricFamily(
        "tally_rows", "Rows received, by what became of them.", labels=["facility", "verdict"]
    )
    verdicts = ("accepted", "duplicate", "quarantined")
    for facility, *sums in connection.execute(
        select(
            feeds.c.facility,
            func.sum(feeds.c.accepted),
            func.sum(feeds.c.duplicate),
            # Those that were replayed since, too: a counter never falls.
            func.sum(feeds.c.quarantined + feeds.c.replayed),
        ).group_by(feeds.c.facility)
    ):
        for name, total in zip(verdicts, sums, strict=True):
            rows.add_metric([facility, name], int(total))
    yield rows
    states = GaugeMetricFamily("tally_batches", "Batches by state.", labels=["state"])
    found = batches_by_state(connection)
    for state in (*OPEN, FINAL, STOPPED):
        states.add_metric([state], found.get(state, 0))
    yield states
    yield from _accounts(connection)


def _accounts(connection: Connection) -> Iterator[Metric]:
    labels = ["facility", "partner"]
    proof = GaugeMetricFamily(
        "tally_reserve_proof_minor_units",
        "The part of the books' difference that open legs do not explain: must be 0. Absent while "
        "the node catches up.",
        labels=labels,
    )
    legs = GaugeMetricFamily("tally_reserve_open_legs", "Halves that are open.", labels=labels)
    overdue = GaugeMetricFamily(
        "tally_reserve_overdue_legs", "One-sided legs past their deadline.", labels=labels
    )
    low = GaugeMetricFamily(
        "tally_reserve_low", "1 while the smaller book is below the threshold.", labels=labels
    )
    breaks = GaugeMetricFamily(
        "tally_reserve_breaks", "Breaks by their type.", labels=[*labels, "type"]
    )
    for account in balances(connection):
        own = [account.facility, account.partner]
        if account.proof is not None:
            proof.add_metric(own, account.proof)
        legs.add_metric(own, account.open_legs)
        overdue.add_metric(own, account.overdue)
        low.add_metric(own, account.low)
        for name in BREAK_TYPES:
            breaks.add_metric([*own, name], account.open_counts[name])
    yield from (proof, legs, overdue, low, breaks)


def _gauge(name: str, help_: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_, value=float(value))
