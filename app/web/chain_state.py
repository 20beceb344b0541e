"""The chain as the page shows it, and how far this node has read it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from app.http.context import NodeHealth
from app.http.health import Status, chain_status
from app.locale import N_, _
from app.readmodel.chain import position
from app.web.text import iso, seconds_since, whole


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
    "live": (N_("Live"), "good", N_("The chain is live again.")),
    "behind": (N_("Catching up"), "warn", N_("This node is catching up with the chain.")),
    "stalled": (
        N_("Chain stalled"),
        "bad",
        N_("The chain makes no blocks. The figures are those of its last block."),
    ),
    "unreachable": (
        N_("Chain unreachable"),
        "bad",
        N_("The chain does not answer. The figures are those of the last block read."),
    ),
    "starting": (N_("Starting"), "warn", N_("No block has been read yet.")),
}


def chain_state(connection: Connection, health: NodeHealth, now: datetime) -> ChainState:
    """How the chain stands, and how far this node has read it."""
    read = position(connection)
    name = chain_status(read, health)
    label, tone, announcement = STATES[name]
    label, announcement = _(label), _(announcement)
    unverified = ""
    if not health.verifies:
        unverified = (
            _("Not verified: as this bank’s own endpoint has it (%(url)s)", url=health.endpoint)
            if health.is_own_endpoint
            else _("Not verified: as another’s endpoint has it (%(url)s)", url=health.endpoint)
        )
    if name == "behind" and read is not None and health.head is not None:
        label = _("%(count)s blocks behind", count=whole(health.head - read.block_number))
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
