"""Sending a file, which lives on until it is sent, even if it is deleted meanwhile."""

from collections.abc import Iterator
from typing import BinaryIO

from fastapi.responses import StreamingResponse

_CHUNK_BYTES = 1 << 18


def send_file(file: BinaryIO, name: str, media_type: str) -> StreamingResponse:
    """An open file as a download of that name; it is closed at the end."""
    return StreamingResponse(
        _chunks(file),
        media_type=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{_ascii(name)}"',
            "Content-Length": str(_size(file)),
        },
    )


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _size(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    file.seek(0)
    return size


def _ascii(text: str) -> str:
    return "".join(letter if letter.isascii() else "_" for letter in text)
