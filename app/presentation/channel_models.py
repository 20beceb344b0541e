"""The shapes of what a node of several channels tells of itself."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.presentation.models import HealthOut, ProblemBody, TroubleOut


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class ChannelOut(_Model):
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


class ChannelsOut(_Model):
    """Every channel of this node, in the order of its configuration."""

    items: list[ChannelOut]


class NodeHealthOut(_Model):
    """How many channels this node has, and how many of them can do their work. Which they are is
    told to those alone who have a key of the node."""

    channels: int = Field(examples=[3])
    ready: int = Field(examples=[2])


class NodeNotReadyOut(ProblemBody, NodeHealthOut):
    """The problem of a node none of whose channels can do its work."""
