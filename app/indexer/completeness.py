"""Whether all was read: the contracts' own counts against what the events came to.

A node may leave logs out of an answer without a word. What is missing between two postings shows in
their sequence; what is missing at the end shows only here.
"""

from collections.abc import Container, Sequence
from typing import Any

from eth_utils.abi import function_signature_to_4byte_selector

from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.domain.matching.versions import Version
from app.indexer.errors import Incomplete, ShortAnswer
from app.indexer.state import State

_NOTHING_POSTED = (0, bytes(32))
_STATES = {"proposed": 1, "active": 2, "paused": 3, "closed": 4, "withdrawn": 5}


def check_complete(
    rpc: Rpc, manifest: Manifest, state: State, block: int, facilities: Container[int]
) -> None:
    """Raises Incomplete unless members, proposals and the number of facilities are those of
    `block`, and of `facilities` their state, changes and versions, heads, holds and closed days."""
    calls: list[tuple[str, str, str, bytes]] = [
        _call("members", "ConsortiumRegistry", "memberCount()", [], [state.members]),
        _call("proposals", "ConsortiumRegistry", "proposalCount()", [], [state.proposals]),
        _call("facilities", "FacilityRegistry", "facilityCount()", [], [len(state.facilities)]),
    ]
    for facility in state.facilities.values():
        if facility.number not in facilities:
            continue
        for what, signature, words in (
            ("the state", "state(uint32)", [_STATES[facility.state]]),
            ("the changes", "changeCount(uint32)", [facility.changes]),
            ("the shares", "sharesSchedule(uint32)", _schedule(facility.shares)),
            ("the rules", "rulesSchedule(uint32)", _schedule(facility.rules)),
        ):
            whole = f"{what} of facility {facility.number}"
            calls.append(_call(whole, "FacilityRegistry", signature, [facility.number], words))
        for member in (facility.lead, *facility.partners):
            sequence, digest = state.heads.get((facility.number, member), _NOTHING_POSTED)
            what = f"the postings of member {member} in facility {facility.number}"
            place, head = [facility.number, member], [sequence, int.from_bytes(digest)]
            calls.append(_call(what, "Reconciliation", "head(uint32,uint16)", place, head))
    for account in state.accounts.values():
        if account.facility not in facilities:
            continue
        place = [account.facility, account.partner]
        of = f"of partner {account.partner} in facility {account.facility}"
        held = [account.held, account.active_holds]
        closed = [account.closed_through]
        calls += [
            _call(f"the holds {of}", "ReserveLedger", "heldOf(uint32,uint8)", place, held),
            _call(f"the closed days {of}", "DayClose", "lastClosed(uint32,uint8)", place, closed),
        ]
    requests: list[tuple[str, list[Any]]] = [
        ("eth_call", [{"to": manifest.addresses[contract], "data": data}, hex(block)])
        for _, contract, data, _ in calls
    ]
    for (what, _, _, expected), answer in zip(calls, rpc.batch(requests), strict=True):
        found = bytes.fromhex(answer[2:])
        if not found:
            raise ShortAnswer(f"{what} cannot be read", where=f"block {block}")
        if found != expected:
            raise Incomplete(f"the contracts count {what} otherwise", where=f"block {block}")


def _schedule(versions: Sequence[Version]) -> list[int]:
    """The words of an array of their first days, as a call answers it."""
    return [32, len(versions), *(one.effective_from for one in versions)]


def _call(
    what: str, contract: str, signature: str, arguments: list[int], expected: list[int]
) -> tuple[str, str, str, bytes]:
    words = b"".join(one.to_bytes(32) for one in arguments)
    data = function_signature_to_4byte_selector(signature) + words
    return what, contract, "0x" + data.hex(), b"".join(one.to_bytes(32) for one in expected)
