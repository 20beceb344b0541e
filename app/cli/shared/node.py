"""The node that a command talks to: by an API key, or in the name of the person who signed in."""

import json
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import typer

from app.client.connection import NodeRefused
from app.client.node import NodeClient, Session
from app.domain.errors import UsageFault

_SESSION_VARIABLE = "TALLY_SESSION"

NodeOption = Annotated[str, typer.Option(metavar="URL", help="The bank's node.")]
AuthorityOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The certificate of the only authority that an https node is trusted by; else this "
        "machine's.",
    ),
]


@contextmanager
def signed_in() -> Iterator[NodeClient]:
    """The node that `tally sign-in` signed in to, in that person's name. Raises UsageFault where
    nobody has signed in, or the session has ended."""
    path = session_file()
    try:
        kept = json.loads(path.read_text())
        session = Session(**kept["session"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageFault("nobody is signed in here", remedy="Run tally sign-in first") from None
    authority = kept["ca"] and Path(kept["ca"])
    with NodeClient(session.url, session=session, trusted=trusted(authority)) as client:
        try:
            yield client
        except NodeRefused as fault:
            if fault.status != HTTPStatus.UNAUTHORIZED:
                raise
            raise UsageFault(
                "the session has ended", where=session.url, remedy="Run tally sign-in again"
            ) from None


def keep_session(session: Session, authority: Path | None) -> None:
    """For later commands of this user, readable by nobody else."""
    path = session_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = {"session": asdict(session), "ca": authority and str(authority.absolute())}
    path.unlink(missing_ok=True)
    path.touch(0o600, exist_ok=False)
    path.write_text(json.dumps(kept))


def session_file() -> Path:
    """Where the session of the person who signed in is kept."""
    named = os.environ.get(_SESSION_VARIABLE)
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(named) if named else Path(home) / "tally/session.json"


def trusted(authority: Path | None) -> ssl.SSLContext | bool:
    """Who vouches for an https node. Raises UsageFault for a file that holds no certificate."""
    if authority is None:
        return True
    try:
        return ssl.create_default_context(cafile=authority)
    except OSError as fault:  # an SSLError, too: no certificate in it
        raise UsageFault(
            f"--ca cannot be used ({fault.strerror or fault})",
            where=str(authority),
            remedy="Give a file with a certificate in PEM",
        ) from None
