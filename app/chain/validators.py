"""Who seals blocks, and how a validator's own chain node is told what to vote on that.

The only part of a membership's change that knows the engines: Polygon Edge (IBFT), Besu (QBFT).
"""

import json
import socket
import subprocess
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from websockets.exceptions import InvalidURI, WebSocketException
from websockets.sync.client import connect

from app.chain.newest import newest_block
from app.chain.rpc import Rpc
from app.domain.errors import ChainFault
from app.verify import extra_data
from app.verify.rlp_bytes import decode

_Answer = TypeVar("_Answer")

_VANITY_BYTES = 32
_VOTE_S = 20.0
_SETTLED_ALREADY = (  # each way in which Polygon Edge says that there is nothing to do
    "already a candidate",
    "already voted for this address",
    "the candidate is already a validator",
    "cannot remove a validator if they're not in the snapshot",
)


def validator_set(rpc: Rpc) -> set[ChecksumAddress]:
    """Who may seal the newest block, as that block says: its extraData begins with 32 bytes of
    vanity, before a list (IBFT) or as the first of one (QBFT); the validators come next."""
    header = newest_block(rpc)
    extra = bytes.fromhex(header["extraData"].removeprefix("0x"))
    try:
        if extra[:1] >= b"\xc0":  # a list from the first byte on
            return {to_checksum_address(one) for one in extra_data.decode(extra.hex()).validators}
        validators, *_ = decode(extra[_VANITY_BYTES:])
        return {to_checksum_address(address) for address in validators}
    except (ValueError, TypeError) as fault:
        raise ChainFault(
            f"the newest block does not say who may seal it: {fault}", where=rpc.url
        ) from None


Vote = tuple[ChecksumAddress, bool]
"""A validator's address, and whether it is to be one."""


class ChainNode(Protocol):
    """A bank's own chain node, where it seals blocks."""

    def cast(self, address: str, *, admit: bool) -> None:
        """Have it vote, when it next makes a block, that `address` be a validator or be none.

        It remembers the vote in memory alone, and the more than half of the set that is needed
        must stand in blocks: cast again until the set shows it. Raises ChainFault.
        """

    def check(self) -> None:
        """Raises ChainFault where it would take no vote."""

    def keep_only(self, votes: Collection[Vote]) -> None:
        """Have it forget all votes but these: one that is settled would be cast again when the set
        next changes the other way. Raises ChainFault."""


@dataclass(frozen=True, slots=True)
class EdgeNode:
    """Polygon Edge: its program (`engine`) speaks to the node's `control` port, host:port."""

    engine: Path
    control: str

    def cast(self, address: str, *, admit: bool) -> None:
        command = [str(self.engine), "ibft", "propose", "--addr", address]
        command += ["--vote", "auth" if admit else "drop", "--grpc-address", self.control]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_VOTE_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ChainFault(
                f"the chain node did not take its vote within {_VOTE_S:.0f} s", where=self.control
            ) from None
        except OSError as fault:
            raise ChainFault(
                f"the engine's program does not start: {fault.strerror}", where=str(self.engine)
            ) from None
        said = done.stdout + done.stderr
        if done.returncode != 0 and not any(text in said for text in _SETTLED_ALREADY):
            raise ChainFault(
                f"the chain node does not take its vote: {said.strip()[-300:]}", where=self.control
            )

    def check(self) -> None:
        host, _, port = self.control.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=_VOTE_S).close()
        except (OSError, ValueError) as fault:
            raise ChainFault(
                f"nothing listens where it takes votes: {fault}", where=self.control
            ) from None

    def keep_only(self, votes: Collection[Vote]) -> None:
        """Its candidates are gone once they are settled."""


@dataclass(frozen=True, slots=True)
class BesuNode:
    """Besu: a WebSocket (`control`, a ws: or wss: URL) with the QBFT methods, which the JSON-RPC
    that other members may reach does not have."""

    control: str

    def cast(self, address: str, *, admit: bool) -> None:
        self._ask("qbft_proposeValidatorVote", bool, address, admit)

    def check(self) -> None:
        self._ask("qbft_getPendingVotes", dict)

    def keep_only(self, votes: Collection[Vote]) -> None:
        wanted = {(address.lower(), admit) for address, admit in votes}
        for address, admit in self._ask("qbft_getPendingVotes", dict).items():
            if (address.lower(), admit) not in wanted:
                self._ask("qbft_discardValidatorVote", bool, address)

    def _ask(self, method: str, kind: type[_Answer], *params: object) -> _Answer:
        """The result, which is of this kind and not False. Raises ChainFault."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        try:
            with connect(self.control, open_timeout=_VOTE_S) as besu:
                besu.send(json.dumps(request))
                answer = json.loads(besu.recv(timeout=_VOTE_S))
        except (OSError, InvalidURI, WebSocketException, ValueError) as fault:
            raise ChainFault(
                f"the chain node does not answer {method}: {fault}", where=self.control
            ) from None
        result = answer.get("result") if isinstance(answer, dict) else None
        if not isinstance(result, kind) or result is False:
            raise ChainFault(
                f"the chain node refuses {method}: {str(answer)[:300]}", where=self.control
            )
        return result


def chain_nodes(name: str, controls: Iterable[str], engine: Path | None) -> list[ChainNode]:
    """A bank's chain nodes, of the engine of that name, by their control addresses; `engine` is
    Polygon Edge's program. Raises ValueError for an engine whose validators are not voted on."""
    if name == "besu":
        return [BesuNode(one) for one in controls]
    if name == "edge" and engine is not None:
        return [EdgeNode(engine, one) for one in controls]
    raise ValueError(f"the engine {name!r} takes no votes here")


def outvotes(voters: int, validators: int) -> bool:
    """Whether so many votes change a set of so many validators."""
    return voters > validators // 2


def quorum(validators: int) -> int:
    """How many of a set must run for blocks to come: all of three or fewer."""
    return validators if validators < 4 else -(-2 * validators // 3)
