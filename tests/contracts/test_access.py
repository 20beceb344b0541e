"""ACCESS_1: every function is callable by exactly the roles of the matrix in contracts/README.md.

Each function that is no view is called, on a real chain, with every key of every kind of member, by
a stranger and by each of the contracts. Where the matrix does not let a caller, the contract must
refuse the caller as such; where it does, anything else may be wrong, but not the caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, get_args

import pytest
from eth_abi.abi import encode
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak

from app.chain.rpc import Rpc
from app.contracts.errors import AccessRefused
from app.domain.consortium import CONTRACTS
from app.domain.legs import Leg, pack
from deploy.compile import CONTRACTS as SOURCES
from deploy.compile import compile_contracts, load_artifact
from ganache.launcher import start
from tests.contracts.live import Live, Purpose, founding_member, key, terms

COLUMNS = {
    "lead": "lead",
    "anna": "partner",
    "other": "other bank",
    "auditor": "auditor, regulator",
    "regulator": "auditor, regulator",
    "bert": "suspended bank",
    "gone": "evicted bank",
}
"""Each member's column; the evicted one has none, as it may do nothing."""

_ANY = "every contract"
_KEY = re.compile(r"(\w+)(?: \(([^)]*)\))?(?:, |$)")
_PROPOSER = "lead"
_REASON = keccak(text="why")
_TOP_UP = 6
_WRITE_OFF = 2
_ADMIT, _SUSPEND, _EVICT = 1, 2, 4
_LATER_S = 7_200
_WAITING = (
    "ConsortiumRegistry.propose",
    "FacilityRegistry.proposeShares",
    "Reconciliation.proposeResolution",
    "DayClose.propose",
    "DayClose.proposeReopen",
    "DayClose.grantDetails",
)
"""What the proposer has proposed before anyone else is asked."""


@dataclass(frozen=True)
class Row:
    """Who may call a function: by column the purposes of keys and their conditions; contracts."""

    keys: dict[str, dict[str, str]]
    contract: str

    def may(self, name: str, column: str, purpose: str) -> bool:
        """Whether this caller may; what waits in the world was all proposed by one bank."""
        if column == "contract":
            return name in self.contract.split(", ")
        condition = self.keys.get(column, {}).get(purpose)
        if condition is None:
            return False
        if condition.startswith("that did not"):
            return name != _PROPOSER
        return name == _PROPOSER or not condition.startswith("that ")


def matrix() -> dict[str, Row]:
    """The matrix of the README: "Contract.function" -> row."""
    section = (SOURCES / "README.md").read_text().split("## Who may call what", 1)[1]
    lines = [line for line in section.split("\n## ", 1)[0].splitlines() if line.startswith("|")]
    header, _, *body = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    rows: dict[str, Row] = {}
    for first, *cells in body:
        named = dict(zip(header[1:], cells, strict=True))
        contract = named.pop("contract").partition(" (")[0]
        keys = {column: dict(_KEY.findall(cell)) for column, cell in named.items()}
        owner, _, listed = first.partition(".")
        for function in listed.split(", "):
            for name in CONTRACTS if owner == _ANY else (owner,):
                assert f"{name}.{function}" not in rows, f"{name}.{function} stands there twice"
                rows[f"{name}.{function}"] = Row(keys, contract)
    return rows


def functions() -> list[str]:
    """Every function of the contracts that is no view."""
    compile_contracts()
    return [
        f"{contract}.{entry['name']}"
        for contract in CONTRACTS
        for entry in load_artifact(contract)["abi"]
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    ]


@dataclass
class World:
    """A consortium in which every function has something to be called for."""

    live: Live
    facility: int = 0
    proposed: int = 0
    paused: int = 0
    arguments: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def callers(self) -> Iterator[tuple[str, str, str, ChecksumAddress]]:
        """Name, column, purpose and address of everyone."""
        for name, column in COLUMNS.items():
            for purpose in get_args(Purpose):
                yield name, column, purpose, key(name, purpose)
        yield "a stranger", "", "", key("stranger", "operator")
        for name in CONTRACTS:
            yield name, "contract", "", self.live.contracts[name].address


def _vote_through(live: Live, kind: int, payload: bytes, voters: list[str]) -> None:
    first, *others = voters
    live.send(key(first, "approver"), "ConsortiumRegistry", "propose", kind, payload, _REASON)
    number = live.view("ConsortiumRegistry", "proposalCount")
    for name in others:
        content = live.view("ConsortiumRegistry", "proposal", number)[-2]
        live.send(key(name, "approver"), "ConsortiumRegistry", "vote", number, content, True)


