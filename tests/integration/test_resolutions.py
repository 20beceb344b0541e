"""Breaks resolved by their two banks: on a real chain, in both databases, from the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from eth_hash.auto import keccak
from sqlalchemy import Engine, select
from typer import Typer
from typer.testing import CliRunner, Result
from web3.contract.contract import ContractFunction

from app.cli.breaks import breaks
from app.config import load_config
from app.contracts.errors import ContractReverted, ResolutionRefused
from app.db.engine import create, upgrade
from app.domain.errors import TallyError, UsageFault
from app.domain.kinds import Kind
from app.domain.resolutions import Action, Resolution, Side
from app.indexer.rebuild import digest, rebuild
from app.keys.sealing import seal_details
from app.presentation.common import money_of
from app.presentation.pairs import PairOut, pair_out, resolution_out
from app.readmodel import tables
from app.readmodel.accounts.balances import Balance, balances
from app.readmodel.chain import newest_incidents
from app.readmodel.pairs import queries
from app.readmodel.pairs import resolutions as read
from app.readmodel.pairs.queries import Filter
from app.readmodel.pairs.shapes import Pair
from app.reports.reconciliation import account_reports, reconciliation
from app.reports.run_files import write_pairs
from app.reports.source import Request, open_source
from app.reports.write_csv import write_csv_lines
from deploy.consortium import write_config
from tests.behind import rebuild_behind
from tests.integration.posted import TODAY, Event, World
from tests.integration.test_report import totals_that_are_not_their_lines

HUARUI = 1
REASON = "we booked the fee twice"


def resolution(
    world: World,
    event: Event,
    action: Action,
    side: Side | None = None,
    reason: str = REASON,
) -> Resolution:
    """A resolution of huarui's pair as it stands on the chain."""
    asked = Resolution(
        facility=world.facility,
        partner=HUARUI,
        kind=event.kind,
        ref=world.reference(event.event_ref),
        target_kind=event.target[0] if event.target else 0,
        target_ref=world.reference(event.target[1]) if event.target else b"",
        action=action,
        side=side,
        business_day=TODAY,
        state=bytes(32),
        reason_hash=keccak(reason.encode()),
    )
    return replace(asked, state=world.reconciliation.state_of(asked))


def sealed(world: World, reason: str, *readers: str) -> bytes:
    keys = {world.numbers[name]: world.folder.public_keys(name).sealing for name in readers}
    found = seal_details([[reason]], keys)
    assert found is not None
    return found


def approve(world: World, bank: str, call: ContractFunction) -> None:
    world.signer(bank).send(call)


def propose(world: World, bank: str, asked: Resolution, reason: str = REASON) -> None:
    box = sealed(world, reason, "webank", "huarui", "auditor")
    approve(world, bank, world.reconciliation.propose_resolution(asked, box))


def accept(world: World, bank: str, asked: Resolution) -> None:
    approve(world, bank, world.reconciliation.accept_resolution(asked))


def resolve(world: World, event: Event, action: Action, side: Side | None = None) -> None:
    """The lead proposes, huarui accepts."""
    asked = resolution(world, event, action, side)
    propose(world, "webank", asked)
    accept(world, "huarui", asked)


def top_up(event_ref: str, amount: int, partner: int = 0, **more: Any) -> Event:
    return Event(Kind.TOP_UP, event_ref, amount, partner=partner, **more)


def post_breaks(world: World) -> None:
    """Amounts 100 and 110, days three apart, one leg alone on either side."""
    world.post(
        "webank",
        top_up("AMOUNT", 100, HUARUI),
        top_up("DATE", 200, HUARUI),
        top_up("LEAD", 300, HUARUI),
        top_up("EQUAL", 500, HUARUI),
    )
    world.post(
        "huarui",
        top_up("AMOUNT", 110),
        top_up("DATE", 200, value_day=TODAY - 3),
        top_up("PARTNER", 400),
        top_up("EQUAL", 500),
    )


def account(engine: Engine) -> Balance:
    with engine.connect() as connection:
        return next(one for one in balances(connection) if one.partner == "huarui")


