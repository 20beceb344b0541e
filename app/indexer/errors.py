"""What else can go wrong while the chain is read (the common tree is in `domain.errors`).

ChainFault
├── ChainUnreachable
│   └── ShortAnswer      the node answered less, or other, than it has: nothing is applied
│       └── Incomplete   something that was, or is being, applied lacks what the chain holds
└── Reorganised          a block that was read is no longer the chain's: the view is rebuilt
StorageFault
└── OtherView            the database holds another view, or another indexer writes it
"""

from app.domain.errors import ChainFault, ChainUnreachable, StorageFault


class ShortAnswer(ChainUnreachable):
    """An answer that cannot be whole; the same call may succeed later."""

    def __init__(self, what: str, *, where: str = "") -> None:
        super().__init__(
            what,
            where=where,
            remedy="It is asked again by itself; if this goes on, the chain node lags or is "
            "damaged: let it sync, or name another one in `rpc`",
        )


class Incomplete(ShortAnswer):
    """What was read cannot be all: asked again, then the view is rebuilt, once."""


class Reorganised(ChainFault):
    """A block that was read has another hash now."""


class KnownPair(Exception):
    """A half came to a pair that no longer waits for one: no contract of ours takes it, so pairs
    must be looked up to see what is wrong. The indexer alone sees it."""


class OtherView(StorageFault):
    """The database belongs to another chain or member, or another indexer moved its cursor."""
