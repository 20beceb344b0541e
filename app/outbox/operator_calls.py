"""A person's own calls with the operator's key, in one nonce queue with the batches.

Their bytes take nonces like the batches' and are stored before they are sent, so that the outbox
neither takes their nonces nor waits for one that nobody broadcasts.
"""

from collections.abc import Callable, Sequence
from typing import Any

from eth_account.signers.local import LocalAccount
from sqlalchemy import Connection, Engine, select

from app.contracts.transactions import sign_built
from app.outbox.nonce_queue import next_nonce, store
from app.outbox.tables import attempts, leases


def store_in_turn(
    engine: Engine,
    account: LocalAccount,
    chain_id: int,
    mined: int,
    transactions: Sequence[dict[str, Any]],
    keep: Callable[[Connection, Sequence[tuple[str, int, bytes]]], None],
) -> tuple[list[str], list[bytes]]:
    """Sign transactions that are ready but for their nonces, and store them, to be sent next.

    `mined` is the chain's count of the key's transactions. `keep` is given the hash, nonce and
    bytes of each, in the transaction that stores them. Returns their hashes, and the bytes of
    all such calls that no block has counted yet, older ones included, in the order of their nonces.
    """
    operator = account.address
    with engine.begin() as connection:
        # As the submitter does before it takes a nonce.
        connection.execute(
            select(leases.c.fence).where(leases.c.operator == operator).with_for_update()
        )
        first = next_nonce(connection, operator, mined)
        signed = []
        for nonce, transaction in enumerate(transactions, start=first):
            raw = sign_built(account, transaction, chain_id=chain_id, nonce=nonce)
            signed.append((store(connection, operator, nonce, raw), nonce, raw))
        keep(connection, signed)
        waiting = connection.execute(
            select(attempts.c.raw_transaction)
            .where(
                attempts.c.operator == operator,
                attempts.c.batch_id.is_(None),
                attempts.c.nonce >= mined,
            )
            .order_by(attempts.c.nonce)
        ).scalars()
        return [tx_hash for tx_hash, _, _ in signed], [bytes(raw) for raw in waiting]
