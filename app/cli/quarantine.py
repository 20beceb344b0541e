"""`tally quarantine`: rows that were not taken; see them, mend them, and let them be taken in."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.text import Text
from sqlalchemy import Engine

from app.cli.shared.console import print_json, stderr, stdout
from app.cli.shared.reading import (
    DEFAULT_CONFIG,
    ConfigOption,
    FacilityOption,
    JsonOption,
    LimitOption,
    show,
    show_more,
    table,
)
from app.cli.shared.unsealing import with_vault
from app.cli.shared.user import user
from app.domain.errors import UsageFault
from app.domain.numbers import LARGEST
from app.intake.facilities import Intakes
from app.intake.quarantine.dismiss import dismiss, restore
from app.intake.quarantine.kept_row import Encoding
from app.intake.quarantine.mend import mend, reread
from app.intake.quarantine.queries import (
    DISMISSED,
    WAITING,
    RowInFull,
    Selection,
    quarantined,
    row_in_full,
)
from app.intake.quarantine.replay import replay
from app.intake.quarantine.waiting import IntakeOf

_FAULTY_EXIT = 1

quarantine = typer.Typer(
    help="Rows that were not taken: see them, mend them, read a file again in its own encoding, "
    "let them be taken in, or dismiss them.",
    no_args_is_help=True,
)

RowNumber = Annotated[int, typer.Argument(min=1, max=LARGEST, help="A row's number.")]
FeedOption = Annotated[
    int | None,
    typer.Option("--feed", metavar="N", min=1, max=LARGEST, help="A feed's number."),
]
FieldOption = Annotated[
    str | None, typer.Option("--field", metavar="COLUMN", help="The column at fault.")
]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="The whole text of a reason.")
]
WhyOption = Annotated[str, typer.Option("--why", metavar="TEXT", help="Your reason; it is kept.")]
Numbers = Annotated[
    list[int] | None,
    typer.Argument(metavar="[NUMBER]...", min=1, max=LARGEST, help="Only these rows."),
]


@quarantine.command("list")
def list_(
    config: ConfigOption = DEFAULT_CONFIG,
    facility: FacilityOption = None,
    feed: FeedOption = None,
    field: FieldOption = None,
    reason: ReasonOption = None,
    replayed: Annotated[
        bool, typer.Option("--replayed", help="Those that were replayed, instead.")
    ] = False,
    dismissed: Annotated[
        bool, typer.Option("--dismissed", help="Those that were dismissed, instead.")
    ] = False,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """List the rows that wait, newest first, each with its first fault.

    Example:

      tally quarantine list --config bank.toml --field amount
    """
    statuses = WAITING
    if replayed or dismissed:
        statuses = (("accepted", "duplicate") if replayed else ()) + (
            DISMISSED if dismissed else ()
        )
    where = Selection(facility, feed, field, reason, statuses)
    with _quarantine(config) as (engine, _), engine.connect() as connection:
        page = quarantined(connection, where, limit, None)
    if as_json:
        print_json({"items": [asdict(row) for row in page.items]})
        return
    made = table("number", "facility", "feed", "file", "row", "status", "field", "value", "reason")
    for row in page.items:
        texts = (row.number, row.facility, row.feed_id, Path(row.feed).name, row.row, row.status)
        made.add_row(*(str(one) for one in (*texts, row.field, row.value[:60], row.reason)))
    show(made)
    if not page.items:
        stderr.print("no row of this bank's waits", style="dim")
    show_more(page.following, limit)


@quarantine.command("show")
def show_(
    number: RowNumber,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show a row: its text as it came, what it says now, and who did what about it.

    Example:

      tally quarantine show 17 --config bank.toml
    """
    with _quarantine(config) as (engine, _), engine.connect() as connection:
        found = row_in_full(connection, number)
    _print_row(found, as_json=as_json)


