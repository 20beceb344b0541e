"""The acts of a bank: what is refused before anything is sent, and the line that each leaves."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import structlog
from eth_utils.crypto import keccak
from sqlalchemy import Engine, update

from app.actions import breaks, consortium, days, facilities, holds, keys
from app.actions.breaks import BreakName, find_break, waiting_resolution
from app.actions.sender import Done, Signer
from app.actions.view import View
from app.chain.rpc import Rpc
from app.contracts.day_close import DayClose
from app.contracts.errors import ContractReverted, HoldRefused, ResolutionRefused
from app.contracts.events import event_kinds
from app.contracts.proposals import about
from app.contracts.reserve_ledger import ReserveLedger
from app.domain.errors import ChainFault, ChainUnreachable, TallyError, UsageFault
from app.domain.facility import Shares
from app.domain.identifiers import pair_key
from app.domain.kinds import Kind
from app.domain.resolutions import Action, Side
from app.intake.facility_file import load_facility
from app.readmodel import tables
from app.readmodel.directory import directory
from app.readmodel.pairs.by_key import pair_text
from tests.feeds import facility_text
from tests.integration.posted import TODAY, Event, World

pytestmark = pytest.mark.any_database

REASON = "we booked the fee twice"
NAMED = BreakName(partner="huarui", kind="top_up", event_ref="AMOUNT")

_Answer = TypeVar("_Answer")


@dataclass
class Line:
    """The one line of the log that an act left; `fault` what it raised."""

    values: MutableMapping[str, Any]
    fault: TallyError | None


@dataclass
class Bank:
    """A bank that acts: its view, and its keys."""

    world: World
    name: str
    view: View

    def read(self) -> None:
        self.world.indexer(self.name, self.view.engine).advance()

    def act(self, act: Callable[..., Done], asked: object, contract: object, key: str) -> Line:
        """Perform an act with one of the bank's keys; nothing is sent where it is refused."""
        signer = self.world.signer(self.name, key)
        sent = self.count(signer)
        fault: TallyError | None = None
        with structlog.testing.capture_logs() as lines:
            try:
                done = act(asked, self.view, contract, signer)
            except TallyError as caught:
                fault = caught
        acts = [line for line in lines if line["event"] == "act"]
        assert len(acts) == 1
        line = acts[0]
        assert (line["bank"], line["key"], line["address"]) == (self.name, key, signer.address)
        assert REASON not in str(line)
        if fault is None:
            assert self.count(signer) == sent + len(done.receipts)
        else:
            assert self.count(signer) == sent
        return Line(line, fault)

    def count(self, signer: Signer) -> int:
        return int(self.world.rpc.call("eth_getTransactionCount", [signer.address, "latest"]), 16)

    def breaks(self, act: Callable[..., Done], asked: object) -> Line:
        return self.act(act, asked, self.world.reconciliation, "approver")

    def facilities(self, act: Callable[..., Done], asked: object) -> Line:
        return self.act(act, asked, self.world.registry, "approver")

    def days(self, act: Callable[..., Done], asked: object) -> Line:
        contract = DayClose(self.world.rpc, self.world.manifest.addresses["DayClose"])
        return self.act(act, asked, contract, "approver")

    def holds(self, act: Callable[..., Done], asked: object) -> Line:
        contract = ReserveLedger(self.world.rpc, self.world.manifest.addresses["ReserveLedger"])
        return self.act(act, asked, contract, "operator")


def refused(line: Line, match: str, error: str = "UsageFault") -> None:
    """It was refused before anything was sent, its line says so and not why in words."""
    assert line.fault is not None
    assert match in line.fault.what
    assert line.values["outcome"] == "refused"
    assert line.values["error"] == error
    assert "transaction" not in line.values


def done(line: Line) -> MutableMapping[str, Any]:
    assert line.fault is None
    assert line.values["outcome"] == "done"
    return line.values


