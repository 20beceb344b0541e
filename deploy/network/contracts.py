"""The deploy steps on a network that stands: its founding, upgrades, and what votes change."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.chain.errors import ChainAnswer
from app.chain.manifest import Manifest
from app.chain.rpc import ClientTls, Rpc
from app.contracts.consortium_registry import ConsortiumRegistry
from app.domain.consortium import CONTRACTS
from app.domain.errors import ChainFault, UsageFault
from deploy import compile as compiler
from deploy import tls
from deploy.besu.permissions import write_permissions
from deploy.compose.admitted import write_admitted
from deploy.compose.render import FIRST_RPC_PORT, read_nodes
from deploy.consortium import ConsortiumFolder, folder_name
from deploy.found import found
from deploy.network import engine, layout
from deploy.network.create import founding_nodes
from deploy.network.layout import HOST
from deploy.steps.deployment import Deployment
from deploy.steps.run import Say, run
from deploy.steps.step_04_upgrade import Upgrade

_BESU = "besu"


def found_on(root: Path, rpc_url: str | None, say: Say) -> Manifest:
    """Found the consortium in `root` on its chain, as far as that was not done before."""
    with _reached(root, rpc_url) as (folder, rpc, engine_name):
        if engine_name == _BESU:
            nodes = read_nodes(folder.root)
        else:
            present = {member.name for member in folder.members()}
            nodes = [one for one in founding_nodes(layout.read(root)) if one.bank in present]
        return found(rpc, engine_name, folder, say, nodes)


def upgrade_on(root: Path, rpc_url: str | None, contract: str, say: Say) -> None:
    """Put a contract's compiled code behind its proxy, by the vote of the banks whose keys lie in
    `root`. Raises UsageFault for an unknown contract."""
    if contract not in CONTRACTS:
        raise UsageFault(
            f"there is no contract {contract!r}", remedy=f"There are {', '.join(CONTRACTS)}"
        )
    with _reached(root, rpc_url) as (folder, rpc, engine_name):
        _founded(folder)
        run([Upgrade(contract, say)], Deployment(rpc, engine_name, folder), say)


@dataclass(frozen=True, slots=True)
class Permitted:
    """Who is let in: so many Besu nodes and accounts, and the certificates of these `names` by
    these `proxies` (services), once they were started again."""

    nodes: int
    accounts: int
    names: list[str]
    proxies: list[str]


def permissions_on(root: Path, rpc_url: str | None) -> Permitted:
    """Write the permissions of a rendered network, Besu's and the proxies', as its registry has
    the consortium now. Raises UsageFault for a network of this machine, ConfigFault for a proxy
    whose list is not found."""
    with _reached(root, rpc_url) as (folder, rpc, engine_name):
        if engine_name != _BESU:
            raise UsageFault(
                "this network's engine has no permissions",
                where=str(root),
                remedy="Name a folder that `tally network render` made",
            )
        addresses = _founded(folder).addresses
        registry = ConsortiumRegistry(rpc, addresses["ConsortiumRegistry"])
        names = [folder_name(registry.name_of(one)) for one in registry.present_members()]
        proxies = write_admitted(names, folder.root / "proxies")
        nodes, accounts = write_permissions(registry, folder.root / "besu")
        return Permitted(nodes, accounts, names, proxies)


def _founded(folder: ConsortiumFolder) -> Manifest:
    """The manifest. Raises UsageFault where the consortium was not founded yet."""
    if not folder.manifest.exists():
        raise UsageFault(
            "this consortium is not founded yet",
            where=str(folder.root),
            remedy="Run `tally network found --dir DIR` once its chain runs",
        )
    return Manifest.read(folder.manifest)


@contextmanager
def _reached(root: Path, rpc_url: str | None) -> Iterator[tuple[ConsortiumFolder, Rpc, str]]:
    """The folder, the way to its chain, and the engine: what was rendered for containers is Besu,
    behind its first member's proxy; anything else a network of this machine."""
    folder = ConsortiumFolder(root.resolve())
    try:
        compiler.compile_contracts()
    except compiler.CompileError as fault:
        raise ChainFault(str(fault), where="contracts") from fault
    if (folder.root / "compose.yaml").exists():
        first = folder.members()[0].name
        made = tls.certificates(folder.authority, folder.certificates(first))
        url = rpc_url or f"https://{HOST}:{FIRST_RPC_PORT}"
        rpc = Rpc(url, tls=ClientTls(made.ca, made.client, made.client_key))
        name = _BESU
    else:
        rpc = Rpc(rpc_url or layout.read(root).validators[0].rpc)
        name = engine.NAME
    try:
        yield folder, rpc, name
    except ChainAnswer as fault:
        raise ChainFault(f"the chain refused: {fault.text}", where=rpc.url) from fault
    finally:
        rpc.close()
