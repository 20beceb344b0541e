"""Which acts can be prepared: what each asks, what performs it, and which contract takes it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, get_type_hints

from pydantic import ConfigDict, TypeAdapter, create_model

from app.actions import breaks, consortium, days, facilities, holds
from app.actions.sender import Done

Facts = dict[str, str]
"""What an act is prepared against, in words by their label: see `facts`."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`words` say what it does, and `perform` does it."""

    words: str
    perform: Callable[..., Done]

    @property
    def asked(self) -> type[Any]:
        """What is asked of it: the first parameter of its act."""
        asked: type[Any] = get_type_hints(self.perform)["asked"]
        return asked


KINDS: dict[str, Kind] = {
    "breaks.propose": Kind("propose a resolution", breaks.propose),
    "breaks.accept": Kind("accept the resolution", breaks.accept),
    "breaks.dispute": Kind("dispute the resolution", breaks.dispute),
    "breaks.withdraw": Kind("take our resolution back", breaks.withdraw),
    "days.propose": Kind("propose to close the day", days.propose),
    "days.confirm": Kind("confirm the statement", days.confirm),
    "days.dispute": Kind("dispute the statement", days.dispute),
    "days.withdraw": Kind("take our statement back", days.withdraw),
    "days.propose_reopening": Kind("propose to open the day again", days.propose_reopening),
    "days.confirm_reopening": Kind("open the day again", days.confirm_reopening),
    "days.withdraw_reopening": Kind("take our reopening back", days.withdraw_reopening),
    "holds.place": Kind("hold the parts of a drawdown", holds.place),
    "holds.release": Kind("release what is held", holds.release),
    "facilities.propose": Kind("propose a facility", facilities.propose),
    "facilities.accept": Kind("accept the facility", facilities.accept),
    "facilities.decline": Kind("decline the facility", facilities.decline),
    "facilities.withdraw": Kind("take the facility back", facilities.withdraw),
    "facilities.propose_shares": Kind("propose new shares", facilities.propose_shares),
    "facilities.propose_rules": Kind("propose new rules", facilities.propose_rules),
    "facilities.propose_close": Kind("propose to close the facility", facilities.propose_close),
    "facilities.accept_change": Kind("accept the change", facilities.accept_change),
    "facilities.enact_change": Kind("bring the change into force", facilities.enact_change),
    "facilities.withdraw_change": Kind("take our change back", facilities.withdraw_change),
    "facilities.pause": Kind("stop the posting", facilities.pause),
    "facilities.resume": Kind("let the posting go on", facilities.resume),
    "consortium.propose": Kind("propose to the consortium", consortium.propose),
    "consortium.vote": Kind("vote on the proposal", consortium.vote),
    "consortium.enact": Kind("enact the proposal", consortium.enact),
    "consortium.withdraw": Kind("take our proposal back", consortium.withdraw),
    "consortium.object": Kind("object to the key", consortium.object_to_key),
    "consortium.stop": Kind("ask for an emergency stop", consortium.stop),
    "consortium.lift": Kind("ask to end the emergency stop", consortium.lift),
}
"""By the name under which an act stands in the log."""

_CONTRACTS = {
    "breaks": "Reconciliation",
    "days": "DayClose",
    "holds": "ReserveLedger",
    "facilities": "FacilityRegistry",
    "consortium": "ConsortiumRegistry",
}
"""By the first part of an act's name."""

_HEX = ConfigDict(ser_json_bytes="hex", val_json_bytes="hex")
_SHAPES = {
    name: TypeAdapter(
        create_model(one.asked.__name__ + "Kept", __config__=_HEX, asked=(one.asked, ...))
    )
    for name, one in KINDS.items()
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

    @property
    def contract(self) -> str:
        """The name of the one that takes it."""
        return _CONTRACTS[self.act.partition(".")[0]]

    @property
    def key(self) -> Literal["approver", "operator"]:
        """The purpose of the bank's key that signs it."""
        return "operator" if self.act.startswith("holds.") else "approver"

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