@pytest.fixture
def lead(world: World, database: Engine) -> Bank:
    world.post(
        "webank",
        Event(Kind.TOP_UP, "AMOUNT", 100, 1),
        Event(Kind.TOP_UP, "EQUAL", 500, 1),
    )
    world.post("huarui", Event(Kind.TOP_UP, "AMOUNT", 110), Event(Kind.TOP_UP, "EQUAL", 500))
    bank = Bank(world, "webank", View(database, "webank", lambda: world.sealing_keys("webank")))
    bank.read()
    return bank


def other(lead: Bank, name: str = "huarui") -> Bank:
    """Another bank, beside the same read model."""
    return Bank(lead.world, name, View(lead.view.engine, name, lead.view.sealing_keys))


class TestBreaks:
    def proposal(self, lead: Bank, **changes: Any) -> breaks.ProposeResolution:
        number = find_break(lead.view, NAMED).number
        asked = breaks.ProposeResolution(number, Action.ADJUST, Side.LEAD, None, REASON)
        return replace(asked, **changes)

    def test_refused_before_anything_is_sent(self, lead: Bank) -> None:
        for changes, match in (
            ({"side": None}, "adjust needs the side"),
            ({"action": Action.FORCE}, "force has no side"),
            ({"reason": ""}, "printable"),
            ({"reason": " "}, "printable"),
            ({"reason": "two\nlines"}, "printable"),
            ({"reason": "x" * 2001}, "printable"),
            ({"number": 99_999}, "no such break"),
        ):
            refused(lead.breaks(breaks.propose, self.proposal(lead, **changes)), match)
        equal = BreakName(partner="huarui", kind="top_up", event_ref="EQUAL")
        with pytest.raises(UsageFault, match="nothing to resolve"):
            find_break(lead.view, equal)
        with pytest.raises(UsageFault, match="nothing is proposed"):
            waiting_resolution(lead.view, find_break(lead.view, NAMED))

    def test_a_pair_that_is_not_on_the_chain_as_it_was_read(self, lead: Bank) -> None:
        asked = self.proposal(lead)
        with lead.view.engine.begin() as connection:
            connection.execute(update(tables.pairs).values(partner_amount=120))
        refused(lead.breaks(breaks.propose, asked), "has changed on the chain")

    def test_a_refusal_names_the_leg_as_this_bank_knows_it(self, lead: Bank) -> None:
        world, target = lead.world, (Kind.TOP_UP, "EQUAL")
        world.post("webank", Event(Kind.REVERSAL, "R", 500, 1, target=target))
        lead.read()
        reversal = BreakName(partner="huarui", kind="reversal", event_ref="R")
        for name, told in (
            (NAMED, "top up AMOUNT of huarui"),
            (reversal, "reversal R (top_up/EQUAL) of huarui"),
        ):
            asked = breaks.ProposeResolution(
                find_break(lead.view, name).number, Action.FORCE, None, None, REASON
            )
            if name is reversal:  # one half only: it cannot be forced
                refused(lead.breaks(breaks.propose, asked), told, "ResolutionNeedsBothHalves")
            else:
                done(lead.breaks(breaks.propose, asked))
                refused(lead.breaks(breaks.propose, asked), told, "ResolutionPending")
        with lead.view.engine.begin() as connection:
            connection.execute(update(tables.pairs).values(event_ref=None))
        pair = find_break(lead.view, BreakName(asked.number))
        again = lead.breaks(breaks.propose, asked)
        refused(again, f"reversal #{pair.reference[:12]}… (top_up/", "ResolutionNeedsBothHalves")

    def test_a_pair_that_this_bank_has_not_read(self, lead: Bank) -> None:
        ref = bytes.fromhex("0123456789abcdef0123456789abcdef01234567")
        with lead.view.engine.connect() as connection:
            names = directory(connection)
            told = [
                pair_text(connection, names, pair_key(1, 1, Kind.FEE, ref, target))
                for target in (b"", bytes((Kind.FEE,)) + ref)
            ]
        assert told == [
            "fee #0123456789ab… of huarui, which this bank's node has not read",
            "reversal of huarui, which this bank's node has not read",
        ]

    def test_from_the_proposal_to_the_acceptance(self, lead: Bank) -> None:
        line = done(lead.breaks(breaks.propose, self.proposal(lead)))
        number = find_break(lead.view, NAMED).number
        assert (line["act"], line["subject"]) == ("breaks.propose", f"break {number}")
        receipt = lead.world.rpc.call("eth_getTransactionReceipt", [line["transaction"]])
        sent = lead.world.rpc.call("eth_getTransactionByHash", [line["transaction"]])
        assert line["block"] == int(receipt["blockNumber"], 16)
        assert line["signed"] == "0x" + keccak(hexstr=sent["input"]).hex()
        again = lead.breaks(breaks.propose, self.proposal(lead))
        refused(again, "the contract refused", "ResolutionPending")
        assert isinstance(again.fault, ResolutionRefused)
        assert again.fault.what == (
            "the contract refused: a proposal of member 1 (webank) for pair top up AMOUNT of "
            "huarui waits already [ResolutionPending]"
        )

        lead.read()
        seen = waiting_resolution(lead.view, find_break(lead.view, NAMED))
        forged = replace(seen, action=Action.FORCE, side=None)
        huarui = other(lead)
        for act, asked in (
            (breaks.accept, breaks.AcceptResolution(number, forged)),
            (breaks.dispute, breaks.DisputeResolution(number, forged, REASON)),
            (breaks.withdraw, breaks.WithdrawResolution(number, forged)),
        ):
            refused(huarui.breaks(act, asked), "another resolution waits")
        accepted = breaks.AcceptResolution(number, seen)
        line_ = lead.breaks(breaks.accept, accepted)
        assert isinstance(line_.fault, ContractReverted), "a bank does not accept its own"
        assert done(huarui.breaks(breaks.accept, accepted))["act"] == "breaks.accept"


