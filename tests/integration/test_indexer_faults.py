"""A node that answers short, torn, old or otherwise wrong: nothing false is ever applied."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update

from app.chain.errors import ChainAnswer
from app.chain.rpc import Rpc
from app.contracts.events import event_kinds
from app.db.engine import create, upgrade
from app.domain.errors import ChainUnreachable, DatabaseBusy, DatabaseUnreachable, WrongChain
from app.indexer.errors import OtherView, ShortAnswer
from app.indexer.indexer import Indexer
from app.indexer.rebuild import digest
from app.readmodel import tables
from app.readmodel.accounts.balances import balances
from app.readmodel.chain import Incident, newest_incidents
from app.readmodel.pairs import queries
from ganache.launcher import ChainHandle, start
from tests.integration.posted import Event, World, new_world

DRAWDOWN, TOP_UP = 1, 6

Request = tuple[str, list[Any]]
Fault = Callable[[Request, Any], Any]


class FaultyRpc(Rpc):
    """A real endpoint whose answers are tampered with on the way, as long as `fault` is set."""

    fault: Fault | None = None

    def batch(self, requests_: list[Request]) -> list[Any]:
        answers = super().batch(requests_)
        if self.fault is None:
            return answers
        return [
            self.fault(request, copy.deepcopy(answer))
            for request, answer in zip(requests_, answers, strict=True)
        ]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    engine = create(f"sqlite:///{tmp_path / 'bank.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


def pair_count(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(tables.pairs)).scalar_one()


def incidents(engine: Engine) -> list[Incident]:
    with engine.connect() as connection:
        return newest_incidents(connection)


def found_odd(engine: Engine) -> list[str]:
    """What was found in the events. Where anvil has that block's state no more, nobody can say that
    the view was whole before, and it is rebuilt besides."""
    return [one.what for one in incidents(engine) if one.what != "rebuilt"]


def three_postings(world: World) -> None:
    for one in range(3):
        world.post("webank", Event(TOP_UP, f"T{one}", 5, partner=1))
    world.post("webank", Event(TOP_UP, "T0", 5, partner=1), Event(TOP_UP, "U", 6, partner=1))
    world.post("huarui", Event(TOP_UP, "U", 8))


def drop_logs(name: str, member: int | None = None, keep: int = 0) -> Fault:
    """Answers without the logs of one event, or of one member's alone, but for the first `keep`."""

    def is_meant(log: Any) -> bool:
        topics = log["topics"]
        is_it: bool = topics[0] == event_kinds()[name].topic
        return is_it and (member is None or int(topics[2], 16) == member)

    def fault(request: Request, answer: Any) -> Any:
        if request[0] != "eth_getLogs":
            return answer
        meant = [log for log in answer if is_meant(log)][keep:]
        return [log for log in answer if log not in meant]

    return fault


def change(method: str, **fields: Any) -> Fault:
    def fault(request: Request, answer: Any) -> Any:
        if request[0] != method:
            return answer
        if isinstance(answer, list):
            return [{**one, **fields} for one in answer]
        return {**answer, **fields} if isinstance(answer, dict) else answer

    return fault


def asks_for(request: Request, call: Request) -> bool:
    """Whether a request is this call, at whatever block."""
    return request[0] == "eth_call" and request[1][0]["data"] == call[1][0]["data"]


def absent(method: str) -> Fault:
    """Has none of them, but for the first block."""
    return lambda request, answer: (
        None if request[0] == method and request[1][0] != "0x0" else answer
    )


def first_posting_missing(request: Request, answer: Any) -> Any:
    if request[0] != "eth_getLogs":
        return answer
    found = [log for log in answer if log["topics"][0] == event_kinds()["Posted"].topic]
    return [log for log in answer if log is not (found[0] if found else None)]


def other_legs(request: Request, answer: Any) -> Any:
    if request[0] == "eth_getLogs":
        for log in answer:
            if log["topics"][0] == event_kinds()["Posted"].topic:
                log["data"] = log["data"][:-2] + "ff"
    return answer


