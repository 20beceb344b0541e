"""What the classes of the five contracts share: reading, and web3's errors made ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction
from web3.exceptions import ContractLogicError, Web3Exception

from app.chain.rpc import Rpc
from app.contracts.abi import load_abi
from app.contracts.errors import revert_data, reverted
from app.domain.errors import ChainFault

_MOST_TEXT = 1_000
"""Of what is told of an answer, which may hold anything."""


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Make web3's errors ours: ContractReverted, else a ChainFault."""
    try:
        yield
    except ContractLogicError as revert:
        data = revert_data(revert.data)
        if data is None:
            raise ChainFault(str(revert.message)[:_MOST_TEXT], where=where) from None
        raise reverted(where, data) from None
    except (Web3Exception, ValueError) as fault:
        raise ChainFault(str(fault)[:_MOST_TEXT], where=where) from fault
    except (LookupError, TypeError, AttributeError, OverflowError) as fault:
        # web3 reads what a node answers as if it always had its form.
        raise ChainFault(f"what no node answers ({fault!r:.200})", where=where) from fault


class DeployedContract:
    """A contract at its address. What reads it answers at once; what acts is a call that the bank
    signs and sends (`contracts.transactions`)."""

    name: str

    def __init__(self, rpc: Rpc, address: str) -> None:
        self._rpc = rpc
        self.address = Web3.to_checksum_address(address)

    @cached_property
    def contract(self) -> Contract:
        """web3's object of it, which takes milliseconds to make: many are never called."""
        made: Contract = self._rpc.web3.eth.contract(address=self.address, abi=load_abi(self.name))
        return made

    def chain_id(self) -> int:
        """The chain on which it stands."""
        return int(self._rpc.call("eth_chainId", []), 16)

    def _read(self, function: ContractFunction) -> Any:
        with translated(f"{self.name}.{function.fn_name}"):
            return function.call()
