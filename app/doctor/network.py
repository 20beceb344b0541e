"""The chain: its endpoints, its clock, and whom it takes this bank for."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from app.chain.engines import engine as chain_engine
from app.chain.errors import ChainAnswer
from app.chain.failover import LAG_BLOCKS
from app.chain.identity import check_chain
from app.chain.manifest import Manifest
from app.chain.newest import newest_block
from app.chain.rpc import Rpc
from app.chain.validators import chain_nodes
from app.config import BankConfig
from app.contracts.consortium_registry import ConsortiumRegistry
from app.doctor.finding import Finding, fail, failed, ok, warn
from app.domain.errors import ChainFault, ConfigFault
from app.keys.keystore import public_keys
from app.node.bank import client_tls

_TIMEOUT_S = 5.0
SKEW_S = 5
"""So far this machine's clock may be behind the newest block's time."""
SILENT_S = 30
"""So long a chain whose blocks come by themselves may bring none."""


@dataclass(slots=True)
class Chain:
    """An endpoint that serves the right chain. `time`: the newest block's, seconds since 1970."""

    rpc: Rpc
    head: int
    time: int


def check_endpoints(config: BankConfig, manifest: Manifest) -> tuple[Chain | None, list[Finding]]:
    """Look at every endpoint; the first good one is what the other checks ask."""
    found: list[Finding] = []
    good: list[Chain] = []
    for url in config.rpc:
        rpc = Rpc(url, _TIMEOUT_S, client_tls(config))
        check = f"chain at {rpc.origin}"
        try:
            chain = _look(rpc, manifest)
            syncing = rpc.call("eth_syncing", [])
        except ChainFault as fault:
            rpc.close()
            found.append(failed(check, fault))
            continue
        if _is_syncing(syncing):
            found.append(fail(check, "is still syncing", "Wait until it has the newest blocks"))
        else:
            found.append(ok(check, f"serves this network, block {chain.head:,}"))
        good.append(chain)
    if not good:
        return None, found
    newest = max(chain.head for chain in good)
    for chain in good:
        if newest - chain.head > LAG_BLOCKS:
            found.append(
                warn(
                    f"chain at {chain.rpc.origin}",
                    f"is {newest - chain.head} blocks behind the best endpoint",
                    "See its peers and its disk; the node asks the others meanwhile",
                )
            )
    best = next(chain for chain in good if newest - chain.head <= LAG_BLOCKS)
    for chain in good:
        if chain is not best:
            chain.rpc.close()
    return best, found


def _is_syncing(answer: object) -> bool:
    """Whether blocks are missing, by what `eth_syncing` answers: Edge calls every block that it
    takes from a peer syncing, for a moment."""
    if not isinstance(answer, dict):
        return bool(answer)
    try:
        behind = int(answer["highestBlock"], 16) - int(answer["currentBlock"], 16)
    except (KeyError, TypeError, ValueError):
        return True
    return behind > LAG_BLOCKS


def _look(rpc: Rpc, manifest: Manifest) -> Chain:
    check_chain(rpc, manifest)
    block = newest_block(rpc)
    return Chain(rpc, int(block["number"], 16), int(block["timestamp"], 16))


def check_own_nodes(config: BankConfig, manifest: Manifest) -> Iterator[Finding]:
    """Its own chain nodes take votes where bank.toml says."""
    own = config.validator
    if own is None:
        return
    try:
        nodes = chain_nodes(manifest.engine, own.control, own.engine)
    except ValueError as fault:
        yield fail("own chain nodes", str(fault), "Mend [validator] in bank.toml")
        return
    for control, node in zip(own.control, nodes, strict=True):
        check = f"own chain node at {control}"
        try:
            node.check()
        except ChainFault as fault:
            yield fail(
                check,
                fault.what,
                "Start it, or mend [validator] in bank.toml; until then this bank casts no votes "
                "on validators",
            )
        else:
            yield ok(check, "takes votes")


def check_clock(chain: Chain, manifest: Manifest) -> Iterator[Finding]:
    """This machine's clock against the blocks', and whether blocks come."""
    age = int(time.time()) - chain.time
    if -age > SKEW_S:
        yield fail(
            "clock",
            f"this machine's clock is {-age} s behind the newest block's time",
            "Let NTP set it; dates of events and ages are wrong until then",
        )
    else:
        yield ok("clock", "not behind the chain's")
    if not chain_engine(manifest.engine).keeps_blocks:
        return  # a development chain may make blocks on demand only
    if age > SILENT_S:
        yield fail(
            "blocks",
            f"the newest one is {age} s old: the chain stalls, or this clock is ahead",
            "See that more than two thirds of the validators run (`tally network status`, in "
            "containers `docker compose ps`), and that NTP sets this machine's clock",
        )
    else:
        yield ok("blocks", f"the newest one is {age} s old")


def check_membership(config: BankConfig, manifest: Manifest, chain: Chain) -> Finding:
    """The operator key is the one that the registry has for a member of this name."""
    check = "operator on the chain"
    try:
        operator = public_keys(config.keys).operator
        registry = ConsortiumRegistry(chain.rpc, manifest.addresses["ConsortiumRegistry"])
        member = registry.member_of(operator)
        if member == 0:
            return fail(
                check,
                f"{operator} is no member's operator key",
                "Use the keys that the bank was admitted with, or the newest after a rotation; "
                "or have the bank admitted",
            )
        name, state = registry.name_of(member), registry.state_of(member)
    except (ChainFault, ChainAnswer, ConfigFault) as fault:
        return failed(check, fault)
    if name != config.name:
        return fail(
            check,
            f"{operator} is the operator key of {name}",
            "Mend `name` or `keys` in bank.toml",
        )
    if state != "active":
        return fail(
            check,
            f"{name} is {state}: its postings are refused",
            "The other banks' votes decide; talk to them",
        )
    return ok(check, f"{operator} is member {member}")
