"""The event store: where the intake keeps what it accepts, in SQLite or PostgreSQL."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, bindparam, false, insert, select, text, update

from app.db.vault import vault_of
from app.domain.events import ParsedEvent, Quarantined, Raw
from app.intake import json_values
from app.intake.results import Receipt, RowCounts, StandingEvent
from app.intake.tables import events, feeds, quarantine
from app.logs import listed

_log = structlog.get_logger()

_INTAKE_LOCK = 0x7A11_0002
"""Any number: the advisory lock under which one writer at a time takes in rows in PostgreSQL, as
SQLite's write lock has it. What one writer looked up cannot change before it commits."""

# Spelled as in the unique index of identities: SQLite would not use it for `IS 0`.
_STANDS = events.c.duplicate_leg == false()
_CONTENTS = "SELECT event_id, content FROM events WHERE event_id"
_STANDING = {
    dialect: "SELECT identity, amount, parts, reversed FROM events "
    f"WHERE duplicate_leg = {no} AND identity"
    for dialect, no in (("sqlite", "0"), ("postgresql", "false"))
}
_MARK_REVERSED = (
    update(events)
    .where(
        events.c.identity.in_(bindparam("identities", expanding=True)),
        _STANDS,
    )
    .values(reversed=True)
)
_RECEIPT = select(events.c.event_id, events.c.accepted_at, events.c.duplicate_leg).where(
    events.c.event_id == bindparam("id")
)
_EVENT_COLUMNS = (
    "feed_id",
    "row",
    "facility",
    "event_id",
    "content",
    "identity",
    "duplicate_leg",
    "kind",
    "partner",
    "event_ref",
    "amount",
    "value_day",
    "business_day",
    "shares_day",
    "target_kind",
    "target_ref",
    "booked_at",
    "details",
    "parts",
    "accepted_at",
)
_INSERT_EVENT = {
    dialect: f"""INSERT INTO events ({", ".join(f'"{column}"' for column in _EVENT_COLUMNS)})
    VALUES ({", ".join([mark] * len(_EVENT_COLUMNS))})"""
    for dialect, mark in (("sqlite", "?"), ("postgresql", "%s"))
}


class EventStore:
    """Where a bank keeps its events: its database."""

    def __init__(self, engine: Engine, on_accepted: Callable[[], None] = lambda: None) -> None:
        """`on_accepted` is called once events are committed."""
        self._engine = engine
        self._on_accepted = on_accepted

    @contextmanager
    def writing(self) -> Iterator["EventTransaction"]:
        """A transaction, committed at the end of the block; another writer waits for it."""
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": _INTAKE_LOCK}
                )
            transaction = EventTransaction(connection)
            yield transaction
        # Only now is it true.
        if transaction.accepted:
            self._on_accepted()
        for facility, feed, accepted in transaction.accepted:
            for some in listed(accepted):
                _log.info("accepted", facility=facility, feed=feed, events=some)


