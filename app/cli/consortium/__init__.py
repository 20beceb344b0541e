"""`tally consortium`: members, votes, keys, nodes and emergency stops."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

import typer
from eth_utils.crypto import keccak
from rich.console import Console
from rich.text import Text

from app.actions import consortium as actions
from app.actions.consortium import SeenProposal
from app.actions.sender import Done
from app.actions.view import View
from app.chain.newest import newest_state
from app.cli.consortium.emergency import emergency
from app.cli.consortium.keys import keys
from app.cli.consortium.propose import propose
from app.cli.shared.acting import Acting, acting, show_done
from app.cli.shared.confirmation import YesOption, confirm, is_attended
from app.cli.shared.console import stderr, stdout
from app.cli.shared.reading import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    reading,
    show,
    show_as_of,
    table,
)
from app.config import load_config
from app.domain.errors import UsageFault
from app.node.bank import read_manifest
from app.presentation.common import as_of
from app.presentation.consortium import (
    ConsortiumOut,
    MemberOut,
    ValidatorOut,
    proposal_out,
)
from app.readmodel.consortium.queries import (
    list_members,
    list_proposals,
    list_validators,
    log_lines,
)
from app.readmodel.consortium.shapes import ConsortiumMember, LogLine, Proposal
from deploy.compile import CompileError
from deploy.steps.deployment import implementation_hash

consortium = typer.Typer(
    help="The consortium: its members, and what they decide together.", no_args_is_help=True
)
consortium.add_typer(propose, name="propose")
consortium.add_typer(keys, name="keys")
consortium.add_typer(emergency, name="emergency")

NumberArgument = Annotated[int, typer.Argument(min=1, max=2**32 - 1, help="The proposal's number.")]

_LOG_LINES = 20


@consortium.command("list")
def list_(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show the members, the proposals, the validators and the contracts.

    They come from final blocks, as this bank's node has read them; the node need not be running.

    Example:

      tally consortium list --config .tally/demo/banks/webank/bank.toml
    """
    addresses = read_manifest(load_config(config).manifest).addresses
    with reading(config) as engine, engine.connect() as connection:
        members = list_members(connection)
        proposals = list_proposals(connection)
        validators = list_validators(connection)
        lines = log_lines(connection, _LOG_LINES)
        read_to = as_of(connection)
    if as_json:
        whole = ConsortiumOut(
            members=[MemberOut.of(one) for one in members],
            proposals=[proposal_out(one) for one in proposals],
            validators=[ValidatorOut.of(one) for one in validators],
            contracts=addresses,
            as_of=read_to,
        )
        typer.echo(whole.model_dump_json(indent=2))
        return
    _show_members(members)
    _show_proposals(proposals)
    if validators:
        nodes = table("validator", "member", "enode")
        for node in validators:
            nodes.add_row(node.node, node.member, node.enode)
        show(nodes)
    contracts = table("contract", "address")
    for name, address in addresses.items():
        contracts.add_row(name, address)
    show(contracts)
    _show_log(lines)
    show_as_of(read_to)


@consortium.command("show")
def show_one(
    number: NumberArgument, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False
) -> None:
    """Show one proposal: what it asks for, who voted how, and who has not.

    Example:

      tally consortium show 3 --config bank.toml
    """
    with reading(config) as engine, engine.connect() as connection:
        found = View(engine, load_config(config).name, tuple).proposal(number)
        read_to = as_of(connection)
    if as_json:
        typer.echo(proposal_out(found).model_dump_json(indent=2))
        return
    _show_proposal(found, stdout)
    show_as_of(read_to)


