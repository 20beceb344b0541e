"""A history with everything that moves a book, and the proof bundle of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from eth_account import Account

from app.contracts.day_close import DayClose
from app.db.engine import create, upgrade
from app.domain.day_close import OpenItems, Statement, Sums
from app.domain.kinds import Kind
from app.domain.resolutions import Action, Side
from app.domain.votes import PURPOSE_NUMBERS
from app.keys.possession import Registry, prove_replacement
from app.proof.make import Made, make
from app.reports.source import Request, open_source
from tests.integration.posted import TODAY, Event, World
from tests.integration.test_resolutions import post_breaks, propose, resolution, resolve, top_up
from tests.integration.vaults import VAULT

DAY = date.fromordinal(TODAY)
HUARUI = 1


def history(world: World) -> None:
    """Splits, tolerance, breaks of every type, resolutions, reversals, duplicates, a closed day."""
    shared = Event(Kind.DRAWDOWN, "L1", 999_999)
    world.post("webank", top_up("FUND", 1_000_000, HUARUI, business_day=TODAY - 1))
    world.post("huarui", top_up("FUND", 1_000_000, business_day=TODAY - 1))
    _close(world, TODAY - 1, 1_000_000)
    # On the closed day: recorded on the next one.
    world.post("webank", top_up("LATE", 50, HUARUI, business_day=TODAY - 1), shared, shared)
    world.post("huarui", top_up("LATE", 51, business_day=TODAY - 1))
    world.post("huarui", Event(Kind.DRAWDOWN, "L1", 453_299), Event(99, "BAD", 5))
    world.post("wuxi", Event(Kind.DRAWDOWN, "L1", 246_699))
    post_breaks(world)
    resolve(world, top_up("AMOUNT", 1), Action.ADJUST, Side.LEAD)
    resolve(world, top_up("LEAD", 1), Action.WRITE_OFF)
    resolve(world, top_up("PARTNER", 1), Action.VOID)
    propose(world, "webank", resolution(world, top_up("DATE", 1), Action.FORCE))
    reversed_ = Event(Kind.REVERSAL, "R", 999_999, target=(Kind.DRAWDOWN, "L1"))
    world.post("webank", reversed_)
    world.post("wuxi", Event(Kind.REVERSAL, "R", 246_699, target=(Kind.DRAWDOWN, "L1")))
    rotate_operator(world, "webank")
    world.post("webank", top_up("NEXT", 77, HUARUI, business_day=TODAY + 1))


def rotate_operator(world: World, bank: str) -> None:
    """Another operator key for a bank, with which it posts from now on."""
    fresh = Account.create()
    consortium = world.consortium
    registry = Registry(consortium.chain_id(), consortium.address)
    purpose = PURPOSE_NUMBERS["operator"]
    proof = prove_replacement(registry, world.numbers[bank], purpose, fresh)
    key = bytes.fromhex(fresh.address[2:]).rjust(32, b"\0")
    world.signer(bank).send(consortium.rotate_key(purpose, key, proof))
    world.operators[bank] = fresh


def bundle(world: World, folder: Path, first: date = DAY, last: date = DAY) -> Made:
    """The bundle that the auditor's node makes."""
    engine = create(f"sqlite:///{folder / 'auditor.db'}", vault=VAULT)
    try:
        upgrade(engine)
        world.indexer("auditor", engine).advance()
        request = Request(facility=world.facility_id, first=first, last=last)
        with open_source(engine, request) as source:
            return make(source, world.rpc, world.manifest)
    finally:
        engine.dispose()


def _close(world: World, day: int, booked: int) -> None:
    """Close huarui's account through a day on which both booked this much."""
    contract = DayClose(world.rpc, world.manifest.addresses["DayClose"])
    nothing, sums = Sums(0, 0, 0), Sums(booked, booked, booked)
    statement = Statement(
        world.facility, HUARUI, day, nothing, sums, sums, OpenItems(0, 0, 0, 0, ())
    )
    world.signer("webank").send(contract.propose(statement))
    confirm = contract.confirm(world.facility, HUARUI, day, contract.statement_hash(statement))
    world.signer("huarui").send(confirm)
