"""Facilities that change: by commands of each bank, on a chain, through to every bank's books."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from app.cli.facility import facility as facility_command
from app.contracts.errors import AccessRefused, FacilityRefused
from app.domain.errors import TallyError, UsageFault
from app.indexer.rebuild import digest
from app.intake.accept import Intake
from app.intake.reader import open_feed
from app.intake.store import EventStore
from app.intake.tables import events
from app.intake.validation import Validator
from app.local.reconcile import tick
from app.node.bank import Bank
from app.outbox.progress import drained
from app.readmodel.pairs import queries
from app.readmodel.pairs.queries import Filter
from tests.integration.posting import FACILITY, LEAD, PARTNERS, Net

HUARUI, WUXI = PARTNERS
DAYS = 45
"""How far the chain's clock is set ahead."""


@pytest.fixture
def today(net: Net) -> date:
    """The day of the chain's newest block."""
    block = net.rpc.call("eth_getBlockByNumber", ["latest", False])
    return datetime.fromtimestamp(int(block["timestamp"], 16), UTC).date()


@pytest.fixture
def banks(net: Net, tmp_path: Path) -> dict[str, Bank]:
    found = {}
    for name in (LEAD, *PARTNERS):
        found[name] = net.fresh_bank(f"sqlite:///{tmp_path / name}.db", name)
    return found


def tally(net: Net, bank: str, *arguments: str, fails: type[TallyError] | None = None) -> Result:
    """`tally facility ...` with a bank's configuration."""
    config = str(net.folder.config(bank))
    result = CliRunner().invoke(facility_command, [*arguments, "--config", config])
    if fails is None:
        assert result.exit_code == 0, (result.output, result.exception)
    else:
        assert isinstance(result.exception, fails), (result.output, result.exception)
    return result


def agree(net: Net, banks: dict[str, Bank], proposer: str, *arguments: str) -> int:
    """Have a change proposed by one bank's command and accepted by the others'; its number."""
    tally(net, proposer, *arguments, "--reason", "as agreed")
    net.catch_up(banks[proposer])
    shown = json.loads(tally(net, proposer, "show", FACILITY, "--json").output)
    number: int = shown["changes"][-1]["number"]
    for name, bank in banks.items():
        if name != proposer:
            net.catch_up(bank)
            tally(net, name, "accept", FACILITY, "--change", str(number), "--yes")
    for bank in banks.values():
        net.catch_up(bank)
    return number


def take_in(net: Net, bank: Bank, clock: Callable[[], datetime], *rows: dict[str, str]) -> None:
    """Take in events whose dates are after those of this machine's clock."""
    path = net.root / f"later-{bank.name}.csv"
    columns = "event_id,facility,event_ref,kind,amount,currency,value_date,booked_at,partner"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*columns.split(","), "shares_on"], restval="")
        writer.writeheader()
        for place, row in enumerate(rows):
            fixed = {"event_id": f"{bank.name}-{place}", "facility": FACILITY, "currency": "CNY"}
            writer.writerow(fixed | row)
    terms = bank.view.facility(FACILITY).terms
    with open_feed(path, terms, bank.name) as read:
        intake = Intake(EventStore(bank.engine), Validator(terms, bank.name), clock=clock)
        taken = intake.submit(read, path.name, "file")
    assert taken.accepted == len(rows), taken


