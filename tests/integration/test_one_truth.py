"""A report's totals are the sums of its lines, the API's and the contract's own, as of any block;
and the same report is the same bytes from the lead's, a partner's and the auditor's node."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pypdfium2
import pytest
from sqlalchemy import Engine

from app.contracts.reserve_ledger import ReserveLedger
from app.db.engine import create, upgrade
from app.domain.errors import UsageFault
from app.domain.kinds import Kind
from app.domain.money import format_amount
from app.domain.resolutions import Action, Side
from app.readmodel.chain import position
from app.reports.catalogue import FORMATS, REPORTS
from app.reports.certificate import pair_certificate
from app.reports.source import Request, Source, open_source
from tests.integration.faces import face
from tests.integration.posted import TODAY, Event, World
from tests.integration.test_report import totals_that_are_not_their_lines
from tests.integration.test_resolutions import (
    pair,
    post_breaks,
    propose,
    resolution,
    resolve,
    top_up,
)
from tests.integration.vaults import VAULT

DAY = date.fromordinal(TODAY)
HUARUI = 1
_PRINTED = "resolution-log"
NODES = {"webank": "lead", "huarui": "partner", "auditor": "auditor"}


@dataclass
class Told:
    """A world whose history was read by three nodes; `heights` of interest on the way."""

    world: World
    engines: dict[str, Engine]
    heights: dict[str, int]


@pytest.fixture(scope="module")
def told(founded_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    world, heights = founded_world, {}

    def height() -> int:
        """The block, which is told from the next by its time."""
        world.rpc.call("evm_increaseTime", [1])
        return int(world.rpc.call("eth_blockNumber", []), 16)

    world.post("webank", top_up("FUND", 1_000_000, HUARUI), top_up("FUND-2", 700, 2))
    heights["one half"] = height()
    world.post("huarui", top_up("FUND", 1_000_000))
    world.post("wuxi", top_up("FUND-2", 700))
    heights["matched"] = height()
    post_breaks(world)
    world.post("webank", Event(Kind.DRAWDOWN, "L1", 999_999), Event(Kind.DRAWDOWN, "L1", 5))
    world.post("huarui", Event(Kind.DRAWDOWN, "L1", 453_299))
    heights["broken"] = height()
    propose(world, "webank", resolution(world, top_up("DATE", 1), Action.FORCE))
    heights["proposed"] = height()
    resolve(world, top_up("AMOUNT", 1), Action.ADJUST, Side.LEAD)
    resolve(world, top_up("LEAD", 1), Action.WRITE_OFF)
    heights["resolved"] = height()
    with ExitStack() as stack:
        engines = {}
        for bank in NODES:
            folder = tmp_path_factory.mktemp(bank)
            engine = create(f"sqlite:///{folder / 'node.db'}", vault=VAULT)
            stack.callback(engine.dispose)
            upgrade(engine)
            world.indexer(bank, engine).advance()
            engines[bank] = engine
        yield Told(world, engines, heights)


@contextmanager
def source(told: Told, bank: str, block: int | None, partner: str | None) -> Iterator[Source]:
    request = Request(
        facility=told.world.facility_id, first=DAY, last=DAY, partner=partner, block=block
    )
    with open_source(told.engines[bank], request) as opened:
        yield opened


def contract_books(world: World, block: int, partner: int) -> tuple[int, int, int]:
    """The contract's own three books after a block, from an archive."""
    ledger = ReserveLedger(world.rpc, world.manifest.addresses["ReserveLedger"])
    books = ledger.contract.functions.account(world.facility, partner).call(block_identifier=block)
    return int(books[0]), int(books[1]), int(books[2])


