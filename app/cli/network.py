"""`tally network`: a consortium on this machine, with a chain of its own."""

import os
import shlex
import shutil
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table
from rich.text import Text

from app.cli.shared.console import print_json, stderr, stdout
from app.cli.shared.names import check_names
from app.domain.consortium import MemberRole
from app.domain.errors import UsageFault
from deploy.besu.render import Release
from deploy.compose.newcomer import render_newcomer
from deploy.compose.render import render as render_compose
from deploy.consortium import Member
from deploy.network import contracts, layout, operate, proxy
from deploy.network import engine as edge
from deploy.network.admit import admit
from deploy.network.create import create_network
from deploy.network.evict import evict
from deploy.network.genesis import write_genesis
from deploy.network.health import NetworkHealth, look

_FAULT_TOLERANT = 4
_MOST_VALIDATORS = 16  # all share this machine


network = typer.Typer(
    help="A consortium on this machine: banks, their validators, the contracts.",
    no_args_is_help=True,
)

RpcOption = Annotated[
    str | None, typer.Option(metavar="URL", help="The chain's endpoint, where it is another.")
]
DirOption = Annotated[Path, typer.Option("--dir", metavar="DIR", help="The network's folder.")]


@network.command()
def create(
    directory: DirOption,
    lead: Annotated[str, typer.Option(metavar="NAME", help="The lead bank.")],
    partner: Annotated[
        list[str], typer.Option(metavar="NAME", help="A partner bank; repeat for each.")
    ],
    auditor: Annotated[
        list[str], typer.Option(metavar="NAME", help="An auditor, who may read everything.")
    ] = [],  # noqa: B006 - Typer reads the default
    validators: Annotated[
        int,
        typer.Option(
            min=1, max=_MOST_VALIDATORS, help="How many; they go to the banks in turn, lead first."
        ),
    ] = _FAULT_TOLERANT,
) -> None:
    """Found a consortium: keys, chain, contracts and a configuration for every member.

    The first time on a machine the chain's engine is built, which needs Go and some minutes.
    The network is left stopped; `tally network up` starts it.

    Example:

      tally network create --dir net --lead webank --partner huarui --partner luoyang
    """
    members = [
        Member(lead, "lead"),
        *(Member(name, "partner") for name in partner),
        *(Member(name, "auditor") for name in auditor),
    ]
    check_names([member.name for member in members])
    if validators < _FAULT_TOLERANT:
        _warn_of_few(validators)
    made = create_network(directory, members, validators, _say)
    stdout.print(
        f"chain {made.chain_id}: {len(members)} members, "
        f"{', '.join(validator.name for validator in made.validators)}"
    )
    stdout.print(f"start it with: {_up_command(directory)}")


@network.command()
def up(directory: DirOption) -> None:
    """Start what is not running, in the background, and wait until blocks come.

    A chain that has stalled is restarted whole. Nothing watches over it afterwards: a validator
    that dies stays dead until this runs again.

    Example:

      tally network up --dir net
    """
    _print_health(layout.read(directory), operate.up(layout.read(directory), _say), directory)


@network.command()
def down(directory: DirOption) -> None:
    """Stop this network's validators, and nothing else.

    Example:

      tally network down --dir net
    """
    stopped = operate.down(layout.read(directory))
    stdout.print(f"{stopped} validators stopped")


@network.command("admit")
def admit_(
    name: Annotated[str, typer.Argument(help="The newcomer's name.")],
    directory: DirOption,
    role: Annotated[
        MemberRole | None,
        typer.Option(
            help="What it may do; where nothing is said, partner. A lead or partner gets a "
            "validator of its own, an auditor or regulator none."
        ),
    ] = None,
) -> None:
    """Admit a member, by the votes of the banks whose keys lie in DIR.

    Makes its keys, certificates and chain node, waits until that has all blocks, has the banks vote
    it in, and then each bank's own node vote for its validator until the validator set shows it.
    Cut off and run again, it goes on where it was.

    Example:

      tally network admit nanfeng --dir net
    """
    check_names([name])
    found = admit(directory, name, role, _say)
    _print_health(found, look(found), directory)


@network.command("evict")
def evict_(
    name: Annotated[str, typer.Argument(help="The member's name.")],
    directory: DirOption,
) -> None:
    """Evict a member for ever, by the votes of the other banks whose keys lie in DIR.

    Then each other bank's own node votes its validators out, until the validator set shows it; its
    chain node is stopped, and the chain's RPC refuses its certificates. Cut off and run again, it
    goes on where it was.

    Example:

      tally network evict nanfeng --dir net
    """
    left = evict(directory, name, _say)
    if len(left.validators) < _FAULT_TOLERANT:
        _warn_of_few(len(left.validators))
    _print_health(left, look(left), directory)


