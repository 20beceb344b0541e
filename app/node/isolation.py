"""The isolation check: what two channels of a node must not share, because what one of them knows
or does would reach the other's."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy import make_url

from app.config import BankConfig, NodeConfig
from app.db.engine import schema_of
from app.domain.errors import ConfigFault
from app.keys.keystore import public_keys
from app.node.bank import read_manifest

_Resource = tuple[str, object]
"""What kind of thing a channel must have alone, and what identifies it."""

_DEFAULT_PORT = 5432
_DEFAULT_SCHEMA = "public"


def check_isolation(config: NodeConfig) -> None:
    """Raises ConfigFault where two channels share a configuration file, keys, a database, an inbox
    or a chain. What cannot be read now (keys, a manifest) is checked when the channel opens."""
    seen: dict[_Resource, str] = {_database(config.database_url): "the node itself"}
    for name, channel in config.channels.items():
        for resource in _resources(channel):
            other = seen.setdefault(resource, f"channel {name}")
            if other != f"channel {name}":
                raise ConfigFault(
                    f"channel {name} has the same {resource[0]} as {other}",
                    where=str(config.path),
                    remedy=f"Each channel has its own chain, keys, database (or schema) and inbox: "
                    f"mend {channel.path}",
                )
    _check_inboxes(config)


def _resources(config: BankConfig) -> Iterator[_Resource]:
    yield "bank.toml", config.path
    yield "keys folder", config.keys.resolve()
    yield _database(config.database_url)
    with suppress(ConfigFault):
        # The outbox has one sender of transactions for each key; and one key on two chains would
        # let what it signs for one be sent to the other.
        yield "operator key", public_keys(config.keys).operator
    with suppress(ConfigFault):
        manifest = read_manifest(config.manifest)
        yield "network", (manifest.genesis, manifest.addresses["ConsortiumRegistry"])


def _database(url: str) -> _Resource:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return "database", Path(parsed.database or "").resolve()
    schema = schema_of(parsed) or _DEFAULT_SCHEMA
    return "database and schema", (
        (parsed.host or "").lower(),
        parsed.port or _DEFAULT_PORT,
        parsed.database,
        schema,
    )


def _check_inboxes(config: NodeConfig) -> None:
    # A folder of an inbox is a facility's: an inbox in another would be read as one.
    inboxes = {name: one.inbox.resolve() for name, one in config.channels.items()}
    for name, inbox in inboxes.items():
        for other, outer in inboxes.items():
            if name != other and inbox.is_relative_to(outer):
                raise ConfigFault(
                    f"the inbox of channel {name} is that of channel {other}, or lies in it",
                    where=str(config.path),
                    remedy=f"Give each an inbox of its own: mend {config.channels[name].path}",
                )


class DatabaseOwners:
    """Which open channel has which database: by what the database says of itself, because one and
    the same has many addresses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: dict[object, str] = {}

    def claim(self, identity: object, channel: str) -> None:
        """Raises ConfigFault where another channel has it."""
        with self._lock:
            owner = self._owners.setdefault(identity, channel)
        if owner != channel:
            raise ConfigFault(
                f"channel {channel} has the same database as channel {owner}",
                remedy="Give each a database or a schema of its own",
            )