@pytest.mark.parametrize("moment", ["one half", "matched", "broken", "proposed", "resolved"])
def test_totals_are_the_lines_and_the_contracts_own_at_that_block(
    told: Told, moment: str, tmp_path: Path
) -> None:
    block = told.heights[moment]
    with source(told, "auditor", block, None) as opened:
        report = REPORTS["reconciliation"](opened)
        assert totals_that_are_not_their_lines(report) == []
        FORMATS["json"].write(report, tmp_path / "report.json")
        FORMATS["xlsx"].write(report, tmp_path / "report.xlsx")
    sections = {
        one["name"]: one["rows"]
        for one in json.loads((tmp_path / "report.json").read_text())["sections"]
    }
    expected = {
        (name, book): format_amount(amount, 2)
        for number, name in enumerate(told.world.partners, start=1)
        for book, amount in zip(
            ("lead", "partner", "agreed"),
            contract_books(told.world, block, number),
            strict=True,
        )
    }
    summary = {(row["partner"], row["book"]): row for row in sections["summary"]}
    assert {key: row["closing"] for key, row in summary.items()} == expected
    assert {row["proof"] for row in sections["proof"]} == {"0.00"}
    sheet = openpyxl.load_workbook(tmp_path / "report.xlsx", data_only=True).worksheets[0]
    shown = {
        (row[0], row[1]): f"{row[4]:.2f}"
        for row in sheet.iter_rows(values_only=True)
        if row[1] in ("lead", "partner", "agreed")
    }
    assert shown == expected


def test_the_api_says_the_same(told: Told) -> None:
    with face(told.engines["webank"]) as node, node.client("read") as client:
        query: dict[str, Any] = {
            "facility": told.world.facility_id,
            "from": DAY.isoformat(),
            "to": DAY.isoformat(),
        }
        made = client.get("/v1/reports/reconciliation", params=query)
        assert made.headers["content-type"] == "application/json"
        assert "reconciliation_WLD-2016-A" in made.headers["content-disposition"]
        reserves = client.get("/v1/balances").json()["items"]
        for name, one in FORMATS.items():
            answer = client.get("/v1/reports/reconciliation", params=query | {"format": name})
            assert answer.status_code == 200
            assert answer.headers["content-type"] == one.media_type
        wrong = client.get("/v1/reports/reconciliation", params=query | {"facility": "NOPE"})
        assert wrong.status_code == 422
        late = client.get("/v1/reports/reconciliation", params=query | {"block": 10**9})
        assert late.status_code == 422
    with face(told.engines["webank"]) as node, node.client("feeds") as client:
        assert client.get("/v1/reports/reconciliation", params=query).status_code == 403
    rows = {
        (row["partner"], row["book"]): row
        for section in made.json()["sections"]
        for row in section["rows"]
        if section["name"] == "summary"
    }
    for account in reserves:
        for book in ("lead", "partner", "agreed"):
            key = "agreed" if book == "agreed" else f"{book}_book"
            assert rows[account["partner"], book]["contract"] == account[key]
            assert rows[account["partner"], book]["difference"] == "0.00"


# Of now, exceptions are a bank's own: see test_reports_as_of.
@pytest.mark.parametrize("name", [name for name in REPORTS if name != "exceptions"])
def test_lead_partner_and_auditor_make_the_same_bytes(
    told: Told, name: str, tmp_path: Path
) -> None:
    for block in (told.heights["proposed"], None):
        # A printed page takes a second for its font: one report shows it for all.
        left_out = {"pdf"} if name != _PRINTED else set()
        for format_ in (one for one in FORMATS.values() if one.name not in left_out):
            written = set()
            for bank in NODES:
                with source(told, bank, block, "huarui") as opened:
                    try:
                        report = REPORTS[name](opened)
                    except UsageFault as fault:
                        assert block is not None
                        assert "past block" in str(fault)
                        continue
                    format_.write(report, tmp_path / "report")
                written.add((tmp_path / "report").read_bytes())
            assert len(written) <= 1