def test_legs_before_and_after_a_change_are_split_and_judged_right(
    net: Net, banks: dict[str, Bank], today: date
) -> None:
    first = today + timedelta(days=31)
    agree(
        net, banks, LEAD, "propose-shares", FACILITY, "--from", first.isoformat(),
        "--share", f"{HUARUI}=5000", "--share", f"{WUXI}=2000/2000/0",
    )  # fmt: skip
    agree(
        net, banks, HUARUI, "propose-rules", FACILITY, "--from", first.isoformat(),
        "--tolerance", "0.05", "--window-days", "1", "--cut-off", "12:00:00",
    )  # fmt: skip
    net.rpc.call("evm_increaseTime", [DAYS * 86_400])
    net.rpc.call("evm_mine", [])
    later = datetime.now(UTC) + timedelta(days=DAYS)

    def event(ref: str, kind: str, amount: str, day: date, shares_on: str = "") -> dict[str, str]:
        return {
            "event_ref": ref,
            "kind": kind,
            "amount": amount,
            "value_date": day.isoformat(),
            # After the new cut-off, in Shanghai; before the old one.
            "booked_at": f"{day.isoformat()}T13:00:00+08:00",
            "shares_on": shares_on,
        }

    before = first - timedelta(days=1)
    take_in(
        net, banks[LEAD], lambda: later,
        event("old", "drawdown", "100.00", before),
        event("new", "drawdown", "100.00", first),
        event("repaid", "principal", "100.00", first, before.isoformat()),
        event("strict", "interest", "100.00", before),
        event("tolerant", "interest", "100.00", first),
        event("fee", "fee", "1.00", first),
    )  # fmt: skip
    take_in(
        net, banks[HUARUI], lambda: later,
        event("old", "drawdown", "40.00", before),
        event("new", "drawdown", "50.00", first),
        event("repaid", "principal", "40.00", first),
        event("strict", "interest", "40.03", before),
        event("tolerant", "interest", "50.03", first + timedelta(days=1)),
        event("fee", "fee", "0.50", first),
    )  # fmt: skip
    take_in(
        net, banks[WUXI], lambda: later,
        event("old", "drawdown", "40.00", before),
        event("new", "drawdown", "20.00", first),
        event("repaid", "principal", "40.00", first),
        event("strict", "interest", "40.00", before),
        event("tolerant", "interest", "20.06", first),
    )  # fmt: skip
    parts = net.rows(banks[LEAD], select(events.c.event_ref, events.c.parts))
    assert dict(tuple(row) for row in parts) == {
        "old": 2, "new": 2, "repaid": 2, "strict": 2, "tolerant": 2, "fee": 1,
    }  # fmt: skip
    for bank in banks.values():
        net.drain(bank)
    for bank in banks.values():
        net.catch_up(bank)

    found = {}
    with banks[LEAD].engine.connect() as connection:
        for pair in queries.pairs(connection, Filter(), 100).items:
            assert pair.lead is not None
            assert pair.partner_half is not None
            found[pair.partner, pair.event_ref] = (
                pair.type,
                pair.lead.amount,
                pair.shares_version,
                pair.rules_version,
                pair.lead.business_date,
            )
    next_day = first + timedelta(days=1)
    assert found == {
        (HUARUI, "old"): ("matched", 4000, 1, 1, before),
        (HUARUI, "new"): ("matched", 5000, 2, 2, next_day),
        (HUARUI, "repaid"): ("matched", 4000, 1, 2, next_day),
        (HUARUI, "strict"): ("amount", 4000, 1, 1, before),
        (HUARUI, "tolerant"): ("within_tolerance", 5000, 2, 2, next_day),
        (HUARUI, "fee"): ("matched", 50, 2, 2, next_day),
        (WUXI, "old"): ("matched", 4000, 1, 1, before),
        (WUXI, "new"): ("matched", 2000, 2, 2, next_day),
        (WUXI, "repaid"): ("matched", 4000, 1, 2, next_day),
        (WUXI, "strict"): ("matched", 4000, 1, 1, before),
        (WUXI, "tolerant"): ("amount", 2000, 2, 2, next_day),
    }
    for partner in PARTNERS:
        for bank in (banks[LEAD], banks[partner]):
            account = net.account(bank, partner)
            assert account.contract == account.books, "the books are the contract's"
            assert account.proof == 0
    for bank in banks.values():
        before_ = digest(bank.engine)
        bank.follower.rebuild(lambda done, of: None)
        assert digest(bank.engine) == before_, "made anew from the chain alone"


