"""Where the demonstration takes place: on a chain of its own, or on a network of this machine."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from app.config import load_config
from app.domain.errors import UsageFault
from app.domain.facility import Facility, Partner, Shares
from app.intake.facility_file import load_facility
from app.local.consortium import Consortium, embedded, network
from app.processes import free_ports, is_free
from deploy.consortium import ConsortiumFolder, Member
from ganache.journal import blocks_to_make

FACILITY = Path(__file__).with_name("facility.toml")
AUDITOR = "audit-office"
_FIRST_PORT = 8701
_BLOCK_TIME_S = 1
_PARTNERS_BPS = Shares(principal=8000, interest=7800, fee=4000)
_LOW_BALANCE = 1_000_000_00


@dataclass(frozen=True, slots=True)
class DemoEnvironment:
    """A consortium with its chain, the demonstration's facility there, and its members with their
    nodes' ports, the lead first."""

    consortium: Consortium
    facility: Facility
    ports: dict[Member, int]


@contextmanager
def own_chain(root: Path, say: Callable[[str], None]) -> Iterator[DemoEnvironment]:
    """An embedded chain in `root`, founded where it was not, and stopped at the end."""
    blocks = blocks_to_make(ConsortiumFolder(root).chain)
    say(
        f"making the chain's last {blocks:,} blocks again; `make reset` forgets the chain"
        if blocks
        else "starting the chain and founding the consortium"
    )
    facility = load_facility(FACILITY)
    members = [Member(facility.lead, "lead")]
    members += [Member(partner.name, "partner") for partner in facility.partners]
    members.append(Member(AUDITOR, "auditor"))
    ports = list(range(_FIRST_PORT, _FIRST_PORT + len(members)))
    if not all(map(is_free, ports)):
        ports = free_ports(len(members))
    with embedded(
        root, members, "anvil", block_time_s=_BLOCK_TIME_S, ports=ports, keep=True
    ) as consortium:
        yield DemoEnvironment(consortium, facility, dict(zip(members, ports, strict=True)))


@contextmanager
def on_network(root: Path) -> Iterator[DemoEnvironment]:
    """The network in `root`, which runs and stays running. Raises UsageFault when a member's node
    runs already, or without a lead and a partner."""
    with network(root) as consortium:
        members = consortium.folder.members()
        facility = _among(members)
        ports = {
            member: load_config(consortium.folder.config(member.name)).api.port
            for member in members
        }
        taken = [member.name for member, port in ports.items() if not is_free(port)]
        if taken:
            raise UsageFault(
                f"the ports of the nodes of {', '.join(taken)} are taken",
                where=str(root),
                remedy="Stop these nodes: the demonstration runs one for every member",
            )
        lead_first = sorted(ports, key=lambda member: member.name != facility.lead)
        yield DemoEnvironment(
            consortium, facility, {member: ports[member] for member in lead_first}
        )


def _among(members: list[Member]) -> Facility:
    """A facility of the first lead and all partners, of a name that these banks alone have: one
    that was agreed before somebody joined or left keeps its terms."""
    leads = [member.name for member in members if member.role == "lead"]
    partners = [member.name for member in members if member.role == "partner"]
    if not leads or not partners:
        raise UsageFault(
            "the demonstration needs a lead and a partner",
            remedy="Admit them with `tally network admit`",
        )
    banks = json.dumps([leads[0], *partners])
    shares = Shares(
        _PARTNERS_BPS.principal // len(partners),
        _PARTNERS_BPS.interest // len(partners),
        _PARTNERS_BPS.fee // len(partners),
    )
    return replace(
        load_facility(FACILITY),
        id=f"DEMO-{sha256(banks.encode()).hexdigest()[:6].upper()}",
        lead=leads[0],
        partners=tuple(
            Partner(number, name, shares, _LOW_BALANCE) for number, name in enumerate(partners, 1)
        ),
    )
