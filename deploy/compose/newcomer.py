"""A member that joins a rendered consortium: its own chain node, proxy, node and configuration, in
a folder of its own, made from what the others may hand over.

FROM/   network.json, tls/ca.pem, besu/, proxies/ of the consortium's folder: nothing secret
OUT/    as deploy.compose.render says, of one member alone

Its containers take part in the consortium's networks `peers` and `members`. Where they run on
another machine, these are networks that span machines.
"""

import ipaddress
import json
import re
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import ConfigFault, UsageFault
from app.domain.votes import BANK_ROLES
from deploy import tls
from deploy.besu import render as besu
from deploy.compose.folder import Bank, Rendered, RpcPort, server_names, write
from deploy.compose.render import ENDPOINTS, FIRST_HOST, FIRST_RPC_PORT, PROJECT, SUBNET, api_subnet
from deploy.consortium import ConsortiumFolder, Member, create, folder_name
from deploy.proxy import nginx

_HANDED_OVER = (
    *("network.json", "tls/ca.pem", "besu/shared/genesis.json", "besu/shared/static-nodes.json"),
    *(f"proxies/{nginx.ADMITTED}", f"proxies/{ENDPOINTS}"),
)
_FIRST_API = 8801
_FIRST_GRAFANA = 3001
_FIRST_API_SUBNET = 1024  # founders' are before it


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What was rendered. `node`: its validator, which an observer has none of; `requests`: the
    certificates that the authority's holder has yet to sign."""

    rendered: Rendered
    node: besu.Node | None
    requests: list[Path]


def render_newcomer(
    source: Path,
    out: Path,
    member: Member,
    address: str | None = None,
    release: besu.Release | None = None,
) -> Newcomer:
    """Write OUT, or write it anew: keys, certificates, passwords and address that are there stay,
    and so does whom it lets in, which the registry says by then.

    `address`: of its validator among the peers; else the one after the last. `release` of Besu:
    else the one that it was rendered for, at first the founders'. Where the authority's
    key lies in `source`, certificates are made; else what it takes to ask for them. Raises
    UsageFault where `source` is no founded consortium, where OUT is somebody else's, and for an
    address that is taken or not the peers'; ConfigFault.
    """
    folder = ConsortiumFolder(out.resolve())
    given = _read(source)
    if folder.members() not in ([], [member]):
        raise UsageFault(
            "this folder is another member's, or another role's",
            where=str(out),
            remedy="Name a folder of its own for each newcomer",
        )
    service = folder_name(member.name)
    host = _host(address, f"{service}-1", folder.root / "besu", given.enodes)
    place = int(host) - int(SUBNET[FIRST_HOST])
    folder.root.mkdir(parents=True, exist_ok=True)
    create(folder, [member], development=False)
    for name in ("network.json", "tls/ca.pem", "besu/shared/genesis.json"):
        (folder.root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder.root / name)
    (folder.root / "network.json").chmod(0o644)
    nodes = []
    if member.role in BANK_ROLES:
        secrets = folder.root / "secrets"
        nodes = [besu.make_node(f"{service}-1", member.name, str(host), secrets)]
    ports = [RpcPort(node.name, FIRST_RPC_PORT + place) for node in nodes]
    bank = Bank(
        member.name, service, _FIRST_API + place, api_subnet(_FIRST_API_SUBNET + place), ports
    )
    files = folder.root / "besu"
    proxies = folder.root / "proxies"
    if not (proxies / nginx.ADMITTED).exists():
        besu.write_peers(files, {*given.enodes, *(node.enode for node in nodes)})
        accounts = [*given.accounts, *folder.public_keys(member.name).accounts]
        besu.write_accounts(files, accounts, [node.name for node in nodes])
        proxies.mkdir(exist_ok=True)
        shutil.copyfile(source / "proxies" / nginx.ADMITTED, proxies / nginx.ADMITTED)
    rendered_for = files if (files / "release").exists() else source / "besu"
    rendered = Rendered(
        folder,
        [bank],
        nodes,
        block_gas_limit=given.block_gas_limit,
        release=release or besu.read_release(rendered_for),
        subnet=str(SUBNET),
        elsewhere=given.endpoints,
        joins=PROJECT,
        project=f"{PROJECT}-{re.sub('[^a-z0-9_-]', '-', service.lower())}",
        grafana_port=_FIRST_GRAFANA + place,
    )
    requests = _certificates(source / "tls", rendered, bank)
    write(rendered)
    return Newcomer(rendered, nodes[0] if nodes else None, requests)