SHORT = {
    "a facility that nothing proposed": drop_logs("FacilityProposed"),
    "a posting left out in the middle": first_posting_missing,
    "other legs than the chain holds": other_legs,
    "logs of another block": change("eth_getLogs", blockHash="0x" + "77" * 32),
    "a transaction that it does not have": absent("eth_getTransactionByHash"),
    "blocks that it does not have": absent("eth_getBlockByNumber"),
}


@pytest.mark.parametrize("fault", SHORT.values(), ids=SHORT.keys())
def test_an_answer_that_is_not_whole_is_not_applied(
    world: World, database: Engine, fault: Fault
) -> None:
    three_postings(world)
    rpc = FaultyRpc(world.rpc.url)
    indexer = world.indexer("webank", database, rpc)
    rpc.fault = fault
    for _ in range(2):
        with pytest.raises(ShortAnswer) as raised:
            indexer.advance()
        assert raised.value.remedy
        # Whole ranges from before the fault may be there, nothing of the faulty one.
        assert indexer.position() < int(world.rpc.call("eth_blockNumber", []), 16)
        assert pair_count(database) in (0, 3)
    # The node is whole again: a new process goes on, and mends what an earlier range had lacked.
    rpc.fault = None
    indexer = world.indexer("webank", database, rpc)
    indexer.advance()
    assert pair_count(database) == 4
    assert {one.what for one in incidents(database)} <= {"rebuilt"}


SHORT_ONCE = {
    "a member": drop_logs("MemberAdmitted", keep=3),
    "a facility": drop_logs("FacilityProposed"),
    "an activation": drop_logs("FacilityActivated"),
    "a posting in the middle": first_posting_missing,
    # The partner posts last of all, and is the second member.
    "the last posting": drop_logs("Posted", member=2),
    "all postings": drop_logs("Posted"),
    "a rejection": drop_logs("LegRejected"),
    "a judgement": drop_logs("PairJudged"),
}


@pytest.mark.parametrize("fault", SHORT_ONCE.values(), ids=SHORT_ONCE.keys())
@pytest.mark.parametrize("times", [1, 2])
def test_logs_left_out_once_are_noticed_and_asked_for_again(
    world: World, database: Engine, fault: Fault, times: int
) -> None:
    three_postings(world)
    rpc = FaultyRpc(world.rpc.url)
    left = times

    def at_first(request: Request, answer: Any) -> Any:
        nonlocal left
        if request[0] != "eth_getLogs" or not left:
            return answer
        short = fault(request, answer)
        left -= short != answer
        return short

    rpc.fault = at_first
    indexer = world.indexer("webank", database, rpc)
    try:
        indexer.advance()
    except ShortAnswer:
        assert times > 1
    indexer.advance()
    assert left < times
    assert pair_count(database) == 4
    with database.connect() as connection:
        assert {balance.proof for balance in balances(connection)} == {0}
    # Asking again was enough, or the view was made anew once.
    assert {one.what for one in incidents(database)} <= {"rebuilt"}


def doubled(request: Request, answer: Any) -> Any:
    return [log for log in answer for _ in range(2)] if request[0] == "eth_getLogs" else answer


def backwards(request: Request, answer: Any) -> Any:
    return answer[::-1] if request[0] == "eth_getLogs" else answer


DISTORTED = {"doubled": doubled, "in another order": backwards, **SHORT_ONCE, **SHORT}


@pytest.mark.parametrize("fault", DISTORTED.values(), ids=DISTORTED.keys())
def test_the_view_does_not_fall_back_while_an_endpoint_answers_wrongly(
    world: World, database: Engine, fault: Fault
) -> None:
    three_postings(world)
    rpc = FaultyRpc(world.rpc.url)
    indexer = world.indexer("webank", database, rpc)
    indexer.advance()
    before = indexer.position()
    assert pair_count(database) == 4
    world.post("webank", Event(TOP_UP, "LATER", 7, partner=1), Event(TOP_UP, "T0", 5, partner=1))
    world.post("huarui", Event(TOP_UP, "LATER", 7), Event(TOP_UP, "T1", 4))
    rpc.fault = fault
    for _ in range(3):
        with suppress(ShortAnswer):
            indexer.advance()
        assert indexer.position() >= before
        assert pair_count(database) in (4, 5)
        with database.connect() as connection:
            # None: not held against the contract yet.
            assert {balance.proof for balance in balances(connection)} <= {0, None}
    rpc.fault = None
    indexer.advance()
    assert pair_count(database) == 5
    assert "rebuilt" not in {one.what for one in incidents(database)}


