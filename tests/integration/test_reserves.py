"""Holds and closed days, end to end: commands, a real chain, the read model, the REST face."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import select, update
from typer import Typer
from typer.testing import CliRunner, Result

from app.cli.day import day
from app.cli.hold import hold
from app.contracts.errors import HoldRefused
from app.contracts.reserve_ledger import ReserveLedger
from app.domain.errors import TallyError, UsageFault
from app.indexer.rebuild import digest
from app.local.reconcile import tick
from app.node.bank import Bank
from app.node.jobs.expired_holds import ExpiredHolds
from app.outbox.tables import attempts
from app.readmodel import tables
from app.readmodel.accounts.holds import holds
from app.readmodel.accounts.movements import movements
from app.readmodel.directory import directory
from ganache.launcher import start
from tests.integration.faces import face
from tests.integration.posting import FACILITY, LEAD, PARTNERS, Net, await_true

HUARUI, WUXI = PARTNERS
# Noon in Shanghai: the same date there and in UTC.
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date()
OF = ("--facility", FACILITY)


@dataclass
class Desks:
    """The lead and both partners, each with a database of its own, and the commands they give."""

    net: Net
    banks: dict[str, Bank]

    def tally(self, bank: str, *arguments: str, fails: type[TallyError] | None = None) -> Result:
        cli = Typer(pretty_exceptions_enable=False)
        cli.add_typer(hold, name="hold")
        cli.add_typer(day, name="day")
        config = str(self.net.folder.config(bank))
        result = CliRunner().invoke(cli, [*arguments, "--config", config])
        if fails is None:
            assert result.exit_code == 0, result.output + repr(result.exception)
        else:
            assert isinstance(result.exception, fails), (result.output, result.exception)
        self.catch_up()
        return result

    def feed(self, bank: str, rows: int, on: date = YESTERDAY, **cells: Any) -> None:
        booked = f"{on.isoformat()}T04:00:00Z"
        self.net.feed(
            self.banks[bank], rows, booked_at=booked, value_date=YESTERDAY.isoformat(), **cells
        )

    def match(self, event_ref: str, amount: str, partner: str = HUARUI, **cells: Any) -> None:
        """Both halves of a top-up."""
        self.feed(LEAD, 1, event_ref=event_ref, amount=amount, partner=partner, **cells)
        self.feed(partner, 1, event_ref=event_ref, amount=amount, **cells)

    def settle(self) -> None:
        """Everything accepted is final, and everybody has read it."""
        for bank in self.banks.values():
            self.net.drain(bank)
        self.catch_up()

    def catch_up(self) -> None:
        for bank in self.banks.values():
            self.net.catch_up(bank)

    @property
    def ledger(self) -> ReserveLedger:
        return ReserveLedger(self.net.rpc, self.net.manifest.addresses["ReserveLedger"])


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    folder = tmp_path_factory.mktemp("reserves")
    with start("anvil", state_dir=folder / "chain", keep_state=False) as chain:
        net = Net(folder / "net", chain.process.url)
        yield net
        net.close()


@pytest.fixture
def desks(founded: Net, tmp_path: Path) -> Iterator[Desks]:
    with founded.lost_blocks():
        banks = {
            name: founded.fresh_bank(f"sqlite:///{tmp_path / name}.db", name)
            for name in (LEAD, *PARTNERS)
        }
        yield Desks(founded, banks)
    founded.opened.close()


def states(desks: Desks, bank: str = LEAD) -> list[tuple[str, int, str]]:
    with desks.banks[bank].engine.connect() as connection:
        found = holds(connection)
    return sorted((one.partner, one.amount, one.state) for one in found)


def account(desks: Desks, partner: str = HUARUI, bank: str = LEAD) -> Any:
    return desks.net.account(desks.banks[bank], partner)


class TestHolds:
    def test_bad_input(self, desks: Desks) -> None:
        place = ("hold", "place", *OF, "--event-ref", "D1", "--amount")
        desks.tally(LEAD, *place, "1.001", fails=UsageFault)
        desks.tally(LEAD, *place, "0.00", fails=UsageFault)
        desks.tally(LEAD, *place, "1.00", "--shares-on", "soon", fails=UsageFault)
        desks.tally(HUARUI, *place, "1.00", fails=UsageFault)
        desks.tally(LEAD, *place, "0.01", fails=UsageFault)  # 0.004 each is no part
        desks.tally(LEAD, "hold", "release", *OF, "--event-ref", "D1", fails=UsageFault)
        assert states(desks) == []

    def test_nothing_is_held_where_one_partners_part_is_above_what_is_available(
        self, desks: Desks
    ) -> None:
        desks.match("T1", "100.00")  # and none of wuxi
        desks.settle()
        place = ("hold", "place", *OF, "--event-ref", "D1", "--amount", "100.00")
        result = desks.tally(LEAD, *place, fails=HoldRefused)
        assert "available to partner 2" in str(result.exception)
        assert states(desks) == []

    def test_a_hold_is_placed_and_posted_with_its_drawdown(self, desks: Desks) -> None:
        for partner in PARTNERS:
            desks.match(f"T-{partner}", "1000.00", partner)
        desks.settle()
        desks.tally(LEAD, "hold", "place", *OF, "--event-ref", "D1", "--amount", "500.00")
        assert states(desks) == [(HUARUI, 20000, "active"), (WUXI, 20000, "active")]
        assert states(desks, HUARUI) == [(HUARUI, 20000, "active")], "its own alone"
        found = account(desks)
        assert (found.held, found.available, found.balance) == (20000, 80000, 100000)
        assert desks.ledger.available(1, 1) == 80000

        drawdown: dict[str, Any] = {"kind": "drawdown", "event_ref": "D1", "partner": ""}
        desks.feed(LEAD, 1, amount="500.00", **drawdown)
        desks.feed(HUARUI, 1, amount="200.00", **drawdown)
        desks.settle()
        assert states(desks) == [(HUARUI, 20000, "posted"), (WUXI, 20000, "active")]
        found = account(desks)
        assert (found.held, found.available) == (0, 80000)
        assert account(desks, WUXI).available == 60000, "held, and lower in the lead's book"
        listed = json.loads(desks.tally(LEAD, "hold", "list", "--all", "--json").stdout)
        assert {one["event_ref"] for one in listed["items"]} == {"D1"}

    def test_released_by_the_lead_or_when_its_time_is_over(self, desks: Desks) -> None:
        for partner in PARTNERS:
            desks.match(f"T-{partner}", "1000.00", partner)
        desks.settle()
        place = ("hold", "place", *OF, "--amount", "100.00", "--hours", "1", "--event-ref")
        desks.tally(LEAD, *place, "D1")
        desks.tally(LEAD, *place, "D2")
        release = ("hold", "release", *OF, "--event-ref")
        desks.tally(WUXI, *release, "D1", fails=TallyError)
        desks.tally(LEAD, *release, "D1", "--partner", HUARUI)
        assert states(desks)[:2] == [(HUARUI, 4000, "active"), (HUARUI, 4000, "released")]

        lead = desks.banks[LEAD]
        job = ExpiredHolds(lead.view, desks.ledger, lead.operator)
        job.look()
        assert account(desks).held == 4000, "its time is not over"
        desks.net.rpc.call("evm_increaseTime", [3700])
        desks.net.rpc.call("evm_mine", [])
        desks.catch_up()
        assert "expired" in desks.tally(LEAD, "hold", "list").output
        job.look()
        desks.catch_up()
        assert {state for _, _, state in states(desks)} == {"released"}
        assert account(desks).available == 100000

    def test_a_call_takes_its_turn_among_the_batches(self, desks: Desks) -> None:
        for partner in PARTNERS:
            desks.match(f"T-{partner}", "1000.00", partner)
        desks.settle()
        lead = desks.banks[LEAD]
        desks.net.mining(False)
        desks.feed(LEAD, 3)
        tick(lead)
        place = ("hold", "place", *OF, "--event-ref", "D1", "--amount", "100.00")
        cli = Thread(target=desks.tally, args=(LEAD, *place))
        cli.start()
        before = len(desks.net.rows(lead, select(attempts.c.id)))
        await_true(
            lambda: len(desks.net.rows(lead, select(attempts.c.id))) >= before + 2,
            "the calls are stored",
        )
        desks.feed(LEAD, 3)
        tick(lead)  # fixed behind the calls
        desks.net.mining(True)
        cli.join(30)
        desks.settle()
        newest = max(number for number, _, _ in desks.net.history(lead))
        for sequence in range(1, newest + 1):
            assert desks.net.states(lead, sequence) == ["sealed", "broadcast", "final"]
        assert len(states(desks)) == 2


class TestDays:
    def test_bad_input(self, desks: Desks) -> None:
        propose = ("day", "propose", *OF, "--partner", HUARUI, "--day")
        desks.tally(LEAD, *propose, "yesterday", fails=UsageFault)
        desks.tally(LEAD, "day", "propose", *OF, "--day", "2026-03-02", fails=UsageFault)
        desks.tally(LEAD, "day", "show", "7", fails=UsageFault)
        for verb in ("confirm", "withdraw"):
            desks.tally(HUARUI, "day", verb, *OF, fails=UsageFault)
        for verb in ("dispute", "reopen"):
            desks.tally(HUARUI, "day", verb, *OF, "--reason", "why", fails=UsageFault)

    def test_two_days_are_closed_with_what_came_late(self, desks: Desks) -> None:
        desks.match("T1", "100.00")
        desks.feed(LEAD, 1, event_ref="ALONE", amount="7.00", partner=HUARUI)
        desks.feed(HUARUI, 1, event_ref="OTHER", amount="5.00")
        desks.settle()
        propose = ("day", "propose", *OF, "--partner", HUARUI, "--day")
        output = desks.tally(LEAD, *propose, YESTERDAY.isoformat()).output
        assert "107.00" in output
        assert "2 open legs in 2 pairs carried forward" in output
        desks.tally(LEAD, "day", "confirm", *OF, "--partner", HUARUI, fails=UsageFault)
        desks.tally(HUARUI, "day", "confirm", *OF, "--day", YESTERDAY.isoformat())
        assert account(desks).closed_through == YESTERDAY
        shown = json.loads(desks.tally(HUARUI, "day", "show", "1", "--json").stdout)
        assert shown["state"] == "closed"
        assert {one["event_ref"] for one in shown["carried_forward"]} == {"ALONE", "OTHER"}
        assert shown["closing"] == {"lead": "107.00", "partner": "105.00", "agreed": "100.00"}

        # a half, and a whole pair, of the closed day; what is agreed of an old half falls late too
        desks.feed(HUARUI, 1, event_ref="ALONE", amount="7.00")
        desks.match("T2", "30.00")
        desks.settle()
        today = YESTERDAY + timedelta(days=1)
        desks.tally(HUARUI, *propose, today.isoformat())
        desks.tally(LEAD, "day", "confirm", *OF, "--partner", HUARUI)
        shown = json.loads(desks.tally(LEAD, "day", "show", "2", "--json").stdout)
        assert shown["opening"] == {"lead": "107.00", "partner": "105.00", "agreed": "100.00"}
        assert shown["movement"] == {"lead": "30.00", "partner": "37.00", "agreed": "37.00"}
        assert [one["event_ref"] for one in shown["carried_forward"]] == ["OTHER"]
        self.movements_are_the_contracts(desks, YESTERDAY, today)
        self.rebuilt_alike(desks)

    def test_a_statement_that_our_own_legs_do_not_come_to_is_not_signed(self, desks: Desks) -> None:
        desks.match("T1", "100.00")
        desks.settle()
        propose = ("day", "propose", *OF, "--partner", HUARUI, "--day", YESTERDAY.isoformat())
        desks.tally(LEAD, *propose)
        pairs = tables.pairs
        with desks.banks[HUARUI].engine.begin() as connection:
            connection.execute(update(pairs).values(partner_amount=9_000))
        result = desks.tally(HUARUI, "day", "confirm", *OF, fails=UsageFault)
        assert "movement, partner book: 90.00 by our legs, 100.00 stated" in str(result.exception)
        with desks.banks[HUARUI].engine.begin() as connection:
            connection.execute(update(pairs).values(partner_amount=10_000, status="amount"))
        result = desks.tally(HUARUI, "day", "confirm", *OF, fails=UsageFault)
        assert "movement, agreed: 0.00 by our legs, 100.00 stated" in str(result.exception)
        assert account(desks).closed_through is None

    def test_disputed_withdrawn_replaced_and_reopened(self, desks: Desks) -> None:
        desks.match("T1", "100.00")
        desks.settle()
        of = (*OF, "--partner", HUARUI)
        on = ("--day", YESTERDAY.isoformat())
        desks.tally(LEAD, "day", "propose", *of, *on)
        desks.tally(HUARUI, "day", "propose", *of, *on, fails=TallyError)
        desks.tally(HUARUI, "day", "dispute", *of, "--reason", "not yet")
        desks.tally(HUARUI, "day", "propose", *of, *on)
        desks.tally(HUARUI, "day", "withdraw", *of)
        desks.tally(LEAD, "day", "propose", *of, *on)
        desks.tally(LEAD, "day", "propose", *of, *on)
        desks.tally(HUARUI, "day", "confirm", *of)
        desks.tally(LEAD, "day", "propose", *of, *on, fails=UsageFault)

        reopen = ("day", "reopen", *of, "--reason", "booked twice")
        assert "proposed to open" in desks.tally(LEAD, *reopen).output
        desks.tally(LEAD, "day", "withdraw", *of, "--reopening")
        desks.tally(LEAD, *reopen)
        assert "reopening proposed" in desks.tally(HUARUI, "day", "list").output
        assert "opened" in desks.tally(HUARUI, *reopen).output
        assert account(desks).closed_through is None
        listed = json.loads(desks.tally(LEAD, "day", "list", "--json").stdout)["items"]
        told = [one["state"] for one in reversed(listed)]
        assert told == ["disputed", "withdrawn", "replaced", "reopened"]
        self.rebuilt_alike(desks)

    def movements_are_the_contracts(self, desks: Desks, first: date, last: date) -> None:
        """The report's movements are the contract's day totals, day by day."""
        with desks.banks[LEAD].engine.connect() as connection:
            facility = directory(connection).facilities[1]
            one = first
            while one <= last:
                ours = movements(connection, facility, one, one)[0]
                books = (ours.lead_book, ours.partner_book, ours.agreed)
                sums = tuple(sum(book.movements.values()) for book in books)
                assert sums == desks.ledger.movements(1, 1, one.toordinal(), one.toordinal())
                one += timedelta(days=1)

    def rebuilt_alike(self, desks: Desks) -> None:
        for bank in desks.banks.values():
            before = digest(bank.engine)
            bank.follower.rebuild(lambda block, head: None)
            assert digest(bank.engine) == before


def test_balances_that_pass_their_marks_and_the_rest_face(desks: Desks) -> None:
    desks.match("T1", "150000.00")
    desks.settle()
    out: dict[str, Any] = {"kind": "withdrawal", "event_ref": "W1", "amount": "150000.01"}
    desks.feed(LEAD, 1, partner=HUARUI, **out)
    desks.settle()
    lead = desks.banks[LEAD]
    with face(lead.engine) as served:
        reader = served.client("read")
        alerts = reader.get("/v1/alerts", params={"partner": HUARUI}).json()["items"]
        told = [one["what"] for one in reversed(alerts)]
        assert told == ["low", "restored", "low", "shortfall"]
        assert alerts[0]["balance"] == "-0.01"
        [balance, _] = reader.get("/v1/balances").json()["items"]
        assert balance["shortfall"] == "0.01"
        assert balance["available"] == "-0.01"
        assert balance["held"] == "0.00"
        assert balance["closed_through"] is None
        assert reader.get("/v1/holds").json()["items"] == []
        assert reader.get("/v1/day-closes", params={"state": "closed"}).json()["items"] == []
        assert reader.get("/v1/day-closes/9").status_code == 404
        period = {"facility": FACILITY, "from": "2026-01-01", "to": "2100-01-01"}
        [mine, _] = reader.get("/v1/statements", params=period).json()["items"]
        assert mine["opening"] == {"lead": "0.00", "partner": "0.00", "agreed": "0.00"}
        assert [(one["kind"], one["lead"], one["agreed"]) for one in mine["movements"]] == [
            ("top_up", "150000.00", "150000.00"), ("withdrawal", "-150000.01", "0.00"),
        ]  # fmt: skip
        assert mine["closing"] == {"lead": "-0.01", "partner": "150000.00", "agreed": "150000.00"}
        later = period | {"from": "2099-01-01", "partner": HUARUI}
        [after] = reader.get("/v1/statements", params=later).json()["items"]
        assert after["opening"] == after["closing"] == mine["closing"]
        assert after["movements"] == []
        assert reader.get("/v1/statements", params=period | {"to": "2020-01-01"}).is_client_error
        assert reader.get("/v1/statements", params=period | {"facility": "N"}).status_code == 404