@quarantine.command("mend")
def mend_(
    number: RowNumber,
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="[COLUMN=VALUE]...", help="An empty value is an absent one."),
    ] = None,
    values_file: Annotated[
        Path | None,
        typer.Option(
            "--values",
            metavar="FILE",
            help="A JSON object of columns, for what must not stand in a list of processes; - is "
            "standard input.",
        ),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Put values in the place of a row's columns; it is judged as any row is.

    Nothing is taken in before `tally quarantine replay`. What it was, what it is, who changed it
    and when is kept. Exit code 0: nothing of it is at fault any more. 1: something is.

    Example:

      tally quarantine mend 17 amount=12.50 --config bank.toml
    """
    wanted = _values(values or [], values_file)
    with _quarantine(config) as (engine, intake_of):
        found = mend(engine, intake_of, number, wanted, _by())
    _print_row(found, as_json=as_json)
    if found.row.status == "faulty":
        raise typer.Exit(_FAULTY_EXIT)


@quarantine.command("reread")
def reread_(
    feed: Annotated[
        int, typer.Argument(min=1, max=LARGEST, help="The file's number, as `list` shows it.")
    ],
    encoding: Annotated[Encoding, typer.Option(help="GBK is in gb18030, Latin-1 in cp1252.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Read a file's waiting rows that are not ASCII again, in another encoding.

    Nothing is taken in before `tally quarantine replay --feed N`: see first whether the encoding
    was the right one. Exit code 0: no row that was read again is at fault any more. 1: some are.

    Example:

      tally quarantine reread 3 --encoding gb18030 --config bank.toml
    """
    with _quarantine(config) as (engine, intake_of):
        done = reread(engine, intake_of, feed, encoding, _by())
    stdout.print(f"{done.ready:,} rows ready, {done.faulty:,} faulty")
    if done.faulty:
        raise typer.Exit(_FAULTY_EXIT)


@quarantine.command("replay")
def replay_(
    numbers: Numbers = None,
    config: ConfigOption = DEFAULT_CONFIG,
    facility: FacilityOption = None,
    feed: FeedOption = None,
    field: FieldOption = None,
    reason: ReasonOption = None,
) -> None:
    """Take in rows as they are now: some by number, or all of a reason, a file or a facility.

    What was accepted before is a duplicate: nothing is booked twice. Rows that are still at fault
    stay. Exit code 0: none is. 1: some are.

    Example:

      tally quarantine replay --field currency --reason "is not the facility's currency CNY"
    """
    where = _selection(numbers, facility, feed, field, reason)
    with _quarantine(config) as (engine, intake_of):
        done = replay(engine, intake_of, where, _by())
    stdout.print(
        f"{done.accepted:,} accepted, {done.duplicate:,} duplicate, {done.faulty:,} faulty"
    )
    if done.faulty:
        raise typer.Exit(_FAULTY_EXIT)


@quarantine.command("dismiss")
def dismiss_(
    why: WhyOption,
    numbers: Numbers = None,
    config: ConfigOption = DEFAULT_CONFIG,
    facility: FacilityOption = None,
    feed: FeedOption = None,
    field: FieldOption = None,
    reason: ReasonOption = None,
) -> None:
    """Let rows wait no more: they are never taken in, and stay in the list with your reason.

    `tally quarantine restore` undoes it.

    Example:

      tally quarantine dismiss 17 18 --why "test rows of the sender" --config bank.toml
    """
    where = _selection(numbers, facility, feed, field, reason)
    with _quarantine(config) as (engine, _):
        done = dismiss(engine, where, why, _by())
    stdout.print(f"{done.rows:,} rows dismissed")


@quarantine.command("restore")
def restore_(
    why: WhyOption,
    numbers: Numbers = None,
    config: ConfigOption = DEFAULT_CONFIG,
    facility: FacilityOption = None,
    feed: FeedOption = None,
    field: FieldOption = None,
    reason: ReasonOption = None,
) -> None:
    """Let rows that were dismissed wait again.

    Example:

      tally quarantine restore 17 --why "the sender says that it is real" --config bank.toml
    """
    where = _selection(numbers, facility, feed, field, reason)
    with _quarantine(config) as (engine, _):
        done = restore(engine, where, why, _by())
    stdout.print(f"{done.rows:,} rows wait again")


def _selection(
    numbers: list[int] | None,
    facility: str | None,
    feed: int | None,
    field: str | None,
    reason: str | None,
) -> Selection:
    where = Selection(facility, feed, field, reason, numbers=numbers or None)
    if where == Selection():
        raise UsageFault(
            "no rows were named", remedy="Give numbers, or --reason, --field, --feed, --facility"
        )
    return where


@contextmanager
def _quarantine(config: Path) -> Iterator[tuple[Engine, IntakeOf]]:
    """The bank's database, with the key of what is sealed in it, and its facilities' intakes."""
    with with_vault(config) as (bank, engine):
        yield engine, Intakes(engine, bank.name, is_behind=lambda: False).open


def _by() -> str:
    return f"{user()} (command line)"


def _values(given: list[str], file: Path | None) -> dict[str, str | None]:
    values: dict[str, str | None] = {}
    if file is not None:
        try:
            octets = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
            found = orjson.loads(octets)
        except OSError as fault:
            raise UsageFault(
                f"--values cannot be read ({fault.strerror})", where=str(file)
            ) from None
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict) or not all(
            value is None or isinstance(value, str) for value in found.values()
        ):
            raise UsageFault(
                "--values holds no JSON object of texts",
                where=str(file),
                remedy='Write {"amount": "12.50", "partner": null}',
            )
        values |= found
    for one in given:
        column, equals, value = one.partition("=")
        if not equals:
            raise UsageFault(f"{one!r} is not COLUMN=VALUE", remedy="Write amount=12.50")
        values[column] = value
    return values


def _print_row(found: RowInFull, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(found))
        return
    row = found.row
    head = f"row {row.row} of {Path(row.feed).name} (feed {row.feed_id}, {row.facility})"
    stdout.print(f"{head}: {row.status}")
    if row.reason:
        stdout.print(Text(f"{row.field} {row.reason}: {row.value!r}", "yellow"))
    stdout.print(Text(found.text if found.text is not None else "the row is not kept", "dim"))
    for column, value in found.columns.items():
        stdout.print(f"  {column:<12} {value!r}")
    for step in found.steps:
        what = f"{step.at} {step.step} by {step.by}: {step.status} {step.field} {step.reason}"
        stdout.print(what.rstrip())
        if step.why:
            stdout.print(f"  {step.why}")
        for column, change in step.changes.items():
            stdout.print(f"  {column:<12} {change.was!r} -> {change.now!r}")
