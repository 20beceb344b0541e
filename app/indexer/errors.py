"""What can go wrong while the chain is read.

IndexerError
├── ShortAnswer      the node answered less, or other, than the chain holds: nothing is applied
├── Reorganised      a block that was read is no longer the chain's: the view must be made anew
└── OtherView        the database holds the view of another chain or member
"""


class IndexerError(Exception):
    """Any failure of the indexer that is not the chain endpoint's own (`chain.errors`)."""


class ShortAnswer(IndexerError):
    """An answer that cannot be whole. Remedy: it is asked again by itself; if that goes on, the
    chain node is lagging or damaged: let it sync, or name another endpoint in `rpc`."""


class Reorganised(IndexerError):
    """The block at the cursor has another hash now."""


class OtherView(IndexerError):
    """The database belongs to another chain or member. Remedy: name another database, or make the
    view anew with `tally rebuild`."""
