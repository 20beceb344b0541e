"""`tally archive`: closed days leave a facility's tables, month by month.

An archive's row is there before its folder, and its folder, on disk and under its final name,
before anything is deleted. Cut short anywhere, the next run forgets what was only begun and goes on
with what was written.
"""

import fcntl
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete, insert, select, update

from app.archive.chain import Contracts
from app.archive.choose import Month, choose, months
from app.archive.move import move
from app.archive.sums import Days, of_database
from app.archive.write import partial_of, put_in_place, texts_of, write_folder
from app.audit.actor import current_actor
from app.audit.trail import Entry, append
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.db.clock import stamp
from app.db.engine import snapshot
from app.domain.day_close import Sums
from app.domain.errors import StorageFault, UsageFault
from app.readmodel.archive.source import with_archive
from app.readmodel.archive.tables import archives
from app.readmodel.directory import Facility, directory


@dataclass(frozen=True, slots=True)
class Archived:
    """An archive that was made, or gone on with. `pairs`: how many left the database now."""

    month: str
    folder: Path
    pairs: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be archived, and why other days before that date would not."""

    months: Sequence[Month]
    held_back: Sequence[str]


def plan(engine: Engine, facility_id: str, before: date) -> Plan:
    """What `archive` would do. Raises UsageFault for a facility that is not known here."""
    with engine.connect() as connection:
        choice = choose(connection, directory(connection).known_facility(facility_id), before)
        return Plan(months(connection, choice), choice.held_back)


def archive(
    engine: Engine,
    rpc: Rpc,
    manifest: Manifest,
    own: int,
    root: Path,
    facility_id: str,
    before: date,
    say: Callable[[Archived], None],
) -> None:
    """Archive what may leave the database of days before a date; `own`: this bank's member number,
    `root`: the folder of its archives. Each archive is told to `say` once it is whole.

    Raises UsageFault for an unknown facility or while another run is at work, StorageFault where
    files cannot be written, and where the days' sums are not the contract's: then nothing of that
    month has left.
    """
    with engine.connect() as connection:
        facility = directory(connection).known_facility(facility_id)
    with _alone(root):
        find_moved(engine, root)
        for begun in _go_on(engine):
            say(begun)
        with engine.connect() as connection:
            found = months(connection, choose(connection, facility, before))
        contracts = Contracts(rpc, manifest, facility.number)
        for month in found:
            say(_archive(engine, contracts, own, root, facility, month, before))


def _archive(
    engine: Engine,
    contracts: Contracts,
    own: int,
    root: Path,
    facility: Facility,
    month: Month,
    before: date,
) -> Archived:
    now = datetime.now(UTC)
    folder = root / facility.id / month.name / now.strftime("%Y%m%dT%H%M%S%f")
    with engine.begin() as connection:
        number = connection.execute(
            insert(archives)
            .values(
                facility=facility.number,
                month=month.name,
                before=before.toordinal(),
                folder=str(folder),
                state="writing",
                made_at=stamp(now),
                holds_pairs=False,
            )
            .returning(archives.c.id)
        ).scalar_one()
    # What is written and what is added up beside it are of one block.
    with snapshot(engine) as connection:
        choice = choose(connection, facility, before)
        written = write_folder(connection, directory(connection), choice, month, own, folder)
        # With what earlier archives hold of the same days.
        of_days = (facility.number, written["first_day"], written["last_day"])
        source = with_archive(connection, facility=of_days[0], first=of_days[1], last=of_days[2])
        moved = of_database(connection, source, *of_days)
    _hold_against_chain(contracts, written, moved, folder)
    digest = put_in_place(folder, written)
    sha256 = {
        one["name"].removesuffix(".parquet"): bytes.fromhex(one["sha256"])
        for one in written["files"]
    }
    with engine.begin() as connection:
        connection.execute(
            update(archives)
            .where(archives.c.id == number)
            .values(
                state="moving",
                manifest_sha256=digest,
                **{f"{name}_sha256": one for name, one in sha256.items()},
                **{
                    name: written[name]
                    for name in ("first_number", "last_number", "first_day", "last_day")
                },
                holds_pairs=True,
            )
        )
        entry = Entry(current_actor.get(), "archive", f"{facility.id} {month.name}")
        append(connection, entry.with_details(folder=str(folder), manifest=digest.hex()))
        row = connection.execute(select(archives).where(archives.c.id == number)).one()
    return Archived(month.name, folder, move(engine, row))


def _hold_against_chain(
    contracts: Contracts, written: dict[str, Any], moved: Days, folder: Path
) -> None:
    """Add the contract's totals to the manifest. Raises StorageFault where they are not what all
    pairs `moved` on the archive's days, or where the chain lacks its postings."""
    days: Days = {
        (one["partner_number"], one["day"]): moved.get(
            (one["partner_number"], one["day"]), Sums(0, 0, 0)
        )
        for one in written["days"]
    }
    faults = [*contracts.differing_days(days), *contracts.differing_postings(written["postings"])]
    if faults:
        raise StorageFault(
            "nothing was archived, as the chain says otherwise: " + "; ".join(faults[:5]),
            where=str(folder),
            remedy="The database is not what the chain has: `tally rebuild` makes it anew",
        )
    for one in written["days"]:
        one["contract"] = texts_of(days[one["partner_number"], one["day"]])


def _go_on(engine: Engine) -> Iterator[Archived]:
    """Finish what an earlier run wrote, and forget what it only began."""
    with engine.connect() as connection:
        begun = connection.execute(
            select(archives).where(archives.c.state != "whole").order_by(archives.c.id)
        ).all()
    for row in begun:
        if row.state == "moving":
            yield Archived(row.month, Path(row.folder), move(engine, row))
            continue
        # Its folder may have its name already: nothing was deleted for it, and nothing names it.
        for leftover in (partial_of(Path(row.folder)), Path(row.folder)):
            shutil.rmtree(leftover, ignore_errors=True)
        with engine.begin() as connection:
            connection.execute(delete(archives).where(archives.c.id == row.id))


def find_moved(engine: Engine, root: Path) -> None:
    """Note where archives lie now whose folders were moved to another root as a whole."""
    with engine.begin() as connection:
        for row in connection.execute(select(archives.c.id, archives.c.folder)).all():
            kept = Path(row.folder)
            now = root.joinpath(*kept.parts[-3:])
            if not kept.exists() and now.exists():
                connection.execute(
                    update(archives).where(archives.c.id == row.id).values(folder=str(now))
                )


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """One run at a time on a folder."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        with (root / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageFault(
                    "another `tally archive` is at work here", where=str(root), remedy="Let it end"
                ) from None
            yield
    except OSError as fault:
        raise StorageFault(
            f"the archive's folder cannot be used ({fault.strerror})",
            where=str(root),
            remedy="Name another one as `archive` in bank.toml",
        ) from fault
