"""What the shapes of all subjects share.

Amounts are decimal text in the facility's currency, days `YYYY-MM-DD`, times ISO 8601 in UTC.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Generic, NamedTuple, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.domain.money import format_amount
from app.readmodel.chain import position
from app.readmodel.directory import directory

Item = TypeVar("Item")

Amount = Annotated[str, Field(examples=["1234.50"])]


class Currency(NamedTuple):
    """A facility's currency, which writes amounts of minor units."""

    code: str
    decimals: int

    def amount(self, minor: int) -> str:
        return format_amount(minor, self.decimals)

    def optional(self, minor: int | None) -> str | None:
        return None if minor is None else format_amount(minor, self.decimals)


Money = Mapping[str, Currency]
"""By facility id."""


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True, defer_build=True)

    @classmethod
    def of(cls, source: object, **others: object) -> Self:
        """From what `source` has under the names of the fields; `others` are given, and say what
        is shown in another way or under another name. Text is read as the field's type."""
        same = {one: getattr(source, one) for one in cls.model_fields if one not in others}
        return cls.model_validate(same | others)


class ProblemBody(Model):
    """An error (RFC 9457). Some carry more members, such as `field` and `reason`."""

    type: str = Field(examples=["urn:tallystick:problem:faulty-event"])
    title: str = Field(examples=["Unprocessable Entity"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["amount: has 3 decimals, the currency has 2"])
    instance: str = Field(examples=["/v1/facilities/WLD-2016-A/events"])


class AsOf(Model):
    """The last block of the chain that this node has read: what the answer is true of."""

    block: int = Field(examples=[1234])
    hash: str = Field(examples=["0x5f0c…"])
    time: datetime


class PageOut(Model, Generic[Item]):
    """One page, newest first. Give `next` as `cursor` for the following one; null on the last. A
    page of a narrow filter may hold fewer lines than asked for, even none, while others follow."""

    items: list[Item]
    next: str | None
    as_of: AsOf | None


def money_of(connection: Connection) -> Money:
    """The currencies of all facilities of this view."""
    return {
        one.id: Currency(one.currency, one.decimals)
        for one in directory(connection).facilities.values()
    }


def as_of(connection: Connection) -> AsOf | None:
    read = position(connection)
    if read is None:
        return None
    return AsOf(block=read.block_number, hash=read.block_hash, time=read.block_time)
