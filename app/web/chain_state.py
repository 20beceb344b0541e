"""The chain as the page shows it, and how far this node has read it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from app.http.context import NodeHealth
from app.http.health import Status, chain_status
from app.readmodel.chain import position
from app.web.text import iso, seconds_since


@dataclass(frozen=True, slots=True)
class ChainState:
    """The chain and how far this node has read it. `tone`: good, warn or bad."""

    name: str
    label: str
    tone: str
    announcement: str
    block: int | None
    block_time: str
    age_seconds: int
    unverified: str
    """Whose figures are shown, where nobody can check them."""


STATES: dict[Status, tuple[str, str, str]] = {
    "live": ("Live", "good", "The chain is live again."),
    "behind": ("Catching up", "warn", "This node is catching up with the chain."),
    "stalled": (
        "Chain stalled",
        "bad",
        "The chain makes no blocks. The figures are those of its last block.",
    ),
    "unreachable": (
        "Chain unreachable",
        "bad",
        "The chain does not answer. The figures are those of the last block read.",
    ),
    "starting": ("Starting", "warn", "No block has been read yet."),
}


def chain_state(connection: Connection, health: NodeHealth, now: datetime) -> ChainState:
    """How the chain stands, and how far this node has read it."""
    read = position(connection)
    name = chain_status(read, health)
    label, tone, announcement = STATES[name]
    unverified = ""
    if not health.verifies:
        whose = "this bank’s own endpoint" if health.is_own_endpoint else "another’s endpoint"
        unverified = f"Not verified: as {whose} has it ({health.endpoint})"
    if name == "behind" and read is not None and health.head is not None:
        label = f"{health.head - read.block_number:,} blocks behind"
    if read is None:
        return ChainState(name, label, tone, announcement, None, "", 0, unverified)
    return ChainState(
        name,
        label,
        tone,
        announcement,
        read.block_number,
        iso(read.block_time),
        seconds_since(read.block_time, now),
        unverified,
    )
