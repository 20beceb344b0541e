"""`tally consortium propose`: what a bank asks the others for."""

from pathlib import Path
from typing import Annotated

import typer
from eth_utils.address import is_address, to_checksum_address

from app.actions import consortium as actions
from app.actions.consortium import Propose
from app.cli.shared.acting import Acting, acting, show_done
from app.cli.shared.console import stdout
from app.cli.shared.reading import DEFAULT_CONFIG, ConfigOption
from app.contracts.proposals import (
    NO_ADDRESS,
    NO_PROOF,
    Newcomer,
    ProposalContent,
    about,
    admit,
    change_role,
    register_validator,
    remove_validator,
    replace_key,
    upgrade,
)
from app.domain.consortium import ContractName, KeyPurpose, MemberRole
from app.domain.errors import UsageFault

propose = typer.Typer(
    help="Ask the other banks for something; it counts as this bank's vote in favour. "
    "Signed with its approver key; a proposal expires after 14 days.",
    no_args_is_help=True,
)

MemberArgument = Annotated[str, typer.Argument(help="The member's name or number.")]
ReasonOption = Annotated[
    str,
    typer.Option(
        help="Why. Only its hash goes onto the chain: keep the text and the salt that is "
        "printed, and send both to the others."
    ),
]


@propose.command("admit")
def propose_admit(
    name: Annotated[str, typer.Argument(help="The newcomer's name, 1 to 256 bytes.")],
    role: Annotated[MemberRole, typer.Option(help="What it may do.")],
    sealing_key: Annotated[str, typer.Option(help="Its public sealing key, 64 hex digits.")],
    reason: ReasonOption,
    operator: Annotated[
        str, typer.Option(help="Its operator key's address.", show_default="none")
    ] = NO_ADDRESS,
    approver: Annotated[
        str, typer.Option(help="Its approver key's address.", show_default="none")
    ] = NO_ADDRESS,
    recovery: Annotated[
        str, typer.Option(help="Its recovery key's address.", show_default="none")
    ] = NO_ADDRESS,
    proof: Annotated[
        str, typer.Option(help="That these keys ask for it, 384 hex digits; none without them.")
    ] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Admit a member by the line that it has made with its own keys.

    `tally consortium keys show`, where its keys lie, prints this whole line but for the reason. Its
    keys have signed all of it, so that nothing in it can be altered. An auditor or regulator may do
    with a sealing key alone, which cannot sign: compare it with what the newcomer tells you.

    Example:

      tally consortium propose admit nanfeng --role partner --sealing-key 1f…c2
      --operator 0x5a…01 --approver 0x5a…02 --recovery 0x5a…03 --proof 0x9e…
      --reason "minutes of 3 March"
    """
    newcomer = Newcomer(
        name=name,
        role=role,
        sealing_key=bytes.fromhex(_sealing(sealing_key)),
        operator=_address(operator, "--operator"),
        approver=_address(approver, "--approver"),
        recovery=_address(recovery, "--recovery"),
        proof=_proof(proof, 3 * NO_PROOF),
    )
    with acting(config) as bank:
        _propose(bank, admit(newcomer), reason)


@propose.command()
def suspend(
    member: MemberArgument, reason: ReasonOption, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Suspend a member: its keys may do nothing until it is reinstated.

    Example:

      tally consortium propose suspend huarui --reason "operator key lost" --config bank.toml
    """
    _propose_about("suspend", member, reason, config)


@propose.command()
def reinstate(
    member: MemberArgument, reason: ReasonOption, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Reinstate a suspended member, or end an emergency stop.

    Example:

      tally consortium propose reinstate huarui --reason "keys replaced" --config bank.toml
    """
    _propose_about("reinstate", member, reason, config)


@propose.command()
def evict(
    member: MemberArgument, reason: ReasonOption, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Evict a member for ever, its validators with it.

    Example:

      tally consortium propose evict huarui --reason "left the programme" --config bank.toml
    """
    _propose_about("evict", member, reason, config)


@propose.command("role")
def propose_role(
    member: MemberArgument,
    role: Annotated[MemberRole, typer.Argument(help="Its new role.")],
    reason: ReasonOption,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Give a member another role.

    Example:

      tally consortium propose role huarui lead --reason "leads from June" --config bank.toml
    """
    with acting(config) as bank:
        number = bank.view.member(member)
        _propose(bank, change_role(number, role), reason)


@propose.command("key")
def propose_key(
    member: MemberArgument,
    purpose: Annotated[KeyPurpose, typer.Argument(help="What the key is for.")],
    key: Annotated[str, typer.Argument(help="Its address; of a sealing key 64 hex digits.")],
    reason: ReasonOption,
    proof: Annotated[
        str, typer.Option(help="That the key asks for it, 128 hex digits; none of a sealing key.")
    ] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Replace another member's key, one that it has lost and cannot replace itself.

    The member makes this line with its new key (`tally consortium keys prove`). Once the others
    have voted for it, it waits for 7 days, in which the member can object; then
    `tally consortium enact` gives it the key.

    Example:

      tally consortium propose key huarui recovery 0x5a…09 --proof 0x9e… --reason "safe burnt down"
    """
    fresh = _sealing(key) if purpose == "sealing" else _address(key, "KEY")
    with acting(config) as bank:
        number = bank.view.member(member)
        _propose(bank, replace_key(number, purpose, fresh, _proof(proof, NO_PROOF)), reason)


@propose.command()
def validator(
    node: Annotated[str, typer.Argument(help="The node's address, which signs blocks.")],
    reason: ReasonOption,
    member: Annotated[str, typer.Option(help="Whose node it is, by name or number.")] = "",
    enode: Annotated[str, typer.Option(help="Where its peers find it.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take it off the list.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Register a member's validator node, or remove one.

    Example:

      tally consortium propose validator 0x7b…10 --member huarui
      --enode enode://9c…@10.0.0.3:30303 --reason "second data centre"
    """
    address = _address(node, "NODE")
    if remove == bool(member or enode) or bool(member) != bool(enode):
        raise UsageFault("give either --member and --enode, or --remove")
    with acting(config) as bank:
        if remove:
            content = remove_validator(address)
        else:
            content = register_validator(bank.view.member(member), address, enode)
        _propose(bank, content, reason)


@propose.command("upgrade")
def propose_upgrade(
    contract: Annotated[ContractName, typer.Argument(help="Which contract.")],
    implementation: Annotated[str, typer.Argument(help="The address of its new code.")],
    reason: ReasonOption,
    call: Annotated[str, typer.Option(help="A call made to it at once, in hex.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Put other code behind one of the consortium's contracts; what it holds stays.

    Example:

      tally consortium propose upgrade DayClose 0x3c…77 --reason "release 1.1, audited"
    """
    address = _address(implementation, "IMPLEMENTATION")
    try:
        octets = bytes.fromhex(call.removeprefix("0x"))
    except ValueError:
        raise UsageFault(f"--call {call!r} is not hex") from None
    with acting(config) as bank:
        proxy = bank.manifest.addresses[contract]
        _propose(bank, upgrade(proxy, address, octets), reason)


def _propose_about(kind: str, member: str, reason: str, config: Path) -> None:
    with acting(config) as bank:
        _propose(bank, about(kind, bank.view.member(member)), reason)


def _propose(bank: Acting, content: ProposalContent, reason: str) -> None:
    asked = Propose((content,), reason)
    done = actions.propose(asked, bank.view, bank.consortium, bank.approver())
    made = done.event("ProposalMade")
    number = made["proposal"] if made else "?"
    stdout.print(f"proposal {number} is made, and this bank's vote given")
    stdout.print(f"the others vote with: tally consortium vote {number} yes", style="dim")
    show_done(done, f"tally consortium show {number}")


def _address(given: str, what: str) -> str:
    if not is_address(given):
        raise UsageFault(
            f"{what} {given!r} is no address",
            remedy="Give 0x and 40 hex digits; capitals, where there are any, are a checksum",
        )
    return to_checksum_address(given)


def _proof(given: str, none: bytes) -> bytes:
    if not given:
        return none
    try:
        octets = bytes.fromhex(given.removeprefix("0x"))
    except ValueError:
        octets = b""
    if len(octets) != len(none):
        raise UsageFault(
            f"--proof is not {2 * len(none)} hex digits",
            remedy="Take the line as `tally consortium keys show` or `prove` prints it",
        )
    return octets


def _sealing(given: str) -> str:
    try:
        octets = bytes.fromhex(given.removeprefix("0x"))
    except ValueError:
        octets = b""
    if len(octets) != 32:
        raise UsageFault(f"{given!r} is no sealing key", remedy="Give its 64 hex digits")
    return octets.hex()
