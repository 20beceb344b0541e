"""The chain's nodes, the proxies and the banks' nodes of a rendered folder, as they run: one
description, from which compose.yaml is made, and from which tests run the same without containers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from deploy.besu import render as besu

API_PORT = 8443
"""Of a proxy, before its bank's node."""
NODE_PORT = 8700
PROXY_FILES = "/etc/tallystick"
MANIFEST = "/etc/tallystick/network.json"
CONFIG = "/run/secrets/bank.toml"
AUTHORITY = "/run/secrets/consortium-ca"
SERVER = ("/run/secrets/server.pem", "/run/secrets/server.key")

KEY_FILES = {  # what a node needs; approver and recovery keys are for people's commands
    "operator": "operator.json",
    "sealing": "sealing.json",
    "storage": "storage.json",
    "passphrase": "passphrase",
}


@dataclass(frozen=True, slots=True)
class Mount:
    """`source`: a path beneath the rendered folder, beginning with "./", or a volume's name.

    Folders, not files: the file that replaces another is seen through its folder alone.
    """

    source: str
    target: str
    read_only: bool = True

    @property
    def is_volume(self) -> bool:
        return not self.source.startswith("./")


@dataclass(frozen=True, slots=True)
class Service:
    """One program. `command` begins with its name where the image has no entry point of its own;
    `secrets`: names by the paths at which it finds them; `networks`: its addresses in them, empty
    where any serves; `ports`: what it listens on; `published`: those of them that this machine
    reaches, by its own port for each; `probe`: what answers 200 while it is healthy, where its kind
    does not say; `needs`: the services that must be healthy before."""

    name: str
    kind: Literal["besu", "proxy", "node"]
    command: Sequence[str]
    mounts: Sequence[Mount]
    secrets: Mapping[str, str]
    networks: Mapping[str, str]
    ports: Sequence[int]
    published: Mapping[int, int] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    probe: str = ""
    needs: Sequence[str] = ()


def chain_node(name: str, bank: str, address: str) -> Service:
    """A validator's Besu; `bank` and it are names of services, `address` is its peers'."""
    return Service(
        name,
        "besu",
        [f"--config-file={besu.SHARED}/{name}.toml"],
        [
            Mount("./besu/shared", besu.SHARED),
            Mount(f"./besu/accounts/{name}", besu.ACCOUNTS, read_only=False),
            Mount(name, besu.DATA, read_only=False),
        ],
        {besu.NODE_KEY: f"{name}-key"},
        {"peers": address, f"bank-{bank}": ""},
        [besu.P2P_PORT, besu.RPC_PORT, besu.CONTROL_PORT, besu.METRICS_PORT],
        environment={"JAVA_OPTS": "-Xmx1g"},
    )


def proxy(bank: str, address: str, published: Mapping[int, int]) -> Service:
    """What stands before a bank's chain nodes and its node; `address` is its own before the node,
    `published`: every port of its, by this machine's."""
    certificate, key = SERVER
    return Service(
        f"{bank}-proxy",
        "proxy",
        ["nginx", "-c", f"{PROXY_FILES}/{bank}.conf", "-e", "/dev/stderr"],
        [Mount("./proxies", PROXY_FILES)],
        {AUTHORITY: "consortium-ca", certificate: f"{bank}-server", key: f"{bank}-server-key"},
        {f"api-{bank}": address, f"bank-{bank}": "", "members": "", "edge": ""},
        list(published.values()),
        published,
    )


def node(bank: str, address: str, proxy_address: str) -> Service:
    """A bank's node of the application, which listens at `address` alone and believes what the
    proxy at `proxy_address` says of who asks, and nobody else."""
    return Service(
        f"{bank}-node",
        "node",
        ["node", "--config", CONFIG],
        [
            Mount(f"{bank}-data", "/var/lib/tallystick", read_only=False),
            # A file: made when the consortium is founded, and never again.
            Mount("./network.json", MANIFEST),
        ],
        {
            AUTHORITY: "consortium-ca",
            CONFIG: f"{bank}-config",
            "/run/secrets/client.pem": f"{bank}-client",
            "/run/secrets/client.key": f"{bank}-client-key",
            **{f"/run/secrets/keys/{file}": f"{bank}-{name}" for name, file in KEY_FILES.items()},
        },
        {f"api-{bank}": address, f"bank-{bank}": "", "members": "", "database": ""},
        [NODE_PORT],
        environment={"FORWARDED_ALLOW_IPS": proxy_address},
        probe=f"http://{address}:{NODE_PORT}/ready",
        needs=["postgres", f"{bank}-proxy"],
    )
