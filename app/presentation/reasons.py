"""A reason with what proves it."""

from datetime import datetime

from pydantic import Field

from app.presentation.common import Model
from app.readmodel.reasons.queries import GivenReason


class ReasonOut(Model):
    """Why a bank did something, in its words."""

    reason_hash: str = Field(description="keccak256 of salt and text: what the chain has of it.")
    text: str
    salt: str = Field(description="32 bytes in hex. Whoever has text and salt checks the hash.")
    member: str
    given_at: datetime
    transaction: str


def reason_out(one: GivenReason) -> ReasonOut:
    return ReasonOut.of(one, reason_hash="0x" + one.reason_hash.hex(), salt="0x" + one.salt.hex())