def test_a_past_block_shows_what_stood_then(told: Told) -> None:
    def statuses(moment: str) -> list[tuple[str, str]]:
        with source(told, "huarui", told.heights[moment], None) as opened:
            [section] = REPORTS["resolution-log"](opened).sections
            return [(str(row[1]), str(row[3])) for row in section.rows()]

    assert statuses("broken") == []
    assert statuses("proposed") == [("force", "proposed")]
    assert statuses("resolved") == [
        ("force", "proposed"),
        ("adjust", "accepted"),
        ("write_off", "accepted"),
    ]


def test_a_block_that_was_not_read_is_refused(told: Told) -> None:
    with told.engines["webank"].connect() as connection:
        read = position(connection)
    assert read is not None
    with (
        pytest.raises(UsageFault, match="not read yet"),
        source(told, "webank", read.block_number + 1, None),
    ):
        pass


@pytest.mark.parametrize("event_ref", ["AMOUNT", "DATE", "EQUAL", "PARTNER"])
def test_a_certificate_is_the_same_file_from_every_node(told: Told, event_ref: str) -> None:
    made = set()
    for bank in NODES:
        found = pair(told.engines[bank], event_ref, partner="huarui")
        with told.engines[bank].connect() as connection:
            made.add(pair_certificate(connection, found))
    [certificate] = made
    facts = json.loads(certificate)
    world = told.world
    for side, bank in (("lead", "webank"), ("partner", "huarui")):
        if half := facts["halves"].get(side):
            receipt = world.rpc.call("eth_getTransactionReceipt", [half["transaction"]])
            assert (
                half["signer"].lower() == receipt["from"] == world.operators[bank].address.lower()
            )
            assert half["block"] == int(receipt["blockNumber"], 16)
            assert half["block_hash"] == receipt["blockHash"]
    assert facts["rules"]["hash"] == "0x" + world.registry.terms_hash(
        world.registry.terms(world.facility)
    ).hex().removeprefix("0x")
    assert ("as_of" in facts) == (event_ref in ("DATE", "PARTNER"))
    if event_ref == "AMOUNT":
        signers = facts["resolution"]["signers"]
        assert [one["bank"] for one in signers] == ["webank", "huarui"]
        sender = world.rpc.call("eth_getTransactionByHash", [facts["resolution"]["accepted_in"]])[
            "from"
        ]
        assert signers[1]["approver"].lower() == sender


def test_a_certificate_says_that_a_half_was_reversed(told: Told) -> None:
    """Else a drawdown that both banks took back has the certificate of one that stands."""
    found = pair(told.engines["webank"], "EQUAL", partner="huarui")
    assert found.lead is not None
    taken_back = replace(found, lead=replace(found.lead, reversed=True))
    with told.engines["webank"].connect() as connection:
        before, after = (
            json.loads(pair_certificate(connection, one))["halves"] for one in (found, taken_back)
        )
    assert after["lead"] == before["lead"] | {"reversed": True}
    assert "reversed" not in before["lead"] and after["partner"] == before["partner"]


def test_a_certificates_page_bears_the_digest_of_its_file(told: Told) -> None:
    found = pair(told.engines["webank"], "AMOUNT", partner="huarui")
    with face(told.engines["webank"]) as node, node.client("read") as client:
        path = f"/v1/pairs/{found.number}/certificate"
        file, page = client.get(path), client.get(path, params={"format": "pdf"})
        in_chinese = client.get(path, params={"format": "pdf", "language": "zh-Hans"})
        assert client.get("/v1/pairs/999999/certificate").status_code == 404
        assert client.get("/v1/day-closes/999999/certificate").status_code == 404
    digest = hashlib.sha256(file.content).hexdigest()
    assert file.headers["x-content-sha256"] == digest
    assert page.headers["content-type"] == "application/pdf"
    text, chinese = _printed(page.content), _printed(in_chinese.content)
    assert digest in text and digest in chinese
    assert "adjust" in text and "adjust" not in chinese
    assert "已处理差异证书" in chinese


def _printed(page: bytes) -> str:
    with closing(pypdfium2.PdfDocument(page)) as document:
        return "".join(one.get_textpage().get_text_bounded() for one in document)
