"""The problems that an operation may answer with, as the OpenAPI document describes them."""

from typing import Any

from fastapi import FastAPI

from app.api import etags
from app.http.problems import MEDIA_TYPE
from app.presentation.common import ProblemBody

Responses = dict[int | str, dict[str, Any]]

_DESCRIPTIONS = {
    400: "The body ended before it was whole",
    401: "No key, or one that opens nothing",
    403: "A key of another role, or a bank that may not",
    404: "There is nothing of that name or number",
    405: "Another method is needed: see Allow",
    408: "The body did not come in time",
    409: "It is not, or no more, as the request has it",
    413: "The body is too large",
    415: "The body is of a type that is not taken here",
    422: "Something in the request is at fault",
    429: "Too many attempts have failed: see Retry-After",
    503: "The database or the chain is away: see Retry-After",
    507: "No room is left to store it",
}


def problem_responses(*statuses: int) -> Responses:
    """What `responses` of a route or router says of these statuses."""
    return {
        status: {"model": ProblemBody, "description": _DESCRIPTIONS[status]} for status in statuses
    }


OPEN = problem_responses(401, 404, 405, 422, 503)
"""Of operations that need no key, but of one channel among several."""

KEYED = problem_responses(401, 403, 404, 405, 422, 503)
"""Of operations that need a key."""

WITH_BODY = problem_responses(400, 408, 413, 415, 507)
"""Of operations that take a body, besides."""


def describe_problems(app: FastAPI) -> None:
    """Give every described error the media type that it has (FastAPI knows only JSON's own), and
    every read its ETag."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        document = described()
        for operations in document["paths"].values():
            for operation in operations.values():
                etags.describe(operation)
                for status, response in operation["responses"].items():
                    content = response.get("content", {})
                    if int(status) >= 400 and "application/json" in content:
                        content[MEDIA_TYPE] = content.pop("application/json")
        return document

    app.openapi = openapi  # type: ignore[method-assign]
