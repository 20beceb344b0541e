"""An archive's folder: its Parquet files and their manifest, whole or not there."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Boolean, Column, Connection, LargeBinary, Text, exists, select

from app.archive.choose import Choice, Month
from app.archive.sums import Days, add, of_rows
from app.contracts.posting import stream_of
from app.domain.chunks import chunks
from app.domain.day_close import Sums
from app.domain.errors import DiskFull, StorageFault
from app.domain.legs import unpack
from app.intake.tables import events
from app.outbox.lifecycle import FINAL
from app.outbox.tables import batches, dead_letters
from app.readmodel.archive.files import BATCHES, EVENTS, PAIRS, ROWS_A_GROUP, sha256_of
from app.readmodel.directory import Directory
from app.readmodel.pairs.tables import OPEN, pairs, postings
from app.readmodel.values import to_date

MANIFEST = "manifest.json"
_BATCHES_AT_A_TIME = 50
_STREAMING = {"stream_results": True}


def partial_of(folder: Path) -> Path:
    """Where an archive's files are until they are all there."""
    return folder.with_name(folder.name + ".partial")


def write_folder(
    connection: Connection, names: Directory, choice: Choice, month: Month, own: int, folder: Path
) -> dict[str, Any]:
    """Write an archive; returns its manifest. `own`: this bank's member number. Raises StorageFault
    where it cannot be written; nothing is at `folder` then."""
    making = partial_of(folder)
    try:
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        sums: Days = {}
        numbers: list[int] = []
        sequences: dict[int, int] = {}
        facility = choice.facility
        members = {one.number: one.member for one in facility.partners}

        def counted() -> Iterator[Sequence[Sequence[Any]]]:
            for rows in _pairs(connection, choice, month):
                for key, moved in of_rows(rows).items():
                    add(sums, key, moved)
                numbers.extend((rows[0][0], rows[-1][0]))
                for row in rows:
                    one = row._mapping
                    for member, sequence in (
                        (facility.lead_member, one["lead_sequence"]),
                        (members[one["partner"]], one["partner_sequence"]),
                    ):
                        sequences[member] = max(sequences.get(member, 0), sequence)
                yield rows

        made = {PAIRS: _write(making / PAIRS, counted())}
        ids: list[int] = []

        def listed() -> Iterator[Sequence[Sequence[Any]]]:
            for rows in _batches(connection, choice, month):
                ids.extend(row[0] for row in rows)
                yield rows

        made[BATCHES] = _write(making / BATCHES, listed())
        made[EVENTS] = _write(making / EVENTS, _events(connection, choice, own, ids))
        days = [day for _, day in sums]
        manifest = {
            "facility": facility.id,
            "facility_number": facility.number,
            "month": month.name,
            "currency": facility.currency,
            "decimals": facility.decimals,
            "units": "amounts in minor units, signed by effect in `days`; days in the files are "
            "ordinals, times seconds since 1970 UTC",
            "first_number": numbers[0],
            "last_number": numbers[-1],
            "first_day": min(days),
            "last_day": max(days),
            "files": [
                {"name": name, "rows": count, "sha256": sha256_of(making / name).hex()}
                for name, count in made.items()
            ],
            "days": [
                {
                    "partner": facility.partners[partner - 1].name,
                    "partner_number": partner,
                    "date": to_date(day).isoformat(),
                    "day": day,
                    "archived": texts_of(moved),
                }
                for (partner, day), moved in sorted(sums.items())
            ],
            "postings": [
                _posting(connection, names, facility.number, member, sequence)
                for member, sequence in sorted(sequences.items())
            ],
        }
    except OSError as fault:
        raise _unwritable(making, fault) from fault
    return manifest


