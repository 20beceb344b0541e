"""The databases of a short and of a long history, of each kind that is installed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from app.cli.shared.console import stderr
from tests.postgres import Cluster, PostgresMissing


@contextmanager
def short_and_long(folder: Path) -> Iterator[dict[str, tuple[str, str]]]:
    """By kind of database the URLs of two empty ones. Says where PostgreSQL is not installed."""
    names = ("short", "long")
    with ExitStack() as stack:
        short, long = (f"sqlite:///{folder / name}.sqlite" for name in names)
        urls = {"sqlite": (short, long)}
        try:
            cluster = stack.enter_context(Cluster())
        except PostgresMissing as missing:
            stderr.print(str(missing))
        else:
            with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
                for name in names:
                    connection.execute(f"CREATE DATABASE {name}")
            urls["postgresql"] = (cluster.url("short"), cluster.url("long"))
        yield urls
