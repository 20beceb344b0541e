"""Which acts can be prepared: what each asks, what performs it, and which contract takes it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pydantic import ConfigDict, TypeAdapter, create_model

from app.actions import breaks, days
from app.actions.sender import Done

Facts = dict[str, str]
"""What an act is prepared against, in words by their label: see `facts`."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`words` say what it does, `contract` is the name of the one that takes it."""

    name: str
    words: str
    contract: str
    asked: type[Any]
    perform: Callable[..., Done]

    @property
    def is_of_break(self) -> bool:
        return self.name.startswith("breaks.")


_BREAKS, _DAYS = "Reconciliation", "DayClose"

KINDS: dict[str, Kind] = {
    one.name: one
    for one in (
        Kind(
            "breaks.propose",
            "propose a resolution",
            _BREAKS,
            breaks.ProposeResolution,
            breaks.propose,
        ),
        Kind(
            "breaks.accept",
            "accept the resolution",
            _BREAKS,
            breaks.AcceptResolution,
            breaks.accept,
        ),
        Kind(
            "breaks.dispute",
            "dispute the resolution",
            _BREAKS,
            breaks.DisputeResolution,
            breaks.dispute,
        ),
        Kind(
            "breaks.withdraw",
            "take our resolution back",
            _BREAKS,
            breaks.WithdrawResolution,
            breaks.withdraw,
        ),
        Kind("days.propose", "propose to close the day", _DAYS, days.ProposeDay, days.propose),
        Kind("days.confirm", "confirm the statement", _DAYS, days.ConfirmDay, days.confirm),
        Kind("days.dispute", "dispute the statement", _DAYS, days.DisputeDay, days.dispute),
        Kind("days.withdraw", "take our statement back", _DAYS, days.WithdrawDay, days.withdraw),
        Kind(
            "days.propose_reopening",
            "propose to open the day again",
            _DAYS,
            days.ProposeReopening,
            days.propose_reopening,
        ),
        Kind(
            "days.confirm_reopening",
            "open the day again",
            _DAYS,
            days.ConfirmReopening,
            days.confirm_reopening,
        ),
        Kind(
            "days.withdraw_reopening",
            "take our reopening back",
            _DAYS,
            days.WithdrawReopening,
            days.withdraw_reopening,
        ),
    )
}
"""By the name under which an act stands in the log."""

_HEX = ConfigDict(ser_json_bytes="hex", val_json_bytes="hex")
_SHAPES = {
    one.name: TypeAdapter(
        create_model(one.asked.__name__ + "Kept", __config__=_HEX, asked=(one.asked, ...))
    )
    for one in KINDS.values()
}


@dataclass(frozen=True, slots=True)
class Content:
    """What a signature is over: what is asked of an act, the facts that it was prepared against,
    and who has prepared it (the person's id)."""

    act: str
    asked: Any
    facts: Facts
    prepared_by: str

    @property
    def kind(self) -> Kind:
        return KINDS[self.act]

    def to_json(self) -> bytes:
        """The same bytes for the same content."""
        shape = _SHAPES[self.act]
        asked = json.loads(shape.dump_json(shape.validate_python({"asked": self.asked})))["asked"]
        whole = {
            "act": self.act,
            "asked": asked,
            "facts": self.facts,
            "prepared_by": self.prepared_by,
        }
        return json.dumps(whole, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Content":
        whole = json.loads(text)
        kept: Any = _SHAPES[whole["act"]].validate_json(json.dumps({"asked": whole["asked"]}))
        return cls(whole["act"], kept.asked, whole["facts"], whole["prepared_by"])

    @property
    def hash(self) -> str:
        """SHA-256 of it, hex."""
        return sha256(self.to_json()).hexdigest()
