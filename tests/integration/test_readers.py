"""Who may read what is sealed: everything, tried with everybody's keys, as members come and go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode
from eth_utils.crypto import keccak
from sqlalchemy import select

from app.actions import breaks, consortium, days, facilities, grants
from app.actions.sender import Signer
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.day_close import DayClose
from app.contracts.errors import AccessRefused, ContractReverted
from app.contracts.facility_registry import FacilityRegistry
from app.contracts.posting import sealed_of
from app.contracts.proposals import ProposalContent, about, change_role
from app.contracts.reconciliation import Reconciliation
from app.domain.errors import UsageFault
from app.domain.resolutions import Action
from app.indexer.rebuild import digest
from app.intake.facility_file import load_facility
from app.keys.keystore import SEALING
from app.keys.sealing import open_batch_keys, open_details, open_reference_key
from app.keys.versions import KeyVersions
from app.node.bank import Bank
from app.outbox.tables import batches
from app.readmodel.pairs import queries
from app.reports.model import NOT_OPENED
from app.reports.reconciliation import lines
from app.reports.source import Request, open_source
from deploy.consortium import Member
from ganache.launcher import start
from tests.feeds import facility_text
from tests.integration.faces import face
from tests.integration.posting import FACILITY, LEAD, Net

REASON = "loan 4711 of Mrs Wang was booked twice"


class Channel:
    """A facility of webank, huarui and wuxi that names audit-office; nanfeng is another bank."""

    def __init__(self, net: Net, database_url: str) -> None:
        self.net = net
        addresses = net.manifest.addresses
        self.consortium = ConsortiumRegistry(net.rpc, addresses["ConsortiumRegistry"])
        self.registry = FacilityRegistry(net.rpc, addresses["FacilityRegistry"])
        self.reconciliation = Reconciliation(net.rpc, addresses["Reconciliation"])
        self.days = DayClose(net.rpc, addresses["DayClose"])
        self.numbers = {
            one.name: self.consortium.member_named(one.name) for one in net.folder.members()
        }
        self.lead: Bank = net.fresh_bank(database_url)

    def signer(self, bank: str) -> Signer:
        keys = self.net.folder.keys(bank)
        return Signer.load(self.net.rpc, keys, "approver", bank=bank, development=True)

    def carry(self, asked: ProposalContent, *voters: str) -> None:
        """Proposed by the lead, with the votes of these banks; the lead's node reads it."""
        ask = consortium.Propose((asked,), REASON)
        done = consortium.propose(ask, None, self.consortium, self.signer(LEAD))
        made = done.event("ProposalMade")
        assert made is not None
        seen = consortium.SeenProposal(
            made["proposal"], self.consortium.proposal(made["proposal"]).content_hash
        )
        for bank in voters:
            vote = consortium.Vote((seen,), True)
            consortium.vote(vote, None, self.consortium, self.signer(bank))
        self.net.catch_up(self.lead)

    def opened_by(self, sealed: bytes) -> set[str]:
        """Whose keys open sealed details, whichever member they are tried as."""
        return {
            name
            for name in self.numbers
            if any(
                open_details(sealed, number, self.keys(name)) is not None
                for number in self.numbers.values()
            )
        }

    def keys(self, name: str) -> KeyVersions:
        return KeyVersions(self.net.folder.keys(name), SEALING, development=True)

    def batch_readers(self) -> set[str]:
        """Of the details of a batch that the lead seals now."""
        self.net.feed(self.lead, 1)
        self.net.drain(self.lead)
        newest = select(batches.c.calldata).order_by(batches.c.sequence.desc()).limit(1)
        (row,) = self.net.rows(self.lead, newest)
        return self.opened_by(sealed_of(row.calldata))

    def reason_readers(self) -> set[str]:
        """Of the reason of a resolution that the lead proposes now for a break of huarui's."""
        self.net.feed(self.lead, 1)
        self.net.drain(self.lead)
        pair = breaks.find_break(self.lead.view, breaks.BreakName(self.newest_break()))
        asked = breaks.ProposeResolution(pair.number, Action.VOID, None, None, REASON)
        done = breaks.propose(asked, self.lead.view, self.reconciliation, self.signer(LEAD))
        self.net.catch_up(self.lead)
        return self.opened_by(self.arguments(done.receipts[0].transaction)["sealedReason"])

    def newest_break(self) -> int:
        with self.lead.engine.connect() as connection:
            found = queries.pairs(connection, queries.Filter(), limit=100).items
        return max(one.number for one in found)

    def arguments(self, transaction: str) -> dict[str, Any]:
        raw = self.net.rpc.call("eth_getTransactionByHash", [transaction])["input"]
        _, arguments = self.reconciliation.contract.decode_function_input(raw)
        return dict(arguments)

    def key_holders(self, id_: str) -> set[str]:
        """Who can open the reference key of a facility that the lead proposes now."""
        path = self.net.root / f"{id_}.toml"
        path.write_text(facility_text(id_, LEAD, "huarui"))
        asked = facilities.ProposeFacility(load_facility(path))
        facilities.propose(asked, self.lead.view, self.registry, self.signer(LEAD))
        terms = self.registry.contract.functions.terms(self.registry.facility_number(id_)).call()
        wraps = [terms[8], *(one[-1] for one in terms[7]), *(one[1] for one in terms[9])]
        return {
            name
            for name in self.numbers
            if any(open_reference_key(bytes(one), self.keys(name)) is not None for one in wraps)
        }


