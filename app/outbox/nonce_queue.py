"""The nonce queue: the transactions of one operator key, in the order of their nonces.

Nonces are given by us, each to bytes that are stored before they are sent.
"""

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak
from sqlalchemy import Connection, Engine, bindparam, exists, func, insert, select

from app.contracts.transactions import sign
from app.outbox.history import log_state, note
from app.outbox.lease import Lease
from app.outbox.lifecycle import OPEN, SEALED
from app.outbox.signed import without
from app.outbox.tables import attempts, batches


class NonceQueue:
    """One operator's attempts to post to `contract`. `lease`: who may add to them."""

    def __init__(
        self,
        engine: Engine,
        operator: LocalAccount,
        chain_id: int,
        contract: ChecksumAddress,
        lease: Lease,
    ) -> None:
        self._engine = engine
        self._operator = operator
        self._chain_id = chain_id
        self._contract = contract
        self.lease = lease

    @property
    def address(self) -> ChecksumAddress:
        return self._operator.address

    def sign(
        self,
        connection: Connection,
        batch_id: int,
        calldata: bytes,
        gas_limit: int,
        mined: int,
        nonce: int | None = None,
    ) -> None:
        """Store a signed attempt in the caller's transaction, under the next nonce or a given one.

        `mined` is the chain's count of this key's transactions.
        """
        if nonce is None:
            nonce = next_nonce(connection, self.address, mined)
        raw = sign(
            self._operator,
            chain_id=self._chain_id,
            nonce=nonce,
            to=self._contract,
            data=calldata,
            gas=gas_limit,
        )
        store(connection, self.address, nonce, raw, batch_id, calldata)

    def take_over(self, mined: int) -> None:
        """Sign anew what a former operator key of this bank has signed: since that was replaced
        the contract refuses what it signed, so that the bytes can still count only once."""
        ours = {"operator": self.address}
        with self._engine.connect() as connection:
            if connection.execute(_FIRST_OF_OTHERS, ours).first() is None:
                return
        with self.lease.writing() as connection:
            rows = connection.execute(_OF_OTHERS, ours).all()
            for row in rows:
                self.sign(connection, row.id, row.calldata, row.gas_limit, mined)
            log_state(
                connection,
                [row.id for row in rows],
                SEALED,
                f"the same bytes under the bank's new operator key {self.address}",
            )

    def fill_gap(self, nonce: int) -> None:
        """Give a nonce that no bytes of ours have to a batch that waits: the ones behind it wait
        for it. (Another process had used it, on blocks that the chain has lost since.)"""
        with self.lease.writing() as connection:
            row = connection.execute(_FIRST_OPEN).first()
            if row is not None:
                self.sign(connection, row.id, row.calldata, row.gas_limit, nonce, nonce=nonce)
                note(connection, [row.id], SEALED, f"once more, for the gap at nonce {nonce}")


def next_nonce(connection: Connection, operator: str, mined: int) -> int:
    """The first nonce of a key that neither the chain counts nor bytes of ours have."""
    newest = connection.execute(_NEWEST_NONCE, {"operator": operator}).scalar_one()
    return mined if newest is None else max(int(newest) + 1, mined)


def store(
    connection: Connection,
    operator: str,
    nonce: int,
    raw: bytes,
    batch_id: int | None = None,
    calldata: bytes = b"",
) -> str:
    """Store signed bytes before they are sent; returns their transaction's hash. `calldata`: of the
    batch, which holds it."""
    tx_hash = "0x" + keccak(raw).hex()
    kept, calldata_at = without(raw, calldata)
    connection.execute(
        insert(attempts).values(
            batch_id=batch_id,
            operator=operator,
            nonce=nonce,
            raw_transaction=kept,
            calldata_at=calldata_at,
            tx_hash=tx_hash,
        )
    )
    return tx_hash


_NEWEST_NONCE = select(func.max(attempts.c.nonce)).where(
    attempts.c.operator == bindparam("operator")
)
_FIRST_OPEN = (
    select(batches.c.id, batches.c.calldata, batches.c.gas_limit)
    .where(batches.c.state.in_(OPEN))
    .order_by(batches.c.facility, batches.c.sequence)
    .limit(1)
)
_OF_OTHERS = _FIRST_OPEN.limit(None).where(
    ~exists().where(
        attempts.c.batch_id == batches.c.id, attempts.c.operator == bindparam("operator")
    )
)
_FIRST_OF_OTHERS = _OF_OTHERS.limit(1)
