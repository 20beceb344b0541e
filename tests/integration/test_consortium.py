"""The consortium's council on a real chain: what is proposed, voted and stopped shows up here."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from eth_account import Account
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from sqlalchemy import Engine, select, update
from typer import Typer
from typer.testing import CliRunner, Result

from app.actions import consortium as actions
from app.actions.sender import Done, Signer
from app.actions.view import View
from app.cli.consortium import consortium
from app.contracts.errors import AccessRefused, ConsortiumRefused
from app.contracts.proposals import (
    Newcomer,
    ProposalContent,
    about,
    admit,
    change_role,
    key_word,
    register_validator,
    remove_validator,
    replace_key,
    upgrade,
)
from app.db.engine import create
from app.db.engine import upgrade as upgrade_schema
from app.domain.errors import UsageFault
from app.domain.votes import PURPOSE_NUMBERS
from app.indexer.rebuild import digest
from app.keys.keystore import (
    PublicKeys,
    create_keys,
    load_account,
    prepare_successor,
    public_half,
    public_keys,
)
from app.keys.possession import (
    Registry,
    prove_admission,
    prove_replacement,
    signing_accounts,
)
from app.readmodel import tables
from app.readmodel.consortium.queries import (
    list_keys,
    list_members,
    list_proposals,
    list_validators,
    log_lines,
)
from app.readmodel.consortium.shapes import ConsortiumMember, Proposal
from app.reports.membership import membership
from app.reports.source import Request, open_source
from deploy.compile import load_artifact
from deploy.consortium import write_config
from tests.integration.faces import face
from tests.integration.posted import World

NODE = "0x" + "7b" * 20
FRESH = to_checksum_address("0x" + "5a" * 20)
DAY_S = 24 * 3600


@dataclass(frozen=True)
class Council:
    """The acts of one bank with one of its keys."""

    world: World
    signer: Signer

    def propose(self, contents: list[ProposalContent], reason: str) -> Done:
        asked = actions.Propose(tuple(contents), reason)
        return actions.propose(asked, None, self.world.consortium, self.signer)

    def vote(self, proposals: list[int], in_favour: bool) -> Done:
        asked = actions.Vote(tuple(self._seen(one) for one in proposals), in_favour)
        return actions.vote(asked, None, self.world.consortium, self.signer)

    def enact(self, proposal: int) -> Done:
        asked = actions.Enact(self._seen(proposal))
        return actions.enact(asked, None, self.world.consortium, self.signer)

    def _seen(self, number: int) -> actions.SeenProposal:
        if number > self.world.consortium.proposal_count():
            return actions.SeenProposal(number, bytes(32))
        return actions.SeenProposal(number, self.world.consortium.proposal(number).content_hash)

    def object_to_key(self, proposal: int) -> Done:
        asked = actions.ObjectToKey(self._seen(proposal))
        return actions.object_to_key(asked, None, self.world.consortium, self.signer)

    def withdraw(self, proposal: int) -> Done:
        asked = actions.Withdraw(proposal)
        return actions.withdraw(asked, None, self.world.consortium, self.signer)

    def stop(self, member: int, reason: str) -> Done:
        asked = actions.StopMember(member, reason)
        return actions.stop(asked, None, self.world.consortium, self.signer)

    def lift(self, member: int) -> Done:
        return actions.lift(actions.LiftStop(member), None, self.world.consortium, self.signer)


def council(world: World, bank: str, key: str = "approver") -> Council:
    return Council(world, world.signer(bank, key))


def carry(world: World, asked: ProposalContent, *voters: str) -> int:
    """Proposed by the lead, with the votes of these banks."""
    made = council(world, world.lead).propose([asked], "a reason").event("ProposalMade")
    assert made is not None
    for bank in voters:
        council(world, bank).vote([made["proposal"]], True)
    return int(made["proposal"])


def read(world: World, engine: Engine) -> None:
    world.indexer(world.lead, engine).advance()


def proposal(engine: Engine, number: int) -> Proposal:
    with engine.connect() as connection:
        (found,) = list_proposals(connection, number)
    return found


def standing(engine: Engine, name: str) -> ConsortiumMember:
    with engine.connect() as connection:
        return next(one for one in list_members(connection) if one.name == name)


def registry(world: World) -> Registry:
    return Registry(world.consortium.chain_id(), world.consortium.address)


def newcomer(world: World, folder: Path) -> tuple[Newcomer, PublicKeys]:
    keys = create_keys(folder, development=True)
    signers = signing_accounts(folder, development=True)
    proof = prove_admission(registry(world), "luoyang", 2, keys, signers)
    return (
        Newcomer(
            "luoyang", "partner", keys.sealing, keys.operator, keys.approver, keys.recovery, proof
        ),
        keys,
    )


def given_key(world: World, member: str, purpose: str) -> tuple[ProposalContent, ChecksumAddress]:
    """What gives a member a fresh key, which has signed it; the key's address."""
    fresh = Account.create()
    number = world.numbers[member]
    proof = prove_replacement(registry(world), number, PURPOSE_NUMBERS[purpose], fresh)
    address = to_checksum_address(fresh.address)
    return replace_key(number, purpose, address, proof), address


