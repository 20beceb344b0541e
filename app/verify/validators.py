"""Who may seal a block: the set of the first block, changed since by votes in headers.

The first block lists its validators, and the network's manifest names its hash. More than half of
the set must then vote, each in headers that it proposed, to add or drop one address.

Besu's validators refuse a header whose list is not the set that the votes have made. So a quorum's
seals vouch for its list: it must be the list before it, or differ in one address that more than
half voted on. Polygon Edge's validators never compare the list: one dishonest proposer can write
there what it likes, and an honest quorum seals it. There the votes are counted as Edge counts them,
and the list says nothing.

Edge's hash does not cover the nonce, by which a header says whether its vote adds or drops, so an
endpoint could turn a vote round. What a vote means is taken from the set instead: who is in it is
to be dropped, who is not is to be added. Edge counts no other votes.
"""

import json
from dataclasses import dataclass

from app.verify.errors import Unverified
from app.verify.seals import Scheme, Sealed


@dataclass(frozen=True, slots=True)
class ValidatorSet:
    """The validators, and the open votes that would change them: (subject, voter)."""

    validators: frozenset[bytes]
    votes: frozenset[tuple[bytes, bytes]] = frozenset()

    def to_text(self) -> str:
        """As JSON: the same text for the same set, whatever its order."""
        return json.dumps(
            {
                "validators": sorted(one.hex() for one in self.validators),
                "votes": sorted([subject.hex(), voter.hex()] for subject, voter in self.votes),
            }
        )

    @classmethod
    def from_text(cls, text: str) -> "ValidatorSet":
        """The set of such a text."""
        kept = json.loads(text)
        return cls(
            frozenset(bytes.fromhex(one) for one in kept["validators"]),
            frozenset((bytes.fromhex(one), bytes.fromhex(other)) for one, other in kept["votes"]),
        )

    def outvoted(self, subject: bytes) -> bool:
        """Whether more than half of the validators have voted on an address."""
        return sum(one == subject for one, _ in self.votes) > len(self.validators) // 2

    def changed(self, subject: bytes) -> "ValidatorSet":
        """Without this validator, or with it where it is none."""
        return ValidatorSet(
            self.validators ^ {subject},
            frozenset(
                (one, voter)
                for one, voter in self.votes
                if one != subject and (voter != subject or subject not in self.validators)
            ),
        )


def sealing(scheme: Scheme, before: ValidatorSet, sealed: Sealed) -> ValidatorSet:
    """Who may seal this block; `before` is the set after the block before it.

    Raises Unverified where its list does not follow from the votes, though the engine proves it.
    """
    listed = frozenset(sealed.listed)
    if not scheme.proves_list or listed == before.validators:
        return before
    changed = listed ^ before.validators
    subject = next(iter(changed))
    if len(changed) != 1 or not before.outvoted(subject):
        raise Unverified(
            f"block {sealed.number} lists other validators than the block before it, without the "
            "votes for that"
        )
    return before.changed(subject)


def after(scheme: Scheme, before: ValidatorSet, sealed: Sealed) -> ValidatorSet:
    """The set after a block that `before` may seal, with the block's vote counted.

    Raises Unverified where it cannot be told who voted.
    """
    votes = before.votes
    vote = sealed.vote
    if sealed.number % scheme.epoch_blocks == 0:
        votes = frozenset()
        if not scheme.proves_list:  # Edge counts no vote of such a block; Besu's versions differ
            vote = None
    if vote is not None:
        voter = scheme.proposer(sealed)
        if voter not in before.validators:
            raise Unverified(f"block {sealed.number} was proposed by none of its validators")
        if vote.adds in (None, vote.subject not in before.validators):
            votes |= {(vote.subject, voter)}
        else:
            votes -= {(vote.subject, voter)}
        counted = ValidatorSet(before.validators, votes)
        if not scheme.proves_list and counted.outvoted(vote.subject):
            return counted.changed(vote.subject)
        return counted
    return before if votes is before.votes else ValidatorSet(before.validators, votes)
