"""Archives read through, and held against their manifests, the database and the chain."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Row, select

from app.archive.chain import Contracts
from app.archive.sums import Days, add, of_database, of_rows
from app.archive.write import MANIFEST, sums_of
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.db.engine import snapshot
from app.domain.chunks import chunks
from app.domain.errors import StorageFault
from app.readmodel.archive.files import PAIRS, read_rows, sha256_of
from app.readmodel.archive.tables import archived_pairs, archives
from app.readmodel.pairs.tables import pairs

_ROWS_AT_A_TIME = 1_000


def verify(
    engine: Engine, rpc: Rpc, manifest: Manifest, say: Callable[[str, Sequence[str]], None]
) -> bool:
    """Check every archive that the database knows; returns whether all is well.

    Files and manifests are those that were written. Each of their pairs is in the archive alone or
    in the table again. The sums of all pairs, archived or not, are the contract's day by day; the
    banks' running digests are on the chain. `say` is told of each folder, then of the days of each
    facility, what is wrong with it.
    """
    fine = True

    def told(what: str, faults: Sequence[str]) -> None:
        nonlocal fine
        fine = fine and not faults
        say(what, faults)

    with snapshot(engine) as connection:  # pairs may move meanwhile, either way
        a = archives.c
        held = connection.execute(select(archives).where(a.state != "writing").order_by(a.id)).all()
        for facility in sorted({row.facility for row in held}):
            contracts = Contracts(rpc, manifest, facility)
            sums: Days = {}
            for row in held:
                if row.facility == facility:
                    told(row.folder, _faults(connection, row, contracts, sums))
            if sums and fine:
                days = [day for _, day in sums]
                rest = of_database(connection, pairs, facility, min(days), max(days))
                for key in sums:
                    add(sums, key, rest.get(key))
                told(f"days of facility {facility}", list(contracts.differing_days(sums)))
    return fine


def _faults(
    connection: Connection, archive: Row[Any], contracts: Contracts, sums: Days
) -> list[str]:
    """What is wrong with an archive's folder; adds what its pairs moved to `sums`."""
    folder = Path(archive.folder)
    try:
        if sha256_of(folder / MANIFEST) != archive.manifest_sha256:
            return [f"{folder / MANIFEST}: this is not the manifest that was written"]
        said = orjson.loads((folder / MANIFEST).read_bytes())
        faults = [
            f"{folder / one['name']}: its SHA-256 is not the manifest's"
            for one in said["files"]
            if sha256_of(folder / one["name"]).hex() != one["sha256"]
        ]
        if faults:
            return faults
        own: Days = {}
        for rows in read_rows(folder / PAIRS, archive.pairs_sha256):
            for key, moved in of_rows(rows).items():
                add(own, key, moved)
            if not archive.holds_pairs:  # a rebuild took them back
                continue
            there = _archived(connection, archive.id, rows)
            for key, moved in of_rows(row for row in rows if row[0] in there).items():
                add(sums, key, moved)
            if lost := {row[0] for row in rows} - there - _in_table(connection, rows):
                faults.append(f"pair {min(lost)} and {len(lost) - 1} others are nowhere")
    except StorageFault as fault:
        return [f"{fault.where}: {fault.what}"]
    if own != {
        (one["partner_number"], one["day"]): sums_of(one["archived"]) for one in said["days"]
    }:
        faults.append(f"{folder / PAIRS}: its days' sums are not the manifest's")
    return faults + list(contracts.differing_postings(said["postings"]))


def _archived(connection: Connection, archive: int, rows: Sequence[Any]) -> set[int]:
    """The numbers of those rows that are in this archive and not in the table."""
    ref, c = list(pairs.c.keys()).index("ref"), archived_pairs.c
    found: set[int] = set()
    for refs in chunks((row[ref] for row in rows), _ROWS_AT_A_TIME):
        query = select(c.number).where(c.ref.in_(refs), c.archive == archive)
        found.update(connection.scalars(query))
    return found & {row[0] for row in rows}


def _in_table(connection: Connection, rows: Sequence[Any]) -> set[int]:
    found: set[int] = set()
    for numbers in chunks((row[0] for row in rows), _ROWS_AT_A_TIME):
        found.update(connection.scalars(select(pairs.c.number).where(pairs.c.number.in_(numbers))))
    return found
