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
    """`words` say what it does, `contract` is the name of the one that takes it, `key` the purpose
    of the bank's key that signs."""

    name: str
    words: str
    contract: str
    asked: type[Any]
    perform: Callable[..., Done]
    key: Literal["approver", "operator"] = "approver"


_BREAKS, _DAYS = "Reconciliation", "DayClose"
_HOLDS, _FACILITIES, _CONSORTIUM = "ReserveLedger", "FacilityRegistry", "ConsortiumRegistry"

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
        Kind(
            "holds.place",
            "hold the parts of a drawdown",
            _HOLDS,
            holds.PlaceHolds,
            holds.place,
            "operator",
        ),
        Kind(
            "holds.release",
            "release what is held",
            _HOLDS,
            holds.ReleaseHolds,
            holds.release,
            "operator",
        ),
        Kind(
            "facilities.propose",
            "propose a facility",
            _FACILITIES,
            facilities.ProposeFacility,
            facilities.propose,
        ),
        Kind(
            "facilities.accept",
            "accept the facility",
            _FACILITIES,
            facilities.AcceptFacility,
            facilities.accept,
        ),
        Kind(
            "facilities.decline",
            "decline the facility",
            _FACILITIES,
            facilities.DeclineFacility,
            facilities.decline,
        ),
        Kind(
            "facilities.withdraw",
            "take the facility back",
            _FACILITIES,
            facilities.WithdrawFacility,
            facilities.withdraw,
        ),
        Kind(
            "facilities.propose_shares",
            "propose new shares",
            _FACILITIES,
            facilities.ProposeShares,
            facilities.propose_shares,
        ),
        Kind(
            "facilities.propose_rules",
            "propose new rules",
            _FACILITIES,
            facilities.ProposeRules,
            facilities.propose_rules,
        ),
        Kind(
            "facilities.propose_close",
            "propose to close the facility",
            _FACILITIES,
            facilities.ProposeClose,
            facilities.propose_close,
        ),
        Kind(
            "facilities.accept_change",
            "accept the change",
            _FACILITIES,
            facilities.AcceptChange,
            facilities.accept_change,
        ),
        Kind(
            "facilities.enact_change",
            "bring the change into force",
            _FACILITIES,
            facilities.EnactChange,
            facilities.enact_change,
        ),
        Kind(
            "facilities.withdraw_change",
            "take our change back",
            _FACILITIES,
            facilities.WithdrawChange,
            facilities.withdraw_change,
        ),
        Kind(
            "facilities.pause",
            "stop the posting",
            _FACILITIES,
            facilities.PauseFacility,
            facilities.pause,
        ),
        Kind(
            "facilities.resume",
            "let the posting go on",
            _FACILITIES,
            facilities.ResumeFacility,
            facilities.resume,
        ),
        Kind(
            "consortium.propose",
            "propose to the consortium",
            _CONSORTIUM,
            consortium.Propose,
            consortium.propose,
        ),
        Kind(
            "consortium.vote", "vote on the proposal", _CONSORTIUM, consortium.Vote, consortium.vote
        ),
        Kind(
            "consortium.enact",
            "enact the proposal",
            _CONSORTIUM,
            consortium.Enact,
            consortium.enact,
        ),
        Kind(
            "consortium.withdraw",
            "take our proposal back",
            _CONSORTIUM,
            consortium.Withdraw,
            consortium.withdraw,
        ),
        Kind(
            "consortium.object",
            "object to the key",
            _CONSORTIUM,
            consortium.ObjectToKey,
            consortium.object_to_key,
        ),
        Kind(
            "consortium.stop",
            "ask for an emergency stop",
            _CONSORTIUM,
            consortium.StopMember,
            consortium.stop,
        ),
        Kind(
            "consortium.lift",
            "ask to end the emergency stop",
            _CONSORTIUM,
            consortium.LiftStop,
            consortium.lift,
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
