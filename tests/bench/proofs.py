"""How fast a proof bundle is checked, and how large it is: batches of 500 of two banks, each in a
block that three of four validators have sealed (`tests/made_chain.py`)."""

import time
from typing import Any

from app.proof.check import check
from app.proof.file import Bundle, pack
from app.proof.statement import prove
from tests.made_chain import LEAD, PARTNER, MadeChain

_BATCH = 500


def proofs(lines: int, runs: int) -> dict[str, Any]:
    """Lines verified a CPU second (the best of `runs`, on one core), and bytes a line: with
    references, ids and amounts that count up as in the other sections, and with random ones."""
    figures: dict[str, Any] = {"lines": lines}
    for name, by_chance in (("counted", False), ("random", True)):
        chain = MadeChain(named_by_chance=by_chance)
        chain.found()
        for first in range(0, lines, _BATCH):
            for bank in (LEAD, PARTNER):
                chain.post(bank, first, min(_BATCH, lines - first))
        started = time.process_time()
        file = pack(Bundle(prove(chain.terms(), chain.blocks).statement, chain.blocks))
        figures[f"{name}_made_seconds"] = round(time.process_time() - started, 1)
        taken = []
        for _ in range(runs):
            started = time.process_time()
            check(file)
            taken.append(time.process_time() - started)
        figures[f"{name}_lines_per_cpu_s"] = round(lines / min(taken))
        figures[f"{name}_bytes_per_line"] = round(len(file) / lines, 1)
    return figures
