"""Who seals blocks, and what each validator's node is told to vote on that.

The only part of a membership's change that knows the engine (Polygon Edge, IBFT).
"""

import subprocess
from pathlib import Path

import rlp
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from app.chain.rpc import Rpc
from app.domain.errors import ChainFault
from deploy.network.layout import HOST, Validator

_VANITY_BYTES = 32
_VOTE_S = 20
_SETTLED_ALREADY = (  # each way in which the engine says that there is nothing to do
    "already a candidate",
    "already voted for this address",
    "the candidate is already a validator",
    "cannot remove a validator if they're not in the snapshot",
)


def validator_set(rpc: Rpc) -> set[ChecksumAddress]:
    """Who may seal the newest block, as that block says."""
    header = rpc.call("eth_getBlockByNumber", ["latest", False])
    extra = bytes.fromhex(header["extraData"].removeprefix("0x"))
    validators, *_ = rlp.decode(extra[_VANITY_BYTES:])
    return {to_checksum_address(address) for address in validators}


def cast(engine: Path, validator: Validator, address: str, *, admit: bool) -> None:
    """Have a validator's own node vote, when it next makes a block, that `address` be a validator
    or be none.

    It remembers the vote in memory alone, and the more than half of the set that is needed must
    stand in blocks: cast again until the set shows it. Raises ChainFault.
    """
    try:
        done = subprocess.run(
            [
                *(str(engine), "ibft", "propose", "--addr", address),
                *("--vote", "auth" if admit else "drop"),
                *("--grpc-address", f"{HOST}:{validator.control_port}"),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_VOTE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ChainFault(
            f"{validator.name} did not take its vote within {_VOTE_S} s", where=validator.rpc
        ) from None
    said = done.stdout + done.stderr
    if done.returncode != 0 and not any(text in said for text in _SETTLED_ALREADY):
        raise ChainFault(
            f"{validator.name} does not take its vote: {said.strip()[-300:]}", where=validator.rpc
        )


def outvotes(voters: int, validators: int) -> bool:
    """Whether so many votes change a set of so many validators."""
    return voters > validators // 2


def quorum(validators: int) -> int:
    """How many of a set must run for blocks to come: all of three or fewer."""
    return validators if validators < 4 else -(-2 * validators // 3)
