"""`tally reconcile`: the main job in one go."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.cli.console import stderr, stdout
from app.cli.run_result import has_differences, quarantine_lines, run_result
from app.cli.summary import print_summary
from app.consortium import Consortium, embedded, network
from app.domain.errors import UsageFault
from app.domain.facility import Facility, load_facility
from app.feeds.reader import check_header
from app.outbox.runs import last_batch
from app.reports.run_files import write_pairs, write_quarantine
from app.services import reconcile as service
from app.workers import working
from deploy.consortium import Member

_DIFFERENCES_EXIT = 1


class Engine(StrEnum):
    """Chain engines that can be embedded."""

    anvil = "anvil"
    ganache = "ganache"


def reconcile(
    lead: Annotated[Path, typer.Option(help="The lead bank's feed (CSV or JSON lines).")],
    facility: Annotated[Path, typer.Option(help="The facility file (TOML).")],
    partner: Annotated[
        list[str], typer.Option(metavar="NAME=FEED", help="A partner bank's feed; repeat for each.")
    ] = [],  # noqa: B006 - Typer reads the default
    network_dir: Annotated[
        Path | None,
        typer.Option("--network", metavar="DIR", help="Use this network, not a fresh chain."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write matched.csv, breaks.csv and quarantine.csv here."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    engine: Annotated[Engine, typer.Option(help="The fresh chain's engine.")] = Engine.anvil,
) -> None:
    """Reconcile the banks' feeds: each bank signs and posts its own, the contracts match them.

    Exit code 0: all matched. 1: breaks, duplicate legs or quarantined rows. 2: an argument or a
    file cannot be used (nothing was posted). 3: something failed on the way.

    Example:

      tally reconcile --facility WLD-2016-A.toml --lead webank.csv
      --partner huarui=huarui.csv --partner luoyang=luoyang.jsonl --out result/
    """
    started = time.monotonic()
    terms = load_facility(facility)
    feeds = _feeds(terms, lead, partner)
    for path in feeds.values():
        check_header(path)
    if out is not None:
        _make_folder(out)
    with ExitStack() as stack:
        if network_dir is not None:
            consortium = network(network_dir)
        else:
            stderr.print("founding the consortium", style="dim")
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tally-")))
            members = [
                Member(name, "partner" if place else "lead")
                for place, name in enumerate(terms.banks)
            ]
            consortium = stack.enter_context(embedded(folder, members, engine.value))
        result, quarantined = _run(consortium, terms, feeds, out, started)
    if out is not None:
        write_quarantine(quarantined, out)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        print_summary(stdout, result)
        if out is not None:
            stdout.print(f"matched.csv, breaks.csv and quarantine.csv are in {out}")
    if has_differences(result):
        raise typer.Exit(_DIFFERENCES_EXIT)


def _run(
    consortium: Consortium,
    terms: Facility,
    feeds: dict[str, Path],
    out: Path | None,
    started: float,
) -> tuple[dict[str, object], list[tuple[str, int, str, str, str]]]:
    consortium.agree(terms)
    with ExitStack() as stack:
        banks = [consortium.bank(name) for name in terms.banks]
        for bank in banks:
            stack.callback(bank.close)
        before = {bank.name: last_batch(bank.engine, terms.id) for bank in banks}
        configs = {name: consortium.folder.config(name) for name in terms.banks}
        with working(configs, terms.id, feeds) as workers, _progress(feeds) as progress:
            outcome = service.reconcile(workers, consortium.height, progress)
        result = run_result(consortium, banks, terms, outcome, before)
        result["seconds"] = {
            "total": round(time.monotonic() - started, 3),
            "posting": round(outcome.timing.posting, 3),
            "waiting": round(outcome.timing.waiting, 3),
        }
        if out is not None:
            write_pairs(banks[0].engine, terms.id, terms.decimals, out)
        return result, quarantine_lines(banks, outcome, feeds)


def _feeds(terms: Facility, lead: Path, partners: list[str]) -> dict[str, Path]:
    """Feeds by bank, the lead's first. Raises UsageFault."""
    feeds = {terms.lead: lead}
    for option in partners:
        name, equals, path = option.partition("=")
        if not equals or not name or not path:
            raise UsageFault(f"--partner {option!r} is not NAME=FEED", remedy="Write huarui=file")
        if name in feeds:
            raise UsageFault(f"bank {name!r} is given twice", remedy="Give each bank one feed")
        if terms.partner(name) is None:
            known = ", ".join(one.name for one in terms.partners)
            raise UsageFault(
                f"bank {name!r} is no partner of facility {terms.id}",
                remedy=f"Its partners are {known}",
            )
        feeds[name] = Path(path)
    return feeds


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise UsageFault(
            f"--out cannot be made ({fault.strerror})", where=str(out), remedy="Choose another"
        ) from None


@contextmanager
def _progress(feeds: dict[str, Path]) -> Iterator[Callable[[str, service.Message], None]]:
    columns = (
        TextColumn("{task.description}"),
        SpinnerColumn(),
        TextColumn("{task.completed:,.0f} rows", justify="right"),
        TextColumn("[dim]{task.fields[moved]} moves on the chain[/]"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=stderr, disable=not stderr.is_terminal) as bars:
        tasks = {name: bars.add_task(name, total=None, moved=0) for name in feeds}
        moved = dict.fromkeys(feeds, 0)

        def hear(bank: str, message: service.Message) -> None:
            if isinstance(message, service.Warned):
                bars.console.print(f"[yellow]warning[/] {escape(message.text)}", highlight=False)
            if bank not in tasks:
                return
            if isinstance(message, service.RowsTaken):
                bars.advance(tasks[bank], message.count)
            elif isinstance(message, service.BatchesMoved):
                moved[bank] += message.count
                bars.update(tasks[bank], moved=moved[bank])

        yield hear
