"""`tally rebuild`: the read model rebuilt from the chain alone."""

from contextlib import closing

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import func, select

from app.cli.shared.console import stderr, stdout
from app.cli.shared.reading import OwnConfig
from app.config import load_config
from app.indexer.rebuild import digest
from app.indexer.writer_process import writer_process
from app.node.bank import open_bank
from app.readmodel.archive.tables import archived_pairs


def rebuild(config: OwnConfig) -> None:
    """Rebuild the read model from the chain alone and print its digest.

    The digest is the SHA-256 of every row of the read model in the order of its keys. It depends
    on nothing but the chain up to the block that is printed with it: a node that followed the
    chain live, one that was rebuilt, SQLite and PostgreSQL all give the same digest for the same
    bank and block. Stop the bank's node first.

    Pairs that lie in archives come back into the table; the archives' files stay as they are.

    Example:

      tally rebuild --config .tally/demo/banks/webank/bank.toml
    """
    with writer_process() as writer, closing(open_bank(load_config(config))) as bank:
        with bank.engine.connect() as connection:
            archived = connection.execute(select(func.count()).select_from(archived_pairs)).scalar()
        if archived:
            stderr.print(f"{archived:,} archived pairs come back from the chain")
        columns = (
            TextColumn("rebuilding"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("blocks"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=stderr, disable=not stderr.is_terminal) as bars:
            task = bars.add_task("rebuild")
            bank.follower.rebuild(
                lambda done, total: bars.update(task, completed=done, total=total), writer
            )
        stdout.print(
            f"block {bank.follower.position()} digest {digest(bank.engine)}", soft_wrap=True
        )