def pair(engine: Engine, event_ref: str, **where: Any) -> Pair:
    with engine.connect() as connection:
        page = queries.pairs(connection, Filter(**where))
    [found] = [one for one in page.items if one.event_ref == event_ref]
    return found


def check(engine: Engine) -> Balance:
    """The view's own sums are the contract's, and nothing is unexplained."""
    found = account(engine)
    assert found.contract == found.books
    assert found.proof == 0
    with engine.connect() as connection:
        assert newest_incidents(connection) == []
        stored = connection.execute(
            select(tables.accounts.c.contract_open_legs).where(tables.accounts.c.partner == HUARUI)
        ).scalar_one()
    assert found.open_legs == stored
    return found


def books(found: Balance) -> tuple[int, int, int]:
    return found.books.lead_book, found.books.partner_book, found.books.agreed


@pytest.mark.parametrize(
    ("event_ref", "action", "side", "expected", "accepted"),
    [
        ("AMOUNT", Action.FORCE, None, (1100, 1210, 600), 10),
        ("AMOUNT", Action.WRITE_OFF, None, (1100, 1210, 600), 10),
        ("AMOUNT", Action.ADJUST, Side.LEAD, (1110, 1210, 610), 0),
        ("AMOUNT", Action.ADJUST, Side.PARTNER, (1100, 1200, 600), 0),
        ("AMOUNT", Action.VOID, None, (1000, 1100, 500), 0),
        ("DATE", Action.FORCE, None, (1100, 1210, 700), 0),
        ("LEAD", Action.WRITE_OFF, None, (1100, 1510, 800), 0),
        ("LEAD", Action.VOID, None, (800, 1210, 500), 0),
        ("PARTNER", Action.WRITE_OFF, None, (1500, 1210, 900), 0),
        ("PARTNER", Action.VOID, None, (1100, 810, 500), 0),
    ],
)
def test_what_each_action_does_is_what_the_contract_does(
    world: World,
    database: Engine,
    event_ref: str,
    action: Action,
    side: Side | None,
    expected: tuple[int, int, int],
    accepted: int,
) -> None:
    post_breaks(world)
    indexer = world.indexer("webank", database)
    indexer.advance()
    before = check(database)
    resolve(world, top_up(event_ref, 1), action, side)
    indexer.advance()
    found = check(database)
    assert books(found) == expected
    assert found.books.accepted_difference == accepted
    # It stays counted under the type with which it broke, and is no break any more.
    assert found.counts == before.counts
    assert found.breaks == before.breaks - 1
    resolved = pair(database, event_ref)
    assert (resolved.action, resolved.proposal) == (action, None)
    assert not resolved.overdue
    with database.connect() as connection:
        listed = {one.event_ref for one in queries.breaks(connection).items}
        shown = queries.breaks(connection, Filter(resolved=True)).items
    assert event_ref not in listed
    assert [one.event_ref for one in shown] == [event_ref]
    again = digest(database)
    rebuild(indexer, lambda done, of: None)
    assert digest(database) == again
    rebuild_behind(indexer, seed=1)
    assert digest(database) == again


def test_the_auditors_report_has_corrections_as_movements_and_equals_the_contract(
    world: World, database: Engine, tmp_path: Path
) -> None:
    post_breaks(world)
    resolve(world, top_up("AMOUNT", 1), Action.ADJUST, Side.LEAD)
    resolve(world, top_up("LEAD", 1), Action.WRITE_OFF)
    resolve(world, top_up("PARTNER", 1), Action.VOID)
    world.indexer("webank", database).advance()
    check(database)
    day = date.fromordinal(TODAY)
    text = StringIO()
    request = Request(facility="WLD-2016-A", first=day, last=day)
    with open_source(database, request) as source:
        found = next(one for one in account_reports(source) if one.partner == "huarui")
        correction = found.movements["correction"]
        assert (correction.lead, correction.partner, correction.agreed) == (10, -400, 0)
        moved = found.movements["top_up"]
        assert (moved.lead, moved.partner, moved.agreed) == (1100, 1210 + 300, 500 + 110 + 300)
        assert found.closing == found.contract
        report = reconciliation(source)
        assert totals_that_are_not_their_lines(report) == []
        write_csv_lines(report, text)
    lines = text.getvalue().splitlines()
    assert sum(line.startswith("breaks,") and ",adjust" in line for line in lines) == 1
    write_pairs(database, "WLD-2016-A", tmp_path)
    assert "AMOUNT" not in (tmp_path / "breaks.csv").read_text()
    assert "DATE" in (tmp_path / "breaks.csv").read_text()