class TestDays:
    def test_from_the_proposal_to_the_reopening(self, lead: Bank) -> None:
        huarui = other(lead)
        account = days.find_account(huarui.view, "WLD-2016-A", None)
        assert account.subject == "account WLD-2016-A/huarui"
        with pytest.raises(UsageFault, match="which account"):
            days.find_account(lead.view, "WLD-2016-A", None)
        with pytest.raises(UsageFault, match="is no partner"):
            days.find_account(lead.view, "WLD-2016-A", "nobody")
        yesterday = TODAY - 1
        statement = days.own_statement(lead.view, account, yesterday)
        forged = replace(statement, closing=replace(statement.closing, lead=1))
        refused(lead.days(days.propose, days.ProposeDay(account, forged)), "legs have changed")
        refused(lead.days(days.withdraw, days.WithdrawDay(account)), "no proposal of this bank")
        reopening = days.ProposeReopening(account, yesterday, REASON)
        refused(lead.days(days.propose_reopening, reopening), "no day of this account")
        done(lead.days(days.propose, days.ProposeDay(account, statement)))
        lead.read()

        seen = days.day_to_answer(huarui.view, account)
        with pytest.raises(UsageFault, match="of another day"):
            days.day_to_answer(huarui.view, account, yesterday - 1)
        with pytest.raises(UsageFault, match="proposed it itself"):
            days.day_to_answer(lead.view, account)
        stale = bytes(32)
        for act, asked in (
            (days.confirm, days.ConfirmDay(account, stale)),
            (days.dispute, days.DisputeDay(account, stale, REASON)),
        ):
            refused(huarui.days(act, asked), "another statement waits now")
        unsaid = days.DisputeDay(account, seen.statement_hash, "")
        refused(huarui.days(days.dispute, unsaid), "printable")
        done(huarui.days(days.confirm, days.ConfirmDay(account, seen.statement_hash)))
        lead.read()

        with pytest.raises(UsageFault, match="is closed through"):
            days.own_statement(lead.view, account, yesterday)
        taking_back = days.WithdrawReopening(account)
        refused(lead.days(days.withdraw_reopening, taking_back), "no reopening of this bank")
        refused(
            lead.days(days.propose_reopening, replace(reopening, day=yesterday - 1)), "not the last"
        )
        done(lead.days(days.propose_reopening, reopening))
        lead.read()
        done(lead.days(days.withdraw_reopening, taking_back))
        done(lead.days(days.propose_reopening, reopening))
        lead.read()
        refused(huarui.days(days.propose_reopening, reopening), "again already")
        unseen = days.ConfirmReopening(account, yesterday, stale)
        refused(huarui.days(days.confirm_reopening, unseen), "another reopening waits")
        waiting = days.last_closed(huarui.view, account).reopening_hash
        assert waiting is not None
        seen_too = days.ConfirmReopening(account, yesterday, waiting)
        assert done(huarui.days(days.confirm_reopening, seen_too))["act"] == (
            "days.confirm_reopening"
        )
        lead.read()
        days.own_statement(lead.view, account, yesterday)