def test_a_change_is_seen_while_it_waits_and_can_be_taken_back(
    net: Net, banks: dict[str, Bank], today: date
) -> None:
    first = (today + timedelta(days=40)).isoformat()
    tally(net, HUARUI, "propose-shares", FACILITY, "--from", first, "--share", f"{HUARUI}=1/2/3",
          "--reason", "why not")  # fmt: skip
    net.catch_up(banks[HUARUI])
    shown = tally(net, HUARUI, "show", FACILITY).output
    assert f"waits for {LEAD}, {WUXI}" in shown
    assert f"{HUARUI} 1/2/3, {WUXI} 4000/4000/4000" in shown
    tally(net, LEAD, "accept", FACILITY, "--change", "1", "--yes", fails=UsageFault)
    net.catch_up(banks[LEAD])
    tally(net, LEAD, "withdraw", FACILITY, "--change", "1", fails=AccessRefused)
    tally(net, HUARUI, "withdraw", FACILITY, "--change", "1")
    tally(net, LEAD, "accept", FACILITY, "--change", "1", "--yes", fails=FacilityRefused)
    net.catch_up(banks[LEAD])
    told = json.loads(tally(net, LEAD, "history", FACILITY, "--json").output)
    (change,) = told["changes"]
    assert (change["state"], change["accepted_by"], change["waits_for"]) == (
        "withdrawn", [HUARUI], [],
    )  # fmt: skip
    assert change["shares"]["share_bps"][HUARUI] == {"principal": 1, "interest": 2, "fee": 3}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("show", "NOPE"), "is not on this chain"),
        (("propose-shares", FACILITY, "--share", "nobody=1"), "is no partner"),
        (("propose-shares", FACILITY, "--share", f"{HUARUI}=1/2"), "is no share"),
        (("propose-shares", FACILITY, "--share", f"{HUARUI}=10001"), "is no share"),
        (("propose-shares", FACILITY, "--share", f"{HUARUI}=4000"), "nothing would change"),
        (("propose-rules", FACILITY, "--tolerance", "0.001"), "has 3 decimals"),
        (("propose-rules", FACILITY), "nothing would change"),
        (("resume", FACILITY, "--of", "nobody"), "is no member"),
    ],
)
def test_bad_input_is_told_before_anything_is_sent(
    net: Net, banks: dict[str, Bank], arguments: tuple[str, ...], complaint: str
) -> None:
    if arguments[0].startswith("propose"):
        arguments = (*arguments, "--from", "2030-01-01", "--reason", "r")
    result = tally(net, LEAD, *arguments, fails=UsageFault)
    assert complaint in str(result.exception)


def test_what_the_contract_refuses_is_told_with_its_remedy(
    net: Net, banks: dict[str, Bank], today: date
) -> None:
    soon = (today + timedelta(days=30)).isoformat()
    result = tally(
        net, LEAD, "propose-rules", FACILITY, "--from", soon, "--window-days", "3",
        "--reason", "r", fails=FacilityRefused,
    )  # fmt: skip
    assert isinstance(result.exception, FacilityRefused)
    assert result.exception.name == "FacilityChangeTooLate"
    assert (today + timedelta(days=31)).isoformat() in result.exception.remedy


def test_who_accepts_a_facility_is_shown_all_that_its_lead_proposed(
    net: Net, banks: dict[str, Bank], tmp_path: Path
) -> None:
    file = tmp_path / "new.toml"
    file.write_text(
        'id = "NEW-1"\nlead = "webank"\ncurrency = "EUR"\ntime_zone = "Europe/Paris"\n'
        'cut_off = "21:15:00"\nsplit = "lead"\nfirst_day = "1999-12-31"\n'
        '[rules]\namount_tolerance = "0.07"\ndate_window_days = 3\nmatch_deadline_hours = 36\n'
        f'[[partners]]\nname = "{HUARUI}"\nlow_balance = "12345.00"\n'
        "share_bps = { principal = 4321, interest = 1234, fee = 9 }\n"
        "[bounds]\nleast_lead_share_bps = 500\n"
    )
    proposed = tally(net, LEAD, "propose", str(file), "--yes").stderr
    for said in (
        "EUR",
        "Europe/Paris",
        "21:15:00",
        "the lead",
        "1999-12-31",
        "tolerance 0.07",
        "window 3 days",
        "deadline 36 h",
        "12345.00",
        "4321/1234/9",
        "500 basis",
    ):
        assert said in proposed
    net.catch_up(banks[HUARUI])
    accepted = tally(net, HUARUI, "accept", "NEW-1", "--yes").stderr
    assert proposed.splitlines()[:8] == accepted.splitlines()[:8]


