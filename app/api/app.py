"""The FastAPI application of one node: REST under /v1, health, and the treasury page."""

from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI

from app.api import (
    accounts,
    acts,
    alert_rules,
    alerts,
    consortium,
    days,
    etags,
    events,
    facilities,
    feeds,
    health,
    keys,
    metrics,
    pairs,
    people,
    quarantine,
    reasons,
    report_jobs,
    reports,
    stream,
    suggestions,
    webhooks,
    worklist,
)
from app.api.application import application
from app.api.responses import KEYED, OPEN
from app.http.context import Context
from app.http.keys import Keyring
from app.people.sessions import Sessions
from app.people.sign_in import SignIn

_DESCRIPTION = """
One bank's node of Tallystick: events in, reserve balances, matches and breaks out.

Every error is a problem (RFC 9457, `application/problem+json`). Amounts are decimal text in the
facility's currency. Lists come newest first, page by page: give `next` as `cursor`. Balances come
from final blocks of the chain only; what is accepted and not yet there is counted as pending.
"""

_TAGS: list[dict[str, Any]] = [
    {"name": "events", "description": "Push events."},
    {"name": "feeds", "description": "What was received, and what could not be posted."},
    {"name": "quarantine", "description": "Rows that were not taken: mend and replay them."},
    {"name": "facilities", "description": "The joint-lending agreements on the chain."},
    {"name": "reserves", "description": "Balances with their proof."},
    {"name": "pairs", "description": "What the contract made of the halves."},
    {"name": "worklist", "description": "Who works on which break, and comments."},
    {"name": "acts", "description": "What people of this bank prepare and sign."},
    {"name": "alerts", "description": "What somebody should look at now."},
    {"name": "webhooks", "description": "What happens, sent to this bank's own systems."},
    {"name": "legs", "description": "The signed halves themselves, with their transactions."},
    {"name": "reports", "description": "Files for auditors, the same bytes from every node."},
    {"name": "consortium", "description": "Members, and what they decide together."},
    {
        "name": "health",
        "description": "For probes (without a key) and Prometheus (role `metrics`).",
    },
    {"name": "keys", "description": "API keys and their roles."},
    {"name": "stream", "description": "What happens, as it happens."},
    {"name": "people", "description": "People, roles, sessions, and the audit trail."},
]


def create_app(context: Context, keyring: Keyring, page: APIRouter) -> FastAPI:
    """The application of one node, its page included."""
    app = application(
        context,
        keyring,
        summary="Joint lending between banks, reconciled leg by leg.",
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
    )
    app.state.streams = stream.Streams(context)
    app.state.sessions = Sessions(
        context.engine, development=context.development, lengths=context.session_lengths
    )
    app.state.sign_in = SignIn(
        context.engine, development=context.development, lengths=context.session_lengths
    )
    app.router.routes.extend([*_rest().routes, *page.routes])
    etags.install(app)
    return app


@cache
def _rest() -> APIRouter:
    """The interface's routes. They are worked out at the first request, a quarter of a second of
    CPU: the channels of a process have the same."""
    rest = APIRouter()
    for router in (
        events.router,
        feeds.router,
        quarantine.router,
        facilities.router,
        accounts.router,
        pairs.router,
        suggestions.router,
        worklist.router,
        days.router,
        acts.router,
        alerts.router,
        alert_rules.router,
        webhooks.router,
        reports.router,
        report_jobs.router,
        consortium.router,
        reasons.router,
        keys.router,
        people.router,
        stream.router,
    ):
        rest.include_router(router, responses=KEYED)
    rest.include_router(health.router, responses=OPEN)
    rest.include_router(metrics.router, responses=KEYED)
    return rest