def later(world: World, seconds: int) -> None:
    world.rpc.call("evm_increaseTime", [seconds])
    world.rpc.call("evm_mine", [])


class TestRefusals:
    def test_the_registrys_words_reach_the_caller(self, world: World) -> None:
        huarui = world.numbers["huarui"]
        with pytest.raises(AccessRefused, match="no active lead or partner"):
            council(world, "auditor").propose([about("suspend", huarui)], "why")
        with pytest.raises(ConsortiumRefused, match="neither makes it nor votes"):
            council(world, "huarui").propose([about("evict", huarui)], "why")
        with pytest.raises(ConsortiumRefused, match="no proposal 9"):
            council(world, "huarui").vote([9], True)
        with pytest.raises(AccessRefused, match="no member's key for approver"):
            council(world, "huarui", "operator").vote([9], True)
        number = carry(world, about("suspend", huarui))
        with pytest.raises(ConsortiumRefused, match="has voted"):
            council(world, world.lead).vote([number], True)
        with pytest.raises(AccessRefused, match="did not make"):
            council(world, "wuxi").withdraw(number)
        with pytest.raises(ConsortiumRefused, match="1 banks are in favour"):
            council(world, "wuxi").enact(number)

    def test_members_are_found_by_name_or_number(self, world: World, database: Engine) -> None:
        read(world, database)
        view = View(database, world.lead, tuple)
        assert view.member("wuxi") == world.numbers["wuxi"]
        assert view.member("3") == 3
        for stranger in ("nobody", "99", "0", "-1", "9" * 5000):
            with pytest.raises(UsageFault, match="no member"):
                view.member(stranger)


