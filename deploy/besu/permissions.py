"""Besu's permissions as the registry has the consortium now: what votes have changed is in them.

OUT/besu/permissions_config.toml, OUT/besu/static-nodes.json: the same on every node. A node that
runs reads the former when its own bank calls `perm_reloadPermissionsFromFile` (at its WebSocket),
the latter when it starts.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from eth_utils.address import to_checksum_address

from app.contracts.consortium_registry import ConsortiumRegistry
from app.domain.votes import PURPOSES
from deploy.besu.render import permissions
from deploy.consortium import replace_file

_ENODE = re.compile(r"enode://[0-9a-fA-F]{128}@[\w.\[\]:-]+")
_ADDRESSES = [number for number, purpose in PURPOSES.items() if purpose != "sealing"]


def write_permissions(registry: ConsortiumRegistry, besu: Path) -> tuple[int, int]:
    """Write both files; returns how many nodes and accounts they let in.

    What was registered as a validator's place and is no enode is left out: Besu would not start.
    """
    enodes = sorted(one.enode for one in registry.validators() if _ENODE.fullmatch(one.enode))
    accounts = sorted(_accounts(registry))
    replace_file(besu / "permissions_config.toml", permissions(enodes, accounts))
    replace_file(besu / "static-nodes.json", json.dumps(enodes, indent=2) + "\n")
    return len(enodes), len(accounts)


def _accounts(registry: ConsortiumRegistry) -> Iterator[str]:
    """Every address of the present members."""
    for member in registry.present_members():
        for purpose in _ADDRESSES:
            key = registry.key_of(member, purpose)
            if any(key):
                yield to_checksum_address(key[12:])
