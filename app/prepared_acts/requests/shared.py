"""Fields that the requests of several subjects have."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.domain.errors import UsageFault
from app.domain.reasons import MAX_REASON_CHARACTERS

ReasonText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_REASON_CHARACTERS,
        description="Why; the other bank and the auditors read it.",
    ),
]
Hash = Annotated[str, Field(pattern="^0x[0-9a-f]{64}$")]
FacilityId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]


class Asking(BaseModel):
    """What every request is."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def check_shown(is_shown: bool) -> None:
    """Raises UsageFault unless what waits now is what was shown."""
    if not is_shown:
        raise UsageFault("something else waits now than what was shown", remedy="Look at it again")