class TestTheReadModel:
    def test_an_admission_from_the_question_to_the_answer(
        self, world: World, database: Engine, tmp_path: Path
    ) -> None:
        asked, keys = newcomer(world, tmp_path / "luoyang")
        number = carry(world, admit(asked), "huarui", "wuxi")
        read(world, database)
        before = proposal(database, number)
        assert (before.kind, before.state, before.proposer) == ("admit", "open", "webank")
        assert before.asked["name"] == "luoyang"
        assert before.asked["operator"] == keys.operator
        assert before.subject is None
        assert before.tally is not None
        assert (before.tally.yes, before.tally.electorate, before.tally.needed) == (3, 5, 4)
        assert before.missing == ("nanfeng", "outsider")
        assert [one.member for one in before.votes] == ["webank", "huarui", "wuxi"]

        council(world, "nanfeng").vote([number], True)
        read(world, database)
        after = proposal(database, number)
        assert after.state == "enacted"
        assert after.tally is None
        assert after.decided_at is not None
        admitted = standing(database, "luoyang")
        assert (admitted.state, admitted.role, admitted.votes) == ("active", "partner", True)
        assert admitted.operator == keys.operator
        assert admitted.sealing_key == keys.sealing.hex()
        with database.connect() as connection:
            purposes = {one.purpose for one in list_keys(connection, "luoyang")}
        assert purposes == {"operator", "approver", "recovery", "sealing"}

    def test_suspended_reinstated_evicted(self, world: World, database: Engine) -> None:
        outsider = world.numbers["outsider"]
        pending = carry(world, register_validator(1, NODE, "enode://a@b:1"))
        council(world, "outsider").vote([pending], True)
        carry(world, about("suspend", outsider), "huarui", "wuxi", "nanfeng")
        read(world, database)
        assert standing(database, "outsider").state == "suspended"
        tally = proposal(database, pending).tally
        assert tally is not None
        # its vote fell away with it
        assert (tally.yes, tally.electorate, tally.needed) == (1, 4, 3)
        assert not next(
            one.counts for one in proposal(database, pending).votes if one.member == "outsider"
        )
        carry(world, about("reinstate", outsider), "huarui", "wuxi")
        read(world, database)
        assert standing(database, "outsider").state == "active"
        evicting = carry(world, about("evict", outsider), "huarui", "wuxi")
        read(world, database)
        tally = proposal(database, evicting).tally
        assert tally is not None
        assert (tally.yes, tally.electorate, tally.needed) == (3, 4, 4), "three of five evict none"
        council(world, "nanfeng").vote([evicting], True)
        read(world, database)
        assert standing(database, "outsider").state == "evicted"
        assert not standing(database, "outsider").votes

    def test_roles_keys_and_validators(self, world: World, database: Engine) -> None:
        outsider = world.numbers["outsider"]
        others = ("huarui", "wuxi")
        carry(world, change_role(outsider, "regulator"), *others, "nanfeng")
        asked, fresh = given_key(world, "outsider", "recovery")
        number = carry(world, asked, *others)
        later(world, 7 * DAY_S)
        council(world, "wuxi").enact(number)
        carry(world, register_validator(2, NODE, "enode://9c@10.0.0.3:30303"), *others)
        read(world, database)
        member = standing(database, "outsider")
        assert (member.role, member.recovery) == ("regulator", fresh)
        with database.connect() as connection:
            (node,) = list_validators(connection)
            recoveries = [
                one for one in list_keys(connection, "outsider") if one.purpose == "recovery"
            ]
        assert (node.node.lower(), node.member) == (NODE, "huarui")
        assert [one.given_by for one in recoveries] == ["vote", "admission"]
        assert recoveries[0].retired_block is None
        assert recoveries[1].retired_block == recoveries[0].since_block
        carry(world, remove_validator(NODE), *others)
        read(world, database)
        with database.connect() as connection:
            assert list_validators(connection) == []

    def test_an_upgrade_leaves_its_trace(self, world: World, database: Engine) -> None:
        code = deploy_day_close(world)
        proxy = world.manifest.addresses["DayClose"]
        carry(world, upgrade(proxy, code), "huarui", "wuxi", "nanfeng")
        read(world, database)
        with database.connect() as connection:
            (line, *_) = log_lines(connection, 1)
        assert line.what == "ContractUpgraded"
        assert line.details == {"proxy": proxy, "implementation": code}
        today = datetime.now(UTC).date()
        request = Request(facility=world.facility_id, first=today, last=today)
        with open_source(database, request) as source:
            [upgrades] = [one for one in membership(source).sections if one.name == "upgrades"]
            [(_, contract, new, number, *_, in_favour, block, transaction)] = upgrades.rows()
        assert (contract, new, block, transaction) == (proxy, code, line.block, line.transaction)
        assert number and set(str(in_favour).split(", ")) >= {"huarui", world.lead}

    def test_rejected_withdrawn_expired(self, world: World, database: Engine) -> None:
        rejected = carry(world, register_validator(1, NODE, "enode://a@b:1"))
        council(world, "huarui").vote([rejected], False)
        council(world, "wuxi").vote([rejected], False)
        withdrawn = carry(world, register_validator(1, NODE, "enode://a@b:1"))
        council(world, world.lead).withdraw(withdrawn)
        expired = carry(world, register_validator(1, NODE, "enode://a@b:1"))
        later(world, 14 * DAY_S)
        # a block with something in it, so that the read model knows the time
        carry(world, register_validator(1, NODE, "enode://a@b:1"))
        read(world, database)
        states = {one: proposal(database, one).state for one in (rejected, withdrawn, expired)}
        assert states == {rejected: "rejected", withdrawn: "withdrawn", expired: "expired"}
        with pytest.raises(ConsortiumRefused, match="is expired"):
            council(world, "huarui").vote([expired], True)

    def test_an_emergency_from_the_first_call_to_its_end(
        self, world: World, database: Engine
    ) -> None:
        wuxi = world.numbers["wuxi"]
        council(world, "huarui").stop(wuxi, "strange postings")
        read(world, database)
        assert standing(database, "wuxi").stopped_until is None
        done = council(world, "nanfeng").stop(wuxi, "strange postings")
        assert done.event("EmergencyStopped") is not None
        read(world, database)
        assert standing(database, "wuxi").stopped_until is not None
        assert standing(database, "wuxi").votes, "it stays in the electorate"
        with pytest.raises(AccessRefused, match="two other banks have stopped"):
            council(world, "wuxi").stop(world.numbers["huarui"], "no, you")
        council(world, "huarui").lift(wuxi)
        council(world, "nanfeng").lift(wuxi)
        read(world, database)
        assert standing(database, "wuxi").stopped_until is None
        with database.connect() as connection:
            lines = [line.what for line in log_lines(connection, 6)]
        assert lines == [
            "EmergencyLifted",
            "EmergencyLiftRaised",
            "EmergencyLiftRaised",
            "EmergencyStopped",
            "EmergencyRaised",
            "EmergencyRaised",
        ]

    def test_it_is_rebuilt_from_the_chain_alone(self, world: World, database: Engine) -> None:
        outsider = world.numbers["outsider"]
        carry(world, change_role(outsider, "auditor"), "huarui", "wuxi", "nanfeng")
        read(world, database)
        # a sealing key that another member names too
        sealing = public_keys(world.folder.keys("huarui")).sealing.hex()
        number = carry(world, replace_key(outsider, "sealing", sealing), "huarui", "wuxi")
        later(world, 7 * DAY_S)
        council(world, "huarui").enact(number)
        asked, _ = given_key(world, "outsider", "operator")
        number = carry(world, asked, "huarui", "wuxi")
        council(world, "outsider", "recovery").object_to_key(number)
        asked, _ = given_key(world, "outsider", "operator")
        carry(world, asked, "huarui", "wuxi")
        carry(world, about("suspend", world.numbers["wuxi"]), "huarui")
        read(world, database)
        before = digest(database)
        indexer = world.indexer(world.lead, database)
        indexer.forget()
        indexer.advance()
        assert digest(database) == before


