"""Forge itself: `python -m deploy.forge test`, as `forge test` in the folder `contracts/`.

The npm package's own starter ends with 0 whatever forge ends with, so that failed tests pass.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from app.processes import npm_platform
from deploy.compile import CONTRACTS


def binary() -> Path:
    """Where npm put the binary for this machine. Raises FileNotFoundError where it did not."""
    path = CONTRACTS / "node_modules" / "@foundry-rs" / f"forge-{npm_platform()}" / "bin" / "forge"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run `npm ci` in {CONTRACTS}, or `make setup`")
    return path


def forge(
    *arguments: str,
    contracts: Path = CONTRACTS,
    settings: Mapping[str, str] | None = None,
    timeout_s: float = 3_600,
) -> subprocess.CompletedProcess[str]:
    """Run forge in a folder of contracts; `settings` are FOUNDRY_* variables."""
    return subprocess.run(
        [binary(), *arguments],
        cwd=contracts,
        env=os.environ | dict(settings or {}),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def main() -> None:
    """Become forge, in `contracts/`."""
    path = binary()
    os.chdir(CONTRACTS)
    os.execv(path, [str(path), *sys.argv[1:]])


if __name__ == "__main__":
    main()
