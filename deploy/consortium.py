"""A consortium's folder on one machine: a folder per member with its keys and its `bank.toml`.

DIR/network.json            the manifest: engine, chain id, addresses of the contracts
DIR/deployment.json         what the deploy steps made, step by step
DIR/members.json            names and roles of the present members whose keys lie here, in the order
                            of their numbers
DIR/tls/                    the consortium's certificate authority
DIR/proxy/                  the proxy before the chain's RPC and the members' APIs, with its log
DIR/chain/                  the embedded chain's state
DIR/banks/NAME/bank.toml    one member's node: its keys/, node.db and inbox/ lie beside it
"""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from app.keys.keystore import PublicKeys, create_keys, public_keys
from deploy.tls import Certificates

Role = Literal["lead", "partner", "auditor", "regulator"]


@dataclass(frozen=True, slots=True)
class Member:
    """A member; the founding ones are numbered on the chain by their places, from 1."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class OwnNodes:
    """A bank's own validators: where each takes votes, and the engine's program that carries them
    there."""

    control: list[str]
    engine: Path


@dataclass(frozen=True, slots=True)
class ConsortiumFolder:
    """Paths and contents of one consortium's folder."""

    root: Path

    @property
    def manifest(self) -> Path:
        return self.root / "network.json"

    @property
    def journal(self) -> Path:
        """What the deploy steps have noted."""
        return self.root / "deployment.json"

    @property
    def authority(self) -> Path:
        return self.root / "tls"

    @property
    def proxy(self) -> Path:
        return self.root / "proxy"

    def certificates(self, name: str) -> Path:
        """Where a member's certificates lie."""
        return self.config(name).parent / "tls"

    @property
    def chain(self) -> Path:
        return self.root / "chain"

    def config(self, name: str) -> Path:
        """A member's `bank.toml`."""
        return self.root / "banks" / folder_name(name) / "bank.toml"

    def keys(self, name: str) -> Path:
        """A member's keystore folder."""
        return self.root / "banks" / folder_name(name) / "keys"

    def members(self) -> list[Member]:
        """The present members: who founded, and who was admitted or evicted here since; empty
        before `create`."""
        path = self._members
        if not path.exists():
            return []
        return [Member(**entry) for entry in json.loads(path.read_text())]

    def write_members(self, members: Sequence[Member]) -> None:
        text = json.dumps([asdict(member) for member in members], indent=2)
        replace_file(self._members, text + "\n")

    @property
    def _members(self) -> Path:
        return self.root / "members.json"

    def public_keys(self, name: str) -> PublicKeys:
        """What others may know of a member's keys."""
        return public_keys(self.keys(name))


def create(folder: ConsortiumFolder, members: list[Member], *, development: bool = True) -> None:
    """Make the founding members' keys; those that are there stay."""
    folder.root.mkdir(parents=True, exist_ok=True)
    for member in members:
        if not folder.keys(member.name).exists():  # left by a run that was cut off
            create_keys(folder.keys(member.name), development=development)
    # Last, so that a folder that was cut off in the making is not taken for a whole one.
    folder.write_members(members)


def write_config(
    folder: ConsortiumFolder,
    name: str,
    *,
    rpc: str | Sequence[str],
    port: int,
    certificates: Certificates | None = None,
    own_nodes: OwnNodes | None = None,
) -> None:
    """Write a member's `bank.toml`; again when the chain's address or the port has changed.

    `rpc`: its chain endpoint, or several, the preferred one first; `port` of its API and page; 0 =
    any free one; `certificates`: its own, where its endpoints are https; `own_nodes`: its own
    chain nodes, where it runs some.
    """
    path = folder.config(name)
    (path.parent / "inbox").mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"name = {json.dumps(name)}\n"
        "development = true   # development keys; never on a production network\n"
        'keys = "keys"\n'
        'database_url = "sqlite:///node.db"\n'
        'manifest = "../../network.json"\n'
        f"rpc = {json.dumps(rpc)}\n{_tls_lines(certificates, path.parent)}"
        'inbox = "inbox"\n'
        "\n[api]\n"
        'host = "127.0.0.1"\n'
        f"port = {port}\n{_validator_table(own_nodes)}"
    )


def _validator_table(own: OwnNodes | None) -> str:
    if own is None or not own.control:
        return ""
    control, engine = json.dumps(own.control), json.dumps(str(own.engine))
    return (
        "\n[validator]   # its own chain nodes, which vote as the registry has decided\n"
        f"control = {control}\nengine = {engine}\n"
    )


def set_endpoints(path: Path, rpc: Sequence[str]) -> None:
    """Name other chain endpoints in a `bank.toml`, the preferred one first; the rest of it stays.

    A node takes them up when it starts.
    """
    text = path.read_text()
    replace_file(path, _ENDPOINTS.sub(lambda _: f"rpc = {json.dumps(list(rpc))}", text, count=1))


_ENDPOINTS = re.compile(r"""^rpc[ \t]*=[ \t]*(\[[^\]]*\]|"[^"\n]*"|'[^'\n]*')""", re.MULTILINE)


def replace_file(path: Path, text: str) -> None:
    """Write a file whole or not at all, whenever this is cut off."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text)
    fresh.replace(path)


def _tls_lines(certificates: Certificates | None, base: Path) -> str:
    if certificates is None:
        return ""
    return "".join(
        f"{key} = {json.dumps(os.path.relpath(place, base))}\n"
        for key, place in (
            ("rpc_ca", certificates.ca),
            ("rpc_cert", certificates.client),
            ("rpc_key", certificates.client_key),
        )
    )


def folder_name(name: str) -> str:
    """The name itself where it is a safe file name, else a digest of it."""
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", name):
        return name
    return "member-" + sha256(name.encode()).hexdigest()[:12]
