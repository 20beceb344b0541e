"""The solver that halmos asks: yices, and where it finds a counterexample z3, which may refute it.

    python halmos_solver.py QUERY.smt2

Of some queries yices 2.6.4 says `sat` with numbers that contradict nothing (all of them 0), and z3
proves the same query within a second; most others only yices decides in time. A counterexample
that z3 does not refute is told as yices has it.
"""

import subprocess
import sys
from pathlib import Path

_BIN = Path(sys.executable).parent
_REFUTES_WITHIN_S = 60


def main() -> None:
    query = sys.argv[1]
    found = _ask("yices-smt2", query)
    if found.startswith("sat") and _ask("z3", f"-T:{_REFUTES_WITHIN_S}", query).startswith("unsat"):
        found = "unsat\n"
    sys.stdout.write(found)


def _ask(solver: str, *arguments: str) -> str:
    # Solvers end with 1 where the query asks for the model of what has none.
    done = subprocess.run([_BIN / solver, *arguments], stdout=subprocess.PIPE, text=True)
    return done.stdout


if __name__ == "__main__":
    main()
