"""What a member does without end takes nothing from the other banks' views."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.contracts.day_close import DayClose
from app.db.engine import create, upgrade
from app.domain.day_close import OpenItems, Statement, Sums
from app.web import days_page
from tests.integration.faces import face
from tests.integration.posted import TODAY, World
from tests.integration.vaults import VAULT

HUARUI, NANFENG = 1, 3


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    opened = create(sqlite_url, vault=VAULT)
    upgrade(opened)
    yield opened
    opened.dispose()


def test_statements_that_are_taken_back_hide_none_that_waits(
    world: World, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(days_page.day_rows, "__defaults__", (None, None, 3))
    contract = DayClose(world.rpc, world.manifest.addresses["DayClose"])

    def empty_day(partner: int) -> Statement:
        none = Sums(0, 0, 0)
        items = OpenItems(0, 0, 0, 0, ())
        return Statement(world.facility, partner, TODAY - 1, none, none, none, items)

    world.signer("webank").send(contract.propose(empty_day(HUARUI)))
    for _ in range(4):
        world.signer("nanfeng").send(contract.propose(empty_day(NANFENG)))
        world.signer("nanfeng").send(contract.withdraw(world.facility, NANFENG, TODAY - 1))
    world.indexer("webank", engine).advance()
    with face(engine, bank="webank", member=world.numbers["webank"]) as node:
        page = node.signed_in("officer").get("/days").text
    assert "huarui" in page
    assert "nanfeng" in page
