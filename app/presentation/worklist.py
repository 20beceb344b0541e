"""The work list of breaks: what people of this bank note about breaks."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from app.domain.numbers import LARGEST
from app.presentation.common import AsOf, Model, Money
from app.presentation.pairs import PairOut, pair_out
from app.worklist.lines import MOST_SELECTED, Standing, WorkLine
from app.worklist.notes import MOST_COMMENT_CHARACTERS

Number = Annotated[int, Field(ge=1, le=LARGEST)]


class PersonOut(Model):
    id: str
    name: str


class WorkLineOut(Model):
    """A break with what stands about it at this bank."""

    pair: PairOut
    assignee: PersonOut | None
    comments: int
    prepared: int | None = Field(description="This bank's act about it that waits: its number.")
    state: Standing


class WorkPageOut(Model):
    """One page. Give `next` as `after` for the following one; null on the last."""

    items: list[WorkLineOut]
    next: str | None
    total: int = Field(
        description=f"How many match; {MOST_SELECTED + 1:,} where there are more than "
        f"{MOST_SELECTED:,}."
    )
    as_of: AsOf | None


class NoteOut(Model):
    """`text` is the comment, or the name of who was assigned."""

    what: Literal["comment", "assigned", "unassigned"]
    author: str
    text: str
    at: datetime


class NotesOut(Model):
    items: list[NoteOut]


class CommentIn(Model):
    text: str = Field(min_length=1, max_length=MOST_COMMENT_CHARACTERS)


class AssigneesOut(Model):
    items: list[PersonOut]


class AssignIn(Model):
    """Who is to work on which breaks."""

    breaks: list[Number] = Field(min_length=1, max_length=1_000, description="Their numbers.")
    assignee: str | None = Field(max_length=12, description="A person's id; null: nobody.")


class AssignedOut(Model):
    changed: int = Field(description="How many were somebody else's before.")


class ViewIn(Model):
    name: str = Field(min_length=1, max_length=60)
    query: str = Field(
        max_length=1_000,
        pattern=r"^(\?[!-~]*)?$",
        description="As in the address of the page of breaks.",
    )


class ViewOut(Model):
    id: int
    name: str
    query: str


class ViewsOut(Model):
    items: list[ViewOut]


def work_line_out(line: WorkLine, money: Money) -> WorkLineOut:
    who = line.assignee
    return WorkLineOut.of(
        line,
        pair=pair_out(line.pair, money),
        assignee=who and PersonOut(id=who.person, name=who.name),
        state=line.standing,
    )
