"""A consortium on this machine: its chain, founding, facilities, and every member's bank."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from pathlib import Path
from shlex import quote

from app.actions.facilities import AcceptFacility, ProposeFacility, accept, propose
from app.actions.sender import Signer
from app.actions.view import View
from app.chain.failover import Endpoints
from app.chain.identity import check_chain
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.config import load_config
from app.contracts.facility_registry import FacilityRegistry
from app.domain.errors import ChainFault, ChainUnreachable, UsageFault
from app.domain.facility import Facility
from app.node.bank import Bank, client_tls, open_bank
from deploy.consortium import ConsortiumFolder, Member, create, write_config
from deploy.found import found
from ganache import launcher


class Consortium:
    """The members whose keys lie in one folder, and the chain that `rpc` leads to."""

    def __init__(self, folder: ConsortiumFolder, rpc: Rpc) -> None:
        self.folder = folder
        self.rpc = rpc

    def found(self, engine: str) -> Manifest:
        """Deploy the contracts with the founding members, unless that was done before."""
        if self.folder.manifest.exists():
            manifest = Manifest.read(self.folder.manifest)
            check_chain(self.rpc, manifest)
            return manifest
        return found(self.rpc, engine, self.folder, say=lambda text: None)

    def agree(self, facility: Facility) -> None:
        """Bring a facility into force: proposed by its lead, accepted by every partner.

        Raises UsageFault when one of its banks is not a member, or when the chain already has a
        facility of that id with other terms.
        """
        members = {member.name for member in self.folder.members()}
        strangers = [name for name in facility.banks if name not in members]
        if strangers:
            raise UsageFault(
                f"{', '.join(strangers)} of facility {facility.id} is no member of this network",
                where=str(self.folder.root),
                remedy="Admit the bank first, or correct the facility file",
            )
        registry = FacilityRegistry(self.rpc, self.manifest().addresses["FacilityRegistry"])
        with closing(self.bank(facility.lead)) as lead:
            if registry.facility_number(facility.id) == 0:
                lead.follower.catch_up()
                propose(ProposeFacility(facility), lead.view, registry, self._approver(lead.name))
            lead.follower.index()
            agreed = lead.view.facility(facility.id)
            _check_terms(facility, agreed.terms)
            asked = AcceptFacility(facility.id, agreed.terms_hash or b"")
            for name in agreed.waiting_for:
                # What the lead's node has read: only its process works here so far.
                view = View(lead.engine, name, lead.view.sealing_keys)
                accept(asked, view, registry, self._approver(name))

    def bank(self, name: str) -> Bank:
        """A member's bank. The caller closes it."""
        return open_bank(load_config(self.folder.config(name)))

    def manifest(self) -> Manifest:
        """Where the contracts stand."""
        return Manifest.read(self.folder.manifest)

    def height(self) -> int:
        """The newest block's number."""
        return self.rpc.run(lambda: int(self.rpc.call("eth_blockNumber", []), 16))

    def _approver(self, bank: str) -> Signer:
        keys = self.folder.keys(bank)
        return Signer.load(self.rpc, keys, "approver", bank=bank, development=True)


@contextmanager
def embedded(
    root: Path,
    members: list[Member],
    engine: launcher.Engine,
    *,
    block_time_s: int | None = None,
    ports: Sequence[int] = (),
    keep: bool = False,
) -> Iterator[Consortium]:
    """A consortium with a chain of its own, stopped at the end; founded where it was not.

    `ports` are the nodes', in the members' order; any free ones where there are none.
    `keep` stores the chain, so that it goes on when the same folder is used again.
    """
    folder = ConsortiumFolder(root)
    try:
        chain = launcher.start(
            engine, state_dir=folder.chain, block_time_s=block_time_s, keep_state=keep
        )
    except launcher.LauncherError as fault:
        raise ChainFault(str(fault), where=f"embedded {engine}") from fault
    with chain:
        if not folder.members():
            create(folder, members)
        for place, member in enumerate(members):
            port = ports[place] if ports else 0
            write_config(folder, member.name, rpc=chain.process.url, port=port)
        consortium = Consortium(folder, Rpc(chain.process.url))
        consortium.found(engine)
        yield consortium


@contextmanager
def network(root: Path) -> Iterator[Consortium]:
    """The network in `root`, at the chain endpoints that its first member uses.

    Where no chain node answers, the error tells how to start the network.
    """
    folder = ConsortiumFolder(root)
    members = folder.members()
    if not members or not folder.manifest.exists():
        raise UsageFault(
            "this folder holds no network",
            where=str(root),
            remedy="Make one with `tally network create`",
        )
    config = load_config(folder.config(members[0].name))
    endpoints = Endpoints(config.rpc, Manifest.read(folder.manifest), client_tls(config))
    try:
        client = endpoints.client()
        client.run(lambda: None)  # before anything is sent, the first good one is found
        yield Consortium(folder, client)
    except ChainUnreachable as fault:
        raise ChainUnreachable(
            fault.what,
            where=fault.where,
            remedy=f"Start the network with `tally network up --dir {quote(str(root))}`; what was "
            "accepted is kept",
        ) from fault
    finally:
        endpoints.close()


def _check_terms(wanted: Facility, agreed: Facility) -> None:
    # What was agreed later is no part of the terms that all versions start with.
    first = replace(agreed, later_shares=(), later_cut_offs=())
    differing = [
        field.name
        for field in fields(Facility)
        if getattr(wanted, field.name) != getattr(first, field.name)
    ]
    if differing:
        raise UsageFault(
            f"facility {wanted.id} is on the chain with other terms ({', '.join(differing)})",
            remedy="Use the facility file that the banks agreed, or another id",
        )
