"""Whether all was read: the contracts' own counts against what the events came to.

A node may leave logs out of an answer without a word. What is missing between two postings shows in
their sequence; what is missing at the end shows only here.
"""

from typing import Any

from eth_utils.crypto import keccak

from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.indexer.errors import Incomplete, ShortAnswer
from app.indexer.state import State

_CALLS_A_REQUEST = 200
_NOTHING_POSTED = (0, bytes(32))
_ACTIVE = 2


def check_complete(rpc: Rpc, manifest: Manifest, state: State, block: int) -> None:
    """Raises Incomplete unless members, proposals, facilities, heads, holds and closed days are
    those of `block`."""
    calls: list[tuple[str, str, str, bytes]] = [
        _call("members", "ConsortiumRegistry", "memberCount()", [], [state.members]),
        _call("proposals", "ConsortiumRegistry", "proposalCount()", [], [state.proposals]),
        _call("facilities", "FacilityRegistry", "facilityCount()", [], [len(state.facilities)]),
    ]
    for facility in state.facilities.values():
        if not facility.active:
            what = f"the state of facility {facility.number}"
            calls.append(_call(what, "FacilityRegistry", "state(uint32)", [facility.number], []))
        for member in (facility.lead, *facility.partners):
            sequence, digest = state.heads.get((facility.number, member), _NOTHING_POSTED)
            what = f"the postings of member {member} in facility {facility.number}"
            calls.append(
                _call(
                    what,
                    "Reconciliation",
                    "head(uint32,uint16)",
                    [facility.number, member],
                    [sequence, int.from_bytes(digest)],
                )
            )
    for account in state.accounts.values():
        place = [account.facility, account.partner]
        of = f"of partner {account.partner} in facility {account.facility}"
        held = [account.held, account.active_holds]
        closed = [account.closed_through]
        calls += [
            _call(f"the holds {of}", "ReserveLedger", "heldOf(uint32,uint8)", place, held),
            _call(f"the closed days {of}", "DayClose", "lastClosed(uint32,uint8)", place, closed),
        ]
    for at in range(0, len(calls), _CALLS_A_REQUEST):
        chunk = calls[at : at + _CALLS_A_REQUEST]
        requests: list[tuple[str, list[Any]]] = [
            ("eth_call", [{"to": manifest.addresses[contract], "data": data}, hex(block)])
            for _, contract, data, _ in chunk
        ]
        for (what, _, _, expected), answer in zip(chunk, rpc.batch(requests), strict=True):
            found = bytes.fromhex(answer[2:])
            if not found:
                raise ShortAnswer(f"{what} cannot be read", where=f"block {block}")
            if not expected:
                if int.from_bytes(found) == _ACTIVE:
                    raise Incomplete(f"{what} is not what its events say", where=f"block {block}")
            elif found != expected:
                raise Incomplete(f"the contracts count {what} otherwise", where=f"block {block}")


def _call(
    what: str, contract: str, signature: str, arguments: list[int], expected: list[int]
) -> tuple[str, str, str, bytes]:
    data = keccak(text=signature)[:4] + b"".join(one.to_bytes(32) for one in arguments)
    return what, contract, "0x" + data.hex(), b"".join(one.to_bytes(32) for one in expected)
