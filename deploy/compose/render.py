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
from dataclasses import asdict
from pathlib import Path

from app.domain.errors import UsageFault
from deploy import tls
from deploy.besu import render as besu
from deploy.compose.folder import Bank, Rendered, RpcPort, write
from deploy.consortium import ConsortiumFolder, create, folder_name
from deploy.network.layout import Network
from deploy.proxy import nginx
from deploy.steps.step_05_validators import FoundingNode

PROJECT = "tallystick"
"""The compose project of the founders."""
ENDPOINTS = "endpoints.json"
"""Beside the proxies' configurations: where members reach the founders' chain nodes."""
SUBNET = ipaddress.IPv4Network("172.30.77.0/24")
"""Of the validators' peers."""
FIRST_HOST = 11
_API_SUBNETS = ipaddress.IPv4Network("172.30.128.0/17")
_API_SUBNET_BITS = 29
FIRST_RPC_PORT = 18545
_FIRST_PUBLISHED_API = 8701
_NODES = "besu/validators.json"


def render(network: Network, out: Path, release: besu.Release | None = None) -> Rendered:
    """Write OUT, or write it anew: keys, certificates and passwords that are there stay, and so
    does the release of Besu where none is named.

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
    tls.make_authority(folder.authority)
    files = folder.root / "besu"
    nodes = [
        besu.make_node(
            network.data(one).name,
            one.bank,
            str(SUBNET[FIRST_HOST + place]),
            folder.root / "secrets",
        )
        for place, one in enumerate(network.validators)
    ]
    banks = _banks(network, nodes)
    besu.write_genesis(network, nodes, files)
    admitted = folder.root / "proxies" / nginx.ADMITTED
    admitted.parent.mkdir(exist_ok=True)
    endpoints = [url for bank in banks for url in bank.endpoints]
    (admitted.parent / ENDPOINTS).write_text(json.dumps(endpoints, indent=2) + "\n")
    if not (founded and admitted.exists()):  # then the registry says who gets through
        admitted.write_text(nginx.admitted([bank.service for bank in banks]))
        accounts = [key for bank in banks for key in folder.public_keys(bank.name).accounts]
        besu.write_peers(files, [node.enode for node in nodes])
        besu.write_accounts(files, accounts, [node.name for node in nodes])
    founding = [FoundingNode(one.bank, one.address, one.enode) for one in nodes]
    (folder.root / _NODES).write_text(
        json.dumps([asdict(node) for node in founding], indent=2) + "\n"
    )
    rendered = Rendered(
        folder,
        banks,
        nodes,
        block_gas_limit=network.block_gas_limit,
        release=release or besu.read_release(files),
        subnet=str(SUBNET),
        project=PROJECT,
    )
    write(rendered)
    return rendered


def read_nodes(out: Path) -> list[FoundingNode]:
    """The validators of a rendered network's first block. Raises UsageFault for a newcomer's
    folder, which has none."""
    try:
        text = (out / _NODES).read_text()
    except FileNotFoundError:
        raise UsageFault(
            "this folder is a newcomer's: its consortium is founded",
            where=str(out),
            remedy="Name the folder of the founders",
        ) from None
    return [FoundingNode(**node) for node in json.loads(text)]


def api_subnet(place: int) -> ipaddress.IPv4Network:
    """Of the network in which a bank's node listens, one after the other; there are 4096."""
    size = 1 << (_API_SUBNETS.max_prefixlen - _API_SUBNET_BITS)
    return ipaddress.IPv4Network((_API_SUBNETS[place * size], _API_SUBNET_BITS))


def _banks(network: Network, nodes: list[besu.Node]) -> list[Bank]:
    return [
        Bank(
            member.name,
            folder_name(member.name),
            _FIRST_PUBLISHED_API + place,
            api_subnet(place),
            [
                RpcPort(node.name, FIRST_RPC_PORT + place)
                for place, node in enumerate(nodes)
                if node.bank == member.name
            ],
        )
        for place, member in enumerate(network.folder.members())
    ]