def test_a_count_answered_from_the_next_block_is_asked_for_again_and_no_endpoint_is_suspected(
    world: World, database: Engine
) -> None:
    """anvil does so while it makes that block: the logs are block N's, the counts block N + 1's."""
    indexer = world.indexer("webank", database, rpc := FaultyRpc(world.rpc.url))
    indexer.advance()
    world.post("webank", Event(TOP_UP, "T0", 5, partner=1))
    head = world.reconciliation.head_request(world.facility, world.numbers["webank"])
    suspicions: list[ChainUnreachable] = []
    rpc.move_on = suspicions.append  # type: ignore[method-assign, assignment]
    raced = False

    def one_block_later(request: Request, answer: Any) -> Any:
        nonlocal raced
        if raced or not asks_for(request, head):
            return answer
        raced = True
        world.post("webank", Event(TOP_UP, "T1", 6, partner=1))
        return world.rpc.call(*head)

    rpc.fault = one_block_later
    indexer.advance()
    assert raced and not suspicions and pair_count(database) == 1
    indexer.advance()
    assert pair_count(database) == 2 and not incidents(database)


def test_at_a_new_block_only_what_it_can_have_touched_is_counted(
    world: World, database: Engine
) -> None:
    first, world.facility_id = world.facility, "WLD-2016-B"
    other = world.agree()
    indexer = world.indexer("webank", database, rpc := FaultyRpc(world.rpc.url))
    indexer.advance()
    lead = world.numbers["webank"]
    heads = {one: world.reconciliation.head_request(one, lead) for one in (first, other)}
    counted: list[int] = []
    left_out = False

    def once_without_logs(request: Request, answer: Any) -> Any:
        nonlocal left_out
        counted.extend(one for one, head in heads.items() if asks_for(request, head))
        if left_out or request[0] != "eth_getLogs":
            return answer
        left_out = True
        return []

    # The header names the facility even where the node leaves all its logs out.
    world.post("webank", Event(TOP_UP, "T0", 5, partner=1))
    rpc.fault = once_without_logs
    indexer.advance()
    assert left_out and pair_count(database) == 1 and not incidents(database)
    world.post("webank", Event(TOP_UP, "T1", 5, partner=1))
    counted.clear()
    indexer.advance()
    assert set(counted) == {first} and pair_count(database) == 2


def test_a_rejection_left_out_is_noticed(world: World, database: Engine) -> None:
    three_postings(world)
    rpc = FaultyRpc(world.rpc.url)
    rpc.fault = drop_logs("LegRejected")
    world.indexer("webank", database, rpc).advance()
    assert found_odd(database) == ["leg_counted_twice"]


def test_a_rejection_left_out_of_a_later_range_is_noticed(world: World, database: Engine) -> None:
    world.post("webank", Event(TOP_UP, "T", 5, partner=1))
    world.post("huarui", Event(TOP_UP, "T", 5))
    rpc = FaultyRpc(world.rpc.url)
    indexer = world.indexer("webank", database, rpc)
    indexer.advance()
    # The pair waits for no half, so that the view does not have it at hand.
    world.post("webank", Event(TOP_UP, "T", 5, partner=1))
    rpc.fault = drop_logs("LegRejected")
    indexer.advance()
    assert found_odd(database) == ["leg_counted_twice"] and pair_count(database) == 1


def test_a_judgement_left_out_is_noticed(world: World, database: Engine) -> None:
    three_postings(world)
    rpc = FaultyRpc(world.rpc.url)
    rpc.fault = drop_logs("PairJudged")
    world.indexer("webank", database, rpc).advance()
    assert found_odd(database) == ["unequal_halves"]
    # The halves and the rules tell the same as the contract did.
    with database.connect() as connection:
        assert queries.pairs(connection).items[0].type == "amount"


