"""Run halmos on the symbolic tests: by .venv-halmos's Python, in `contracts/`.

Forge itself must be found (npm's starter of it hides failures), and the solvers are those that the
environment brings (`halmos_solver.py`), so that none is downloaded.
"""

import os
import shlex
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
FORGE = next(Path("node_modules/@foundry-rs").resolve().glob("forge-*/bin"))


def main() -> None:
    """Become halmos."""
    os.environ["PATH"] = f"{FORGE}:{BIN}:{os.environ['PATH']}"
    command = [str(BIN / "halmos"), "--root", ".", "--forge-build-out", "out-halmos"]
    solver = shlex.join(
        [sys.executable, str(Path(__file__).resolve().with_name("halmos_solver.py"))]
    )
    command += ["--solver-command", solver, "--solver-timeout-assertion", "120s"]
    command += ["--loop", "16", "--no-status", *sys.argv[1:]]
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