def test_reversals_take_corrections_back_with_the_leg(world: World, database: Engine) -> None:
    post_breaks(world)
    resolve(world, top_up("AMOUNT", 1), Action.ADJUST, Side.LEAD)
    resolve(world, top_up("LEAD", 1), Action.WRITE_OFF)
    resolve(world, top_up("PARTNER", 1), Action.VOID)
    indexer = world.indexer("webank", database)
    indexer.advance()

    def reversal(target: str, amount: int, partner: int = 0) -> Event:
        return Event(Kind.REVERSAL, "R", amount, partner, target=(Kind.TOP_UP, target))

    world.post("webank", reversal("AMOUNT", 100, HUARUI), reversal("LEAD", 300, HUARUI))
    # The partner's own half of LEAD was made by the write-off; PARTNER was voided.
    world.post("huarui", reversal("AMOUNT", 110), reversal("LEAD", 300), reversal("PARTNER", 400))
    indexer.advance()
    found = check(database)
    assert books(found) == (700, 700, 500)
    with database.connect() as connection:
        rejected = [one.reason for one in queries.rejections(connection).items]
        pairs = queries.pairs(connection, Filter(references=[world.reference("R")])).items
    assert rejected == ["target_voided"]
    assert {one.type for one in pairs} == {"matched"}
    assert [one.lead.amount for one in pairs if one.lead and one.target == "top_up/AMOUNT"] == [110]


def test_a_shared_reversal_skips_the_part_that_was_voided(world: World, database: Engine) -> None:
    world.post("webank", Event(Kind.PRINCIPAL, "P", 10_000))
    resolve(world, Event(Kind.PRINCIPAL, "P", 1), Action.VOID)
    world.post("webank", Event(Kind.REVERSAL, "R", 10_000, target=(Kind.PRINCIPAL, "P")))
    world.indexer("webank", database).advance()
    assert books(check(database)) == (0, 0, 0)
    assert pair(database, "R", partner="wuxi").lead is not None


def test_a_reversal_that_is_resolved_marks_its_target(world: World, database: Engine) -> None:
    post_breaks(world)
    reversal = Event(Kind.REVERSAL, "R", 500, HUARUI, target=(Kind.TOP_UP, "EQUAL"))
    world.post("webank", reversal)
    indexer = world.indexer("webank", database)
    indexer.advance()
    resolve(world, reversal, Action.VOID)
    indexer.advance()
    check(database)
    target = pair(database, "EQUAL")
    assert target.lead is not None
    assert not target.lead.reversed
    # It has reversed nothing, so another may.
    world.post("webank", replace(reversal, event_ref="S"))
    resolve(world, replace(reversal, event_ref="S"), Action.WRITE_OFF)
    indexer.advance()
    assert books(check(database)) == (600, 710, 0)
    target = pair(database, "EQUAL")
    assert target.lead is not None
    assert target.partner_half is not None
    assert target.lead.reversed
    assert target.partner_half.reversed


def test_a_half_that_comes_after_is_rejected_and_counted_nowhere(
    world: World, database: Engine
) -> None:
    post_breaks(world)
    resolve(world, top_up("LEAD", 1), Action.WRITE_OFF)
    world.post("huarui", top_up("LEAD", 300))
    world.indexer("webank", database).advance()
    check(database)
    with database.connect() as connection:
        assert [one.reason for one in queries.rejections(connection).items] == ["resolved"]


