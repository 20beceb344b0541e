"""The read model rebuilt from the chain alone, and the digest that proves it equal."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from sqlalchemy import Boolean, Connection, Engine, LargeBinary, Table, Text, select, type_coerce

from app.db.types import WideInteger
from app.indexer.indexer import Indexer, Progress
from app.indexer.writer_process import WriterProcess
from app.readmodel import tables as t
from app.readmodel.archive.source import with_archive

_ROWS_AT_A_TIME = 10_000


def rebuild(
    indexer: Indexer,
    on_progress: Callable[[int, int], None] | None = None,
    writer: WriterProcess | None = None,
) -> Progress:
    """Drop the read model's rows and read the chain from its first block; incidents are kept.

    What grants open is opened, too. `on_progress` is called with the last block read and the last
    one there is. `writer` writes while this process reads and folds. Raises what `Indexer.advance`
    raises; the read model is then whole up to some block, and the node goes on from there.
    """
    indexer.forget()

    def on_range(progress: Progress) -> None:
        if on_progress is not None:
            on_progress(progress.to_block, progress.head)

    progress = indexer.advance(on_range=on_range, writer=writer)
    indexer.open_granted()
    return progress


def digest(engine: Engine) -> str:
    """SHA-256 over all rows of the read model (incidents apart), in hex.

    Each table by its name, then each row in the order of the primary key as a JSON array: bytes
    and wide integers as text, booleans as 0 and 1. Equal for equal views of the same final block,
    once all is opened that grants open, whatever the database, however the chain was read, and
    whichever pairs lie in an archive.
    """
    summed = hashlib.sha256()
    with engine.connect() as connection:
        for table in t.CHAIN_TABLES:
            summed.update(orjson.dumps(table.name) + b"\n")
            for chunk in _rows(connection, table):
                summed.update(chunk)
    return summed.hexdigest()


def _rows(connection: Connection, table: Table) -> Iterator[bytes]:
    source = with_archive(connection) if table is t.pairs else table
    columns = list(source.columns)
    as_bytes = [place for place, one in enumerate(columns) if isinstance(one.type, LargeBinary)]
    as_flag = [place for place, one in enumerate(columns) if isinstance(one.type, Boolean)]
    query = select(
        *(
            type_coerce(column, Text) if isinstance(column.type, WideInteger) else column
            for column in columns
        )
    ).order_by(*(source.c[one.name] for one in table.primary_key.columns))
    rows = connection.execution_options(stream_results=True).execute(query)
    for chunk in rows.partitions(_ROWS_AT_A_TIME):
        lines: list[bytes] = []
        for row in chunk:
            values: list[Any] = list(row)
            for place in as_bytes:
                if values[place] is not None:
                    values[place] = values[place].hex()
            for place in as_flag:
                values[place] = int(values[place])
            lines.append(orjson.dumps(values))
        yield b"\n".join(lines) + b"\n"
