"""Slither or halmos, where it would see something new: `python -m deploy.analysis NAME`.

Both say the same of the same sources. What each has passed is on record by its digest, so that
`make test` need not wait for it again. With `ANALYSE_ANEW=1` (`.ci/run`) it is not believed, only
that the tool has passed in this very folder.
"""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from deploy.compile import source_hash

ROOT = Path(__file__).resolve().parent.parent
_RECORDS = ROOT / "tests" / "contracts" / "snapshots"

_INPUTS = {
    "slither": (
        "contracts/foundry.toml",
        "contracts/slither.config.json",
        "deploy/setup/slither.lock",
    ),
    "halmos": (
        "contracts/foundry.toml",
        "deploy/setup/halmos*",
        "tests/contracts/symbolic/*.sol",
    ),
}
"""What else than the contracts decides what a tool says."""


def digest(tool: str) -> str:
    """The SHA-256 of all that decides what a tool says."""
    found = sha256(source_hash().encode())
    for pattern in _INPUTS[tool]:
        for path in sorted(ROOT.glob(pattern)):
            found.update(path.name.encode() + b"\0" + sha256(path.read_bytes()).digest())
    return found.hexdigest()


def record_of(tool: str) -> Path:
    """Where the digest of what a tool has passed is committed."""
    return _RECORDS / f"{tool}-passed.txt"


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


def main(tool: str) -> int:
    """Run a tool where it is needed, and record that it passed. Returns its exit code."""
    now = digest(tool) + "\n"
    record, here = record_of(tool), ROOT / f".venv-{tool}" / ".passed"
    if _holds(here, now) or (_holds(record, now) and not os.environ.get("ANALYSE_ANEW")):
        print(f"{tool}: these sources have passed before (`make {tool}-anew` looks again)")
        return 0
    command = ["make", "--no-print-directory", f"{tool}-anew"]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    if status == 0:
        record.write_text(now)
        here.write_text(now)
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
