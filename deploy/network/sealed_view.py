"""The consortium as a network's validators have sealed it: what has them vote on each other.

DIR/chain/view.db   what was read so far; read anew where it is missing
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from eth_typing import ChecksumAddress
from sqlalchemy import Connection, Engine

from app.chain.engines import engine as chain_engine
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.db import engine as db
from app.indexer.indexer import Indexer
from app.readmodel.chain import sealing_validators
from app.readmodel.consortium.queries import list_members, list_validator_nodes
from app.readmodel.consortium.shapes import ConsortiumMember
from deploy.consortium import ConsortiumFolder

_ANY_MEMBER = 1  # whose node would read so; members and validators are the same for all

_Answer = TypeVar("_Answer")


class SealedView:
    """Each answer is that of the newest block. Raises ChainFault where the endpoint's blocks are
    not what the validators sealed."""

    def __init__(self, engine: Engine, rpc: Rpc, manifest: Manifest) -> None:
        self._engine = engine
        self._indexer = Indexer(
            engine,
            rpc,
            manifest,
            member=_ANY_MEMBER,
            sealing_keys=(),
            finality_depth=chain_engine(manifest.engine).finality_depth_blocks,
        )

    def member_named(self, name: str) -> ConsortiumMember | None:
        """The member that was admitted under a name, if there is one."""
        return next((one for one in self._read(list_members) if one.name == name), None)

    def nodes_of(self, member: int) -> set[ChecksumAddress]:
        """The validators that the registry has for a member."""
        found = self._read(list_validator_nodes)
        return {node for node, whose in found.items() if whose == member}

    def sealing(self) -> set[ChecksumAddress]:
        """Who may seal the next block."""
        return self._read(sealing_validators)

    def _read(self, query: Callable[[Connection], _Answer]) -> _Answer:
        self._indexer.advance()
        with self._engine.connect() as connection:
            return query(connection)


@contextmanager
def sealed_view(folder: ConsortiumFolder, rpc: Rpc) -> Iterator[SealedView]:
    """Of the network whose folder this is, by the chain's endpoint `rpc`."""
    engine = db.create(f"sqlite:///{folder.chain / 'view.db'}")
    try:
        db.upgrade(engine)
        yield SealedView(engine, rpc, Manifest.read(folder.manifest))
    finally:
        engine.dispose()
