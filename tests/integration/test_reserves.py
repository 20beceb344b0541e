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
from eth_hash.auto import keccak
from sqlalchemy import select, update
from typer import Typer
from typer.testing import CliRunner, Result

from app.actions.holds import release_expired
from app.cli.day import day
from app.cli.hold import hold
from app.cli.reason import reason
from app.contracts.errors import HoldRefused
from app.contracts.reserve_ledger import ReserveLedger
from app.domain.errors import TallyError, UsageFault
from app.indexer.rebuild import digest
from app.local.reconcile import tick
from app.node.bank import Bank
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
class Parties:
    """The lead and both partners, each with a database of its own, and the commands they give."""

    net: Net
    banks: dict[str, Bank]

    def tally(self, bank: str, *arguments: str, fails: type[BaseException] | None = None) -> Result:
        cli = Typer(pretty_exceptions_enable=False)
        cli.add_typer(hold, name="hold")
        cli.add_typer(day, name="day")
        cli.command("reason")(reason)
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
def parties(founded: Net, tmp_path: Path) -> Iterator[Parties]:
    with founded.lost_blocks():
        banks = {
            name: founded.fresh_bank(f"sqlite:///{tmp_path / name}.db", name)
            for name in (LEAD, *PARTNERS)
        }
        yield Parties(founded, banks)
    founded.opened.close()


def states(parties: Parties, bank: str = LEAD) -> list[tuple[str, int, str]]:
    with parties.banks[bank].engine.connect() as connection:
        found = holds(connection)
    return sorted((one.partner, one.amount, one.state) for one in found)


def account(parties: Parties, partner: str = HUARUI, bank: str = LEAD) -> Any:
    return parties.net.account(parties.banks[bank], partner)


class TestHolds:
    def test_bad_input(self, parties: Parties) -> None:
        place = ("hold", "place", *OF, "--event-ref", "D1", "--amount")
        parties.tally(LEAD, *place, "1.001", fails=UsageFault)
        parties.tally(LEAD, *place, "0.00", fails=UsageFault)
        parties.tally(LEAD, *place, "1.00", "--shares-on", "soon", fails=UsageFault)
        parties.tally(HUARUI, *place, "1.00", fails=UsageFault)
        parties.tally(LEAD, *place, "0.01", fails=UsageFault)  # 0.004 each is no part
        parties.tally(LEAD, "hold", "release", *OF, "--event-ref", "D1", fails=UsageFault)
        assert states(parties) == []

    def test_nothing_is_held_where_one_partners_part_is_above_what_is_available(
        self, parties: Parties
    ) -> None:
        parties.match("T1", "100.00")  # and none of wuxi
        parties.settle()
        place = ("hold", "place", *OF, "--event-ref", "D1", "--amount", "100.00")
        result = parties.tally(LEAD, *place, fails=HoldRefused)
        assert "available to partner 2" in str(result.exception)
        assert states(parties) == []

    def test_a_hold_is_placed_and_posted_with_its_drawdown(self, parties: Parties) -> None:
        for partner in PARTNERS:
            parties.match(f"T-{partner}", "1000.00", partner)
        parties.settle()
        parties.tally(LEAD, "hold", "place", *OF, "--event-ref", "D1", "--amount", "500.00")
        assert states(parties) == [(HUARUI, 20000, "active"), (WUXI, 20000, "active")]
        assert states(parties, HUARUI) == [(HUARUI, 20000, "active")], "its own alone"
        found = account(parties)
        assert (found.held, found.available, found.balance) == (20000, 80000, 100000)
        assert parties.ledger.available(1, 1) == 80000

        drawdown: dict[str, Any] = {"kind": "drawdown", "event_ref": "D1", "partner": ""}
        parties.feed(LEAD, 1, amount="500.00", **drawdown)
        parties.feed(HUARUI, 1, amount="200.00", **drawdown)
        parties.settle()
        assert states(parties) == [(HUARUI, 20000, "posted"), (WUXI, 20000, "active")]
        found = account(parties)
        assert (found.held, found.available) == (0, 80000)
        assert account(parties, WUXI).available == 60000, "held, and lower in the lead's book"
        listed = json.loads(parties.tally(LEAD, "hold", "list", "--all", "--json").stdout)
        assert {one["event_ref"] for one in listed["items"]} == {"D1"}

    def test_released_by_the_lead_or_when_its_time_is_over(self, parties: Parties) -> None:
        for partner in PARTNERS:
            parties.match(f"T-{partner}", "1000.00", partner)
        parties.settle()
        place = ("hold", "place", *OF, "--amount", "100.00", "--hours", "1", "--event-ref")
        parties.tally(LEAD, *place, "D1")
        parties.tally(LEAD, *place, "D2")
        release = ("hold", "release", *OF, "--event-ref")
        parties.tally(WUXI, *release, "D1", fails=TallyError)
        parties.tally(LEAD, *release, "D1", "--partner", HUARUI)
        assert states(parties)[:2] == [(HUARUI, 4000, "active"), (HUARUI, 4000, "released")]

        lead = parties.banks[LEAD]
        release_expired(lead.view, parties.ledger, lead.operator())
        assert account(parties).held == 4000, "its time is not over"
        parties.net.rpc.call("evm_increaseTime", [3700])
        parties.net.rpc.call("evm_mine", [])
        parties.catch_up()
        assert "expired" in parties.tally(LEAD, "hold", "list").output
        release_expired(lead.view, parties.ledger, lead.operator())
        parties.catch_up()
        assert {state for _, _, state in states(parties)} == {"released"}
        assert account(parties).available == 100000

    def test_a_call_takes_its_turn_among_the_batches(self, parties: Parties) -> None:
        for partner in PARTNERS:
            parties.match(f"T-{partner}", "1000.00", partner)
        parties.settle()
        lead = parties.banks[LEAD]
        parties.net.mining(False)
        parties.feed(LEAD, 3)
        tick(lead)
        place = ("hold", "place", *OF, "--event-ref", "D1", "--amount", "100.00")
        cli = Thread(target=parties.tally, args=(LEAD, *place))
        cli.start()
        before = len(parties.net.rows(lead, select(attempts.c.id)))
        await_true(
            lambda: len(parties.net.rows(lead, select(attempts.c.id))) >= before + 2,
            "the calls are stored",
        )
        parties.feed(LEAD, 3)
        tick(lead)  # fixed behind the calls
        parties.net.mining(True)
        cli.join(30)
        parties.settle()
        newest = max(number for number, _, _ in parties.net.history(lead))
        for sequence in range(1, newest + 1):
            assert parties.net.states(lead, sequence) == ["sealed", "broadcast", "final"]
        assert len(states(parties)) == 2


