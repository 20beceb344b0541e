"""`tally people`: who may sign in to a bank's pages."""

from pathlib import Path
from typing import Annotated

import segno
import typer
from sqlalchemy import Connection

from app.audit.actor import current_actor
from app.cli.shared.confirmation import is_attended
from app.cli.shared.console import stderr
from app.cli.shared.reading import OwnConfig, show, table
from app.cli.shared.unsealing import with_vault
from app.domain.errors import UsageFault
from app.domain.numbers import LARGEST_SMALL
from app.http import dual_control
from app.people.administration import Administrator, add_person, give_enrolment
from app.people.directory import listed_people
from app.people.enrolment import set_credentials
from app.people.passwords import checked_password
from app.people.second_factor import enrolment_uri, new_secret

people = typer.Typer(help="Who may sign in to a bank's pages.", no_args_is_help=True)


@people.command()
def create_administrator(
    name: Annotated[str, typer.Argument(help="To sign in with: small letters, digits, . _ @ -")],
    config: OwnConfig,
    display_name: Annotated[str, typer.Option(help="As the pages show it; else the name.")] = "",
    password_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The password is its first line; else it is asked for."),
    ] = None,
) -> None:
    """Make an administrator: the first one, or one more when all others are lost.

    Prints the authenticator's key and the recovery codes, this once. The audit trail has who ran
    it. Administrators add everybody else on the page.

    Example:

      tally people create-administrator li.ying --config bank.toml
    """
    with with_vault(config) as (bank, engine):
        password = checked_password(_password(password_file), name)
        secret = new_secret()
        with engine.begin() as connection:
            person = add_person(connection, _by(), name, display_name or name, ["administrator"])
            codes = set_credentials(connection, person.id, password, secret, 0)
    uri = enrolment_uri(secret, person.name, bank.name)
    if is_attended():
        segno.make(uri, micro=False).terminal(compact=True)
    typer.echo(f"authenticator key: {secret}")
    typer.echo(uri)
    typer.echo("recovery codes, each for once:")
    for code in codes:
        typer.echo(f"  {code}")
    stderr.print(f"{person.name} may sign in as administrator")


@people.command("list")
def list_(config: OwnConfig) -> None:
    """Show everybody with their roles.

    Example:

      tally people list --config bank.toml
    """
    made = table("name", "shown as", "roles", "state")
    with with_vault(config) as (_, engine), engine.connect() as connection:
        for one in listed_people(connection):
            person = one.person
            made.add_row(
                person.name, person.display_name, ", ".join(sorted(person.roles)), one.state
            )
    show(made)


@people.command()
def enrol(
    name: Annotated[str, typer.Argument(help="Who has lost password or authenticator.")],
    config: OwnConfig,
) -> None:
    """Print a one-time code with which a person enrols anew; what opened before opens no more.

    Administrators do this on the page; the command is for when none of them can sign in.

    Example:

      tally people enrol li.ying --config bank.toml
    """
    with with_vault(config) as (_, engine), engine.begin() as connection:
        code = give_enrolment(connection, _by(), _id_of(connection, name))
    typer.echo(code)


@people.command()
def requests(config: OwnConfig) -> None:
    """Show what administrators have asked for and another one has to confirm.

    Example:

      tally people requests --config bank.toml
    """
    made = table("number", "act", "about", "roles", "asked by")
    with with_vault(config) as (_, engine), engine.connect() as connection:
        for one in dual_control.waiting(connection):
            asked = one.change
            roles = ", ".join(asked.roles or one.before)
            made.add_row(str(one.number), asked.act, asked.name, roles, one.asked_by_name)
    show(made)


@people.command()
def confirm(
    number: Annotated[
        int, typer.Argument(min=1, max=LARGEST_SMALL, help="As `tally people requests` shows it.")
    ],
    config: OwnConfig,
) -> None:
    """Confirm what an administrator has asked for, where the bank has no second one.

    The audit trail has who ran it. Prints the code or the key that is made.

    Example:

      tally people confirm 3 --config bank.toml
    """
    with with_vault(config) as (_, engine), engine.begin() as connection:
        made = dual_control.confirm(connection, _by(), number)
    for name in ("code", "second_code", "key"):
        if name in made:
            typer.echo(made[name])
    stderr.print(f"request {number} is confirmed")


def _id_of(connection: Connection, name: str) -> str:
    for one in listed_people(connection):
        if one.person.name == name.strip().casefold():
            return one.person.id
    raise UsageFault(f"there is no person {name!r}", remedy="See `tally people list`")


def _by() -> Administrator:
    return Administrator(current_actor.get())


def _password(file: Path | None) -> str:
    if file is None:
        if not is_attended():
            raise UsageFault(
                "nobody is there to type a password", remedy="Give it with --password-file"
            )
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        raise UsageFault("the password cannot be read", where=str(file)) from None
    return lines[0] if lines else ""
