"""`tally consortium keys create`, `show` and `prove`: a bank's own keys, and what it hands over."""

import shlex
from pathlib import Path
from typing import Annotated

import typer
from eth_utils.address import to_checksum_address

from app.chain.manifest import Manifest
from app.cli.shared.console import print_json, stderr, stdout
from app.cli.shared.names import check_names
from app.cli.shared.reading import DEFAULT_CONFIG, ConfigOption, JsonOption, reading, show, table
from app.config import load_config
from app.domain.consortium import KeyPurpose, MemberRole
from app.domain.errors import UsageFault
from app.domain.votes import PURPOSE_NUMBERS, ROLE_NUMBERS
from app.keys.keystore import (
    PublicKeys,
    create_keys,
    load_account,
    load_successor,
    prepare_successor,
    public_half,
    public_keys,
    unfinished,
)
from app.keys.possession import (
    Registry,
    prove_admission,
    prove_replacement,
    signing_accounts,
)
from app.node.bank import read_manifest
from app.readmodel.consortium.queries import list_members

RoleOption = Annotated[MemberRole, typer.Option(help="What it is to be in the consortium.")]
ManifestOption = Annotated[
    Path | None,
    typer.Option(
        metavar="NETWORK_JSON",
        help="The consortium's description, from one of its banks: the keys sign for it alone.",
    ),
]


def create(
    directory: Annotated[
        Path, typer.Option("--dir", metavar="KEYS", help="A folder that is new or empty.")
    ],
    name: Annotated[str, typer.Option(help="The bank's name, as the consortium shall know it.")],
    role: RoleOption = "partner",
    manifest: ManifestOption = None,
    development: Annotated[
        bool,
        typer.Option(
            "--development",
            help="Keys for tests, quick to open; refused where bank.toml has no "
            "`development = true`.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a bank's own keys: operator, approver, recovery, sealing and storage.

    Prints what the consortium may know of them and, with --manifest, the line by which one of its
    banks proposes the admission: these keys have signed all of it. The keys are encrypted under a
    passphrase that is made with them and lies beside them; nothing is ever overwritten. Cut off, it
    has made nothing: run it again.

    Example:

      tally consortium keys create --dir keys --name nanfeng --manifest network.json
    """
    check_names([name])
    network = None if manifest is None else read_manifest(manifest)
    folder = directory.resolve()
    for left in unfinished(folder):
        stderr.print(f"{left} was left by a run that was cut off; nobody knows its keys: delete it")
    public = create_keys(folder, development=development)
    proof = _proof(network, folder, name, role, development=development)
    _hand_over(name, role, public, proof, as_json=as_json)
    if development:
        stderr.print("development keys: bank.toml must say `development = true`", style="yellow")
    stderr.print(
        f"made {folder}; back it up before the admission, the file `passphrase` apart from the "
        "rest, and name the folder in bank.toml (`keys`)",
        style="dim",
    )


def show_own(
    config: ConfigOption = DEFAULT_CONFIG,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", metavar="KEYS", help="The keys' folder, where no bank.toml is yet."),
    ] = None,
    name: Annotated[str, typer.Option(help="With --dir: the bank's name.")] = "",
    role: RoleOption = "partner",
    manifest: ManifestOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what others may know of a bank's own keys: what a consortium needs to admit it.

    The line by which one of its banks proposes the admission is signed by these keys; with --dir
    give --manifest for it. With --json it is the file that a bank takes on its page of the
    consortium.

    Example:

      tally consortium keys show --config bank.toml
    """
    if (directory is None) is not (name == ""):
        raise UsageFault("--dir and --name go together", remedy="Or give --config alone")
    network = None if manifest is None else read_manifest(manifest)
    development = True
    if directory is None:
        found = load_config(config)
        directory, name, development = found.keys, found.name, found.development
        network = network or read_manifest(found.manifest)
    check_names([name])
    public = public_keys(directory)
    proof = _proof(network, directory, name, role, development=development)
    _hand_over(name, role, public, proof, as_json=as_json)


def prove(
    purpose: Annotated[KeyPurpose, typer.Argument(help="What the key is for.")],
    config: ConfigOption = DEFAULT_CONFIG,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", metavar="KEYS", help="New keys, where the bank has lost all."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the line by which another bank proposes that this bank be given a new key; with --json
    the file that it takes on its page of the consortium.

    For a key that is lost and that the bank cannot replace itself. The new key is made beside the
    old one (PURPOSE.next.json) and takes its place by hand once it is enacted; where the whole
    folder is lost, it is one of a new folder's (`keys create`). It has signed the line. The bank's
    own node need not run; its bank.toml tells which consortium and which member.

    Example:

      tally consortium keys prove recovery --config bank.toml
    """
    found = load_config(config)
    registry = _registry(read_manifest(found.manifest))
    with reading(config) as engine, engine.connect() as connection:
        members = list_members(connection)
    member = next((one.number for one in members if one.name == found.name), 0)
    if member == 0:
        raise UsageFault(
            f"{found.name} is no member, as far as its node has read the chain",
            remedy="A newcomer's line is made by `tally consortium keys show`",
        )
    development, name = found.development, purpose
    if directory is None:
        key = prepare_successor(found.keys, name, development=development)
    else:
        key = public_half(directory / f"{name}.json")
    line = ["tally", "consortium", "propose", "key", found.name, name, key]
    proof = None
    if purpose != "sealing":
        successor = (
            load_successor(found.keys, name, development=development)
            if directory is None
            else load_account(directory, name, development=development)
        )
        proof = "0x" + prove_replacement(registry, member, PURPOSE_NUMBERS[name], successor).hex()
        line += ["--proof", proof]
    if as_json:
        print_json({"member": found.name, "purpose": name, "key": key, "proof": proof})
        return
    stdout.print(shlex.join(line), soft_wrap=True)
    stderr.print("another bank proposes so, with its --reason", style="dim")


def _registry(network: Manifest) -> Registry:
    return Registry(network.chain_id, to_checksum_address(network.addresses["ConsortiumRegistry"]))


def _proof(
    network: Manifest | None, folder: Path, name: str, role: MemberRole, *, development: bool
) -> bytes | None:
    """The keys' own, that they ask to be admitted so; None where no consortium is named."""
    if network is None:
        return None
    signers = signing_accounts(folder, development=development)
    number = ROLE_NUMBERS[role]
    return prove_admission(_registry(network), name, number, public_keys(folder), signers)


def _hand_over(
    name: str, role: MemberRole, public: PublicKeys, proof: bytes | None, *, as_json: bool
) -> None:
    keys = {
        "operator": public.operator,
        "approver": public.approver,
        "recovery": public.recovery,
        "sealing_key": public.sealing.hex(),
    }
    line = ["tally", "consortium", "propose", "admit", name, "--role", role]
    for purpose, key in keys.items():
        line += ["--" + purpose.replace("_", "-"), key]
    whole = None if proof is None else shlex.join([*line, "--proof", "0x" + proof.hex()])
    if as_json:
        hex_ = None if proof is None else "0x" + proof.hex()
        print_json({"name": name, "role": role, **keys, "proof": hex_, "propose": whole})
        return
    made = table("purpose", "public half")
    for purpose, key in keys.items():
        made.add_row(purpose.removesuffix("_key"), key)
    show(made)
    if whole is None:
        stderr.print(
            "with --manifest (network.json, from one of the consortium's banks) it prints the line "
            "that proposes the admission",
            style="dim",
        )
        return
    stdout.print()
    # One line, so that it can be copied whole.
    stdout.print(whole, soft_wrap=True)
    stderr.print("a bank of the consortium proposes so, with its --reason", style="dim")
