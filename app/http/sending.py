"""Sending a file, which lives on until it is sent, even if it is deleted meanwhile; and the row of
the audit trail that says so."""

import os
from collections.abc import Iterator
from typing import Any, BinaryIO

from fastapi import Request
from fastapi.responses import StreamingResponse

from app.audit.trail import Entry, append
from app.http.keys import Key
from app.http.signed_in import address_of
from app.http.state import context_of
from app.people.person import Person

_CHUNK_BYTES = 1 << 18


def send_file(file: BinaryIO, name: str, media_type: str) -> StreamingResponse:
    """An open file as a download of that name; it is closed at the end."""
    return StreamingResponse(
        _chunks(file),
        media_type=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{_ascii(name)}"',
            "Content-Length": str(os.fstat(file.fileno()).st_size),
        },
    )


def record_export(request: Request, who: Person | Key, subject: str, **details: Any) -> None:
    """Note in the audit trail what is sent to whom."""
    entry = Entry(who.actor, "export", subject, address=address_of(request))
    with context_of(request).engine.begin() as connection:
        append(connection, entry.with_details(**details))


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _ascii(text: str) -> str:
    return "".join(letter if letter.isascii() else "_" for letter in text)
