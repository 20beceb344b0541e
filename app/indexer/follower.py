"""One bank's read model, kept at the chain's newest block by whichever endpoint is well."""

from collections.abc import Callable, Iterable

from eth_typing import ChecksumAddress
from sqlalchemy import Engine, select

from app.chain.engines import engine as chain_engine
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.contracts.consortium_registry import ConsortiumRegistry
from app.domain.errors import ChainUnreachable, ConfigFault
from app.indexer.indexer import Indexer, Progress
from app.indexer.rebuild import rebuild
from app.indexer.writer_process import WriterProcess
from app.readmodel import tables
from app.readmodel.directory import directory


class ChainFollower:
    """Reads the chain for one bank. Not safe to share between threads."""

    def __init__(
        self,
        engine: Engine,
        rpc: Rpc,
        manifest: Manifest,
        bank: str,
        operator: ChecksumAddress,
        sealing_keys: Iterable[bytes],
        collect: Callable[[int, int], int],
    ) -> None:
        """`collect` is called when legs were read, and after the first look, with the member's
        number and what it returned last (0 at first, and when the view was rebuilt).

        Raises ConfigFault where `operator` is no member's key, ChainUnreachable where only the
        chain can tell whose it is, and is away.
        """
        self._engine = engine
        self._rpc = rpc
        self._registry = ConsortiumRegistry(rpc, manifest.addresses["ConsortiumRegistry"])
        self._collect = collect
        self._collected: int | None = None
        self.newest_seen = 0
        """The newest block when the chain was read last."""
        self.verifies = chain_engine(manifest.engine).seals is not None
        """Whether blocks are verified by their validators' seals."""
        self.member = self._member_of(bank, operator)
        """The bank's member number."""
        self.indexer = Indexer(
            engine,
            rpc,
            manifest,
            member=self.member,
            sealing_keys=sealing_keys,
            finality_depth=chain_engine(manifest.engine).finality_depth_blocks,
        )

    def verify_chain(self) -> None:
        """Raise WrongChain or ChainUnreachable unless an endpoint is seen to be right."""
        self._rpc.run(lambda: None)

    def advance(self) -> Progress:
        """Read what has become final into the read model."""
        progress = self._rpc.run(self.indexer.advance)
        self.newest_seen = progress.head
        if progress.legs or self._collected is None:  # the last process may have died before this
            after = 0 if progress.reorged else self._collected or 0
            self._collected = self._collect(self.member, after)
        return progress

    def index(self) -> int:
        """As `advance`; returns the number of blocks read."""
        progress = self.advance()
        return progress.to_block - progress.from_block + 1

    def catch_up(self) -> None:
        """Read until there is nothing more, and open what was granted."""
        while self.index():
            pass
        self.indexer.open_granted()

    def rebuild(
        self, on_progress: Callable[[int, int], None], writer: WriterProcess | None = None
    ) -> None:
        """Rebuild the read model from the chain alone; see `indexer.rebuild`."""
        self._rpc.run(lambda: rebuild(self.indexer, on_progress, writer))

    def position(self) -> int:
        """The last block that the read model holds."""
        return self.indexer.position()

    def is_behind(self) -> bool:
        """Whether the read model lacks blocks that are known to be there."""
        with self._engine.connect() as connection:
            block = connection.execute(select(tables.cursor.c.block_number)).scalar_one_or_none()
        return block is None or block < self.newest_seen

    def head(self) -> int:
        """The newest block at the endpoint that is read from."""
        head = self._rpc.run(lambda: int(self._rpc.call("eth_blockNumber", []), 16))
        # A process that began while the chain was away learns only now how far there is to read.
        self.newest_seen = self.newest_seen or head
        return head

    def endpoint(self) -> str:
        """The endpoint that is read from, as anybody may see it."""
        return self._rpc.origin

    def role(self) -> str:
        """lead, partner, auditor or regulator: by the read model, or before its first block by
        the chain."""
        with self._engine.connect() as connection:
            known = directory(connection).members.get(self.member)
        if known is not None:
            return known.role
        return self._rpc.run(lambda: self._registry.role(self.member))

    def _member_of(self, bank: str, operator: ChecksumAddress) -> int:
        """Whose key this is: by the chain, or while that is away by what was read of it before."""
        try:
            member = self._rpc.run(lambda: self._registry.member_of(operator))
            self.head()
        except ChainUnreachable:
            with self._engine.connect() as connection:
                known = connection.execute(select(tables.cursor.c.member)).scalar_one_or_none()
            if known is None:
                raise
            return int(known)
        if member == 0:
            raise ConfigFault(
                f"the operator key of {bank}, {operator}, belongs to no member of this consortium",
                remedy="Use the keys that the bank was admitted with, or have it admitted",
            )
        return member
