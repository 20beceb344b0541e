"""`tally report`: the auditors' reports of a facility."""

import shutil
import sys
import tempfile
from collections.abc import Callable
from inspect import getdoc
from pathlib import Path
from typing import Annotated, Any

import typer
from click import Context

from app.cli.report.progress import shown
from app.cli.shared.console import stderr
from app.cli.shared.files import written
from app.cli.shared.lazy import commands_of
from app.cli.shared.reading import (
    DEFAULT_CONFIG,
    ConfigOption,
    FirstDay,
    LastDay,
    reading,
    record_export,
)
from app.domain.errors import UsageFault
from app.domain.numbers import LARGEST, LARGEST_SMALL
from app.locale import DEFAULT, LANGUAGES, set_language
from app.readmodel.days.queries import day_record
from app.readmodel.pairs import queries as pairs
from app.reports.catalogue import FORMATS, REPORTS, Format, file_name
from app.reports.certificate import (
    day_certificate,
    digest_of,
    pair_certificate,
)
from app.reports.model import Report
from app.reports.source import Request, Source, open_source

_TEXT_FORMATS = ("csv", "json")

LanguageOption = Annotated[
    str,
    typer.Option(metavar="|".join(LANGUAGES), help="Of what people read (xlsx, pdf)."),
]

_GRANTS = "app.cli.report.grants"
_WithMore = commands_of(
    {"prove": "app.cli.report.prove", "grant": _GRANTS, "revoke": _GRANTS, "grants": _GRANTS}
)


class _Group(_WithMore):  # type: ignore[misc, valid-type]
    def parse_args(self, ctx: Context, args: list[str]) -> Any:
        """Options alone mean the reconciliation, as before there were other reports."""
        if args and args[0].startswith("--") and args[0] != "--help":
            args = ["reconciliation", *args]
        return super().parse_args(ctx, args)


report = typer.Typer(
    cls=_Group,
    help="Write a report of a facility between two business dates, for auditors.",
    no_args_is_help=True,
)


def _command(name: str, make: Callable[[Source], Report]) -> Callable[..., None]:
    def write(
        facility: Annotated[str, typer.Option(metavar="ID", help="The facility's id.")],
        first: FirstDay,
        last: LastDay,
        partner: Annotated[
            str | None, typer.Option(metavar="NAME", help="One partner's account alone.")
        ] = None,
        block: Annotated[
            int | None,
            typer.Option(
                metavar="N",
                min=0,
                max=LARGEST,
                help="As of this block; else the last one.",
            ),
        ] = None,
        format_: Annotated[
            str,
            typer.Option(
                "--format", metavar="|".join(FORMATS), help="xlsx for people, csv for programs."
            ),
        ] = "xlsx",
        out: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE",
                help="Where to; - is standard output (csv, json); else a new name here.",
            ),
        ] = None,
        language: LanguageOption = DEFAULT,
        config: ConfigOption = DEFAULT_CONFIG,
    ) -> None:
        chosen = _format(format_, out)
        _read_in(language)
        request = Request(
            facility=facility,
            first=first.date(),
            last=last.date(),
            partner=partner,
            block=block,
        )
        with reading(config) as engine, open_source(engine, request) as source:
            made = make(source)
            record_export(engine, file_name(made.name, request, chosen))
            if out == Path("-"):
                _to_standard_output(made, chosen)
                return
            path = out or Path(file_name(made.name, request, chosen))
            with shown(made) as told:
                written(path, lambda target: chosen.write(told, target))
            stderr.print(f"{path}: as of block {source.as_of.block_number:,}")
            if source.is_provisional:
                stderr.print(f"provisional: {source.provisional}")

    write.__doc__ = (
        f"{getdoc(make)}\n\nThe same block and the same words give the same bytes from every "
        f"node.\n\nExample:\n\n  tally report {name} --facility WLD-2016-A --from 2026-03-01 "
        "--to 2026-03-31 --format xlsx"
    )
    return write


for _name, _make in REPORTS.items():
    report.command(_name)(_command(_name, _make))


@report.command("certificate")
def certificate(
    pair: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, max=LARGEST, help="Of a pair, by its number in `tally breaks`."
        ),
    ] = None,
    day: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=LARGEST_SMALL,
            help="Of a day, by its number in `tally day list`.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to; else a new name here.")
    ] = None,
    language: LanguageOption = DEFAULT,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write what two banks signed about one pair or day: a JSON file, and a page to print beside
    it with a code of its digest.

    Example:

      tally report certificate --pair 12 --out break-12.json
    """
    if (pair is None) == (day is None):
        raise UsageFault(
            "a certificate is of one pair or of one day", remedy="Give --pair or --day"
        )
    _read_in(language)
    path = out or Path(f"certificate-{'day' if pair is None else 'pair'}-{pair or day}.json")
    with reading(config) as engine:
        with engine.connect() as connection:
            if pair is not None:
                found = pairs.pair(connection, pair)
                if found is None:
                    raise UsageFault(f"there is no pair {pair} in this view")
                made = pair_certificate(connection, found)
            else:
                assert day is not None, "one of the two is given"
                record = day_record(connection, day)
                if record is None:
                    raise UsageFault(f"there is no statement {day} in this view")
                made = day_certificate(connection, record)
        record_export(engine, f"certificate of {'day' if pair is None else 'pair'} {pair or day}")
    # Loaded when it is needed: fpdf and numpy take half a second.
    from app.reports.certificate_page import write_certificate_page

    page = path.with_suffix(".pdf")
    written(path, lambda target: target.write_bytes(made))
    written(page, lambda target: write_certificate_page(made, target))
    stderr.print(f"{path}, {page}: SHA-256 {digest_of(made)}")


def _read_in(language: str) -> None:
    if language not in LANGUAGES:
        raise UsageFault(
            f"language {language!r} is none of ours", remedy=f"Give {' or '.join(LANGUAGES)}"
        )
    set_language(language)


def _format(name: str, out: Path | None) -> Format:
    if name not in FORMATS:
        raise UsageFault(
            f"format {name!r} is none of ours", remedy=f"Its formats: {', '.join(FORMATS)}"
        )
    if out == Path("-") and name not in _TEXT_FORMATS:
        raise UsageFault(f"{name} cannot go to standard output", remedy="Give --out FILE")
    return FORMATS[name]


def _to_standard_output(made: Report, chosen: Format) -> None:
    """Only a whole report goes there: it is written to a file before."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report"
        chosen.write(made, path)
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.flush()
