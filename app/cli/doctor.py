"""`tally doctor`: finds the common faults and says what to do."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from app.cli.shared.console import print_json, stdout
from app.cli.shared.reading import JsonOption
from app.doctor.examine import examine

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}
_WORDS = {"ok": "ok", "warn": "warn", "fail": "FAIL"}


def doctor(
    config: Annotated[
        Path, typer.Option(help="The bank's bank.toml, or a node file that lists channels.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Look at everything that a bank's node needs, one line a check: ok, warn or FAIL, and what to
    do. Changes nothing; run it beside the node or without it. Ends with 1 when a check fails.

    Example:

      tally doctor --config bank.toml
    """
    found = []
    for finding in examine(config):
        found.append(finding)
        if not as_json:
            line = Text(f"{_WORDS[finding.level]:<4}", style=_STYLES[finding.level])
            line.append(f"  {finding.check}: {finding.what}", style="default")
            if finding.remedy:
                line.append(f". {finding.remedy}", style="default")
            stdout.print(line, soft_wrap=True)
    healthy = all(finding.level != "fail" for finding in found)
    if as_json:
        print_json({"healthy": healthy, "checks": list(map(asdict, found))})
    raise typer.Exit(0 if healthy else 1)
