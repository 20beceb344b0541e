"""Run halmos on the symbolic tests: by .venv-halmos's Python, in `contracts/`.

Forge itself must be found (npm's starter of it hides failures), and the solver is the one that the
environment brings, so that none is downloaded.
"""

import os
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
FORGE = next(Path("node_modules/@foundry-rs").resolve().glob("forge-*/bin"))


def main() -> None:
    """Become halmos."""
    os.environ["PATH"] = f"{FORGE}:{BIN}:{os.environ['PATH']}"
    command = [str(BIN / "halmos"), "--root", ".", "--forge-build-out", "out-halmos"]
    command += ["--solver-command", str(BIN / "yices-smt2"), "--solver-timeout-assertion", "60s"]
    command += ["--loop", "16", "--no-status", *sys.argv[1:]]
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