def test_proposals_disputes_and_withdrawals(world: World, database: Engine) -> None:
    post_breaks(world)
    asked = resolution(world, top_up("AMOUNT", 1), Action.FORCE)
    propose(world, "huarui", asked)
    lead = world.indexer("webank", database)
    lead.advance()
    waiting = pair(database, "AMOUNT").proposal
    assert waiting is not None
    assert (waiting.action, waiting.proposed_by, waiting.reason) == ("force", "huarui", REASON)
    with database.connect() as connection:
        shape = pair_out(pair(database, "AMOUNT"), money_of(connection))
        assert isinstance(shape, PairOut)
        assert shape.proposal is not None
        assert shape.proposal.status == "proposed"

    why = "our advice says 110.00"
    box = sealed(world, why, "webank", "huarui")
    call = world.reconciliation.dispute_resolution(asked, keccak(why.encode()), box)
    approve(world, "webank", call)
    lead.advance()
    assert pair(database, "AMOUNT").proposal is None

    mine = resolution(world, top_up("AMOUNT", 1), Action.ADJUST, Side.LEAD)
    propose(world, "webank", mine)
    approve(world, "webank", world.reconciliation.withdraw_resolution(mine))
    propose(world, "webank", resolution(world, top_up("LEAD", 1), Action.VOID))
    # The pair changes under the proposal, so that another may take its place.
    world.post("huarui", top_up("LEAD", 303))
    propose(world, "huarui", resolution(world, top_up("LEAD", 1), Action.FORCE))
    lead.advance()
    with database.connect() as connection:
        found = read.resolutions(connection).items
        money = money_of(connection)
    assert [(one.event_ref, one.action, one.status) for one in found] == [
        ("LEAD", "force", "proposed"),
        ("LEAD", "void", "replaced"),
        ("AMOUNT", "adjust", "withdrawn"),
        ("AMOUNT", "force", "disputed"),
    ]
    disputed = resolution_out(found[-1], money)
    assert (disputed.decided_by, disputed.dispute_reason) == ("webank", why)
    assert disputed.lead_moved is None
    check(database)
    again = digest(database)
    rebuild(lead, lambda done, of: None)
    assert digest(database) == again
    rebuild_behind(lead, seed=1)
    assert digest(database) == again


def test_a_partner_sees_its_own_and_a_reason_that_is_not_the_signed_one_is_not_shown(
    world: World, database: Engine, tmp_path: Path
) -> None:
    post_breaks(world)
    asked = resolution(world, top_up("AMOUNT", 1), Action.FORCE)
    box = sealed(world, "something else", "webank", "huarui")
    approve(world, "webank", world.reconciliation.propose_resolution(asked, box))
    world.indexer("wuxi", database).advance()
    with database.connect() as connection:
        assert read.resolutions(connection).items == []
    other = create(f"sqlite:///{tmp_path / 'huarui.db'}")
    upgrade(other)
    world.indexer("huarui", other).advance()
    with other.connect() as connection:
        [seen] = read.resolutions(connection).items
    assert seen.reason is None
    other.dispose()


