"""What is measured on a chain, of whichever engine. Each consortium is founded before the clock
starts."""

import random
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from sqlalchemy import select
from web3 import Web3
from web3.types import Wei

from app.chain.rpc import Rpc
from app.contracts.transactions import sign, wait_for_receipt
from app.domain.errors import ChainFault
from app.domain.facility import Facility
from app.domain.legs import Leg, pack
from app.keys.keystore import load_account
from app.local import reconcile as service
from app.local.consortium import Consortium
from app.local.workers import prepare, working
from app.node.bank import Bank
from app.outbox import signed
from app.outbox.progress import run_gas
from app.outbox.tables import attempts, batches
from app.readmodel.accounts.balances import balances
from deploy.compile import load_artifact
from tests.bench.feeds import LEAD, PARTNER

_WINDOW = 24
_ALL_MINED_S = 300.0
_LOOK_EVERY_S = 0.01
_NOTHING_GAS = 30_000
_ALL_FORGOTTEN_S = 30.0
"""Without a receipt for so long, transactions may have been dropped."""


@dataclass(frozen=True)
class EndToEnd:
    """`lanes`: each bank's signed transactions, in order."""

    pairs: int
    pairs_per_second: float
    gas_per_pair: int
    lanes: list[list[bytes]]


def end_to_end(
    consortium: Consortium, facility: Facility, feeds: dict[str, Path], pairs: int
) -> EndToEnd:
    """Both feeds read, validated, stored, posted, matched, and indexed on both sides."""
    prepare(feeds)
    with ExitStack() as stack:
        banks = [stack.enter_context(closing(consortium.bank(name))) for name in (LEAD, PARTNER)]
        for bank in banks:
            bank.follower.index()
        configs = {bank: consortium.folder.config(bank) for bank in feeds}
        started = time.perf_counter()
        with working(configs, facility.id, feeds) as workers:
            service.reconcile(workers, consortium.height, lambda bank, message: None)
            seconds = time.perf_counter() - started
        for bank in banks:
            with bank.engine.connect() as connection:
                (account,) = balances(connection)
            assert account.counts["matched"] == pairs, account.counts
            assert account.proof == 0, account
        gas = sum(run_gas(bank.engine, facility.id, 0)[1] for bank in banks)
        lanes = [_signed(bank) for bank in banks]
    return EndToEnd(pairs, pairs / seconds, round(gas / pairs), lanes)


def raw_engine(rpcs: Sequence[Rpc], whole: EndToEnd) -> float:
    """Pairs a second of the same transactions sent straight to a fresh engine, each bank's to its
    own endpoint."""
    lanes = [["0x" + raw.hex() for raw in lane] for lane in whole.lanes]
    started = time.perf_counter()
    last = _send(rpcs, lanes)
    for rpc, tx_hash in zip(rpcs, last, strict=True):
        deadline = time.monotonic() + _ALL_MINED_S
        while (receipt := _receipt(rpc, tx_hash)) is None:
            # anvil drops a transaction that would still fit into a full block when the one
            # before it does not.
            assert time.monotonic() < deadline
            _send(rpcs, lanes)
        assert receipt["status"] == "0x1"
    return whole.pairs / (time.perf_counter() - started)


def _send(rpcs: Sequence[Rpc], lanes: Sequence[list[str]]) -> list[str]:
    """Send each bank's transactions; the hash of each bank's last one."""
    for position in range(0, max(map(len, lanes)), _WINDOW):
        for rpc, lane in zip(rpcs, lanes, strict=True):
            part = lane[position : position + _WINDOW]
            # Sent once more, what was mined meanwhile is answered with an error.
            rpc.batch_answers([("eth_sendRawTransaction", [raw]) for raw in part])
    return [Web3.to_hex(keccak(hexstr=lane[-1])) for lane in lanes]


