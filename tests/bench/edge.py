"""Four Polygon Edge validators for measuring: founded once, then set back before every run."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.consortium import Consortium, network
from app.domain.facility import Facility
from deploy.consortium import Member
from deploy.network import operate
from deploy.network.create import create_network

VALIDATORS = 4


def _quiet(text: str) -> None:
    pass


class Edge:
    """A network whose chain holds the consortium and one facility in force, and nothing else."""

    def __init__(self, root: Path, members: list[Member], facility: Facility) -> None:
        """Raises EngineMissing where the engine cannot be built."""
        self.network = create_network(root, members, VALIDATORS, _quiet)
        self._members = members
        self._chain, self._kept = self.network.folder.chain, root / "chain.kept"
        with self.running() as consortium:
            consortium.agree(facility)
        shutil.copytree(self._chain, self._kept)

    @contextmanager
    def fresh(self) -> Iterator[Consortium]:
        """The network as it was kept, running; no bank has a database yet."""
        shutil.rmtree(self._chain)
        shutil.copytree(self._kept, self._chain)
        for member in self._members:
            for file in self.network.folder.config(member.name).parent.glob("node.db*"):
                file.unlink()
        with self.running() as consortium:
            yield consortium

    @contextmanager
    def running(self) -> Iterator[Consortium]:
        operate.up(self.network, _quiet)
        try:
            with network(self.network.folder.root) as consortium:
                yield consortium
        finally:
            operate.down(self.network)
