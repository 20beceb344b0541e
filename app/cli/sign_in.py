"""`tally sign-in`: begin a session at a bank's node, for the commands that act as a person."""

import getpass
from typing import Annotated

import typer

from app.cli.shared.console import stderr
from app.cli.shared.node import AuthorityOption, NodeOption, keep_session, trusted
from app.client.node import NodeClient


def sign_in(
    name: Annotated[str, typer.Argument(help="As on the sign-in page.")],
    node: NodeOption,
    ca: AuthorityOption = None,
) -> None:
    """Sign in to a bank's node: `tally alerts`, `tally breaks assign` and `comment` act as you.

    Asks for the password and a code of the authenticator. The session is kept in a file of yours
    alone (TALLY_SESSION names another one), and ends as on the page, or with `tally sign-out`.

    Example:

      tally sign-in wang.fang --node http://127.0.0.1:8701
    """
    password, code = getpass.getpass("password: "), getpass.getpass("code: ")
    with NodeClient(node, trusted=trusted(ca)) as client:
        keep_session(client.sign_in(name, password, code), ca)
        person = client.person()
    roles = ", ".join(person.roles)
    stderr.print(f"signed in as {person.display_name} ({roles})")
