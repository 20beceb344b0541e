"""The contract's own books, read beside ours so that the two can differ and be seen to."""

from eth_utils.crypto import keccak

from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.indexer.errors import ShortAnswer
from app.indexer.state import CONTRACT, SUMS, Account

_ACCOUNT = "0x" + keccak(text="account(uint32,uint8)")[:4].hex()
_WORDS = 8
_ACCOUNTS_A_REQUEST = 200


def read_books(
    rpc: Rpc, manifest: Manifest, accounts: list[Account], block: int
) -> list[tuple[str, str, int]]:
    """Read `ReserveLedger.account` of each account at a block, into `Account.contract`.

    Returns an incident for each account whose books there are not the sums of its legs here. The
    calls name no sender: one would make some engines refuse a past block.
    """
    ledger = manifest.addresses["ReserveLedger"]
    incidents: list[tuple[str, str, int]] = []
    for at in range(0, len(accounts), _ACCOUNTS_A_REQUEST):
        chunk = accounts[at : at + _ACCOUNTS_A_REQUEST]
        answers = rpc.batch(
            [
                (
                    "eth_call",
                    [
                        {
                            "to": ledger,
                            "data": f"{_ACCOUNT}{account.facility:064x}{account.partner:064x}",
                        },
                        hex(block),
                    ],
                )
                for account in chunk
            ]
        )
        for account, answer in zip(chunk, answers, strict=True):
            raw = bytes.fromhex(answer[2:])
            if len(raw) != 32 * _WORDS:
                raise ShortAnswer("the ledger's account cannot be read", where=f"block {block}")
            words = [
                int.from_bytes(raw[place : place + 32], signed=True)
                for place in range(0, len(raw), 32)
            ]
            account.contract = dict(zip(CONTRACT, (account.last_block, *words), strict=True))
            differing = [
                f"{name} {account.sums[name]} here, {value} in the contract"
                for name, value in zip(SUMS, words, strict=False)
                if account.sums[name] != value
            ]
            if differing:
                place = f"facility {account.facility}, partner {account.partner}: " + "; ".join(
                    differing
                )
                incidents.append(("books_differ", place, account.last_block))
    return incidents
