"""Whether an endpoint serves this network's own chain."""

from typing import Any

from eth_utils.abi import function_signature_to_4byte_selector

from app.chain.errors import OutOfSync, unreachable
from app.chain.manifest import CONTRACT_VERSION, Manifest
from app.chain.rpc import Rpc
from app.domain.errors import WrongChain

_VERSION = "0x" + function_signature_to_4byte_selector("contractVersion()").hex()


def identity_requests(manifest: Manifest) -> list[tuple[str, list[Any]]]:
    """What to ask, alone or in a batch with other questions; `check_identity` judges the answers.

    The chain id alone is no identity: a development chain that was begun anew has the same one,
    and contracts that were deployed again with the same keys have the same addresses.
    """
    return [
        ("eth_chainId", []),
        ("eth_getBlockByNumber", ["0x0", False]),
        ("eth_call", [{"to": manifest.addresses["Reconciliation"], "data": _VERSION}, "latest"]),
        ("eth_blockNumber", []),
    ]


def check_identity(url: str, manifest: Manifest, answers: list[Any]) -> int:
    """The newest block there. Raises WrongChain unless the answers are those of the manifest's
    chain, contracts and version, OutOfSync when they are of that chain before it had the
    contracts."""
    try:
        chain_id, genesis, version, newest = (
            int(answers[0], 16),
            answers[1] and answers[1]["hash"],
            # What a call of an address without code answers.
            None if answers[2] == "0x" else int(answers[2], 16),
            int(answers[3], 16),
        )
    except (ValueError, TypeError, KeyError) as fault:
        raise unreachable(url, ValueError("its answers cannot be read")) from fault
    if chain_id != manifest.chain_id:
        raise WrongChain(
            f"it serves chain {chain_id}, this network is chain {manifest.chain_id}",
            where=url,
            remedy="Mend `rpc` in bank.toml",
        )
    if genesis != manifest.genesis:
        raise WrongChain(
            f"it serves another chain of the same id {manifest.chain_id} (its first block is not "
            "this network's)",
            where=url,
            remedy="Mend `rpc` in bank.toml; or restore the chain's own state, or found the "
            "network anew",
        )
    if version is None:
        # Of our own first block: it has not come as far yet, however far that is.
        raise OutOfSync(
            f"there is no Reconciliation contract at {manifest.addresses['Reconciliation']} as of "
            f"block {newest}",
            where=url,
            remedy="The node was wiped or has lost its newest blocks: let it sync, restore it, or "
            "found the network anew; where other nodes answer the same, mend `manifest`",
        )
    if version != CONTRACT_VERSION:
        raise WrongChain(
            f"its contracts are version {version}, this application speaks {CONTRACT_VERSION}",
            where=url,
            remedy="Upgrade the application or the contracts",
        )
    return newest


def check_chain(rpc: Rpc, manifest: Manifest) -> int:
    """As `check_identity`, of what an endpoint answers now."""
    return check_identity(rpc.url, manifest, rpc.batch(identity_requests(manifest)))