def test_a_judgement_that_does_not_follow_from_the_halves_is_noticed(
    world: World, database: Engine
) -> None:
    def lenient(request: Request, answer: Any) -> Any:
        if request[0] == "eth_getLogs":
            for log in answer:
                if log["topics"][0] == event_kinds()["PairJudged"].topic:
                    words = [log["data"][at : at + 64] for at in range(2, len(log["data"]), 64)]
                    words[3] = f"{2:064x}"
                    log["data"] = "0x" + "".join(words)
        return answer

    three_postings(world)
    rpc = FaultyRpc(world.rpc.url)
    rpc.fault = lenient
    world.indexer("webank", database, rpc).advance()
    # The word that was given stands, and the contract's books give it away.
    assert set(found_odd(database)) == {"judgement_differs", "books_differ"}


def test_books_that_differ_are_an_incident_and_break_the_proof(
    world: World, database: Engine
) -> None:
    def generous(request: Request, answer: Any) -> Any:
        if request[0] == "eth_call" and len(answer) == 2 + 8 * 64:
            return "0x" + f"{1_000_000:064x}" + answer[66:]
        return answer

    three_postings(world)
    rpc = FaultyRpc(world.rpc.url)
    indexer = world.indexer("webank", database, rpc)
    rpc.fault = generous
    indexer.advance()
    with database.connect() as connection:
        proofs = {balance.partner: balance.proof for balance in balances(connection)}
    assert proofs["huarui"] not in (0, None)
    assert {one.what for one in incidents(database)} == {"books_differ", "rebuilt"}
    assert "1000000 in the contract" in incidents(database)[0].place


def test_a_range_that_the_node_refuses_is_read_in_smaller_ones(
    world: World, database: Engine
) -> None:
    class Narrow(Rpc):
        asked: list[int] = []  # noqa: RUF012

        def batch(self, requests_: list[Request]) -> list[Any]:
            for method, params in requests_:
                if method == "eth_getLogs":
                    blocks = int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1
                    self.asked.append(blocks)
                    if blocks > 2:
                        raise ChainAnswer(method, {"code": -32005, "message": "range too large"})
            return super().batch(requests_)

    three_postings(world)
    rpc = Narrow(world.rpc.url)
    world.indexer("webank", database, rpc).advance()
    assert pair_count(database) == 4
    assert max(rpc.asked) > 2


def test_a_node_that_refuses_even_one_block_is_an_error(world: World, database: Engine) -> None:
    class Refusing(Rpc):
        def batch(self, requests_: list[Request]) -> list[Any]:
            if any(method == "eth_getLogs" for method, _ in requests_):
                raise ChainAnswer("eth_getLogs", {"code": -32005, "message": "no"})
            return super().batch(requests_)

    with pytest.raises(ChainAnswer):
        world.indexer("webank", database, Refusing(world.rpc.url)).advance()


def test_a_node_that_lags_is_waited_for(world: World, database: Engine) -> None:
    three_postings(world)
    rpc = FaultyRpc(world.rpc.url)
    indexer = world.indexer("webank", database, rpc)
    indexer.advance()
    before = digest(database)
    reached = indexer.position()

    def lagging(request: Request, answer: Any) -> Any:
        if request[0] == "eth_blockNumber":
            return hex(reached - 5)
        if request[0] == "eth_getBlockByNumber" and int(request[1][0], 16) > reached - 5:
            return None
        return answer

    rpc.fault = lagging
    world.post("webank", Event(TOP_UP, "NEW", 5, partner=1))
    progress = indexer.advance()
    assert progress.to_block == reached
    assert progress.legs == 0
    assert not progress.reorged
    assert digest(database) == before
    rpc.fault = None
    assert indexer.advance().legs == 1
    assert incidents(database) == []


def test_only_blocks_below_the_finality_depth_are_read(world: World, database: Engine) -> None:
    three_postings(world)
    indexer = Indexer(
        database,
        world.rpc,
        world.manifest,
        member=world.numbers["webank"],
        sealing_keys=world.sealing_keys("webank"),
        finality_depth=2,
    )
    progress = indexer.advance()
    assert progress.to_block == int(world.rpc.call("eth_blockNumber", []), 16) - 2
    assert progress.legs == 3


def test_a_chain_that_is_down(world: World, database: Engine) -> None:
    indexer = world.indexer("webank", database, Rpc("http://127.0.0.1:9"))
    with pytest.raises(ChainUnreachable):
        indexer.advance()
    assert indexer.position() == 0


