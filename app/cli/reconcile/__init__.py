"""`tally reconcile`: the main job in one go."""

import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.shared.console import print_json, stdout
from app.cli.shared.summary import print_summary
from app.domain.errors import UsageFault
from app.domain.facility import Facility
from app.intake.facility_file import load_facility
from app.intake.reader import check_header

_DIFFERENCES_EXIT = 1


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
    engine: Annotated[
        Literal["anvil", "ganache"], typer.Option(help="The fresh chain's engine.")
    ] = "anvil",
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
    # Loaded only now: what cannot be used is said before the chain's libraries are.
    from app.cli.reconcile.run import run
    from app.cli.shared.run_result import has_differences

    result = run(terms, feeds, network_dir, engine, out, started)
    if as_json:
        print_json(result)
    else:
        print_summary(stdout, result)
        if out is not None:
            stdout.print(f"matched.csv, breaks.csv and quarantine.csv are in {out}")
    if has_differences(result):
        raise typer.Exit(_DIFFERENCES_EXIT)


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
