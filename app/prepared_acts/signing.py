"""Signing prepared acts with the bank's keys: four eyes are held here, and not by the pages."""

import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import timedelta

import structlog
from eth_account.signers.local import LocalAccount
from sqlalchemy import Connection

from app.actions.sender import Signed, Signer
from app.actions.view import View
from app.audit.actor import acting_as, current_address
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.day_close import DayClose
from app.contracts.errors import ContractReverted
from app.contracts.facility_registry import FacilityRegistry
from app.contracts.reconciliation import Reconciliation
from app.contracts.reserve_ledger import ReserveLedger
from app.db.clock import now, stamp
from app.domain.errors import ChainFault, InputFault, TallyError
from app.keys.errors import KeyUnusable
from app.people.person import Person
from app.prepared_acts import store
from app.prepared_acts.errors import ActConflict, SigningIsOff
from app.prepared_acts.facts import changed_since, changes
from app.prepared_acts.in_time import answer_within
from app.prepared_acts.lifecycle import State
from app.prepared_acts.rights import check_may, check_prepared_by_others
from app.prepared_acts.settlement import Outcome, Settlement
from app.prepared_acts.store import PreparedAct
from app.prepared_acts.upgrade_code import code_facts

SIGNING_TAKES = timedelta(seconds=90)
"""After so long, a signature that has stored nothing was cut off: it stores nothing any more."""

_log = structlog.get_logger()