def test_another_chain_id_is_refused(world: World, database: Engine) -> None:
    rpc = FaultyRpc(world.rpc.url)
    rpc.fault = lambda request, answer: "0x7" if request[0] == "eth_chainId" else answer
    with pytest.raises(WrongChain, match="chain 7"):
        world.indexer("webank", database, rpc).advance()


def test_another_chain_behind_the_endpoint_does_not_rewind_the_view(
    world: World, database: Engine
) -> None:
    three_postings(world)
    rpc = FaultyRpc(world.rpc.url)
    indexer = world.indexer("webank", database, rpc)
    indexer.advance()
    before = digest(database)

    def other_chain(request: Request, answer: Any) -> Any:
        if request[0] == "eth_chainId":
            return "0x7"
        return change("eth_getBlockByNumber", hash="0x" + "55" * 32)(request, answer)

    def begun_again(request: Request, answer: Any) -> Any:
        if request == ("eth_getBlockByNumber", ["0x0", False]):
            return {**answer, "hash": "0x" + "55" * 32}
        if request[0] == "eth_blockNumber":
            return "0x3"
        return None if request[0] == "eth_getBlockByNumber" else answer

    for fault in (other_chain, begun_again):
        rpc.fault = fault
        with pytest.raises(WrongChain):
            indexer.advance()
        assert digest(database) == before
    rpc.fault = None
    indexer.advance()
    assert digest(database) == before
    assert incidents(database) == []


def test_a_member_that_the_registry_does_not_know(world: World, database: Engine) -> None:
    world.numbers["stranger"] = 99
    rpc = FaultyRpc(world.rpc.url)
    indexer = world.indexer("webank", database, rpc)
    indexer._member = 99  # the number is the only thing that is wrong
    with pytest.raises(WrongChain, match="no member 99"):
        indexer.advance()


def test_the_database_of_another_member_is_refused(world: World, database: Engine) -> None:
    world.indexer("webank", database).advance()
    with pytest.raises(OtherView, match="member 1 on chain"):
        world.indexer("huarui", database).advance()


def test_the_database_of_another_chain_is_refused(world: World, database: Engine) -> None:
    world.indexer("webank", database).advance()
    with database.begin() as connection:
        connection.execute(update(tables.cursor).values(chain_id=5))
    with pytest.raises(OtherView, match="chain 5"):
        world.indexer("webank", database).advance()


def test_of_two_indexers_on_one_database_one_stands_back(world: World, database: Engine) -> None:
    first, second = world.indexer("webank", database), world.indexer("webank", database)
    first.advance()
    second.advance()
    three_postings(world)
    first.advance()
    before = digest(database)
    with pytest.raises(OtherView, match="moved the cursor"):
        second.advance()
    assert digest(database) == before
    # It has looked again, and goes on with what is there.
    world.post("webank", Event(TOP_UP, "NEW", 5, partner=1))
    assert second.advance().legs == 1


