"""`tally restore`: what a restored database lacks is read back from the chain."""

from contextlib import closing

from app.cli.shared.console import stderr, stdout
from app.cli.shared.reading import OwnConfig
from app.config import load_config
from app.node.bank import open_bank


def restore(config: OwnConfig) -> None:
    """Bring a database that was restored from an older backup up to the chain.

    What the bank posted since the backup is read back from the chain: the batches, and the events
    in them, from the details that were sealed for the bank itself. An empty database will do, too.
    Until this was done a node on such a database posts nothing. Stop the node first, and be sure
    that no other node of this bank runs anywhere.

    Events that were accepted after the backup and not yet posted are not on the chain: let core
    banking send everything since the backup again. What is there already is a duplicate.

    Example:

      tally restore --config bank.toml
    """
    with closing(open_bank(load_config(config))) as bank:
        for done in bank.posting.restore(bank.follower.catch_up):
            stdout.print(
                f"{done.facility}: {done.batches:,} batches and {done.events:,} events read back, "
                f"{len(done.dropped):,} batches dropped"
            )
            for leg in done.unreadable:
                stderr.print(
                    f"{done.facility}: {leg}: its details cannot be read; sent again, it is "
                    "refused as a duplicate",
                    style="yellow",
                )
        stdout.print(f"block {bank.follower.position()}")
