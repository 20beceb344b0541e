"""The chains that are measured on: the same founded consortium, fresh for every run."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import Protocol

from app.chain.rpc import Rpc
from app.domain.facility import Facility
from app.local.consortium import Consortium, embedded, network
from deploy.consortium import ConsortiumFolder, Member
from deploy.network import operate
from deploy.network.create import create_network
from tests.bench.feeds import LEAD, PARTNER
from tests.network.engines import BesuValidators
from tests.rendered import rendered_for

MEMBERS = [Member(LEAD, "lead"), Member(PARTNER, "partner")]
_VALIDATORS = 4


class Environment(Protocol):
    """An engine with a consortium and one facility in force on it."""

    def fresh(self) -> AbstractContextManager[tuple[Consortium, Sequence[Rpc]]]:
        """Its chain as it was after founding, running, and no bank has a database yet; with each
        bank's own way to it that leaves out everything of ours."""


class Anvil:
    """One process; founded anew for every run, with the same keys."""

    def __init__(self, root: Path, facility: Facility, block_time_s: int | None = None) -> None:
        """`block_time_s` None: a block for every transaction."""
        self._folder = ConsortiumFolder(root)
        self._facility = facility
        self._block_time_s = block_time_s

    @contextmanager
    def fresh(self) -> Iterator[tuple[Consortium, Sequence[Rpc]]]:
        self._folder.manifest.unlink(missing_ok=True)
        with embedded(
            self._folder.root, MEMBERS, "anvil", block_time_s=self._block_time_s
        ) as consortium:
            _forget(self._folder)
            consortium.agree(self._facility)
            with _open([Rpc(consortium.rpc.url) for _ in MEMBERS]) as rpcs:
                yield consortium, rpcs


class Edge:
    """Four Polygon Edge validators of 1 s blocks, founded once and set back before every run."""

    def __init__(self, root: Path, facility: Facility) -> None:
        """Raises EngineMissing where the engine cannot be built."""
        self.network = create_network(root, MEMBERS, _VALIDATORS, _quiet)
        self._kept = root / "chain.kept"
        with self._running() as consortium:
            consortium.agree(facility)
        shutil.copytree(self.network.folder.chain, self._kept)

    @contextmanager
    def fresh(self) -> Iterator[tuple[Consortium, Sequence[Rpc]]]:
        shutil.rmtree(self.network.folder.chain)
        shutil.copytree(self._kept, self.network.folder.chain)
        _forget(self.network.folder)
        with self._running() as consortium:
            own = self.network.validators[: len(MEMBERS)]
            with _open([Rpc(one.rpc) for one in own]) as rpcs:
                yield consortium, rpcs

    @contextmanager
    def _running(self) -> Iterator[Consortium]:
        operate.up(self.network, _quiet)
        try:
            with network(self.network.folder.root) as consortium:
                yield consortium
        finally:
            operate.down(self.network)


class Besu:
    """Four Besu validators of 1 s blocks and the banks' proxies, as they are rendered; founded once
    and set back before every run."""

    def __init__(self, root: Path, facility: Facility) -> None:
        """`root` is a folder that is there. Takes the `besu` on the PATH."""
        self._chain, self._kept = root / "chain", root / "chain.kept"
        seats = [(member.name, number) for number in (1, 2) for member in MEMBERS]
        self._validators = BesuValidators(rendered_for(root, MEMBERS, seats), self._chain)
        try:
            self._validators.found()
            with network(self._validators.folder.root) as consortium:
                consortium.agree(facility)
        finally:
            self._validators.stop()
        shutil.copytree(self._chain, self._kept)

    @contextmanager
    def fresh(self) -> Iterator[tuple[Consortium, Sequence[Rpc]]]:
        shutil.rmtree(self._chain)
        shutil.copytree(self._kept, self._chain)
        _forget(self._validators.folder)
        own = self._validators.names[: len(MEMBERS)]
        try:
            self._validators.start_all()
            with (
                network(self._validators.folder.root) as consortium,
                _open([self._validators.rpc(name) for name in own]) as rpcs,
            ):
                yield consortium, rpcs
        finally:
            self._validators.stop()


@contextmanager
def _open(rpcs: Sequence[Rpc]) -> Iterator[Sequence[Rpc]]:
    with ExitStack() as stack:
        yield [stack.enter_context(closing(one)) for one in rpcs]


def _forget(folder: ConsortiumFolder) -> None:
    for member in MEMBERS:
        for file in folder.config(member.name).parent.glob("node.db*"):
            file.unlink()


def _quiet(text: str) -> None:
    pass