class TestHolds:
    def place(self, **changes: Any) -> holds.PlaceHolds:
        later = int((datetime.now(UTC) + timedelta(hours=1)).timestamp())
        asked = holds.PlaceHolds("WLD-2016-A", b"r" * 20, "1.00", TODAY, later)
        return replace(asked, **changes)

    def test_refused_before_anything_is_sent(self, lead: Bank) -> None:
        refused(other(lead).holds(holds.place, self.place()), "huarui does not lead")
        for amount in ("1.001", "0.00", "-1.00", "a lot", ""):
            refused(lead.holds(holds.place, self.place(amount=amount)), "the amount")
        refused(lead.holds(holds.place, self.place(amount="0.01")), "no partner has a part")
        refused(lead.holds(holds.place, self.place(facility="NOPE")), "is not on this chain")
        refused(lead.holds(holds.release, holds.ReleaseHolds(())), "nothing is held")
        line = lead.holds(holds.place, self.place(amount="1000.00"))
        assert isinstance(line.fault, HoldRefused)
        with pytest.raises(UsageFault, match="does not open"):
            holds.drawdown_ref(replace(lead.view, sealing_keys=list), "WLD-2016-A", "D1")

    def test_each_partner_has_a_transaction_and_all_share_one_line(self, lead: Bank) -> None:
        world = lead.world
        for name, partner in (("huarui", 1), ("wuxi", 2), ("nanfeng", 3)):
            world.post("webank", Event(Kind.TOP_UP, f"T-{name}", 10_000, partner))
            world.post(name, Event(Kind.TOP_UP, f"T-{name}", 10_000))
        lead.read()
        ref = holds.drawdown_ref(lead.view, "WLD-2016-A", "D1")
        assert ref == world.reference("D1")
        line = done(lead.holds(holds.place, self.place(ref=ref, amount="10.00")))
        assert len(line["transaction"]) == len(line["block"]) == len(line["signed"]) == 3
        assert line["subject"] == f"drawdown WLD-2016-A/#{ref.hex()}"
        lead.read()
        assert holds.expired(lead.view) == ()
        held = holds.held(lead.view, "WLD-2016-A", ref, "huarui")
        assert [one.partner for one in held] == [1]
        done(lead.holds(holds.release, holds.ReleaseHolds(held)))
        lead.read()
        assert len(holds.held(lead.view, "WLD-2016-A", ref)) == 2


