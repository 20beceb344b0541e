"""`tally feed`: try a feed file out, or push it to a bank's node."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from app.cli.shared.console import stderr, stdout
from app.cli.shared.node import AuthorityOption, NodeOption, trusted
from app.client.node import NodeClient
from app.domain.errors import FeedFault, UsageFault
from app.intake.check import check_feed
from app.intake.facility_file import load_facility
from app.intake.reader import check_header
from app.intake.results import Verdict
from app.presentation.events import VerdictOut

_DIFFERENCES_EXIT = 1
_CHUNK_BYTES = 256 * 1024
_KEY_VARIABLE = "TALLY_API_KEY"

feed = typer.Typer(help="Try a feed file out, or push it to a bank's node.", no_args_is_help=True)


@feed.command()
def check(
    file: Annotated[Path, typer.Argument(help="The feed (CSV or JSON lines).")],
    facility: Annotated[Path, typer.Option(help="The facility file (TOML).")],
    bank: Annotated[
        str | None, typer.Option("--as", metavar="BANK", help="The sender; else the lead.")
    ] = None,
) -> None:
    """Say what would be accepted and what would be quarantined, without sending anything.

    Exit code 0: every row is good. 1: rows would be quarantined. 2: the file cannot be used.

    Example:

      tally feed check huarui.csv --facility WLD-2016-A.toml --as huarui
    """
    terms = load_facility(facility)

    def report(verdict: Verdict) -> None:
        _print_quarantined(verdict.row, verdict.field, verdict.value, verdict.reason)

    sender = bank or terms.lead
    seen = check_feed(file, terms, sender, quarantined=report)
    for warning in seen.warnings:
        stderr.print(Text.assemble(("warning", "yellow"), f" {warning}"))
    result = seen.result
    _print_sums(result.rows_in, result.accepted, result.duplicate, result.quarantined)
    if result.quarantined:
        if bank is None:
            others = ", ".join(one.name for one in terms.partners)
            stderr.print(f"looked at as a feed of {sender}, the lead; --as for {others}")
        raise typer.Exit(_DIFFERENCES_EXIT)


@feed.command()
def submit(
    file: Annotated[Path, typer.Argument(help="The feed (CSV or JSON lines).")],
    node: NodeOption,
    key_file: Annotated[
        Path | None,
        typer.Option(help=f"File with the API key; else it is taken from {_KEY_VARIABLE}."),
    ] = None,
    facility: Annotated[
        str | None, typer.Option(metavar="ID", help="The facility's id; else the first row's.")
    ] = None,
    ca: AuthorityOption = None,
) -> None:
    """Push a feed to a bank's node. What it answers as accepted is durable there.

    Sending the same file again is harmless: its rows are duplicates then.
    Exit code 0: every row was taken. 1: rows were quarantined. 2: it cannot be sent. 3: it failed.

    Example:

      TALLY_API_KEY=$(cat webank.key) tally feed submit webank.csv --node http://127.0.0.1:8701
    """
    check_header(file)
    key = _key(key_file)
    id_ = facility or _first_facility(file)
    content_type = "application/x-ndjson" if _is_json(file) else "text/csv"
    with (
        Progress(
            TextColumn("sending"),
            BarColumn(),
            DownloadColumn(),
            TimeElapsedColumn(),
            console=stderr,
            disable=not stderr.is_terminal,
        ) as bars,
        NodeClient(node, key=key, trusted=trusted(ca)) as client,
    ):
        task = bars.add_task("", total=file.stat().st_size)

        def body() -> Iterator[bytes]:
            with file.open("rb") as stream:
                while part := stream.read(_CHUNK_BYTES):
                    bars.advance(task, len(part))
                    yield part

        sums = client.push_feed(id_, content_type, body(), _show_verdict)
    _print_sums(sums.rows_in, sums.accepted, sums.duplicate, sums.quarantined)
    if sums.quarantined:
        raise typer.Exit(_DIFFERENCES_EXIT)


def _key(path: Path | None) -> str:
    if path is None:
        key = os.environ.get(_KEY_VARIABLE, "")
    else:
        try:
            key = path.read_text()
        except OSError as fault:
            raise UsageFault(
                f"the key file cannot be read ({fault.strerror})", where=str(path)
            ) from None
    if not key.strip():
        raise UsageFault(
            "there is no API key",
            remedy=f"Set {_KEY_VARIABLE} or give --key-file; `tally keys create` makes a key",
        )
    return key.strip()


def _is_json(file: Path) -> bool:
    with file.open("rb") as stream:
        for line in stream:
            start = line.removeprefix(b"\xef\xbb\xbf").strip()
            if start:
                return start.startswith(b"{")
    return False


def _first_facility(file: Path) -> str:
    """The facility that the first row names."""
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        lines = (line for line in stream if line.strip())
        if _is_json(file):
            try:
                found = orjson.loads(next(lines)).get("facility")
            except (orjson.JSONDecodeError, AttributeError):
                found = None
        else:
            found = next(csv.DictReader(lines), {}).get("facility")
    if not isinstance(found, str) or not found:
        raise FeedFault(
            "the first row names no facility", where=str(file), remedy="Give --facility ID"
        )
    return found


def _show_verdict(verdict: VerdictOut) -> None:
    if verdict.verdict == "quarantined":
        _print_quarantined(
            verdict.row, verdict.field or "", verdict.value or "", verdict.reason or ""
        )


def _print_quarantined(row: int, field: str, value: str, reason: str) -> None:
    stderr.print(
        Text.assemble(f"row {row}: ", (field, "bold"), " ", (repr(value[:60]), "dim"), f" {reason}")
    )


def _print_sums(rows_in: int, accepted: int, duplicate: int, quarantined: int) -> None:
    stdout.print(
        f"{rows_in:,} rows in: {accepted:,} accepted, {duplicate:,} duplicate, "
        f"{quarantined:,} quarantined"
    )
