"""Admitting a member: its keys and chain node, the banks' votes, its place among the validators.

In this order of trust: the registry decides, the chain's validator set follows it.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from app.config import load_config
from app.contracts.proposals import Newcomer, register_validator
from app.contracts.proposals import admit as asked_to_admit
from app.domain.consortium import MemberRole
from app.domain.errors import ChainFault, UsageFault
from app.domain.votes import BANK_ROLES, ROLE_NUMBERS
from app.keys.keystore import create_keys
from app.keys.possession import Registry, prove_admission, signing_accounts
from app.processes import free_ports
from deploy import tls
from deploy.consortium import Member, write_config
from deploy.network import layout, proxy
from deploy.network.genesis import make_keys
from deploy.network.health import look
from deploy.network.layout import Network, Validator
from deploy.network.membership import Change, Say, changing
from deploy.network.operate import ended, start_one

_SYNCED_WITHIN_BLOCKS = 3
_STANDS_STILL_S = 60.0
_SAY_EVERY_S = 5.0
_POLL_S = 0.3


def admit(root: Path, name: str, role: MemberRole | None, say: Say) -> Network:
    """Admit `name` to the network in `root` by the votes of the banks whose keys lie there.

    A bank (`partner` where nothing is said, or `lead`) gets a validator of its own; an auditor or
    regulator reads. Cut off anywhere and run again, it goes on. Raises UsageFault for a member
    that is there, was evicted or is suspended, and where too few keys lie there; ChainFault.
    """
    with changing(root, "admit", name, say) as change:
        role = _decide(change, role)
        change.ballot.voters()  # told before anything is made
        change.note(role=role)
        validator = _prepare(change, role)
        if validator is not None:
            _start(change, validator)
        _vote_in(change, role)
        if validator is not None:
            _seat(change, validator)
        change.finish()
        return change.network


def _decide(change: Change, role: MemberRole | None) -> MemberRole:
    """The role, from this run or the one that was cut off. Raises UsageFault."""
    noted, state, name = change.noted(), change.state, change.name
    if state == "evicted":
        raise UsageFault(
            f"{name} was evicted, for ever, and its keys with it",
            remedy="Admit the bank under another name",
        )
    if state == "suspended":
        raise UsageFault(
            f"{name} is a member, and suspended",
            remedy="`tally consortium propose reinstate` brings it back",
        )
    if state == "active" and noted is None and change.is_listed:
        raise UsageFault(
            f"{name} is a member already", remedy="`tally network status` shows its validators"
        )
    folder = change.network.folder
    if state == "active" and (
        not folder.keys(name).exists()
        or change.registry.member_of(folder.public_keys(name).operator) != change.number
    ):
        raise UsageFault(
            f"{name} is a member already, with keys that do not lie here",
            where=str(folder.root),
            remedy="Its chain node is its own to run",
        )
    begun: MemberRole | None = noted["role"] if noted else None
    if begun and role and role != begun:
        raise UsageFault(
            f"the admission of {name} as {begun} was begun and is not through",
            remedy=f"Go on with --role {begun}",
        )
    return begun or role or "partner"


def _prepare(change: Change, role: MemberRole) -> Validator | None:
    """Make what `create` makes for a founder; what a run before has made stays."""
    network, name, folder = change.network, change.name, change.network.folder
    if not folder.keys(name).exists():
        change.say(f"making the keys of {name}")
        create_keys(folder.keys(name), development=True)
    behind_proxy = bool(network.api_tls_ports)
    ports = iter(free_ports(_PORTS, set(_promised(network))))
    own = [one for one in network.validators if one.bank == name]
    if role in BANK_ROLES and not own:
        own = [_make_validator(change, ports, behind_proxy=behind_proxy)]
        network.validators.extend(own)
    if behind_proxy:
        network.api_tls_ports.setdefault(name, next(ports))
    made = tls.certificates(folder.authority, folder.certificates(name))
    if behind_proxy and not made.client_key.exists():
        proxy.make_certificate(network, name)
    if not change.is_listed:
        config = folder.config(name)
        write_config(
            folder,
            name,
            rpc=network.rpcs_of(name, len(folder.members())),
            port=load_config(config).api.port if config.exists() else next(ports),
            certificates=made if behind_proxy else None,
            own_nodes=network.own_nodes(name, change.binary),
        )
    network.write()
    return own[0] if own else None


_PORTS = 6  # a validator's four, its node's API, the proxy's before that


def _make_validator(change: Change, ports: Iterator[int], *, behind_proxy: bool) -> Validator:
    name = f"{change.name}-1"
    data = layout.data_folder(change.network.folder, name)
    if data.exists():  # left by a run that was cut off before it was described
        shutil.rmtree(data)
    address, node_id = make_keys(change.binary, data)
    rpc, peers, control, tls_port = (next(ports) for _ in range(4))
    return Validator(
        name, change.name, address, node_id, rpc, peers, control, tls_port if behind_proxy else 0
    )


def _promised(network: Network) -> Iterator[int]:
    """Ports that belong to members' processes, whether these run or not."""
    for one in network.validators:
        yield from (one.rpc_port, one.peer_port, one.control_port, one.tls_port)
    yield from network.api_tls_ports.values()
    for member in network.folder.members():
        yield load_config(network.folder.config(member.name)).api.port


def _start(change: Change, validator: Validator) -> None:
    """Start its chain node and wait until it has the others' blocks."""
    network = change.network
    start_one(change.binary, network, validator, change.say)
    best, moved_at, said_at = -1, time.monotonic(), time.monotonic()
    while True:
        health = look(network)
        own = next(one for one in health.validators if one.validator == validator)
        if not own.running:
            raise ended(network, validator)
        if own.answers and own.height >= health.height - _SYNCED_WITHIN_BLOCKS:
            change.say(f"{validator.name} has all {own.height:,} blocks")
            return
        now = time.monotonic()
        if own.height > best:
            best, moved_at = own.height, now
        if now - moved_at > _STANDS_STILL_S:
            raise ChainFault(
                f"{validator.name} stays at block {own.height:,} of {health.height:,}",
                where=str(network.log(validator)),
                remedy="Look at its log, then run this again",
            )
        if now - said_at > _SAY_EVERY_S:
            said_at = now
            change.say(f"{validator.name} fetches blocks: {own.height:,} of {health.height:,}")
        time.sleep(_POLL_S)


def _vote_in(change: Change, role: MemberRole) -> None:
    name, folder = change.name, change.network.folder
    if change.state == "none":
        keys = folder.public_keys(name)
        registry = Registry(change.registry.chain_id(), change.registry.address)
        signers = signing_accounts(folder.keys(name), development=True)
        proof = prove_admission(registry, name, ROLE_NUMBERS[role], keys, signers)
        newcomer = Newcomer(
            name, role, keys.sealing, keys.operator, keys.approver, keys.recovery, proof
        )
        change.ballot.carry([asked_to_admit(newcomer)], f"admit {name}", change.say)
    if not change.is_listed:
        folder.write_members([*folder.members(), Member(name, role)])
    change.apply(change.network)
    change.say(f"{name} is member {change.number}")


def _seat(change: Change, validator: Validator) -> None:
    if validator.address not in change.view.nodes_of(change.number):
        asked = register_validator(change.number, validator.address, validator.peer)
        change.ballot.carry([asked], f"make {validator.name} a validator", change.say)
    change.follow([validator.address], admit=True)
