"""Proposals carried to their majority by the banks whose keys lie in one folder."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.actions import consortium
from app.actions.consortium import SeenProposal
from app.actions.sender import Signer
from app.chain.rpc import Rpc
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.proposals import ProposalContent
from app.domain.errors import ChainFault, UsageFault
from app.domain.votes import BANK_ROLES, content_hash, needed
from deploy.consortium import ConsortiumFolder

_SETTLE_S = 30.0
_POLL_S = 0.2
_AT_ONCE = 16  # as many as one bank may have undecided

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Voter:
    """An active bank with its approver key here."""

    name: str
    member: int
    approver: Signer


class Ballot:
    """The banks in a folder, each voting with its own key. What was cut off goes on: an
    open proposal that asks for the same is voted on, not made again."""

    def __init__(self, rpc: Rpc, registry: ConsortiumRegistry, folder: ConsortiumFolder) -> None:
        self._rpc = rpc
        self._registry = registry
        self._folder = folder

    def voters(self, subject: int = 0) -> list[Voter]:
        """The banks that can vote here, less the one that it is about.

        Raises UsageFault when they are too few for a majority.
        """
        banks = self._registry.active_banks()
        electorate = [one for one in banks if one != subject]
        enough = needed(len(banks), len(electorate))
        found = []
        for member in self._folder.members():
            keys = self._folder.keys(member.name)
            if member.role in BANK_ROLES and keys.exists():
                approver = Signer.load(
                    self._rpc, keys, "approver", bank=member.name, development=True
                )
                number = self._registry.approver_of(approver.address)
                if number in electorate:
                    found.append(Voter(member.name, number, approver))
        if len(found) < enough:
            raise UsageFault(
                f"{enough} of {len(electorate)} banks must be in favour, and the "
                f"keys of {len(found)} lie here",
                where=str(self._folder.root),
                remedy="Use `tally consortium propose` and `tally consortium vote` at each bank",
            )
        return found

    def carry(
        self, wanted: Sequence[ProposalContent], reason: str, say: Say, subject: int = 0
    ) -> None:
        """Bring proposals about, all that do not build on each other at once.

        Raises UsageFault when too few keys lie here, ContractReverted when the registry refuses,
        ChainFault when no majority came about.
        """
        voters = self.voters(subject)
        for voter in voters:
            self._settle(voter)
        for first in range(0, len(wanted), _AT_ONCE):
            self._carry(wanted[first : first + _AT_ONCE], reason, say, voters)

    def _carry(
        self, wanted: Sequence[ProposalContent], reason: str, say: Say, voters: list[Voter]
    ) -> None:
        missing = tuple(content for content in wanted if self._open(content) is None)
        if missing:
            asked = consortium.Propose(missing, reason)
            consortium.propose(asked, None, self._registry, voters[0].approver)
            say(f"{voters[0].name} proposes: {reason}")
        opened = [seen for one in wanted if (seen := self._open(one)) is not None]
        for voter in voters:
            self._vote(voter, opened, say)
        for seen in opened:
            self._conclude(seen, voters[0])

    def _vote(self, voter: Voter, opened: list[SeenProposal], say: Say) -> None:
        left = tuple(
            seen
            for seen in opened
            if self._registry.proposal(seen.number).state == "open"
            and not self._registry.has_voted(seen.number, voter.member)
        )
        if left:
            asked = consortium.Vote(left, in_favour=True)
            consortium.vote(asked, None, self._registry, voter.approver)
            say(f"{voter.name} votes in favour")

    def _conclude(self, seen: SeenProposal, voter: Voter) -> None:
        """An electorate that shrank meanwhile leaves a majority that nobody has counted."""
        if self._registry.proposal(seen.number).state == "open":
            consortium.enact(consortium.Enact(seen), None, self._registry, voter.approver)
        state = self._registry.proposal(seen.number).state
        if state != "enacted":
            raise ChainFault(
                f"proposal {seen.number} is {state}",
                where=str(self._folder.root),
                remedy="`tally consortium show` tells who voted how",
            )

    def _open(self, content: ProposalContent) -> SeenProposal | None:
        """The newest proposal that asks for this and is open. What the banks sign is worked out
        here: an endpoint that shows this under another proposal's number gets no vote for that."""
        for number in range(self._registry.proposal_count(), 0, -1):
            found = self._registry.proposal(number)
            if (found.kind, found.payload, found.state) == (
                content.number,
                content.payload,
                "open",
            ):
                reason_hash = self._registry.reason_hash(number)
                hash_ = content_hash(content.number, content.payload, reason_hash)
                return SeenProposal(number, hash_)
        return None

    def _settle(self, voter: Voter) -> None:
        """Wait until nothing of the voter's is on its way: what was sent by a run that was cut
        off must be seen, not sent again."""
        deadline = time.monotonic() + _SETTLE_S
        while voter.approver.is_waiting():
            if time.monotonic() > deadline:
                raise ChainFault(
                    f"a transaction of {voter.name} waits and comes into no block",
                    where=self._rpc.url,
                    remedy="Look at `tally network status`; `down` and `up` empty the pools",
                )
            time.sleep(_POLL_S)
