"""Whatever anybody calls with whatever calldata: what the contracts accept, every reader can read.

Each function that the contracts' ABIs have and that can change anything is called, on a real chain,
from members' keys and from strangers: as it is meant, with hostile values, and with calldata that
no encoder makes. A new function is called too, without being named here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple, filter_abi_by_type, function_abi_to_4byte_selector
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from sqlalchemy import Engine

from app.alerts.judge import NodeFacts
from app.alerts.watch import AlertWatch
from app.contracts.abi import load_abi
from app.contracts.events import event_kinds
from app.db.engine import create, upgrade
from app.domain.consortium import CONTRACTS
from app.domain.legs import pack
from app.indexer.rebuild import digest, rebuild
from app.keys.keystore import load_account
from app.readmodel.chain import newest_incidents, position
from ganache.launcher import start
from tests.hostile_values import HostileValues
from tests.integration.faces import face
from tests.integration.posted import TODAY, Event, World, new_world

GAS = 30_000_000
CALLS, SLOW_CALLS = 400, 2_000
REASON = keccak(text="why")
WORD = 32
TOP_UP = 6
ACTIVE, OPEN = 2, 1

PAYLOADS = {
    1: ["(bytes,uint8,address,address,address,bytes32)", "bytes32[6]"],
    2: ["uint16"],
    3: ["uint16"],
    4: ["uint16"],
    5: ["uint16", "uint8"],
    6: ["uint16", "uint8", "bytes32", "bytes32[2]"],
    7: ["uint16", "address", "bytes"],
    8: ["address"],
    9: ["address", "address", "bytes"],
}
"""What a proposal of each kind carries; `bytes` stands for texts, whose encoding is the same."""


class Callers(HostileValues):
    """Members and strangers, and what they call."""

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(seed)
        self.world = world
        self.contracts = {
            name: world.rpc.web3.eth.contract(to_checksum_address(address), abi=load_abi(name))
            for name, address in world.manifest.addresses.items()
        }
        self.keys = {
            (bank, purpose): load_account(
                world.folder.keys(bank), purpose, development=True
            ).address
            for bank in world.numbers
            for purpose in ("operator", "approver", "recovery")
        }
        self.strangers = ["0x" + f"{number:040x}" for number in (0, 1, 0xBAD)]
        self.functions = [
            (contract, one)
            for contract in CONTRACTS
            for one in filter_abi_by_type("function", load_abi(contract))
            if one["stateMutability"] not in ("view", "pure")
        ]
        self.usual = [
            (contract, one)
            for contract, one in self.functions
            if hasattr(self, f"_{contract}_{one['name']}")
        ]
        """Those that members call; the others serve contracts or the founding."""
        self.accepted: Counter[tuple[str, str]] = Counter()
        self.odd: Counter[tuple[str, str]] = Counter()
        """Calls that were accepted although no encoder writes them so."""
        self.receipts: list[dict[str, Any]] = []
        world.rpc.call("anvil_autoImpersonateAccount", [True])

    def call(self, contract: str, entry: Any) -> None:
        """One call of a function by somebody."""
        types = [collapse_if_tuple(one).replace("string", "bytes") for one in entry["inputs"]]
        meant = self.meant(contract, entry["name"])
        if meant is not None and self.chance.random() < 0.8:
            bank, purpose, values = meant
            sender: str = self.keys[bank, purpose]
        else:
            sender = self.chance.choice([*self.keys.values(), *self.strangers])
            known = self.known()
            values = [
                self.fill(one, known if one["type"] == "tuple" else known.get(one["name"]))
                for one in entry["inputs"]
            ]
        arguments = encode(types, values)
        if self.chance.random() < 0.5:
            arguments = self.spoiled(arguments)
        sent = self.world.rpc.call(
            "eth_sendTransaction",
            [
                {
                    "from": sender,
                    "to": self.contracts[contract].address,
                    "data": "0x" + (function_abi_to_4byte_selector(entry) + arguments).hex(),
                    "gas": hex(GAS),
                    "gasPrice": "0x0",
                }
            ],
        )
        while (receipt := self.world.rpc.call("eth_getTransactionReceipt", [sent])) is None:
            pass
        if receipt["status"] == "0x1":
            self.accepted[contract, entry["name"]] += 1
            self.odd[contract, entry["name"]] += not _is_canonical(types, arguments)
            self.receipts.append(receipt)

    def spoiled(self, arguments: bytes) -> bytes:
        """Calldata as no encoder makes it."""
        words = [arguments[at : at + WORD] for at in range(0, len(arguments), WORD)]
        place = self.chance.randrange(len(words)) if words else 0
        how = self.chance.randrange(9)
        if how == 0 or not words:
            return arguments + self.bytes(64)
        if how == 1:
            return arguments[: self.chance.randrange(len(arguments))]
        if how == 2:
            return arguments + bytes(WORD) * self.chance.randint(1, 3)
        if how == 3:
            # dirt in the high bits, or in the padding of bytes
            bit = self.chance.choice([0, 7, 255, self.chance.randrange(256)])
            words[place] = (int.from_bytes(words[place]) | 1 << bit).to_bytes(WORD)
        elif how == 4:
            offsets = [0, WORD, len(arguments), 1 << 63, (1 << 256) - WORD, (1 << 256) - 1]
            words[place] = self.chance.choice(offsets).to_bytes(WORD)
        elif how == 5:
            # two places name the same bytes
            words[place] = self.chance.choice(words)
        elif how == 6:
            moved = int.from_bytes(words[place]) + self.chance.choice([-WORD, -1, 1, WORD])
            words[place] = (moved % (1 << 256)).to_bytes(WORD)
        elif how == 7:
            words.insert(place, words[place])
        else:
            words[place] = self.chance.randbytes(WORD)
        return b"".join(words)

    def known(self) -> dict[str, Any]:
        """What there is, by the names of arguments."""
        return {
            "facility": self.world.facility,
            "partner": self.chance.randint(0, 4),
            "member": self.chance.randint(1, 6),
            "subject": self.chance.randint(1, 6),
            "pauser": self.chance.randint(1, 4),
            "number": self.chance.randint(1, 3),
            "kind": self.chance.randint(0, 13),
            "day": TODAY - self.chance.randint(-1, 2),
            "businessDay": TODAY,
        }

    def meant(self, contract: str, function: str) -> tuple[str, str, list[Any]] | None:
        """A call that an honest member might make now: whose key, and the arguments; None where
        nothing is known of the function."""
        found = getattr(self, f"_{contract}_{function}", None)
        return found() if found else None

    def view(self, contract: str, function: str, *arguments: Any) -> Any:
        return self.contracts[contract].functions[function](*arguments).call()

    def _number(self, bank: str) -> int:
        return self.world.numbers[bank]

    def party(self) -> str:
        return self.chance.choice([self.world.lead, *self.world.partners])

    # the consortium

    def _ConsortiumRegistry_propose(self) -> Any:
        chance = self.chance
        kind = chance.randint(2, 9)
        member = chance.choice([5, 6, 6])
        payload = encode(PAYLOADS[kind], self._payload(kind, member))
        if chance.random() < 0.5:
            payload = self.spoiled(payload)
        return self.party(), "approver", [kind, payload, REASON]

    def _payload(self, kind: int, member: int) -> list[Any]:
        node = f"0x{self.chance.randint(1, 9):040x}"
        fields: dict[int, list[Any]] = {
            5: [member, self.chance.randint(1, 4)],
            6: [member, 4, self.chance.randbytes(32), [bytes(32)] * 2],
            7: [member, node, self.bytes() or b"enode"],
            8: [node],
            9: [self.contracts["DayClose"].address, node, self.bytes()],
        }
        return fields.get(kind, [member])

    def _ballot(self) -> list[Any]:
        count = self.view("ConsortiumRegistry", "proposalCount")
        number = self.chance.randint(max(1, count - 4), max(1, count))
        content = self.view("ConsortiumRegistry", "proposal", number)[-2] if count else REASON
        return [number, content]

    def _ConsortiumRegistry_vote(self) -> Any:
        return self.party(), "approver", [*self._ballot(), self.chance.random() < 0.8]

    def _ConsortiumRegistry_enact(self) -> Any:
        return self.party(), "approver", self._ballot()

    def _ConsortiumRegistry_objectToKey(self) -> Any:
        return self.chance.choice(["outsider", "auditor"]), "recovery", self._ballot()

    def _ConsortiumRegistry_withdraw(self) -> Any:
        return self.party(), "approver", self._ballot()[:1]

    def _ConsortiumRegistry_rotateKey(self) -> Any:
        key = self.chance.randbytes(32)
        return "outsider", "approver", [4, key, (bytes(32), bytes(32))]

    def _ConsortiumRegistry_emergencyStop(self) -> Any:
        return self.party(), "approver", [5, REASON]

    def _ConsortiumRegistry_emergencyLift(self) -> Any:
        return self.party(), "approver", [5]

    # facilities

    def _FacilityRegistry_propose(self) -> Any:
        terms = list(self.view("FacilityRegistry", "terms", self.world.facility))
        terms[0] = b"F-%d" % self.chance.randrange(10**9)
        terms[2], terms[4] = terms[2].encode(), terms[4].encode()
        if self.chance.random() < 0.5:
            terms[3], terms[11] = self.chance.randrange(5), self.any("uint24")
            terms[4] = self.chance.choice([b"Mars/Olympus", b"America", b"../..", self.bytes()])
        terms[7] = [(*one[:-1], self.bytes() or b"-") for one in terms[7]]
        terms[8] = self.bytes() or b"-"
        return self.world.lead, "approver", [tuple(terms)]

    def _proposed(self) -> int:
        return self.chance.randint(1, self.view("FacilityRegistry", "facilityCount"))

    def _FacilityRegistry_accept(self) -> Any:
        number = self._proposed()
        terms_hash = self.view("FacilityRegistry", "termsHash", number)
        return self.chance.choice(self.world.partners), "approver", [number, terms_hash]

    def _FacilityRegistry_decline(self) -> Any:
        return self.chance.choice(self.world.partners), "approver", [self._proposed(), REASON]

    def _FacilityRegistry_withdraw(self) -> Any:
        return self.world.lead, "approver", [self._proposed()]

    def _FacilityRegistry_pause(self) -> Any:
        return self.party(), "approver", [self._proposed(), REASON]

    def _FacilityRegistry_resume(self) -> Any:
        # who has paused lifts it, so that posting goes on
        paused = [
            bank
            for bank in (self.world.lead, *self.world.partners)
            if self.view("FacilityRegistry", "pausedBy", self.world.facility, self._number(bank))
        ]
        bank = self.chance.choice(paused) if paused else self.party()
        return bank, "approver", [self.world.facility, self._number(bank)]

    def _FacilityRegistry_proposeRules(self) -> Any:
        rules = (TODAY + 40, self.chance.randint(0, 9), 1, 86_400, 86_399)
        return self.party(), "approver", [self.world.facility, rules, REASON]

    def _FacilityRegistry_proposeShares(self) -> Any:
        shares = [(4_000, 4_000, 4_000), (2_467, 2_467, 0), (999, 1, 999)]
        return self.world.lead, "approver", [self.world.facility, TODAY + 40, shares, REASON]

    def _FacilityRegistry_proposeClose(self) -> Any:
        return self.party(), "approver", [self._proposed(), REASON]

    def _FacilityRegistry_acceptChange(self) -> Any:
        count = self.view("FacilityRegistry", "changeCount", self.world.facility)
        number = self.chance.randint(max(1, count - 2), max(1, count))
        content = REASON
        if count:
            kind, payload, reason = self._change(number)
            content = keccak(encode(["uint8", "bytes", "bytes32"], [kind, payload, reason]))
        return self.party(), "approver", [self.world.facility, number, content]

    def _change(self, number: int) -> tuple[int, bytes, bytes]:
        found = self.contracts["FacilityRegistry"].functions.change(self.world.facility, number)
        fields = [one["name"] for one in found.abi["outputs"][0]["components"]]
        change = dict(zip(fields, found.call(), strict=True))
        return change["kind"], change["payload"], REASON

    _FacilityRegistry_enactChange = _FacilityRegistry_acceptChange

    def _FacilityRegistry_withdrawChange(self) -> Any:
        bank, purpose, (facility, number, _) = self._FacilityRegistry_acceptChange()
        return bank, purpose, [facility, number]

    # legs, breaks, holds, days

    def _Reconciliation_post(self) -> Any:
        bank, number = self.chance.choice([("webank", 1), ("huarui", 2), ("wuxi", 3)])
        sequence = self.view("Reconciliation", "head", self.world.facility, number)[0] + 1
        legs = [
            self.world.leg(bank, Event(TOP_UP, f"R-{self.chance.randrange(12)}", 100 + extra, 1))
            for extra in self.chance.choices([0, 0, 7], k=3)
        ]
        stream, _ = pack(legs)
        words = [stream[at : at + WORD] for at in range(0, len(stream), WORD)]
        if self.chance.random() < 0.3:
            words.insert(self.chance.randrange(len(words)), self.chance.randbytes(WORD))
        return bank, "operator", [self.world.facility, sequence, words, self.bytes()]

    def _resolution(self) -> list[Any]:
        ref = int.from_bytes(self.world.reference(f"R-{self.chance.randrange(12)}"))
        action = self.chance.randint(1, 4)
        named = [self.world.facility, 1, TOP_UP, ref, 0, 0, action, int(action == 1), TODAY]
        asked = (*named, bytes(32), REASON)
        return [(*named, self.view("Reconciliation", "resolutionState", asked), REASON)]

    def _pair_party(self) -> str:
        return self.chance.choice(["webank", "huarui"])

    def _Reconciliation_proposeResolution(self) -> Any:
        return self._pair_party(), "approver", [*self._resolution(), self.bytes()]

    def _Reconciliation_disputeResolution(self) -> Any:
        return self._pair_party(), "approver", [*self._resolution(), REASON, self.bytes()]

    def _Reconciliation_acceptResolution(self) -> Any:
        return self._pair_party(), "approver", self._resolution()

    _Reconciliation_withdrawResolution = _Reconciliation_acceptResolution

    def _ReserveLedger_hold(self) -> Any:
        ref, now = self.chance.randint(1, 9), self.world.rpc.web3.eth.get_block("latest")
        return "webank", "operator", [self.world.facility, 1, ref, 1, now["timestamp"] + 90]

    def _ReserveLedger_release(self) -> Any:
        return "webank", "operator", [self.world.facility, 1, self.chance.randint(1, 9)]

    def _DayClose_giveReason(self) -> Any:
        return self.party(), "approver", [self.chance.randbytes(32), self.bytes()]

    def _DayClose_grantDetails(self) -> Any:
        reader, first = self.chance.choice([4, 5, 6]), self.chance.randint(0, 2**24 - 1)
        last = self.chance.randint(first, 2**24 - 1)
        keys = self.bytes() or b"?"
        asked = [self.world.facility, reader, first, last, keys]
        return self.party(), "approver", asked

    def _DayClose_revokeGrant(self) -> Any:
        return self.party(), "approver", [self.chance.randint(1, 6)]

    def _DayClose_anchorAuditHead(self) -> Any:
        rows = self.chance.choice([1, 7, 2**48 - 1])
        return self.party(), "operator", [rows, self.chance.randbytes(32)]

    def _statement(self) -> list[Any]:
        """Of the third partner, on whose account nothing moves."""
        return [(self.world.facility, 3, TODAY - 1, *([0] * 13)), []]

    def _DayClose_propose(self) -> Any:
        return self.chance.choice(["webank", "nanfeng"]), "approver", self._statement()

    def _named_day(self) -> list[Any]:
        types = [f"({','.join(['uint256'] * 16)})", "uint256[]"]
        return [self.world.facility, 3, TODAY - 1, keccak(encode(types, self._statement()))]

    def _DayClose_confirm(self) -> Any:
        return self.chance.choice(["webank", "nanfeng"]), "approver", self._named_day()

    def _DayClose_dispute(self) -> Any:
        return self.chance.choice(["webank", "nanfeng"]), "approver", [*self._named_day(), REASON]

    def _DayClose_withdraw(self) -> Any:
        return self.chance.choice(["webank", "nanfeng"]), "approver", self._named_day()[:3]

    def _DayClose_proposeReopen(self) -> Any:
        asked = [*self._named_day()[:3], REASON]
        return self.chance.choice(["webank", "nanfeng"]), "approver", asked

    _DayClose_confirmReopen = _DayClose_proposeReopen
    _DayClose_withdrawReopen = _DayClose_withdraw


def _is_canonical(types: Sequence[str], data: bytes) -> bool:
    """Whether data read strictly, and encode again to the same bytes."""
    try:
        return encode(types, decode(types, data)) == data
    except DecodingError:
        return False


class Readers:
    """The lead's view, that reads as it goes, and others' that read all at once."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.live = self.database(f"sqlite:///{folder / 'live.db'}")
        self.indexer = world.indexer(world.lead, self.live)

    def database(self, url: str) -> Engine:
        engine = create(url)
        upgrade(engine)
        return engine

    def all_read_the_same(self, postgres_url: str) -> None:
        """Every view comes to the chain's head, rebuilds to the same, and knows of no fault."""
        self.indexer.advance()
        seen = digest(self.live)
        rebuild(self.indexer)
        assert digest(self.live) == seen, "rebuilt on SQLite"
        whole = self.database(postgres_url)
        indexer = self.world.indexer(self.world.lead, whole)
        indexer.advance()
        assert digest(whole) == seen, "read at once on PostgreSQL"
        rebuild(indexer)
        assert digest(whole) == seen, "rebuilt on PostgreSQL"
        for bank in ("huarui", "auditor"):
            other = self.database(f"sqlite:///{self.folder / bank}.db")
            self.world.indexer(bank, other).advance()
            self.is_whole(other)
            other.dispose()
        self.is_whole(self.live)
        self.is_whole(whole)
        self.live.dispose()
        whole.dispose()

    def is_whole(self, engine: Engine) -> None:
        head = int(self.world.rpc.call("eth_blockNumber", []), 16)
        with engine.connect() as connection:
            read = position(connection)
            assert newest_incidents(connection) == []
        assert read is not None
        assert read.block_number == head, "the view is at the head"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with start("anvil", state_dir=tmp_path / "chain", keep_state=False) as chain:
        yield new_world(chain.process.url, tmp_path)


