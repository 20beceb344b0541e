"""A folder that `docker compose` runs: secrets, proxies, banks' configurations, services."""

import os
import secrets as randomness
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from ipaddress import IPv4Network
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploy import tls
from deploy.bank_toml import BankToml, OwnNodes
from deploy.besu import render as besu
from deploy.compose import services
from deploy.compose.services import KEY_FILES, Service
from deploy.consortium import ConsortiumFolder
from deploy.proxy import nginx
from deploy.proxy.nginx import ProxyServer

_HERE = Path(__file__).parent
_REPOSITORY = _HERE.parent.parent
_READ_BY_CONTAINERS = ("besu/shared", "proxies", "postgres", "prometheus", "grafana")


@dataclass(frozen=True, slots=True)
class RpcPort:
    """One chain node's RPC at its bank's proxy: the same port in the members' network and on this
    machine."""

    node: str
    port: int


@dataclass(frozen=True, slots=True)
class Bank:
    """A member as the templates know it; `service` is a name that containers can have, `api_port`
    this machine's before its node, `api_subnet` of the network in which its node listens: its proxy
    and Prometheus are there, and nobody else."""

    name: str
    service: str
    api_port: int
    api_subnet: IPv4Network
    rpc: list[RpcPort]

    @property
    def proxy_host(self) -> str:
        """Where its proxy is in that network."""
        return str(self.api_subnet[2])

    @property
    def node_host(self) -> str:
        """Where its node listens."""
        return str(self.api_subnet[3])

    @property
    def prometheus_host(self) -> str:
        """Where Prometheus is."""
        return str(self.api_subnet[4])

    @property
    def endpoints(self) -> list[str]:
        """Where the members' nodes reach its chain nodes."""
        return [f"https://{self.service}-proxy:{one.port}" for one in self.rpc]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What runs from one folder. `elsewhere`: the chain's endpoints of members that do not;
    `joins`: the compose project whose `peers` and `members` networks it takes part in, empty where
    they are its own; `grafana_port` is this machine's."""

    folder: ConsortiumFolder
    banks: Sequence[Bank]
    nodes: Sequence[besu.Node]
    block_gas_limit: int
    release: besu.Release
    subnet: str
    project: str
    joins: str = ""
    elsewhere: Sequence[str] = ()
    grafana_port: int = 3000

    def services(self) -> list[Service]:
        """What runs, but for the database and what watches over it all."""
        service_of = {bank.name: bank.service for bank in self.banks}
        found = [
            services.chain_node(one.name, service_of[one.bank], one.host) for one in self.nodes
        ]
        for bank in self.banks:
            ports = {bank.api_port: services.API_PORT, **{one.port: one.port for one in bank.rpc}}
            found += [
                services.proxy(bank.service, bank.proxy_host, ports),
                services.node(bank.service, bank.node_host, bank.proxy_host),
            ]
        return found


def write(rendered: Rendered) -> None:
    """Write what is made anew each time, and what is there once and stays: certificates and
    passwords. Keys, the list of who gets through and Besu's genesis and permissions are there."""
    root = rendered.folder.root
    clients = {"localhost", "127.0.0.1", *(node.name for node in rendered.nodes)}
    besu.write_configurations(
        rendered.nodes, rendered.block_gas_limit, clients, root / "besu", rendered.release
    )
    files = secret_files(rendered)
    for bank in rendered.banks:
        _write_proxy(root, bank)
        _write_bank_config(rendered, bank)
    running = rendered.services()
    context = {
        "services": running,
        "volumes": [mount.source for one in running for mount in one.mounts if mount.is_volume],
        "nodes": rendered.nodes,
        "banks": rendered.banks,
        "secrets": files,
        "subnet": rendered.subnet,
        "joins": rendered.joins,
        "project": rendered.project,
        "grafana_port": rendered.grafana_port,
        "besu_image": rendered.release.image,
        "rpc_port": besu.RPC_PORT,
        "metrics_port": besu.METRICS_PORT,
        "api_port": services.API_PORT,
        "node_port": services.NODE_PORT,
        "repository": str(_REPOSITORY),
        "version": version("tallystick"),
    }
    for template, place in (
        ("compose.yaml.j2", "compose.yaml"),
        ("prometheus.yml.j2", "prometheus/prometheus.yml"),
        ("banks.sql.j2", "postgres/banks.sql"),
    ):
        path = root / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(_environment().get_template(template).render(context))
    shutil.copy(_HERE / "prometheus" / "alerts.yml", root / "prometheus")
    shutil.copytree(_HERE / "grafana", root / "grafana", dirs_exist_ok=True)
    _let_containers_read_folders(root)


