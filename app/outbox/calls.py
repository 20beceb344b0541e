"""A person's own calls with the operator's key, in turn with what the lane posts.

Their bytes take nonces like the batches' and are stored before they are sent, so that the lane
neither takes their nonces nor waits for one that nobody offers.
"""

from collections.abc import Sequence
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from sqlalchemy import Engine, func, insert, select

from app.chain.rpc import Rpc
from app.contracts.transactions import Call, built, name_of, next_nonce, sign, succeeded
from app.outbox.tables import attempts, leases


def call_in_turn(
    engine: Engine, rpc: Rpc, account: LocalAccount, calls: Sequence[Call]
) -> list[dict[str, Any]]:
    """Make calls that do not build on each other, and wait for all their receipts.

    Raises ContractReverted, before anything is sent, when a contract refuses one of them.
    """
    ready = [built(rpc, account, call) for call in calls]
    chain_id = int(rpc.call("eth_chainId", []), 16)
    mined = next_nonce(rpc, account)
    lane = attempts.c.lane == account.address
    with engine.begin() as connection:
        # As the lane does before it takes a nonce.
        connection.execute(
            select(leases.c.fence).where(leases.c.lane == account.address).with_for_update()
        )
        newest = connection.execute(select(func.max(attempts.c.nonce)).where(lane)).scalar_one()
        nonce = mined if newest is None else max(int(newest) + 1, mined)
        hashes = []
        for place, transaction in enumerate(ready):
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
        unmined = [bytes(raw) for raw in waiting]
    # Older ones too that nobody has mined; what a pool says of them proves nothing.
    rpc.batch_answers([("eth_sendRawTransaction", ["0x" + raw.hex()]) for raw in unmined])
    return [
        succeeded(rpc, name_of(call), tx_hash) for call, tx_hash in zip(calls, hashes, strict=True)
    ]