class Signing:
    """Signs the prepared acts of one bank, and sees to it that each ends. Safe for threads."""

    def __init__(
        self,
        view: View,
        rpc: Rpc,
        manifest: Manifest,
        approver: Callable[[], LocalAccount] | None,
        operator: Callable[[], LocalAccount],
    ) -> None:
        """`approver` opens the bank's approver key, anew for each signature; None: nothing is
        signed here. `operator` gives the key that posts, which holds take."""
        self._view = view
        self._rpc = rpc
        self._approver = approver
        self._operator = operator
        self._contracts = {
            contract.__name__: contract(rpc, manifest.addresses[contract.__name__])
            for contract in (
                ConsortiumRegistry,
                DayClose,
                FacilityRegistry,
                Reconciliation,
                ReserveLedger,
            )
        }
        self._reasons = DayClose(rpc, manifest.addresses["DayClose"])
        self._settlement = Settlement(view.engine, rpc)
        self._key_in_use = threading.Lock()
        """One act of the key at a time: two would take the same nonce."""

    def check_signature(self, person: Person, number: int, shown_hash: str) -> PreparedAct:
        """What this person is about to sign; raises as `sign` does. It uses no second factor up."""
        self._check_may_sign(person)
        act = self._act(number)
        check_prepared_by_others(person, [act])
        if act.state is not State.PREPARED:
            raise store.not_waiting(act)
        if shown_hash != act.hash or act.content.hash != act.hash:
            raise ActConflict(
                "other-content",
                f"act {number} is another one than the one that was shown",
                remedy="Look at it again, then sign",
            )
        return act

    def sign(self, person: Person, number: int, shown_hash: str) -> PreparedAct:
        """Sign an act with the bank's key, and send it. The person has just shown a second factor.

        `shown_hash` is that of the act that the person saw. Answers once the act is on the chain,
        or after some seconds with it as sent. Raises NotAllowed (who prepared it signs it not),
        UnknownAct, SigningIsOff, ActConflict where it does not wait any more, is another one than
        was shown, was overtaken or is refused; and ChainFault where nothing was sent because the
        chain is away: it goes on waiting then.
        """
        act = self.check_signature(person, number, shown_hash)
        attempt = self._claim(person, number)
        if attempt is None:
            raise store.not_waiting(self._act(number))
        address = current_address.get()
        answer_within(lambda: self._sign(act, person, attempt, address), f"sign {number}")
        return self._act(number)

    def check_batch_signature(
        self, person: Person, number: int, shown_hash: str
    ) -> list[PreparedAct]:
        """Those of a batch that this person is about to sign; raises as `sign` does. It uses no
        second factor up."""
        self._check_may_sign(person)
        acts = self._batch(number)
        waiting = [one for one in acts if one.state is State.PREPARED]
        if not waiting:
            raise ActConflict("not-waiting", f"nothing of batch {number} waits any more")
        check_prepared_by_others(person, waiting)
        if store.batch_hash(acts) != shown_hash or any(
            one.content.hash != one.hash for one in waiting
        ):
            raise ActConflict(
                "other-content",
                f"batch {number} is another one than the one that was shown",
                remedy="Look at it again, then sign",
            )
        return waiting

    def sign_batch(self, person: Person, number: int, shown_hash: str) -> list[PreparedAct]:
        """Sign the acts of a batch that wait, one after the other, each as `sign` does: what
        becomes of one stands in its own log. Answers once all have ended, or after some seconds;
        the rest is signed meanwhile, and what a cut-off node has not come to goes on waiting."""
        waiting = self.check_batch_signature(person, number, shown_hash)
        address = current_address.get()

        def work() -> None:
            for act in waiting:
                attempt = self._claim(person, act.number)
                if attempt is None:  # somebody has signed or withdrawn it meanwhile
                    continue
                try:
                    self._sign(act, person, attempt, address)
                except InputFault as fault:  # its log says it
                    _log.info("refused in a batch", number=act.number, why=str(fault))

        answer_within(work, f"sign batch {number}")
        return self._batch(number)

    def look(self) -> None:
        """Settle what was sent and is open, give up what was cut off, and let expire what nobody
        has signed. Raises ChainFault."""
        at = now()
        store.expire(self._view.engine, at)
        with self._view.engine.connect() as connection:
            cut_off = store.abandoned(connection, at)
            is_open = bool(store.numbers_in(connection, State.SENT))
        for number in cut_off:
            self._release(number, "signing was cut off before anything was sent; sign it again")
        # Who signs holds the key, and settles what was sent himself.
        if is_open and self._key_in_use.acquire(blocking=False):
            try:
                self._settlement.settle_sent()
            finally:
                self._key_in_use.release()

    def _check_may_sign(self, person: Person) -> None:
        check_may(person, "sign")
        if self._approver is None:
            raise SigningIsOff
        store.expire(self._view.engine, now())

    def _act(self, number: int) -> PreparedAct:
        with self._view.engine.connect() as connection:
            return store.one_act(connection, number)

    def _batch(self, number: int) -> list[PreparedAct]:
        with self._view.engine.connect() as connection:
            return store.batch_of(connection, number)

    def _claim(self, person: Person, number: int) -> str | None:
        """Bring an act from `prepared` to `signing`; None where it is there no more."""
        attempt = secrets.token_hex(16)
        with self._view.engine.begin() as connection:
            is_ours = store.move(
                connection,
                number,
                State.PREPARED,
                State.SIGNING,
                person=person,
                claim=attempt,
                claimed_until=stamp(now() + SIGNING_TAKES),
            )
        return attempt if is_ours else None

    def _sign(self, act: PreparedAct, person: Person, attempt: str, address: str) -> None:
        """From `signing` to where it ends, or to `sent`."""
        with self._key_in_use:
            kept: list[Signed] = []
            try:
                self._settle_others()
                signer = self._signer(act, person, attempt, kept)
            except Exception as fault:
                self._release(act.number, _nothing_sent(fault), attempt)
                raise
            content = act.content
            try:
                self._check_unchanged(act)
                with acting_as(f"person:{person.name}", address):
                    done = content.kind.perform(
                        content.asked, self._view, self._contracts[content.contract], signer
                    )
            except (InputFault, ContractReverted) as fault:
                self._refuse(act.number, fault, attempt)
                if isinstance(fault, ActConflict):
                    raise
                raise ActConflict("refused", fault.what, remedy=fault.remedy) from fault
            except Exception as fault:
                if not kept:
                    self._release(act.number, _nothing_sent(fault), attempt)
                    raise
                # It was perhaps sent: the chain says what became of it.
                self._settlement.settle(act.number)
            else:
                note = ""
                if done.reason is not None:
                    note = f"nobody can open the reason; its salt is {done.reason.salt.hex()}"
                outcome = Outcome(State.SIGNED, note, done.receipts[0].block)
                self._settlement.end(act.number, outcome)

    def _check_unchanged(self, act: PreparedAct) -> None:
        code = code_facts(self._view, self._rpc, act.content.asked)
        changed = [*changed_since(act.content, self._view), *changes(act.content.facts, code)]
        if changed:
            raise ActConflict(
                "overtaken",
                f"{act.subject} has changed since act {act.number} was prepared: "
                f"{'; '.join(changed)}",
                remedy="Look at it again; what is still right is prepared anew",
            )

    def _signer(self, act: PreparedAct, person: Person, attempt: str, kept: list[Signed]) -> Signer:
        """The key for one act; its bytes are stored, and put into `kept`, before they are sent."""
        purpose = act.content.key
        account = self._operator() if purpose == "operator" else self._opened_approver()

        def keep(signed: Sequence[Signed], connection: Connection | None) -> None:
            own = self._view.engine.begin() if connection is None else nullcontext(connection)
            with own as writing:
                store.keep_signed(writing, act.number, attempt, person, account.address, signed)
            kept.extend(signed)

        return Signer(
            self._rpc,
            account,
            self._view.bank,
            purpose,
            outbox=self._view.engine if purpose == "operator" else None,
            reasons=self._reasons,
            before_sending=keep,
        )

    def _opened_approver(self) -> LocalAccount:
        assert self._approver is not None, "who may sign was asked before"
        try:
            return self._approver()
        except KeyUnusable as fault:  # it may name paths, which are not for everybody
            _log.error("approver key", why=str(fault))
            raise SigningIsOff("the approver key of this node does not open") from None

    def _settle_others(self) -> None:
        """Raises ChainFault while an earlier act is on its way: it would lose its place."""
        on_their_way = self._settlement.settle_sent()
        if on_their_way:
            raise ChainFault(
                f"act {on_their_way[0]} is signed and not on the chain yet",
                remedy="Sign this one once that one is through",
            )

    def _refuse(self, number: int, fault: TallyError, attempt: str) -> None:
        with self._view.engine.begin() as connection:
            note = str(fault)
            store.move(connection, number, State.SIGNING, State.REFUSED, note=note, attempt=attempt)
            act = store.one_act(connection, number)
        store.log_state(act, None)

    def _release(self, number: int, note: str, attempt: str | None = None) -> None:
        """Let an act wait again of which nothing was sent."""
        with self._view.engine.begin() as connection:
            store.move(
                connection,
                number,
                State.SIGNING,
                State.PREPARED,
                note=note,
                attempt=attempt,
                claim=None,
                claimed_until=None,
            )


def _nothing_sent(fault: Exception) -> str:
    # The type alone of what nobody foresaw: it may quote what others wrote.
    why = str(fault) if isinstance(fault, TallyError) else type(fault).__name__
    return f"nothing was sent: {why}"
