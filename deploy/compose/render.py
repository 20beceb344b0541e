"""A network's description as a folder that `docker compose` runs, with keys of its own.

OUT/compose.yaml            every service
OUT/members.json, banks/    the consortium, with new keys: OUT is founded by `tally network found`
OUT/besu/                   the chain's files (see deploy.besu.render)
OUT/proxies/, tls/          each bank's proxy with the list of who gets through, and the
                            consortium's certificate authority
OUT/postgres/, prometheus/, grafana/
OUT/secrets/                what containers are given as files; the folder is its owner's alone
"""

import ipaddress
import json
import os
import secrets as randomness
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.domain.errors import UsageFault
from deploy import tls
from deploy.bank_toml import BankToml, OwnNodes
from deploy.besu import render as besu
from deploy.consortium import ConsortiumFolder, create, folder_name
from deploy.network.layout import Network
from deploy.proxy import nginx
from deploy.proxy.nginx import ProxyServer
from deploy.steps.step_06_validators import FoundingNode

_HERE = Path(__file__).parent
_REPOSITORY = _HERE.parent.parent
_SUBNET = ipaddress.ip_network("172.30.77.0/24")
_FIRST_HOST = 11
_API_PORT = 8443
_NODE_PORT = 8700
FIRST_RPC_PORT = 18545
_FIRST_PUBLISHED_API = 8701
_NODES = "besu/validators.json"
_KEYS = {  # what a node needs; approver and recovery keys are for people's commands
    "operator": "operator.json",
    "sealing": "sealing.json",
    "storage": "storage.json",
    "passphrase": "passphrase",
}


@dataclass(frozen=True, slots=True)
class RpcPort:
    """One validator's RPC at its bank's proxy: in the members' network, and on this machine."""

    validator: besu.Node
    port: int
    published: int


@dataclass(frozen=True, slots=True)
class Bank:
    """A member as the templates know it; `service` is a name that containers can have."""

    name: str
    service: str
    api_port: int
    rpc: list[RpcPort]


def render(network: Network, out: Path) -> None:
    """Write OUT, or write it anew: keys, certificates and passwords that are there stay.

    Raises UsageFault where OUT is founded with other members than the network's present ones.
    """
    source, folder = network.folder, ConsortiumFolder(out.resolve())
    founded = folder.manifest.exists()
    if founded and folder.members() != source.members():
        raise UsageFault(
            "the consortium in this folder was founded with other members",
            where=str(out),
            remedy="Render into another folder; who joins or leaves this one is voted there",
        )
    folder.root.mkdir(parents=True, exist_ok=True)
    create(folder, source.members(), development=False)
    given = folder.root / "secrets"
    given.mkdir(exist_ok=True, mode=0o700)
    hosts = [str(_SUBNET[_FIRST_HOST + place]) for place in range(len(network.validators))]
    nodes = besu.make_nodes(network, given, hosts)
    banks = _banks(network, nodes)
    services = {node.validator.name: network.data(node.validator).name for node in nodes}
    besu.render(
        network,
        nodes,
        [key for member in source.members() for key in _accounts(folder, member.name)],
        folder.root / "besu",
        {"localhost", "127.0.0.1", *services.values()},
        founded=founded,
    )
    founding = [FoundingNode(one.validator.bank, one.address, one.enode) for one in nodes]
    (folder.root / _NODES).write_text(
        json.dumps([asdict(node) for node in founding], indent=2) + "\n"
    )
    files = _secret_files(folder, banks, list(services.values()))
    admitted = folder.root / "proxies" / nginx.ADMITTED
    if not (founded and admitted.exists()):  # then the registry says who gets through
        admitted.parent.mkdir(exist_ok=True)
        admitted.write_text(nginx.admitted([bank.service for bank in banks]))
    for bank in banks:
        _write_proxy(folder, bank, services)
        _write_bank_config(folder, bank, banks, services)
    context = {
        "nodes": [
            {
                "service": services[node.validator.name],
                "bank": folder_name(node.validator.bank),
                "host": node.host,
            }
            for node in nodes
        ],
        "banks": banks,
        "key_files": [{"secret": secret, "file": file} for secret, file in _KEYS.items()],
        "secrets": files,
        "subnet": str(_SUBNET),
        "metrics_port": besu.METRICS_PORT,
        "repository": str(_REPOSITORY),
        "version": version("tallystick"),
    }
    for template, place in (
        ("compose.yaml.j2", "compose.yaml"),
        ("prometheus.yml.j2", "prometheus/prometheus.yml"),
        ("banks.sql.j2", "postgres/banks.sql"),
    ):
        path = folder.root / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(_environment().get_template(template).render(context))
    shutil.copy(_HERE / "prometheus" / "alerts.yml", folder.root / "prometheus")
    shutil.copytree(_HERE / "grafana", folder.root / "grafana", dirs_exist_ok=True)


def read_nodes(out: Path) -> list[FoundingNode]:
    """The validators of a rendered network's first block."""
    return [FoundingNode(**node) for node in json.loads((out / _NODES).read_text())]