def _receipt(rpc: Rpc, tx_hash: str) -> dict[str, Any] | None:
    try:
        return wait_for_receipt(rpc, tx_hash, _ALL_FORGOTTEN_S)
    except ChainFault:
        return None


def raw_latency(
    rpcs: Sequence[Rpc], chain_id: int, account: LocalAccount, seconds: float
) -> list[float]:
    """How long the engine alone takes: seconds from sending a transaction of `account`, which does
    nothing, at moments that hang on no block's, until all endpoints have its block; in order of
    size."""
    chance = random.Random(1)
    sent: dict[str, float] = {}
    took: dict[str, float] = {}
    first = int(rpcs[0].call("eth_getTransactionCount", [account.address, "latest"]), 16)
    heads = [_height(rpc) for rpc in rpcs]
    missing = [set[str]() for _ in rpcs]
    due, end = time.monotonic(), time.monotonic() + seconds
    while due < end or any(missing):
        assert time.monotonic() < end + _ALL_FORGOTTEN_S
        if due <= time.monotonic() and due < end:
            raw = sign(
                account, chain_id=chain_id, nonce=first + len(sent), to=account.address, data=b"",
                gas=_NOTHING_GAS,
            )  # fmt: skip
            tx_hash: str = Web3.to_hex(keccak(raw))
            sent[tx_hash] = time.monotonic()
            rpcs[0].call("eth_sendRawTransaction", ["0x" + raw.hex()])
            for of_endpoint in missing:
                of_endpoint.add(tx_hash)
            due += chance.uniform(0.1, 0.3)
        for place, rpc in enumerate(rpcs):
            for number in range(heads[place] + 1, _height(rpc) + 1):
                block = rpc.call("eth_getBlockByNumber", [hex(number), False])
                now = time.monotonic()
                for tx_hash in missing[place].intersection(block["transactions"]):
                    took[tx_hash] = max(now - sent[tx_hash], took.get(tx_hash, 0.0))
                missing[place].difference_update(block["transactions"])
                heads[place] = number
        time.sleep(_LOOK_EVERY_S)
    return sorted(took.values())


def _height(rpc: Rpc) -> int:
    return int(rpc.call("eth_blockNumber", []), 16)


def plain_loop(consortium: Consortium, legs: int) -> float:
    """Pairs a second of web3.py as its guide shows it: sign, send, wait, leg by leg."""
    web3 = Web3(Web3.HTTPProvider(consortium.rpc.url))
    contract = web3.eth.contract(
        address=web3.to_checksum_address(consortium.manifest().addresses["Reconciliation"]),
        abi=load_artifact("Reconciliation")["abi"],
    )
    account = load_account(consortium.folder.keys(LEAD), "operator", development=True)
    started = time.perf_counter()
    for number in range(legs):
        leg = Leg(
            kind=1,
            partner=0,
            amount=100_000 + number,
            value_day=739_000,
            business_day=739_000,
            shares_day=0,
            reference=number.to_bytes(20),
        )
        stream, _ = pack([leg])
        words = [stream[place : place + 32] for place in range(0, len(stream), 32)]
        transaction = contract.functions.post(1, number + 1, words, b"").build_transaction(
            {
                "from": account.address,
                "nonce": web3.eth.get_transaction_count(account.address),
                "gasPrice": Wei(0),
            }
        )
        fields: dict[str, Any] = {**transaction}
        signed = account.sign_transaction(fields)
        sent = web3.eth.send_raw_transaction(signed.raw_transaction)
        assert web3.eth.wait_for_transaction_receipt(sent)["status"] == 1
    return legs / 2 / (time.perf_counter() - started)


def _signed(bank: Bank) -> list[bytes]:
    with bank.engine.connect() as connection:
        return [
            signed.whole(*row)
            for row in connection.execute(
                select(attempts.c.raw_transaction, attempts.c.calldata_at, batches.c.calldata)
                .join(batches, batches.c.id == attempts.c.batch_id)
                .order_by(attempts.c.nonce)
            )
        ]
