"""What the commands share that open what is encrypted in a bank's database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from app.config import BankConfig, load_config
from app.db import engine as db
from app.db.vault import Vault
from app.keys.keystore import STORAGE
from app.keys.versions import KeyVersions


@contextmanager
def with_vault(config: Path) -> Iterator[tuple[BankConfig, Engine]]:
    """The bank's database, brought up to date, with the key of what is encrypted in it. Raises
    KeyUnusable."""
    bank = load_config(config)
    keys = KeyVersions(bank.keys, STORAGE, development=bank.development)
    engine = db.create(bank.database_url, vault=Vault(keys))
    try:
        db.upgrade(engine)
        yield bank, engine
    finally:
        engine.dispose()