def put_in_place(folder: Path, manifest: dict[str, Any]) -> bytes:
    """Write the manifest beside the files and give the folder its name, all on disk before;
    returns the manifest's SHA-256."""
    making = partial_of(folder)
    try:
        (making / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n")
        for path in [*making.iterdir(), making]:
            _sync(path)
        digest = sha256_of(making / MANIFEST)
        making.rename(folder)
        _sync(folder.parent)
    except OSError as fault:
        raise _unwritable(making, fault) from fault
    return digest


def texts_of(one: Sums) -> dict[str, str]:
    """As texts: they may pass 64 bits."""
    return {"lead": str(one.lead), "partner": str(one.partner), "agreed": str(one.agreed)}


def sums_of(said: dict[str, str]) -> Sums:
    """Sums as a manifest has them."""
    return Sums(int(said["lead"]), int(said["partner"]), int(said["agreed"]))


def _posting(
    connection: Connection, names: Directory, facility: int, member: int, sequence: int
) -> dict[str, Any]:
    """The running digest of a bank's postings up to the last one with a leg in the archive."""
    c = postings.c
    row = connection.execute(
        select(postings).where(c.facility == facility, c.member == member, c.sequence == sequence)
    ).one()
    return {
        "bank": names.members[member].name,
        "member": member,
        "sequence": sequence,
        "digest": bytes(row.digest).hex(),
        "block": row.block_number,
        "transaction": "0x" + bytes(row.tx_hash).hex(),
    }


def _pairs(connection: Connection, choice: Choice, month: Month) -> Iterator[Sequence[Any]]:
    c = pairs.c
    rows = connection.execute(
        select(pairs)
        .where(choice.eligible(), c.agreed_business_day.between(month.first, month.last))
        .order_by(c.number),
        execution_options=_STREAMING,
    )
    yield from rows.partitions(ROWS_A_GROUP)


def _batches(connection: Connection, choice: Choice, month: Month) -> Iterator[Sequence[Any]]:
    """This bank's own final batches that have no leg after the month, nor on a day that is not
    closed for every account."""
    c = batches.c
    rows = connection.execute(
        select(c.id, c.calldata)
        .where(c.facility_number == choice.facility.number, c.state == FINAL, c.calldata != b"")
        .order_by(c.id),
        execution_options=_STREAMING,
    )
    for chunk in rows.partitions(_BATCHES_AT_A_TIME):
        chosen = []
        for id_, calldata in chunk:
            newest = max((leg.business_day for leg in unpack(stream_of(calldata))), default=0)
            if newest < choice.limit and to_date(newest).strftime("%Y-%m") <= month.name:
                chosen.append((id_, calldata))
        if chosen:
            yield chosen


def _events(
    connection: Connection, choice: Choice, own: int, ids: Sequence[int]
) -> Iterator[Sequence[Any]]:
    """The sealed details of these batches' events, but for those of breaks and dead letters."""
    side = "lead" if own == choice.facility.lead_member else "partner"
    c = pairs.c
    worked_on = {
        (row[0], row[1])
        for row in connection.execute(
            select(c[f"{side}_sequence"], c[f"{side}_index"]).where(
                c.facility == choice.facility.number, OPEN
            )
        )
    }
    for some in chunks(ids, _BATCHES_AT_A_TIME):
        rows = connection.execute(
            select(events.c.id, events.c.details, batches.c.sequence, events.c.leg_index)
            .join(batches, batches.c.id == events.c.batch_id)
            .where(
                batches.c.id.in_(some),
                events.c.details.is_not(None),
                ~exists().where(dead_letters.c.event == events.c.id),
            )
            .order_by(events.c.id)
        ).all()
        kept = [(id_, details) for id_, details, *leg in rows if tuple(leg) not in worked_on]
        if kept:
            yield kept


def _type(column: Column[Any]) -> pa.DataType:
    if isinstance(column.type, LargeBinary):
        return pa.binary()
    if isinstance(column.type, Boolean):
        return pa.bool_()
    return pa.string() if isinstance(column.type, Text) else pa.int64()


_SCHEMAS = {
    PAIRS: pa.schema([(one.name, _type(one)) for one in pairs.columns]),
    BATCHES: pa.schema([("id", pa.int64()), ("calldata", pa.binary())]),
    EVENTS: pa.schema([("id", pa.int64()), ("details", pa.binary())]),
}


def _write(path: Path, parts: Iterable[Sequence[Sequence[Any]]]) -> int:
    """Write a file; returns its rows."""
    schema, count = _SCHEMAS[path.name], 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for rows in parts:
            columns = zip(*rows, strict=True)
            cells = [pa.array(one, of.type) for one, of in zip(columns, schema, strict=True)]
            writer.write_batch(pa.record_batch(cells, schema=schema))
            count += len(rows)
    return count


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(path: Path, fault: OSError) -> StorageFault:
    return DiskFull(
        f"the archive cannot be written ({fault.strerror})",
        where=str(path),
        remedy="Free space, or name another folder as `archive` in bank.toml, and run it again",
    )
