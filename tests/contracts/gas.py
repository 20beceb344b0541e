"""What a matched pair costs on a real anvil: gas of both sides' transactions, by kind of load."""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from eth_utils.crypto import keccak

from app.chain.rpc import Rpc
from app.domain.legs import Leg, pack
from ganache.launcher import start
from tests.contracts.live import Live, key, terms

NEW_SLOT = 22_100
UPDATE = 5_000
_KINDS = 8
_SHARED_KINDS = 5
_TRANSACTION = 21_000
# A fixed day, 2026-01-02: the figures would change with the zeros in a day's bytes.
_TODAY = 739_618

SNAPSHOT = Path(__file__).with_name("snapshots") / "gas.json"


@dataclass(frozen=True)
class Load:
    """`batches` of `parts` by each partner, and as many parts by the lead for each.

    `only_shared`: the five kinds that are split, else eight. `days`: business days in a batch.
    `sealed_bytes` of details for each leg.
    """

    partners: int = 1
    parts: int = 500
    batches: int = 20
    days: int = 1
    sealed_bytes: int = 0
    only_shared: bool = False


@dataclass(frozen=True)
class Cost:
    """Gas a matched pair: all, and of it what the transactions' own bytes cost."""

    pair: int
    calldata: int

    def floor(self) -> int:
        """A new slot, an update, the bytes: below this nothing that keeps pairs can be."""
        return NEW_SLOT + UPDATE + self.calldata


LOADS = {
    "gas_per_pair": Load(),
    "gas_per_pair_10_partners": Load(partners=10),
    "gas_per_pair_10_partners_shared_kinds": Load(partners=10, only_shared=True),
    "gas_per_pair_3_partners": Load(partners=3),
    "gas_per_pair_batches_of_100": Load(parts=100),
    "gas_per_pair_36_days": Load(days=36),
    "gas_per_pair_sealed_60_bytes_a_leg": Load(sealed_bytes=60),
}
"""What `make contracts-report` measures, by its keys there."""

_KEPT = {
    "one partner": LOADS["gas_per_pair"],
    "10 partners, 4 batches": Load(partners=10, batches=4),
    "36 days, 4 batches": Load(days=36, batches=4),
}
"""The shorter list of the snapshot."""


def snapshot() -> dict[str, int]:
    """Gas a pair of the loads that the snapshot keeps."""
    return {name: measure(load).pair for name, load in _KEPT.items()}


def measure(load: Load) -> Cost:
    """Post a load from both sides on a chain of its own, and see that all of it matched."""
    with (
        tempfile.TemporaryDirectory(prefix="tally-gas-") as folder,
        start("anvil", state_dir=Path(folder), keep_state=False) as chain,
        closing(Rpc(chain.process.url)) as rpc,
    ):
        return _measure(Live(rpc), load)


def _measure(live: Live, load: Load) -> Cost:
    names = [f"partner-{number}" for number in range(1, load.partners + 1)]
    live.found({"lead": "lead"} | dict.fromkeys(names, "partner"))
    share = 9_000 // load.partners
    shares = dict.fromkeys(range(2, load.partners + 2), (share, share, share))
    facility = live.activate(terms("GAS", 1, shares), "lead", names)
    gas = calldata = pairs = 0
    # The slots of accounts, days and kinds are in use by the time that is measured.
    first = _lead_batch(load.batches * load.partners, load)
    streams = [("lead", [_as_lead(event) for event in first])]
    streams += [
        (name, [_as_partner(one, partner, share) for one in first if one.partner in (0, partner)])
        for partner, name in enumerate(names, 1)
    ]
    warming = len(streams)
    for batch in range(load.batches * load.partners):
        legs = [_as_lead(event) for event in _lead_batch(batch, load)]
        streams.append(("lead", legs))
    for partner, name in enumerate(names, 1):
        mine = [
            _as_partner(event, partner, share)
            for batch in range(load.batches * load.partners)
            for event in _lead_batch(batch, load)
            if event.partner in (0, partner)
        ]
        pairs += len(mine)
        streams += [(name, mine[at : at + load.parts]) for at in range(0, len(mine), load.parts)]
    sequences = dict.fromkeys(["lead", *names], 0)
    for number, (name, legs) in enumerate(streams):
        legs = _over_days(legs, load.days)
        stream, _ = pack(legs)
        words = [stream[at : at + 32] for at in range(0, len(stream), 32)]
        sequences[name] += 1
        sealed = b"\xa5" * (load.sealed_bytes * len(legs))
        arguments = (facility, sequences[name], words, sealed)
        receipt = live.send(key(name, "operator"), "Reconciliation", "post", *arguments)
        if number < warming:
            continue
        gas += int(receipt["gasUsed"], 16)
        data = bytes.fromhex(
            live.contracts["Reconciliation"].encode_abi("post", list(arguments))[2:]
        )
        calldata += _TRANSACTION + 16 * len(data) - 12 * data.count(0)
    for partner in range(1, load.partners + 1):
        account = live.view("ReserveLedger", "account", facility, partner)
        assert account[0] == account[1] == account[2] != 0, "all must match"
        assert account[6] == 0, "nothing may stay open"
    return Cost(gas // pairs, calldata // pairs)


@dataclass(frozen=True)
class _Event:
    number: int
    kind: int
    # 0 = shared by all
    partner: int


def _lead_batch(batch: int, load: Load) -> list[_Event]:
    """Each kind as often for every account; together as many parts as a batch holds, or nearly."""
    if load.partners == 1:
        numbers = range(batch * load.parts, (batch + 1) * load.parts)
        kinds = ((number, number % _KINDS + 1) for number in numbers)
        return [_Event(number, kind, int(kind > _SHARED_KINDS)) for number, kind in kinds]
    split = load.parts if load.only_shared else load.parts * _SHARED_KINDS // _KINDS
    shared = split // load.partners
    single = (load.parts - shared * load.partners) // load.partners * load.partners
    first = batch * load.parts
    return [
        *(_Event(first + at, at % _SHARED_KINDS + 1, 0) for at in range(shared)),
        *(
            _Event(
                first + shared + at,
                _SHARED_KINDS + 1 + at // load.partners % (_KINDS - _SHARED_KINDS),
                at % load.partners + 1,
            )
            for at in range(single)
        ),
    ]


def _as_lead(event: _Event) -> Leg:
    return Leg(
        kind=event.kind,
        partner=event.partner,
        amount=1_000_000 + event.number,
        value_day=_TODAY,
        business_day=_TODAY,
        shares_day=0,
        reference=keccak(event.number.to_bytes(32))[:20],
    )


def _as_partner(event: _Event, partner: int, share: int) -> Leg:
    amount = 1_000_000 + event.number
    return Leg(
        kind=event.kind,
        partner=partner,
        amount=amount * share // 10_000 if event.partner == 0 else amount,
        value_day=_TODAY,
        business_day=_TODAY,
        shares_day=0,
        reference=keccak(event.number.to_bytes(32))[:20],
    )


def _over_days(legs: list[Leg], days: int) -> list[Leg]:
    """The same legs spread over so many business days, the oldest first."""
    return [
        leg._replace(business_day=leg.business_day - days + 1 + at * days // len(legs))
        for at, leg in enumerate(legs)
    ]


def main() -> None:
    """Write the snapshot: what the loads cost now."""
    SNAPSHOT.parent.mkdir(exist_ok=True)
    SNAPSHOT.write_text(json.dumps(snapshot(), indent=1) + "\n")


if __name__ == "__main__":
    main()