def _post(world: World, name: str, *legs: Leg) -> None:
    stream, _ = pack(list(legs))
    words = [stream[at : at + 32] for at in range(0, len(stream), 32)]
    arguments = (world.facility, 1, words, b"")
    world.live.send(key(name, "operator"), "Reconciliation", "post", *arguments)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("access")
    with (
        start("anvil", state_dir=folder, keep_state=False) as chain,
        closing(Rpc(chain.process.url)) as rpc,
    ):
        world = World(Live(rpc))
        _prepare(world)
        yield world


def _prepare(world: World) -> None:
    """Found, agree and post; let every thing wait that can, proposed by one bank."""
    live = world.live
    banks = {"lead": "lead", "anna": "partner", "bert": "partner", "other": "partner"}
    live.found(banks | {"auditor": "auditor", "regulator": "regulator", "gone": "partner"})
    shares = {2: (5_000, 5_000, 5_000), 3: (2_500, 2_500, 2_500)}
    world.facility = live.activate(terms("F", 1, shares), "lead", ["anna", "bert"])
    world.paused = live.activate(terms("P", 1, shares), "lead", ["anna", "bert"])
    later = terms("G", 1, shares)
    live.send(key("lead", "approver"), "FacilityRegistry", "propose", later)
    world.proposed = live.view("FacilityRegistry", "facilityNumber", "G")

    today = live.today()
    top_up = Leg(_TOP_UP, 1, 1_000, today, today, 0, (1).to_bytes(20))
    _post(world, "lead", top_up)
    _post(world, "anna", top_up, Leg(_TOP_UP, 1, 50, today, today, 0, (9).to_bytes(20)))
    now = live.now()
    hold = (world.facility, 1, 1, 100, now + _LATER_S // 2)
    live.send(key("lead", "operator"), "ReserveLedger", "hold", *hold)
    live.rpc.call("evm_increaseTime", [_LATER_S])
    live.rpc.call("evm_mine", [])
    _vote_through(live, _EVICT, encode(["uint16"], [7]), ["lead", "anna", "other", "bert"])
    _vote_through(live, _SUSPEND, encode(["uint16"], [3]), ["lead", "anna", "other"])

    world.arguments = _arguments(world, today, now)
    days = live.contracts["DayClose"]
    first_day = world.arguments["DayClose.proposeReopen"][2]
    first = _statement(world, first_day)
    approver = key(_PROPOSER, "approver")
    live.send(approver, "DayClose", "propose", *first)
    digest = keccak(hexstr=days.encode_abi("propose", list(first))[10:])
    confirmed = (world.facility, 1, first_day, digest)
    live.send(key("anna", "approver"), "DayClose", "confirm", *confirmed)
    live.send(approver, "FacilityRegistry", "pause", world.paused, _REASON)
    for function in _WAITING:
        contract, name = function.split(".")
        live.send(approver, contract, name, *world.arguments[function])


def _statement(world: World, day: int) -> tuple[Any, ...]:
    """A day's statement without movements, and the one leg of the account that is open."""
    carried = [_one_sided(world)]
    return ((world.facility, 1, day, *(0,) * 10, 50, 0, 1), carried)


def _one_sided(world: World) -> int:
    """The key of the pair of which only the partner's half is posted."""
    return (world.facility << 176) | (1 << 168) | (_TOP_UP << 160) | 9


def _arguments(world: World, today: int, now: int) -> dict[str, tuple[Any, ...]]:
    """What each function is called with."""
    facility, proposed, live = world.facility, world.proposed, world.live
    newcomer = "(string,uint8,address,address,address,bytes32)"
    admit = encode(
        [newcomer, "bytes32[6]"], [founding_member("new", "auditor", keys=()), [bytes(32)] * 6]
    )
    ballot = live.view("ConsortiumRegistry", "proposalCount") + 1
    shares = {2: (5_000, 5_000, 5_000)}
    account = (facility, 1)
    zero = "0x" + "00" * 20
    new_shares = [(1_000, 1_000, 1_000), (1_000, 1_000, 1_000)]
    state = live.view("Reconciliation", "stateOf", _one_sided(world))
    resolution = (*account, _TOP_UP, 9, 0, 0, _WRITE_OFF, 0, today, state, _REASON)
    statement = _statement(world, today - 1)
    digest = keccak(hexstr=live.contracts["DayClose"].encode_abi("propose", list(statement))[10:])
    group = (today << 216).to_bytes(32)
    initialize: dict[str, tuple[Any, ...]] = {
        "ConsortiumRegistry": ([founding_member("new", "lead")], (zero,) * 5),
        "FacilityRegistry": (zero,) * 2,
        "ReserveLedger": (zero,) * 4,
        "Reconciliation": (zero,) * 3,
        "DayClose": (zero,) * 4,
    }
    code = live.contracts["DayClose"].address
    everywhere = {f"{name}.initialize": given for name, given in initialize.items()}
    everywhere |= {f"{name}.upgradeToAndCall": (code, b"") for name in CONTRACTS}
    return everywhere | {
        "ConsortiumRegistry.propose": (_ADMIT, admit, _REASON),
        "ConsortiumRegistry.vote": (ballot, _REASON, True),
        "ConsortiumRegistry.enact": (ballot, _REASON),
        "ConsortiumRegistry.withdraw": (ballot,),
        "ConsortiumRegistry.objectToKey": (ballot, _REASON),
        "ConsortiumRegistry.rotateKey": (4, keccak(text="fresh"), (bytes(32), bytes(32))),
        "ConsortiumRegistry.emergencyStop": (2, _REASON),
        "ConsortiumRegistry.emergencyLift": (2,),
        "FacilityRegistry.propose": (terms("H", 1, shares),),
        "FacilityRegistry.accept": (proposed, _REASON),
        "FacilityRegistry.withdraw": (proposed,),
        "FacilityRegistry.decline": (proposed, _REASON),
        "FacilityRegistry.proposeShares": (facility, today + 60, new_shares, _REASON),
        "FacilityRegistry.proposeRules": (facility, (today + 60, 1, 1, 1, 1), _REASON),
        "FacilityRegistry.proposeClose": (facility, _REASON),
        "FacilityRegistry.acceptChange": (facility, 1, _REASON),
        "FacilityRegistry.enactChange": (facility, 1, _REASON),
        "FacilityRegistry.withdrawChange": (facility, 1),
        "FacilityRegistry.pause": (facility, _REASON),
        "FacilityRegistry.resume": (world.paused, 1),
        "ReserveLedger.openAccount": (*account, 0),
        "ReserveLedger.record": (facility, True, [], []),
        "ReserveLedger.hold": (*account, 2, 100, now + 2 * _LATER_S),
        "ReserveLedger.release": (*account, 1),
        "ReserveLedger.settleHold": (*account, 1),
        "ReserveLedger.closeThrough": (*account, today),
        "ReserveLedger.numberAct": (facility,),
        "Reconciliation.post": (facility, 2, [group], b""),
        "Reconciliation.markHeld": (1,),
        "Reconciliation.proposeResolution": (resolution, b""),
        "Reconciliation.acceptResolution": (resolution,),
        "Reconciliation.disputeResolution": (resolution, _REASON, b""),
        "Reconciliation.withdrawResolution": (resolution,),
        "DayClose.propose": statement,
        "DayClose.confirm": (*account, today - 1, digest),
        "DayClose.dispute": (*account, today - 1, digest, _REASON),
        "DayClose.withdraw": (*account, today - 1),
        "DayClose.proposeReopen": (*account, today - 2, _REASON),
        "DayClose.confirmReopen": (*account, today - 2, _REASON),
        "DayClose.withdrawReopen": (*account, today - 2),
        "DayClose.giveReason": (_REASON, b""),
        "DayClose.grantDetails": (facility, 5, today, today, b"keys"),
        "DayClose.revokeGrant": (1,),
        "DayClose.anchorAuditHead": (1, _REASON),
    }


def test_the_matrix_names_every_function_and_no_other() -> None:
    assert sorted(matrix()) == sorted(functions())


@pytest.mark.parametrize("function", functions())
def test_ACCESS_1_a_function_is_callable_by_exactly_the_roles_of_the_matrix(
    world: World, function: str
) -> None:
    row = matrix()[function]
    contract, name = function.split(".")
    wrong = []
    for who, column, purpose, address in world.callers():
        may = row.may(who, column, purpose)
        refusal = world.live.refusal(address, contract, name, *world.arguments[function])
        if isinstance(refusal, AccessRefused) == may:
            wrong.append(f"{who} {purpose} {'may' if may else 'may not'} call it, but: {refusal}")
    assert not wrong, "\n".join(wrong)