class TestFacilities:
    def test_refused_before_anything_is_sent(self, lead: Bank, tmp_path: Path) -> None:
        path = tmp_path / "F.toml"
        path.write_text(facility_text("F", "webank", "huarui", "nobody"))
        asked = facilities.ProposeFacility(load_facility(path))
        refused(lead.facilities(facilities.propose, asked), "is no active member")
        refused(other(lead).facilities(facilities.propose, asked), "webank leads facility F")
        first = TODAY + 40
        same = {"huarui": Shares(4533, 4533, 4533)}
        for act, request, match in (
            (facilities.pause, facilities.PauseFacility("NOPE", REASON), "is not on this chain"),
            (facilities.pause, facilities.PauseFacility("WLD-2016-A", "\x07"), "printable"),
            (
                facilities.propose_shares,
                facilities.ProposeShares("WLD-2016-A", first, same, REASON),
                "nothing would change",
            ),
            (
                facilities.propose_rules,
                facilities.ProposeRules("WLD-2016-A", first, "0.001", None, None, None, REASON),
                "has 3 decimals",
            ),
            (
                facilities.propose_rules,
                facilities.ProposeRules("WLD-2016-A", first, None, None, None, None, REASON),
                "nothing would change",
            ),
            (
                facilities.resume,
                facilities.ResumeFacility("WLD-2016-A", "nobody"),
                "is no member",
            ),
        ):
            refused(lead.facilities(act, request), match)

    def test_a_change_is_accepted_by_the_content_that_was_seen(self, lead: Bank) -> None:
        line = lead.facilities(
            facilities.propose_close, facilities.ProposeClose("WLD-2016-A", REASON)
        )
        assert done(line)["subject"] == "facility WLD-2016-A"
        huarui = other(lead)
        unseen = facilities.AcceptChange("WLD-2016-A", 1, bytes(32))
        refused(huarui.facilities(facilities.accept_change, unseen), "no change 1 of this content")
        lead.read()
        refused(huarui.facilities(facilities.accept_change, unseen), "no change 1 of this content")
        unseen_too = facilities.EnactChange("WLD-2016-A", 1, bytes(32))
        refused(huarui.facilities(facilities.enact_change, unseen_too), "no change 1 of")

    def test_a_facility_is_accepted_on_the_terms_that_were_read(self, lead: Bank) -> None:
        """The hash is of what this bank's node has read; an endpoint is not asked for it."""
        known = lead.view.facility("WLD-2016-A")
        contract = lead.world.registry
        assert known.terms_hash == contract.terms_hash(contract.terms(known.number))
        asked = facilities.AcceptFacility("WLD-2016-A", bytes(32))
        refused(other(lead).facilities(facilities.accept, asked), "with other terms")
        asked = facilities.AcceptFacility("WLD-2016-A", known.terms_hash or b"")
        line = other(lead).facilities(facilities.accept, asked)
        refused(line, "the contract refused", "FacilityAlreadyAccepted")


class TestConsortiumAndKeys:
    def test_each_leaves_its_line(self, lead: Bank) -> None:
        contract = lead.world.consortium
        wuxi = lead.view.member("wuxi")
        unsaid = consortium.Propose((about("suspend", wuxi),), " ")
        refused(lead.act(consortium.propose, unsaid, contract, "approver"), "printable")
        asked = consortium.Propose((about("suspend", wuxi),), REASON)
        assert done(lead.act(consortium.propose, asked, contract, "approver"))["subject"] == (
            "suspend"
        )
        lead.read()
        content = bytes.fromhex(lead.view.proposal(1).content_hash[2:])
        assert content == contract.proposal(1).content_hash
        for unseen in (consortium.SeenProposal(1, bytes(32)), consortium.SeenProposal(9, content)):
            for act, request in (
                (consortium.vote, consortium.Vote((unseen,), in_favour=True)),
                (consortium.enact, consortium.Enact(unseen)),
            ):
                line = other(lead).act(act, request, contract, "approver")
                refused(line, "proposal")
        vote = consortium.Vote((consortium.SeenProposal(1, content),), in_favour=True)
        line = lead.act(consortium.vote, vote, contract, "approver")
        refused(line, "the contract refused", "ConsortiumVotedAlready")
        assert done(other(lead).act(consortium.vote, vote, contract, "approver"))["subject"] == (
            "for proposal 1"
        )

    def test_a_key_is_not_replaced_by_itself(self, lead: Bank) -> None:
        folder = lead.world.folder.keys("webank")
        asked = keys.RotateKey("approver", folder, development=True)
        contract = lead.world.consortium
        refused(lead.act(keys.rotate, asked, contract, "approver"), "by the recovery key")


