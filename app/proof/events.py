"""The events of one facility in whole blocks, and whose transactions brought them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eth_utils.crypto import keccak

from app.contracts.events import ContractEvent, event_kinds
from app.indexer.decode import POSTING, Decoder, Event
from app.indexer.postings import Posting
from app.verify.errors import Unverified
from app.verify.receipts import Log, logs_of
from app.verify.transactions import signed_by

DERIVING = (
    "FacilityProposed",
    "SharesTookEffect",
    "RulesTookEffect",
    "DayProposed",
    "DayClosed",
    "DayReopened",
    "ResolutionProposed",
    "ResolutionAccepted",
    "ResolutionDisputed",
    "ResolutionWithdrawn",
)
"""Events besides those of postings that lines and totals follow from."""

_ANSWERING = ("DayDisputed", "DayWithdrawn", "ReopenProposed", "ReopenWithdrawn")
_BY_APPROVERS = frozenset({*DERIVING[3:], *_ANSWERING})
"""Events whose `member` sent their transaction by its approver key."""

_NUMBERED = "ActNumbered"
"""Tells with each resolution, closing, reopening and change of the facility its number."""

_MEMBERS = ("MemberAdmitted", "MemberKeyReplaced")
_OPERATOR, _APPROVER = 1, 2
"""Purposes of keys, as MemberKeyReplaced numbers them."""

_FOUNDED = bytes(keccak(b"Founded((address,address,address,address,address))"))
_AS_FOUNDED = (
    "ConsortiumRegistry",
    "FacilityRegistry",
    "ReserveLedger",
    "Reconciliation",
    "DayClose",
)
"""The contracts in the order in which their founding names them."""
_FIRST_MEMBER = (1).to_bytes(32)
"""Admitted by the founding, and by nothing else."""


@dataclass(slots=True)
class FacilityEvents:
    """Reads whole blocks in their order, and holds each act against its member's key of then."""

    contracts: Mapping[str, str]
    """Addresses, 0x and lower-case hex."""
    chain_id: int
    facility: int
    names: dict[int, str] = field(default_factory=dict)
    """Members' names by their numbers."""
    signatures: int = 0
    """How many acts were found to be signed by their member's key."""
    acts: int = 0
    """How many acts of the facility were numbered, from 1 without a gap."""
    is_founded: bool = False
    """Whether the transaction that founded the consortium was read, with these contracts."""
    _keys: dict[tuple[int, int], bytes] = field(default_factory=dict)
    """Member and purpose to the address."""
    _decoder: Decoder = field(init=False)
    _known: dict[tuple[bytes, bytes], bool] = field(init=False)
    """Address and topic of the events that are read, to whether they are a facility's."""
    _reconciliation: bytes = field(init=False)
    _first_admitted: tuple[bytes, tuple[bytes, bytes]] = field(init=False)
    """Address and topics of the log that admits the first member."""
    _founded: bytes = field(init=False)
    """The data of the log that names the contracts."""

    def __post_init__(self) -> None:
        handled = (*DERIVING, *_ANSWERING, *_MEMBERS, _NUMBERED)
        kinds = event_kinds()
        self._decoder = Decoder(self.contracts, handled)
        self._known = {
            (_octets(self.contracts[kinds[name].contract]), _octets(kinds[name].topic)): (
                name not in _MEMBERS
            )
            for name in (*POSTING, *handled)
        }
        self._reconciliation = _octets(self.contracts["Reconciliation"])
        self._first_admitted = (
            _octets(self.contracts["ConsortiumRegistry"]),
            (_octets(kinds["MemberAdmitted"].topic), _FIRST_MEMBER),
        )
        self._founded = b"".join(
            _octets(self.contracts[name]).rjust(32, b"\0") for name in _AS_FOUNDED
        )

    def concern(self, receipts: Sequence[bytes]) -> bool:
        """Whether a block with these receipts holds an event that is read."""
        return any(self._is_read(log) for one in receipts for log in logs_of(one))

    def read(
        self, block: int, transactions: Sequence[bytes], receipts: Sequence[bytes]
    ) -> list[Event]:
        """The block's events that lines and totals follow from, in order. Raises Unverified where
        one was not sent by the member that it names."""
        logs = []
        sent: dict[str, bytes] = {}
        index = 0
        for transaction, receipt in zip(transactions, receipts, strict=True):
            tx_hash = ""
            of_transaction = logs_of(receipt)
            self._note_founding(block, transaction, of_transaction)
            for log in of_transaction:
                if self._is_read(log):
                    if not tx_hash:
                        tx_hash = "0x" + keccak(transaction).hex()
                        sent[tx_hash] = transaction
                    logs.append(log.as_answered(block, tx_hash, index))
                index += 1
        found: list[Event] = []
        for event in self._decoder.decode(logs):
            if isinstance(event, ContractEvent):
                if event.fault is not None:
                    raise Unverified(f"block {block}: {event.name} cannot be read: {event.fault}")
                if event.name in _MEMBERS:
                    self._note_keys(event)
                    continue
                if event.name == _NUMBERED:
                    self._note_act(event)
                    continue
            self._check_sender(event, sent[event.tx_hash])
            if isinstance(event, Posting) or event.name in DERIVING:
                found.append(event)
        return found

    def _is_read(self, log: Log) -> bool:
        of_facility = self._known.get((log.address, log.topics[0])) if log.topics else None
        if of_facility:
            return len(log.topics) > 1 and int.from_bytes(log.topics[1]) == self.facility
        return of_facility is not None

    def _note_founding(self, block: int, transaction: bytes, logs: Sequence[Log]) -> None:
        """The registry admits its first member in the one transaction that founds the consortium,
        and that names the five contracts. Raises Unverified where they are others."""
        if not any((one.address, one.topics) == self._first_admitted for one in logs):
            return
        if [one.data for one in logs if one.topics == (_FOUNDED,)] != [self._founded]:
            raise Unverified(
                f"block {block}: the consortium's founding names other contracts than the bundle"
            )
        signed_by(transaction, self.chain_id)
        self.is_founded = True

    def _note_act(self, event: ContractEvent) -> None:
        """The ledger counts a facility's acts: where one is left out, the next shows it. Raises
        Unverified."""
        number = event.arguments["number"]
        if number != self.acts + 1:
            raise Unverified(
                f"block {event.block_number}: act {number} of the facility follows act "
                f"{self.acts}: what is between them (a resolution, a closed or reopened day, a "
                "change of terms) is missing"
            )
        self.acts = number

    def _note_keys(self, event: ContractEvent) -> None:
        arguments = event.arguments
        member = arguments["member"]
        if event.name == "MemberAdmitted":
            self.names[member] = arguments["name"]
            self._keys[member, _OPERATOR] = arguments["operator"]
            self._keys[member, _APPROVER] = arguments["approver"]
        else:
            self._keys[member, arguments["purpose"]] = arguments["key"][12:]

    def _check_sender(self, event: Event, transaction: bytes) -> None:
        if isinstance(event, Posting):
            what, member, purpose, word = event.place, event.member, _OPERATOR, "operator"
        elif event.name in _BY_APPROVERS:
            member, purpose, word = event.arguments["member"], _APPROVER, "approver"
            what = f"{event.name} of transaction {event.tx_hash}"
        else:
            return
        signed = signed_by(transaction, self.chain_id)
        key = self._keys.get((member, purpose))
        if key is None or signed.sender != key:
            raise Unverified(
                f"block {event.block_number}: {what} was signed by 0x{signed.sender.hex()}, which "
                f"is not member {member}'s {word} key of that time"
            )
        if isinstance(event, Posting) and signed.to != self._reconciliation:
            raise Unverified(f"block {event.block_number}: {what} was not sent to its contract")
        self.signatures += 1


def _octets(text: str) -> bytes:
    return bytes.fromhex(text[2:])
