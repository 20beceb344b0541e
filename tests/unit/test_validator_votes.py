"""A bank's votes on validators at its own Besu: cast, and taken back once they are settled.

Besu is played by a server that answers its three methods as Besu 25.11 does.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from sqlalchemy import Engine, delete, insert
from websockets.sync.server import ServerConnection, serve

from app.actions.validators import ValidatorVotes
from app.actions.view import View
from app.chain.validators import BesuNode
from app.db import engine as db
from app.domain.errors import ChainFault
from app.readmodel.consortium.tables import validators
from app.readmodel.tables import cursor

A, B, C = (to_checksum_address("0x" + digit * 40) for digit in "123")


@dataclass
class Besu:
    """Its pending votes, and what it was asked. With `answer` it says that, whatever is asked."""

    votes: dict[str, bool] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    answer: str | None = None

    def handle(self, socket: ServerConnection) -> None:
        for text in socket:
            request = json.loads(text)
            self.asked.append(request["method"].removeprefix("qbft_"))
            result = self._result(request["method"], *request["params"])
            told = json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result})
            socket.send(told if self.answer is None else self.answer)

    def _result(self, method: str, *params: Any) -> Any:
        if method == "qbft_getPendingVotes":
            return self.votes
        if method == "qbft_proposeValidatorVote":
            self.votes[params[0].lower()] = params[1]
        elif method == "qbft_discardValidatorVote":
            del self.votes[params[0]]
        return True


@contextmanager
def besu() -> Iterator[tuple[Besu, BesuNode]]:
    node = Besu()
    with serve(node.handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield node, BesuNode(f"ws://127.0.0.1:{server.socket.getsockname()[1]}")
        finally:
            server.shutdown()
            thread.join()


def test_votes_that_are_not_due_are_discarded() -> None:
    with besu() as (node, client):
        client.cast(A, admit=True)
        client.cast(B, admit=False)
        client.cast(C, admit=True)
        client.keep_only({(B, False), (C, False)})
        assert node.votes == {B.lower(): False}
        client.keep_only(())
        client.keep_only(())
        client.check()
        assert node.votes == {}


@pytest.mark.parametrize(
    "answer",
    [
        '{"error": {"code": -32604, "message": "Method not enabled"}}',
        '{"result": false}', '{"result": "0x"}', '{"result": [1]}', "[]", "null", "no JSON",
    ],
)  # fmt: skip
def test_a_node_that_answers_otherwise_is_a_fault(answer: str) -> None:
    with besu() as (node, client):
        node.answer = answer
        with pytest.raises(ChainFault) as fault:
            client.cast(A, admit=True)
        assert fault.value.where == client.control
        for act in (client.check, partial(client.keep_only, ())):
            with pytest.raises(ChainFault):
                act()


def test_a_node_that_is_down_is_a_fault() -> None:
    with besu() as (_, client):
        pass
    with pytest.raises(ChainFault, match="does not answer qbft_getPendingVotes"):
        client.keep_only(())


def view_shows(engine: Engine, registered: Sequence[str], sealing: Sequence[str]) -> None:
    """The verified view: the registry's validators, the first of them this bank's, and the set."""
    kept = {"validators": [one[2:].lower() for one in sealing], "votes": []}
    with engine.begin() as connection:
        connection.execute(delete(validators))
        connection.execute(delete(cursor))
        for member, node in enumerate(registered, 1):
            row = {"node": bytes.fromhex(node[2:]), "member": member}
            connection.execute(insert(validators).values(row | {"enode": "", "since_block": 1}))
        connection.execute(
            insert(cursor).values(
                id=1,
                chain_id=1,
                member=1,
                block_number=1,
                block_hash=bytes(32),
                block_time=1,
                validators=json.dumps(kept),
            )
        )


def test_a_settled_vote_is_taken_back_once_the_header_shows_it(tmp_path: Path) -> None:
    engine = db.create(f"sqlite:///{tmp_path / 'node.db'}")
    db.upgrade(engine)
    with besu() as (node, client):
        node.votes = {C.lower(): True}  # left by a run before this one
        votes = ValidatorVotes(View(engine, "webank", tuple), 1, [client])
        view_shows(engine, [A, B], [A])
        votes.cast()
        assert node.votes == {B.lower(): True}
        votes.cast()
        assert node.votes == {B.lower(): True}
        view_shows(engine, [A, B], [A, B])
        node.answer = "null"
        with pytest.raises(ChainFault):
            votes.cast()
        node.answer = None
        votes.cast()
        assert node.votes == {}, "tried again where the node did not answer"
        node.asked.clear()
        votes.cast()
        assert node.asked == [], "at rest its own node is left alone"
        view_shows(engine, [A, B, C], [A, B])
        votes.cast()
        view_shows(engine, [A, B], [A, B])
        votes.cast()
        assert node.votes == {}, "a vote that the registry takes back is no vote any more"
    engine.dispose()
