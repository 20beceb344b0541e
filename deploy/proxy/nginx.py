"""nginx's configuration, and its process on this machine."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app import processes
from app.domain.errors import ChainFault

_STOP_S = 5.0


ADMITTED = "admitted.map"
"""The file beside a configuration that says who gets through, and nothing else: votes change it."""

ASKS = "ssl_verify_client on;"
"""What a configuration says where it asks for certificates."""

ADMITS = f"""    map $ssl_client_s_dn $admitted {{
        default 0;
        include {ADMITTED};
    }}
"""
"""What it says then of those that it lets through."""


@dataclass(frozen=True, slots=True)
class ProxyServer:
    """One endpoint: TLS at `listen` (host:port), plain HTTP to `upstream`.

    With an `authority` only those get through whose certificates it signed and whose names are
    admitted: for RPC. Without, the application behind asks for its own keys: for an API. `what` is
    for readers.
    """

    what: str
    listen: str
    upstream: str
    certificate: Path | str
    key: Path | str
    authority: Path | str | None = None


def configuration(servers: Sequence[ProxyServer], folder: Path | None) -> str:
    """nginx.conf, which includes the file ADMITTED beside it.

    `folder` takes its process id, logs and temporary files, and it runs in the background; without,
    as in a container, in the foreground with its log on standard error.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("nginx.conf.j2").render(
        servers=servers, folder=folder, root=os.geteuid() == 0, asks=ASKS, admits=ADMITS
    )


def admitted(names: Sequence[str]) -> str:
    """The file ADMITTED: the names in the certificates that get through.

    By name and not by certificate: one that is no member any more is refused whatever it shows.
    """
    escaped = (name.replace(".", r"\.") for name in names)
    return "".join(f'"~^CN={name}$" 1;\n' for name in escaped)


def find() -> str | None:
    """Where nginx is on this machine; it may stand outside an ordinary user's PATH."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


def start(folder: Path) -> None:
    """Start the proxy of `folder`/nginx.conf in the background, unless it runs.

    Returns once it listens. Raises ChainFault.
    """
    running = running_processes(folder)
    if any(_is_master(one) for one in running):
        return
    processes.stop(running, _STOP_S)  # what a master that was killed has left
    nginx = find()
    if nginx is None:
        raise ChainFault(
            "this network's endpoints are behind nginx, which is not on the PATH",
            where=str(folder),
            remedy="Install it (Debian: apt-get install nginx-light), then run the command again",
        )
    started = subprocess.run(
        [
            nginx,
            "-p",
            str(folder),
            "-c",
            str(folder / "nginx.conf"),
            "-e",
            str(folder / "error.log"),
        ],
        cwd=folder,
        env={},  # nothing of this command's environment, which may hold secrets
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if started.returncode != 0:
        raise ChainFault(
            f"the proxy does not start: {started.stderr.strip()[-500:]}",
            where=str(folder / "nginx.conf"),
            remedy="Mend what it names, then run `tally network up` again",
        )


def restart(folder: Path) -> None:
    """Let a proxy that runs read its configuration and certificates anew; nobody who was let
    through before keeps a connection. Raises ChainFault."""
    if running_processes(folder):
        stop(folder)
        start(folder)


def stop(folder: Path) -> int:
    """Stop the proxy of a folder and nothing else; returns how many processes ended."""
    running = running_processes(folder)
    processes.stop(running, _STOP_S)
    return len(running)


def running_processes(folder: Path) -> list[psutil.Process]:
    """The proxy's processes: nginx, working in its folder. A file of process ids could be stale."""
    place = str(folder)
    found = []
    for process in psutil.process_iter(["name", "cwd"]):
        if process.info["name"] == "nginx" and process.info["cwd"] == place:
            found.append(process)
    return found


def _is_master(process: psutil.Process) -> bool:
    try:
        return "master process" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
