"""The proof bundle of a recorded chain of four Polygon Edge validators: a founding, a facility with
two postings, a fifth validator voted in and out."""

from __future__ import annotations

import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

from app.contracts.events import event_kinds
from app.proof.file import Block, Bundle, pack
from app.proof.statement import Terms, prove
from app.verify.headers import encode_header, read_header
from app.verify.receipts import encode_receipts
from app.verify.transactions import encode_transactions

RECORDED = Path(__file__).parent / "unit" / "recorded" / "edge.json.gz"
PROXIES = {
    "ConsortiumRegistry": "MemberAdmitted",
    "FacilityRegistry": "FacilityProposed",
    "Reconciliation": "Posted",
    "ReserveLedger": "AccountOpened",
}
"""Each contract by an event that it alone emits here."""


def recorded() -> list[Any]:
    """Its blocks, with their receipts."""
    found: list[Any] = json.loads(gzip.decompress(RECORDED.read_bytes()))
    return found


def edge_parts(last: int | None = None) -> tuple[Terms, list[Block]]:
    """Every block up to `last`, or to the recording's end, and what a bundle of them is of: all
    dates."""
    whole = recorded()
    chain = whole[: None if last is None else last + 1]
    blocks = []
    for one in chain:
        header = read_header(one["block"])
        transactions = encode_transactions(header, one["block"]["transactions"])
        blocks.append(
            Block(encode_header(header), transactions, encode_receipts(one["receipts"]))
            if transactions
            else Block(encode_header(header))
        )
    terms = Terms(
        chain_id=_chain_id(whole),
        genesis=chain[0]["block"]["hash"],
        contracts=_contracts(whole),
        seals="ibft",
        every=True,
        facility=1,
        first=date(2000, 1, 1),
        last=date(2100, 1, 1),
    )
    return terms, blocks


def edge_bundle(last: int | None = None) -> bytes:
    """The file, of all dates; up to the block `last`, or to the recording's end."""
    terms, blocks = edge_parts(last)
    return pack(Bundle(prove(terms, blocks).statement, blocks))


def _contracts(chain: list[Any]) -> dict[str, str]:
    topics = {event_kinds()[event].topic: name for name, event in PROXIES.items()}
    upgraded = event_kinds()["Upgraded"].topic
    found: dict[str, str] = {}
    proxies = set()
    for one in chain:
        for receipt in one["receipts"]:
            for log in receipt["logs"]:
                address = log["address"].lower()
                if log["topics"][0] == upgraded:
                    proxies.add(address)
                elif log["topics"][0] in topics:
                    found[topics[log["topics"][0]]] = address
    [found["DayClose"]] = proxies - set(found.values())
    return dict(sorted(found.items()))


def _chain_id(chain: list[Any]) -> int:
    [found] = {
        (int(transaction["v"], 16) - 35) // 2
        for one in chain
        for transaction in one["block"]["transactions"]
    }
    return found