def fuzz(world: World, folder: Path, postgres_url: str, seed: int, calls: int) -> None:
    callers, readers = Callers(world, seed), Readers(world, folder)
    for _ in range(calls):
        functions = callers.usual if callers.chance.random() < 0.9 else callers.functions
        callers.call(*callers.chance.choice(functions))
        if callers.chance.random() < 0.02:
            readers.indexer.advance()
    _one_encoding_is_emitted(callers.receipts)
    readers.all_read_the_same(postgres_url)
    _is_shown(readers.indexer.engine, world)
    _the_fuzzer_reaches_what_it_is_for(callers)


def _is_shown(engine: Engine, world: World) -> None:
    """Alerts are judged, and what lists all facilities answers."""
    AlertWatch(engine, world.lead, lambda: False, lambda _: NodeFacts({}), object).look()
    with face(engine, bank=world.lead, member=world.numbers[world.lead]) as node:
        officer = node.signed_in("officer")
        pages = ("/", "/wall", "/forecast", "/facilities", "/breaks", "/days", "/consortium")
        assert {page: officer.get(page).status_code for page in pages} == dict.fromkeys(pages, 200)


def _one_encoding_is_emitted(receipts: list[dict[str, Any]]) -> None:
    """What is on the chain is as an encoder writes it, proposals' payloads too."""
    kinds = {kind.topic: kind for kind in event_kinds().values()}
    for log in (log for receipt in receipts for log in receipt["logs"]):
        kind = kinds.get(log["topics"][0])
        if kind is None:
            continue
        data = bytes.fromhex(log["data"][2:])
        event = kind.read(log)
        assert event.fault is None, event
        types = [collapse_if_tuple(one).replace("string", "bytes") for one in kind._data]
        assert _is_canonical(types, data), (event, data.hex())
        if event.name == "ProposalMade":
            payload, what = event.arguments["payload"], event.arguments["kind"]
            assert _is_canonical(PAYLOADS[what], payload), event


def _the_fuzzer_reaches_what_it_is_for(callers: Callers) -> None:
    assert len(callers.accepted) > len(callers.usual) / 2
    assert ("ConsortiumRegistry", "propose") in callers.accepted
    assert sum(callers.odd.values()), "some calls that no encoder writes so are accepted"


def test_no_call_stops_the_view_or_is_read_in_two_ways(
    world: World, tmp_path: Path, postgres_url: str
) -> None:
    fuzz(world, tmp_path, postgres_url, seed=1, calls=CALLS)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(2, 6))
def test_no_call_stops_the_view_in_a_long_run(
    world: World, tmp_path: Path, postgres_url: str, seed: int
) -> None:
    fuzz(world, tmp_path, postgres_url, seed, SLOW_CALLS)
