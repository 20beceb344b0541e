"""How long events took until they were matched, counted from the start of the process."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import Metric

_BUCKETS_S = (0.5, 1, 1.5, 2, 2.5, 3, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 24 * 3600)
"""Fine where two blocks and half a second lie, wide where a partner's feed comes the next day."""


class MatchTimes:
    """One channel's."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "tally_accepted_to_matched_seconds",
            "From the acceptance of an event here until this node's read model shows it matched, "
            "by this node's clock.",
            ["facility"],
            buckets=_BUCKETS_S,
            registry=self._registry,
        )

    def matched(self, facility: str, accepted_at: Sequence[str]) -> None:
        """The read model now shows these events of a facility, accepted then, as matched."""
        now = datetime.now(UTC)
        series = self._seconds.labels(facility)
        for at in accepted_at:
            series.observe(max(0.0, (now - datetime.fromisoformat(at)).total_seconds()))

    def collect(self) -> Iterable[Metric]:
        """The histogram, for Prometheus."""
        return self._registry.collect()
