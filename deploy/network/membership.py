"""What admitting and evicting a member share: the chain as it stands, the notes of a run that may
be cut off, and the consensus set that follows what the registry has decided.

DIR/chain/VERB-NAME.json   what a run that is not through has decided; gone once it is
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from app.chain.errors import ChainAnswer
from app.chain.identity import check_chain
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.chain.validators import EdgeNode
from app.contracts.consortium_registry import ConsortiumRegistry
from app.domain.errors import ChainFault, UsageFault
from deploy.consortium import folder_name, replace_file, set_endpoints
from deploy.network import engine, layout, proxy, validator_processes
from deploy.network.genesis import write_peers
from deploy.network.health import NetworkHealth, look
from deploy.network.layout import Network
from deploy.network.sealed_view import SealedView, sealed_view
from deploy.votes import Ballot

_FOLLOWS_S = 300.0
_CAST_EVERY_S = 5.0
_POLL_S = 0.5

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Change:
    """One member's admission or eviction. `number`: the member's on the chain, 0 = none yet;
    `state`: where it stands there (`none` for no member); both by the `view` of what the
    validators sealed."""

    verb: str
    name: str
    network: Network
    binary: Path
    rpc: Rpc
    registry: ConsortiumRegistry
    view: SealedView
    say: Say

    @property
    def ballot(self) -> Ballot:
        return Ballot(self.rpc, self.registry, self.network.folder)

    @property
    def number(self) -> int:
        member = self.view.member_named(self.name)
        return member.number if member else 0

    @property
    def state(self) -> str:
        member = self.view.member_named(self.name)
        return member.state if member else "none"

    @property
    def is_listed(self) -> bool:
        """Whether it is among the present members whose keys lie here."""
        return any(member.name == self.name for member in self.network.folder.members())

    def noted(self) -> dict[str, Any] | None:
        """What a run before this one has decided that was cut off; None where none was."""
        if not self._notes.exists():
            return None
        found: dict[str, Any] = json.loads(self._notes.read_text())
        return found

    def note(self, **decided: Any) -> None:
        """Note what is decided, before anything is done that builds on it."""
        replace_file(self._notes, json.dumps(decided) + "\n")

    def finish(self) -> None:
        """Nothing is left to do; an eviction ends an admission that was not through, too."""
        self._notes_of("admit").unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    @property
    def is_joining(self) -> bool:
        """Whether an admission of the same member was begun and is not through."""
        return self._notes_of("admit").exists()

    @property
    def _notes(self) -> Path:
        return self._notes_of(self.verb)

    def _notes_of(self, verb: str) -> Path:
        return self.network.folder.chain / f"{verb}-{folder_name(self.name)}.json"

    def follow(self, addresses: Sequence[str], *, admit: bool) -> None:
        """Have every other bank's own node vote until the validator set shows it.

        A node forgets its vote when it is restarted, and one that is down casts none: so it is
        cast again and again. Raises ChainFault when the validators have sealed no such decision of
        the banks, or the set does not change in time.
        """
        self._require_decided(addresses, admit=admit)
        deadline = time.monotonic() + _FOLLOWS_S
        cast_at = 0.0
        while left := self._differing(addresses, admit=admit):
            if time.monotonic() > deadline:
                raise ChainFault(
                    f"the validators' votes on {', '.join(left)} had no effect in "
                    f"{_FOLLOWS_S:.0f} s",
                    where=str(self.network.folder.root),
                    remedy="Start those that are down (`tally network up`), then run this again",
                )
            if time.monotonic() - cast_at > _CAST_EVERY_S:
                self._cast(left, admit=admit, first=not cast_at)
                cast_at = time.monotonic()
            time.sleep(_POLL_S)
        self.say(f"{len(self.view.sealing())} validators seal the blocks now")

    def _require_decided(self, addresses: Sequence[str], *, admit: bool) -> None:
        if admit:
            is_decided = self.view.nodes_of(self.number).issuperset(addresses)
        else:
            is_decided = self.state == "evicted"
        if not is_decided:
            raise ChainFault(
                f"the validators have sealed no decision to {self.verb} {self.name}",
                where=self.rpc.url,
                remedy="Look whose chain node answers there, and why it answers otherwise",
            )

    def _differing(self, addresses: Sequence[str], *, admit: bool) -> list[str]:
        present = self.view.sealing()
        return [address for address in addresses if (address in present) is not admit]

    def _cast(self, addresses: Sequence[str], *, admit: bool, first: bool) -> None:
        running = validator_processes.find(self.network)
        for validator in self.network.validators:
            if validator.bank == self.name or validator.name not in running:
                continue
            node = EdgeNode(self.binary, validator.control)
            for address in addresses:
                try:
                    node.cast(address, admit=admit)
                except ChainFault as fault:
                    self.say(f"{validator.name}: {fault.what}")
            if first:
                self.say(f"{validator.name} votes {'for' if admit else 'against'} the validator")

    def apply(self, network: Network) -> None:
        """Let proxy, peers and every present member's configuration know who is there."""
        proxy.apply(network)
        write_peers(network)
        for place, member in enumerate(network.folder.members()):
            set_endpoints(network.folder.config(member.name), network.rpcs_of(member.name, place))


@contextmanager
def changing(root: Path, verb: str, name: str, say: Say) -> Iterator[Change]:
    """A change of the membership of the network in `root`, whose chain makes blocks.

    One at a time. Raises UsageFault where another is at work, ChainFault where no block comes.
    """
    network = layout.read(root)
    binary = engine.build(say)
    manifest = Manifest.read(network.folder.manifest)
    try:
        with FileLock(network.folder.chain / "membership.lock", timeout=0):
            rpc = _alive(network, look(network), name)
            try:
                check_chain(rpc, manifest)
                registry = ConsortiumRegistry(rpc, manifest.addresses["ConsortiumRegistry"])
                with sealed_view(network.folder, rpc) as view:
                    yield Change(verb, name, network, binary, rpc, registry, view, say)
            except KeyboardInterrupt:
                say("cut off; the same command, run again, goes on")
                raise
            except ChainAnswer as fault:
                raise ChainFault(f"the chain refused: {fault.text}", where=rpc.url) from fault
            finally:
                rpc.close()
    except Timeout:
        raise UsageFault(
            "another admission or eviction is at work here",
            where=str(root),
            remedy="Wait until it is through",
        ) from None


def _alive(network: Network, health: NetworkHealth, name: str) -> Rpc:
    """The way to a validator that answers and is not the subject's."""
    up = f"`tally network up --dir {network.folder.root}`"
    if health.stalled:
        raise ChainFault(
            f"the chain has stalled at block {health.height:,}: no vote can come into a block",
            where=str(network.folder.root),
            remedy=f"Bring it back with {up}, then run this again",
        )
    for one in health.validators:
        if one.answers and one.validator.bank != name:
            return Rpc(one.validator.rpc)
    raise ChainFault(
        "no validator answers", where=str(network.folder.root), remedy=f"Start them with {up}"
    )
