"""Logs of the contracts, as events in chain order.

Postings are the bulk of the chain and are read by hand; all other events are rare and read by the
contracts' ABIs.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from app.contracts.events import ContractEvent, EventKind, event_kinds
from app.indexer.errors import Incomplete
from app.indexer.postings import STATUSES, Judgement, Posting

POSTING = ("Posted", "LegRejected", "PartSkipped", "PairJudged")
"""The events that are read by hand here."""


Event = Posting | ContractEvent


class Decoder:
    """Reads the logs of one network's contracts: those of postings, and the events `handled`."""

    def __init__(self, addresses: Mapping[str, str], handled: Iterable[str]) -> None:
        """`addresses` are the manifest's; `handled` are names of events."""
        kinds = event_kinds()
        wanted = [kinds[name] for name in (*POSTING, *handled)]
        self._kinds: dict[tuple[str, str], EventKind] = {
            (kind.topic, addresses[kind.contract].lower()): kind for kind in wanted
        }
        self.filter: dict[str, Any] = {
            "address": sorted({addresses[kind.contract] for kind in wanted}),
            "topics": [sorted({kind.topic for kind in wanted})],
        }
        """The part of an `eth_getLogs` filter that names contracts and events."""

    def decode(self, logs: Iterable[dict[str, Any]]) -> list[Event]:
        """Read JSON-RPC logs (in any order) into events in chain order.

        A known event from another address than its contract's is not ours and is passed over.
        Raises Incomplete when what belongs to one posting is not all there.
        """
        ordered = sorted(
            logs, key=lambda log: (int(log["blockNumber"], 16), int(log["logIndex"], 16))
        )
        events: list[Event] = []
        rejected: dict[int, int] = {}
        skipped: dict[tuple[int, int], int] = {}
        judged: dict[tuple[int, int], Judgement] = {}
        awaited: tuple[str, int, int, int] | None = None  # the posting that exceptions belong to

        for log in ordered:
            topics: list[str] = log["topics"]
            event_kind = self._kinds.get((topics[0], log["address"].lower()))
            if event_kind is None:
                continue
            name = event_kind.name
            data: str = log["data"]
            numbers = [int(topic, 16) for topic in topics[1:]]
            if name == "Posted":
                posting = _posting(log, numbers, data, rejected, skipped, judged)
                key = (posting.tx_hash, posting.facility, posting.member, posting.sequence)
                if awaited is not None and awaited != key:
                    raise Incomplete(f"the logs lack the posting of transaction {awaited[0]}")
                events.append(posting)
                rejected, skipped, judged, awaited = {}, {}, {}, None
            elif name in POSTING:
                words = [int(data[at : at + 64], 16) for at in range(2, len(data), 64)]
                key = (log["transactionHash"], numbers[0], numbers[1], words[0])
                if awaited is not None and awaited != key:
                    raise Incomplete(f"the logs lack the posting of transaction {awaited[0]}")
                awaited = key
                if name == "LegRejected":
                    rejected[words[1]] = words[2]
                elif name == "PartSkipped":
                    skipped[words[1], words[2]] = words[3]
                else:
                    judged[words[1], words[2]] = Judgement(STATUSES.get(words[3]), words[4])
            else:
                events.append(event_kind.read(log))
        if awaited is not None:
            raise Incomplete(f"the logs lack the posting of transaction {awaited[0]}")
        return events


def _posting(
    log: dict[str, Any],
    numbers: list[int],
    data: str,
    rejected: dict[int, int],
    skipped: dict[tuple[int, int], int],
    judged: dict[tuple[int, int], Judgement],
) -> Posting:
    # ABI head: sequence, digest, offset of the legs (96); then their length and the words.
    length = int(data[194:258], 16) if len(data) >= 258 else -1
    legs = bytes.fromhex(data[258 : 258 + 2 * length]) if length >= 0 else b""
    if len(legs) != length or length % 32:
        raise Incomplete(f"the Posted log of transaction {log['transactionHash']} is cut short")
    return Posting(
        facility=numbers[0],
        member=numbers[1],
        sequence=int(data[2:66], 16),
        digest=bytes.fromhex(data[66:130]),
        legs=legs,
        block_number=int(log["blockNumber"], 16),
        tx_hash=log["transactionHash"],
        rejected=rejected,
        skipped=skipped,
        judged=judged,
    )
