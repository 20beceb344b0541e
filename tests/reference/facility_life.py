"""The life of one facility as a small model: who can do what next, and where no honest majority can
go on.

The lead, Anna and Bert are its parties; two more banks vote with them, which makes five. What the
model knows: who is suspended or evicted (the lead, Anna), whose pauses hold (the lead's, Anna's),
one leg of the lead on Anna's account, a resolution of it, a hold, and the facility's close.
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from app.domain.votes import needed

LEAD, ANNA, BERT, OTHER, FIFTH = "lead", "anna", "bert", "other", "fifth"
PARTIES = (LEAD, ANNA, BERT)
BANKS = (*PARTIES, OTHER, FIFTH)
VOTES = ("suspend", "reinstate", "evict")
TIME = "time"
NOBODY: frozenset[str] = frozenset()


class Rules(NamedTuple):
    """What the contracts do; without one, what they did before."""

    pauses_end: bool = True
    evicted_banks_legs_stay_open: bool = True


class State(NamedTuple):
    """`phase`: proposed, active, closed, withdrawn. `lead`, `anna`: active, suspended, evicted.

    `pauses`: free, holding (7 days), over (until 30 days after the first). `leg`: none, open,
    settled. `resolution`: who proposed it. `hold`: none, active, expired, ended. `closing`: who has
    accepted that the facility is closed; empty = nobody has proposed it.
    """

    phase: str = "proposed"
    accepted: frozenset[str] = NOBODY
    lead: str = "active"
    anna: str = "active"
    paused: frozenset[str] = NOBODY
    pauses: str = "free"
    leg: str = "none"
    resolution: str = ""
    hold: str = "none"
    closing: frozenset[str] = NOBODY

    def standing(self, bank: str) -> str:
        return {LEAD: self.lead, ANNA: self.anna}.get(bank, "active")

    def is_active(self, bank: str) -> bool:
        return self.standing(bank) == "active"

    @property
    def is_ended(self) -> bool:
        return self.phase in ("closed", "withdrawn")

    @property
    def takes_legs(self) -> bool:
        return self.phase == "active" and not self.paused


class Move(NamedTuple):
    """What an actor does: a party, `banks` that vote, or time. `about`: a member, or nothing."""

    actor: str
    name: str
    about: str = ""


def moves(state: State, rules: Rules) -> Iterator[tuple[Move, State]]:
    """All that can happen next."""
    if state.is_ended:
        return
    for party in PARTIES:
        if state.is_active(party):
            yield from _moves_of(state, party, rules)
    for member in (LEAD, ANNA):
        for vote, (before, after) in {
            "suspend": (("active",), "suspended"),
            "reinstate": (("suspended",), "active"),
            "evict": (("active", "suspended"), "evicted"),
        }.items():
            if state.standing(member) in before:
                voted = state._replace(lead=after) if member == LEAD else state._replace(anna=after)
                yield Move("banks", vote, member), voted
    if state.pauses == "holding" or state.hold == "active":
        yield Move(TIME, "week"), _later(state, "over" if state.pauses == "holding" else "")
    if state.phase == "active":
        yield Move(TIME, "month"), _later(state, "free")._replace(closing=NOBODY)


def _later(state: State, pauses: str) -> State:
    hold = "expired" if state.hold == "active" else state.hold
    return state._replace(hold=hold, pauses=pauses or state.pauses)


def _moves_of(state: State, party: str, rules: Rules) -> Iterator[tuple[Move, State]]:
    if state.phase == "proposed":
        yield from _answers(state, party)
        return
    yield from _pauses(state, party, rules)
    if state.takes_legs and party == LEAD and state.leg == "none":
        yield Move(party, "post"), state._replace(leg="open")
    if state.takes_legs and party == ANNA and state.leg == "open":
        yield Move(party, "post"), state._replace(leg="settled")
    if party != BERT:
        yield from _resolutions(state, party)
    if party == LEAD and state.hold == "none":
        yield Move(party, "hold"), state._replace(hold="active")
    if state.hold == "expired" or (state.hold == "active" and party == LEAD):
        yield Move(party, "release"), state._replace(hold="ended")
    yield from _closing(state, party, rules)


def _answers(state: State, party: str) -> Iterator[tuple[Move, State]]:
    if party == LEAD:
        yield Move(party, "withdraw"), state._replace(phase="withdrawn")
        return
    yield Move(party, "decline"), state._replace(phase="withdrawn")
    if party in state.accepted:
        return
    accepted = state.accepted | {party}
    if len(accepted) < len(PARTIES) - 1:
        yield Move(party, "accept"), state._replace(accepted=accepted)
    elif all(state.is_active(one) for one in PARTIES):
        yield Move(party, "accept"), state._replace(accepted=accepted, phase="active")


def _pauses(state: State, party: str, rules: Rules) -> Iterator[tuple[Move, State]]:
    may_pause = state.pauses != "over" or not rules.pauses_end
    if party != BERT and party not in state.paused and may_pause:
        pauses = "holding" if state.pauses == "free" else state.pauses
        yield (
            Move(party, "pause"),
            state._replace(paused=state.paused | {party}, pauses=pauses),
        )
    for pauser in state.paused:
        is_over = rules.pauses_end and state.pauses != "holding"
        if pauser == party or not state.is_active(pauser) or is_over:
            yield Move(party, "resume", pauser), state._replace(paused=state.paused - {pauser})


def _resolutions(state: State, party: str) -> Iterator[tuple[Move, State]]:
    if not state.resolution:
        if state.leg == "open":
            yield Move(party, "propose_resolution"), state._replace(resolution=party)
        return
    if state.resolution == party:
        yield Move(party, "withdraw_resolution"), state._replace(resolution="")
        return
    yield Move(party, "dispute_resolution"), state._replace(resolution="")
    if state.leg == "open" and state.is_active(state.resolution):
        yield Move(party, "accept_resolution"), state._replace(resolution="", leg="settled")


def _closing(state: State, party: str, rules: Rules) -> Iterator[tuple[Move, State]]:
    closing = state.closing | {party}
    is_complete = all(one in closing or state.standing(one) == "evicted" for one in PARTIES)
    is_stuck = rules.evicted_banks_legs_stay_open and "evicted" in (state.lead, state.anna)
    is_free = (state.leg != "open" or is_stuck) and state.hold not in ("active", "expired")
    if not state.closing:
        name = "propose_close"
    elif party not in state.closing:
        name = "accept_close"
    elif is_complete:
        name = "enact_close"
    else:
        return
    if not is_complete:
        yield Move(party, name), state._replace(closing=closing)
    elif is_free:
        yield Move(party, name), state._replace(closing=closing, phase="closed")


class Lives:
    """Every state that any behaviour leads to, and what leads from each to which."""

    def __init__(self, rules: Rules) -> None:
        self.next: dict[State, list[tuple[Move, State]]] = {}
        waiting = deque([State()])
        self.next[State()] = []
        while waiting:
            state = waiting.popleft()
            self.next[state] = list(moves(state, rules))
            for _, after in self.next[state]:
                if after not in self.next:
                    self.next[after] = []
                    waiting.append(after)

    def cut_off(self, ends: set[State], dishonest: str, without: tuple[str, ...]) -> set[State]:
        """The states from which the others than `dishonest` cannot reach one of `ends`, however
        they act and wait, without these moves."""
        before: dict[State, list[State]] = {}
        for state, steps in self.next.items():
            for move, after in steps:
                if move.name not in without and _is_honest(state, move, dishonest):
                    before.setdefault(after, []).append(state)
        reached, waiting = set(ends), deque(ends)
        while waiting:
            for state in before.get(waiting.popleft(), ()):
                if state not in reached:
                    reached.add(state)
                    waiting.append(state)
        return set(self.next) - reached


def _is_honest(state: State, move: Move, dishonest: str) -> bool:
    """Whether a move needs nothing of one bank: of a vote, whether the others are enough."""
    if move.actor != "banks":
        return move.actor != dishonest
    banks = {one for one in BANKS if state.is_active(one)}
    electorate = banks - {move.about}
    return len(electorate - {dishonest}) >= needed(len(banks), len(electorate))