class TestRest:
    def test_members_proposals_validators(self, world: World, database: Engine) -> None:
        carry(world, register_validator(2, NODE, "enode://9c@10.0.0.3:30303"), "huarui", "wuxi")
        council(world, "nanfeng").vote([1], True)
        carry(world, about("suspend", world.numbers["wuxi"]), "huarui")
        read(world, database)
        with face(database) as served:
            client = served.client("read")
            members = client.get("/v1/consortium/members").json()
            assert [one["name"] for one in members["items"]][:2] == ["webank", "huarui"]
            assert members["as_of"]["block"] > 0
            both = client.get("/v1/consortium/proposals").json()["items"]
            assert [one["number"] for one in both] == [2, 1]
            (open_,) = client.get("/v1/consortium/proposals", params={"state": "open"}).json()[
                "items"
            ]
            assert open_ == client.get("/v1/consortium/proposals/2").json()
            assert (open_["subject"], open_["yes"], open_["needed"]) == ("wuxi", 2, 4)
            assert open_["asked"] == {"member": "wuxi"}
            (node,) = client.get("/v1/consortium/validators").json()["items"]
            assert node["member"] == "huarui"
            missing = client.get("/v1/consortium/proposals/9")
            assert missing.status_code == 404
            assert missing.headers["content-type"] == "application/problem+json"
            assert client.get("/v1/consortium/proposals/0").status_code == 422
            wrong = client.get("/v1/consortium/proposals", params={"state": "lost"})
            assert wrong.status_code == 422
            assert served.client("feeds").get("/v1/consortium/members").status_code == 403
            document = served.client(None).get("/openapi.json").json()
        assert {path for path in document["paths"] if "consortium" in path} == {
            "/v1/consortium/members",
            "/v1/consortium/proposals",
            "/v1/consortium/proposals/{number}",
            "/v1/consortium/validators",
        }


