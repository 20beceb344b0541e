"""The contract's own books, read beside ours so that the two can differ and be seen to."""

from dataclasses import asdict
from typing import Any

from eth_utils.abi import function_signature_to_4byte_selector

from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.domain.matching.books import Books
from app.indexer.changes import Incident
from app.indexer.errors import ShortAnswer
from app.indexer.state import Account, ContractAccount

_ACCOUNT = "0x" + function_signature_to_4byte_selector("account(uint32,uint8)").hex()
_WORDS = 8


def read_books(rpc: Rpc, manifest: Manifest, accounts: list[Account], block: int) -> list[Incident]:
    """Read `ReserveLedger.account` of each account at a block, into `Account.contract`.

    Returns an incident for each account whose books there are not the sums of its legs here. The
    calls name no sender: one would make some engines refuse a past block.
    """
    ledger = manifest.addresses["ReserveLedger"]
    incidents: list[Incident] = []
    requests: list[tuple[str, list[Any]]] = []
    for account in accounts:
        data = f"{_ACCOUNT}{account.facility:064x}{account.partner:064x}"
        requests.append(("eth_call", [{"to": ledger, "data": data}, hex(block)]))
    for account, answer in zip(accounts, rpc.batch(requests), strict=True):
        raw = bytes.fromhex(answer[2:])
        if len(raw) != 32 * _WORDS:
            raise ShortAnswer("the ledger's account cannot be read", where=f"block {block}")
        *books, open_legs, closed_through = (
            int.from_bytes(raw[place : place + 32], signed=True) for place in range(0, len(raw), 32)
        )
        account.contract = contract = ContractAccount(
            account.last_block, Books(*books), open_legs, closed_through
        )
        differing = [
            f"{name} {getattr(account.books, name)} here, {value} in the contract"
            for name, value in asdict(contract.books).items()
            if getattr(account.books, name) != value
        ]
        if differing:
            of = f"facility {account.facility}, partner {account.partner}"
            place = f"{of}: {'; '.join(differing)}"
            incidents.append(Incident("books_differ", place, account.last_block))
    return incidents