@pytest.fixture
def channel(tmp_path: Path, sqlite_url: str) -> Iterator[Channel]:
    others = (Member("nanfeng", "partner"), Member("audit-office", "auditor"))
    with start("anvil", state_dir=tmp_path / "chain", keep_state=False) as chain:
        net = Net(tmp_path / "net", chain.process.url, others=others)
        yield Channel(net, sqlite_url)
        net.close()


def test_readers_are_those_of_the_terms_who_are_active_when_it_is_sealed(channel: Channel) -> None:
    numbers = channel.numbers
    everyone = {"webank", "huarui", "wuxi", "audit-office"}
    assert channel.batch_readers() == everyone
    assert channel.reason_readers() == everyone - {"wuxi"}
    assert channel.key_holders("ALL") == {"webank", "huarui", "audit-office"}

    # an auditor that the facility does not name; a new one can
    channel.carry(change_role(numbers["nanfeng"], "auditor"), "huarui", "wuxi")
    assert channel.batch_readers() == everyone
    assert channel.reason_readers() == everyone - {"wuxi"}
    assert channel.key_holders("LATER") == {"webank", "huarui", "audit-office", "nanfeng"}

    channel.carry(about("suspend", numbers["wuxi"]), "huarui")
    assert channel.batch_readers() == everyone - {"wuxi"}
    channel.carry(about("reinstate", numbers["wuxi"]), "huarui")
    assert channel.batch_readers() == everyone
    channel.carry(about("evict", numbers["wuxi"]), "huarui")
    assert channel.batch_readers() == everyone - {"wuxi"}

    # a named observer that is one no more, whatever it is now
    channel.carry(about("suspend", numbers["audit-office"]), "huarui")
    assert channel.batch_readers() == {"webank", "huarui"}
    assert channel.reason_readers() == {"webank", "huarui"}
    assert channel.key_holders("WITHOUT") == {"webank", "huarui", "nanfeng"}
    channel.carry(about("evict", numbers["audit-office"]), "huarui")
    assert channel.batch_readers() == {"webank", "huarui"}
    assert channel.reason_readers() == {"webank", "huarui"}


def test_an_observer_that_becomes_a_bank_observes_no_more(channel: Channel) -> None:
    channel.carry(change_role(channel.numbers["nanfeng"], "auditor"), "huarui", "wuxi")
    channel.net.agree("NAMES-BOTH")
    channel.net.catch_up(channel.lead)
    channel.carry(change_role(channel.numbers["nanfeng"], "partner"), "huarui", "wuxi")
    channel.net.feed(channel.lead, 1, "NAMES-BOTH")
    channel.net.drain(channel.lead, "NAMES-BOTH")
    (row,) = channel.net.rows(channel.lead, select(batches.c.calldata))
    assert channel.opened_by(sealed_of(row.calldata)) == {
        "webank",
        "huarui",
        "wuxi",
        "audit-office",
    }


def test_a_bank_opens_its_own_batches_of_a_period_to_one_observer(
    channel: Channel, tmp_path: Path
) -> None:
    net, numbers = channel.net, channel.numbers
    channel.carry(change_role(numbers["nanfeng"], "auditor"), "huarui", "wuxi")
    net.feed(channel.lead, 2)
    net.feed(channel.lead, 1, booked_at="2026-01-05T10:00:00+08:00")
    net.drain(channel.lead)
    observer = net.fresh_bank(f"sqlite:///{tmp_path}/observer.db", "nanfeng")
    today = date.fromordinal(chain_day(channel))
    asked = grants.GrantDetails(FACILITY, "nanfeng", today - timedelta(1), today + timedelta(1))

    def names(bank: Bank) -> list[object]:
        request = Request(facility=FACILITY, first=date(2026, 1, 1), last=today + timedelta(1))
        with open_source(bank.engine, request) as source:
            return [row[3] for row in lines(source).rows()]

    def granted() -> list[object]:
        net.catch_up(observer)
        observer.follower.indexer.open_granted()
        found = names(observer)
        before = digest(observer.engine)
        observer.follower.rebuild(lambda last, head: None)
        assert digest(observer.engine) == before
        assert names(observer) == found
        return found

    nothing = [NOT_OPENED] * 3
    assert granted() == nothing
    signer = channel.signer(LEAD)
    done = grants.grant(asked, channel.lead.view, channel.days, signer)
    event = done.event("DetailsGranted")
    assert event is not None
    assert {
        name for name in numbers if open_batch_keys(event["sealedKeys"], channel.keys(name))
    } == {"nanfeng"}
    net.catch_up(channel.lead)
    old, *of_period = names(channel.lead)
    assert old != NOT_OPENED
    assert granted() == [NOT_OPENED, *of_period]
    assert shown(observer, numbers["nanfeng"]) == [None, *of_period]

    with pytest.raises(UsageFault, match="huarui has posted no legs"):
        view = net.fresh_bank(f"sqlite:///{tmp_path}/huarui.db", "huarui").view
        grants.grant(asked, view, channel.days, channel.signer("huarui"))
    with pytest.raises(AccessRefused):
        grants.revoke(grants.RevokeGrant(1), view, channel.days, channel.signer("huarui"))
    with pytest.raises(ContractReverted, match="no active auditor"):
        grants.grant(replace(asked, reader="wuxi"), channel.lead.view, channel.days, signer)

    grants.revoke(grants.RevokeGrant(1), channel.lead.view, channel.days, signer)
    net.catch_up(observer)
    assert names(observer) == nothing, "though they are not deleted yet"
    assert granted() == nothing
    assert shown(observer, numbers["nanfeng"]) == [None] * 3


