"""Which acts can be prepared: what each asks, what performs it, and which contract takes it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, create_model

from app.actions import breaks, consortium, days, facilities, holds
from app.actions.sender import Done

Facts = dict[str, str]
"""What an act is prepared against, in words by their label: see `facts`."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`words` say what it does, `asked` is what is asked of it, and `perform` does it."""

    words: str
    asked: type[Any]
    perform: Callable[..., Done]


KINDS: dict[str, Kind] = {
    "breaks.propose": Kind("propose a resolution", breaks.ProposeResolution, breaks.propose),
    "breaks.accept": Kind("accept the resolution", breaks.AcceptResolution, breaks.accept),
    "breaks.dispute": Kind("dispute the resolution", breaks.DisputeResolution, breaks.dispute),
    "breaks.withdraw": Kind("take our resolution back", breaks.WithdrawResolution, breaks.withdraw),
    "days.propose": Kind("propose to close the day", days.ProposeDay, days.propose),
    "days.confirm": Kind("confirm the statement", days.ConfirmDay, days.confirm),
    "days.dispute": Kind("dispute the statement", days.DisputeDay, days.dispute),
    "days.withdraw": Kind("take our statement back", days.WithdrawDay, days.withdraw),
    "days.propose_reopening": Kind(
        "propose to open the day again", days.ProposeReopening, days.propose_reopening
    ),
    "days.confirm_reopening": Kind(
        "open the day again", days.ConfirmReopening, days.confirm_reopening
    ),
    "days.withdraw_reopening": Kind(
        "take our reopening back", days.WithdrawReopening, days.withdraw_reopening
    ),
    "holds.place": Kind("hold the parts of a drawdown", holds.PlaceHolds, holds.place),
    "holds.release": Kind("release what is held", holds.ReleaseHolds, holds.release),
    "facilities.propose": Kind(
        "propose a facility", facilities.ProposeFacility, facilities.propose
    ),
    "facilities.accept": Kind("accept the facility", facilities.AcceptFacility, facilities.accept),
    "facilities.decline": Kind(
        "decline the facility", facilities.DeclineFacility, facilities.decline
    ),
    "facilities.withdraw": Kind(
        "take the facility back", facilities.WithdrawFacility, facilities.withdraw
    ),
    "facilities.propose_shares": Kind(
        "propose new shares", facilities.ProposeShares, facilities.propose_shares
    ),
    "facilities.propose_rules": Kind(
        "propose new rules", facilities.ProposeRules, facilities.propose_rules
    ),
    "facilities.propose_close": Kind(
        "propose to close the facility", facilities.ProposeClose, facilities.propose_close
    ),
    "facilities.accept_change": Kind(
        "accept the change", facilities.AcceptChange, facilities.accept_change
    ),
    "facilities.enact_change": Kind(
        "bring the change into force", facilities.EnactChange, facilities.enact_change
    ),
    "facilities.withdraw_change": Kind(
        "take our change back", facilities.WithdrawChange, facilities.withdraw_change
    ),
    "facilities.pause": Kind("stop the posting", facilities.PauseFacility, facilities.pause),
    "facilities.resume": Kind(
        "let the posting go on", facilities.ResumeFacility, facilities.resume
    ),
    "consortium.propose": Kind("propose to the consortium", consortium.Propose, consortium.propose),
    "consortium.vote": Kind("vote on the proposal", consortium.Vote, consortium.vote),
    "consortium.enact": Kind("enact the proposal", consortium.Enact, consortium.enact),
    "consortium.withdraw": Kind("take our proposal back", consortium.Withdraw, consortium.withdraw),
    "consortium.object": Kind(
        "object to the key", consortium.ObjectToKey, consortium.object_to_key
    ),
    "consortium.stop": Kind("ask for an emergency stop", consortium.StopMember, consortium.stop),
    "consortium.lift": Kind("ask to end the emergency stop", consortium.LiftStop, consortium.lift),
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