Tally = Callable[..., Result]


@pytest.fixture
def tally(world: World, sqlite_url: str) -> Iterator[Tally]:
    """`tally consortium …` of a bank, each call in words; the lead's node reads after each."""
    for member in world.folder.members():
        write_config(world.folder, member.name, rpc=world.rpc.url, port=0)
    engine = create(sqlite_url)
    cli = Typer(pretty_exceptions_enable=False)
    cli.add_typer(consortium, name="consortium")

    def run(bank: str, *arguments: str, fails: type[BaseException] | None = None) -> Result:
        config = world.folder.config(bank)
        lines = [
            f'database_url = "{sqlite_url}"' if line.startswith("database_url") else line
            for line in config.read_text().splitlines()
        ]
        config.write_text("\n".join(lines) + "\n")
        read(world, engine)
        result = CliRunner().invoke(
            cli, ["consortium", *arguments, "--config", str(config)], env={"COLUMNS": "200"}
        )
        if fails is None:
            assert result.exit_code == 0, (result.output, result.exception)
        else:
            assert isinstance(result.exception, fails), result.output
        read(world, engine)
        return result

    upgrade_schema(engine)
    yield run
    engine.dispose()


class TestCommands:
    def test_unusable_arguments(self, tally: Tally) -> None:
        why = ("--reason", "why")
        tally("webank", "show", "7", fails=UsageFault)
        tally("webank", "propose", "suspend", "nobody", *why, fails=UsageFault)
        tally("webank", "propose", "suspend", "wuxi", "--reason", " ", fails=UsageFault)
        tally("webank", "propose", "key", "wuxi", "recovery", "0x12", *why, fails=UsageFault)
        tally("webank", "propose", "key", "wuxi", "sealing", FRESH, *why, fails=UsageFault)
        tally("webank", "propose", "validator", NODE, *why, fails=UsageFault)
        tally("webank", "propose", "validator", NODE, "--member", "1", *why, fails=UsageFault)
        upgrade_ = ("propose", "upgrade", "DayClose", FRESH)
        tally("webank", *upgrade_, "--call", "xyz", *why, fails=UsageFault)
        tally("webank", *upgrade_, *why, fails=ConsortiumRefused)
        tally("webank", "vote", "7", "yes", fails=UsageFault)
        tally("webank", "enact", "7", fails=UsageFault)
        tally("webank", "keys", "rotate", "approver", "--signed-by", "approver", fails=UsageFault)

    def test_a_proposal_voted_through(self, tally: Tally) -> None:
        made = tally("webank", "propose", "suspend", "outsider", "--reason", "left us")
        assert "proposal 1 is made" in made.output
        voted = tally("huarui", "vote", "1", "yes").output
        assert "still open" in voted
        assert "proposal 1: suspend outsider" in voted, "what is signed is shown"
        shown = tally("webank", "show", "1").output
        assert "2 in favour of 4 needed" in shown
        assert "not yet voted: wuxi, nanfeng" in shown
        assert "still open" in tally("wuxi", "vote", "1", "yes").output
        assert "enacted" in tally("nanfeng", "vote", "1", "yes").output
        body = json.loads(tally("webank", "list", "--json").stdout)
        assert body["proposals"][0]["state"] == "enacted"
        assert next(one for one in body["members"] if one["name"] == "outsider")["state"] == (
            "suspended"
        )
        assert set(body["contracts"]) >= {"DayClose", "ConsortiumRegistry"}
        people = tally("webank", "list").output
        assert "suspended" in people
        assert "member state changed" in people
        tally("webank", "propose", "validator", NODE, "--remove", "--reason", "x",
              fails=ConsortiumRefused)  # fmt: skip

    def test_an_admission_by_what_the_newcomer_shows(
        self, tally: Tally, world: World, tmp_path: Path
    ) -> None:
        asked, keys = newcomer(world, tmp_path / "luoyang")
        line = [
            "propose", "admit", "luoyang", "--role", "partner",
            "--sealing-key", keys.sealing.hex(), "--operator", keys.operator,
            "--approver", keys.approver, "--recovery", keys.recovery, "--reason", "minutes",
        ]  # fmt: skip
        tally("webank", *line, fails=ConsortiumRefused)
        tally("webank", *line, "--proof", "0x12", fails=UsageFault)
        proof = ("--proof", "0x" + asked.proof.hex())
        altered = [FRESH if one == keys.recovery else one for one in line]
        refused = tally("webank", *altered, *proof, fails=ConsortiumRefused).exception
        assert "has not signed" in str(refused)
        tally("webank", *line, *proof)
        for bank in ("huarui", "wuxi", "nanfeng"):
            outcome = tally(bank, "vote", "1", "yes").output
        assert "enacted" in outcome
        assert world.consortium.member_of(keys.operator) == 7
        assert asked.operator == keys.operator

    def test_an_upgrade_is_signed_by_who_has_seen_whose_code_it_is(
        self, tally: Tally, world: World
    ) -> None:
        code = deploy_day_close(world)
        tally("webank", "propose", "upgrade", "DayClose", code, "--reason", "release 2")
        refused = tally("huarui", "vote", "1", "yes", fails=UsageFault)
        assert "it is this build's DayClose" in refused.output
        assert "still open" in tally("huarui", "vote", "1", "yes", "--yes").output
        proxy = world.manifest.addresses["DayClose"]
        for contract in ("ReserveLedger", "DayClose"):
            tally("webank", "propose", "upgrade", contract, code, "--reason", "mistaken")
        mistaken = tally("huarui", "vote", "2", "no", "--yes").output
        assert "it is NOT this build's ReserveLedger" in mistaken
        assert proxy not in mistaken

    def test_an_endpoint_that_shows_another_proposal_gets_no_vote(
        self, tally: Tally, world: World, sqlite_url: str
    ) -> None:
        """The bank's view was told of an admission where the chain holds an eviction: before votes
        named contents, the vote went to the eviction."""
        tally("webank", "propose", "evict", "outsider", "--reason", "left us")
        tally("webank", "propose", "role", "outsider", "auditor", "--reason", "reads only")
        engine = create(sqlite_url)
        with engine.begin() as connection:
            rows = {
                row.number: row._asdict()
                for row in connection.execute(select(tables.proposals)).all()
            }
            shown = {key: rows[2][key] for key in ("kind", "asked", "payload", "reason_hash")}
            connection.execute(
                update(tables.proposals).where(tables.proposals.c.number == 1).values(**shown)
            )
        engine.dispose()
        result = tally("huarui", "vote", "1", "yes", fails=ConsortiumRefused)
        assert "asks for something else" in str(result.exception)
        assert not world.consortium.has_voted(1, world.numbers["huarui"])

    def test_a_bank_objects_to_the_key_that_the_others_would_give_it(
        self, tally: Tally, world: World, sqlite_url: str
    ) -> None:
        """Two of three had replaced the third's approver key and accepted in its name at once."""
        asked, fresh = given_key(world, "wuxi", "approver")
        number = str(carry(world, asked, "huarui", "outsider"))
        assert "waits" in tally("nanfeng", "vote", number, "yes").output
        assert world.consortium.approver_of(fresh) == 0
        for shown in (tally("huarui", "list"), tally("huarui", "show", number)):
            assert "gives wuxi another approver key from" in shown.output
        engine = create(sqlite_url)
        with face(engine) as served:
            client = served.client("read")
            (waiting,) = client.get("/v1/consortium/proposals", params={"state": "waiting"}).json()[
                "items"
            ]
            assert (waiting["state"], waiting["subject"]) == ("waiting", "wuxi")
            assert waiting["due_at"] < waiting["expires_at"]
            names = [one["name"] for one in client.get("/health").json()["warnings"]]
            assert names == ["key-replacement"]
        tally("huarui", "enact", number, fails=ConsortiumRefused)
        tally("huarui", "object", number, fails=ConsortiumRefused)
        done = tally("wuxi", "object", number, "--signed-by", "recovery").output
        assert "keeps its key" in done
        later(world, 7 * DAY_S)
        refused = tally("huarui", "enact", number, fails=ConsortiumRefused)
        assert "objected to" in str(refused.exception)
        assert "objected" in tally("webank", "show", number).output
        with face(engine) as served:
            assert served.client("read").get("/health").json()["warnings"] == []
        engine.dispose()

    def test_a_key_that_nobody_objects_to_is_enacted_once_due(
        self, tally: Tally, world: World, tmp_path: Path
    ) -> None:
        keys = create_keys(tmp_path / "new", development=True)
        new_folder = ("--dir", str(tmp_path / "new"))
        for purpose, where in (("recovery", ()), ("sealing", new_folder)):
            made = tally("wuxi", "keys", "prove", purpose, *where)
            program, group, *line = shlex.split(made.stdout)
            assert (program, group) == ("tally", "consortium")
            tally("webank", *line, "--reason", "safe burnt down")
        for number in ("1", "2"):
            for bank in ("huarui", "outsider", "nanfeng"):
                tally(bank, "vote", number, "yes")
        later(world, 7 * DAY_S)
        for number in ("1", "2"):
            assert "enacted" in tally("huarui", "enact", number).output
        wuxi = world.numbers["wuxi"]
        successor = world.folder.keys("wuxi") / "recovery.next.json"
        assert world.consortium.key_of(wuxi, 3) == key_word(public_half(successor))
        successor.unlink()
        assert world.consortium.key_of(wuxi, 4) == keys.sealing

    def test_withdrawn(self, tally: Tally) -> None:
        tally("webank", "propose", "role", "outsider", "auditor", "--reason", "x")
        assert "withdrawn" in tally("webank", "withdraw", "1").output

    def test_stopped_and_lifted(self, tally: Tally) -> None:
        stop = ("emergency", "stop", "wuxi", "--reason", "x")
        assert "a second bank" in tally("webank", *stop).output
        stopped = tally("huarui", *stop).output
        assert "wuxi, partner, active, not stopped" in stopped, "what is about to be signed"
        assert "webank asked at" in stopped
        assert "to stop it: x" in stopped, "and why"
        assert "wuxi is stopped" in stopped
        assert "stopped until" in tally("webank", "list").output
        assert "a second bank" in tally("webank", "emergency", "lift", "wuxi").output
        lifted = tally("huarui", "emergency", "lift", "wuxi").output
        assert "to lift it" in lifted
        assert "may act again" in lifted
        tally("huarui", "emergency", "lift", "wuxi", fails=ConsortiumRefused)

    def test_nobody_is_stopped_or_lifted_by_who_says_no(
        self, tally: Tally, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.cli.shared.confirmation.is_attended", lambda: True)
        stop = ("emergency", "stop", "wuxi", "--reason", "x")
        for asked in (stop, ("emergency", "lift", "wuxi")):
            tally("webank", *asked, fails=SystemExit)
        tally("webank", *stop, "--yes")
        assert "wuxi is stopped" in tally("huarui", *stop, "--yes").output


class TestOwnKeys:
    @pytest.fixture(autouse=True)
    def kept(self, world: World) -> Iterator[None]:
        """The chain is put back after a test, so are the keys' files."""
        folder = world.folder.keys("wuxi")
        before = {path: path.read_bytes() for path in folder.iterdir()}
        yield
        for path in folder.iterdir():
            path.unlink()
        for path, octets in before.items():
            path.write_bytes(octets)

    def test_rotated_and_nothing_is_lost(self, tally: Tally, world: World) -> None:
        folder = world.folder.keys("wuxi")
        old = public_keys(folder)
        output = tally("wuxi", "keys", "rotate", "operator").output
        new = public_keys(folder)
        assert new.operator != old.operator
        assert new.operator in output
        assert world.consortium.member_of(new.operator) == world.numbers["wuxi"]
        assert world.consortium.member_of(old.operator) == 0
        kept = load_account(folder, f"operator.retired-{old.operator}", development=True)
        assert kept.address == old.operator
        assert load_account(folder, "operator", development=True).address == new.operator
        shown = tally("wuxi", "keys", "list", "--member", "wuxi").output
        assert old.operator in shown
        assert new.operator in shown

    def test_the_sealing_key_by_the_approver(self, tally: Tally, world: World) -> None:
        old = public_keys(world.folder.keys("wuxi")).sealing.hex()
        output = tally("wuxi", "keys", "rotate", "sealing").output
        new = public_keys(world.folder.keys("wuxi")).sealing.hex()
        assert new != old
        assert new in output
        shown = tally("wuxi", "keys", "list", "--member", "wuxi").output
        assert old in shown
        assert new in shown

    def test_the_approver_by_the_recovery_key(self, tally: Tally, world: World) -> None:
        old = public_keys(world.folder.keys("wuxi"))
        tally("wuxi", "keys", "rotate", "approver")
        new = public_keys(world.folder.keys("wuxi"))
        assert new.approver != old.approver
        # and it is the one that votes from now on
        tally("wuxi", "propose", "role", "outsider", "auditor", "--reason", "x")

    def test_cut_off_before_the_chain_knew(self, tally: Tally, world: World) -> None:
        folder = world.folder.keys("wuxi")
        prepared = prepare_successor(folder, "operator", development=True)
        tally("wuxi", "keys", "rotate", "operator")
        assert public_keys(folder).operator == prepared, "the same new key"

    def test_cut_off_after_the_chain_knew(self, tally: Tally, world: World) -> None:
        folder = world.folder.keys("wuxi")
        old = (folder / "operator.json").read_bytes()
        tally("wuxi", "keys", "rotate", "operator")
        # as it was just before the files were exchanged
        new = (folder / "operator.json").rename(folder / "operator.next.json")
        (folder / "operator.json").write_bytes(old)
        expected = json.loads(new.read_text())["public"]
        output = tally("wuxi", "keys", "rotate", "operator").output
        assert "the chain had taken the new key already" in output
        assert public_keys(folder).operator == expected


def deploy_day_close(world: World) -> str:
    """The code of a contract once more; its address."""
    artifact = load_artifact("DayClose")
    contract = world.rpc.web3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
    done = world.signer(world.lead, "recovery").send(contract.constructor())
    receipt = world.rpc.call("eth_getTransactionReceipt", [done.receipts[0].transaction])
    return str(to_checksum_address(receipt["contractAddress"]))