def shown(observer: Bank, member: int) -> list[str | None]:
    """The names of the lead's legs at an observer, the oldest first: REST, pages, certificates and
    the command line are seen to say the same, and that a grant opened it."""
    found: list[str | None] = []
    with face(
        observer.engine,
        bank="nanfeng",
        member=member,
        role="auditor",
        references=observer.view.references,
    ) as node:
        client, person = node.client("read"), node.signed_in("viewer")
        items = client.get("/v1/breaks").json()["items"]
        page = person.get("/breaks").text
        for one in sorted(items, key=lambda item: item["number"]):
            name, number = one["event_ref"], one["number"]
            assert one["event_ref_is_granted"] == (name is not None)
            (leg,) = (
                leg
                for leg in client.get("/v1/legs").json()["items"]
                if leg["reference"] == one["reference"]
            )
            assert (leg["event_ref"], leg["event_ref_is_granted"]) == (name, name is not None)
            certificate = client.get(f"/v1/pairs/{number}/certificate").json()
            assert certificate["event_ref"] == name
            assert certificate.get("opened_by_grant") == (["event_ref"] if name else None)
            assert certificate.get("not_opened") == (None if name else ["event_ref"])
            text = name or f"#{one['reference'][:12]}…"
            for path in (f"/breaks/{number}", f"/legs/{number}"):
                of_one = person.get(path).text
                assert text in of_one
                assert ("By grant" in of_one) == (name is not None)
            assert text in page
            if name is not None:
                for query in ({"event_ref": name}, {"text": name.lower()}):
                    answer = client.get("/v1/pairs", params=query).json()["items"]
                    assert [pair["number"] for pair in answer] == [number]
            found.append(name)
    return found


def test_a_facility_is_not_proposed_with_a_bank_that_may_not_read_it(channel: Channel) -> None:
    channel.carry(about("suspend", channel.numbers["huarui"]), "wuxi", "nanfeng")
    with pytest.raises(UsageFault, match="huarui"):
        channel.key_holders("NEVER")


def test_no_other_reason_is_on_the_chain_in_a_form_that_can_be_guessed(channel: Channel) -> None:
    """Days, pauses and proposals carry a reason's salted hash, and the reason sealed to those who
    may read it now."""
    view, signer = channel.lead.view, replace(channel.signer(LEAD), reasons=channel.days)
    facilities.pause(facilities.PauseFacility(FACILITY, REASON), view, channel.registry, signer)
    facilities.propose_close(
        facilities.ProposeClose(FACILITY, REASON), view, channel.registry, signer
    )
    account = days.find_account(view, FACILITY, "huarui")
    today = chain_day(channel)
    statement = days.own_statement(view, account, today)
    days.propose(days.ProposeDay(account, statement), view, channel.days, channel.signer("huarui"))
    channel.net.catch_up(channel.lead)
    waiting = days.day_to_answer(view, account, today)
    days.dispute(
        days.DisputeDay(account, waiting.statement_hash, REASON), view, channel.days, signer
    )
    channel.carry(about("suspend", channel.numbers["wuxi"]), "huarui", "nanfeng")
    height = int(channel.net.rpc.call("eth_blockNumber", []), 16)
    inputs = [
        one["input"]
        for number in range(height + 1)
        for one in channel.net.rpc.call("eth_getBlockByNumber", [hex(number), True])["transactions"]
    ]
    everything = "".join(inputs)
    assert REASON.encode().hex() not in everything
    assert keccak(REASON.encode()).hex() not in everything
    selector = channel.days.give_reason(bytes(32), b"")._encode_transaction_data()[:10]
    given = [one for one in inputs if one.startswith(selector)][-3:]
    sealed = [decode(["bytes32", "bytes"], bytes.fromhex(one[10:]))[1] for one in given]
    account_s = {"webank", "huarui", "audit-office"}
    everyone = account_s | {"wuxi"}
    assert [channel.opened_by(one) for one in sealed] == [everyone, everyone, account_s]


def chain_day(channel: Channel) -> int:
    """The chain's day (ordinal)."""
    block = channel.net.rpc.call("eth_getBlockByNumber", ["latest", False])
    return int(block["timestamp"], 16) // 86_400 + 719_163
