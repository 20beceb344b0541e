"""A report as Parquet: a file for each section, and `manifest.json` with their digests, as one zip.

Unpacked, the files open in DuckDB, pandas and Spark. Amounts are decimals of the currency's scale
(decimal128), dates date32, instants timestamps in UTC. The manifest has the report's parameters and
for each file its section, rows and SHA-256.
"""

import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from app.reports.model import Cell, Report, Section, Type, plain

_CHUNK_ROWS = 50_000
_DIGITS = 38
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)

_TYPES = {
    Type.TEXT: pa.string(),
    Type.COUNT: pa.int64(),
    Type.BASIS_POINTS: pa.int64(),
    Type.DATE: pa.date32(),
    Type.INSTANT: pa.timestamp("ms", tz="UTC"),
}


def write_parquet(report: Report, path: Path) -> None:
    """Write the zip, its files stored as they are."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as name:
        folder = Path(name)
        files = [_file(report, section, folder) for section in report.sections]
        manifest = {
            "report": report.name,
            "title": report.title,
            "parameters": dict(report.parameters),
            "currency": report.currency,
            "signers": report.signers,
            "files": files,
        }
        described = orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n"
        (folder / "manifest.json").write_bytes(described)
        with ZipFile(path, "w", ZIP_STORED) as archive:
            for one in ("manifest.json", *(str(file["name"]) for file in files)):
                with (folder / one).open("rb") as source:
                    entry = ZipInfo(one, _ZIP_TIME)
                    entry.file_size = (folder / one).stat().st_size
                    with archive.open(entry, "w") as target:
                        for block in iter(partial(source.read, 1 << 20), b""):
                            target.write(block)


def _file(report: Report, section: Section, folder: Path) -> dict[str, Any]:
    path = folder / f"{section.name}.parquet"
    schema = pa.schema([(one.name, _type(report, one.type)) for one in section.columns])
    rows, count = iter(section.rows()), 0
    with pq.ParquetWriter(path, schema) as writer:
        while chunk := list(islice(rows, _CHUNK_ROWS)):
            count += len(chunk)
            writer.write_batch(
                pa.record_batch(list(_arrays(report, section, chunk)), schema=schema)
            )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "name": path.name,
        "section": section.name,
        "note": section.note,
        "rows": count,
        "sha256": digest,
    }


def _type(report: Report, type_: Type) -> pa.DataType:
    return pa.decimal128(_DIGITS, report.decimals) if type_ is Type.MONEY else _TYPES[type_]


def _arrays(
    report: Report, section: Section, chunk: Sequence[Sequence[Cell]]
) -> Iterable[pa.Array]:
    for column, cells in zip(section.columns, zip(*chunk, strict=True), strict=True):
        values: Sequence[Any] = cells
        if section.totals:
            values = [plain(cell) for cell in cells]
        if column.type is Type.MONEY:
            yield _amounts(values, report.decimals)
        else:
            yield pa.array(values, _TYPES[column.type])


def _amounts(minor: Sequence[Any], decimals: int) -> pa.Array:
    """Minor units as decimals."""
    wanted = pa.decimal128(_DIGITS, decimals)
    try:
        whole = pa.array(minor, pa.int64()).cast(pa.decimal128(19, 0))
    except (OverflowError, pa.ArrowInvalid):  # sums beyond 64 bits
        exact = [None if one is None else Decimal(one).scaleb(-decimals) for one in minor]
        return pa.array(exact, wanted)
    unit = pa.scalar(Decimal(1).scaleb(-decimals), pa.decimal128(decimals + 1, decimals))
    return pc.multiply(whole, unit).cast(wanted)