@network.command()
def render(
    directory: DirOption,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to; made where it is missing.")],
    engine: Annotated[Literal["besu", "edge"], typer.Option(help="Whose files.")] = "besu",
    release: Annotated[
        Release | None,
        typer.Option(
            help="Of Besu; else the one that DIR was rendered for. 26.8.0-rolling is 26.8.0 while "
            'other nodes still run 25 (docs/runbook.md, "Upgrade Besu").'
        ),
    ] = None,
) -> None:
    """Render a network's description for an engine.

    besu: a folder that `docker compose` runs, with Besu's genesis (QBFT), permissions and
    configurations, a node and a TLS proxy for each bank, PostgreSQL, Prometheus and Grafana. Its
    keys are new and its own; rendered again, they stay. edge: the genesis file.

    Example:

      tally network render --dir net --engine besu --out consortium
    """
    found = layout.read(directory)
    if engine == "edge":
        out.mkdir(parents=True, exist_ok=True)
        (out / "genesis.json").unlink(missing_ok=True)
        write_genesis(edge.build(_say), found, (out / "genesis.json").resolve())
        stdout.print(f"wrote {out / 'genesis.json'}")
        return
    render_compose(found, out, release)
    stdout.print(f"wrote {out}; next: cd {shlex.quote(str(out))} && docker compose up -d --wait")


@network.command("render-newcomer")
def render_newcomer_(
    name: Annotated[str, typer.Argument(help="The newcomer's name.")],
    source: Annotated[
        Path,
        typer.Option(
            "--from",
            metavar="DIR",
            help="The founded consortium's folder, or what was handed over of it: network.json, "
            "tls/ca.pem, besu/ and proxies/.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to; made where it is missing.")],
    role: Annotated[
        MemberRole, typer.Option(help="A lead or partner gets a validator, the others none.")
    ] = "partner",
    address: Annotated[
        str | None,
        typer.Option(metavar="IP", help="Its validator's among the peers; else the next free one."),
    ] = None,
    release: Annotated[
        Release | None,
        typer.Option(
            help="Of Besu; else the one that DIR was rendered for, at first the founders'."
        ),
    ] = None,
) -> None:
    """Render what a member that joins a rendered consortium runs: its chain node, proxy, node,
    database and their configuration, with keys of its own.

    Rendered again, keys and address stay. Where DIR has no key of the authority, the two
    certificates are asked for, and signed by who holds it.

    Example:

      tally network render-newcomer nanfeng --from consortium --out nanfeng
    """
    check_names([name])
    made = render_newcomer(source, out, Member(name, role), address, release)
    where = shlex.quote(str(out))
    keys = shlex.quote(str(made.rendered.folder.keys(name)))
    lines = [f"wrote {out}"]
    lines += [f"to be signed by who holds the authority's key: {one}" for one in made.requests]
    manifest = shlex.quote(str(made.rendered.folder.manifest))
    lines.append(
        f"its admission: tally consortium keys show --dir {keys} --name {shlex.quote(name)} "
        f"--role {role} --manifest {manifest}"
    )
    if made.node is not None:
        lines.append(
            f"its validator: tally consortium propose validator {made.node.address} "
            f"--member {shlex.quote(name)} --enode {made.node.enode}"
        )
    lines.append(f"next: cd {where} && docker compose up -d --wait")
    for line in lines:
        stdout.print(line, soft_wrap=True)


@network.command()
def found(directory: DirOption, rpc: RpcOption = None) -> None:
    """Found the consortium on its chain: the deploy steps that were not done yet.

    `create` has done so for a network of this machine; a rendered one needs it once its chain runs.

    Example:

      tally network found --dir consortium
    """
    manifest = contracts.found_on(directory, rpc, _say)
    stdout.print(f"founded on chain {manifest.chain_id}, from block {manifest.first_block}")


@network.command()
def permissions(directory: DirOption, rpc: RpcOption = None) -> None:
    """Write a rendered network's permissions anew, after votes, from what its registry says.

    Nodes: the registered validators. Accounts, and certificates at the proxies: those of every
    member that was not evicted. The proxies are started again then, and each bank has its own Besu
    read its file (docs/runbook.md, "Join").

    Example:

      tally network permissions --dir consortium
    """
    done = contracts.permissions_on(directory, rpc)
    stdout.print(f"{done.nodes} nodes and {done.accounts} accounts are let in")
    stdout.print(f"by the proxies: {', '.join(done.names)}")
    if done.proxies:
        stdout.print(
            f"now, in {directory}: docker compose restart {' '.join(done.proxies)}",
            soft_wrap=True,
        )
    stdout.print("and each bank, at its own Besu's WebSocket: perm_reloadPermissionsFromFile")


