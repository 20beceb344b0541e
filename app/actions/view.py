"""What a bank's own node has read of the chain: what its acts are checked against."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from eth_utils.address import to_checksum_address
from sqlalchemy import Engine, select

from app.domain.errors import UsageFault
from app.domain.identifiers import reference
from app.keys.possession import Registry
from app.keys.sealing import open_reference_key
from app.readmodel.consortium.emergencies import Emergency, emergency_about
from app.readmodel.consortium.queries import list_proposals
from app.readmodel.consortium.shapes import Proposal
from app.readmodel.directory import Directory, directory
from app.readmodel.disclosures.queries import granted_references
from app.readmodel.facilities.agreed import (
    AgreedFacility,
    known_facility,
    sealed_reference_keys,
)
from app.readmodel.tables import cursor


@dataclass(frozen=True, slots=True)
class View:
    """A bank's read model, by its database; `bank` is its name, `sealing_keys` gives its secret
    ones. `contracts`: the consortium's addresses by the contracts' names."""

    engine: Engine
    bank: str
    sealing_keys: Callable[[], Iterable[bytes]] = field(repr=False)
    contracts: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> Directory:
        """Members and facilities by number."""
        with self.engine.connect() as connection:
            return directory(connection)

    def registry(self) -> Registry:
        """What proofs of keys are made for. Raises UsageFault before the first block is read."""
        with self.engine.connect() as connection:
            chain_id = connection.execute(select(cursor.c.chain_id)).scalar()
        if chain_id is None:
            raise UsageFault(
                "this bank's node has read no block yet",
                remedy="Try again once the node has read the chain",
            )
        return Registry(chain_id, to_checksum_address(self.contracts["ConsortiumRegistry"]))

    def contract_at(self, address: str) -> str | None:
        """The name of the consortium's contract at an address; None where none is there."""
        return next((name for name, at in self.contracts.items() if at == address), None)

    def facility(self, id_: str) -> AgreedFacility:
        """A facility that is not withdrawn. Raises UsageFault where there is none of that id."""
        with self.engine.connect() as connection:
            return known_facility(connection, id_)

    def references(self, event_ref: str) -> list[bytes]:
        """What an event_ref is on the chain, under the reference key of each facility that opens
        with this bank's sealing keys, and as grants open it here."""
        with self.engine.connect() as connection:
            sealed = sealed_reference_keys(connection)
            granted = granted_references(connection, event_ref)
        secrets = self.sealing_keys()
        keys = (open_reference_key(one, secrets) for one in sealed)
        return granted + [reference(key, event_ref) for key in keys if key is not None]

    def proposal(self, number: int) -> Proposal:
        """A proposal to the consortium. Raises UsageFault for one that was not read."""
        with self.engine.connect() as connection:
            found = list_proposals(connection, number)
        if not found:
            raise UsageFault(
                f"proposal {number} is not in what this node has read",
                remedy="`tally consortium list` shows all; a new one shows once this bank's node, "
                "which must run, has read its block",
            )
        return found[0]

    def emergency(self, member: int) -> Emergency:
        """A member's standing, and which stops or lifts of it were asked for lately."""
        with self.engine.connect() as connection:
            return emergency_about(connection, member)

    def member(self, given: str) -> int:
        """The number of a member given by name or number. Raises UsageFault for one that nobody
        knows."""
        members = self.names().members
        for number, member in members.items():
            if given == member.name:
                return number
        if given.isascii() and given.isdecimal() and len(given) <= 5 and int(given) in members:
            return int(given)
        raise UsageFault(
            f"the consortium has no member {given!r}, as far as this bank's node has read it",
            remedy="`tally consortium list` shows the members",
        )
