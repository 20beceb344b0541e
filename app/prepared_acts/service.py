"""Preparing, signing and withdrawing: four eyes within a bank, held here and not by the pages."""

import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from sqlalchemy import Connection

from app.actions.days import check_statement, day_to_answer, find_account
from app.actions.facilities import ProposeFacility
from app.actions.holds import ReleaseHolds
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
from app.domain.errors import (
    ChainFault,
    ChainUnreachable,
    InputFault,
    TallyError,
    UsageFault,
)
from app.keys.errors import KeyUnusable
from app.people.person import Person
from app.people.roles import Right
from app.prepared_acts import store
from app.prepared_acts.agreement_contents import contents
from app.prepared_acts.agreement_facts import (
    change_facts,
    facility_facts,
    proposal_facts,
    upgraded_to,
)
from app.prepared_acts.errors import ActConflict, NotAllowed, SigningIsOff
from app.prepared_acts.facts import account_facts, break_facts, changes, facts_of
from app.prepared_acts.kinds import Content, Facts
from app.prepared_acts.lifecycle import State
from app.prepared_acts.requests import Request
from app.prepared_acts.settlement import Outcome, Settlement
from app.prepared_acts.store import PreparedAct
from app.readmodel.pairs import queries

EXPIRES_AFTER = timedelta(days=3)
"""How long an act waits for its signature."""

SIGNING_TAKES = timedelta(seconds=90)
"""After so long, a signature that has stored nothing was cut off: it stores nothing any more."""

_ANSWER_WITHIN_S = 8.0
"""How long who signs waits for the chain; then the act is shown as sent."""

CODE_HASH = "Code hash (keccak-256)"

_log = structlog.get_logger()


@dataclass(slots=True)
class Batch:
    """What became of many acts that were to be prepared together. `number`: that of the batch, None
    where none was; `refused`: each with what was wrong."""

    number: int | None
    prepared: list[int]
    refused: list[tuple[Request, InputFault]]


