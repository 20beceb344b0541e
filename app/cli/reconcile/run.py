"""What `tally reconcile` does once its arguments and files are found usable."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from app.cli.shared.console import stderr
from app.cli.shared.run_result import quarantine_lines, run_result
from app.domain.facility import Facility
from app.local import reconcile as service
from app.local.consortium import Consortium, embedded, network
from app.local.workers import prepare, working
from app.outbox.progress import last_batch
from app.reports.run_files import write_pairs, write_quarantine
from deploy.consortium import Member
from ganache.launcher import Engine


def run(
    terms: Facility,
    feeds: dict[str, Path],
    network_dir: Path | None,
    engine: Engine,
    out: Path | None,
    started: float,
) -> dict[str, Any]:
    """Reconcile on the network in `network_dir`, or on a fresh chain; returns the result object.

    `started` (monotonic) is when the command began. Raises TallyError.
    """
    prepare(feeds)
    with ExitStack() as stack:
        if network_dir is not None:
            consortium = stack.enter_context(network(network_dir))
        else:
            stderr.print("founding the consortium", style="dim")
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tally-")))
            members = [Member(terms.lead, "lead")]
            members += [Member(partner.name, "partner") for partner in terms.partners]
            consortium = stack.enter_context(embedded(folder, members, engine))
        return _reconcile(consortium, terms, feeds, out, started)


def _reconcile(
    consortium: Consortium,
    terms: Facility,
    feeds: dict[str, Path],
    out: Path | None,
    started: float,
) -> dict[str, Any]:
    consortium.agree(terms)
    with ExitStack() as stack:
        banks = [consortium.bank(name) for name in terms.banks]
        for bank in banks:
            stack.callback(bank.close)
            bank.follower.verify_chain()
        before = {bank.name: last_batch(bank.engine, terms.id) for bank in banks}
        configs = {name: consortium.folder.config(name) for name in terms.banks}
        with working(configs, terms.id, feeds) as workers, _progress(feeds) as progress:
            outcome = service.reconcile(workers, consortium.height, progress)
        result = run_result(consortium, banks, terms, outcome, before)
        if out is not None:
            write_pairs(banks[0].engine, terms.id, out)
            write_quarantine(quarantine_lines(banks, outcome, feeds), out)
    result["seconds"] = {
        "total": round(time.monotonic() - started, 3),
        "posting": round(outcome.timing.posting, 3),
        "waiting": round(outcome.timing.waiting, 3),
    }
    return result


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
                bars.console.print(Text.assemble(("warning", "yellow"), f" {message.text}"))
            if bank not in tasks:
                return
            if isinstance(message, service.RowsTaken):
                bars.advance(tasks[bank], message.count)
            elif isinstance(message, service.BatchesMoved):
                moved[bank] += message.count
                bars.update(tasks[bank], moved=moved[bank])

        yield hear
