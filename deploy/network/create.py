"""Founding a network: the validators' keys and chain, the banks' keys, and the contracts."""

import secrets
import shutil
from pathlib import Path

from app.chain.errors import ChainAnswer
from app.chain.rpc import Rpc
from app.domain.errors import ChainFault, UsageFault
from app.domain.votes import BANK_ROLES
from app.processes import free_ports
from deploy import compile as compiler
from deploy import tls
from deploy.consortium import ConsortiumFolder, Member, create, write_config
from deploy.found import found
from deploy.network import engine, layout, proxy
from deploy.network.genesis import make_keys, write_genesis
from deploy.network.layout import Network, Validator
from deploy.network.operate import Say, down, up
from deploy.proxy import nginx
from deploy.steps.step_05_validators import FoundingNode

_PORTS_A_VALIDATOR = 4


def create_network(root: Path, members: list[Member], validators: int, say: Say) -> Network:
    """Make a network in `root`, found the consortium on its chain, and stop the chain again.

    `members` in the order of their numbers. Validators go to the banks in turn. Raises UsageFault
    when the folder is in use, EngineMissing, or ChainFault; what was made is removed then.
    """
    folder = ConsortiumFolder(root.resolve())
    made = (
        *(folder.chain, folder.root / "banks", folder.root / "members.json"),
        *(folder.journal, folder.manifest, folder.authority, folder.proxy),
    )
    if any(path.exists() for path in made):
        raise UsageFault(
            "this folder holds a network already",
            where=str(root),
            remedy="Use it as it is (`tally network up`), or name another folder",
        )
    binary = engine.build(say)
    try:
        compiler.compile_contracts()
    except compiler.CompileError as fault:
        raise ChainFault(str(fault), where="contracts") from fault
    try:
        folder.chain.mkdir(parents=True)
    except OSError as fault:
        raise UsageFault(f"the folder cannot be made ({fault.strerror})", where=str(root)) from None
    try:
        return _create(binary, folder, members, validators, say)
    except BaseException:
        for path in made:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        raise


def founding_nodes(network: Network) -> list[FoundingNode]:
    """The network's validators as the registry takes them."""
    return [FoundingNode(one.bank, one.address, one.peer) for one in network.validators]


def _create(
    binary: Path, folder: ConsortiumFolder, members: list[Member], count: int, say: Say
) -> Network:
    say(f"making the keys of {len(members)} members and {count} validators")
    banks = [member.name for member in members if member.role in BANK_ROLES]
    names = [(banks[place % len(banks)], place // len(banks) + 1) for place in range(count)]
    behind_proxy = nginx.find() is not None
    if not behind_proxy:
        say("nginx is not installed: the chain's RPC is plain HTTP, on this machine only")
    ports = free_ports(_PORTS_A_VALIDATOR * count + 2 * len(members))
    validators = []
    for bank, number in names:
        name = f"{bank}-{number}"
        address, node_id = make_keys(binary, layout.data_folder(folder, name))
        rpc_port, peers, control, tls_port = (ports.pop() for _ in range(_PORTS_A_VALIDATOR))
        if not behind_proxy:
            tls_port = 0
        validators.append(
            Validator(name, bank, address, node_id, rpc_port, peers, control, tls_port)
        )
    # Any number that other chains hardly have, so that a foreign endpoint is recognised.
    network = Network(folder, 1_000_000 + secrets.randbelow(1_000_000_000), validators)
    write_genesis(binary, network, network.genesis)
    create(folder, members)
    if behind_proxy:
        proxy.make_certificates(network)
        network.api_tls_ports.update((member.name, ports.pop()) for member in members)
    for place, member in enumerate(members):
        write_config(
            folder,
            member.name,
            rpc=network.rpcs_of(member.name, place),
            port=ports.pop(),
            certificates=tls.certificates(folder.authority, folder.certificates(member.name))
            if behind_proxy
            else None,
            own_nodes=network.own_nodes(member.name, binary),
        )
    if behind_proxy:
        proxy.write(network)
    network.write()
    try:
        up(network, say)
        say("founding the consortium")
        rpc = Rpc(validators[0].rpc)
        try:
            found(rpc, engine.NAME, folder, say, founding_nodes(network))
        except ChainAnswer as fault:
            raise ChainFault(f"the contracts were refused: {fault.text}", where=rpc.url) from fault
        finally:
            rpc.close()
    finally:
        down(network)
    return network