class PreparedActs:
    """The prepared acts of one bank. Safe for threads."""

    def __init__(
        self,
        view: View,
        rpc: Rpc,
        manifest: Manifest,
        approver: Callable[[], LocalAccount] | None,
        operator: Callable[[], LocalAccount],
    ) -> None:
        """`approver` opens the bank's approver key, anew for each signature; None: nothing is
        prepared or signed here. `operator` gives the key that posts, which holds take. `rpc` is a
        client of this service's own."""
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
        self._settlement = Settlement(rpc)
        self._key_in_use = threading.Lock()
        """One act of the key at a time: two would take the same nonce."""

    @property
    def signs(self) -> bool:
        """Whether this node has an approver key to sign with."""
        return self._approver is not None

    def facts(self, request: Request) -> Facts:
        """What a request would be prepared against now. Raises UsageFault as `prepare` does."""
        return facts_of(request.asked(self._view), self._view)

    def facts_of_break(self, number: int) -> Facts:
        """What any act about a break would be prepared against now."""
        return break_facts(self._view, number)

    def facts_of_account(self, facility: str, partner: str) -> Facts:
        """The same of an account's statements and reopenings, but for a new statement."""
        return account_facts(self._view, find_account(self._view, facility, partner))

    def differences(self, facility: str, partner: str) -> str:
        """Where the other bank's statement that waits is not what this bank's own legs come to, in
        words; empty where it is."""
        account = find_account(self._view, facility, partner)
        try:
            check_statement(self._view, account, day_to_answer(self._view, account))
        except UsageFault as fault:
            return fault.what
        return ""

    def prepare(
        self,
        person: Person,
        request: Request,
        shown: Facts | None = None,
        batch: int | None = None,
        on_prepared: Callable[[Connection, int], None] | None = None,
    ) -> PreparedAct:
        """Prepare an act for another person's signature. `shown`: the facts that the person saw;
        `batch`: the first act of those that it is prepared with; `on_prepared`: called with its
        number in the transaction that stores it.

        Raises NotAllowed, SigningIsOff, ActConflict where something has changed since, or another
        act about the same waits, and UsageFault for what cannot be asked.
        """
        _check_may(person, "prepare")
        if self._approver is None:
            raise SigningIsOff
        asked = request.asked(self._view)
        facts = facts_of(asked, self._view)
        if shown is not None and (changed := changes(shown, facts)):
            raise ActConflict(
                "overtaken",
                f"{asked.subject} has changed since it was shown: {'; '.join(changed)}",
                remedy="Look at it again",
            )
        try:
            facts |= self._code_facts(asked)
        except ChainFault:
            raise UsageFault(
                "the code that the upgrade would bring cannot be read from the chain now",
                remedy="Try again once the chain answers",
            ) from None
        content = Content(request.act, asked, facts, person.id)
        facility, partner, pair = self._about(asked)
        if not isinstance(asked, ProposeFacility):  # which has no parties yet
            self._check_party(facility, partner)
        now = datetime.now(UTC)
        self._expire(now)
        with self._view.engine.begin() as connection:
            waiting = store.waiting_of(connection, asked.subject)
            if waiting is not None:
                raise _waits_already(waiting)
            number = store.add(
                connection,
                content,
                person,
                facility=facility,
                partner=partner,
                pair=pair,
                batch=batch,
                expires_at=now + EXPIRES_AFTER,
            )
            if on_prepared is not None:
                on_prepared(connection, number)
            made = store.one_act(connection, number)
        self._log_state(made, person)
        return made

    def prepare_batch(self, person: Person, requests: Sequence[Request]) -> Batch:
        """Prepare many acts, each on its own, to be signed together. Raises NotAllowed,
        SigningIsOff, and UsageFault for more than are signed together, and for acts about anything
        but breaks; what is refused of one act stands beside it."""
        _check_may(person, "prepare")
        if self._approver is None:
            raise SigningIsOff
        if len(requests) > store.MOST_IN_BATCH:
            raise UsageFault(
                f"{len(requests):,} acts are more than the {store.MOST_IN_BATCH} of one batch",
                remedy="Prepare them in several",
            )
        if any(not request.act.startswith("breaks.") for request in requests):
            raise UsageFault(
                "acts about breaks alone are prepared together: who signs sees them in one list",
                remedy="Prepare the others one by one",
            )
        made = Batch(None, [], [])
        for request in requests:
            try:
                act = self.prepare(person, request, batch=made.number)
            except InputFault as fault:
                made.refused.append((request, fault))
                continue
            if made.number is None:
                made.number = act.number
                with self._view.engine.begin() as connection:
                    store.begin_batch(connection, act.number)
            made.prepared.append(act.number)
        return made

    def batch(self, number: int) -> list[PreparedAct]:
        """The acts that were prepared together. Raises UnknownAct."""
        with self._view.engine.connect() as connection:
            return store.batch_of(connection, number)

    def check_batch_signature(
        self, person: Person, number: int, shown_hash: str
    ) -> list[PreparedAct]:
        """Those of a batch that this person is about to sign; raises as `sign` does. It uses no
        second factor up."""
        _check_may(person, "sign")
        if self._approver is None:
            raise SigningIsOff
        self._expire(datetime.now(UTC))
        acts = self.batch(number)
        waiting = [one for one in acts if one.state is State.PREPARED]
        if not waiting:
            raise ActConflict("not-waiting", f"nothing of batch {number} waits any more")
        if any(one.content.prepared_by == person.id for one in waiting):
            raise NotAllowed(
                "nobody signs what he has prepared himself", remedy="Another approver signs it"
            )
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

        self._answer_within(work, f"sign batch {number}")
        return self.batch(number)

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
            raise _not_waiting(self.act(number))
        address = current_address.get()
        self._answer_within(lambda: self._sign(act, person, attempt, address), f"sign {number}")
        return self.act(number)

    def withdraw(self, person: Person, number: int) -> PreparedAct:
        """Take an act back that nobody has signed. Raises NotAllowed, UnknownAct, ActConflict."""
        _check_may(person, "prepare", "sign")
        self._expire(datetime.now(UTC))
        with self._view.engine.begin() as connection:
            act = store.one_act(connection, number)
            if not store.move(connection, number, State.PREPARED, State.WITHDRAWN, person=person):
                raise _not_waiting(act)
            withdrawn = store.one_act(connection, number)
        self._log_state(withdrawn, person)
        return withdrawn

    def act(self, number: int) -> PreparedAct:
        """Raises UnknownAct."""
        with self._view.engine.connect() as connection:
            return store.one_act(connection, number)

    def changed(self, act: PreparedAct) -> list[str]:
        """What has changed since an act was prepared, in words; empty where nothing has."""
        return changes(act.content.facts, facts_of(act.content.asked, self._view))

    def contents(self, act: PreparedAct) -> Facts:
        """What an act asks, decoded, as far as neither its words nor its facts say it."""
        try:
            return contents(self._view, act.content.asked)
        except UsageFault as fault:  # it was overtaken so that nobody could ask for it now
            return {"Asked for": fault.what}

    def facts_of_facility(self, facility: str) -> Facts:
        """What an act about a facility would be prepared against now."""
        return facility_facts(self._view, facility)

    def facts_of_change(self, facility: str, change: int) -> Facts:
        """The same of an act about one of its changes."""
        return change_facts(self._view, facility, change)

    def facts_of_proposal(self, number: int) -> Facts:
        """The same of an act about a proposal to the consortium, but for the code of an upgrade,
        which is asked of the chain when an act is prepared and again when it is signed."""
        return proposal_facts(self._view, number)

    def look(self) -> None:
        """Settle what was sent and is open, give up what was cut off, and let expire what nobody
        has signed. Raises ChainFault."""
        now = datetime.now(UTC)
        self._expire(now)
        with self._view.engine.connect() as connection:
            cut_off = store.abandoned(connection, now)
            sent = store.numbers_in(connection, State.SENT)
        for number in cut_off:
            self._release(number, "signing was cut off before anything was sent; sign it again")
        # Who signs holds the key, and settles what was sent himself.
        if sent and self._key_in_use.acquire(blocking=False):
            try:
                for number in sent:
                    self._settle(number)
            finally:
                self._key_in_use.release()

    def check_signature(self, person: Person, number: int, shown_hash: str) -> PreparedAct:
        """What this person is about to sign; raises as `sign` does. It uses no second factor up."""
        _check_may(person, "sign")
        if self._approver is None:
            raise SigningIsOff
        self._expire(datetime.now(UTC))
        act = self.act(number)
        if act.content.prepared_by == person.id:
            raise NotAllowed(
                "nobody signs what he has prepared himself", remedy="Another approver signs it"
            )
        if act.state is not State.PREPARED:
            raise _not_waiting(act)
        if shown_hash != act.hash or act.content.hash != act.hash:
            raise ActConflict(
                "other-content",
                f"act {number} is another one than the one that was shown",
                remedy="Look at it again, then sign",
            )
        return act

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
                claimed_until=store.timestamp(datetime.now(UTC) + SIGNING_TAKES),
            )
        return attempt if is_ours else None

    def _answer_within(self, work: Callable[[], None], name: str) -> None:
        """Work in a thread of its own, and come back after some seconds at the latest: the chain
        may stand still for longer than anybody waits for an answer."""
        answer: Future[None] = Future()

        def run() -> None:
            try:
                work()
                answer.set_result(None)
            except BaseException as fault:
                answer.set_exception(fault)

        threading.Thread(target=run, name=name, daemon=True).start()
        with suppress(TimeoutError):
            answer.result(_ANSWER_WITHIN_S)

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
                self._settle(act.number)
            else:
                note = (
                    ""
                    if done.reason is None
                    else f"nobody can open the reason; its salt is {done.reason.salt.hex()}"
                )
                self._end(act.number, Outcome(State.SIGNED, note, done.receipts[0].block))

    def _check_unchanged(self, act: PreparedAct) -> None:
        code = self._code_facts(act.content.asked)
        changed = [*self.changed(act), *changes(act.content.facts, code)]
        if changed:
            raise ActConflict(
                "overtaken",
                f"{act.subject} has changed since act {act.number} was prepared: "
                f"{'; '.join(changed)}",
                remedy="Look at it again; what is still right is prepared anew",
            )

    def _code_facts(self, asked: object) -> Facts:
        """The code that an upgrade would put behind a contract, as the chain has it now. Raises
        ChainFault."""
        address = upgraded_to(self._view, asked)
        if address is None:
            return {}
        read: list[str] = []
        self._answer_within(
            lambda: read.append(self._rpc.call("eth_getCode", [address, "latest"])), "read code"
        )
        if not read:
            raise ChainUnreachable("the chain did not answer in time")
        code = keccak(hexstr=read[0])
        return {CODE_HASH: "there is no code" if code == keccak(b"") else "0x" + code.hex()}

    def _check_party(self, facility: str | None, partner: str | None) -> None:
        """Raises UsageFault where this bank has no part in the facility, or in the account."""
        if facility is None:
            return
        terms, bank = self._view.facility(facility).terms, self._view.bank
        if partner is not None and bank not in (terms.lead, partner):
            raise UsageFault(
                f"{bank} is no party of {partner}'s account in {facility}",
                remedy="Its lead and that partner act about it",
            )
        if bank not in terms.banks:
            raise UsageFault(f"{bank} is no party of {facility}", remedy="Its parties act about it")

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
        with self._view.engine.connect() as connection:
            sent = store.numbers_in(connection, State.SENT)
        for number in sent:
            if not self._settle(number):
                raise ChainFault(
                    f"act {number} is signed and not on the chain yet",
                    remedy="Sign this one once that one is through",
                )

    def _settle(self, number: int) -> bool:
        """Whether it has ended."""
        with self._view.engine.connect() as connection:
            sent = store.sent_of(connection, number)
        outcome = self._settlement.look(sent)
        if outcome is not None:
            self._end(number, outcome)
        return outcome is not None

    def _end(self, number: int, outcome: Outcome) -> None:
        with self._view.engine.begin() as connection:
            store.move(
                connection,
                number,
                State.SENT,
                outcome.state,
                note=outcome.note,
                block_number=outcome.block,
            )
            act = store.one_act(connection, number)
        self._log_state(act, None)

    def _refuse(self, number: int, fault: TallyError, attempt: str) -> None:
        with self._view.engine.begin() as connection:
            store.move(
                connection,
                number,
                State.SIGNING,
                State.REFUSED,
                note=str(fault),
                attempt=attempt,
            )
            act = store.one_act(connection, number)
        self._log_state(act, None)

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

    def _expire(self, now: datetime) -> None:
        with self._view.engine.connect() as connection:
            overdue = store.overdue(connection, now)
        if overdue:
            with self._view.engine.begin() as connection:
                for number in overdue:
                    store.move(connection, number, State.PREPARED, State.EXPIRED)

    def _about(self, asked: object) -> tuple[str | None, str | None, int | None]:
        """Facility, partner and, of a break, the number of its pair; None where it has none."""
        account = getattr(asked, "account", None)
        if account is not None:
            return account.facility, account.partner, None
        if isinstance(asked, ProposeFacility):
            return asked.terms.id, None, None
        if isinstance(asked, ReleaseHolds):
            return self._view.names().facility_id(asked.holds[0].facility), None, None
        facility: str | None = getattr(asked, "facility", None)
        number: int | None = getattr(asked, "number", None)
        if facility is not None or number is None:
            return facility, getattr(asked, "partner", None), None
        with self._view.engine.connect() as connection:
            pair = queries.pair(connection, number)
        assert pair is not None, "what was asked was found"
        return pair.facility, pair.partner, number

    def _log_state(self, act: PreparedAct, person: Person | None) -> None:
        _log.info(
            "prepared act",
            number=act.number,
            act=act.content.act,
            subject=act.subject,
            state=act.state.value,
            person=None if person is None else person.id,
        )


def _check_may(person: Person, *rights: Right) -> None:
    """Raises NotAllowed unless the person has one of these rights."""
    if not any(person.may(one) for one in rights):
        raise NotAllowed(
            f"{person.display_name} may not {' or '.join(rights)} acts of this bank",
            remedy="An administrator gives the roles officer (prepares) and approver (signs)",
        )


def _waits_already(act: PreparedAct) -> ActConflict:
    return ActConflict(
        "waiting-already",
        f"act {act.number} about {act.subject} waits already, prepared by {act.log[0].person_name}",
        remedy="Sign it or withdraw it first",
    )


def _not_waiting(act: PreparedAct) -> ActConflict:
    newest = act.log[-1]
    by = f" by {newest.person_name}" if newest.person_name else ""
    return ActConflict("not-waiting", f"act {act.number} is {act.state}{by} and waits no more")


def _nothing_sent(fault: Exception) -> str:
    # The type alone of what nobody foresaw: it may quote what others wrote.
    why = str(fault) if isinstance(fault, TallyError) else type(fault).__name__
    return f"nothing was sent: {why}"
