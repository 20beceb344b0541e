"""A new chain: the validators' keys and the first block, made by the engine's own commands."""

import json
import subprocess
from pathlib import Path
from typing import Any

from app.domain.errors import ChainFault
from deploy.consortium import replace_file
from deploy.network.layout import Network


def make_keys(engine: Path, data: Path) -> tuple[str, str]:
    """Make a validator's keys in its data folder; returns its address and its peer id.

    They are development keys: plain files that only their owner may enter the folder of.
    """
    data.mkdir(parents=True, mode=0o700)
    made = _run(engine, "secrets", "init", "--insecure", "--data-dir", str(data))
    return str(made[0]["address"]), str(made[0]["node_id"])


def write_genesis(engine: Path, network: Network, path: Path) -> None:
    """Write the genesis file: no fee, no base fee, a block a second, all validators as peers."""
    arguments = [
        *("--consensus", "ibft", "--ibft-validator-type", "ecdsa"),
        *("--chain-id", str(network.chain_id), "--dir", str(path)),
        *("--block-time", f"{network.block_time_s}s"),
        *("--block-gas-limit", str(network.block_gas_limit)),
    ]
    for validator in network.validators:
        arguments += ["--validators", validator.address, "--bootnode", validator.peer]
    _run(engine, "genesis", *arguments)


def write_peers(network: Network) -> None:
    """Name the present validators as the peers that a node dials when it starts; the first block
    stays what it is."""
    chain = json.loads(network.genesis.read_text())
    chain["bootnodes"] = [validator.peer for validator in network.validators]
    replace_file(network.genesis, json.dumps(chain, indent=4))


def _run(engine: Path, *arguments: str) -> Any:
    done = subprocess.run(
        [str(engine), *arguments, "--json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    # Notices may stand before the answer, which is the last line.
    answer = done.stdout.strip().rpartition("\n")[2]
    try:
        if done.returncode == 0:
            return json.loads(answer)
    except json.JSONDecodeError:
        pass
    raise ChainFault(
        f"`{arguments[0]}` failed: {(done.stderr or done.stdout).strip()[-500:]}",
        where=str(engine),
    )
