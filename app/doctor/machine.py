"""What lies on this machine: keys, the inbox, the port, the disk."""

import os
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx

from app.config import BankConfig, NodeConfig
from app.doctor.finding import Finding, fail, ok, warn
from app.domain.errors import ConfigFault
from app.intake.inbox import why_unusable
from app.keys.keystore import SEALING, SIGNING_KEYS, STORAGE, load_secret

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_GIVEN_TO_CONTAINERS = 0o444
"""As `tally network render` leaves them: a container's user is another one."""
_ASK_S = 3.0
_ROOMY = 4
"""So many times the least free disk is plenty; below that it is time to look."""


def check_keys(config: BankConfig) -> Iterator[Finding]:
    """The three keys that a node needs open, and nobody else may read them."""
    for name in ("operator", SEALING, STORAGE):
        try:
            load_secret(config.keys / f"{name}.json", development=config.development)
        except ConfigFault as fault:
            yield fail(
                f"key {name}",
                fault.what,
                fault.remedy or "Restore the keys folder and its passphrase from their backup",
            )
        else:
            yield ok(f"key {name}", "opens")
    if config.keys.is_dir():
        yield _modes(config.keys)
    recovery = config.keys / f"{SIGNING_KEYS[-1]}.json"
    if not config.development and recovery.exists():
        yield warn(
            "recovery key",
            "lies on the node's own machine",
            f"Move {recovery} to where no network reaches: it replaces lost keys",
        )


def _modes(keys: Path) -> Finding:
    mounts = _mounts()
    files = sorted(keys.iterdir())
    if files and all(str(path.resolve()) in mounts for path in files):
        return ok("key files", "the container engine gives them to this container alone")
    if not _mode(keys) & _OTHERS and all(_mode(path) == _GIVEN_TO_CONTAINERS for path in files):
        return ok("key files", "only their owner may enter their folder; containers are given them")
    open_ = [path for path in (keys, *files) if _mode(path) & _OTHERS]
    if open_:
        names = ", ".join(str(path) for path in open_)
        return fail(
            "key files",
            f"others than their owner may use {names}",
            f"chmod -R go= {keys}; if others had access, rotate the keys",
        )
    return ok("key files", "only their owner may read them")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _mounts() -> set[str]:
    """Where something is mounted, on Linux: a secret that a container is given is a mount."""
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return set()
    return {line.split()[4] for line in lines}


def check_inbox(config: BankConfig) -> Finding:
    """Feeds can be taken in from it and moved aside."""
    why = why_unusable(config.inbox)
    if why:
        return fail(
            "inbox",
            why,
            f"`mkdir {config.inbox}`, or give it to the node's user, or mend `inbox` in bank.toml",
        )
    return ok("inbox", str(config.inbox))


def check_archive(config: BankConfig) -> Iterator[Finding]:
    """Where the node archives by itself: closed days can be written there."""
    if config.archive_after_days is None:
        return
    there = next(one for one in (config.archive, *config.archive.parents) if one.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        yield ok("archive", str(config.archive))
    else:
        yield fail(
            "archive",
            f"{config.archive} may not be written, or is no folder",
            "Give it to the user that the node runs as, or mend `archive` in bank.toml",
        )


def check_disk(config: BankConfig, folder: Path) -> Iterator[Finding]:
    """Room where the database (or, with a server, the inbox) lies; of a folder that is not there
    nothing, as the check of the one or the other has named it."""
    if not folder.is_dir():
        return
    free = shutil.disk_usage(folder).free
    said = f"{free // 1024**2:,} MB are free at {folder}"
    least = config.min_free_disk_bytes
    if free < least:
        yield fail("disk", said, f"Free space: below {least // 1024**2:,} MB the node is not ready")
    elif free < _ROOMY * least:
        yield warn("disk", said, "Free space soon")
    else:
        yield ok("disk", said)


def check_port(config: BankConfig | NodeConfig) -> Finding:
    """The API's address is free, or this bank's own node answers there."""
    check = f"port {config.api.port}"
    if config.api.port == 0:
        return ok(check, "any free one is taken")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.api.host, config.api.port))
        except OSError as fault:
            why = fault.strerror
        else:
            return ok(check, "is free: no node runs here")
    try:
        # Never through a proxy of the environment.
        with httpx.Client(trust_env=False, timeout=_ASK_S) as client:
            answer = client.get(f"http://{config.api.host}:{config.api.port}/health")
        health = answer.json()
        if "channels" in health:
            said = f"{health['ready']} of {health['channels']} channels do their work"
            return ok(check, f"a node of several channels answers; {said}")
        bank = health["bank"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return fail(
            check,
            f"cannot be listened on ({why}), and no node answers there",
            "End the program that uses it, or choose another under [api] in bank.toml",
        )
    if isinstance(config, NodeConfig) or bank != config.name:
        return fail(
            check,
            f"the node of {bank} answers there",
            "Choose another port under [api] in bank.toml",
        )
    problems = [str(one.get("detail")) for one in health.get("problems", ())]
    if problems:
        return warn(
            check,
            f"this bank's node answers and is not ready: {'; '.join(problems)}",
            "The checks here and the node's log tell more",
        )
    return ok(check, "this bank's node answers and is ready")