def secret_files(rendered: Rendered) -> dict[str, str]:
    """Every secret by its name with its file; those that are nobody's yet are made."""
    folder, place = rendered.folder, rendered.folder.root / "secrets"
    place.mkdir(exist_ok=True, mode=0o700)
    files = {"consortium-ca": folder.authority / "ca.pem"}
    for node in rendered.nodes:
        files[f"{node.name}-key"] = place / f"{node.name}.key"
    for bank in rendered.banks:
        for secret, file in KEY_FILES.items():
            files[f"{bank.service}-{secret}"] = folder.keys(bank.name) / file
        made = tls.certificates(folder.authority, folder.certificates(bank.name))
        if not made.server_key.exists():
            tls.issue(folder.authority, bank.service, made.server.parent, server_names(bank))
        files[f"{bank.service}-server"] = made.server
        files[f"{bank.service}-server-key"] = made.server_key
        files[f"{bank.service}-client"] = made.client
        files[f"{bank.service}-client-key"] = made.client_key
        files[f"{bank.service}-config"] = place / f"{bank.service}.toml"
        files[f"{bank.service}-database"] = _password(place / f"{bank.service}-database")
        # Filled by `tally keys create --role metrics` once the node runs.
        files[f"{bank.service}-metrics"] = place / f"{bank.service}-metrics"
        files[f"{bank.service}-metrics"].touch()
    for name in ("postgres", "grafana"):
        files[name] = _password(place / name)
    for path in files.values():
        if path.exists():
            _let_containers_read(path)
    return {name: "./" + os.path.relpath(path, folder.root) for name, path in sorted(files.items())}


def server_names(bank: Bank) -> list[str]:
    """Under which names its proxy is reached."""
    return [f"{bank.service}-proxy", "localhost", "127.0.0.1"]


def _password(path: Path) -> Path:
    if not path.exists():
        path.write_text(randomness.token_urlsafe(32))
    return path


def _let_containers_read(path: Path) -> None:
    """A container's user is another one; the folder around the file keeps everybody else out."""
    path.chmod(0o644 if path.suffix == ".pem" or path.name.endswith("-metrics") else 0o444)


def _let_containers_read_folders(root: Path) -> None:
    """What is mounted as a folder likewise, whatever the umask; the rendered folder itself is its
    owner's alone."""
    root.chmod(0o700)
    for name in _READ_BY_CONTAINERS:
        for path in (root / name, *(root / name).rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


def _write_proxy(root: Path, bank: Bank) -> None:
    servers = [
        ProxyServer(
            f"RPC of {one.node}, for members",
            str(one.port),
            f"{one.node}:{besu.RPC_PORT}",
            *services.SERVER,
            services.AUTHORITY,
        )
        for one in bank.rpc
    ]
    # By its address: its name leads into other networks too, where it does not listen.
    api = f"{bank.node_host}:{services.NODE_PORT}"
    servers.append(ProxyServer("API and page", str(services.API_PORT), api, *services.SERVER))
    (root / "proxies" / f"{bank.service}.conf").write_text(nginx.configuration(servers, None))


def _write_bank_config(rendered: Rendered, bank: Bank) -> None:
    """The node's own endpoints first, then the other banks', which let its certificate through."""
    root = rendered.folder.root
    ordered = [bank, *(other for other in rendered.banks if other is not bank)]
    password = (root / "secrets" / f"{bank.service}-database").read_text()
    settings = BankToml(
        name=bank.name,
        development=False,
        database_url=f"postgresql://{bank.service}:{password}@postgres/{bank.service}",
        manifest=services.MANIFEST,
        rpc=[*(url for one in ordered for url in one.endpoints), *rendered.elsewhere],
        inbox="/var/lib/tallystick/inbox",
        archive="/var/lib/tallystick/archive",
        host=bank.node_host,
        port=services.NODE_PORT,
        tls={"rpc_ca": "consortium-ca", "rpc_cert": "client.pem", "rpc_key": "client.key"},
        own_nodes=OwnNodes([f"ws://{one.node}:{besu.CONTROL_PORT}" for one in bank.rpc]),
    )
    path = root / "secrets" / f"{bank.service}.toml"
    path.unlink(missing_ok=True)
    path.write_text(str(settings))
    _let_containers_read(path)


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
