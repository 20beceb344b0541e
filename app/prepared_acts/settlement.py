"""What became of acts that were sent: the chain's own receipts say it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from app.chain.newest import confirmed
from app.chain.rpc import Rpc
from app.prepared_acts import store
from app.prepared_acts.lifecycle import State
from app.prepared_acts.store import Sent


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an act that was sent ended: signed or failed."""

    state: State
    note: str = ""
    block: int | None = None


class Settlement:
    """Looks at the chain for what was sent, sends the same bytes again where it has no trace of
    them, and stores how it ended."""

    def __init__(self, engine: Engine, rpc: Rpc) -> None:
        self._engine = engine
        self._rpc = rpc
        self._missing: set[str] = set()
        """Whose nonce is used and whose receipt was missing at the last look: behind one address
        there may be several nodes, some behind the others."""

    def settle_sent(self) -> list[int]:
        """Settle every act that was sent; returns those that are still open, oldest first. Raises
        ChainFault."""
        with self._engine.connect() as connection:
            sent = store.numbers_in(connection, State.SENT)
        return [number for number in sent if not self.settle(number)]

    def settle(self, number: int) -> bool:
        """Whether an act that was sent has ended. Raises ChainFault."""
        with self._engine.connect() as connection:
            sent = store.sent_of(connection, number)
        outcome = self._look(sent)
        if outcome is not None:
            self.end(number, outcome)
        return outcome is not None

    def end(self, number: int, outcome: Outcome) -> None:
        """Store how an act that was sent ended."""
        with self._engine.begin() as connection:
            store.move(
                connection,
                number,
                State.SENT,
                outcome.state,
                note=outcome.note,
                block_number=outcome.block,
            )
            act = store.one_act(connection, number)
        store.log_state(act, None)

    def _look(self, sent: Sequence[Sent]) -> Outcome | None:
        """What became of an act's transactions, the act's own last; None while that is open."""
        act = sent[-1]
        answers = self._rpc.run(
            lambda: self._rpc.batch(
                [
                    ("eth_getTransactionCount", [act.address, "latest"]),
                    *(("eth_getTransactionReceipt", [one.transaction]) for one in sent),
                ]
            )
        )
        counted, *receipts = answers
        mined = int(confirmed(self._rpc, counted, "eth_getTransactionCount", act.address), 16)
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
