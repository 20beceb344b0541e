"""The test network's engine: built by Go from `deploy/edge`, once per machine."""

import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from filelock import FileLock

from app.domain.errors import ChainFault

NAME = "edge"
_PACKAGE = "github.com/0xPolygon/polygon-edge"
_MODULE = Path(__file__).resolve().parent.parent / "edge"
_PINS = ("go.mod", "go.sum", "tools.go")
_MESSAGE_LINES = 15


class EngineMissing(ChainFault):
    """The engine is not there and could not be built; the message says what to do."""


def binary() -> Path:
    """Where the engine lies once it is built: in the user's cache, a file for each set of pins."""
    pins = sha256(b"\0".join((_MODULE / name).read_bytes() for name in _PINS)).hexdigest()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "tallystick" / f"polygon-edge-{platform.machine()}-{pins[:16]}"


def build(say: Callable[[str], None]) -> Path:
    """The engine, built where it is missing. `say` is told before minutes go by.

    Raises EngineMissing where Go is missing or the build fails.
    """
    path = binary()
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if not path.exists():
            _build(path, say)
    return path


def _build(path: Path, say: Callable[[str], None]) -> None:
    go = shutil.which("go")
    if go is None:
        raise EngineMissing(
            "the test network's engine, Polygon Edge, must be built, and Go is not on the PATH",
            remedy="Install Go 1.23 or newer, then run the command again; "
            "`tally reconcile` without --network needs no Go",
        )
    say("building the engine (Polygon Edge) with Go: once per machine, some minutes")
    partial = path.with_suffix(".partial")
    command = [go, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(partial), _PACKAGE]
    built = subprocess.run(
        command,
        cwd=_MODULE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        lines = [line for line in built.stderr.splitlines() if not line.startswith("go: downl")]
        raise EngineMissing(
            "the engine could not be built; Go says:\n" + "\n".join(lines[-_MESSAGE_LINES:]),
            where=str(_MODULE),
            remedy="Go 1.23 or newer and a Go module proxy that it reaches are needed",
        )
    partial.rename(path)
