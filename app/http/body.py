"""Request bodies, read by ourselves: bounded in size and time, and after the key was checked."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.requests import ClientDisconnect

from app.http.problems import Problem

JSON = "application/json"

GRACE_S = 30.0
"""How long a body may take however small it is."""

SLOWEST_BYTES_PER_S = 4 * 1024
"""How fast it must come, beyond that."""


def only(request: Request, *types: str) -> str:
    """The media type of the request, which must be one of `types`, and of a body that is not
    compressed: else a 415 problem."""
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise Problem(
            415,
            "unsupported-media-type",
            f"a body in {coding} is not taken here; send it as it is, without Content-Encoding",
            headers={"Accept-Encoding": "identity"},
        )
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in types:
        raise Problem(
            415,
            "unsupported-media-type",
            f"{given or 'no Content-Type'} is not taken here; send {', '.join(types)}",
        )
    return given


async def read_body(request: Request, most: int) -> bytes:
    """The whole body; a 413 problem beyond `most` bytes."""
    return b"".join([part async for part in stream_body(request, most)])


async def stream_body(request: Request, most: int) -> AsyncIterator[bytes]:
    """The body as it comes; a 413 problem beyond `most` bytes, 408 for one that comes too slowly,
    400 for one that ends before it is whole (which nobody hears)."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise too_large(f"the body has {int(announced):,} bytes, at most {most:,} are taken")
    size = 0
    deadline = asyncio.get_running_loop().time() + GRACE_S
    parts = request.stream()
    while True:
        try:
            async with asyncio.timeout_at(deadline + size / SLOWEST_BYTES_PER_S):
                part = await anext(parts, None)
        except TimeoutError:
            raise Problem(
                408,
                "body-too-slow",
                "the body did not come in time; send it again",
                headers={"Connection": "close"},
            ) from None
        except ClientDisconnect:
            raise Problem(400, "body-cut-short", "the body ended before it was whole") from None
        if part is None:
            return
        size += len(part)
        if size > most:
            raise too_large(f"the body has more than {most:,} bytes")
        yield part


def too_large(detail: str) -> Problem:
    """A 413 problem."""
    return Problem(413, "content-too-large", detail)
