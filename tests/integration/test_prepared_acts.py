"""Four eyes within each bank, on a real chain: what is prepared, signed, overtaken and cut off."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_utils.crypto import keccak
from pydantic import TypeAdapter
from sqlalchemy import Engine, func, select, update

from app.actions.breaks import BreakName, find_break
from app.actions.facilities import with_history
from app.actions.view import View
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.contracts.transactions import sign, wait_for_receipt
from app.db.engine import create, upgrade
from app.domain.errors import ChainUnreachable, InputFault, UsageFault
from app.domain.kinds import Kind
from app.keys.errors import KeyUnusable
from app.keys.keystore import load_account
from app.keys.possession import prove_replacement
from app.people.person import Person
from app.prepared_acts import in_time
from app.prepared_acts.agreement_contents import contents
from app.prepared_acts.agreement_facts import proposal_facts
from app.prepared_acts.errors import ActConflict, NotAllowed, SigningIsOff, UnknownAct
from app.prepared_acts.facts import facts_of
from app.prepared_acts.kinds import Facts
from app.prepared_acts.lifecycle import State
from app.prepared_acts.preparing import PreparedActs
from app.prepared_acts.requests import Request
from app.prepared_acts.signing import Signing
from app.prepared_acts.store import PreparedAct, batch_hash, batch_of, one_act
from app.prepared_acts.tables import prepared_act_transactions, prepared_acts
from app.prepared_acts.upgrade_code import CODE_HASH
from app.readmodel.accounts.holds import holds as holds_of
from app.readmodel.consortium.queries import list_proposals
from app.readmodel.days.queries import day_records
from app.readmodel.days.shapes import DayRecord
from app.readmodel.pairs import queries
from deploy.consortium import ConsortiumFolder
from tests.chinese import english_when_said
from tests.integration.acting import newcomer_file
from tests.integration.posted import TODAY, Event, World
from tests.integration.posting import await_true
from tests.integration.test_consortium import deploy_day_close
from tests.integration.vaults import VAULT

MEI = Person("p-mei", "mei", "Mei", frozenset({"officer"}))
TOM = Person("p-tom", "tom", "Tom", frozenset({"officer"}))
ANN = Person("p-ann", "ann", "Ann", frozenset({"approver", "officer"}))
KAI = Person("p-kai", "kai", "Kai", frozenset({"approver"}))
EVE = Person("p-eve", "eve", "Eve", frozenset({"viewer", "treasury", "auditor", "administrator"}))

REQUEST: TypeAdapter[Request] = TypeAdapter(Request)
ACCOUNT = {"facility": "WLD-2016-A", "partner": "huarui"}


@dataclass
class Bank:
    """A bank with its own database, whose persons act."""

    world: World
    name: str
    engine: Engine
    acts: PreparedActs
    signing: Signing

    def read(self) -> None:
        self.world.indexer(self.name, self.engine).advance()

    @property
    def view(self) -> View:
        return view_of(self.world, self.name, self.engine)

    def number(self, event_ref: str) -> int:
        named = BreakName(partner="huarui", kind="top_up", event_ref=event_ref)
        return find_break(self.view, named).number

    def act(self, number: int) -> PreparedAct:
        with self.engine.connect() as connection:
            return one_act(connection, number)

    def contents(self, act: PreparedAct) -> Facts:
        return contents(self.view, act.content.asked)

    def prepare(self, person: Person, act: str, **asked: Any) -> PreparedAct:
        """Prepare an act; people read all of its facts in Chinese, too."""
        made = self.acts.prepare(person, REQUEST.validate_python({"act": act, **asked}))
        facts = made.content.facts | self.contents(made)
        facts.pop("Its reason", None)  # somebody's own words
        assert english_when_said(*facts, *facts.values()) == {}
        return made

    def sign(self, person: Person, act: PreparedAct) -> PreparedAct:
        return self.signing.sign(person, act.number, act.hash)

    def proposal(self, event_ref: str, person: Person = MEI, **changes: Any) -> PreparedAct:
        asked = {"action": "adjust", "side": "lead", "reason": "we booked the fee twice"}
        return self.prepare(
            person, "breaks.propose", pair=self.number(event_ref), **(asked | changes)
        )

    def sent(self) -> int:
        """How many transactions of the approver key the chain counts."""
        address = self.world.folder.public_keys(self.name).approver
        return int(self.world.rpc.call("eth_getTransactionCount", [address, "latest"]), 16)


def view_of(world: World, name: str, engine: Engine) -> View:
    return View(engine, name, lambda: world.sealing_keys(name), world.manifest.addresses)


def bank_of(
    world: World, name: str, engine: Engine, rpc: Rpc | None = None, signs: bool = True
) -> Bank:
    view = view_of(world, name, engine)

    def approver() -> Any:
        return load_account(world.folder.keys(name), "approver", development=True)

    def operator() -> Any:
        return load_account(world.folder.keys(name), "operator", development=True)

    client = rpc or world.rpc
    return Bank(
        world,
        name,
        engine,
        PreparedActs(view, client, signs=signs),
        Signing(view, client, world.manifest, approver if signs else None, operator),
    )


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = create(f"sqlite:///{tmp_path / 'lead.sqlite'}", vault=VAULT)
    upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def lead(world: World, engine: Engine) -> Bank:
    world.post("webank", Event(Kind.TOP_UP, "AMOUNT", 100, 1), Event(Kind.TOP_UP, "ALONE", 70, 1))
    world.post("huarui", Event(Kind.TOP_UP, "AMOUNT", 110))
    bank = bank_of(world, "webank", engine)
    bank.read()
    return bank


@pytest.fixture
def partner(world: World, lead: Bank, tmp_path: Path) -> Iterator[Bank]:
    engine = create(f"sqlite:///{tmp_path / 'partner.sqlite'}", vault=VAULT)
    upgrade(engine)
    bank = bank_of(world, "huarui", engine)
    bank.read()
    yield bank
    engine.dispose()


def both_read(*banks: Bank) -> None:
    for bank in banks:
        bank.read()


def resolution(bank: Bank, number: int) -> int:
    with bank.engine.connect() as connection:
        pair = queries.pair(connection, number)
    assert pair is not None
    assert pair.proposal is not None
    return pair.proposal.number


class TestFourEyes:
    def test_a_break_is_resolved_by_two_persons_of_each_bank(
        self, lead: Bank, partner: Bank
    ) -> None:
        prepared = lead.proposal("AMOUNT")
        assert prepared.state is State.PREPARED
        signed = lead.sign(ANN, prepared)
        assert signed.state is State.SIGNED
        assert signed.block == lead.world.rpc.web3.eth.block_number
        assert [(one.state, one.person_name) for one in signed.log] == [
            (State.PREPARED, "Mei"),
            (State.SIGNING, "Ann"),
            (State.SENT, "Ann"),
            (State.SIGNED, None),
        ]
        both_read(lead, partner)

        number = partner.number("AMOUNT")
        accepting = partner.prepare(
            TOM, "breaks.accept", pair=number, resolution=resolution(partner, number)
        )
        assert partner.sign(KAI, accepting).state is State.SIGNED
        both_read(lead, partner)
        with lead.engine.connect() as connection:
            pair = queries.pair(connection, prepared.pair or 0)
        assert pair is not None
        assert pair.action == "adjust"

    def test_a_day_is_closed_and_opened_again(self, lead: Bank, partner: Bank) -> None:
        day = date.fromordinal(TODAY).isoformat()
        lead.sign(KAI, lead.prepare(ANN, "days.propose", day=day, **ACCOUNT))
        both_read(lead, partner)
        (waiting,) = day_records_of(partner, "proposed")
        confirming = partner.prepare(
            MEI, "days.confirm", statement_hash="0x" + waiting.statement_hash.hex(), **ACCOUNT
        )
        partner.sign(ANN, confirming)
        both_read(lead, partner)
        assert len(day_records_of(lead, "closed")) == 1

        reason = "a top-up was booked twice"
        partner.sign(
            ANN, partner.prepare(MEI, "days.propose_reopening", day=day, reason=reason, **ACCOUNT)
        )
        both_read(lead, partner)
        with pytest.raises(UsageFault, match="huarui proposes to open"):
            lead.prepare(MEI, "days.propose_reopening", day=day, reason=reason, **ACCOUNT)
        lead.sign(KAI, lead.prepare(MEI, "days.confirm_reopening", day=day, **ACCOUNT))
        both_read(lead, partner)
        assert len(day_records_of(partner, "reopened")) == 1

    def test_who_may_not(self, lead: Bank) -> None:
        for nobody in (EVE, KAI):
            with pytest.raises(NotAllowed, match="may not prepare"):
                lead.proposal("AMOUNT", nobody)
        prepared = lead.proposal("AMOUNT", ANN)
        for nobody in (EVE, MEI):
            with pytest.raises(NotAllowed, match="may not sign"):
                lead.sign(nobody, prepared)
        with pytest.raises(NotAllowed, match="nobody signs what he has prepared"):
            lead.sign(ANN, prepared)
        with pytest.raises(NotAllowed, match="may not prepare or sign"):
            lead.acts.withdraw(EVE, prepared.number)
        assert lead.act(prepared.number).state is State.PREPARED
        with pytest.raises(UnknownAct):
            lead.signing.sign(KAI, 999, prepared.hash)

    def test_nobody_becomes_another_by_writing_to_the_database(self, lead: Bank) -> None:
        prepared = lead.proposal("AMOUNT", ANN)
        with lead.engine.begin() as connection:
            connection.execute(update(prepared_acts).values(prepared_by=MEI.id))
        with pytest.raises(NotAllowed, match="nobody signs what he has prepared"):
            lead.sign(ANN, prepared)

    def test_a_node_without_the_key_prepares_nothing(self, world: World, lead: Bank) -> None:
        without = bank_of(world, "webank", lead.engine, signs=False)
        with pytest.raises(SigningIsOff):
            without.proposal("AMOUNT")
        with pytest.raises(SigningIsOff):
            without.sign(ANN, lead.proposal("AMOUNT"))

    @pytest.mark.parametrize(
        ("changes", "match"),
        [
            ({"side": None}, "adjust needs the side"),
            ({"action": "void"}, "void has no side"),
            ({"reason": "two\nlines"}, "printable"),
            ({"pair": 999}, "no such break"),
        ],
    )
    def test_what_cannot_be_asked(self, lead: Bank, changes: dict[str, Any], match: str) -> None:
        asked = {"pair": lead.number("AMOUNT"), "action": "adjust", "side": "lead", "reason": "so"}
        with pytest.raises(UsageFault, match=match):
            lead.prepare(MEI, "breaks.propose", **(asked | changes))

    def test_a_bank_that_is_no_party(self, world: World, lead: Bank) -> None:
        bystander = bank_of(world, "wuxi", lead.engine)
        with pytest.raises(UsageFault, match="wuxi is no party of huarui's account"):
            bystander.prepare(
                MEI, "breaks.propose", pair=lead.number("AMOUNT"), action="void", reason="so"
            )

    def test_each_bank_answers_the_others_proposal_alone(self, lead: Bank, partner: Bank) -> None:
        lead.sign(ANN, lead.proposal("AMOUNT"))
        both_read(lead, partner)
        number = lead.number("AMOUNT")
        shown = resolution(lead, number)
        for act in ("breaks.accept", "breaks.dispute"):
            reason = {"reason": "no"} if act == "breaks.dispute" else {}
            with pytest.raises(UsageFault, match="webank has proposed it"):
                lead.prepare(MEI, act, pair=number, resolution=shown, **reason)
        theirs = partner.number("AMOUNT")
        with pytest.raises(UsageFault, match="webank has proposed it"):
            partner.prepare(
                MEI, "breaks.withdraw", pair=theirs, resolution=resolution(partner, theirs)
            )
        with pytest.raises(UsageFault, match="something else waits"):
            partner.prepare(MEI, "breaks.accept", pair=theirs, resolution=shown + 99)


def day_records_of(bank: Bank, state: str) -> list[DayRecord]:
    with bank.engine.connect() as connection:
        return day_records(connection, "WLD-2016-A", "huarui", state)


class TestOvertaken:
    def test_by_a_late_half(self, world: World, lead: Bank) -> None:
        prepared = lead.proposal("ALONE", action="write_off", side=None)
        world.post("huarui", Event(Kind.TOP_UP, "ALONE", 75))
        lead.read()
        sent = lead.sent()
        with pytest.raises(ActConflict, match=r"partner's half was none and is now 0.75 CNY"):
            lead.sign(ANN, prepared)
        assert lead.sent() == sent
        act = lead.act(prepared.number)
        assert act.state is State.REFUSED
        assert "partner's half was none and is now 0.75" in act.note

    def test_by_a_late_half_that_this_node_has_not_read(self, world: World, lead: Bank) -> None:
        prepared = lead.proposal("ALONE", action="write_off", side=None)
        world.post("huarui", Event(Kind.TOP_UP, "ALONE", 75))
        sent = lead.sent()
        with pytest.raises(ActConflict, match="has changed on the chain"):
            lead.sign(ANN, prepared)
        assert lead.sent() == sent
        assert lead.act(prepared.number).state is State.REFUSED

    def test_by_the_other_banks_proposal(self, lead: Bank, partner: Bank) -> None:
        prepared = lead.proposal("AMOUNT")
        partner.sign(ANN, partner.proposal("AMOUNT", action="force", side=None))
        both_read(lead, partner)
        with pytest.raises(ActConflict, match="resolution was none and is now force by huarui"):
            lead.sign(ANN, prepared)

    def test_between_the_page_and_the_preparing(self, world: World, lead: Bank) -> None:
        number = lead.number("ALONE")
        request = REQUEST.validate_python(
            {"act": "breaks.propose", "pair": number, "action": "void", "reason": "ours"}
        )
        shown = facts_of(request.asked(lead.view), lead.view)
        world.post("huarui", Event(Kind.TOP_UP, "ALONE", 75))
        lead.read()
        with pytest.raises(ActConflict, match="since it was shown: The partner's half was none"):
            lead.acts.prepare(MEI, request, shown)

    def test_a_statement_by_a_leg(self, world: World, lead: Bank) -> None:
        day = date.fromordinal(TODAY).isoformat()
        prepared = lead.prepare(MEI, "days.propose", day=day, **ACCOUNT)
        world.post("webank", Event(Kind.TOP_UP, "LATE", 30, 1))
        lead.read()
        with pytest.raises(ActConflict, match=r"Open lead legs was 1\.70 and is now 2\.00"):
            lead.sign(ANN, prepared)

    def test_a_reopening_by_one_for_another_reason(
        self, world: World, lead: Bank, partner: Bank, tmp_path: Path
    ) -> None:
        day = date.fromordinal(TODAY).isoformat()
        lead.sign(KAI, lead.prepare(MEI, "days.propose", day=day, **ACCOUNT))
        both_read(lead, partner)
        (waiting,) = day_records_of(partner, "proposed")
        stated = "0x" + waiting.statement_hash.hex()
        confirming = partner.prepare(MEI, "days.confirm", statement_hash=stated, **ACCOUNT)
        assert confirming.content.facts["Closing, lead book"] == "1.70"
        partner.sign(ANN, confirming)
        commands = bank_of(world, "webank", create(f"sqlite:///{tmp_path / 'x'}", vault=VAULT))
        upgrade(commands.engine)
        for bank, reason in ((lead, "a wrong fee"), (commands, "fraud")):
            both_read(lead, commands)
            asked = {"day": day, "reason": reason, **ACCOUNT}
            bank.sign(KAI, bank.prepare(MEI, "days.propose_reopening", **asked))
            if bank is lead:
                lead.read()
                prepared = lead.prepare(MEI, "days.withdraw_reopening", day=day, **ACCOUNT)
        commands.engine.dispose()
        lead.read()
        with pytest.raises(ActConflict, match="Reopening proposed by was webank, reason "):
            lead.sign(KAI, prepared)

    def test_nobody_signs_something_else_than_he_saw(self, lead: Bank) -> None:
        prepared = lead.proposal("AMOUNT")
        with pytest.raises(ActConflict, match="another one than the one that was shown"):
            lead.signing.sign(ANN, prepared.number, "0" * 64)
        with pytest.raises(ActConflict, match="another one than the one that was shown"):
            lead.signing.sign(ANN, prepared.number, "é" * 64)
        with lead.engine.begin() as connection:
            other = VAULT.sealer()(prepared.content.to_json().replace(b"fee", b"FEE"))
            connection.execute(update(prepared_acts).values(sealed=other))
        with pytest.raises(ActConflict, match="another one than the one that was shown"):
            lead.sign(ANN, prepared)


class TestTwoAtOnce:
    @pytest.fixture
    def engine(self, database: Engine) -> Engine:
        """Of each kind in turn."""
        return database

    def test_two_prepare_for_one_break(self, lead: Bank) -> None:
        def attempt(person: Person) -> object:
            try:
                return lead.proposal("AMOUNT", person)
            except ActConflict as fault:
                return fault

        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(attempt, (MEI, TOM))
        (refused,) = [one for one in (first, second) if isinstance(one, ActConflict)]
        assert refused.name == "waiting-already"
        assert "waits already" in refused.what

    def test_two_sign_one_act(self, lead: Bank) -> None:
        prepared, sent = lead.proposal("AMOUNT"), lead.sent()
        both = threading.Barrier(2)

        def attempt(person: Person) -> object:
            both.wait()
            try:
                return lead.sign(person, prepared)
            except ActConflict as fault:
                return fault

        with ThreadPoolExecutor(2) as pool:
            ended = list(pool.map(attempt, (ANN, KAI)))
        assert len([one for one in ended if isinstance(one, ActConflict)]) == 1
        assert lead.sent() == sent + 1
        assert lead.act(prepared.number).state is State.SIGNED

    def test_two_sign_two_acts(self, lead: Bank) -> None:
        one = lead.proposal("AMOUNT")
        other = lead.proposal("ALONE", action="void", side=None)
        with ThreadPoolExecutor(2) as pool:
            ended = list(pool.map(lambda act: lead.sign(ANN, act), (one, other)))
        assert [act.state for act in ended] == [State.SIGNED, State.SIGNED]

    def test_one_withdraws_what_another_signs(self, lead: Bank) -> None:
        prepared = lead.proposal("AMOUNT")
        assert lead.acts.withdraw(TOM, prepared.number).state is State.WITHDRAWN
        with pytest.raises(ActConflict, match="is withdrawn by Tom and waits no more"):
            lead.sign(ANN, prepared)
        lead.proposal("AMOUNT")  # the break is free for another one

    def test_nobody_signs_what_has_expired(self, lead: Bank) -> None:
        prepared = lead.proposal("AMOUNT")
        with lead.engine.begin() as connection:
            connection.execute(update(prepared_acts).values(expires_at="2020-01-01T00:00:00.000"))
        with pytest.raises(ActConflict, match="is expired"):
            lead.sign(ANN, prepared)
        assert lead.act(prepared.number).state is State.EXPIRED


class _Dying(Rpc):
    """A connection whose process is killed when it sends; `reaches`: the endpoint got it first."""

    reaches = False

    def batch_answers(self, requests_: list[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
        if any(method == "eth_sendRawTransaction" for method, _ in requests_):
            if self.reaches:
                super().batch_answers(requests_)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().batch_answers(requests_)


def _sign_and_die(
    root: Path, database_url: str, rpc_url: str, number: int, shown: str, reaches: bool
) -> None:
    """In a process of its own."""
    folder, rpc = ConsortiumFolder(root), _Dying(rpc_url)
    rpc.reaches = reaches
    engine = create(database_url, vault=VAULT)
    signing = Signing(
        View(engine, "webank", lambda: []),
        rpc,
        Manifest.read(folder.manifest),
        lambda: load_account(folder.keys("webank"), "approver", development=True),
        lambda: load_account(folder.keys("webank"), "operator", development=True),
    )
    signing.sign(ANN, number, shown)


class TestHoldsTermsAndVotes:
    def test_a_hold_is_placed_and_released_with_the_operators_key(
        self, lead: Bank, partner: Bank
    ) -> None:
        for place, name in enumerate(("huarui", "wuxi", "nanfeng"), start=1):
            lead.world.post("webank", Event(Kind.TOP_UP, f"FUND-{name}", 1_000_00, place))
            lead.world.post(name, Event(Kind.TOP_UP, f"FUND-{name}", 1_000_00))
        both_read(lead, partner)
        drawdown = {"facility": "WLD-2016-A", "event_ref": "D-1", "amount": "500.00"}
        with pytest.raises(UsageFault, match="does not lead"):
            partner.prepare(MEI, "holds.place", **drawdown)
        placing = lead.prepare(MEI, "holds.place", **drawdown)
        assert placing.content.facts["Part of huarui"] == "226.65 CNY"
        assert lead.contents(placing)["Drawdown"].startswith("500.00, reference ")
        sent = lead.sent()
        assert lead.sign(ANN, placing).state is State.SIGNED
        assert lead.sent() == sent  # of the approver's key
        lead.read()
        with lead.engine.connect() as connection:
            held = holds_of(connection)
        assert {one.partner: one.amount for one in held} == {
            "huarui": 226_65, "wuxi": 123_35, "nanfeng": 49_95,
        }  # fmt: skip
        release = {"facility": "WLD-2016-A", "reference": held[0].reference}
        assert lead.sign(KAI, lead.prepare(MEI, "holds.release", **release)).state is State.SIGNED
        lead.read()
        with pytest.raises(UsageFault, match="nothing is held"):
            lead.prepare(MEI, "holds.release", **release)

    def test_terms_are_changed_and_a_member_is_voted_on(self, lead: Bank, partner: Bank) -> None:
        facility = {"facility": "WLD-2016-A"}
        first_day = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
        rules = lead.prepare(
            MEI, "facilities.propose_rules", first_day=first_day, tolerance="0.05",
            reason="rounding of the new core", **facility,
        )  # fmt: skip
        assert "tolerance 0.05 CNY" in lead.contents(rules)["New rules"]
        with pytest.raises(ActConflict, match="waits already"):
            lead.prepare(MEI, "facilities.pause", reason="figures look wrong", **facility)
        assert lead.sign(ANN, rules).state is State.SIGNED
        both_read(lead, partner)
        _, history = with_history(partner.view, "WLD-2016-A")
        change = {"change": 1, "change_hash": "0x" + history.changes[0].hash.hex(), **facility}
        with pytest.raises(UsageFault, match="has no change 1 of this content"):
            partner.prepare(
                MEI, "facilities.accept_change", **(change | {"change_hash": "0x" + "ab" * 32})
            )
        accepting = partner.prepare(MEI, "facilities.accept_change", **change)
        assert "rules by webank: tolerance 0.05 CNY" in accepting.content.facts["Change 1"]
        assert partner.sign(ANN, accepting).state is State.SIGNED

        asked = {"kind": "suspend", "member": "wuxi", "reason": "its key was stolen"}
        partner.sign(ANN, partner.prepare(MEI, "consortium.propose", **asked))
        both_read(lead, partner)
        assert with_history(lead.view, "WLD-2016-A")[1].changes[0].accepted_by == (
            "webank", "huarui",
        )  # fmt: skip
        with lead.engine.connect() as connection:
            proposal = list_proposals(connection)[0]
        seen = {"proposal": proposal.number, "content_hash": proposal.content_hash}
        voting = lead.prepare(MEI, "consortium.vote", in_favour=True, **seen)
        assert voting.content.facts["Member"] == "wuxi"
        stop = lead.prepare(MEI, "consortium.stop", member="wuxi", reason="its key was stolen")
        assert lead.sign(ANN, stop).state is State.SIGNED
        partner.sign(ANN, partner.prepare(MEI, "consortium.withdraw", proposal=proposal.number))
        both_read(lead, partner)
        with pytest.raises(ActConflict, match="State was open and is now withdrawn"):
            lead.sign(ANN, voting)
        partner.sign(ANN, partner.prepare(MEI, "consortium.propose", **asked))
        both_read(lead, partner)
        with lead.engine.connect() as connection:
            proposal = list_proposals(connection)[0]
        seen = {"proposal": proposal.number, "content_hash": proposal.content_hash}
        lead.sign(ANN, lead.prepare(MEI, "consortium.vote", in_favour=False, **seen))
        lead.read()
        votes = lead.view.proposal(proposal.number).votes
        assert {one.member: one.in_favour for one in votes} == {"huarui": True, "webank": False}


class TestConsortium:
    """What a bank asks the others for, and who it is proposed with."""

    def test_a_newcomers_file_is_checked_before_it_is_proposed(
        self, lead: Bank, partner: Bank, tmp_path: Path
    ) -> None:
        world = lead.world
        file = newcomer_file(world, tmp_path, "zlin")
        for changed, match in (
            ({"role": "lead"}, "have not signed"),
            ({"sealing_key": "ab" * 32}, "have not signed"),
            ({"recovery": "0x" + "00" * 20}, "a recovery key"),
            ({"proof": None}, "have not signed"),
            ({"proof": "0x" + "ff" * 192}, "have not signed"),
            ({"name": "huaruі"}, "looks as that of huarui"),
            ({"operator": "0x1"}, "no file that .* makes: operator"),
        ):
            with pytest.raises(UsageFault, match=match):
                propose(lead, "admit", file=json.dumps(file | changed))
        elsewhere = newcomer_file(world, tmp_path, "zlin", registry="0x" + "11" * 20)
        with pytest.raises(UsageFault, match="to this consortium"):
            propose(lead, "admit", file=json.dumps(elsewhere))
        for text in ("", "[]", "{", "[" * 5_000):
            with pytest.raises(UsageFault, match="no file that"):
                propose(lead, "admit", file=text)

        asked = propose(lead, "admit", file=json.dumps(file))
        shown = lead.contents(asked)
        assert shown["Name"] == "zlin"
        assert shown["Proof"] == "signed by the keys that are named"
        assert lead.sign(ANN, asked).state is State.SIGNED
        vote_for(lead, partner)
        assert world.consortium.member_named("zlin") > 0

    def test_a_lost_key_an_upgrade_and_a_validator(self, lead: Bank, partner: Bank) -> None:
        world = lead.world
        successor = Account.create()
        registry = lead.view.registry()
        proof = prove_replacement(registry, world.numbers["wuxi"], 3, successor)
        file = {"member": "wuxi", "purpose": "recovery", "key": successor.address}
        signed = json.dumps(file | {"proof": "0x" + proof.hex()})
        for text in (
            json.dumps(file),
            signed.replace("recovery", "approver"),
            signed.replace("wuxi", "huarui"),
        ):
            with pytest.raises(UsageFault, match="has not signed"):
                propose(lead, "replace_key", file=text)
        propose(lead, "replace_key", file=signed)

        code = world.rpc.call("eth_getCode", [world.manifest.addresses["DayClose"], "latest"])
        asked = propose(
            lead,
            "upgrade",
            contract="DayClose",
            implementation=world.manifest.addresses["DayClose"],
        )
        assert lead.contents(asked)["Contract"] == "DayClose"
        assert asked.content.facts[CODE_HASH] == "0x" + keccak(hexstr=code).hex()
        empty = propose(lead, "upgrade", contract="DayClose", implementation="0x" + "12" * 20)
        assert empty.content.facts[CODE_HASH] == "there is no code"
        away = bank_of(world, "webank", lead.engine, Rpc("http://127.0.0.1:9"))
        with pytest.raises(UsageFault, match="cannot be read from the chain now"):
            propose(away, "upgrade", contract="DayClose", implementation="0x" + "12" * 20)

        node = "0x" + "7b" * 20
        for missing in ({}, {"member": "wuxi", "node": node}, {"node": node, "role": "lead"}):
            with pytest.raises(UsageFault, match="is about enode, member, node and nothing else"):
                propose(lead, "register_validator", **missing)
        asked = propose(
            lead, "register_validator", member="wuxi", node=node, enode="enode://9c@10.0.0.3:30303"
        )
        assert lead.sign(ANN, asked).state is State.SIGNED
        both_read(lead, partner)
        assert proposal_facts(partner.view, 1)["Member"] == "wuxi"

    def test_a_vote_on_an_upgrade_reads_the_code_when_it_is_prepared(
        self, lead: Bank, partner: Bank
    ) -> None:
        """And not each time that the page is looked at: the chain may be away then."""
        upgrading = lead.prepare(
            MEI, "consortium.propose", kind="upgrade", reason="minutes of 3 March",
            contract="DayClose", implementation=deploy_day_close(lead.world),
        )  # fmt: skip
        lead.sign(ANN, upgrading)
        both_read(lead, partner)
        away = bank_of(partner.world, "huarui", partner.engine, Rpc("http://127.0.0.1:9"))
        shown = proposal_facts(away.view, 1)
        assert shown["Contract"] == "DayClose" and CODE_HASH not in shown
        vote = {"act": "consortium.vote", "proposal": 1, "content_hash": shown["Content hash"]}
        request = REQUEST.validate_python(vote | {"in_favour": True})
        with pytest.raises(UsageFault, match="cannot be read from the chain now"):
            away.acts.prepare(MEI, request, shown)
        voting = partner.acts.prepare(MEI, request, shown)
        assert voting.content.facts[CODE_HASH] == upgrading.content.facts[CODE_HASH]
        with pytest.raises(ChainUnreachable):
            away.sign(ANN, voting)
        assert partner.act(voting.number).state is State.PREPARED

    def test_a_facility_is_proposed_and_accepted(self, lead: Bank, partner: Bank) -> None:
        terms = {
            "id": "NEW-1",
            "lead": "webank",
            "currency": "CNY",
            "time_zone": "Asia/Shanghai",
            "cut_off": "18:00:00",
            "rules": {
                "amount_tolerance": "0.01",
                "date_window_days": 2,
                "match_deadline_hours": 24,
            },
            "partners": [
                {"name": "huarui", "share_bps": {"principal": 8000, "interest": 7000, "fee": 0}}
            ],
        }
        stranger = [terms["partners"][0] | {"name": "nobody"}]  # type: ignore[index]
        for changed, match in (
            ({"lead": "huarui"}, "huarui leads facility NEW-1, not webank|is the lead"),
            ({"id": "WLD-2016-A"}, "there is a facility WLD-2016-A"),
            ({"partners": stranger}, "nobody of facility NEW-1 is no active member"),
            ({"cut_off": "25:00"}, "no time of day"),
            ({"bounds": {"least_lead_share_bps": 2_001}}, "leave the lead 2000"),
        ):
            with pytest.raises(InputFault, match=match):
                lead.prepare(MEI, "facilities.propose", terms=terms | changed)
        asked = lead.prepare(MEI, "facilities.propose", terms=terms)
        assert "8000/7000/0 basis points" in lead.contents(asked)["Shares of huarui"]
        assert lead.sign(ANN, asked).state is State.SIGNED
        both_read(lead, partner)
        known = partner.view.facility("NEW-1")
        assert known.terms_hash is not None
        accepting = partner.prepare(
            MEI, "facilities.accept", facility="NEW-1", terms_hash="0x" + known.terms_hash.hex()
        )
        # Who accepts it sees all that the lead has proposed.
        assert partner.contents(accepting) == lead.contents(asked)
        assert partner.sign(ANN, accepting).state is State.SIGNED
        lead.read()
        assert lead.view.facility("NEW-1").state == "active"


def propose(bank: Bank, kind: str, **asked: Any) -> PreparedAct:
    """Whatever else waited is withdrawn first."""
    made = bank.prepare(MEI, "consortium.propose", kind=kind, reason="minutes of 3 March", **asked)
    if kind != "admit" and kind != "register_validator":
        bank.acts.withdraw(MEI, made.number)
    return made


def vote_for(lead: Bank, partner: Bank) -> None:
    """The newest proposal is voted for by the others, the partner by two people."""
    both_read(lead, partner)
    with partner.engine.connect() as connection:
        newest = list_proposals(connection)[0]
    seen = {"proposal": newest.number, "content_hash": newest.content_hash}
    voting = partner.prepare(MEI, "consortium.vote", in_favour=True, **seen)
    assert partner.contents(voting)["Votes so far"] == "1 of 4 needed, 0 against"
    partner.sign(ANN, voting)
    vote = lead.world.consortium.vote(newest.number, bytes.fromhex(newest.content_hash[2:]), True)
    for name in ("wuxi", "nanfeng"):
        lead.world.signer(name).send(vote)


class TestBatches:
    def test_many_are_prepared_and_signed_with_one_signature(self, lead: Bank) -> None:
        amount, alone = lead.number("AMOUNT"), lead.number("ALONE")
        requests = [
            REQUEST.validate_python(
                {"act": "breaks.propose", "pair": number, "action": "void", "reason": "small"}
            )
            for number in (amount, alone, 999)
        ]
        vote = {"act": "consortium.lift", "member": "huarui"}
        with pytest.raises(UsageFault, match="about breaks alone"):
            lead.acts.prepare_batch(MEI, [*requests, REQUEST.validate_python(vote)])
        made = lead.acts.prepare_batch(MEI, requests)
        assert made.number is not None
        assert [fault.what for _, fault in made.refused] == ["there is no such break here"]
        with lead.engine.connect() as connection:
            batch = batch_of(connection, made.number)
        assert [one.pair for one in batch] == [amount, alone]
        with pytest.raises(NotAllowed, match="may not sign"):
            lead.signing.sign_batch(MEI, made.number, batch_hash(batch))
        lead.world.post("huarui", Event(Kind.TOP_UP, "ALONE", 70))  # a late half
        lead.read()
        with pytest.raises(ActConflict, match="another one than"):
            lead.signing.sign_batch(ANN, made.number, batch_hash(batch[:1]))
        signed = lead.signing.sign_batch(ANN, made.number, batch_hash(batch))
        assert [one.state for one in signed] == [State.SIGNED, State.REFUSED]
        assert "half was none and is now 0.70 CNY" in signed[1].note
        with pytest.raises(ActConflict, match="nothing of batch"):
            lead.signing.sign_batch(KAI, made.number, batch_hash(signed))


class TestCutOff:
    def cut_off(self, lead: Bank, *, reaches: bool) -> PreparedAct:
        """An act whose node was killed while it was sent."""
        prepared = lead.proposal("AMOUNT")
        lead.world.manifest.write(lead.world.folder.manifest)
        process = get_context("spawn").Process(
            target=_sign_and_die,
            args=(
                lead.world.folder.root,
                lead.engine.url.render_as_string(hide_password=False),
                lead.world.rpc.url,
                prepared.number,
                prepared.hash,
                reaches,
            ),
        )
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        return lead.act(prepared.number)

    @pytest.mark.parametrize("reaches", [False, True])
    def test_between_sending_and_writing(self, lead: Bank, reaches: bool) -> None:
        sent = lead.sent()
        act = self.cut_off(lead, reaches=reaches)
        assert act.state is State.SENT
        assert act.transaction is not None
        assert lead.sent() == sent + reaches
        with pytest.raises(ActConflict, match="is sent"):  # and so nobody signs it again
            lead.sign(KAI, act)
        with pytest.raises(ActConflict, match="is sent"):
            lead.acts.withdraw(MEI, act.number)
        for _ in range(3):
            lead.signing.look()
        act = lead.act(act.number)
        assert act.state is State.SIGNED
        assert lead.sent() == sent + 1
        receipt = lead.world.rpc.call("eth_getTransactionReceipt", [act.transaction])
        assert int(receipt["blockNumber"], 16) == act.block

    def test_another_transaction_took_its_place(self, lead: Bank) -> None:
        act = self.cut_off(lead, reaches=False)
        rpc, account = lead.world.rpc, lead.world.signer("webank").account
        raw = sign(
            account,
            chain_id=lead.world.manifest.chain_id,
            nonce=lead.sent(),
            to=account.address,
            data=b"",
            gas=30_000,
        )
        wait_for_receipt(rpc, rpc.call("eth_sendRawTransaction", ["0x" + raw.hex()]))
        for _ in range(2):
            assert lead.act(act.number).state is State.SENT
            lead.signing.look()
        act = lead.act(act.number)
        assert act.state is State.FAILED
        assert "took its place" in act.note
        lead.sign(ANN, lead.proposal("AMOUNT"))

    def test_before_anything_was_signed(self, lead: Bank) -> None:
        prepared, sent = lead.proposal("AMOUNT"), lead.sent()
        past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat(timespec="milliseconds")
        with lead.engine.begin() as connection:
            connection.execute(
                update(prepared_acts).values(state="signing", claim="dead", claimed_until=past)
            )
        lead.signing.look()
        assert lead.act(prepared.number).state is State.PREPARED
        assert "cut off before anything was sent" in lead.act(prepared.number).note
        assert lead.sign(ANN, prepared).state is State.SIGNED
        assert lead.sent() == sent + 1

    def test_an_attempt_that_was_given_up_sends_nothing(self, lead: Bank) -> None:
        """It hangs until another person signs, and goes on only then."""
        sent = lead.sent()

        def stolen() -> Any:
            with lead.engine.begin() as connection:
                connection.execute(update(prepared_acts).values(claim="another"))
            return load_account(lead.world.folder.keys("webank"), "approver", development=True)

        view = lead.view
        slow = Signing(view, lead.world.rpc, lead.world.manifest, stolen, stolen)
        prepared = lead.proposal("AMOUNT")
        with pytest.raises(Exception, match="given up; nothing was sent"):
            slow.sign(ANN, prepared.number, prepared.hash)
        assert lead.sent() == sent
        with lead.engine.connect() as connection:
            stored = select(func.count()).select_from(prepared_act_transactions)
            assert connection.execute(stored).scalar_one() == 0

    def test_without_the_chain_it_goes_on_waiting(self, lead: Bank) -> None:
        away = bank_of(lead.world, "webank", lead.engine, Rpc("http://127.0.0.1:9"))
        prepared = lead.proposal("AMOUNT")
        with pytest.raises(ChainUnreachable):
            away.sign(ANN, prepared)
        assert lead.act(prepared.number).state is State.PREPARED
        assert lead.sign(KAI, prepared).state is State.SIGNED

    def test_a_key_that_does_not_open(self, lead: Bank) -> None:
        def none() -> Any:
            raise KeyUnusable("/srv/secret/approver.json does not open")

        signing = Signing(lead.view, lead.world.rpc, lead.world.manifest, none, none)
        prepared = lead.proposal("AMOUNT")
        with pytest.raises(SigningIsOff, match="does not open") as refused:
            signing.sign(ANN, prepared.number, prepared.hash)
        assert "/srv" not in str(refused.value)
        assert lead.act(prepared.number).state is State.PREPARED
        assert "/srv" not in lead.act(prepared.number).note

    def test_a_chain_that_stands_still(self, lead: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who signs gets an answer, and another act waits until this one is through."""
        monkeypatch.setattr(in_time, "_ANSWER_WITHIN_S", 0.5)
        rpc = lead.world.rpc
        rpc.call("evm_setAutomine", [False])
        try:
            act = lead.sign(ANN, lead.proposal("AMOUNT"))
            assert act.state is State.SENT
        finally:
            rpc.call("evm_setAutomine", [True])
            rpc.call("evm_mine", [])
        await_true(lambda: lead.act(act.number).state is State.SIGNED, "signed")