@dataclass(frozen=True, slots=True)
class _Given:
    """What the consortium's folder says to everybody in it."""

    enodes: list[str]
    accounts: list[str]
    endpoints: list[str]
    block_gas_limit: int


def _host(
    address: str | None, name: str, besu_files: Path, enodes: Sequence[str]
) -> ipaddress.IPv4Address:
    """The address asked for, or the one that it was rendered with, or the one after the last."""
    configuration = besu_files / "shared" / f"{name}.toml"
    if configuration.exists():
        kept = tomllib.loads(configuration.read_text())["p2p-host"]
        if address not in (None, kept):
            raise UsageFault(
                f"its validator was rendered at {kept}, which others may know",
                where=str(configuration),
                remedy="Leave the address out",
            )
        return ipaddress.IPv4Address(kept)
    hosts = list(SUBNET.hosts())[FIRST_HOST - 1 :]
    named = {one.partition("@")[2].partition(":")[0] for one in enodes}
    taken = [host for host in hosts if str(host) in named]
    if address is None:
        free = [host for host in hosts if not taken or host > taken[-1]]
    else:
        free = [host for host in hosts if str(host) == address and host not in taken]
    if not free:
        raise UsageFault(
            f"the address {address or 'after the last'} is a validator's already, or not among the "
            "peers'",
            remedy=f"Give a free one of {SUBNET}, from {hosts[0]} on (--address)",
        )
    return free[0]


def _certificates(authority: Path, rendered: Rendered, bank: Bank) -> list[Path]:
    """Make them where the authority's key lies there, else what asks for them; returns those."""
    folder = rendered.folder
    made = tls.certificates(folder.authority, folder.certificates(bank.name))
    if not made.server_key.exists():
        names = server_names(bank)
        if (authority / "ca.key").exists():
            tls.issue(authority, bank.service, made.server.parent, names)
        else:
            tls.request(bank.service, made, names)
    pairs = [
        (made.server, made.server.with_suffix(".csr")),
        (made.client, made.client.with_suffix(".csr")),
    ]
    return [request for certificate, request in pairs if not certificate.exists()]


def _read(source: Path) -> _Given:
    missing = [name for name in _HANDED_OVER if not (source / name).is_file()]
    if missing:
        raise UsageFault(
            f"this is no consortium that was rendered and founded: there is no {missing[0]}",
            where=str(source),
            remedy="Have its network.json, tls/ca.pem, besu/ and proxies/ handed over",
        )
    try:
        genesis = json.loads((source / "besu" / "shared" / "genesis.json").read_text())
        lists = [
            tomllib.loads(path.read_text())["accounts-allowlist"]
            for path in sorted((source / "besu" / "accounts").glob("*/accounts.toml"))
        ]
        enodes = json.loads((source / "besu" / "shared" / "static-nodes.json").read_text())
        endpoints = json.loads((source / "proxies" / ENDPOINTS).read_text())
        accounts = [account for one in lists for account in one]
        if not all(isinstance(one, str) for one in (*enodes, *endpoints, *accounts)):
            raise ValueError("a list holds what is no text")
        return _Given(enodes, accounts, endpoints, int(genesis["gasLimit"], 16))
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise ConfigFault(
            f"the consortium's files cannot be read ({type(fault).__name__}: {fault})",
            where=str(source),
            remedy="Render the consortium again, and have its besu/ and proxies/ handed over anew",
        ) from None
