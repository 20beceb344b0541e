"""Logs become typed events: in chain order, whole, and only from the contracts that we know."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode

from app.contracts.events import event_kinds
from app.indexer.decode import Decoder, Event
from app.indexer.errors import ShortAnswer
from app.indexer.handlers import HANDLERS
from app.indexer.postings import Judgement, Posting

ADDRESSES = {
    "ConsortiumRegistry": "0x" + "C1" * 20,
    "FacilityRegistry": "0x" + "C2" * 20,
    "ReserveLedger": "0x" + "C3" * 20,
    "Reconciliation": "0x" + "C4" * 20,
    "DayClose": "0x" + "C5" * 20,
}
TX = "0x" + "ab" * 32
DIGEST = b"\7" * 24 + bytes(8)
LEGS = bytes(range(32)) * 2


def log(
    name: str,
    indexed: list[int],
    types: list[str],
    values: list[Any],
    *,
    place: tuple[int, int] = (5, 0),
    tx: str = TX,
    address: str | None = None,
) -> dict[str, Any]:
    kind = event_kinds()[name]
    return {
        "address": address or ADDRESSES[kind.contract].lower(),
        "topics": [kind.topic, *(f"0x{one:064x}" for one in indexed)],
        "data": "0x" + encode(types, values).hex(),
        "blockNumber": hex(place[0]),
        "logIndex": hex(place[1]),
        "transactionHash": tx,
    }


def decode(logs: list[dict[str, Any]]) -> list[Event]:
    return Decoder(ADDRESSES, HANDLERS).decode(logs)


def posted(sequence: int = 3, **where: Any) -> dict[str, Any]:
    return log("Posted", [7, 2], ["uint64", "bytes32", "bytes"], [sequence, DIGEST, LEGS], **where)


def rejected(index: int, reason: int, sequence: int = 3, **where: Any) -> dict[str, Any]:
    return log(
        "LegRejected", [7, 2], ["uint64", "uint16", "uint8"], [sequence, index, reason], **where
    )


def judged(index: int, partner: int, status: int, **where: Any) -> dict[str, Any]:
    return log(
        "PairJudged",
        [7, 2],
        ["uint64", "uint16", "uint8", "uint8", "uint16"],
        [3, index, partner, status, 4],
        **where,
    )


def skipped(index: int, partner: int, reason: int, **where: Any) -> dict[str, Any]:
    types = ["uint64", "uint16", "uint8", "uint8"]
    return log("PartSkipped", [7, 2], types, [3, index, partner, reason], **where)


def test_exceptions_without_their_posting_are_a_short_answer() -> None:
    with pytest.raises(ShortAnswer, match="lack the posting"):
        decode([rejected(1, 1)])


def test_exceptions_of_another_posting_are_a_short_answer() -> None:
    logs = [rejected(1, 1, sequence=2, place=(5, 0)), posted(place=(5, 1))]
    with pytest.raises(ShortAnswer, match="lack the posting"):
        decode(logs)


@pytest.mark.parametrize("kept", [2, 200, 258, 300])
def test_a_posting_cut_short_is_a_short_answer(kept: int) -> None:
    cut = posted()
    cut["data"] = cut["data"][:kept]
    with pytest.raises(ShortAnswer, match="cut short"):
        decode([cut])


def test_an_event_of_another_contract_is_not_ours() -> None:
    strangers = [
        posted(address="0x" + "99" * 20),
        posted(address=ADDRESSES["ConsortiumRegistry"]),
        {**posted(), "topics": ["0x" + "11" * 32]},
    ]
    assert decode(strangers) == []


def test_a_posting_with_its_exceptions() -> None:
    logs = [
        posted(place=(5, 9)),
        judged(4, 2, 5, place=(5, 8)),
        skipped(5, 1, 13, place=(5, 5)),
        rejected(3, 1, place=(5, 7)),
        rejected(1, 12, place=(5, 6)),
    ]
    assert decode(logs) == [
        Posting(
            facility=7,
            member=2,
            sequence=3,
            digest=DIGEST,
            legs=LEGS,
            block_number=5,
            tx_hash=TX,
            rejected={1: 12, 3: 1},
            skipped={(5, 1): 13},
            judged={(4, 2): Judgement("amount_and_date", 4)},
        )
    ]


def test_events_come_in_the_order_of_the_chain_whatever_the_answers_order() -> None:
    logs = [posted(6, place=(10, 0)), posted(5, place=(9, 12)), posted(4, place=(9, 2))]
    events = decode(logs)
    assert [event.sequence for event in events if isinstance(event, Posting)] == [4, 5, 6]


def test_each_posting_has_its_own_exceptions() -> None:
    logs = [
        rejected(1, 1, place=(5, 0)),
        posted(place=(5, 1)),
        rejected(2, 3, sequence=4, place=(5, 2)),
        posted(4, place=(5, 3)),
        posted(5, place=(5, 4)),
    ]
    found = [event.rejected for event in decode(logs) if isinstance(event, Posting)]
    assert found == [{1: 1}, {2: 3}, {}]


def test_a_member() -> None:
    found = decode(
        [
            log(
                "MemberAdmitted",
                [4],
                ["string", "uint8", "address", "address", "bytes32", "address"],
                [
                    "Bank \N{SNOWMAN}",
                    3,
                    "0x" + "01" * 20,
                    "0x" + "02" * 20,
                    b"\3" * 32,
                    "0x" + "04" * 20,
                ],
            )
        ],
    )
    assert [event.arguments for event in found if not isinstance(event, Posting)] == [
        {
            "member": 4,
            "name": "Bank \N{SNOWMAN}",
            "role": 3,
            "operator": b"\1" * 20,
            "approver": b"\2" * 20,
            "sealingKey": b"\3" * 32,
            "recovery": b"\4" * 20,
        }
    ]


def test_text_that_cannot_be_shown_is_mended() -> None:
    found = decode(
        [
            log(
                "MemberAdmitted",
                [4],
                ["bytes", "uint8", "address", "address", "bytes32", "address"],
                [b"a\0b\xff\n", 9, "0x" + "01" * 20, "0x" + "02" * 20, bytes(32), "0x" + "04" * 20],
            )
        ],
    )
    assert not isinstance(found[0], Posting)
    assert found[0].arguments["name"] == "a\ufffdb\ufffd\ufffd"


def test_a_facility() -> None:
    terms = (
        "WLD", 1, "CNY", 2, "Asia/Shanghai", (0, 5, 1, 3600, 86_399), (500, 9000),
        [(2, (8000, 7000, 0), -5, b"two")], b"lead", [(9, b"nine")], 1, 736_000,
    )  # fmt: skip
    types = [
        "(string,uint16,string,uint8,string,(uint24,uint56,uint16,uint32,uint24),"
        "(uint16,uint16),(uint16,(uint16,uint16,uint16),int72,bytes)[],bytes,(uint16,bytes)[],uint8,uint24)"
    ]
    proposed, activated = decode(
        [
            log("FacilityProposed", [7], types, [terms], place=(5, 0)),
            log("FacilityActivated", [7], [], [], place=(6, 0)),
        ],
    )
    assert not isinstance(proposed, Posting)
    told = proposed.arguments["terms"]
    assert (proposed.arguments["facility"], told["id"], told["lead"]) == (7, "WLD", 1)
    assert told["rules"]["matchDeadlineSeconds"] == 3600
    assert told["bounds"] == {"leastLeadBps": 500, "largestPartnerBps": 9000}
    assert told["partners"] == [
        {
            "member": 2,
            "shares": {"principalBps": 8000, "interestBps": 7000, "feeBps": 0},
            "lowBalance": -5,
            "sealedReferenceKey": b"two",
        }
    ]
    assert told["readers"] == [{"member": 9, "sealedReferenceKey": b"nine"}]
    assert (told["split"], told["firstDay"]) == (1, 736_000)
    assert activated.block_number == 6


def test_the_filter_asks_for_every_handled_event_and_no_other() -> None:
    asked = Decoder(ADDRESSES, ["FacilityActivated"]).filter
    kinds = event_kinds()
    names = ("Posted", "LegRejected", "PartSkipped", "PairJudged", "FacilityActivated")
    assert asked == {
        "address": sorted([ADDRESSES["Reconciliation"], ADDRESSES["FacilityRegistry"]]),
        "topics": [sorted(kinds[name].topic for name in names)],
    }