class EventTransaction:
    """One transaction of the event store; the only writer of events while it is open."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.accepted: list[tuple[str, int, list[tuple[int, str]]]] = []
        """Facility, feed, and the row and event_id of each event."""

    def open_feed(
        self, facility: str, name: str, source: str, at: str, header: bytes | None = None
    ) -> int:
        """Begin a feed, `header` being a CSV's; returns its id."""
        sealed = None if header is None else vault_of(self.connection).sealer()(header)
        feed_id: int = self.connection.execute(
            insert(feeds)
            .values(
                facility=facility,
                name=name,
                source=source,
                received_at=at,
                rows_in=0,
                accepted=0,
                duplicate=0,
                quarantined=0,
                header=sealed,
            )
            .returning(feeds.c.id)
        ).scalar_one()
        return feed_id

    def daily_feed(self, facility: str, name: str, source: str, at: str) -> tuple[int, int]:
        """The feed of pushed events of that name, begun if need be: its id and rows so far."""
        row = self.connection.execute(
            select(feeds.c.id, feeds.c.rows_in).where(
                feeds.c.facility == facility, feeds.c.source == source, feeds.c.name == name
            )
        ).first()
        if row is not None:
            return row.id, row.rows_in
        return self.open_feed(facility, name, source, at), 0

    def contents(self, event_ids: Collection[str]) -> Mapping[str, bytes]:
        """The content of those events that were accepted."""
        if not event_ids:
            return {}
        return {event_id: bytes(content) for event_id, content in self._among(_CONTENTS, event_ids)}

    def standing(self, identities: Collection[bytes]) -> Mapping[bytes, StandingEvent]:
        """The events that stand for those identities, where there are any."""
        if not identities:
            return {}
        found = self._among(_STANDING[self.connection.dialect.name], identities)
        return {
            bytes(identity): StandingEvent(amount, parts, bool(is_reversed))
            for identity, amount, parts, is_reversed in found
        }

    def _among(self, query: str, values: Collection[Any]) -> Iterable[Any]:
        """Rows of a query, which ends with a column, of one of many values. Straight to the driver:
        SQLAlchemy works out a name for each value."""
        if self.connection.dialect.name == "postgresql":
            return self.connection.exec_driver_sql(f"{query} = ANY(%s)", (list(values),))
        marks = ", ".join("?" * len(values))
        return self.connection.exec_driver_sql(f"{query} IN ({marks})", tuple(values))

    def receipt(self, event_id: str) -> Receipt:
        """The receipt of an accepted event."""
        row = self.connection.execute(_RECEIPT, {"id": event_id}).one()
        return Receipt(row.event_id, row.accepted_at, row.duplicate_leg)

    def save(
        self,
        feed_id: int,
        accepted: Sequence[tuple[ParsedEvent, bool]],
        reversed_identities: Collection[bytes],
        quarantined: Sequence[Quarantined],
        counts: RowCounts,
        at: str,
    ) -> None:
        """Keep accepted events (each with whether it is a duplicate leg) and quarantined rows, mark
        what was reversed, and add `counts` to the feed's."""
        connection = self.connection
        if accepted:
            facility = connection.execute(
                select(feeds.c.facility).where(feeds.c.id == feed_id)
            ).scalar_one()
            seal = vault_of(connection).sealer()
            # Straight to the driver: the one statement that runs for every row.
            connection.exec_driver_sql(
                _INSERT_EVENT[connection.dialect.name],
                [
                    _values(event, duplicate_leg, feed_id, facility, at, seal)
                    for event, duplicate_leg in accepted
                ],
            )
            self.accepted.append(
                (facility, feed_id, [(event.row, event.event_id) for event, _ in accepted])
            )
        if reversed_identities:
            connection.execute(_MARK_REVERSED, {"identities": list(reversed_identities)})
        if quarantined:
            seal = vault_of(connection).sealer()
            lines = []
            for row in quarantined:
                raw, encoding = _octets(row.raw)
                lines.append(
                    {
                        "feed_id": feed_id,
                        "row": row.row,
                        "field": row.field,
                        "value": seal(row.value.encode()),
                        "reason": row.reason,
                        "at": at,
                        "raw": None if raw is None else seal(raw),
                        "encoding": encoding,
                    }
                )
            connection.execute(insert(quarantine), lines)
        connection.execute(
            update(feeds)
            .where(feeds.c.id == feed_id)
            .values({name: feeds.c[name] + count for name, count in asdict(counts).items()})
        )

    def finish_feed(self, feed_id: int, at: str) -> None:
        """Note that the whole feed was read."""
        self.connection.execute(update(feeds).where(feeds.c.id == feed_id).values(finished_at=at))


def _octets(raw: Raw) -> tuple[bytes | None, str | None]:
    """The bytes of a row as it came, and the encoding in which it was read: `ascii` for one of a
    file that is not UTF-8 throughout."""
    if raw is None:
        return None, None
    text = raw if isinstance(raw, str) else json_values.encode(raw)
    try:
        return text.encode(), "utf-8"
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape"), "ascii"


def _values(
    event: ParsedEvent,
    duplicate_leg: bool,
    feed_id: int,
    facility: str,
    at: str,
    seal: Callable[[bytes], bytes],
) -> tuple[Any, ...]:
    """In the order of _EVENT_COLUMNS."""
    return (
        feed_id,
        event.row,
        facility,
        event.event_id,
        event.content,
        event.identity,
        duplicate_leg,
        int(event.kind),
        event.partner,
        event.event_ref,
        event.amount,
        event.value_day,
        event.business_day,
        event.shares_day,
        int(event.target_kind) or None,
        event.target_ref or None,
        event.booked_at,
        None if event.details is None else seal(event.details),
        event.parts,
        at,
    )
