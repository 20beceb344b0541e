"""Whether an endpoint serves this network's own chain."""

from typing import Any

from app.chain.contracts import Reconciliation
from app.chain.manifest import CONTRACT_VERSION, Manifest
from app.chain.rpc import Rpc
from app.domain.errors import WrongChain


def identity_requests(manifest: Manifest) -> list[tuple[str, list[Any]]]:
    """What to ask, alone or in a batch with other questions; `check_identity` judges the answers.

    The chain id alone is no identity: a development chain that was begun anew has the same one,
    and contracts that were deployed again with the same keys have the same addresses.
    """
    return [
        ("eth_chainId", []),
        ("eth_getBlockByNumber", ["0x0", False]),
        ("eth_getCode", [manifest.addresses["Reconciliation"], "latest"]),
    ]


def check_identity(url: str, manifest: Manifest, answers: list[Any]) -> None:
    """Raise WrongChain unless the answers are those of the manifest's chain and contracts."""
    chain_id, genesis, code = answers
    if int(chain_id, 16) != manifest.chain_id:
        raise WrongChain(
            f"it serves chain {int(chain_id, 16)}, this network is chain {manifest.chain_id}",
            where=url,
            remedy="Mend `rpc` in bank.toml",
        )
    if genesis is None or genesis["hash"] != manifest.genesis:
        raise WrongChain(
            f"it serves another chain of the same id {manifest.chain_id} (its first block is not "
            "this network's)",
            where=url,
            remedy="Mend `rpc` in bank.toml; or restore the chain's own state, or found the "
            "network anew",
        )
    if code in ("0x", "0x0", None):
        raise WrongChain(
            f"there is no Reconciliation contract at {manifest.addresses['Reconciliation']}",
            where=url,
            remedy="The chain has lost its newest blocks or is not synced: let it sync, restore "
            "it, or found the network anew",
        )


def check_chain(rpc: Rpc, manifest: Manifest) -> None:
    """Raise WrongChain unless the endpoint serves the manifest's chain, contracts and version."""
    check_identity(rpc.url, manifest, rpc.batch(identity_requests(manifest)))
    version = Reconciliation(rpc, manifest.addresses["Reconciliation"]).contract_version()
    if version != CONTRACT_VERSION:
        raise WrongChain(
            f"its contracts are version {version}, this application speaks {CONTRACT_VERSION}",
            where=rpc.url,
            remedy="Upgrade the application or the contracts",
        )
