"""`tally sign-in`: begin a session at a bank's node, for the commands that act as a person."""

from typing import Annotated

import typer

from app.cli.shared.confirmation import is_attended
from app.cli.shared.console import stderr
from app.cli.shared.node import AuthorityOption, NodeOption, keep_session, trusted
from app.client.node import NodeClient
from app.domain.errors import UsageFault
from app.people.person import EXTERNAL


def sign_in(
    name: Annotated[
        str, typer.Argument(help="As on the sign-in page, or on that of your sessions.")
    ],
    node: NodeOption,
    code: Annotated[
        bool,
        typer.Option(
            "--code",
            help="With a one-time code of the page /sessions in the place of a password.",
        ),
    ] = False,
    ca: AuthorityOption = None,
) -> None:
    """Sign in to a bank's node: `tally alerts`, `tally breaks assign` and `comment` act as you.

    Asks for the password and a code of the authenticator; with --code for a one-time code, which
    you make in the browser where you are signed in (click your name there). Who signs in at the
    bank's provider has no other way. The session is kept in a file of yours alone (TALLY_SESSION
    names another one), and ends as on the page, or with `tally sign-out`.

    Example:

      tally sign-in wang.fang --node http://127.0.0.1:8701
    """
    if not code and name.startswith(EXTERNAL):
        raise UsageFault(
            f"{name} signs in at the bank's provider, and has no password here",
            remedy="Give --code, with a code of the page of your sessions",
        )
    if not is_attended():
        raise UsageFault(
            "nobody is there to type a password or a code",
            remedy="Run it in a terminal: the second factor is a person's. A program has an API "
            "key (`tally keys create`)",
        )
    with NodeClient(node, trusted=trusted(ca)) as client:
        if code:
            stderr.print(f"make a code at {node.rstrip('/')}/sessions, where you are signed in")
            session = client.sign_in_by_code(name, _typed("code of the page"))
        else:
            session = client.sign_in(name, _typed("password"), _typed("code"))
        keep_session(session, ca)
        person = client.person()
    roles = ", ".join(person.roles)
    stderr.print(f"signed in as {person.display_name} ({roles})")


def _typed(what: str) -> str:
    return str(typer.prompt(what, hide_input=True, err=True))