def _banks(network: Network, nodes: list[besu.Node]) -> list[Bank]:
    ports = {node.validator.name: FIRST_RPC_PORT + place for place, node in enumerate(nodes)}
    return [
        Bank(
            member.name,
            folder_name(member.name),
            _FIRST_PUBLISHED_API + place,
            [
                RpcPort(node, ports[node.validator.name], ports[node.validator.name])
                for node in nodes
                if node.validator.bank == member.name
            ],
        )
        for place, member in enumerate(network.folder.members())
    ]


def _accounts(folder: ConsortiumFolder, name: str) -> list[str]:
    keys = folder.public_keys(name)
    return [keys.operator, keys.approver, keys.recovery]


def _secret_files(
    folder: ConsortiumFolder, banks: list[Bank], validators: list[str]
) -> dict[str, str]:
    """Every secret by its name with its file; those that are nobody's yet are made."""
    tls.make_authority(folder.authority)
    _let_containers_read(folder.authority / "ca.pem")
    files = {"consortium-ca": folder.authority / "ca.pem"}
    for name in validators:
        files[f"{name}-key"] = folder.root / "secrets" / f"{name}.key"
    for bank in banks:
        keys, place = folder.keys(bank.name), folder.certificates(bank.name)
        for secret, file in _KEYS.items():
            files[f"{bank.service}-{secret}"] = keys / file
        made = tls.certificates(folder.authority, place)
        if not made.server.exists():
            tls.issue(folder.authority, bank.service, place, _names(bank))
        files[f"{bank.service}-server"] = made.server
        files[f"{bank.service}-server-key"] = made.server_key
        files[f"{bank.service}-client"] = made.client
        files[f"{bank.service}-client-key"] = made.client_key
        files[f"{bank.service}-config"] = folder.root / "secrets" / f"{bank.service}.toml"
        files[f"{bank.service}-database"] = _password(folder, f"{bank.service}-database")
        # Filled by `tally keys create --role metrics` once the node runs.
        files[f"{bank.service}-metrics"] = folder.root / "secrets" / f"{bank.service}-metrics"
        files[f"{bank.service}-metrics"].touch()
    for name in ("postgres", "grafana"):
        files[name] = _password(folder, name)
    for path in files.values():
        if path.exists():
            _let_containers_read(path)
    return {name: "./" + os.path.relpath(path, folder.root) for name, path in sorted(files.items())}


def _names(bank: Bank) -> list[str]:
    return [f"{bank.service}-proxy", "localhost", "127.0.0.1"]


def _password(folder: ConsortiumFolder, name: str) -> Path:
    path = folder.root / "secrets" / name
    if not path.exists():
        path.write_text(randomness.token_urlsafe(32))
    return path


def _let_containers_read(path: Path) -> None:
    """A container's user is another one; the folder around the file keeps everybody else out."""
    path.chmod(0o644 if path.suffix == ".pem" or path.name.endswith("-metrics") else 0o444)


def _write_proxy(folder: ConsortiumFolder, bank: Bank, services: dict[str, str]) -> None:
    pair = ("/run/secrets/server.pem", "/run/secrets/server.key")
    servers = [
        ProxyServer(
            f"RPC of {services[one.validator.validator.name]}, for members",
            str(one.port),
            f"{services[one.validator.validator.name]}:{besu.RPC_PORT}",
            *pair,
            "/run/secrets/consortium-ca",
        )
        for one in bank.rpc
    ]
    api = f"{bank.service}-node:{_NODE_PORT}"
    servers.append(ProxyServer("API and page", str(_API_PORT), api, *pair))
    path = folder.root / "proxies" / f"{bank.service}.conf"
    path.write_text(nginx.configuration(servers, None))


def _write_bank_config(
    folder: ConsortiumFolder, bank: Bank, banks: list[Bank], services: dict[str, str]
) -> None:
    """The node's own endpoints first, then the other banks', which let its certificate through."""
    ordered = [bank, *(other for other in banks if other is not bank)]
    endpoints = [f"https://{one.service}-proxy:{rpc.port}" for one in ordered for rpc in one.rpc]
    password = (folder.root / "secrets" / f"{bank.service}-database").read_text()
    own = [services[one.validator.validator.name] for one in bank.rpc]
    settings = BankToml(
        name=bank.name,
        development=False,
        database_url=f"postgresql://{bank.service}:{password}@postgres/{bank.service}",
        manifest="/etc/tallystick/network.json",
        rpc=endpoints,
        inbox="/var/lib/tallystick/inbox",
        host="0.0.0.0",
        port=_NODE_PORT,
        tls={"rpc_ca": "consortium-ca", "rpc_cert": "client.pem", "rpc_key": "client.key"},
        own_nodes=OwnNodes([f"ws://{service}:{besu.CONTROL_PORT}" for service in own]),
    )
    path = folder.root / "secrets" / f"{bank.service}.toml"
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
