"""What a node says of itself: the chain, the outbox, the database, what is wrong; its channels."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from app.presentation.common import Model, ProblemBody


class EndpointOut(Model):
    """One of the chain's endpoints. `state`: good, behind, suspect (its answers were late or did
    not add up), refused (it answered what the validators do not vouch for), out of sync (it lacks
    the contracts), unreachable, other chain."""

    url: str
    state: str
    head: int | None = Field(
        description="Its newest block; null where it is not known, or the only endpoint, which is "
        "not asked for it besides: `chain.head` is its own."
    )
    why: str = Field(description="Empty where it is good.")


class ChainOut(Model):
    endpoint: str = Field(
        description="The chain endpoint in use.", examples=["http://127.0.0.1:8545"]
    )
    right_chain: bool | None = Field(
        description="Whether it serves this network's chain and contracts; null: no answer.",
        examples=[True],
    )
    head: int | None = Field(
        description="Newest final block at the endpoint; null: no answer.", examples=[90210]
    )
    block: int | None = Field(
        description="Last block that this node's read model holds.", examples=[90209]
    )
    lag_blocks: int | None = Field(description="Blocks between the two.", examples=[1])
    lag_seconds: int | None = Field(
        description="Age of the last block read while it is not the newest one; 0 when it is.",
        examples=[1],
    )
    block_time: datetime | None = Field(description="Time of the last block read.")
    age_seconds: int | None = Field(
        description="Age of the last block read, by this machine's clock.", examples=[1]
    )
    endpoints: list[EndpointOut] = Field(description="As configured, the preferred one first.")
    verified: bool = Field(
        description="Whether each block is verified by its validators' seals. Where the engine has "
        "none, the figures are those of the endpoint in use, and cannot be checked.",
        examples=[True],
    )
    own_endpoint: bool = Field(
        description="Whether the endpoint in use is this bank's own, the first of `endpoints`.",
        examples=[True],
    )


class OutboxOut(Model):
    """What was accepted and is not yet final on the chain."""

    waiting_events: int = Field(description="In no batch yet; dead letters apart.", examples=[12])
    fixed_batches: int = Field(description="To be offered to the chain.", examples=[1])
    offered_batches: int = Field(description="Offered and not yet final.", examples=[2])
    stopped_batches: int = Field(description="Failed too often: a person must look.", examples=[0])
    oldest_seconds: int = Field(
        description="Age of the oldest event of all these; 0 without any.", examples=[3]
    )
    dead_letters: int = Field(
        description="Events that could not be posted: a person must look.", examples=[0]
    )


class DatabaseOut(Model):
    writable: bool
    free_disk_bytes: int | None = Field(
        description="Free space on the database's disk; where a server keeps it, on the inbox's.",
        examples=[78_000_000_000],
    )


TroubleName = Literal[
    "chain-unreachable",
    "wrong-chain",
    "chain-stalled",
    "read-model-behind",
    "starting",
    "database",
    "disk-low",
    "inbox",
    "posting-stopped",
    "lease-elsewhere",
    "facility-stopped",
    "key-replacement",
    "dead-letters",
    "endpoint-refused",
    "endpoint-unverified",
    "channel-closed",
    "channel-silent",
]


class TroubleOut(Model):
    """One thing that is not as it should be. Programs may switch on `name`."""

    name: TroubleName = Field(examples=["chain-unreachable"])
    detail: str = Field(examples=["the chain endpoint http://127.0.0.1:8545 does not answer"])
    remedy: str = Field(
        examples=["Start the chain node, or name another in `rpc`; what was accepted waits"]
    )


class HealthOut(Model):
    """`status`: live, behind, stalled, unreachable (the chain) or starting. `posting`: stopped when
    a facility, or none at all, is posted to until a person has looked. `lease`: held when this
    process alone posts for the bank, elsewhere when another one does, none when nobody needs to.
    `problems` keep the node from its work (`/ready` is 503 then), `warnings` do not."""

    status: Literal["live", "behind", "stalled", "unreachable", "starting"]
    posting: Literal["running", "stopped"]
    bank: str = Field(examples=["webank"])
    role: str = Field(examples=["lead"])
    chain: ChainOut
    outbox: OutboxOut | None = Field(description="Null while the database does not answer.")
    lease: Literal["held", "elsewhere", "none"]
    database: DatabaseOut
    problems: list[TroubleOut]
    warnings: list[TroubleOut]


class NotReadyOut(ProblemBody):
    """The problem of a node that cannot do its work."""

    problems: list[TroubleOut]


class ChannelOut(Model):
    """One channel of this node. `state`: open, opening (not tried to the end yet), closed (it
    cannot be opened, and is tried again) or silent (it does not answer in time). A channel is
    ready while `problems` is empty; then, and only then, can it do all its work."""

    name: str = Field(examples=["huarui"])
    bank: str = Field(examples=["webank"])
    state: Literal["open", "opening", "closed", "silent"]
    address: str = Field(
        description="Where its page is; its interface is below it.", examples=["/channels/huarui/"]
    )
    health: HealthOut | None = Field(description="As its own /health; null while it is not open.")
    problems: list[TroubleOut]
    warnings: list[TroubleOut]


class ChannelsOut(Model):
    """Every channel of this node, in the order of its configuration."""

    items: list[ChannelOut]


class NodeHealthOut(Model):
    """How many channels this node has, and how many of them can do their work. Which they are is
    shown to those alone who have a key of the node."""

    channels: int = Field(examples=[3])
    ready: int = Field(examples=[2])


class NodeNotReadyOut(ProblemBody, NodeHealthOut):
    """The problem of a node none of whose channels can do its work."""
