"""Keys that are replaced between two acts of one block: each is judged by the key of its moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from sqlalchemy import Engine

from app.contracts.day_close import DayClose
from app.contracts.posting import encode_post
from app.contracts.transactions import data_of, sign, wait_for_receipt
from app.domain.day_close import OpenItems, Statement, Sums
from app.domain.identifiers import pair_key
from app.domain.legs import pack
from app.domain.votes import PURPOSE_NUMBERS
from app.indexer.rebuild import digest, rebuild
from app.keys.keystore import load_account
from app.keys.possession import Registry, prove_replacement
from app.readmodel.chain import newest_incidents
from tests.integration.posted import TODAY, World
from tests.integration.proofs import HUARUI, bundle
from tests.integration.test_resolutions import top_up
from tests.tampering import both_verify

BANK = "huarui"
GAS = 3_000_000


class OneBlock:
    """Transactions that are mined together, in the order in which they were added."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._nonces: dict[str, int] = {}
        self._sent: list[str] = []
        world.rpc.call("evm_setAutomine", [False])

    def add(self, account: LocalAccount, to: str, data: bytes) -> None:
        rpc = self.world.rpc
        if account.address not in self._nonces:
            mined = rpc.call("eth_getTransactionCount", [account.address, "latest"])
            self._nonces[account.address] = int(mined, 16)
        raw = sign(
            account,
            chain_id=self.world.manifest.chain_id,
            nonce=self._nonces[account.address],
            to=to,
            data=data,
            gas=GAS,
        )
        self._nonces[account.address] += 1
        self._sent.append(rpc.call("eth_sendRawTransaction", ["0x" + raw.hex()]))

    def mine(self) -> list[dict[str, Any]]:
        self.world.rpc.call("evm_mine", [])
        self.world.rpc.call("evm_setAutomine", [True])
        receipts = [wait_for_receipt(self.world.rpc, one) for one in self._sent]
        assert len({one["blockNumber"] for one in receipts}) == 1
        assert [int(one["transactionIndex"], 16) for one in receipts] == list(range(len(receipts)))
        return receipts


def test_posted_before_between_and_after(world: World, database: Engine, tmp_path: Path) -> None:
    approver = load_account(world.folder.keys(BANK), "approver", development=True)
    recovery = load_account(world.folder.keys(BANK), "recovery", development=True)
    registry = Registry(world.consortium.chain_id(), world.consortium.address)
    day_close = DayClose(world.rpc, world.manifest.addresses["DayClose"])
    live = world.indexer("webank", database)
    live.advance()
    block = OneBlock(world)
    keys: list[int] = []

    def replace(purpose: str, by: LocalAccount) -> LocalAccount:
        fresh: LocalAccount = Account.create()
        number = PURPOSE_NUMBERS[purpose]
        proof = prove_replacement(registry, world.numbers[BANK], number, fresh)
        key = bytes.fromhex(fresh.address[2:]).rjust(32, b"\0")
        call = world.consortium.rotate_key(number, key, proof)
        block.add(by, world.consortium.address, encoded(call))
        return fresh

    def post(operator: LocalAccount, sequence: int) -> None:
        event = top_up(f"R{sequence}", 100 + sequence)
        leg = world.leg(BANK, event)
        if sequence < 4:
            keys.append(pair_key(world.facility, HUARUI, event.kind, leg.reference, b""))
        stream, _ = pack([leg])
        data = encode_post(world.facility, sequence, stream, world.seal([event]))
        block.add(operator, world.reconciliation.address, data)

    operator = world.operators[BANK]
    for sequence in (1, 2):
        post(operator, sequence)
        replaced, operator = operator, replace("operator", approver)
    post(operator, 3)
    post(replaced, 4)  # too late
    approver = replace("approver", recovery)
    none = Sums(0, 0, 0)
    open_ = OpenItems(0, 306, 0, 3, tuple(sorted(keys)))
    statement = Statement(world.facility, HUARUI, TODAY - 1, none, none, none, open_)
    block.add(approver, day_close.address, encoded(day_close.propose(statement)))
    succeeded = [one["status"] == "0x1" for one in block.mine()]
    assert succeeded == [True, True, True, True, True, False, True, True]

    live.advance()
    seen = digest(database)
    rebuild(live)
    assert digest(database) == seen
    with database.connect() as connection:
        assert newest_incidents(connection) == []
    both_verify(bundle(world, tmp_path).file)


def encoded(call: Any) -> bytes:
    given = {"gas": GAS, "gasPrice": 0, "nonce": 0, "chainId": 1, "value": 0}
    return data_of(dict(call.build_transaction(given)))
