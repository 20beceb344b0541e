"""A person's own calls with the operator's key, in turn with what the lane posts.

Their bytes take nonces like the batches' and are stored before they are sent, so that the lane
neither takes their nonces nor waits for one that nobody offers.
"""

from collections.abc import Sequence
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from sqlalchemy import Engine, func, insert, select

from app.contracts.transactions import sign
from app.outbox.tables import attempts, leases


def store_in_turn(
    engine: Engine,
    account: LocalAccount,
    chain_id: int,
    mined: int,
    transactions: Sequence[dict[str, Any]],
) -> tuple[list[str], list[bytes]]:
    """Sign transactions that are ready but for their nonces, and store them, to be sent next.

    `mined` is the chain's count of the key's transactions. Returns their hashes, and the bytes of
    all such calls that no block has counted yet, older ones included, in the order of their nonces.
    """
    lane = attempts.c.lane == account.address
    with engine.begin() as connection:
        # As the lane does before it takes a nonce.
        connection.execute(
            select(leases.c.fence).where(leases.c.lane == account.address).with_for_update()
        )
        newest = connection.execute(select(func.max(attempts.c.nonce)).where(lane)).scalar_one()
        nonce = mined if newest is None else max(int(newest) + 1, mined)
        hashes = []
        for place, transaction in enumerate(transactions):
            raw = sign(
                account,
                chain_id=chain_id,
                nonce=nonce + place,
                to=transaction["to"],
                data=bytes.fromhex(str(transaction["data"]).removeprefix("0x")),
                gas=transaction["gas"],
            )
            hashes.append("0x" + keccak(raw).hex())
            connection.execute(
                insert(attempts).values(
                    lane=account.address,
                    nonce=nonce + place,
                    raw_transaction=raw,
                    tx_hash=hashes[-1],
                )
            )
        waiting = connection.execute(
            select(attempts.c.raw_transaction)
            .where(lane, attempts.c.batch_id.is_(None), attempts.c.nonce >= mined)
            .order_by(attempts.c.nonce)
        ).scalars()
        return hashes, [bytes(raw) for raw in waiting]
