"""How each engine is found and called.

Both chains take gas price 0 from senders that own nothing, and run the contracts' `paris` bytecode.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
from pathlib import Path
from typing import Literal, get_args

from app.processes import HOST, npm_platform
from ganache.errors import EngineMissing

Engine = Literal["anvil", "ganache"]
ENGINES: tuple[str, ...] = get_args(Engine)

PACKAGES = Path(__file__).resolve().parent / "node_modules"
BLOCK_GAS = "200000000"
#: The well-known development mnemonic: the same accounts on every start and every machine.
MNEMONIC = "test test test test test test test test test test test junk"
ACCOUNTS = "4"
#: Anvil keeps a whole copy of the state for each past block that can still be called: its memory
#: is blocks x slots. Blocks in bursts need more of them than timed ones.
HISTORY_BLOCKS = 32
TIMED_HISTORY_BLOCKS = 8


def command(
    engine: Engine,
    *,
    state_dir: Path,
    host: str,
    port: int,
    chain_id: int,
    block_time_s: int | None,
    since: int | None = None,
) -> list[str]:
    """The command that runs `engine` on `port` of `host`, a loopback address.

    `since` is the time (UTC, seconds) of an anvil's first block; else it is now.

    Raises EngineMissing when the engine's npm package or Node is not installed.
    """
    if engine == "anvil":
        return _anvil(state_dir, host, port, chain_id, block_time_s, since)
    return _ganache(state_dir, host, port, chain_id, block_time_s)


def unguessable_host() -> str:
    """A loopback address that no web page can find by trying.

    Neither engine refuses one: anvil takes every page's WebSocket, ganache its requests too, and a
    page may knock at every port of 127.0.0.1. Linux alone has all of 127.0.0.0/8.
    """
    if sys.platform != "linux":
        return HOST
    chance = random.SystemRandom()
    return f"127.{chance.randrange(1, 255)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"


def _anvil(
    state_dir: Path,
    host: str,
    port: int,
    chain_id: int,
    block_time_s: int | None,
    since: int | None,
) -> list[str]:
    # The binary itself: the package's own starter is a Node process that stays in between.
    binary = PACKAGES / "@foundry-rs" / f"anvil-{npm_platform()}" / "bin" / "anvil"
    if not os.access(binary, os.X_OK):
        raise EngineMissing(f"anvil is not installed ({binary} is not there): run `make setup`")
    call = [str(binary), "--quiet", "--host", host, "--port", str(port)]
    call += ["--chain-id", str(chain_id), "--hardfork", "paris", "--gas-limit", BLOCK_GAS]
    call += ["--block-base-fee-per-gas", "0", "--gas-price", "0", "--order", "fifo"]
    call += ["--accounts", ACCOUNTS, "--mnemonic", MNEMONIC]
    call += ["--cache-path", str(state_dir / "cache"), "--prune-history"]
    if block_time_s is None:
        call += [str(HISTORY_BLOCKS)]
    else:
        # The launcher mines: with a block time of its own anvil keeps up to 1,500 states.
        call += [str(TIMED_HISTORY_BLOCKS)]
    if since is not None or block_time_s is not None:
        call += ["--no-mining"]
    if since is not None:
        call += ["--timestamp", str(since)]
    # A page that knows the address may not ask by request: without CORS its JSON is refused.
    call += ["--no-cors"]
    # A JSON-RPC batch of forty postings is over the 2 MB that anvil takes by default.
    call += ["--no-request-size-limit"]
    return call


def _ganache(
    state_dir: Path, host: str, port: int, chain_id: int, block_time_s: int | None
) -> list[str]:
    script = PACKAGES / "ganache" / "dist" / "node" / "cli.js"
    if not script.is_file():
        raise EngineMissing(f"ganache is not installed ({script} is not there): run `make setup`")
    node = shutil.which("node")
    if node is None:
        raise EngineMissing("ganache needs Node 20 or later, and `node` is not on the PATH")
    call = [node, str(script), "--logging.quiet", "--server.host", host]
    call += ["--server.port", str(port), "--chain.chainId", str(chain_id)]
    call += ["--chain.networkId", str(chain_id)]
    # From London on ganache charges a base fee that no option turns off. `paris` bytecode that
    # reads neither the base fee nor the randomness of a block runs on Berlin just the same.
    call += ["--chain.hardfork", "berlin", "--miner.defaultGasPrice", "0"]
    call += ["--miner.blockGasLimit", BLOCK_GAS, "--miner.callGasLimit", BLOCK_GAS]
    call += ["--wallet.totalAccounts", ACCOUNTS, "--wallet.mnemonic", MNEMONIC]
    call += ["--database.dbPath", str(state_dir / "database")]
    if block_time_s is not None:
        call += ["--miner.blockTime", str(block_time_s)]
    return call
