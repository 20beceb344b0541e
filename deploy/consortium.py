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

from app.domain.consortium import MemberRole
from app.keys.keystore import PublicKeys, create_keys, public_keys
from deploy.bank_toml import BankToml, OwnNodes, with_endpoints
from deploy.tls import Certificates


@dataclass(frozen=True, slots=True)
class Member:
    """A member; the founding ones are numbered on the chain by their places, from 1."""

    name: str
    role: MemberRole


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
    settings = BankToml(
        name=name,
        development=True,
        database_url="sqlite:///node.db",
        manifest="../../network.json",
        rpc=[rpc] if isinstance(rpc, str) else rpc,
        inbox="inbox",
        archive="archive",
        host="127.0.0.1",
        port=port,
        tls={} if certificates is None else _tls_paths(certificates, path.parent),
        own_nodes=own_nodes,
        approver={"keystore": "keys/approver.json", "passphrase": "keys/passphrase"},
    )
    path.write_text(str(settings))


def _tls_paths(certificates: Certificates, base: Path) -> dict[str, str]:
    paths = {
        "rpc_ca": certificates.ca,
        "rpc_cert": certificates.client,
        "rpc_key": certificates.client_key,
    }
    return {key: os.path.relpath(path, base) for key, path in paths.items()}


def set_endpoints(path: Path, rpc: Sequence[str]) -> None:
    """Name other chain endpoints in a `bank.toml`, the preferred one first; the rest of it stays.

    A node takes them up when it starts.
    """
    replace_file(path, with_endpoints(path.read_text(), rpc))


def replace_file(path: Path, text: str, *, mode: int | None = None) -> None:
    """Write a file whole or not at all, whenever this is cut off; with `mode` for who may use it,
    else as new files are."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text)
    if mode is not None:
        fresh.chmod(mode)
    fresh.replace(path)


def folder_name(name: str) -> str:
    """The name itself where it is a safe file name, else a digest of it."""
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", name):
        return name
    return "member-" + sha256(name.encode()).hexdigest()[:12]
