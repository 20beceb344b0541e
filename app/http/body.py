"""Request bodies, read by ourselves: bounded, and only after the key was checked."""

from collections.abc import AsyncIterator

from fastapi import Request

from app.http.problems import Problem

JSON = "application/json"


def only(request: Request, *types: str) -> str:
    """The media type of the request, which must be one of `types`: else a 415 problem."""
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
    """The body as it comes; a 413 problem beyond `most` bytes."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise too_large(f"the body has {int(announced):,} bytes, at most {most:,} are taken")
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise too_large(f"the body has more than {most:,} bytes")
        yield part


def too_large(detail: str) -> Problem:
    """A 413 problem."""
    return Problem(413, "content-too-large", detail)
