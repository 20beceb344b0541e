"""A member's `bank.toml`: what `app.config` reads is written here alone.

Paths in it are texts, relative to its folder or to a container's root.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tomlkit
from tomlkit.items import Table


@dataclass(frozen=True, slots=True)
class OwnNodes:
    """A bank's own validators: where each takes votes, and the engine's program that carries them
    there, where it needs one."""

    control: Sequence[str]
    engine: Path | None = None


@dataclass(frozen=True, slots=True)
class BankToml:
    """The settings of a node. `tls`: `rpc_ca`, `rpc_cert` and `rpc_key`, where its endpoints are
    https; `own_nodes`: its own chain nodes, where it runs some; `approver`: keystore and passphrase
    of the key with which the node signs what people sign on the page."""

    name: str
    development: bool
    database_url: str
    manifest: str
    rpc: Sequence[str]
    inbox: str
    archive: str
    host: str
    port: int
    tls: Mapping[str, str]
    own_nodes: OwnNodes | None = None
    approver: Mapping[str, str] | None = None

    def __str__(self) -> str:
        document = tomlkit.document()
        document.add("name", self.name)
        development = tomlkit.item(self.development)
        if self.development:
            development.comment("development keys; never on a production network")
        document.add("development", development)
        document.add("keys", "keys")
        document.add("database_url", self.database_url)
        document.add("manifest", self.manifest)
        document.add("rpc", list(self.rpc))
        for key, path in self.tls.items():
            document.add(key, path)
        document.add("inbox", self.inbox)
        document.add("archive", self.archive)
        document.add("api", _table({"host": self.host, "port": self.port}))
        if self.approver is not None:
            document.add("approver", _table(self.approver))
        if self.own_nodes is not None and self.own_nodes.control:
            document.add("validator", self._validator(self.own_nodes))
        return document.as_string()

    def _validator(self, own: OwnNodes) -> Table:
        table = _table({"control": list(own.control)})
        table.comment("its own chain nodes, which vote as the registry has decided")
        if own.engine is not None:
            table.add("engine", str(own.engine))
        return table


def with_endpoints(text: str, rpc: Sequence[str]) -> str:
    """A `bank.toml` that names other chain endpoints, the preferred one first; the rest of it,
    comments too, stays."""
    document = tomlkit.parse(text)
    document["rpc"] = list(rpc)
    return document.as_string()


def _table(values: Mapping[str, object]) -> Table:
    table = tomlkit.table()
    for key, value in values.items():
        table.add(key, value)
    return table
