"""Acts about the consortium: proposals, votes, emergency stops."""

from typing import Annotated, Literal

from eth_utils.address import to_checksum_address
from pydantic import Field

from app.actions import claims, consortium
from app.actions.consortium import SeenProposal
from app.actions.view import View
from app.contracts.proposals import (
    ProposalContent,
    about,
    change_role,
    register_validator,
    remove_validator,
    upgrade,
)
from app.domain.consortium import ContractName, MemberRole
from app.domain.errors import UsageFault
from app.domain.numbers import LARGEST_SMALL
from app.domain.reasons import checked_reason
from app.prepared_acts.requests.shared import Asking, Hash, Name, ReasonText

_Number = Annotated[int, Field(ge=1, le=LARGEST_SMALL, description="The proposal's number.")]
_Address = Annotated[str, Field(pattern="^0x[0-9a-fA-F]{40}$")]

_NEEDED = {
    "admit": {"file"},
    "suspend": {"member"},
    "reinstate": {"member"},
    "evict": {"member"},
    "change_role": {"member", "role"},
    "replace_key": {"file"},
    "register_validator": {"member", "node", "enode"},
    "remove_validator": {"node"},
    "upgrade": {"contract", "implementation"},
}
"""What each kind of proposal is about."""


class ProposeIn(Asking):
    """Ask the other banks for something; it counts as this bank's vote in favour.

    `kind` needs: suspend, reinstate and evict `member`; change_role `member` and `role`; admit and
    replace_key `file`; register_validator `member`, `node` and `enode`; remove_validator `node`;
    upgrade `contract` and `implementation`, and may have `call`."""

    act: Literal["consortium.propose"]
    kind: Literal[
        "admit",
        "suspend",
        "reinstate",
        "evict",
        "change_role",
        "replace_key",
        "register_validator",
        "remove_validator",
        "upgrade",
    ]
    member: Name | None = None
    role: MemberRole | None = None
    file: str | None = Field(
        None,
        max_length=claims.MAX_FILE,
        description="What `tally consortium keys show --json` has made of a newcomer's keys, or "
        "`keys prove --json` of a key for a lost one. It is checked first.",
    )
    node: _Address | None = Field(None, description="The address that signs blocks.")
    enode: str | None = Field(
        None, min_length=1, max_length=512, description="Where its peers find it."
    )
    contract: ContractName | None = None
    implementation: _Address | None = Field(None, description="Where its new code stands.")
    call: str | None = Field(
        None,
        max_length=8_192,
        pattern="^0x([0-9a-fA-F]{2})*$",
        description="A call made to it at once, in hex.",
    )
    reason: ReasonText

    def asked(self, view: View) -> consortium.Propose:
        checked_reason(self.reason)
        given = self.model_fields_set - {"act", "kind", "reason"}
        given = {name for name in given if getattr(self, name) is not None}
        needed = _NEEDED[self.kind]
        if given - ({"call"} if self.kind == "upgrade" else set()) != needed:
            raise UsageFault(
                f"a proposal to {self.kind.replace('_', ' ')} is about {', '.join(sorted(needed))} "
                "and nothing else"
            )
        return consortium.Propose((self._content(view),), self.reason)

    def _content(self, view: View) -> ProposalContent:
        match self.kind:
            case "admit":
                return claims.admission(view, self.file or "")
            case "replace_key":
                return claims.replacement(view, self.file or "")
            case "remove_validator":
                return remove_validator(to_checksum_address(self.node or ""))
            case "upgrade":
                return upgrade(
                    view.contracts[self.contract or ""],
                    to_checksum_address(self.implementation or ""),
                    bytes.fromhex((self.call or "").removeprefix("0x")),
                )
        member = view.member(self.member or "")
        match self.kind:
            case "change_role":
                return change_role(member, self.role or "")
            case "register_validator":
                return register_validator(
                    member, to_checksum_address(self.node or ""), self.enode or ""
                )
        return about(self.kind, member)


class _OfProposal(Asking):
    proposal: _Number
    content_hash: Hash

    def seen(self, view: View) -> SeenProposal:
        found = SeenProposal(self.proposal, bytes.fromhex(self.content_hash[2:]))
        consortium.check_seen(view, found)
        return found


class VoteIn(_OfProposal):
    """Vote on a proposal, once and for good; the vote that makes the majority enacts."""

    act: Literal["consortium.vote"]
    in_favour: bool

    def asked(self, view: View) -> consortium.Vote:
        return consortium.Vote((self.seen(view),), self.in_favour)


class EnactIn(_OfProposal):
    """Enact a proposal whose majority stands already, or a key that is due."""

    act: Literal["consortium.enact"]

    def asked(self, view: View) -> consortium.Enact:
        return consortium.Enact(self.seen(view))


class WithdrawIn(Asking):
    """Take back this bank's own proposal."""

    act: Literal["consortium.withdraw"]
    proposal: _Number

    def asked(self, view: View) -> consortium.Withdraw:
        return consortium.Withdraw(view.proposal(self.proposal).number)


class ObjectIn(_OfProposal):
    """Object to the key that the others would give this bank."""

    act: Literal["consortium.object"]

    def asked(self, view: View) -> consortium.ObjectToKey:
        return consortium.ObjectToKey(self.seen(view))


class StopIn(Asking):
    """Ask that a member be stopped; the second bank that asks stops it."""

    act: Literal["consortium.stop"]
    member: Name
    reason: ReasonText

    def asked(self, view: View) -> consortium.StopMember:
        checked_reason(self.reason)
        return consortium.StopMember(view.member(self.member), self.reason)


class LiftIn(Asking):
    """Ask that a stop end early; the second bank that asks ends it."""

    act: Literal["consortium.lift"]
    member: Name

    def asked(self, view: View) -> consortium.LiftStop:
        return consortium.LiftStop(view.member(self.member))
