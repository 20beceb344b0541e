"""Metrics for Prometheus."""

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from app.api.security import METRICS
from app.http.metrics import Families, channel_families, process_families
from app.http.state import context_of

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    dependencies=[METRICS],
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus' text format. Gauges of amounts are in minor units of the "
            "facility's currency.",
            "content": {
                "text/plain": {
                    "schema": {"type": "string"},
                    "example": "# TYPE tally_readmodel_lag_blocks gauge\n"
                    "tally_readmodel_lag_blocks 0.0\n",
                }
            },
        }
    },
)
def metrics(request: Request) -> Response:
    """For keys of role `metrics` (or `admin`). While the database does not answer, what stands in
    it is left out, and `tally_problem{name="database"}` is there."""
    context = context_of(request)
    found = channel_families(context)
    # A process that serves several channels is no single one's.
    whole = found if context.channel else (*process_families(), *found)
    return Response(generate_latest(Families(whole)), media_type=CONTENT_TYPE_LATEST)