class TestReasons:
    """Who guesses a reason's text does not find it again: the chain has it under a salt."""

    def hashes(self, lead: Bank) -> list[bytes]:
        """The reasons' hashes in everything that was signed."""
        found = []
        height = int(lead.world.rpc.call("eth_blockNumber", []), 16)
        kinds = {kind.topic: kind for kind in event_kinds().values()}
        logs = lead.world.rpc.call("eth_getLogs", [{"fromBlock": "0x0", "toBlock": hex(height)}])
        for log in logs:
            if log["topics"][0] not in kinds:
                continue
            arguments = kinds[log["topics"][0]].read(log).arguments
            arguments |= arguments.get("resolution", {})
            if any(arguments.get("reasonHash", b"")):
                found.append(arguments["reasonHash"])
        return found

    def test_no_hash_is_that_of_its_text_alone(self, lead: Bank) -> None:
        world, huarui = lead.world, other(lead)
        number = find_break(lead.view, NAMED).number
        proposal = breaks.ProposeResolution(number, Action.FORCE, None, None, REASON)
        done(lead.breaks(breaks.propose, proposal))
        lead.read()
        pair = find_break(lead.view, NAMED)
        assert pair.proposal is not None
        assert pair.proposal.reason == REASON, "it opens, with its salt"
        seen = waiting_resolution(lead.view, pair)
        done(huarui.breaks(breaks.dispute, breaks.DisputeResolution(number, seen, REASON)))
        signer = world.signer("webank")
        wuxi = lead.view.member("wuxi")
        kept = [
            consortium.propose(
                consortium.Propose((about("suspend", wuxi),), REASON),
                lead.view,
                world.consortium,
                signer,
            ),
            consortium.stop(
                consortium.StopMember(wuxi, REASON), lead.view, world.consortium, signer
            ),
            facilities.pause(
                facilities.PauseFacility("WLD-2016-A", REASON),
                lead.view,
                world.registry,
                signer,
            ),
            facilities.propose_close(
                facilities.ProposeClose("WLD-2016-A", REASON), lead.view, world.registry, signer
            ),
        ]
        hashes = self.hashes(lead)
        assert len(hashes) == len(set(hashes)) == 6
        assert keccak(text=REASON) not in hashes
        for one in kept:
            assert one.reason is not None
            assert one.reason.text == REASON
            assert keccak(one.reason.salt + REASON.encode()) in hashes
            assert one.reason.salt.hex() not in repr(one)


class Flaky(Rpc):
    """A connection whose endpoint goes away right after it has taken the transaction, after which
    another endpoint of the same chain is asked."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.offered: list[object] = []
        self.away = True

    def batch_answers(self, requests_: list[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
        self.offered.append(requests_)
        answers = super().batch_answers(requests_)
        if self.away:
            self.away = False
            raise ChainUnreachable("gone")
        return answers

    def run(self, work: Callable[[], _Answer]) -> _Answer:
        try:
            return work()
        except ChainUnreachable:
            return work()


def test_of_two_commands_that_sign_at_once_one_is_refused_by_name(lead: Bank) -> None:
    """Two processes of one bank give one nonce to two acts; no act is done twice or lost unsaid."""
    contract = lead.world.consortium

    def propose(name: str, signer: Signer) -> None:
        asked = consortium.Propose((about("suspend", lead.view.member(name)),), REASON)
        consortium.propose(asked, None, contract, signer)

    slow = replace(
        lead.world.signer("webank"),
        before_sending=lambda *_: propose("wuxi", lead.world.signer("webank")),
    )
    with pytest.raises(ChainFault, match="another command signed with the approver key of webank"):
        propose("huarui", slow)
    assert contract.proposal_count() == 1
    propose("huarui", lead.world.signer("webank"))
    assert contract.proposal_count() == 2


def test_an_act_is_signed_once_and_the_next_endpoint_gets_the_same_bytes(lead: Bank) -> None:
    world = lead.world
    rpc = Flaky(world.rpc.url)
    signer = replace(world.signer("webank"), rpc=rpc)
    asked = consortium.Propose((about("suspend", lead.view.member("wuxi")),), REASON)
    sent = lead.count(signer)
    made = consortium.propose(asked, lead.view, world.consortium, signer)
    assert made.event("ProposalMade") is not None
    assert len(rpc.offered) == 2
    assert rpc.offered[0] == rpc.offered[1]
    assert lead.count(signer) == sent + 1
    rpc.close()