@consortium.command()
def vote(
    number: NumberArgument,
    choice: Annotated[Literal["yes", "no"], typer.Argument(help="For or against.")],
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Vote on a proposal with the bank's approver key, once and for good.

    What it asks for is shown, as this bank's node has read it, and is what is signed: the contract
    refuses if it has something else. The vote that makes the majority enacts the proposal in its
    own transaction.

    Example:

      tally consortium vote 3 yes --config bank.toml
    """
    with acting(config) as bank:
        seen = _shown(bank, number, yes, f"Vote {choice}?")
        asked = actions.Vote((seen,), choice == "yes")
        done = actions.vote(asked, bank.view, bank.consortium, bank.approver())
    _show_outcome(number, done)


@consortium.command()
def enact(
    number: NumberArgument, yes: YesOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Enact a proposal whose majority stands because banks have left the electorate since.

    Or a replacement of a member's key that has waited for its 7 days. It is shown and signed as
    with a vote.

    Example:

      tally consortium enact 3 --config bank.toml
    """
    with acting(config) as bank:
        seen = _shown(bank, number, yes, "Enact it?")
        done = actions.enact(actions.Enact(seen), bank.view, bank.consortium, bank.approver())
    _show_outcome(number, done)


@consortium.command("object")
def object_(
    number: NumberArgument,
    yes: YesOption = False,
    signed_by: Annotated[
        Literal["approver", "recovery"], typer.Option(help="The key that signs.")
    ] = "approver",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Object to a key that the others would give this bank: it keeps its own.

    While they vote, and in the 7 days after. It is shown and signed as with a vote, by the approver
    key or the recovery key, also while the bank is suspended or stopped.

    Example:

      tally consortium object 3 --signed-by recovery --config bank.toml
    """
    with acting(config) as bank:
        seen = _shown(bank, number, yes, "Object to it?")
        asked = actions.ObjectToKey(seen)
        signer = bank.key(signed_by)
        done = actions.object_to_key(asked, bank.view, bank.consortium, signer)
    _show_outcome(number, done)


@consortium.command()
def withdraw(number: NumberArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Take back a proposal that this bank made.

    Example:

      tally consortium withdraw 3 --config bank.toml
    """
    asked = actions.Withdraw(number)
    with acting(config) as bank:
        done = actions.withdraw(asked, bank.view, bank.consortium, bank.approver())
    _show_outcome(number, done)


def _shown(bank: Acting, number: int, yes: bool, question: str) -> SeenProposal:
    """Show what is about to be signed, and ask. Raises UsageFault for an upgrade where nobody can
    be asked."""
    proposal = bank.view.proposal(number)
    _show_proposal(proposal, stderr)
    if proposal.kind == "upgrade":
        _show_code(bank, proposal)
    if not yes and proposal.kind == "upgrade" and not is_attended():
        raise UsageFault(
            f"proposal {number} puts other code behind a contract, and nobody is there to look",
            remedy="Look at the code's hash above, then give --yes",
        )
    confirm(yes, question)
    return SeenProposal(number, bytes.fromhex(proposal.content_hash.removeprefix("0x")))


def _show_code(bank: Acting, proposal: Proposal) -> None:
    """Tell whether an upgrade's code is this build's. What stands at an address never changes."""
    implementation = proposal.asked["implementation"]
    name = bank.view.contract_at(proposal.asked["proxy"]) or "no contract of this network"
    stands = keccak(hexstr=newest_state(bank.rpc, "eth_getCode", implementation)).hex()
    stderr.print(f"  code at {implementation}: {stands}, by {bank.rpc.origin}")
    try:
        ours = implementation_hash(name, implementation)
    except CompileError:
        stderr.print(Text(f"  this build has no compiled {name} to compare it with", "bold red"))
        return
    if ours == stands:
        stderr.print(Text(f"  it is this build's {name}", "green"))
    else:
        stderr.print(Text(f"  it is NOT this build's {name} ({ours})", "bold red"))


def _show_outcome(number: int, done: Done) -> None:
    outcomes = {
        "ProposalEnacted": "enacted",
        "ProposalRejected": "rejected: no majority can be reached any more",
        "ProposalWithdrawn": "withdrawn",
        "KeyReplacementWaits": "waits: its member can object for 7 days, then it can be enacted",
        "KeyReplacementObjected": "is objected to: the bank keeps its key",
    }
    outcome = next((text for name, text in outcomes.items() if done.event(name) is not None), None)
    stdout.print(f"proposal {number} {outcome or 'is still open'}")
    show_done(done, f"tally consortium show {number}")


def _show_members(members: list[ConsortiumMember]) -> None:
    made = table("no.", "member", "role", "state", "operator", "approver")
    for one in members:
        state = Text(one.state, "green" if one.state == "active" else "bold red")
        if one.stopped_until is not None:
            state = Text(f"stopped until {_time(one.stopped_until)}", "bold red")
        made.add_row(
            str(one.number),
            one.name,
            one.role,
            state,
            one.operator or "",
            one.approver or "",
        )
    show(made)


def _show_proposals(proposals: list[Proposal]) -> None:
    if not proposals:
        return
    made = table("proposal", "what", "by", "state", "votes", "until")
    for one in proposals:
        votes = ""
        if one.tally is not None:
            votes = f"{one.tally.yes} of {one.tally.needed} needed, {one.tally.no} against"
        made.add_row(
            str(one.number),
            _what(one),
            one.proposer,
            Text(one.state, _COLOURS[one.state]),
            votes,
            _time(one.expires_at) if one.state in ("open", "waiting") else "",
        )
    show(made)
    for one in proposals:
        if one.state == "waiting":
            stdout.print(Text(f"{_waiting(one)}", "bold yellow"))


def _show_proposal(one: Proposal, to: Console) -> None:
    to.print(
        Text.assemble(f"proposal {one.number}: {_what(one)} ", (one.state, _COLOURS[one.state]))
    )
    for name, value in one.asked.items():
        to.print(f"  {name.replace('_', ' ')}: {value}")
    to.print(f"  proposed by {one.proposer}, {_time(one.created_at)} UTC")
    to.print(f"  reason's hash {one.reason_hash}")
    to.print(f"  content's hash {one.content_hash}, which a vote signs")
    if one.decided_at is not None:
        to.print(f"  {one.state} {_time(one.decided_at)} UTC")
    for vote_ in one.votes:
        mark = "for" if vote_.in_favour else "against"
        note = "" if vote_.counts or one.tally is None else " (does not count now)"
        to.print(f"  {vote_.member}: {mark}, {_time(vote_.at)} UTC{note}")
    if one.state == "waiting":
        to.print(Text(f"  {_waiting(one)}", "bold yellow"))
    if one.tally is not None:
        to.print(
            f"  {one.tally.yes} in favour of {one.tally.needed} needed, of "
            f"{one.tally.electorate} banks; not yet voted: {', '.join(one.missing) or 'nobody'}"
        )
        if one.state == "open" and one.tally.yes >= one.tally.needed:
            to.print(f"  its majority stands: `tally consortium enact {one.number}` enacts it")
        to.print(f"  expires {_time(one.expires_at)} UTC")


def _show_log(lines: list[LogLine]) -> None:
    made = table("when", "what", "member", "by", "details")
    for line in reversed(lines):
        details = ", ".join(
            f"{name.replace('_', ' ')} {value}" for name, value in line.details.items()
        )
        made.add_row(_time(line.at), _words(line.what), line.member or "", line.by or "", details)
    show(made)


def _words(event: str) -> str:
    """The name of a contract's event in words."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", event).lower()


_COLOURS = {
    "open": "yellow",
    "enacted": "green",
    "rejected": "red",
    "withdrawn": "dim",
    "expired": "dim",
    "waiting": "bold yellow",
    "objected": "red",
}


def _what(one: Proposal) -> str:
    about: Any = one.asked.get("member") or one.asked.get("name") or one.asked.get("node")
    return f"{one.kind.replace('_', ' ')} {about or one.asked.get('proxy', '')}"


def _waiting(one: Proposal) -> str:
    purpose = one.asked.get("purpose", "unreadable")
    return (
        f"proposal {one.number} gives {one.subject} another {purpose} key from "
        f"{_time(one.due_at or one.expires_at)} UTC on, unless {one.subject} objects"
    )


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
