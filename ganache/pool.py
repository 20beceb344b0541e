"""Anvil's pool of pending transactions when it mines as they come."""

from __future__ import annotations

from contextlib import suppress

from ganache import rpc


class Pool:
    """Watches one chain's pool.

    An automining anvil makes a block when a transaction comes. What did not fit in that block's gas
    then waits until the next one comes, which may be never.
    """

    def __init__(self) -> None:
        self._height: str | None = None

    def unstick(self, url: str) -> None:
        """Mine what waits, if something waits and no block came since the last call."""
        with suppress(rpc.NoAnswer):
            height = rpc.call(url, "eth_blockNumber")
            waiting = rpc.call(url, "txpool_status")["pending"] != "0x0"
            # Who turned automining off wants them to wait.
            if waiting and height == self._height and rpc.call(url, "anvil_getAutomine"):
                rpc.call(url, "evm_mine")
            self._height = height
