"""What became of the transactions of an act that was sent: the chain's own receipts say it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.chain.rpc import Rpc
from app.prepared_acts.lifecycle import State
from app.prepared_acts.store import Sent


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an act that was sent ended: signed or failed."""

    state: State
    note: str = ""
    block: int | None = None


class Settlement:
    """Looks at the chain for what was sent, and sends the same bytes again where it has no trace of
    them."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc
        self._missing: set[str] = set()
        """Whose nonce is used and whose receipt was missing at the last look: behind one address
        there may be several nodes, some behind the others."""

    def look(self, sent: Sequence[Sent]) -> Outcome | None:
        """What became of an act's transactions, the act's own last; None while that is open.

        Raises ChainFault.
        """
        act = sent[-1]
        answers = self._rpc.run(
            lambda: self._rpc.batch(
                [
                    ("eth_getTransactionCount", [act.address, "latest"]),
                    *(("eth_getTransactionReceipt", [one.transaction]) for one in sent),
                ]
            )
        )
        mined, receipts = int(answers[0], 16), answers[1:]
        missing = [one for one, receipt in zip(sent, receipts, strict=True) if receipt is None]
        if not missing:
            self._missing.discard(act.transaction)
            return _of(receipts)
        if any(one.nonce < mined for one in missing):
            if act.transaction not in self._missing:
                self._missing.add(act.transaction)
                return None
            self._missing.discard(act.transaction)
            return Outcome(
                State.FAILED,
                "another transaction of this key took its place: this one can never be "
                "mined. See what became of the subject, and prepare it again if it is still needed",
            )
        offers = [
            ("eth_sendRawTransaction", ["0x" + one.raw.hex()]) for one in sent if one.nonce >= mined
        ]
        # What a pool says of them proves nothing.
        self._rpc.run(lambda: self._rpc.batch_answers(offers))
        return None


def _of(receipts: Sequence[dict[str, Any]]) -> Outcome:
    failed = [one for one in receipts if int(one["status"], 16) != 1]
    block = int((failed or receipts)[-1]["blockNumber"], 16)
    if not failed:
        return Outcome(State.SIGNED, block=block)
    if len(receipts) == 1:
        note = f"the contract refused it in block {block:,}: nothing was changed"
    else:
        note = (
            f"the contract refused {len(failed)} of its {len(receipts)} transactions in block "
            f"{block:,}: see what became of the subject"
        )
    return Outcome(State.FAILED, note, block)