def test_a_write_that_fails_leaves_the_range_to_be_read_again(
    world: World, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_postings(world)
    indexer = world.indexer("webank", database)
    with monkeypatch.context() as patched:

        def full(*arguments: Any) -> None:
            raise OSError("disk full")

        patched.setattr("app.indexer.write.record_incidents", full)
        with pytest.raises(OSError, match="disk full"):
            indexer.advance()
    assert indexer.position() == 0
    indexer.advance()
    assert pair_count(database) == 4


def test_a_table_that_stays_locked_is_a_busy_database(world: World, postgres_url: str) -> None:
    engine = create(postgres_url, busy_timeout_ms=300)
    upgrade(engine)
    three_postings(world)
    indexer = world.indexer("webank", engine)
    with engine.begin() as other:
        other.exec_driver_sql("LOCK TABLE pairs IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DatabaseBusy):
            indexer.advance()
    indexer.advance()
    assert pair_count(engine) == 4
    engine.dispose()


def test_a_database_server_that_breaks_off(world: World, postgres_url: str) -> None:
    engine = create(postgres_url)
    upgrade(engine)
    three_postings(world)
    indexer = world.indexer("webank", engine)
    blocker = create(postgres_url)

    with blocker.begin() as other:
        other.exec_driver_sql("LOCK TABLE pairs IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(indexer.advance)
            while not other.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            ).all():
                pass
            with pytest.raises(DatabaseUnreachable):
                running.result()
    blocker.dispose()
    indexer.advance()
    assert pair_count(engine) == 4
    engine.dispose()


@pytest.fixture
def private(tmp_path: Path) -> Iterator[ChainHandle]:
    with start("anvil", state_dir=tmp_path / "chain", keep_state=False) as chain:
        yield chain


def test_reorg_the_view_is_rebuilt_and_the_incident_is_kept(
    private: ChainHandle, tmp_path: Path, database_url: str
) -> None:
    world = new_world(private.process.url, tmp_path)
    database = create(database_url)
    upgrade(database)
    indexer = world.indexer("webank", database)
    world.post("webank", Event(DRAWDOWN, "KEPT", 10_000))
    snapshot = world.rpc.call("evm_snapshot", [])
    kept = dict(world.sequences)
    world.post("webank", Event(DRAWDOWN, "LOST", 20_000))
    world.post("huarui", Event(DRAWDOWN, "LOST", 9066), Event(DRAWDOWN, "KEPT", 4533))
    indexer.advance()
    assert pair_count(database) == 6

    assert world.rpc.call("evm_revert", [snapshot])
    world.sequences = kept
    # Shorter than the view, but nothing contradicts it yet: it may only lag.
    assert not indexer.advance().reorged
    assert pair_count(database) == 6

    world.post("webank", Event(DRAWDOWN, "OTHER", 30_000))
    world.post("huarui", Event(DRAWDOWN, "OTHER", 13_599))
    world.post("webank", Event(DRAWDOWN, "LOST", 20_000))
    assert indexer.advance().reorged
    while indexer.position() < int(world.rpc.call("eth_blockNumber", []), 16):
        indexer.advance()
    with database.connect() as connection:
        found = {
            (pair.event_ref, pair.type)
            for pair in queries.pairs(connection).items
            if pair.partner == "huarui"
        }
        proofs = {balance.proof for balance in balances(connection)}
    assert found == {
        ("KEPT", "missing_at_partner"),
        ("OTHER", "matched"),
        ("LOST", "missing_at_partner"),
    }
    assert proofs == {0}
    seen = incidents(database)
    assert [one.what for one in seen] == ["rewind"]
    assert "2 postings" in seen[0].place

    fresh = create(f"sqlite:///{tmp_path / 'fresh.db'}")
    upgrade(fresh)
    world.indexer("webank", fresh).advance()
    assert digest(fresh) == digest(database)
    fresh.dispose()
    database.dispose()


def test_reorg_between_two_ranges_of_one_advance(
    private: ChainHandle, tmp_path: Path, database: Engine
) -> None:
    world = new_world(private.process.url, tmp_path)
    indexer = world.indexer("webank", database)
    indexer.advance()
    snapshot = world.rpc.call("evm_snapshot", [])
    world.post("webank", Event(DRAWDOWN, "LOST", 20_000))
    indexer.advance()
    world.rpc.call("evm_revert", [snapshot])
    world.sequences.clear()
    for one in range(4):
        world.post("webank", Event(DRAWDOWN, f"NEW{one}", 20_000))

    class Blind(Rpc):
        """Does not show the change at the cursor, so that only the parent's hash tells."""

        first = True

        def batch(self, requests_: list[Request]) -> list[Any]:
            answers = super().batch(requests_)
            if self.first and [method for method, _ in requests_] == [
                "eth_blockNumber",
                "eth_getBlockByNumber",
            ]:
                self.first = False
                answers[1]["hash"] = "0x" + indexer_hash.hex()
            return answers

    with database.connect() as connection:
        indexer_hash = bytes(connection.execute(select(tables.cursor.c.block_hash)).scalar_one())
    blind = world.indexer("webank", database, Blind(world.rpc.url))
    progress = blind.advance()
    assert progress.reorged
    assert progress.legs == 0
    blind.advance()
    assert pair_count(database) == 12
    assert [one.what for one in incidents(database)] == ["rewind"]