def test_a_paused_facility_takes_events_and_posts_them_when_all_have_resumed(
    net: Net, banks: dict[str, Bank]
) -> None:
    lead = banks[LEAD]
    tally(net, HUARUI, "pause", FACILITY, "--reason", "figures look wrong")
    tally(net, HUARUI, "pause", FACILITY, "--reason", "again", fails=FacilityRefused)
    net.catch_up(lead)
    assert "paused by huarui" in tally(net, LEAD, "show", FACILITY).output
    net.feed(lead, 3)
    for _ in range(3):
        tick(lead)
    assert not drained(lead.engine, FACILITY)
    assert "is paused by huarui" in str(lead.posting.troubles(FACILITY))
    tally(net, LEAD, "resume", FACILITY, "--of", HUARUI, fails=TallyError)
    tally(net, HUARUI, "resume", FACILITY)
    net.catch_up(lead)
    lead.posting.facilities._looked_up_at = float("-inf")
    net.drain(lead)
    net.assert_exactly_once(lead, 3)
    (pause,) = json.loads(tally(net, LEAD, "history", FACILITY, "--json").output)["pauses"]
    assert (pause["member"], pause["resumed_by"]) == (HUARUI, HUARUI)


def test_a_declined_facility_ends_and_its_id_is_free_again(
    net: Net, banks: dict[str, Bank]
) -> None:
    path = net.root / "G.toml"
    path.write_text((net.root / f"{FACILITY}.toml").read_text().replace(FACILITY, "G"))

    def propose_g() -> None:
        tally(net, LEAD, "propose", str(path), "--yes")
        for bank in banks.values():
            net.catch_up(bank)

    propose_g()
    tally(net, HUARUI, "decline", "G", "--reason", "not these shares")
    net.catch_up(banks[LEAD])
    tally(net, LEAD, "show", "G", fails=UsageFault)
    propose_g()
    tally(net, LEAD, "withdraw", "G")
    propose_g()
    for name in PARTNERS:
        tally(net, name, "accept", "G", "--yes")
    net.catch_up(banks[LEAD])
    listed = json.loads(tally(net, LEAD, "list", "--json").output)["items"]
    assert [(one["id"], one["state"]) for one in listed] == [
        (FACILITY, "active"), ("G", "withdrawn"), ("G", "withdrawn"), ("G", "active"),
    ]  # fmt: skip
    net.feed(banks[LEAD], 1, "G")
    net.drain(banks[LEAD], "G")


def test_a_facility_that_cannot_be_proposed_is_told_why(
    net: Net, banks: dict[str, Bank], tmp_path: Path
) -> None:
    file = net.root / f"{FACILITY}.toml"
    result = tally(net, HUARUI, "propose", str(file), "--yes", fails=UsageFault)
    assert f"{LEAD} leads facility {FACILITY}, not {HUARUI}" in str(result.exception)
    result = tally(net, LEAD, "propose", str(file), "--yes", fails=FacilityRefused)
    assert FACILITY in str(result.exception)
    strange = tmp_path / "strange.toml"
    strange.write_text(file.read_text().replace(WUXI, "nobody"))
    result = tally(net, LEAD, "propose", str(strange), "--yes", fails=UsageFault)
    assert "nobody of facility" in str(result.exception)


def test_a_facility_closes_once_no_leg_is_open(net: Net, banks: dict[str, Bank]) -> None:
    lead, huarui = banks[LEAD], banks[HUARUI]
    net.feed(lead, 1, event_ref="open")
    net.drain(lead)
    tally(net, LEAD, "propose-close", FACILITY, "--reason", "fully repaid")
    for bank in banks.values():
        net.catch_up(bank)
    tally(net, WUXI, "accept", FACILITY, "--change", "1", "--yes")
    result = tally(net, HUARUI, "accept", FACILITY, "--change", "1", "--yes", fails=FacilityRefused)
    assert isinstance(result.exception, FacilityRefused)
    assert result.exception.name == "FacilityHasOpenLegs"
    net.feed(huarui, 1, event_ref="open")
    net.drain(huarui)
    tally(net, HUARUI, "accept", FACILITY, "--change", "1", "--yes")
    for bank in banks.values():
        net.catch_up(bank)
        assert bank.view.facility(FACILITY).state == "closed"
        with pytest.raises(UsageFault, match="is closed"):
            bank.intakes.open(FACILITY)
    listed = tally(net, LEAD, "list").output
    assert "closed" in listed
