"""The kinds of event: their numbers on the chain, their names in feeds, what they do."""

from enum import IntEnum


class Component(IntEnum):
    """What a facility's shares are stated for."""

    PRINCIPAL = 0
    INTEREST = 1
    FEE = 2


class Kind(IntEnum):
    """A kind of event; the value is its number on the chain."""

    DRAWDOWN = 1
    PRINCIPAL = 2
    INTEREST = 3
    PENALTY = 4
    FEE = 5
    TOP_UP = 6
    RESERVE_INTEREST = 7
    OTHER_IN = 8
    WITHDRAWAL = 9
    SERVICE_FEE = 10
    OTHER_OUT = 11
    REVERSAL = 12
    CORRECTION = 13

    @property
    def feed_name(self) -> str:
        """The name in feeds, reports and pages."""
        return self.name.lower()

    @property
    def component(self) -> Component | None:
        """The shares that split the lead's amount; None where nothing is split."""
        return _COMPONENTS.get(self)

    @property
    def shared(self) -> bool:
        """Whether the lead's amount is the whole event's, split among the partners."""
        return self in _COMPONENTS

    @property
    def one_partner(self) -> bool:
        """Whether the event concerns one partner alone, named in the lead's feed."""
        return Kind.TOP_UP <= self <= Kind.OTHER_OUT

    @property
    def effect(self) -> int:
        """+1 or -1 on the reserve account.

        Raises ValueError for a reversal (the opposite of its target) and a correction (signed by
        itself), whose effect the kind alone does not tell.
        """
        if self in (Kind.REVERSAL, Kind.CORRECTION):
            raise ValueError(f"the effect of a {self.feed_name} depends on its target")
        return -1 if self in _OUTGOING else 1


_COMPONENTS = {
    Kind.DRAWDOWN: Component.PRINCIPAL,
    Kind.PRINCIPAL: Component.PRINCIPAL,
    Kind.INTEREST: Component.INTEREST,
    Kind.PENALTY: Component.INTEREST,
    Kind.FEE: Component.FEE,
}

_OUTGOING = frozenset({Kind.DRAWDOWN, Kind.WITHDRAWAL, Kind.SERVICE_FEE, Kind.OTHER_OUT})

BY_FEED_NAME = {kind.feed_name: kind for kind in Kind if kind is not Kind.CORRECTION}
"""The kinds that a feed may name. A correction is made by a resolution only."""


def effect(kind: Kind, target: Kind | None = None) -> int:
    """+1 or -1 on the reserve account; for a reversal, the opposite of its `target`'s."""
    if kind is Kind.REVERSAL:
        if target is None:
            raise ValueError("a reversal's effect needs its target's kind")
        return -target.effect
    return kind.effect