class TestDays:
    def test_bad_input(self, parties: Parties) -> None:
        propose = ("day", "propose", *OF, "--partner", HUARUI, "--day")
        parties.tally(LEAD, *propose, "yesterday", fails=UsageFault)
        parties.tally(LEAD, "day", "propose", *OF, "--day", "2026-03-02", fails=UsageFault)
        parties.tally(LEAD, "day", "show", "7", fails=UsageFault)
        for verb in ("confirm", "withdraw"):
            parties.tally(HUARUI, "day", verb, *OF, fails=UsageFault)
        for verb in ("dispute", "reopen"):
            parties.tally(HUARUI, "day", verb, *OF, "--reason", "why", fails=UsageFault)

    def test_two_days_are_closed_with_what_came_late(
        self, parties: Parties, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        parties.match("T1", "100.00")
        parties.feed(LEAD, 1, event_ref="ALONE", amount="7.00", partner=HUARUI)
        parties.feed(HUARUI, 1, event_ref="OTHER", amount="5.00")
        parties.settle()
        propose = ("day", "propose", *OF, "--partner", HUARUI, "--day")
        output = parties.tally(LEAD, *propose, YESTERDAY.isoformat()).output
        assert "107.00" in output
        assert "2 open legs in 2 pairs carried forward" in output
        parties.tally(LEAD, "day", "confirm", *OF, "--partner", HUARUI, fails=UsageFault)
        with monkeypatch.context() as terminal:
            terminal.setattr("app.cli.shared.confirmation.is_attended", lambda: True)
            declined = parties.tally(HUARUI, "day", "confirm", *OF, fails=SystemExit)
            assert "107.00" in declined.stdout, "what would be signed is shown first"
        parties.tally(HUARUI, "day", "confirm", *OF, "--day", YESTERDAY.isoformat())
        assert account(parties).closed_through == YESTERDAY
        shown = json.loads(parties.tally(HUARUI, "day", "show", "1", "--json").stdout)
        assert shown["state"] == "closed"
        assert {one["event_ref"] for one in shown["carried_forward"]} == {"ALONE", "OTHER"}
        assert shown["closing"] == {"lead": "107.00", "partner": "105.00", "agreed": "100.00"}

        # a half, and a whole pair, of the closed day; what is agreed of an old half falls late too
        parties.feed(HUARUI, 1, event_ref="ALONE", amount="7.00")
        parties.match("T2", "30.00")
        parties.settle()
        today = YESTERDAY + timedelta(days=1)
        parties.tally(HUARUI, *propose, today.isoformat())
        parties.tally(LEAD, "day", "confirm", *OF, "--partner", HUARUI)
        shown = json.loads(parties.tally(LEAD, "day", "show", "2", "--json").stdout)
        assert shown["opening"] == {"lead": "107.00", "partner": "105.00", "agreed": "100.00"}
        assert shown["movement"] == {"lead": "30.00", "partner": "37.00", "agreed": "37.00"}
        assert [one["event_ref"] for one in shown["carried_forward"]] == ["OTHER"]
        self.movements_are_the_contracts(parties, YESTERDAY, today)
        self.rebuilt_alike(parties)

    def test_a_statement_that_our_own_legs_do_not_come_to_is_not_signed(
        self, parties: Parties
    ) -> None:
        parties.match("T1", "100.00")
        parties.settle()
        propose = ("day", "propose", *OF, "--partner", HUARUI, "--day", YESTERDAY.isoformat())
        parties.tally(LEAD, *propose)
        totals = tables.day_totals
        with parties.banks[HUARUI].engine.begin() as connection:
            connection.execute(update(totals).values(partner_book=9_000))
        result = parties.tally(HUARUI, "day", "confirm", *OF, fails=UsageFault)
        assert "movement, partner book: 90.00 by our legs, 100.00 stated" in str(result.exception)
        with parties.banks[HUARUI].engine.begin() as connection:
            connection.execute(update(totals).values(partner_book=10_000, agreed=0))
        result = parties.tally(HUARUI, "day", "confirm", *OF, fails=UsageFault)
        assert "movement, agreed: 0.00 by our legs, 100.00 stated" in str(result.exception)
        assert account(parties).closed_through is None

    def test_disputed_withdrawn_replaced_and_reopened(self, parties: Parties) -> None:
        parties.match("T1", "100.00")
        parties.settle()
        of = (*OF, "--partner", HUARUI)
        on = ("--day", YESTERDAY.isoformat())
        parties.tally(LEAD, "day", "propose", *of, *on)
        parties.tally(HUARUI, "day", "propose", *of, *on, fails=TallyError)
        parties.tally(HUARUI, "day", "dispute", *of, "--reason", "not yet")
        self.the_reason_reaches_its_readers(parties, "not yet")
        parties.tally(HUARUI, "day", "propose", *of, *on)
        parties.tally(HUARUI, "day", "withdraw", *of)
        parties.tally(LEAD, "day", "propose", *of, *on)
        parties.tally(LEAD, "day", "propose", *of, *on)
        parties.tally(HUARUI, "day", "confirm", *of)
        parties.tally(LEAD, "day", "propose", *of, *on, fails=UsageFault)

        reopen = ("day", "reopen", *of, "--reason", "booked twice")
        assert "proposed to open" in parties.tally(LEAD, *reopen).output
        parties.tally(LEAD, "day", "withdraw", *of, "--reopening")
        parties.tally(LEAD, *reopen)
        assert "reopening proposed" in parties.tally(HUARUI, "day", "list").output
        assert "opened" in parties.tally(HUARUI, *reopen).output
        assert account(parties).closed_through is None
        listed = json.loads(parties.tally(LEAD, "day", "list", "--json").stdout)["items"]
        told = [one["state"] for one in reversed(listed)]
        assert told == ["disputed", "withdrawn", "replaced", "reopened"]
        self.rebuilt_alike(parties)

    def the_reason_reaches_its_readers(self, parties: Parties, said: str) -> None:
        """Both banks of the account show it, and that it is what was signed; no other partner."""
        newest = json.loads(parties.tally(LEAD, "day", "list", "--json").stdout)["items"][0]
        for bank in (LEAD, HUARUI):
            shown = parties.tally(bank, "reason", newest["reason_hash"], "--json").stdout
            given = json.loads(shown)
            assert (given["text"], given["member"]) == (said, HUARUI)
            proof = keccak(bytes.fromhex(given["salt"][2:]) + said.encode())
            assert newest["reason_hash"] == "0x" + proof.hex()
            assert said in parties.tally(bank, "reason", newest["reason_hash"]).stdout
        parties.tally(LEAD, "reason", "0x12", fails=UsageFault)
        parties.tally(WUXI, "reason", newest["reason_hash"], fails=UsageFault)

    def movements_are_the_contracts(self, parties: Parties, first: date, last: date) -> None:
        """The report's movements are the contract's day totals, day by day."""
        with parties.banks[LEAD].engine.connect() as connection:
            facility = directory(connection).facilities[1]
            one = first
            while one <= last:
                ours = movements(connection, facility, one, one)[0]
                books = (ours.lead_book, ours.partner_book, ours.agreed)
                sums = tuple(sum(book.movements.values()) for book in books)
                assert sums == parties.ledger.movements(1, 1, one.toordinal(), one.toordinal())
                one += timedelta(days=1)

    def rebuilt_alike(self, parties: Parties) -> None:
        for bank in parties.banks.values():
            before = digest(bank.engine)
            bank.follower.rebuild(lambda block, head: None)
            assert digest(bank.engine) == before


def test_balances_that_pass_their_marks_and_the_rest_face(parties: Parties) -> None:
    parties.match("T1", "150000.00")
    parties.settle()
    out: dict[str, Any] = {"kind": "withdrawal", "event_ref": "W1", "amount": "150000.01"}
    parties.feed(LEAD, 1, partner=HUARUI, **out)
    parties.settle()
    lead = parties.banks[LEAD]
    with face(lead.engine) as served:
        reader = served.client("read")
        alerts = reader.get("/v1/balance-events", params={"partner": HUARUI}).json()["items"]
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
