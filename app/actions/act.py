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

The line stands in the log, and in the audit trail of the bank's database. In the log it is named
`act` and holds: act, subject, bank, key (its purpose), address, outcome (done,
refused, failed) and either transaction, block and signed (keccak256 of the data that was signed;
lists where there were several transactions) or the error's name. It never holds a reason's text.
"""

from collections.abc import Callable
from functools import wraps
from typing import Protocol, TypeVar

import structlog

from app.actions.refusal import tell_by_name
from app.actions.sender import Done, Signer
from app.actions.view import View
from app.audit.actor import current_actor
from app.audit.trail import Entry, Outcome, append
from app.contracts.errors import ContractReverted
from app.domain.errors import InputFault, StorageFault

_log = structlog.get_logger()


class Asked(Protocol):
    """What is asked of an act."""

    @property
    def subject(self) -> str:
        """What it is about, by names and numbers that are no secret."""


_Asked = TypeVar("_Asked", bound=Asked)
_View = TypeVar("_View", bound=View | None)
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
                if isinstance(fault, ContractReverted) and view is not None:
                    _tell(fault, view)
                outcome: Outcome = "refused" if refused else "failed"
                error = fault.name if isinstance(fault, ContractReverted) else type(fault).__name__
                line.info("act", outcome=outcome, error=error)
                _record(view, name, asked.subject, signer, outcome, error=error)
                raise
            transactions = [one.transaction for one in done.receipts]
            blocks = [one.block for one in done.receipts]
            signed = [one.signed for one in done.receipts]
            if len(done.receipts) == 1:
                line = line.bind(transaction=transactions[0], block=blocks[0], signed=signed[0])
            else:
                line = line.bind(transaction=transactions, block=blocks, signed=signed)
            line.info("act", outcome="done")
            _record(view, name, asked.subject, signer, "done", transactions=transactions)
            return done

        return perform

    return logged


def _tell(refusal: ContractReverted, view: View) -> None:
    """By name, as far as the database can be read: else with the chain's numbers."""
    try:
        tell_by_name(refusal, view)
    except StorageFault as fault:
        _log.warning("a refusal is told by numbers", error=refusal.name, why=str(fault))


def _record(
    view: View | None, name: str, subject: str, signer: Signer, outcome: Outcome, **details: object
) -> None:
    """One row in the audit trail. What is on the chain by now is no failure of the act's when the
    database takes no row: the line in the log is left."""
    if view is None:  # what is done without the bank's own view, and so without its database
        return
    entry = Entry(current_actor.get(), name, subject, outcome)
    entry = entry.with_details(key=signer.purpose, signed_by=signer.address, **details)
    try:
        with view.engine.begin() as connection:
            append(connection, entry)
    except StorageFault as fault:
        _log.warning("no row in the audit trail", act=name, subject=subject, why=str(fault))
