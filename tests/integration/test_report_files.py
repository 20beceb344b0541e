"""Reports as Parquet and as printed pages: what other programs and people find in them."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.parquet as pq
import pypdfium2
import pytest
from sqlalchemy import Engine

from app.db.engine import create
from app.domain.kinds import Kind
from app.locale import in_language, said
from app.reports import write_pdf
from app.reports.catalogue import FORMATS, REPORTS
from app.reports.source import Request, open_source
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT

DAY = START.date()
CHINESE = "微众银行"
EVIL = "=1+1 合同"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = create(f"sqlite:///{tmp_path_factory.mktemp('node') / 'node.db'}", vault=VAULT)
    seed = Seed(opened, partners=("huarui", CHINESE, "nanfeng"))
    seed.fill(40)
    with opened.begin() as connection:
        seed.pair(connection, 1, Kind.FEE, EVIL, 500, "amount", day=DAY)
        for place in range(10_000, 10_020):
            seed.pair(connection, 2, Kind.TOP_UP, f"BIG-{place}", 10**15, "matched", day=DAY)
        seed.close_block(connection)
    yield opened
    opened.dispose()


def made(engine: Engine, name: str, format_: str, path: Path) -> Path:
    request = Request(facility="WLD-2016-A", first=DAY, last=DAY)
    with open_source(engine, request) as source:
        FORMATS[format_].write(REPORTS[name](source), path)
    return path


def test_parquet_has_decimals_and_a_manifest_with_digests(engine: Engine, tmp_path: Path) -> None:
    with ZipFile(made(engine, "reconciliation", "parquet", tmp_path / "report")) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        files = {one["section"]: archive.read(one["name"]) for one in manifest["files"]}
    assert manifest["parameters"]["facility"] == "WLD-2016-A"
    tables = {}
    for one in manifest["files"]:
        data = files[one["section"]]
        assert hashlib.sha256(data).hexdigest() == one["sha256"]
        table = tables[one["section"]] = pq.read_table(io.BytesIO(data))
        assert table.num_rows == one["rows"]
    lines = tables["lines"]
    assert lines.schema.field("lead_book").type == pa.decimal128(38, 2)
    assert lines.schema.field("lead_business_date").type == pa.date32()
    breaks = tables["breaks"]
    assert breaks.schema.field("first_posted_at").type == pa.timestamp("ms", tz="UTC")
    assert EVIL in breaks["event_ref"].to_pylist()
    summary = tables["summary"].to_pylist()
    [closed] = [
        row["closing"] for row in summary if (row["partner"], row["book"]) == (CHINESE, "agreed")
    ]
    assert closed > Decimal(20 * 10**13)
    assert closed == sum(
        row["agreed"] or 0 for row in lines.to_pylist() if row["partner"] == CHINESE
    )


def test_what_people_read_is_in_their_language_and_what_programs_read_is_not(
    engine: Engine, tmp_path: Path
) -> None:
    with in_language("zh-Hans"):
        pdf = made(engine, "reconciliation", "pdf", tmp_path / "report.pdf")
        csv = made(engine, "reconciliation", "csv", tmp_path / "report.csv")
        xlsx = made(engine, "reconciliation", "xlsx", tmp_path / "report.xlsx")
        words = {name: said(name) for name in ("missing at partner", "principal")}
    with closing(pypdfium2.PdfDocument(pdf)) as document:
        first = document[0].get_textpage().get_text_bounded()
        printed = "".join(page.get_textpage().get_text_bounded() for page in document)
    assert "每日对账表" in first
    assert "核验差额" in first
    assert "Opening" not in first and "contract's own books" not in first
    assert words["missing at partner"] in printed and "missing_at" not in printed
    text = csv.read_text("utf-8-sig")
    assert text.startswith("section,") and "missing_at_partner" in text
    with ZipFile(xlsx) as archive:
        names = [one for one in archive.namelist() if one.startswith("xl/worksheets/")]
        sheets = "".join(archive.read(one).decode() for one in names)
    assert words["missing at partner"] in sheets and "missing_at" not in sheets
    # Totals add up the lines of a kind by the word that stands there.
    assert f'"={words["principal"]}"' in sheets


def test_a_printed_report_has_page_numbers_signers_and_chinese(
    engine: Engine, tmp_path: Path
) -> None:
    path = made(engine, "reserve-statement", "pdf", tmp_path / "report.pdf")
    with closing(pypdfium2.PdfDocument(path)) as document:
        pages = [page.get_textpage().get_text_bounded() for page in document]
    assert f"1 / {len(pages)}" in pages[0]
    assert f"Signed on the chain by webank, huarui, {CHINESE}, nanfeng" in pages[0]
    assert "Agreed 200,000," in "".join(pages)
    assert all("block 102" in page for page in pages)
    assert b"FontFile" in path.read_bytes()
    assert path.stat().st_size < 300_000  # only what is used of the font


def test_what_is_not_printed_is_said(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_pdf, "MAX_LINES", 10)
    path = made(engine, "break-ageing", "pdf", tmp_path / "few.pdf")
    with closing(pypdfium2.PdfDocument(path)) as document:
        few = "".join(page.get_textpage().get_text_bounded() for page in document)
    path = made(engine, "reserve-statement", "pdf", tmp_path / "many.pdf")
    with closing(pypdfium2.PdfDocument(path)) as document:
        many = "".join(page.get_textpage().get_text_bounded() for page in document)
    assert "are printed" not in few
    assert "10 of " in many
    assert "the other formats hold all of them" in many