@network.command()
def upgrade(
    contract: Annotated[str, typer.Argument(help="Its name, as ReserveLedger.")],
    directory: DirOption,
    rpc: RpcOption = None,
) -> None:
    """Upgrade a contract to the code compiled here, by the vote of the banks whose keys lie here.

    Example:

      tally network upgrade ReserveLedger --dir net
    """
    contracts.upgrade_on(directory, rpc, contract, _say)


@network.command()
def certificates(directory: DirOption) -> None:
    """Make every member's TLS certificates anew, under the network's own authority.

    They hold for 397 days. The proxy shows the new ones at once, a node from its next start on;
    the old ones stay valid until their own end.

    Example:

      tally network certificates --dir net
    """
    found = layout.read(directory)
    if not found.api_tls_ports:
        raise UsageFault(
            "this network has no proxy, and so no certificates",
            where=str(directory),
            remedy="nginx must be there when a network is made",
        )
    proxy.renew(found)
    stdout.print(f"{len(found.api_tls_ports)} members have new certificates")


@network.command()
def status(
    directory: DirOption,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show every validator: whether it runs, its newest block, its peers.

    Example:

      tally network status --dir net
    """
    found = layout.read(directory)
    health = look(found)
    if as_json:
        print_json(_as_json(found, health))
    else:
        _print_health(found, health, directory)


@network.command()
def logs(
    name: Annotated[str, typer.Argument(help="The validator, as `status` shows it.")],
    directory: DirOption,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, max=1_000_000, help="How many.")
    ] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
) -> None:
    """Print the end of a validator's log.

    Example:

      tally network logs webank-1 --dir net --follow
    """
    found = layout.read(directory)
    wanted = [validator for validator in found.validators if validator.name == name]
    if not wanted:
        known = ", ".join(validator.name for validator in found.validators)
        raise UsageFault(f"there is no validator {name!r}", remedy=f"There are {known}")
    log = found.log(wanted[0])
    if not log.exists():
        raise UsageFault(f"{name} was never started", remedy=f"Use `{_up_command(directory)}`")
    tail = shutil.which("tail")
    if tail is None:
        raise UsageFault("there is no `tail` on the PATH", remedy=f"The log is {log}")
    os.execv(tail, [tail, "-n", str(lines), *(["-F"] if follow else []), str(log)])


def _warn_of_few(validators: int) -> None:
    stderr.print(
        Text("warning", "yellow"),
        f"{validators} validators cannot do without a single one of them; "
        f"{_FAULT_TOLERANT} go on when one dies",
    )


def _as_json(found: layout.Network, health: NetworkHealth) -> dict[str, Any]:
    return {
        "chain_id": found.chain_id,
        "height": health.height,
        "validators": [
            {
                "name": one.validator.name,
                "address": one.validator.address,
                "pid": one.pid,
                "running": one.running,
                "height": one.height,
                "peers": one.peers,
                "rpc": one.validator.rpc,
            }
            for one in health.validators
        ],
    }


def _print_health(found: layout.Network, health: NetworkHealth, directory: Path) -> None:
    table = Table("validator", "", box=None, header_style="dim", padding=(0, 2, 0, 0))
    for column in ("height", "peers", "process"):
        table.add_column(column, justify="right")
    table.add_column("rpc")
    for one in health.validators:
        name = one.validator.name
        if not one.running:
            table.add_row(name, Text("down", "red"), "", "", "", one.validator.rpc)
        elif not one.answers:
            table.add_row(name, Text("silent", "yellow"), "", "", str(one.pid), one.validator.rpc)
        else:
            table.add_row(
                name,
                Text("running", "green"),
                f"{one.height:,}",
                str(one.peers),
                str(one.pid),
                one.validator.rpc,
            )
    stdout.print(table)
    stdout.print(f"chain {found.chain_id}: {_state(health, directory)}")


def _state(health: NetworkHealth, directory: Path) -> str:
    age = health.block_age_s
    if age is None:
        return f"down; `{_up_command(directory)}` starts it"
    if health.stalled:
        return (
            f"stalled at block {health.height:,} for {age:.0f} s; "
            f"`{_up_command(directory)}` restarts it"
        )
    return f"block {health.height:,}, {age:.0f} s ago"


def _up_command(directory: Path) -> str:
    return f"tally network up --dir {shlex.quote(str(directory))}"


def _say(text: str) -> None:
    stderr.print(text, style="dim")
