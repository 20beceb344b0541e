"""Proposals carried to their majority by the banks whose keys lie in one folder."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eth_account.signers.local import LocalAccount

from app.chain.contracts import ConsortiumRegistry
from app.chain.keystore import load_account
from app.chain.proposals import Asked, reason_hash
from app.chain.rpc import Rpc
from app.chain.transactions import execute, execute_all
from app.domain.errors import ChainFault, UsageFault
from app.domain.votes import BANK_ROLES, needed
from deploy.consortium import ConsortiumFolder

_SETTLE_S = 30.0
_POLL_S = 0.2

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Voter:
    """An active bank with its approver key here."""

    name: str
    member: int
    account: LocalAccount


class Ballot:
    """The council of the banks in a folder. What was cut off goes on: an open proposal that asks
    for the same is voted on, not made again."""

    def __init__(self, rpc: Rpc, registry: ConsortiumRegistry, folder: ConsortiumFolder) -> None:
        self._rpc = rpc
        self._registry = registry
        self._folder = folder

    def voters(self, subject: int = 0) -> list[Voter]:
        """The banks that can vote here, less the one that it is about.

        Raises UsageFault when they are too few for a majority.
        """
        electorate = [one for one in self._registry.active_banks() if one != subject]
        found = []
        for member in self._folder.members():
            keys = self._folder.keys(member.name)
            if member.role in BANK_ROLES and keys.exists():
                account = load_account(keys, "approver", development=True)
                number = self._registry.approver_of(account.address)
                if number in electorate:
                    found.append(Voter(member.name, number, account))
        if len(found) < needed(len(electorate)):
            raise UsageFault(
                f"{needed(len(electorate))} of {len(electorate)} banks must be in favour, and the "
                f"keys of {len(found)} lie here",
                where=str(self._folder.root),
                remedy="Use `tally consortium propose` and `tally consortium vote` at each bank",
            )
        return found

    def carry(self, wanted: Sequence[Asked], reason: str, say: Say, subject: int = 0) -> None:
        """Bring proposals about, all that do not build on each other at once.

        Raises UsageFault when too few keys lie here, ContractReverted when the registry refuses,
        ChainFault when no majority came about.
        """
        voters = self.voters(subject)
        for voter in voters:
            self._settle(voter)
        open_ = [self._open(asked) for asked in wanted]
        missing = [asked for asked, number in zip(wanted, open_, strict=True) if number is None]
        if missing:
            digest = reason_hash(reason)
            proposer = voters[0]
            execute_all(
                self._rpc,
                [
                    (
                        proposer.account,
                        self._registry.propose(asked.number, asked.payload, digest),
                    )
                    for asked in missing
                ],
            )
            say(f"{proposer.name} proposes: {reason}")
        numbers = [number or self._open(asked) for number, asked in zip(open_, wanted, strict=True)]
        made = [number for number in numbers if number is not None]
        for voter in voters:
            self._vote(voter, made, say)
        for number in made:
            self._conclude(number, voters[0])

    def _vote(self, voter: Voter, numbers: list[int], say: Say) -> None:
        left = [
            number
            for number in numbers
            if self._registry.proposal(number).state == "open"
            and not self._registry.has_voted(number, voter.member)
        ]
        if left:
            votes = [(voter.account, self._registry.vote(number, True)) for number in left]
            execute_all(self._rpc, votes)
            say(f"{voter.name} votes in favour")

    def _conclude(self, number: int, voter: Voter) -> None:
        """An electorate that shrank meanwhile leaves a majority that nobody has counted."""
        if self._registry.proposal(number).state == "open":
            execute(self._rpc, voter.account, self._registry.enact(number))
        state = self._registry.proposal(number).state
        if state != "enacted":
            raise ChainFault(
                f"proposal {number} is {state}",
                where=str(self._folder.root),
                remedy="`tally consortium show` tells who voted how",
            )

    def _open(self, asked: Asked) -> int | None:
        """The newest proposal that asks for this and is open."""
        for number in range(self._registry.proposal_count(), 0, -1):
            found = self._registry.proposal(number)
            if (found.kind, found.payload, found.state) == (asked.number, asked.payload, "open"):
                return number
        return None

    def _settle(self, voter: Voter) -> None:
        """Wait until nothing of the voter's is on its way: what was sent by a run that was cut
        off must be seen, not sent again."""
        deadline = time.monotonic() + _SETTLE_S
        while self._waiting(voter):
            if time.monotonic() > deadline:
                raise ChainFault(
                    f"a transaction of {voter.name} waits and comes into no block",
                    where=self._rpc.url,
                    remedy="Look at `tally network status`; `down` and `up` empty the pools",
                )
            time.sleep(_POLL_S)

    def _waiting(self, voter: Voter) -> bool:
        mined, sent = self._rpc.batch(
            [
                ("eth_getTransactionCount", [voter.account.address, block])
                for block in ("latest", "pending")
            ]
        )
        return int(sent, 16) > int(mined, 16)
