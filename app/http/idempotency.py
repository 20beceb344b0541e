"""Requests that are sent again because no answer was heard: what such a request made the first time
is answered again for a day, and not made twice. The key is the sender's, of one person."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Header, Request
from pydantic import BaseModel
from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from app.db.clock import now, stamp
from app.http.problems import Problem
from app.http.tables import answered_requests
from app.people.person import Person

_KEPT = timedelta(days=1)

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Made up for this request, and sent again with it: it is answered as the first "
        "time for a day. With another request it is refused (409)",
    ),
]


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request that makes something of one number. `asked_hash`: of its path and body."""

    person: str
    key_hash: bytes
    asked_hash: bytes

    def made(self, connection: Connection) -> int | None:
        """The number of what it made within the last day. Raises a problem where the key came with
        another request."""
        a = answered_requests.c
        found = connection.execute(
            select(a.asked_hash, a.made).where(
                a.person == self.person, a.key_hash == self.key_hash, a.at >= _oldest(now())
            )
        ).one_or_none()
        if found is None:
            return None
        if found.asked_hash != self.asked_hash:
            raise Problem(
                409,
                "idempotency-conflict",
                "this Idempotency-Key came with another request within the last day; make up a new "
                "one for each request",
            )
        return int(found.made)

    def keep(self, connection: Connection, made: int) -> None:
        """Note what it has made, in the transaction that made it, and forget older ones. Raises a
        problem where the same request came twice at once."""
        at = now()
        a = answered_requests.c
        connection.execute(delete(answered_requests).where(a.at < _oldest(at)))
        noted = insert(answered_requests).values(
            person=self.person,
            key_hash=self.key_hash,
            asked_hash=self.asked_hash,
            made=made,
            at=stamp(at),
        )
        try:
            connection.execute(noted)
        except IntegrityError:
            raise Problem(
                409,
                "idempotency-conflict",
                "a request with this Idempotency-Key is being answered; send this one again",
            ) from None


def repeatable(
    request: Request, person: Person, key: str | None, asked: BaseModel
) -> Repeatable | None:
    """None for a request without a key."""
    if key is None:
        return None
    text = f"{request.url.path}\n{asked.model_dump_json()}"
    return Repeatable(person.id, _hash(key), _hash(text))


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _oldest(at: datetime) -> str:
    return stamp(at - _KEPT)
