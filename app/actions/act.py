"""The shape of every act of a bank, and the line that each leaves in the log.

`@act("breaks.accept")` stands before a function of one shape:

    (asked, view, contract, signer) -> Done

asked      what is asked: a frozen dataclass whose `subject` names what it is about
view       what this bank's own node has read of the chain, to check it against
contract   the wrapper of the contract that takes it
signer     the key that signs

Whoever calls it (a command, REST, the page, a job) gets the same errors: InputFault where what is
asked cannot be done, ContractReverted where the contract refuses, both before anything is sent, and
ChainFault or StorageFault for what failed on the way.

The line is named `act` and holds: act, subject, bank, key (its purpose), address, outcome (done,
refused, failed) and either transaction, block and signed (keccak256 of the data that was signed;
lists where there were several transactions) or the error's name. It never holds a reason's text.
"""

from collections.abc import Callable
from functools import wraps
from typing import Protocol, TypeVar

import structlog

from app.actions.sender import Done, Signer
from app.contracts.errors import ContractReverted
from app.domain.errors import InputFault

_log = structlog.get_logger()


class Asked(Protocol):
    """What is asked of an act."""

    @property
    def subject(self) -> str:
        """What it is about, by names and numbers that are no secret."""


_Asked = TypeVar("_Asked", bound=Asked)
_View = TypeVar("_View")
_Contract = TypeVar("_Contract")
_Done = TypeVar("_Done", bound=Done)
_Act = Callable[[_Asked, _View, _Contract, Signer], _Done]


def act(
    name: str,
) -> Callable[[_Act[_Asked, _View, _Contract, _Done]], _Act[_Asked, _View, _Contract, _Done]]:
    """Make a function an act: it leaves exactly one line in the log, whatever becomes of it."""

    def logged(
        function: _Act[_Asked, _View, _Contract, _Done],
    ) -> _Act[_Asked, _View, _Contract, _Done]:
        @wraps(function)
        def perform(asked: _Asked, view: _View, contract: _Contract, signer: Signer) -> _Done:
            line = _log.bind(
                act=name,
                subject=asked.subject,
                bank=signer.bank,
                key=signer.purpose,
                address=signer.address,
            )
            try:
                done = function(asked, view, contract, signer)
            except BaseException as fault:
                refused = isinstance(fault, InputFault | ContractReverted)
                line.info(
                    "act",
                    outcome="refused" if refused else "failed",
                    error=fault.name
                    if isinstance(fault, ContractReverted)
                    else type(fault).__name__,
                )
                raise
            transactions = [one.transaction for one in done.receipts]
            blocks = [one.block for one in done.receipts]
            signed = [one.signed for one in done.receipts]
            if len(done.receipts) == 1:
                line = line.bind(transaction=transactions[0], block=blocks[0], signed=signed[0])
            else:
                line = line.bind(transaction=transactions, block=blocks, signed=signed)
            line.info("act", outcome="done")
            return done

        return perform

    return logged
