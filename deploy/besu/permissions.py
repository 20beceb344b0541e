"""Besu's permissions as the registry has the consortium now: what votes have changed is in them.

OUT/besu/shared/{nodes.toml, static-nodes.json}, OUT/besu/accounts/NAME/accounts.toml. A node that
runs reads the permissions when its own bank calls `perm_reloadPermissionsFromFile` (at its
WebSocket), the static nodes when it starts.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from eth_utils.address import to_checksum_address

from app.contracts.consortium_registry import ConsortiumRegistry
from app.domain.votes import PURPOSES
from deploy.besu.render import write_accounts, write_peers

_ENODE = re.compile(r"enode://[0-9a-fA-F]{128}@[\w.\[\]:-]+")
_ADDRESSES = [number for number, purpose in PURPOSES.items() if purpose != "sealing"]


def write_permissions(registry: ConsortiumRegistry, besu: Path) -> tuple[int, int]:
    """Write them for every node that has a folder; returns how many nodes and accounts are let in.

    What was registered as a validator's place and is no enode is left out: Besu would not start.
    """
    enodes = sorted(one.enode for one in registry.validators() if _ENODE.fullmatch(one.enode))
    accounts = sorted(_accounts(registry))
    write_peers(besu, enodes)
    write_accounts(besu, accounts, [path.name for path in (besu / "accounts").iterdir()])
    return len(enodes), len(accounts)


def _accounts(registry: ConsortiumRegistry) -> Iterator[str]:
    """Every address of the present members."""
    for member in registry.present_members():
        for purpose in _ADDRESSES:
            key = registry.key_of(member, purpose)
            if any(key):
                yield to_checksum_address(key[12:])