class TestCommands:
    @pytest.fixture
    def banks(self, world: World) -> Any:
        """Post the breaks and let both banks' nodes read them; returns how they read on."""
        post_breaks(world)
        engines = {}
        for name in ("webank", "huarui"):
            write_config(world.folder, name, rpc=world.rpc.url, port=0)
            engines[name] = create(load_config(world.folder.config(name)).database_url)
            upgrade(engines[name])
        indexers = {name: world.indexer(name, engine) for name, engine in engines.items()}

        def read_on() -> None:
            for indexer in indexers.values():
                indexer.advance()

        read_on()
        yield read_on
        for name, engine in engines.items():
            engine.dispose()
            for file in world.folder.config(name).parent.glob("node.db*"):
                file.unlink()

    def run(
        self,
        world: World,
        bank: str,
        *arguments: str,
        fails: type[TallyError] | None = None,
        answer: str | None = None,
    ) -> Result:
        cli = Typer(pretty_exceptions_enable=False)
        cli.add_typer(breaks, name="breaks")
        config = ("--config", str(world.folder.config(bank)))
        result = CliRunner().invoke(cli, ["breaks", *arguments, *config], input=answer)
        if answer is not None:
            assert result.exit_code == 1, result.output
        elif fails is None:
            assert result.exit_code == 0, result.output
        else:
            assert isinstance(result.exception, fails), result.output
        return result

    NAMED = ("--partner", "huarui", "--kind", "top_up", "--event-ref", "AMOUNT")

    def test_bad_input(self, world: World, banks: Any) -> None:
        def refused(*arguments: str) -> None:
            self.run(world, "webank", *arguments, fails=UsageFault)

        because = ("--reason", REASON)
        refused("propose", "--action", "force", *because)
        refused("propose", "99999", "--action", "force", *because)
        refused("propose", *self.NAMED, "--action", "adjust", *because)
        refused("propose", *self.NAMED, "--action", "force", "--side", "lead", *because)
        refused("propose", *self.NAMED, "--action", "force", "--reason", "")
        refused("propose", *self.NAMED, "--action", "force", "--reason", "two\nlines")
        refused("propose", *self.NAMED[:-1], "EQUAL", "--action", "force", *because)
        refused("accept", *self.NAMED)
        refused("withdraw", *self.NAMED)
        refused("dispute", *self.NAMED, *because)

    def test_two_banks_resolve_a_break(
        self, world: World, banks: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        because = ("--reason", REASON)
        asked = ("--action", "adjust", "--side", "lead")
        self.run(world, "webank", "propose", *self.NAMED, *asked, *because)
        self.run(world, "webank", "propose", *self.NAMED, *asked, *because, fails=ResolutionRefused)
        banks()
        listed = self.run(world, "huarui", "proposals").output
        assert REASON in listed
        assert "adjust at the lead" in listed
        assert "adjust proposed" in self.run(world, "huarui").output
        with monkeypatch.context() as terminal:
            terminal.setattr("app.cli.shared.confirmation.is_attended", lambda: True)
            for verb in (("accept",), ("dispute", "--reason", "no")):
                asked_for = self.run(world, "huarui", *verb, *self.NAMED, answer="n\n")
                shown = asked_for.output
                assert "webank proposes: adjust at the lead" in shown
                assert "the lead's book is corrected to the other's amount" in shown
                assert REASON in shown
        banks()
        self.run(world, "webank", "accept", *self.NAMED, fails=ContractReverted)
        self.run(world, "huarui", "dispute", *self.NAMED, "--reason", "no")
        banks()
        self.run(world, "huarui", "accept", *self.NAMED, fails=UsageFault)
        self.run(world, "huarui", "propose", *self.NAMED, *asked, *because)
        banks()
        self.run(world, "huarui", "withdraw", *self.NAMED)
        banks()
        number = json.loads(self.run(world, "webank", "--json").stdout)["items"][-1]["number"]
        self.run(world, "webank", "propose", str(number), *asked, *because)
        banks()
        self.run(world, "huarui", "accept", *self.NAMED)
        banks()
        body = json.loads(self.run(world, "webank", "--json", "--resolved").stdout)
        [resolved] = body["items"]
        assert (resolved["event_ref"], resolved["resolution"]) == ("AMOUNT", "adjust")
        body = json.loads(self.run(world, "huarui", "proposals", "--all", "--json").stdout)
        assert [one["status"] for one in body["items"]] == [
            "accepted",
            "withdrawn",
            "disputed",
        ]
        assert body["items"][0]["lead_moved"] == "0.10"
        assert "AMOUNT" not in self.run(world, "webank").output

    def test_a_break_that_has_changed_since_it_was_read(self, world: World, banks: Any) -> None:
        world.post("huarui", top_up("LEAD", 310))
        result = self.run(
            world,
            "webank",
            "propose",
            *self.NAMED[:-1],
            "LEAD",
            "--action",
            "void",
            "--reason",
            REASON,
            fails=UsageFault,
        )
        assert "changed on the chain" in str(result.exception)
